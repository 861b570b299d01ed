#include "client/src/channel.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <unistd.h>

#include <string>

#include "core/text/text.h"

namespace countersign {
namespace {

constexpr int kKeepaliveMilliseconds = 20'000;
constexpr int kKeepaliveTimeoutMilliseconds = 10'000;
constexpr int kLongestReconnectMilliseconds = 2'000;
constexpr int kMostReceivedBytes = 64 << 20;
constexpr unsigned kCertificateRefreshSeconds = 10;

absl::Status CheckFile(std::string_view what, const std::string& variable, const std::string& path) {
  if (path.empty()) {
    return absl::InvalidArgumentError(
        text::Concat("no ", what, " is configured; name it in the profile or in ", variable));
  }
  if (access(path.c_str(), R_OK) != 0) {
    return absl::InvalidArgumentError(text::Concat("cannot read the ", what, " ", path));
  }
  return absl::OkStatus();
}

absl::Status Check(const ConnectOptions& options) {
  if (options.server.empty()) {
    return absl::InvalidArgumentError(
        "no server is configured; name it in the profile or in COUNTERSIGN_SERVER");
  }
  absl::Status status = CheckFile("CA file", "COUNTERSIGN_CA_FILE", options.ca_file);
  status.Update(CheckFile("certificate file", "COUNTERSIGN_CERTIFICATE_FILE", options.certificate_file));
  status.Update(CheckFile("key file", "COUNTERSIGN_KEY_FILE", options.key_file));
  return status;
}

}  // namespace

grpc::ChannelArguments ChannelArgumentsFor(const ConnectOptions& options) {
  grpc::ChannelArguments arguments;
  // A peer that vanished without a word is noticed within half a minute, also while nothing is being sent.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kLongestReconnectMilliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMilliseconds);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kLongestReconnectMilliseconds);
  arguments.SetMaxReceiveMessageSize(kMostReceivedBytes);
  // We repeat calls ourselves, with the same request_id; the service configuration is ours, not the
  // resolver's.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetServiceConfigJSON(R"({"loadBalancingConfig": [{"round_robin": {}}]})");
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetUserAgentPrefix("countersign-client");
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return arguments;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectOptions& options) {
  if (const absl::Status status = Check(options); !status.ok()) return status;
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      options.key_file, options.certificate_file, options.ca_file, kCertificateRefreshSeconds);
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(provider);
  tls.watch_root_certs();  // Without this the system's authorities would count.
  tls.watch_identity_key_cert_pairs();
  tls.set_verify_server_certs(true);
  tls.set_check_call_host(true);
  return grpc::CreateCustomChannel(options.server, grpc::experimental::TlsCredentials(tls),
                                   ChannelArgumentsFor(options));
}

}  // namespace countersign
