#include "tests/support/postgres_cluster.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/clock.h"
#include "server/postgres/connection.h"
#include "tests/support/fatal.h"

namespace countersign::testing {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(60);
constexpr absl::Duration kPollEvery = absl::Milliseconds(10);

// A port that was free a moment ago.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    FatalErrno("no free port");
  }
  close(fd);
  return ntohs(address.sin_port);
}

// Whom the server runs as when we are root, which PostgreSQL refuses to be.
const passwd* Unprivileged() {
  if (geteuid() != 0) return nullptr;
  static const passwd* const user = [] {
    const passwd* found = getpwnam("postgres");
    if (found == nullptr) found = getpwnam("nobody");
    if (found == nullptr) Fatal("there is neither a user postgres nor a user nobody to run PostgreSQL as");
    return new passwd(*found);
  }();
  return user;
}

// A pidfd for each.
std::vector<int> ChildrenOf(pid_t parent) {
  std::vector<int> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    std::ifstream file(entry.path() / "stat");
    const std::string stat(std::istreambuf_iterator<char>(file), {});
    // "pid (name) state parent ...", and the name may hold anything.
    const std::vector<std::string> fields = absl::StrSplit(stat.substr(stat.rfind(')') + 1), ' ');
    if (fields.size() < 3 || fields[2] != absl::StrCat(parent)) continue;
    const int child = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (child >= 0) children.push_back(child);
  }
  return children;
}

// Whether the server on our port is the one on our data: another process may have taken the port meanwhile.
bool Serves(const std::string& dsn, const std::string& data_directory) {
  auto connection = postgres::Connection::Connect({.dsn = dsn});
  if (!connection.ok()) return false;
  const auto shown =
      connection->Query("SELECT current_setting('data_directory')", {}, absl::InfiniteFuture());
  return shown.ok() && shown->Text(0, 0) == data_directory;
}

std::string Keywords(const std::string& host, int port, const std::string& database,
                     const std::string& user) {
  return absl::StrCat("host=", host, " port=", port, " dbname=", database, " user=", user,
                      " sslmode=disable gssencmode=disable");
}

}  // namespace

std::string PostgresCluster::BinaryDirectory() {
  static const std::string* const directory = [] {
    std::filesystem::path newest;
    int newest_version = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      const int version = std::atoi(entry.path().filename().c_str());
      if (version <= newest_version || !std::filesystem::exists(entry.path() / "bin/initdb")) continue;
      newest_version = version;
      newest = entry.path() / "bin";
    }
    if (newest.empty() &&
        (access("/usr/bin/pg_config", X_OK) == 0 || access("/usr/local/bin/pg_config", X_OK) == 0)) {
      const Completed config = RunToEnd({.argv = {"pg_config", "--bindir"}});
      newest = std::string(absl::StripAsciiWhitespace(config.out));
    }
    if (newest.empty() || !std::filesystem::exists(newest / "initdb")) {
      Fatal("no PostgreSQL server on this machine; install the package postgresql");
    }
    return new std::string(newest);
  }();
  return *directory;
}

PostgresCluster& PostgresCluster::Shared() {
  static PostgresCluster cluster;
  return cluster;
}

PostgresCluster::PostgresCluster(PostgresClusterOptions options) : options_(options) {
  Initialize();
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = FreePort();
    if (TryStart()) return;
  }
  Fatal(absl::StrCat("PostgreSQL does not start:\n", ServerLog()));
}

PostgresCluster::~PostgresCluster() {
  // Nothing of it is kept, so it need not write out anything.
  if (postmaster_ != nullptr) {
    postmaster_->Signal(SIGQUIT);
    postmaster_->Wait(absl::Seconds(10));
  }
}

SubprocessOptions PostgresCluster::As(std::vector<std::string> argv) const {
  SubprocessOptions options;
  options.argv = std::move(argv);
  options.argv[0] = absl::StrCat(BinaryDirectory(), "/", options.argv[0]);
  options.environment = {{"LC_ALL", "C"}, {"TZ", "UTC"}};
  options.directory = directory_.path();
  options.parent_death_signal = SIGQUIT;  // To the postmaster: end now, children and all.
  if (const passwd* user = Unprivileged(); user != nullptr) {
    options.user = user->pw_uid;
    options.group = user->pw_gid;
  }
  return options;
}

