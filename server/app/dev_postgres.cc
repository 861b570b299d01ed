#include "server/app/dev_postgres.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "server/app/files.h"
#include "server/base/clock.h"
#include "server/postgres/connection.h"

namespace countersign::app {

namespace {

constexpr size_t kMaxSocketPath = 107;  // sun_path, less its terminator.
constexpr char kSocketName[] = "/.s.PGSQL.5432";
constexpr int kOldestVersion = 13;

// The newest version under Debian's directory, or what is on the PATH.
absl::StatusOr<std::string> FindBinaries() {
  constexpr char kVersions[] = "/usr/lib/postgresql";
  int newest = 0;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(kVersions, code)) {
    int version = 0;
    if (absl::SimpleAtoi(entry.path().filename().string(), &version) &&
        Exists(entry.path() / "bin/postgres") && Exists(entry.path() / "bin/initdb")) {
      newest = std::max(newest, version);
    }
  }
  if (newest >= kOldestVersion) return absl::StrCat(kVersions, "/", newest, "/bin");
  const char* path = getenv("PATH");
  for (const auto& part : absl::StrSplit(path == nullptr ? "" : path, ':', absl::SkipEmpty())) {
    const std::string directory(part);
    if (Exists(directory + "/postgres") && Exists(directory + "/initdb")) return directory;
  }
  return absl::FailedPreconditionError(
      "PostgreSQL's programs are missing; install them with `apt-get install postgresql` (13 or newer)");
}

// Everything a child needs between fork and exec, where nothing may be allocated.
struct Child {
  uid_t user = 0;
  gid_t group = 0;
  bool change_user = false;
  int output = -1;
  int death_signal = 0;
  pid_t parent = 0;
  sigset_t mask;
  const char* directory = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
};

[[noreturn]] void Become(const Child& child) {
  // A group of its own: ctrl-C is for us, and we stop the server in our order.
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(child.output, STDOUT_FILENO) < 0 ||
      dup2(child.output, STDERR_FILENO) < 0) {
    _exit(126);
  }
  if (child.change_user &&
      (setgroups(0, nullptr) != 0 || setgid(child.group) != 0 || setuid(child.user) != 0)) {
    _exit(126);
  }
  if (chdir(child.directory) != 0) _exit(126);
  // After the change of user, which forgets it. The parent may be gone already.
  if (prctl(PR_SET_PDEATHSIG, child.death_signal) != 0 || getppid() != child.parent) _exit(126);
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &child.mask, nullptr);
  execve(child.arguments[0], child.arguments, child.environment);
  _exit(127);
}

// A process that keeps its identity, whatever becomes of its number.
class Process {
 public:
  explicit Process(pid_t pid) : file_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~Process() {
    if (file_ >= 0) close(file_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool exists() const { return file_ >= 0; }
  void Signal(int signal) const { syscall(SYS_pidfd_send_signal, file_, signal, nullptr, 0); }
  bool EndsWithin(absl::Duration time) const {
    pollfd wait{.fd = file_, .events = POLLIN, .revents = 0};
    return poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(time))) == 1;
  }

 private:
  const int file_;
};

// All processes of a server whose data are in this directory: a server works in its data.
std::vector<pid_t> ServersIn(const std::string& data) {
  std::vector<pid_t> found;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", code)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    if (std::filesystem::read_symlink(entry.path() / "cwd", code) == data) found.push_back(pid);
  }
  return found;
}

