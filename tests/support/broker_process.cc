#include "tests/support/broker_process.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/jws/signing_key.h"
#include "core/text/text.h"
#include "server/base/clock.h"
#include "server/http/probe.h"
#include "tests/support/fatal.h"

namespace countersign::testing {
namespace {

constexpr absl::Duration kStartPatience = absl::Seconds(60);
// Below the ports that the system gives to outgoing connections, so that a broker which was killed finds its
// own free when it starts again.
constexpr int kFirstPort = 18'000;
constexpr int kPorts = 12'000;

int Bound(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) FatalErrno("socket");
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// Another one for every call of this process, and starting elsewhere in every process.
int StablePort() {
  static std::atomic<int> next = static_cast<int>(getpid()) * 37;
  for (int attempt = 0; attempt < kPorts; ++attempt) {
    const int port = kFirstPort + next.fetch_add(1) % kPorts;
    const int fd = Bound(port);
    if (fd < 0) continue;
    close(fd);
    return port;
  }
  Fatal("no free port");
}

// What the server at `port` answers to a GET; empty when it does not.
std::string HttpGet(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) FatalErrno("socket");
  const timeval timeout = {3, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  std::string answer;
  const std::string request =
      absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[16384];
    for (ssize_t got; (got = recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, got);
  }
  close(fd);
  return answer;
}

}  // namespace

BrokerSite::BrokerSite(std::string program, std::string_view documents)
    : program_(std::move(program)),
      server_(authority_.IssueServer()),
      master_key_file_(files_.Write("master.key", "test AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")),
      documents_file_(files_.Write("documents.yaml", documents)) {
  if (access(program_.c_str(), X_OK) != 0) FatalErrno(absl::StrCat("cannot run ", program_));
  keys_.Write("20200101T000000Z.pem", jws::SigningKey::Generate()->ToPem());
}

std::string BrokerSite::Uri(std::string_view kind, std::string_view name) {
  return text::Concat("spiffe://example.org/", kind, "/", name);
}

const Certificate& BrokerSite::Client(std::string_view kind, std::string_view name) {
  const std::string uri = Uri(kind, name);
  const auto found = clients_.find(uri);
  if (found != clients_.end()) return found->second;
  return clients_.emplace(uri, authority_.IssueClient(uri)).first->second;
}

BrokerProcess::BrokerProcess(const BrokerSite& site, BrokerProcessOptions options)
    : site_(site),
      grpc_port_(StablePort()),
      http_port_(StablePort()),
      settings_(std::move(options.settings)) {
  log_file_ = directory_ / "log";
  config_file_ = directory_.Write(
      "countersignd.yaml",
      absl::StrCat("grpc:\n  listen_address: ", address(),
                   "\n  certificate_file: ", site.server().certificate_path,
                   "\n  key_file: ", site.server().key_path, "\n  client_ca_file: ", site.authority().path(),
                   "\nhttp:\n  listen_address: 127.0.0.1:", http_port_, "\ndatabase:\n  url: \"",
                   options.database_dsn, "\"\n  notifications: ", options.notifications ? "true" : "false",
                   "\ntoken:\n  issuer: https://broker.test\n  signing_key_directory: ", site.key_directory(),
                   "\nartifact:\n  master_key_file: ", site.master_key_file(),
                   "\nlimits:\n  submits_per_minute: 1000000\n  submit_burst: 1000000",
                   "\n  calls_in_flight_per_principal: 1000\nlog:\n  level: warning\n  format: json",
                   "\nbootstrap:\n  documents: [", site.documents_file(), "]\nshutdown_grace: 5s\n"));
  Start();
}

BrokerProcess::~BrokerProcess() = default;

std::string BrokerProcess::address() const { return absl::StrCat("127.0.0.1:", grpc_port_); }

void BrokerProcess::Kill() {
  if (process_ == nullptr) return;
  process_->Signal(SIGKILL);
  process_->Wait(absl::InfiniteDuration());
  process_.reset();
}

Exit BrokerProcess::Terminate() {
  process_->Signal(SIGTERM);
  const auto exit = process_->Wait(kStartPatience);
  if (!exit.has_value()) Fatal(absl::StrCat("the broker does not end:\n", Log()));
  process_.reset();
  return *exit;
}

void BrokerProcess::Launch() {
  SubprocessOptions options;
  options.argv = {site_.program(), "serve", "--config", config_file_};
  options.argv.insert(options.argv.end(), settings_.begin(), settings_.end());
  options.stdout_path = log_file_;
  options.stderr_path = log_file_;
  process_ = std::make_unique<Subprocess>(std::move(options));
}

bool BrokerProcess::WaitUntilReady(absl::Duration patience) {
  const base::SystemClock clock;
  const absl::Time give_up = clock.Now() + patience;
  while (clock.Now() < give_up) {
    if (Ready()) return true;
    if (process_->Wait(absl::Milliseconds(20)).has_value()) return false;  // Mostly, a moment has passed.
  }
  return false;
}

void BrokerProcess::AwaitReady() {
  if (!WaitUntilReady(kStartPatience)) Fatal(absl::StrCat("the broker does not become ready:\n", Log()));
}

bool BrokerProcess::Ready() const {
  const auto answer = http::ProbeReadiness({.host = "127.0.0.1", .port = http_port_});
  return answer.ok() && answer->ready;
}

double BrokerProcess::Metric(const std::string& name) const {
  const std::string prefix = name + " ";
  for (const absl::string_view line : absl::StrSplit(HttpGet(http_port_, "/metrics"), '\n')) {
    double value = 0;
    if (absl::StartsWith(line, prefix) && absl::SimpleAtod(line.substr(prefix.size()), &value)) return value;
  }
  return -1;
}

std::string BrokerProcess::Log() const {
  return std::filesystem::exists(log_file_) ? ReadFile(log_file_) : "";
}

}  // namespace countersign::testing
