#ifndef COUNTERSIGN_TESTS_SUPPORT_SUBPROCESS_H_
#define COUNTERSIGN_TESTS_SUPPORT_SUBPROCESS_H_

#include <sys/types.h>

#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "server/base/mutex.h"

namespace countersign::testing {

struct SubprocessOptions {
  std::vector<std::string> argv = {};                   // argv[0] is looked up in PATH.
  std::map<std::string, std::string> environment = {};  // Set on top of the inherited one.
  bool inherit_environment = true;
  std::string directory = {};    // "": the parent's.
  std::string stdin_text = {};   // Given on standard input, then closed. At most 64 KiB.
  std::string stdout_path = {};  // Appended to instead of captured, unless "".
  std::string stderr_path = {};
  std::optional<uid_t> user = {};  // Run as, when we are root; also the group.
  std::optional<gid_t> group = {};
  int parent_death_signal = SIGKILL;  // Sent when this process dies, however it dies.
};

struct Exit {
  bool exited = false;  // False: killed by `signal`.
  int code = -1;
  int signal = 0;
};

// A child process with its output captured. Thread-safe. Killed (SIGKILL) and reaped on destruction.
// Ends the test process if the child cannot be started.
class Subprocess {
 public:
  explicit Subprocess(SubprocessOptions options);
  explicit Subprocess(std::vector<std::string> argv)
      : Subprocess(SubprocessOptions{.argv = std::move(argv)}) {}
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Running() { return !Wait(absl::ZeroDuration()).has_value(); }
  // nullopt if it has not ended within `timeout`.
  std::optional<Exit> Wait(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until standard output or error holds `text`; false if it ended or `timeout` passed without.
  bool WaitForOutput(const std::string& text, absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

  // What it has written so far; all of it once Wait() has returned its exit.
  std::string Stdout() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::string Stderr() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void ReadOutput(int out, int err) ABSL_LOCKS_EXCLUDED(mutex_);

  pid_t pid_ = -1;
  int pidfd_ = -1;
  mutable base::Mutex mutex_;
  base::CondVar output_changed_;
  std::string stdout_ ABSL_GUARDED_BY(mutex_);
  std::string stderr_ ABSL_GUARDED_BY(mutex_);
  bool output_closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Exit> exit_ ABSL_GUARDED_BY(mutex_);
  int stop_fd_ = -1;  // Ends the reader when a grandchild keeps the pipes open.
  std::thread reader_;
};

// Runs to the end; ends the test process if that takes longer than `timeout`.
struct Completed {
  Exit exit;
  std::string out;
  std::string err;
  bool ok() const { return exit.exited && exit.code == 0; }
};
Completed RunToEnd(SubprocessOptions options, absl::Duration timeout = absl::Seconds(60));

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_SUBPROCESS_H_