// Fast, then immediate shutdown, then none at all; each keeps what was committed. False if somebody stays.
bool ShutDownAllIn(const std::string& data) {
  for (const int signal : {SIGINT, SIGQUIT, SIGKILL}) {
    for (const pid_t pid : ServersIn(data)) Process(pid).Signal(signal);
    const absl::Time until = base::SystemClock().Now() + absl::Seconds(15);
    for (const pid_t pid : ServersIn(data)) {
      const Process process(pid);
      if (process.exists())
        process.EndsWithin(std::max(until - base::SystemClock().Now(), absl::ZeroDuration()));
    }
    if (ServersIn(data).empty()) return true;
  }
  return false;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

DevPostgres::DevPostgres(std::string directory, std::string binaries, Account account, Signals* signals)
    : directory_(std::move(directory)),
      binaries_(std::move(binaries)),
      account_(account),
      signals_(signals) {}

absl::StatusOr<std::unique_ptr<DevPostgres>> DevPostgres::Start(const std::string& directory,
                                                                const std::string& superuser_password,
                                                                Signals* signals) {
  auto binaries = FindBinaries();
  if (!binaries.ok()) return binaries.status();
  const auto account = ChooseAccount();
  if (!account.ok()) return account.status();
  std::unique_ptr<DevPostgres> server(new DevPostgres(directory, *binaries, *account, signals));
  if (server->socket_directory().size() + sizeof kSocketName - 1 > kMaxSocketPath) {
    return absl::FailedPreconditionError(absl::StrCat(
        server->socket_directory(), " is too long a path for a Unix socket; use a shorter --data-dir"));
  }
  if (auto status = server->PrepareDirectories(); !status.ok()) return status;
  if (auto status = server->EndPredecessor(); !status.ok()) return status;
  if (!Exists(directory + "/data")) {
    if (auto status = server->Initialize(superuser_password); !status.ok()) return status;
  }
  if (auto status = server->Launch(); !status.ok()) return status;
  if (auto status = server->AwaitAnswer(superuser_password); !status.ok()) return status;
  return server;
}

absl::StatusOr<DevPostgres::Account> DevPostgres::ChooseAccount() {
  if (geteuid() != 0) return Account{geteuid(), getegid(), false};
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* entry = getpwnam(name); entry != nullptr)
      return Account{entry->pw_uid, entry->pw_gid, true};
  }
  return absl::FailedPreconditionError(
      "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`");
}

absl::Status DevPostgres::PrepareDirectories() const {
  for (const std::string& path : {directory_, socket_directory()}) {
    if (auto status = MakeDirectory(path, 0700); !status.ok()) return status;
    if (chmod(path.c_str(), 0700) != 0 ||
        (account_.change && chown(path.c_str(), account_.user, account_.group) != 0)) {
      return absl::ErrnoToStatus(errno, path);
    }
  }
  return account_.change ? CheckReachable() : absl::OkStatus();
}

// The other user must be able to pass every directory above.
absl::Status DevPostgres::CheckReachable() const {
  std::filesystem::path path;
  for (const auto& part : std::filesystem::path(directory_).parent_path()) {
    path /= part;
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return absl::ErrnoToStatus(errno, path.string());
    const bool passable =
        (info.st_mode & S_IXOTH) != 0 || (info.st_uid == account_.user && (info.st_mode & S_IXUSR) != 0);
    if (!passable) {
      return absl::FailedPreconditionError(
          absl::StrCat("PostgreSQL does not run as root, and the user it runs as cannot pass ", path.string(),
                       "; use another --data-dir, for example under /var/lib or /tmp"));
    }
  }
  return absl::OkStatus();
}

absl::Status DevPostgres::Initialize(const std::string& superuser_password) const {
  const std::string fresh = directory_ + "/data.new";
  const std::string password_file = directory_ + "/password.new";
  std::error_code code;
  std::filesystem::remove_all(fresh, code);
  if (auto status = WriteFile(password_file, superuser_password + "\n", 0600); !status.ok()) return status;
  if (account_.change && chown(password_file.c_str(), account_.user, account_.group) != 0) {
    return absl::ErrnoToStatus(errno, password_file);
  }
  // Not synced, for speed: a cluster that a power cut spoils before its first use is no loss.
  const auto child = Spawn(
      {binaries_ + "/initdb", "--pgdata", fresh, "--username", "postgres", "--auth", "scram-sha-256",
       "--pwfile", password_file, "--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions"},
      SIGKILL);
  if (!child.ok()) return child.status();
  int result = 0;
  while (waitpid(*child, &result, 0) < 0 && errno == EINTR) {
  }
  unlink(password_file.c_str());
  if (!WIFEXITED(result) || WEXITSTATUS(result) != 0) {
    return absl::FailedPreconditionError("initdb failed:\n" + LastLogLines());
  }
  // Under its name only when it is whole.
  if (rename(fresh.c_str(), (directory_ + "/data").c_str()) != 0) return absl::ErrnoToStatus(errno, fresh);
  return absl::OkStatus();
}

