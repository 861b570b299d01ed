#include "tests/support/subprocess.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <future>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/executor.h"
#include "tests/support/fatal.h"

namespace countersign::testing {
namespace {

using Instant = std::chrono::steady_clock::time_point;

int MillisecondsUntil(Instant until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30));
}

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) FatalErrno("pipe");
    read = ends[0];
    write = ends[1];
  }
};

std::vector<std::string> EnvironmentOf(const SubprocessOptions& options) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; options.inherit_environment && *entry != nullptr; ++entry) {
    const std::pair<std::string, std::string> variable = absl::StrSplit(*entry, absl::MaxSplits('=', 1));
    variables.insert(variable);
  }
  for (const auto& [name, value] : options.environment) variables[name] = value;
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) environment.push_back(absl::StrCat(name, "=", value));
  return environment;
}

std::string LookUp(const std::string& program) {
  if (absl::StrContains(program, "/")) return program;
  const char* path = std::getenv("PATH");
  for (const absl::string_view directory : absl::StrSplit(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    std::string candidate = absl::StrCat(directory, "/", program);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  Fatal(absl::StrCat("no program ", program, " in PATH"));
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

int OpenForAppending(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) FatalErrno(absl::StrCat("cannot open ", path));
  return fd;
}

// All that the child needs, made before fork(): after it, only what is async-signal-safe may be called.
struct Launch {
  std::string program;
  std::vector<char*> argv;
  std::vector<char*> environment;
  const SubprocessOptions* options;
  int in;
  int out;
  int err;
  pid_t parent;
};

[[noreturn]] void Child(const Launch& launch) {
  const SubprocessOptions& options = *launch.options;
  bool ok = dup2(launch.in, 0) == 0 && dup2(launch.out, 1) == 1 && dup2(launch.err, 2) == 2;
  // The system calls themselves: the library's functions would look for the parent's threads.
  if (options.group.has_value()) {
    ok = ok && syscall(SYS_setgroups, 0, nullptr) == 0 && syscall(SYS_setgid, *options.group) == 0;
  }
  if (options.user.has_value()) ok = ok && syscall(SYS_setuid, *options.user) == 0;
  // After the change of user, which forgets it.
  ok = ok && prctl(PR_SET_PDEATHSIG, options.parent_death_signal) == 0 && getppid() == launch.parent;
  if (!options.directory.empty()) ok = ok && chdir(options.directory.c_str()) == 0;
  signal(SIGPIPE, SIG_DFL);  // A program that ignores it would hand that down.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (ok) execve(launch.program.c_str(), launch.argv.data(), launch.environment.data());
  constexpr char kMessage[] = "cannot start the program\n";
  (void)!write(2, kMessage, sizeof kMessage - 1);
  _exit(127);
}

// Forks on a thread that lives as long as the process: the parent's death, to the kernel, is that of the
// thread which forked.
pid_t Fork(const Launch& launch) {
  static auto* const executor = new base::Executor(1, 1000);
  std::promise<pid_t> forked;
  const bool queued = executor->TrySubmit([&] {
    const pid_t pid = fork();
    if (pid == 0) Child(launch);
    forked.set_value(pid);
  });
  if (!queued) Fatal("cannot start a process");
  const pid_t pid = forked.get_future().get();
  if (pid < 0) FatalErrno("fork");
  return pid;
}

Exit ExitOf(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {.exited = true, .code = info.si_status, .signal = 0};
  return {.exited = false, .code = -1, .signal = info.si_status};
}

}  // namespace

Subprocess::Subprocess(SubprocessOptions options) : stop_fd_(eventfd(0, EFD_CLOEXEC)) {
  const Pipe in;
  const Pipe out;
  const Pipe err;
  std::vector<std::string> environment = EnvironmentOf(options);
  const Launch launch = {
      .program = LookUp(options.argv.at(0)),
      .argv = Pointers(options.argv),
      .environment = Pointers(environment),
      .options = &options,
      .in = in.read,
      .out = options.stdout_path.empty() ? out.write : OpenForAppending(options.stdout_path),
      .err = options.stderr_path.empty() ? err.write : OpenForAppending(options.stderr_path),
      .parent = getpid(),
  };
  pid_ = Fork(launch);
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pidfd_ < 0) FatalErrno("pidfd_open");
  fcntl(in.write, F_SETPIPE_SZ, 1 << 16);
  if (write(in.write, options.stdin_text.data(), options.stdin_text.size()) < 0)
    FatalErrno("write to a child");
  if (launch.out != out.write) close(launch.out);
  if (launch.err != err.write) close(launch.err);
  for (const int fd : {in.read, in.write, out.write, err.write}) close(fd);
  reader_ = std::thread([this, out_fd = out.read, err_fd = err.read] { ReadOutput(out_fd, err_fd); });
}

