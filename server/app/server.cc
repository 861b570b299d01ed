#include "server/app/server.h"

#include <grpc/support/log.h>

#include <atomic>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/app/files.h"
#include "server/app/key_material.h"
#include "server/app/periodic.h"
#include "server/app/readiness.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/broker/broker.h"
#include "server/http/http_server.h"
#include "server/http/metrics.h"
#include "server/planread/plan_reader.h"
#include "server/postgres/backoff.h"
#include "server/postgres/dsn.h"
#include "server/postgres/listener.h"
#include "server/postgres/notifier.h"
#include "server/postgres/pool.h"
#include "server/postgres/statements.h"
#include "server/postgres/store.h"
#include "server/rpc/server.h"
#include "server/storage/sealing.h"
#include "server/token/key_ring.h"
#include "server/watch/hub.h"
#include "server/watch/watchers.h"

namespace countersign::app {

namespace {

constexpr absl::Duration kBackgroundDeadline = absl::Seconds(10);
constexpr absl::Duration kRequestRecordLifetime = absl::Hours(48);
constexpr int kPruneBatch = 5000;
// Connections that calls cannot take, so that sweeping and readiness go on under load.
constexpr size_t kReservedConnections = 2;

std::string_view IdOf(const v1::Proposal& proposal) {
  std::string_view name = proposal.name();
  constexpr std::string_view kPrefix = "proposals/";
  if (name.substr(0, kPrefix.size()) == kPrefix) name.remove_prefix(kPrefix.size());
  return name;
}

// What this broker committed: its own waiters first, then the other brokers, then the numbers.
class Changes final : public broker::ChangeObserver {
 public:
  Changes(watch::Hub* hub, watch::Watchers* watchers, postgres::Notifier* notifier, http::Metrics* metrics)
      : hub_(hub), watchers_(watchers), notifier_(notifier), metrics_(metrics) {}

  void OnChanged(v1::Proposal::State before, const storage::Record& record) override {
    hub_->OnChanged(record);
    watchers_->OnChanged(record);
    notifier_->Notify(std::string(IdOf(record.proposal)));
    metrics_->OnChanged(before, record.proposal);
  }

 private:
  watch::Hub* const hub_;
  watch::Watchers* const watchers_;
  postgres::Notifier* const notifier_;
  http::Metrics* const metrics_;
};

class Requests final : public rpc::RequestObserver, public rpc::RequestLog {
 public:
  Requests(http::Metrics* metrics, Log* log) : metrics_(metrics), log_(log) {}

  void OnRequest(std::string_view method, v1::Reason reason, absl::Duration duration) override {
    metrics_->OnRequest(method, reason == v1::REASON_UNSPECIFIED ? "OK" : v1::Reason_Name(reason), duration);
  }
  void Write(const rpc::RequestLine& line) override {
    Log::Fields fields{{"method", std::string(line.method)},
                       {"reason", std::string(line.reason)},
                       {"principal", std::string(line.principal)},
                       {"request_id", std::string(line.request_id)},
                       {"milliseconds", absl::StrCat(absl::ToInt64Milliseconds(line.duration))}};
    if (!line.proposal.empty()) fields.emplace_back("proposal", std::string(line.proposal));
    if (!line.detail.empty()) fields.emplace_back("detail", std::string(line.detail));
    log_->Write(line.detail.empty() ? Level::kInfo : Level::kError, "request", fields);
  }

 private:
  http::Metrics* const metrics_;
  Log* const log_;
};

// What is read once, before anything runs.
struct Secrets {
  storage::MasterKeys master_keys;
  std::string page_token_key;
  std::string plan_view_salt;
};

absl::StatusOr<Secrets> LoadSecrets(const ServerConfig& config) {
  const auto text = ReadFile(config.artifact().master_key_file());
  if (!text.ok())
    return error::InvalidField("artifact.master_key_file", std::string(text.status().message()));
  auto keys = storage::MasterKeys::Parse(*text);
  if (!keys.ok())
    return error::InvalidField("artifact.master_key_file", std::string(keys.status().message()));
  auto page_token_key = PageTokenKey(*text);
  if (!page_token_key.ok()) return page_token_key.status();
  auto plan_view_salt = PlanViewSalt(*text);
  if (!plan_view_salt.ok()) return plan_view_salt.status();
  return Secrets{*std::move(keys), *std::move(page_token_key), *std::move(plan_view_salt)};
}

// gRPC has one log for the process; while a server runs, it goes where ours goes.
std::atomic<Log*> grpc_log = nullptr;

void WriteGrpcLog(gpr_log_func_args* line) {
  Log* log = grpc_log.load();
  if (log == nullptr) return;
  log->Write(line->severity == GPR_LOG_SEVERITY_ERROR ? Level::kWarning : Level::kDebug, "grpc",
             {{"detail", line->message}});
}

class WiredServer final : public Server {
 public:
  WiredServer(const ServerConfig& config, Secrets secrets, const std::string& database_url, Log* log,
              Signals* signals);
  ~WiredServer() override { Drain(); }

