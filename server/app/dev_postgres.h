#ifndef COUNTERSIGN_SERVER_APP_DEV_POSTGRES_H_
#define COUNTERSIGN_SERVER_APP_DEV_POSTGRES_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/signals.h"

namespace countersign::app {

// The private PostgreSQL of `countersignd dev`, from the system's binaries, in one directory. It listens on a
// Unix socket only, and asks everybody for a password. It runs as an unprivileged user when this process is
// root's, and it is stopped when this process ends, however it ends. To be started, and destroyed, on the
// thread that lives as long as the process. Borrows `signals`.
class DevPostgres {
 public:
  // Makes the database cluster if there is none, ends what a killed predecessor left running, and starts.
  // FAILED_PRECONDITION says what the machine lacks.
  static absl::StatusOr<std::unique_ptr<DevPostgres>> Start(const std::string& directory,
                                                            const std::string& superuser_password,
                                                            Signals* signals);
  // Fast shutdown.
  ~DevPostgres();
  DevPostgres(const DevPostgres&) = delete;
  DevPostgres& operator=(const DevPostgres&) = delete;

  // Where the socket is; libpq's `host`.
  std::string socket_directory() const { return directory_ + "/run"; }
  // A libpq connection string.
  std::string Url(const std::string& database, const std::string& user, const std::string& password) const;
  // For the owners of files that the server must read.
  std::string log_file() const { return directory_ + "/log"; }

  // Whether the server has ended by itself.
  bool Ended();

 private:
  struct Account {
    uid_t user = 0;
    gid_t group = 0;
    bool change = false;  // We are root, and become this one.
  };

  DevPostgres(std::string directory, std::string binaries, Account account, Signals* signals);

  static absl::StatusOr<Account> ChooseAccount();
  absl::Status PrepareDirectories() const;
  absl::Status CheckReachable() const;
  absl::Status Initialize(const std::string& superuser_password) const;
  absl::Status EndPredecessor() const;
  absl::Status Launch();
  absl::Status AwaitAnswer(const std::string& superuser_password);
  absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& arguments, int death_signal) const;
  std::string LastLogLines() const;

  const std::string directory_;
  const std::string binaries_;
  const Account account_;
  Signals* const signals_;
  pid_t pid_ = -1;
};

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_DEV_POSTGRES_H_