Subprocess::~Subprocess() {
  Signal(SIGKILL);
  Wait(absl::InfiniteDuration());
  const uint64_t one = 1;
  (void)!write(stop_fd_, &one, sizeof one);
  reader_.join();
  close(stop_fd_);
  close(pidfd_);
}

void Subprocess::Signal(int signal) { syscall(SYS_pidfd_send_signal, pidfd_, signal, nullptr, 0); }

std::optional<Exit> Subprocess::Wait(absl::Duration timeout) {
  const absl::Duration bounded = std::min(timeout, absl::Hours(24));
  const Instant until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(bounded);
  pollfd descriptor = {pidfd_, POLLIN, 0};
  while (poll(&descriptor, 1, MillisecondsUntil(until)) <= 0) {
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
  }
  base::MutexLock lock(&mutex_);
  // What it wrote last may still be in the pipe; a grandchild may hold the pipe for longer than we care.
  const Instant patience = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (!output_closed_ && output_changed_.WaitUntil(&mutex_, patience)) {
  }
  if (!exit_.has_value()) {
    siginfo_t info = {};
    if (waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED) != 0) FatalErrno("waitid");
    exit_ = ExitOf(info);
  }
  return exit_;
}

bool Subprocess::WaitForOutput(const std::string& text, absl::Duration timeout) {
  const Instant until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  base::MutexLock lock(&mutex_);
  for (;;) {
    if (absl::StrContains(stdout_, text) || absl::StrContains(stderr_, text)) return true;
    if (output_closed_ || std::chrono::steady_clock::now() >= until) return false;
    output_changed_.WaitUntil(&mutex_, until);
  }
}

std::string Subprocess::Stdout() const {
  base::MutexLock lock(&mutex_);
  return stdout_;
}

std::string Subprocess::Stderr() const {
  base::MutexLock lock(&mutex_);
  return stderr_;
}

void Subprocess::ReadOutput(int out, int err) {
  pollfd descriptors[3] = {{out, POLLIN, 0}, {err, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  while ((descriptors[0].fd >= 0 || descriptors[1].fd >= 0) && descriptors[2].revents == 0) {
    if (poll(descriptors, 3, -1) < 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (descriptors[i].fd < 0 || descriptors[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t count = read(descriptors[i].fd, buffer, sizeof buffer);
      if (count <= 0) {
        descriptors[i].fd = -1;  // poll() passes over it.
        continue;
      }
      base::MutexLock lock(&mutex_);
      (i == 0 ? stdout_ : stderr_).append(buffer, static_cast<size_t>(count));
      output_changed_.NotifyAll();
    }
  }
  close(out);
  close(err);
  base::MutexLock lock(&mutex_);
  output_closed_ = true;
  output_changed_.NotifyAll();
}

Completed RunToEnd(SubprocessOptions options, absl::Duration timeout) {
  const std::string program = options.argv.at(0);
  Subprocess process(std::move(options));
  const auto exit = process.Wait(timeout);
  if (!exit.has_value()) {
    Fatal(absl::StrCat(program, " did not end within ", absl::FormatDuration(timeout), "; it wrote:\n",
                       process.Stdout(), process.Stderr()));
  }
  return {.exit = *exit, .out = process.Stdout(), .err = process.Stderr()};
}

}  // namespace countersign::testing