void PostgresCluster::Initialize() {
  if (const passwd* user = Unprivileged(); user != nullptr) {
    if (chown(directory_.path().c_str(), user->pw_uid, user->pw_gid) != 0) FatalErrno("chown");
  }
  const Completed initdb =
      RunToEnd(As({"initdb", "--pgdata", directory_ / "data", "--username=postgres", "--auth=trust",
                   "--encoding=UTF8", "--no-locale", "--no-sync", "--wal-segsize=4"}));
  if (!initdb.ok()) Fatal(absl::StrCat("initdb: ", initdb.out, initdb.err));
}

bool PostgresCluster::TryStart() {
  const auto setting = [](const char* name, const auto& value) {
    return absl::StrCat("--", name, "=", value);
  };
  SubprocessOptions options =
      As({"postgres", "-D", directory_ / "data", setting("port", port_),
          setting("listen_addresses", "127.0.0.1"),
          setting("unix_socket_directories", directory_.path().string()),
          setting("max_connections", options_.max_connections),
          setting("fsync", options_.fsync ? "on" : "off"), setting("shared_buffers", "64MB"),
          setting("log_min_messages", "warning"), setting("logging_collector", "off")});
  options.stderr_path = directory_ / "server.log";
  options.stdout_path = options.stderr_path;
  postmaster_ = std::make_unique<Subprocess>(std::move(options));
  const absl::Time deadline = base::SystemClock().Now() + kStartTimeout;
  while (base::SystemClock().Now() < deadline) {
    if (Serves(Dsn(), directory_ / "data")) return true;
    if (postmaster_->Wait(kPollEvery).has_value()) break;  // It has ended; or, mostly, a moment has passed.
  }
  postmaster_.reset();
  return false;
}

std::string PostgresCluster::Dsn(const std::string& database, const std::string& user) const {
  return Keywords("127.0.0.1", port_, database, user);
}

std::string PostgresCluster::DsnThrough(int gate_port, const std::string& database,
                                        const std::string& user) const {
  return Keywords("127.0.0.1", gate_port, database, user);
}

std::string PostgresCluster::SocketDsn(const std::string& database, const std::string& user) const {
  return Keywords(directory_.path().string(), port_, database, user);
}

void PostgresCluster::Run(const std::string& database, const std::string& sql) {
  std::string log;
  postgres::ConnectOptions options{.dsn = Dsn(database)};
  options.log = [&log](std::string_view text) { absl::StrAppend(&log, std::string(text), "\n"); };
  auto connection = postgres::Connection::Connect(options);
  absl::Status status = connection.status();
  if (status.ok()) status = connection->Script(sql, absl::InfiniteFuture());
  if (!status.ok()) Fatal(absl::StrCat("in database ", database, ": ", sql, "\n", log));
}

std::string PostgresCluster::CreateDatabase(const std::string& from) {
  std::string name = absl::StrCat("test_", next_database_.fetch_add(1));
  Run("postgres", absl::StrCat("CREATE DATABASE ", name, " TEMPLATE ", from));
  return name;
}

void PostgresCluster::DropDatabase(const std::string& name) {
  Run("postgres", absl::StrCat("DROP DATABASE IF EXISTS ", name, " WITH (FORCE)"));
}

void PostgresCluster::Stop() {
  if (postmaster_ == nullptr) return;
  postmaster_->Signal(SIGINT);
  if (!postmaster_->Wait(kStartTimeout).has_value())
    Fatal(absl::StrCat("PostgreSQL does not stop:\n", ServerLog()));
  postmaster_.reset();
}

void PostgresCluster::Start() {
  if (postmaster_ != nullptr) return;
  if (!TryStart()) Fatal(absl::StrCat("PostgreSQL does not start again:\n", ServerLog()));
}

void PostgresCluster::Kill9() {
  if (postmaster_ == nullptr) return;
  // Its children would end by themselves when they see it gone, but might commit something before. Stopped
  // first, it makes no new ones.
  postmaster_->Signal(SIGSTOP);
  std::vector<int> children = ChildrenOf(postmaster_->pid());
  for (const int child : children) syscall(SYS_pidfd_send_signal, child, SIGKILL, nullptr, 0);
  postmaster_->Signal(SIGKILL);
  postmaster_->Wait(absl::InfiniteDuration());
  postmaster_.reset();
  for (const int child : children) {  // The next server would refuse to start while one of them lives.
    pollfd descriptor = {child, POLLIN, 0};
    poll(&descriptor, 1, 10'000);
    close(child);
  }
}

std::string PostgresCluster::ServerLog() const {
  const std::string path = directory_ / "server.log";
  return std::filesystem::exists(path) ? ReadFile(path) : "";
}

}  // namespace countersign::testing
