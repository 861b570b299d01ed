#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_SIGNAL_RELAY_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_SIGNAL_RELAY_H_

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace countersign::cli {

// Takes SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 away from this process: before there is a
// child, the first four ask the process to stop; then all go to the child. Make it before any other thread,
// so that none takes the signals. The child must undo the mask (ChildMask). Thread-safe.
class SignalRelay {
 public:
  SignalRelay();
  ~SignalRelay();
  SignalRelay(const SignalRelay&) = delete;
  SignalRelay& operator=(const SignalRelay&) = delete;

  // Requested when a signal asked the process to stop before there was a child.
  std::stop_token stop() const { return stop_.get_token(); }

  // From now on signals go to the child that `start` makes: its process id, or -1. A stop that came before
  // prevents the start: -1.
  pid_t StartChild(const std::function<pid_t()>& start);
  // Reaps the child; its wait status. No signal is sent to a process that took its number.
  int WaitForChild();

 private:
  void Run();
  void Handle(int signal, bool from_terminal);

  int signals_ = -1;
  int wake_ = -1;
  std::stop_source stop_;
  std::mutex mutex_;
  pid_t child_ = -1;  // Guarded by mutex_.
  std::jthread thread_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_SIGNAL_RELAY_H_
