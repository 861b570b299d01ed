#include "server/planread/plan_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "core/error/error.h"
#include "core/terraform/sensitive_attributes.h"
#include "core/text/text.h"
#include "server/planread/protocol.h"

namespace countersign::planread {
namespace {

absl::Status Unreadable(std::string_view why) { return error::Make(v1::PLAN_UNREADABLE, why); }

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { Close(); }
  int number() const { return number_; }
  void Close() {
    if (number_ >= 0) close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

// A running reader. Ended and waited for when it goes out of scope.
class Process {
 public:
  // Null descriptors and a pid of -1 when it could not be started.
  static Process Start(const std::string& program);
  Process(Process&& other) noexcept
      : input(std::move(other.input)), output(std::move(other.output)), pid_(std::exchange(other.pid_, -1)) {}
  ~Process() { End(); }

  bool started() const { return pid_ > 0; }
  // Kills it unless it has ended; its wait status, once.
  int End() {
    if (pid_ <= 0) return 0;
    kill(pid_, SIGKILL);
    return Wait();
  }
  int Wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

  Descriptor input;   // What it reads.
  Descriptor output;  // What it has written.

 private:
  Process() = default;
  pid_t pid_ = -1;
};

Process Process::Start(const std::string& program) {
  Process process;
  int to[2];
  int from[2];
  // Sockets rather than pipes: writing to one whose reader has died is an error and not a signal.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to) != 0) return process;
  Descriptor their_input(to[1]);
  process.input = Descriptor(to[0]);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, from) != 0) return process;
  Descriptor their_output(from[1]);
  process.output = Descriptor(from[0]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, their_input.number(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, their_output.number(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string name = program;
  char* const arguments[] = {name.data(), nullptr};
  // Its memory in large pages where the machine has them: it lives so briefly that the first touch of each
  // small one is a tenth of its time.
  std::string large_pages = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1";
  char* const environment[] = {large_pages.data(), nullptr};
  pid_t pid = -1;
  if (posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments, environment) == 0) {
    process.pid_ = pid;
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return process;
}

// Gives `parts` to the process and takes what it answers, both at once, so that neither waits for the other.
// False when the time is over or the answer is too long.
bool Exchange(Process* process, std::string_view head, std::string_view bytes, const base::Clock& clock,
              absl::Time deadline, std::string* answer) {
  std::string_view parts[] = {head, bytes};
  size_t part = 0;
  char buffer[1 << 16];
  for (;;) {
    while (part < 2 && parts[part].empty()) ++part;
    if (part == 2) process->input.Close();
    pollfd watched[] = {{process->output.number(), POLLIN, 0}, {process->input.number(), POLLOUT, 0}};
    const absl::Duration left = deadline - clock.Now();
    if (left <= absl::ZeroDuration()) return false;
    const int wait = static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 60'000));
    if (poll(watched, 2, wait) < 0 && errno != EINTR) return false;
    if (watched[1].revents != 0 && part < 2) {
      const ssize_t sent =
          send(process->input.number(), parts[part].data(), parts[part].size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      // It may refuse before it has read everything; its answer is still to come.
      if (sent < 0 && errno != EAGAIN && errno != EINTR) part = 2;
      if (sent > 0) parts[part].remove_prefix(static_cast<size_t>(sent));
    }
    if (watched[0].revents != 0) {
      const ssize_t count = recv(process->output.number(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (count == 0) return true;
      if (count < 0 && errno != EAGAIN && errno != EINTR) return true;
      if (count > 0) answer->append(buffer, static_cast<size_t>(count));
      if (answer->size() > kMaxViewBytes) return false;
    }
  }
}

// The refusal of a process that is not trusted: one line that can be shown.
std::string OneLine(std::string text) {
  text.resize(std::min(text.size(), kMaxRefusalBytes));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return text;
}

// With its size before it.
std::string Table(const std::vector<std::string>& names) {
  std::string lines;
  for (const std::string& name : names) lines += name + "\n";
  const std::string size = std::to_string(lines.size());
  return std::string(kTableSizeDigits - std::min(size.size(), kTableSizeDigits), '0') + size + lines;
}

std::string BesideThisProgram() {
  std::string path(4096, '\0');
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return "countersign-planread";
  path.resize(static_cast<size_t>(size));
  path.resize(path.rfind('/') + 1);
  return path + "countersign-planread";
}

}  // namespace

absl::Status CheckSensitiveAttributes(const std::vector<std::string>& names, std::string_view setting) {
  constexpr size_t kMostNames = 10'000;
  if (names.size() > kMostNames) {
    return error::InvalidField(setting, text::Concat("must not be more than ", kMostNames));
  }
  size_t bytes = 0;
  size_t position = 0;
  for (const std::string& name : names) {
    ++position;
    if (!terraform::SensitiveAttributes().Add(name)) {
      return error::InvalidField(
          setting, text::Concat("must be {type}.{attribute} each, such as aws_thing.content; number ",
                                position, " is not"));
    }
    bytes += name.size() + 1;
  }
  if (bytes <= kMaxTableBytes) return absl::OkStatus();
  return error::InvalidField(setting,
                             text::Concat("must not be more than ", kMaxTableBytes, " bytes together"));
}

ProcessPlanReader::ProcessPlanReader(const Options& options, const base::Clock* clock)
    : options_{options.program.empty() ? BesideThisProgram() : options.program, options.salt,
               options.time_limit, options.sensitive_attributes},
      head_(options.salt + Table(options.sensitive_attributes)),
      clock_(clock) {}

absl::Status ProcessPlanReader::Check() {
  const auto nothing = Read("", clock_->Now() + options_.time_limit);
  return error::ReasonOf(nothing.status()) == v1::INTERNAL ? nothing.status() : absl::OkStatus();
}

absl::StatusOr<v1::PlanView> ProcessPlanReader::Read(std::string_view bytes, absl::Time deadline) {
  if (options_.salt.size() != kSaltSize)
    return error::Make(v1::INTERNAL, "the salt of plan views is missing");
  Process process = Process::Start(options_.program);
  const auto cannot_start = [&] {
    return error::Make(v1::INTERNAL, text::Concat("this broker cannot read plans: ", options_.program,
                                                  " cannot be started or confined"));
  };
  if (!process.started()) return cannot_start();
  std::string answer;
  const absl::Time until = std::min(deadline, clock_->Now() + options_.time_limit);
  if (!Exchange(&process, head_, bytes, *clock_, until, &answer)) {
    process.End();
    return Unreadable("reading the plan takes longer, or says more, than is allowed; make smaller plans");
  }
  const int status = process.Wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotConfined) return cannot_start();
  if (WIFEXITED(status) && WEXITSTATUS(status) == kRefused) return Unreadable(OneLine(std::move(answer)));
  v1::PlanView view;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != kRead || !view.ParseFromString(answer)) {
    return Unreadable("the process that read the plan did not come to an end with it; the plan is refused");
  }
  return view;
}

}  // namespace countersign::planread
