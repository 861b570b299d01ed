#include "server/app/dev.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/error/error.h"
#include "core/jws/signing_key.h"
#include "server/app/commands.h"
#include "server/app/config.h"
#include "server/app/dev_authority.h"
#include "server/app/dev_documents.h"
#include "server/app/dev_postgres.h"
#include "server/app/files.h"
#include "server/app/log.h"
#include "server/app/server.h"
#include "server/app/signals.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/postgres/connection.h"
#include "server/token/key_ring.h"

namespace countersign::app {

namespace {

constexpr char kDatabase[] = "countersign";
constexpr char kOwner[] = "countersign_owner";
constexpr char kServingRole[] = "countersign_serve";

// Quoted for a POSIX shell.
std::string Shell(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// Quoted for YAML, whose double-quoted strings include JSON's.
std::string Yaml(const std::string& text) { return nlohmann::json(text).dump(); }

std::string DefaultDirectory() {
  // Not under root's home: PostgreSQL runs as another user there, who could not reach it.
  if (geteuid() == 0) return "/var/lib/countersign-dev";
  const char* data = getenv("XDG_DATA_HOME");
  if (data != nullptr && data[0] == '/') return std::string(data) + "/countersign/dev";
  const char* home = getenv("HOME");
  return absl::StrCat(home != nullptr ? home : ".", "/.local/share/countersign/dev");
}

// A port of 127.0.0.1 that nobody listens on: `wanted`, or any for 0. 0 when there is none.
int FreePort(int wanted) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return 0;
  const int yes = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(wanted));
  socklen_t size = sizeof address;
  const bool bound = bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(probe, 1) == 0 &&
                     getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(probe);
  return bound ? ntohs(address.sin_port) : 0;
}

class DevInstance {
 public:
  DevInstance(const DevOptions& options, Signals* signals) : options_(options), signals_(signals) {}
  ~DevInstance();

  absl::Status Start();
  // Until the end is asked for, or the database ends by itself.
  absl::Status Serve();
  void PrintGuide() const;

 private:
  absl::Status OpenDirectory();
  absl::Status Lock();
  absl::Status MakeSecrets();
  absl::Status MakeCertificates();
  absl::Status WriteDocuments();
  absl::Status StartDatabase();
  absl::Status ProvisionDatabase();
  absl::Status ChoosePorts();
  absl::StatusOr<int> ChoosePort(int wanted, int last, const char* flag);
  absl::Status WriteConfig();
  absl::Status WriteEnvironments();
  absl::Status StartServer();

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Issuer() const { return absl::StrCat("http://127.0.0.1:", http_port_); }
  std::string IdentityStem(const DevIdentity& identity) const { return Path("identities/") + identity.name; }
  // The file's text; made with `generate` when it is not there.
  absl::StatusOr<std::string> Keep(const std::string& name, const std::function<std::string()>& generate);

