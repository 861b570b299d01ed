#include "server/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/text/text.h"
#include "server/base/mutex.h"
#include "server/rpc/call.h"
#include "server/rpc/services.h"

namespace countersign::rpc {
namespace {

constexpr int kMaxMessageBytes = 4 << 20;
// A PlanView, see terraform::Limits::view_bytes.
constexpr int kMaxAnswerBytes = 64 << 20;
// Clients keep idle waits alive with a ping every 10 seconds; half of that is still no offence.
constexpr int kMinClientPingMilliseconds = 5'000;

struct OpensslDeleter {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
};

absl::Status BadFile(std::string_view what, const std::string& path) {
  return absl::InvalidArgumentError(text::Concat(path, ": ", what));
}

// gRPC reads the files itself, again and again, and only its handshakes say when one is wrong. So look first.
absl::Status CheckFiles(const Server::Options& options) {
  const std::unique_ptr<SSL_CTX, OpensslDeleter> tls(SSL_CTX_new(TLS_server_method()));
  if (tls == nullptr) return absl::InternalError("OpenSSL gives no context");
  ERR_set_mark();
  absl::Status status;
  if (SSL_CTX_use_certificate_chain_file(tls.get(), options.certificate_file.c_str()) != 1) {
    status = BadFile("cannot be read as a PEM certificate", options.certificate_file);
  } else if (SSL_CTX_use_PrivateKey_file(tls.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    status = BadFile("cannot be read as the PEM private key of the certificate", options.key_file);
  } else if (SSL_CTX_check_private_key(tls.get()) != 1) {
    status = BadFile("is not the private key of the certificate", options.key_file);
  } else if (SSL_CTX_load_verify_file(tls.get(), options.client_ca_file.c_str()) != 1) {
    status = BadFile("cannot be read as PEM certificates of authorities", options.client_ca_file);
  }
  ERR_pop_to_mark();
  return status;
}

std::shared_ptr<grpc::ServerCredentials> Credentials(const Server::Options& options) {
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      options.key_file, options.certificate_file, options.client_ca_file,
      static_cast<unsigned int>(std::max<int64_t>(1, options.certificate_refresh.count())));
  grpc::experimental::TlsServerCredentialsOptions tls(std::move(provider));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(tls);
}

// The reflection library registers itself with every server of a process that links it. This takes it out
// again.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(),
                                  [](const auto& plugin) {
                                    return dynamic_cast<grpc::reflection::ProtoServerReflectionPlugin*>(
                                               plugin.get()) != nullptr;
                                  }),
                   plugins->end());
  }
};

class GrpcServer final : public Server {
 public:
  GrpcServer(const Options& options, const Parts& parts) : edge_(options.limits) {
    edge_.broker = parts.broker;
    edge_.hub = parts.hub;
    edge_.watchers = parts.watchers;
    edge_.executor = parts.executor;
    edge_.plan_executor = parts.plan_executor;
    edge_.clock = parts.clock;
    edge_.random = parts.random;
    edge_.log = parts.log;
    edge_.observer = parts.observer;
  }
  ~GrpcServer() override { Drain(absl::ZeroDuration()); }
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  absl::Status Listen(const Options& options) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options.listen_address, Credentials(options), &port_);
    for (grpc::Service* service : Services()) builder.RegisterService(service);
    if (!options.enable_reflection) builder.SetOption(std::make_unique<WithoutReflection>());
    Configure(options, &builder);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ <= 0) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options.listen_address));
    }
    SetServing(false);
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  void SetServing(bool serving) override {
    grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
    health->SetServingStatus("", serving);
    for (const char* name :
         {v1::ProposalService::service_full_name(), v1::DecisionService::service_full_name(),
          v1::ExecutionService::service_full_name(), v1::TargetService::service_full_name(),
          v1::ConfigService::service_full_name(), v1::AuditService::service_full_name()}) {
      health->SetServingStatus(name, serving);
    }
  }

  void Drain(absl::Duration grace) override {
    if (server_ == nullptr) return;
    base::MutexLock lock(&drain_mutex_);  // A second caller waits until the first is through.
    if (std::exchange(drained_, true)) return;
    server_->GetHealthCheckService()->Shutdown();
    edge_.hub->Shutdown();
    edge_.watchers->Shutdown();
    // On the steady clock, which no change of the time of day can stretch.
    server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                   gpr_time_from_millis(absl::ToInt64Milliseconds(grace), GPR_TIMESPAN)));
    server_->Wait();
  }

 private:
  std::vector<grpc::Service*> Services() {
    return {&proposals_, &decisions_, &executions_, &targets_, &config_, &audit_};
  }

  static void Configure(const Options& options, grpc::ServerBuilder* builder) {
    const auto set = [builder](const char* argument, std::chrono::milliseconds value) {
      builder->AddChannelArgument(argument, static_cast<int>(value.count()));
    };
    builder->SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder->SetMaxSendMessageSize(kMaxAnswerBytes);
    builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.limits.max_streams_per_connection);
    set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, options.handshake_timeout);
    set(GRPC_ARG_KEEPALIVE_TIME_MS, options.ping);
    set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options.ping_timeout);
    builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                                kMinClientPingMilliseconds);
    builder->AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);  // Nobody could ask for what it records.
    // Two brokers never share a port: who asks for one that is taken is told.
    builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    grpc::ResourceQuota quota("countersign");
    quota.Resize(options.limits.memory_quota_bytes);
    builder->SetResourceQuota(quota);
  }

  Edge edge_;
  ProposalService proposals_{&edge_};
  DecisionService decisions_{&edge_};
  ExecutionService executions_{&edge_};
  TargetService targets_{&edge_};
  ConfigService config_{&edge_};
  AuditService audit_{&edge_};
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  base::Mutex drain_mutex_;
  bool drained_ ABSL_GUARDED_BY(drain_mutex_) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options, const Parts& parts) {
  if (absl::Status status = CheckFiles(options); !status.ok()) return status;
  auto server = std::make_unique<GrpcServer>(options, parts);
  if (absl::Status status = server->Listen(options); !status.ok()) return status;
  return server;
}

}  // namespace countersign::rpc