absl::Status DevPostgres::EndPredecessor() const {
  if (!ShutDownAllIn(directory_ + "/data")) {
    return absl::FailedPreconditionError("the PostgreSQL of a killed predecessor does not end");
  }
  // It names a process that is gone, or that has died and was not buried yet, which a new server would take
  // for alive.
  unlink((directory_ + "/data/postmaster.pid").c_str());
  return absl::OkStatus();
}

absl::Status DevPostgres::Launch() {
  // A socket that a killed server left; nobody serves it now.
  unlink((socket_directory() + kSocketName).c_str());
  unlink((socket_directory() + kSocketName + ".lock").c_str());
  auto child = Spawn({binaries_ + "/postgres", "-D", directory_ + "/data", "-c", "listen_addresses=", "-c",
                      "unix_socket_directories=" + socket_directory(), "-c", "unix_socket_permissions=0700",
                      "-c", "port=5432", "-c", "max_connections=60", "-c", "shared_buffers=64MB", "-c",
                      "max_wal_size=512MB", "-c", "log_checkpoints=off"},
                     SIGINT);
  if (!child.ok()) return child.status();
  pid_ = *child;
  return absl::OkStatus();
}

absl::StatusOr<pid_t> DevPostgres::Spawn(const std::vector<std::string>& arguments, int death_signal) const {
  const int output = open(log_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (output < 0) return absl::ErrnoToStatus(errno, log_file());
  std::vector<std::string> argument_texts = arguments;
  std::vector<std::string> environment_texts{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"};
  const std::vector<char*> argument_list = Pointers(argument_texts);
  const std::vector<char*> environment_list = Pointers(environment_texts);
  const Child prepared{.user = account_.user,
                       .group = account_.group,
                       .change_user = account_.change,
                       .output = output,
                       .death_signal = death_signal,
                       .parent = getpid(),
                       .mask = signals_->original_mask(),
                       .directory = directory_.c_str(),
                       .arguments = argument_list.data(),
                       .environment = environment_list.data()};
  const pid_t child = fork();
  if (child == 0) {
    Become(prepared);
  }
  const int code = errno;
  close(output);
  if (child < 0) return absl::ErrnoToStatus(code, "fork");
  return child;
}

absl::Status DevPostgres::AwaitAnswer(const std::string& superuser_password) {
  const absl::Time until = base::SystemClock().Now() + absl::Seconds(60);
  postgres::ConnectOptions options;
  options.dsn = Url("postgres", "postgres", superuser_password);
  for (;;) {
    const absl::Time now = base::SystemClock().Now();
    if (postgres::Connection::Connect(options, now + absl::Seconds(5)).ok()) return absl::OkStatus();
    if (Ended()) return absl::FailedPreconditionError("PostgreSQL does not start:\n" + LastLogLines());
    if (now > until) return absl::DeadlineExceededError("PostgreSQL does not answer:\n" + LastLogLines());
    if (signals_->WaitForEndFor(absl::Milliseconds(20)))
      return absl::CancelledError("asked to end while starting");
  }
}

std::string DevPostgres::Url(const std::string& database, const std::string& user,
                             const std::string& password) const {
  const std::string host = absl::StrReplaceAll(socket_directory(), {{"\\", "\\\\"}, {"'", "\\'"}});
  return absl::StrCat("host='", host, "' port=5432 dbname=", database, " user=", user,
                      " password=", password);
}

bool DevPostgres::Ended() {
  if (pid_ < 0) return true;
  const pid_t ended = waitpid(pid_, nullptr, WNOHANG);
  if (ended == pid_) pid_ = -1;
  return pid_ < 0;
}

std::string DevPostgres::LastLogLines() const {
  const auto text = ReadFile(log_file());
  if (!text.ok()) return std::string(text.status().message());
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  std::string last;
  for (size_t i = lines.size() > 12 ? lines.size() - 12 : 0; i < lines.size(); ++i) {
    absl::StrAppend(&last, "  ", lines[i], "\n");
  }
  return last;
}

DevPostgres::~DevPostgres() {
  if (Ended()) return;
  const Process server(pid_);
  for (const int signal : {SIGINT, SIGQUIT, SIGKILL}) {
    server.Signal(signal);
    if (server.EndsWithin(absl::Seconds(15))) break;
  }
  waitpid(pid_, nullptr, 0);
}

}  // namespace countersign::app