  absl::Status Run();

  int grpc_port() const override { return grpc_->port(); }
  int http_port() const override { return http_->port(); }
  void Reload() override;
  void Drain() override;

 private:
  absl::Status StartHttp();
  absl::Status AwaitDatabase();
  absl::Status CheckMasterKeysInUse();
  absl::Status LoadConfiguration();
  void StartBackground();
  absl::Status StartGrpc();

  postgres::ConnectOptions ConnectAs(const std::string& application_name) const;
  rpc::Limits RpcLimits() const;
  http::Readings Read() const;
  absl::Time BackgroundDeadline() const { return clock_.Now() + kBackgroundDeadline; }
  void Sweep();
  void Prune();
  void CountOpen();
  void ReloadFiles();
  void Refresh();

  const ServerConfig config_;
  const std::string database_url_;
  Log* const log_;
  Signals* const signals_;

  base::SystemClock clock_;
  base::SystemRandom random_;
  Secrets secrets_;
  token::KeyRing keys_;
  postgres::Pool pool_;
  postgres::PostgresStore store_;
  base::Executor executor_;
  base::Executor plan_executor_;
  planread::ProcessPlanReader plan_reader_;
  http::Metrics metrics_;
  watch::Hub hub_;
  watch::Watchers watchers_;
  postgres::Notifier notifier_;
  Changes changes_;
  Requests requests_;
  broker::Broker broker_;
  Readiness readiness_;
  std::unique_ptr<http::HttpServer> http_;
  std::unique_ptr<postgres::Listener> listener_;
  std::vector<std::unique_ptr<Periodic>> periodic_;
  std::unique_ptr<rpc::Server> grpc_;
  bool drained_ = false;
};

watch::Hub::Options HubOptions(const ServerConfig& config) {
  watch::Hub::Options options;
  options.max_waiters = config.limits().max_waiters();
  return options;
}

watch::Watchers::Options WatcherOptions(const ServerConfig& config, const Secrets& secrets) {
  watch::Watchers::Options options;
  options.token_key = secrets.page_token_key;
  options.max_watchers = config.limits().max_watchers();
  return options;
}

postgres::NotifierOptions NotifierOptions(const ServerConfig& config, postgres::ConnectOptions connect) {
  postgres::NotifierOptions options;
  options.connect = std::move(connect);
  options.suppressed = !config.database().notifications();
  return options;
}

WiredServer::WiredServer(const ServerConfig& config, Secrets secrets, const std::string& database_url,
                         Log* log, Signals* signals)
    : config_(config),
      database_url_(database_url),
      log_(log),
      signals_(signals),
      secrets_(std::move(secrets)),
      keys_(config.token().signing_key_directory()),
      pool_({.connect = ConnectAs("countersignd"),
             .size = config.database().pool_size(),
             .statements = postgres::statements::All()},
            &random_),
      store_(&pool_),
      executor_(config.database().pool_size() - kReservedConnections, config.limits().queued_calls()),
      plan_executor_(config.plan().concurrent_reads(), config.plan().queued_reads()),
      plan_reader_({.program = config.plan().reader_program(),
                    .salt = secrets_.plan_view_salt,
                    .sensitive_attributes = {config.plan().sensitive_attributes().begin(),
                                             config.plan().sensitive_attributes().end()}},
                   &clock_),
      hub_(HubOptions(config), &store_, &clock_, &executor_),
      watchers_(WatcherOptions(config, secrets_), &store_, &clock_, &executor_),
      notifier_(NotifierOptions(config, ConnectAs("countersignd notifier")), &random_),
      changes_(&hub_, &watchers_, &notifier_, &metrics_),
      requests_(&metrics_, log),
      broker_({.issuer = config.token().issuer(), .page_token_key = secrets_.page_token_key}, &store_,
              &clock_, &random_, &keys_, &secrets_.master_keys, &plan_reader_, &changes_),
      readiness_(&pool_, &keys_, &broker_, &clock_) {}

postgres::ConnectOptions WiredServer::ConnectAs(const std::string& application_name) const {
  postgres::ConnectOptions options;
  options.dsn = database_url_;
  options.application_name = application_name;
  options.log = [log = log_](std::string_view text) {
    log->Warning("database", {{"detail", std::string(text)}});
  };
  return options;
}

absl::Status WiredServer::Run() {
  grpc_log = log_;
  gpr_set_log_function(WriteGrpcLog);
  if (auto status = keys_.Reload(); !status.ok()) {
    return error::InvalidField("token.signing_key_directory", std::string(status.message()));
  }
  for (const auto step : {&WiredServer::StartHttp, &WiredServer::AwaitDatabase,
                          &WiredServer::CheckMasterKeysInUse, &WiredServer::LoadConfiguration}) {
    if (auto status = (this->*step)(); !status.ok()) return status;
  }
  if (auto status = plan_reader_.Check(); !status.ok()) {
    return error::InvalidField("plan.reader_program", std::string(status.message()));
  }
  if (auto status = StartGrpc(); !status.ok()) return status;
  StartBackground();
  readiness_.SetServing(absl::OkStatus());
  grpc_->SetServing(true);
  log_->Info("serving", {{"grpc_port", absl::StrCat(grpc_port())}, {"http_port", absl::StrCat(http_port())}});
  return absl::OkStatus();
}

absl::Status WiredServer::StartHttp() {
  const auto address = ParseAddress(config_.http().listen_address(), "http.listen_address");
  if (!address.ok()) return address.status();
  auto server = http::HttpServer::Start({.host = address->first,
                                         .port = address->second,
                                         .certificate_file = config_.http().certificate_file(),
                                         .key_file = config_.http().key_file(),
                                         .issuer = config_.token().issuer()},
                                        {.jwks = [this] { return keys_.PublicKeys()->ToJwks(); },
                                         .readiness = [this] { return readiness_.Checks(); },
                                         .metrics = [this] { return metrics_.Text(Read()); }});
  if (!server.ok()) return server.status();
  http_ = *std::move(server);
  return absl::OkStatus();
}

absl::Status WiredServer::AwaitDatabase() {
  log_->Info("connecting", {{"database", postgres::Redacted(database_url_)}});
  const absl::Time give_up = clock_.Now() + ToDuration(config_.database().start_patience());
  postgres::Backoff backoff({.first = absl::Milliseconds(50), .cap = absl::Seconds(2)}, &random_);
  absl::Status status;
  do {
    status = CheckSchemaIsCurrent(pool_, BackgroundDeadline());
    if (status.ok()) return CheckRoleIsBounded(pool_, BackgroundDeadline());
    if (absl::IsUnimplemented(status)) return status;
    log_->Warning("waiting for the database", {{"why", std::string(status.message())}});
    if (signals_->WaitForEndFor(backoff.Next())) return absl::CancelledError("asked to end while starting");
  } while (clock_.Now() < give_up);
  return status;
}

absl::Status WiredServer::CheckMasterKeysInUse() {
  const auto artifacts = store_.OneArtifactPerKey(BackgroundDeadline());
  if (!artifacts.ok()) return artifacts.status();
  for (const storage::SealedArtifact& artifact : *artifacts) {
    const absl::Status status =
        storage::CheckHolds(secrets_.master_keys, config_.artifact().master_key_file(), artifact);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status WiredServer::LoadConfiguration() {
  std::string documents;
  for (const std::string& file : config_.bootstrap().documents()) {
    const auto text = ReadFile(file);
    if (!text.ok()) return error::InvalidField("bootstrap.documents", std::string(text.status().message()));
    absl::StrAppend(&documents, documents.empty() ? "" : "\n---\n", *text);
  }
  // Another broker may bootstrap at the same moment: then there is nothing left to do at the second try.
  absl::Status status;
  for (int attempt = 0; attempt < 5; ++attempt) {
    status = broker_.RefreshConfiguration(BackgroundDeadline());
    if (status.ok() && !documents.empty()) status = broker_.Bootstrap(documents, BackgroundDeadline());
    if (status.ok()) return broker_.RefreshConfiguration(BackgroundDeadline());
    if (error::ReasonOf(status) != v1::CONCURRENT_UPDATE) break;
  }
  return status;
}

void WiredServer::StartBackground() {
  hub_.Start();
  watchers_.Start();
  postgres::ListenerOptions options;
  options.connect = ConnectAs("countersignd listener");
  listener_ = std::make_unique<postgres::Listener>(
      options, &random_, [this](const std::vector<std::string>& ids, bool catch_up) {
        hub_.OnNotified(ids, catch_up);
        watchers_.OnNotified(ids, catch_up);
      });
  const auto every = [this](absl::Duration interval, void (WiredServer::*work)()) {
    periodic_.push_back(std::make_unique<Periodic>(interval, &random_, [this, work] { (this->*work)(); }));
  };
  every(absl::Seconds(1), &WiredServer::Sweep);
  every(absl::Seconds(1), &WiredServer::Refresh);
  every(absl::Seconds(5), &WiredServer::ReloadFiles);
  every(absl::Seconds(5), &WiredServer::CountOpen);
  every(absl::Minutes(10), &WiredServer::Prune);
}

absl::Status WiredServer::StartGrpc() {
  rpc::Server::Options options;
  options.listen_address = config_.grpc().listen_address();
  options.certificate_file = config_.grpc().certificate_file();
  options.key_file = config_.grpc().key_file();
  options.client_ca_file = config_.grpc().client_ca_file();
  options.enable_reflection = config_.grpc().reflection();
  options.limits = RpcLimits();
  auto server = rpc::Server::Start(options, {.broker = &broker_,
                                             .hub = &hub_,
                                             .watchers = &watchers_,
                                             .executor = &executor_,
                                             .plan_executor = &plan_executor_,
                                             .clock = &clock_,
                                             .random = &random_,
                                             .log = &requests_,
                                             .observer = &requests_});
  if (!server.ok()) return server.status();
  grpc_ = *std::move(server);
  return absl::OkStatus();
}

rpc::Limits WiredServer::RpcLimits() const {
  rpc::Limits limits;
  limits.max_artifact_bytes = static_cast<int64_t>(config_.artifact().max_bytes());
  limits.max_transfer_duration = ToDuration(config_.limits().max_transfer_duration());
  limits.transfer_memory_bytes = static_cast<int64_t>(config_.limits().transfer_memory_bytes());
  limits.max_watches_per_principal = static_cast<int>(config_.limits().max_watches_per_principal());
  limits.max_in_flight_per_principal = static_cast<int>(config_.limits().calls_in_flight_per_principal());
  limits.submissions_per_second = config_.limits().submits_per_minute() / 60.0;
  limits.submission_burst = config_.limits().submit_burst();
  return limits;
}

http::Readings WiredServer::Read() const {
  const postgres::PoolStatistics pool = pool_.statistics();
  return {.waiters = hub_.waiting(),
          .watchers = watchers_.watching(),
          .pool_size = pool.size,
          .pool_in_use = pool.in_use,
          .pool_idle = pool.idle,
          .pool_waiting = pool.waiting,
          .pool_connected = pool.connected,
          .pool_connect_failures = pool.connect_failures,
          .queued_work = executor_.queued()};
}

void WiredServer::Sweep() {
  const auto moved = broker_.Sweep(BackgroundDeadline());
  if (!moved.ok()) {
    log_->Warning("sweeping failed", {{"why", std::string(moved.status().message())}});
  } else if (*moved > 0) {
    log_->Info("swept", {{"proposals", absl::StrCat(*moved)}});
  }
}

void WiredServer::Refresh() {
  if (auto status = broker_.RefreshConfiguration(BackgroundDeadline()); !status.ok()) {
    log_->Warning("reading the configuration failed", {{"why", std::string(status.message())}});
  }
  if (grpc_ != nullptr) grpc_->SetServing(readiness_.Ready());
}

void WiredServer::ReloadFiles() {
  if (auto status = keys_.Reload(); !status.ok()) {
    log_->Error("reading the signing keys failed; the ones read before stay in use",
                {{"why", std::string(status.message())}});
  }
  if (auto status = http_->ReloadCertificate(); !status.ok()) {
    log_->Error("reading the certificate of the HTTP listener failed; the one read before stays in use",
                {{"why", std::string(status.message())}});
  }
}

void WiredServer::CountOpen() {
  const auto counts = store_.CountOpen(BackgroundDeadline());
  if (counts.ok()) metrics_.SetOpenProposals(*counts);
}

void WiredServer::Prune() {
  for (;;) {
    const auto pruned =
        store_.PruneRequests(clock_.Now() - kRequestRecordLifetime, kPruneBatch, BackgroundDeadline());
    if (!pruned.ok()) log_->Warning("pruning failed", {{"why", std::string(pruned.status().message())}});
    if (!pruned.ok() || *pruned < kPruneBatch) return;
  }
}

void WiredServer::Reload() {
  ReloadFiles();
  Refresh();
  log_->Info("reloaded");
}

void WiredServer::Drain() {
  if (drained_) return;
  drained_ = true;
  readiness_.SetServing(absl::UnavailableError("the broker is ending"));
  if (grpc_ != nullptr) {
    log_->Info("draining");
    grpc_->Drain(ToDuration(config_.shutdown_grace()));
  }
  periodic_.clear();
  listener_.reset();
  hub_.Shutdown();
  watchers_.Shutdown();
  plan_executor_.Shutdown();
  executor_.Shutdown();
  http_.reset();
  if (grpc_ != nullptr) log_->Info("ended");
  grpc_log = nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config, Log* log,
                                                      Signals* signals) {
  if (auto status = ValidateForServing(config); !status.ok()) return status;
  const auto url = DatabaseUrl(config);
  if (!url.ok()) return url.status();
  auto secrets = LoadSecrets(config);
  if (!secrets.ok()) return secrets.status();
  auto server = std::make_unique<WiredServer>(config, *std::move(secrets), *url, log, signals);
  if (auto status = server->Run(); !status.ok()) return status;
  return server;
}

}  // namespace countersign::app
