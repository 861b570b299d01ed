#ifndef COUNTERSIGN_TESTS_SUPPORT_POSTGRES_CLUSTER_H_
#define COUNTERSIGN_TESTS_SUPPORT_POSTGRES_CLUSTER_H_

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/subprocess.h"
#include "tests/support/temporary_directory.h"

namespace countersign::testing {

struct PostgresClusterOptions {
  bool fsync = true;
  int max_connections = 100;
};

// A private, throw-away PostgreSQL from this system's binaries, on a free port of 127.0.0.1 and on a socket
// in its own directory; as an unprivileged user when we are root. It dies with this process. Anyone on this
// machine may log in as any role: it holds nothing but test data. Every failure here, first of all missing
// binaries, ends the test process with a message: a test that needs a database never passes without one.
// Thread-safe but for Stop, Start, Restart and Kill9, which exclude each other.
class PostgresCluster {
 public:
  // The one shared by all tests of this process; started on first use, stopped at exit.
  static PostgresCluster& Shared();

  explicit PostgresCluster(PostgresClusterOptions options = {});
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  int port() const { return port_; }
  // Superuser unless `user` says otherwise. TCP; `port` allows for a gate in between.
  std::string Dsn(const std::string& database = "postgres", const std::string& user = "postgres") const;
  std::string DsnThrough(int gate_port, const std::string& database = "postgres",
                         const std::string& user = "postgres") const;
  std::string SocketDsn(const std::string& database = "postgres", const std::string& user = "postgres") const;

  // Makes a database with a name not used before, as a copy of `from`, and returns its name.
  std::string CreateDatabase(const std::string& from = "template1");
  void DropDatabase(const std::string& name);  // Throws out whoever uses it.
  // Runs SQL as the superuser.
  void Run(const std::string& database, const std::string& sql);

  void Stop();   // As pg_ctl stop -m fast.
  void Start();  // On the same port and data.
  void Restart() {
    Stop();
    Start();
  }
  void Kill9();  // The postmaster and all its children; nothing is flushed. Start() recovers.

  // What the server has logged, for a failing test's message.
  std::string ServerLog() const;
  static std::string BinaryDirectory();

 private:
  void Initialize();
  bool TryStart();
  SubprocessOptions As(std::vector<std::string> argv) const;

  const PostgresClusterOptions options_;
  TemporaryDirectory directory_;
  int port_ = 0;
  std::atomic<int> next_database_ = 0;
  std::unique_ptr<Subprocess> postmaster_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_POSTGRES_CLUSTER_H_
