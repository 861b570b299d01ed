#include "client/cli/exec/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "client/cli/exec/descriptor.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
// What it writes elsewhere is nobody else's to read unless what was approved says so.
constexpr mode_t kMask = 077;

// Pointers for exec, null at the end. Borrows `texts`.
std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Runs between fork and exec in a process that had threads: only what is async-signal-safe.
//
// It is not tied to our life by PR_SET_PDEATHSIG: when this runner is killed, a migration that goes on to its
// end does less harm than one cut off in the middle, and in either case the broker sees the lease end, calls
// the execution AMBIGUOUS and keeps the target until a human has looked.
[[noreturn]] void BecomeCommand(const Command& command, char* const* argv, char* const* environment,
                                int input, int report) {
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(kMask);
  // By descriptors: a path could lead elsewhere by now. Of a script in that directory the path is relative.
  const bool connected = dup2(input, STDIN_FILENO) == STDIN_FILENO &&
                         (command.output < 0 || dup2(command.output, STDOUT_FILENO) == STDOUT_FILENO);
  if (connected && fchdir(command.directory) == 0 && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0 &&
      (command.kept < 0 || fcntl(command.kept, F_SETFD, 0) == 0)) {
    if (command.program.is_script()) {
      execve(command.program.path().c_str(), argv, environment);
    } else {
      fexecve(command.program.descriptor(), argv, environment);
    }
  }
  const int problem = errno;
  (void)!write(report, &problem, sizeof(problem));
  _exit(kNotFound);
}

}  // namespace

Outcome RunCommand(const Command& command, SignalRelay& relay) {
  std::vector<std::string> assignments;
  for (const auto& [name, value] : command.environment) assignments.push_back(text::Concat(name, "=", value));
  const auto argv = Pointers(command.argv);
  const auto environment = Pointers(assignments);
  // What comes through our own standard input was not approved.
  const Descriptor input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input.is_open()) return {kNotExecutable, text::Concat("/dev/null: ", std::strerror(errno))};
  int report[2];  // Closed by a successful exec; else it brings the error.
  if (pipe2(report, O_CLOEXEC) != 0) return {kNotExecutable, std::strerror(errno)};
  int problem = 0;
  const pid_t child = relay.StartChild([&] {
    const pid_t forked = fork();
    if (forked == 0) BecomeCommand(command, argv.data(), environment.data(), input.get(), report[1]);
    if (forked < 0) problem = errno;
    return forked;
  });
  close(report[1]);
  if (child < 0) {
    close(report[0]);
    return {kNotExecutable,
            problem != 0 ? std::strerror(problem) : "a signal asked to stop before it was started"};
  }
  while (read(report[0], &problem, sizeof(problem)) < 0 && errno == EINTR) {
  }
  close(report[0]);
  const int status = relay.WaitForChild();
  if (problem != 0) return {problem == ENOENT ? kNotFound : kNotExecutable, std::strerror(problem)};
  return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), ""};
}

}  // namespace countersign::cli