  const DevOptions options_;
  Signals* const signals_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  std::string directory_;
  int lock_ = -1;
  bool first_start_ = false;
  int grpc_port_ = 0;
  int http_port_ = 0;
  std::string superuser_password_;
  std::string owner_password_;
  std::string serving_password_;
  std::unique_ptr<DevPostgres> postgres_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Server> server_;
};

absl::Status DevInstance::Start() {
  using Step = absl::Status (DevInstance::*)();
  for (const Step step :
       {&DevInstance::OpenDirectory, &DevInstance::Lock, &DevInstance::MakeSecrets,
        &DevInstance::MakeCertificates, &DevInstance::WriteDocuments, &DevInstance::StartDatabase,
        &DevInstance::ProvisionDatabase, &DevInstance::ChoosePorts, &DevInstance::WriteConfig,
        &DevInstance::WriteEnvironments, &DevInstance::StartServer}) {
    if (auto status = (this->*step)(); !status.ok()) return status;
    if (signals_->EndRequested()) return absl::CancelledError("asked to end while starting");
  }
  return absl::OkStatus();
}

absl::Status DevInstance::OpenDirectory() {
  const std::string wanted = options_.data_directory.empty() ? DefaultDirectory() : options_.data_directory;
  std::error_code code;
  const auto absolute = std::filesystem::absolute(wanted, code).lexically_normal();
  // As root, PostgreSQL's user passes through; the keys in it have modes of their own.
  if (auto status = MakeDirectory(absolute, geteuid() == 0 ? 0711 : 0700); !status.ok()) return status;
  directory_ = std::filesystem::canonical(absolute, code).string();
  while (directory_.size() > 1 && directory_.back() == '/') directory_.pop_back();
  return absl::OkStatus();
}

absl::Status DevInstance::Lock() {
  lock_ = open(Path("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0) return absl::ErrnoToStatus(errno, Path("lock"));
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const auto holder = ReadFile(Path("lock"));
    const std::string pid = holder.ok() ? std::string(absl::StripAsciiWhitespace(*holder)) : "";
    return absl::FailedPreconditionError(
        absl::StrCat(directory_, " is in use by process ", pid.empty() ? "?" : pid,
                     "; end it, or give this one a directory of its own with "
                     "--data-dir"));
  }
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(lock_, 0) != 0 || pwrite(lock_, pid.data(), pid.size(), 0) < 0) {
    return absl::ErrnoToStatus(errno, Path("lock"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> DevInstance::Keep(const std::string& name,
                                              const std::function<std::string()>& generate) {
  if (!Exists(Path(name))) {
    if (auto status = WriteFile(Path(name), generate(), 0600); !status.ok()) return status;
  }
  auto text = ReadFile(Path(name));
  if (!text.ok()) return text;
  return std::string(absl::StripAsciiWhitespace(*text));
}

absl::Status DevInstance::MakeSecrets() {
  first_start_ = !Exists(Path("secrets"));
  for (const char* name : {"secrets", "signing-keys", "identities", "env", "documents"}) {
    if (auto status = MakeDirectory(Path(name), 0700); !status.ok()) return status;
  }
  const auto password = [this] { return absl::BytesToHexString(random_.Bytes(16)); };
  struct Secret {
    const char* name;
    std::string* value;
  };
  for (const Secret& secret :
       {Secret{"secrets/postgres", &superuser_password_}, Secret{"secrets/owner", &owner_password_},
        Secret{"secrets/serve", &serving_password_}}) {
    auto text = Keep(secret.name, password);
    if (!text.ok()) return text.status();
    *secret.value = *std::move(text);
  }
  const auto master_key = Keep("secrets/master-keys", [this] {
    return absl::StrCat("dev1 ", absl::Base64Escape(random_.Bytes(32)), "\n");
  });
  return master_key.status();
}

absl::Status DevInstance::MakeCertificates() {
  auto authority = DevAuthority::Open(directory_, clock_.Now(), &random_);
  if (!authority.ok()) return authority.status();
  absl::Status status = authority->IssueServer(Path("server"), "DNS:localhost,IP:127.0.0.1,IP:::1");
  for (const DevIdentity& identity : DevIdentities()) {
    if (status.ok())
      status = authority->IssueClient(IdentityStem(identity), absl::StrCat("URI:", identity.principal));
  }
  if (!status.ok()) return status;

  std::error_code code;
  if (std::filesystem::is_empty(Path("signing-keys"), code)) {
    const auto key = jws::SigningKey::Generate();
    if (!key.ok()) return key.status();
    const std::string name = absl::FormatTime("%Y%m%dT%H%M%SZ", clock_.Now(), absl::UTCTimeZone());
    status = WriteFile(Path("signing-keys/") + name + ".pem", key->ToPem(), 0600);
    if (!status.ok()) return status;
  }
  token::KeyRing keys(Path("signing-keys"));
  if (status = keys.Reload(); !status.ok()) return status;
  return WriteFile(Path("jwks.json"), keys.PublicKeys()->ToJwks() + "\n", 0644);
}

absl::Status DevInstance::WriteDocuments() {
  for (const DevDocument& document : DevDocuments()) {
    const std::string path = Path("documents/") + document.file_name;
    if (Exists(path)) continue;  // It is the user's now.
    if (auto status = WriteFile(path, document.text, 0644); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status DevInstance::StartDatabase() {
  auto server = DevPostgres::Start(Path("postgres"), superuser_password_, signals_);
  if (!server.ok()) return server.status();
  postgres_ = *std::move(server);
  absl::Status status =
      WriteFile(Path("secrets/pgpass"), absl::StrCat("*:*:*:postgres:", superuser_password_, "\n"), 0600);
  if (!status.ok()) return status;
  return WriteFile(Path("secrets/database-url"),
                   postgres_->Url(kDatabase, kServingRole, serving_password_) + "\n", 0600);
}

absl::Status DevInstance::ProvisionDatabase() {
  postgres::ConnectOptions options;
  options.dsn = postgres_->Url("postgres", "postgres", superuser_password_);
  const absl::Time deadline = clock_.Now() + absl::Seconds(30);
  auto connection = postgres::Connection::Connect(options, deadline);
  if (!connection.ok()) return connection.status();
  const auto exists =
      connection->Query("SELECT 1 FROM pg_database WHERE datname = 'countersign'", {}, deadline);
  if (!exists.ok()) return exists.status();
  if (exists->empty()) {
    // The passwords are hexadecimal, so nothing needs quoting.
    const std::string roles =
        absl::StrCat("CREATE ROLE countersign_server NOLOGIN; CREATE ROLE ", kOwner, " LOGIN PASSWORD '",
                     owner_password_, "'; CREATE ROLE ", kServingRole, " LOGIN PASSWORD '", serving_password_,
                     "' IN ROLE countersign_server;");
    // A start that was killed in the middle has left roles, and no database.
    for (const std::string& sql :
         {absl::StrCat("DROP ROLE IF EXISTS ", kServingRole, ", ", kOwner, ", countersign_server"), roles,
          absl::StrCat("CREATE DATABASE ", kDatabase, " OWNER ", kOwner)}) {
      if (auto status = connection->Script(sql, deadline); !status.ok()) return status;
    }
  }
  return MigrateDatabase(postgres_->Url(kDatabase, kOwner, owner_password_), absl::Seconds(10), signals_, {});
}

absl::StatusOr<int> DevInstance::ChoosePort(int wanted, int last, const char* flag) {
  if (wanted != 0) {
    if (FreePort(wanted) == wanted) return wanted;
    return error::InvalidField(flag, absl::StrCat("port ", wanted, " is in use"));
  }
  if (last != 0 && FreePort(last) == last) return last;
  if (last != 0) {
    std::fprintf(
        stderr,
        "countersignd: port %d, used at the last start, is taken; using another. Read the env files again.\n",
        last);
  }
  const int port = FreePort(0);
  if (port == 0) return absl::UnavailableError("there is no free port on 127.0.0.1");
  return port;
}

absl::Status DevInstance::ChoosePorts() {
  int last_grpc = 0;
  int last_http = 0;
  if (const auto text = ReadFile(Path("ports")); text.ok()) {
    const std::vector<std::string> ports = absl::StrSplit(*text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
    if (ports.size() != 2 || !absl::SimpleAtoi(ports[0], &last_grpc) ||
        !absl::SimpleAtoi(ports[1], &last_http)) {
      last_grpc = last_http = 0;
    }
  }
  const auto grpc_port = ChoosePort(options_.grpc_port, last_grpc, "--grpc-port");
  if (!grpc_port.ok()) return grpc_port.status();
  auto http_port = ChoosePort(options_.http_port, last_http, "--http-port");
  // A free port that was given back at once may be given again.
  for (int attempt = 0; attempt < 20 && http_port.ok() && *http_port == *grpc_port; ++attempt) {
    http_port = ChoosePort(options_.http_port, 0, "--http-port");
  }
  if (!http_port.ok()) return http_port.status();
  if (*http_port == *grpc_port)
    return error::InvalidField("--http-port", "must not be the port of --grpc-port");
  grpc_port_ = *grpc_port;
  http_port_ = *http_port;
  return WriteFile(Path("ports"), absl::StrCat(grpc_port_, " ", http_port_, "\n"), 0644);
}

absl::Status DevInstance::WriteConfig() {
  std::string documents;
  for (const DevDocument& document : DevDocuments()) {
    absl::StrAppend(&documents, "    - ", Yaml(Path("documents/") + document.file_name), "\n");
  }
  const std::string text = absl::StrCat(
      "# Written by `countersignd dev` at every start.\n",                                                 //
      "grpc:\n  listen_address: \"127.0.0.1:", grpc_port_, "\"\n",                                         //
      "  certificate_file: ", Yaml(Path("server.pem")), "\n  key_file: ", Yaml(Path("server.key")), "\n",  //
      "  client_ca_file: ", Yaml(Path("ca.pem")), "\n  reflection: true\n",                                //
      "http:\n  listen_address: \"127.0.0.1:", http_port_, "\"\n",                                         //
      "database:\n  url_file: ", Yaml(Path("secrets/database-url")), "\n",                                 //
      "token:\n  issuer: \"", Issuer(), "\"\n",                                                            //
      "  signing_key_directory: ", Yaml(Path("signing-keys")), "\n",                                       //
      "artifact:\n  master_key_file: ", Yaml(Path("secrets/master-keys")), "\n",                           //
      "bootstrap:\n  documents:\n", documents,                                                             //
      "log:\n  format: text\nshutdown_grace: 3s\n");
  return WriteFile(Path("countersignd.yaml"), text, 0644);
}

absl::Status DevInstance::WriteEnvironments() {
  std::error_code failed;
  const std::filesystem::path programs = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return absl::InternalError(absl::StrCat("/proc/self/exe: ", failed.message()));
  for (const DevIdentity& identity : DevIdentities()) {
    const std::string text =
        absl::StrCat("# ", identity.name, ": ", identity.role, ".\n",                                       //
                     "export COUNTERSIGN_SERVER=127.0.0.1:", grpc_port_, "\n",                              //
                     "export COUNTERSIGN_CA_FILE=", Shell(Path("ca.pem")), "\n",                            //
                     "export COUNTERSIGN_JWKS_FILE=", Shell(Path("jwks.json")), "\n",                       //
                     "export COUNTERSIGN_ISSUER=", Issuer(), "\n",                                          //
                     "export COUNTERSIGN_CERTIFICATE_FILE=", Shell(IdentityStem(identity) + ".pem"), "\n",  //
                     "export COUNTERSIGN_KEY_FILE=", Shell(IdentityStem(identity) + ".key"), "\n",          //
                     "export PATH=\"$PATH\":", Shell(programs.parent_path().string()), "\n");
    if (auto status = WriteFile(Path("env/") + identity.name + ".sh", text, 0600); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status DevInstance::StartServer() {
  // The file alone: what this shell has set for other brokers must not reach this one.
  const auto config = LoadConfig({.file = Path("countersignd.yaml"), .environment = {}, .flags = {}});
  if (!config.ok()) return config.status();
  auto log = Log::ToFile(Path("countersignd.log"), Level::kInfo, Log::Format::kText, &clock_);
  if (!log.ok()) return log.status();
  log_ = *std::move(log);
  auto server = Server::Start(*config, log_.get(), signals_);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

void DevInstance::PrintGuide() const {
  const std::string source = absl::StrCat(". ", Shell(Path("env")), "/");
  std::string text =
      absl::StrCat("countersignd dev is ready.",
                   first_start_ ? " This was its first start in this directory." : "", "\n\n",  //
                   "  data       ", directory_, "\n",                                           //
                   "  API        127.0.0.1:", grpc_port_, " (mutual TLS)\n",                    //
                   "  HTTP       ", Issuer(), "/.well-known/jwks.json, /readyz, /metrics\n",    //
                   "  database   PGPASSFILE=", Shell(Path("secrets/pgpass")), " psql -h ",
                   Shell(postgres_->socket_directory()),                               //
                   " -U postgres ", kDatabase, "\n",                                   //
                   "  log        ", Path("countersignd.log"), "\n\nFor everybody:\n",  //
                   "  export COUNTERSIGN_SERVER=127.0.0.1:", grpc_port_, "\n",         //
                   "  export COUNTERSIGN_CA_FILE=", Shell(Path("ca.pem")), "\n",       //
                   "  export COUNTERSIGN_JWKS_FILE=", Shell(Path("jwks.json")), "\n",  //
                   "  export COUNTERSIGN_ISSUER=", Issuer(), "\nAnd to be one of them:\n");
  for (const DevIdentity& identity : DevIdentities()) {
    const std::string stem = IdentityStem(identity);
    absl::StrAppend(&text, "  # ", identity.name, " ", identity.role, ". All of it: ", source, identity.name,
                    ".sh\n", "  export COUNTERSIGN_CERTIFICATE_FILE=", Shell(stem + ".pem"),
                    " COUNTERSIGN_KEY_FILE=", Shell(stem + ".key"), "\n");
  }
  absl::StrAppend(
      &text, "\nTry, each in a terminal of its own:\n",  //
      "  ", source,
      "agent.sh; countersign submit --target targets/dev --reason 'say hello' -- echo hello\n",  //
      "  ", source, "alice.sh; countersign list; countersign approve ID\n",                      //
      "  ", source, "ci.sh;    countersign exec ID -- echo hello\n\nCtrl-C ends it; everything is kept.\n");
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

absl::Status DevInstance::Serve() {
  signals_->OnHangUp([this] { server_->Reload(); });
  while (!signals_->WaitForEndFor(absl::Milliseconds(500))) {
    if (postgres_->Ended()) {
      return absl::UnavailableError(absl::StrCat("PostgreSQL has ended; see ", postgres_->log_file()));
    }
  }
  return absl::OkStatus();
}

DevInstance::~DevInstance() {
  signals_->OnHangUp(nullptr);
  server_.reset();
  postgres_.reset();
  if (lock_ >= 0) close(lock_);
}

}  // namespace

int Dev(const DevOptions& options) {
  Signals signals;
  DevInstance instance(options, &signals);
  if (auto status = instance.Start(); !status.ok()) return signals.EndRequested() ? 0 : Fail(status);
  instance.PrintGuide();
  if (auto status = instance.Serve(); !status.ok()) return Fail(status);
  return 0;
}

}  // namespace countersign::app
