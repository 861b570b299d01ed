#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/digest/digest.h"
#include "core/jws/base64url.h"
#include "core/jws/execution_token.h"
#include "core/text/text.h"
#include "server/http/metrics.h"
#include "server/http/probe.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"

namespace countersign::http {
namespace {

using testing::HasReason;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAreArray;

// What the server answers to these bytes, up to its end.
std::string Exchange(int port, const std::string& request) {
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(send(client, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t size = 0; (size = recv(client, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, size);
  close(client);
  return answer;
}

// Who signed the certificate that the server shows.
std::string IssuerSeenAt(int port) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> connection(BIO_new_ssl_connect(context.get()),
                                                                 BIO_free_all);
  BIO_set_conn_hostname(connection.get(), absl::StrCat("127.0.0.1:", port).c_str());
  if (BIO_do_connect(connection.get()) != 1) return "";
  SSL* tls = nullptr;
  BIO_get_ssl(connection.get(), &tls);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(tls), X509_free);
  if (certificate == nullptr) return "";
  char name[256];
  return X509_NAME_oneline(X509_get_issuer_name(certificate.get()), name, sizeof name);
}

// The names of the claims of a token, as it is issued.
std::vector<std::string> IssuedClaims() {
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  const jws::ExecutionClaims claims{
      .issuer = "https://broker.example.org",
      .subject = jws::SubjectOf("production", "targets/prod-courses", "terraform_plan"),
      .audience = "https://broker.example.org",
      .issue_time = now,
      .not_before_time = now,
      .expire_time = now + absl::Minutes(5),
      .token_id = "abcdefghijklmnopqrstuvwx",
      .actor = "spiffe://example.org/agent/bot",
      .holder_thumbprint = jws::Base64UrlEncode(digest::Sha256Bytes("certificate")),
      .proposal = "proposals/abcdefghijklmnopqrstuvwx",
      .action_digest = digest::Sha256("action"),
      .artifacts = {digest::Sha256("artifact")},
      .target = "targets/prod-courses",
      .environment = "production",
      .kind = "terraform_plan",
      .approvers = {"spiffe://example.org/human/alice"},
      .policy_digest = digest::Sha256("policy"),
      .state = jws::ExecutionClaims::State{"lineage", 7}};
  const auto token = jws::IssueExecutionToken(*jws::SigningKey::Generate(), claims);
  EXPECT_THAT(token, IsOk());
  const auto payload = jws::Base64UrlDecode(text::Split(token.value_or(".."), '.').at(1));
  const auto object = nlohmann::json::parse(payload.value_or("{}"));
  std::vector<std::string> names;
  for (const auto& claim : object.items()) names.push_back(claim.key());
  return names;
}

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpServer::Options options = {}) {
    options.host = "127.0.0.1";
    options.issuer = "https://broker.example.org";
    auto server = HttpServer::Start(options, {.jwks = [] { return std::string(R"({"keys":[]})"); },
                                              .readiness = [this] { return checks_; },
                                              .metrics = [this] { return metrics_.Text({}); }});
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  std::string Ask(const std::string& method, const std::string& path) {
    return Exchange(server_->port(),
                    method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  static std::string BodyOf(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

  std::vector<Check> checks_{{"database", absl::OkStatus()}};
  Metrics metrics_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, ServesTheKeySetForCaches) {
  Start();
  const std::string answer = Ask("GET", "/.well-known/jwks.json");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("Cache-Control: public, max-age=300"));
  EXPECT_EQ(BodyOf(answer), R"({"keys":[]})");
}

TEST_F(HttpServerTest, AnnouncesItsKeysAndItsOneAlgorithm) {
  Start();
  const auto discovery = nlohmann::json::parse(BodyOf(Ask("GET", "/.well-known/openid-configuration")));
  EXPECT_EQ(discovery["issuer"], "https://broker.example.org");
  EXPECT_EQ(discovery["jwks_uri"], "https://broker.example.org/.well-known/jwks.json");
  EXPECT_EQ(discovery["id_token_signing_alg_values_supported"], nlohmann::json::array({"ES256"}));
  EXPECT_TRUE(discovery.contains("subject_types_supported"));
  EXPECT_TRUE(discovery.contains("response_types_supported"));
}

TEST_F(HttpServerTest, AnnouncesEveryClaimOfItsTokens) {
  Start();
  const auto discovery = nlohmann::json::parse(BodyOf(Ask("GET", "/.well-known/openid-configuration")));
  EXPECT_THAT(discovery["claims_supported"].get<std::vector<std::string>>(),
              UnorderedElementsAreArray(IssuedClaims()));
}

TEST_F(HttpServerTest, IsReadyOnlyWhenEveryCheckIs) {
  Start();
  EXPECT_THAT(Ask("GET", "/readyz"), StartsWith("HTTP/1.1 200"));
  checks_.push_back({"schema", absl::FailedPreconditionError("lacks 0002")});
  const std::string answer = Ask("GET", "/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  const auto body = nlohmann::json::parse(BodyOf(answer));
  EXPECT_EQ(body["ready"], false);
  EXPECT_EQ(body["checks"][1]["name"], "schema");
  EXPECT_EQ(body["checks"][1]["message"], "lacks 0002");
}

TEST_F(HttpServerTest, IsAliveAlsoWhenNotReady) {
  checks_ = {{"database", absl::UnavailableError("gone")}};
  Start();
  EXPECT_THAT(Ask("GET", "/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, AnswersOnlyGetAndHead) {
  Start();
  EXPECT_THAT(Ask("HEAD", "/healthz"), StartsWith("HTTP/1.1 200"));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    EXPECT_THAT(Ask(method, "/healthz"), StartsWith("HTTP/1.1 405")) << method;
  }
}

TEST_F(HttpServerTest, KnowsNoOtherPaths) {
  Start();
  for (const char* path : {"/", "/metricsx", "/.well-known/jwksXjson", "/../etc/passwd"}) {
    EXPECT_THAT(Ask("GET", path), Not(StartsWith("HTTP/1.1 200"))) << path;
  }
}

TEST_F(HttpServerTest, RefusesALongRequest) {
  Start();
  EXPECT_THAT(
      Exchange(server_->port(), "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nConnection: close\r\n\r\n"),
      Not(StartsWith("HTTP/1.1 200")));
}

TEST_F(HttpServerTest, RefusesAPortThatIsInUse) {
  Start();
  EXPECT_THAT(HttpServer::Start({.host = "127.0.0.1",
                                 .port = server_->port(),
                                 .certificate_file = "",
                                 .key_file = "",
                                 .issuer = "https://x"},
                                {})
                  .status(),
              HasReason(v1::INVALID_FIELD));
}

TEST_F(HttpServerTest, SpeaksTlsWhenItHasACertificate) {
  testing::TestCa authority;
  const auto certificate = authority.IssueServer();
  HttpServer::Options options;
  options.certificate_file = certificate.certificate_path;
  options.key_file = certificate.key_path;
  Start(options);
  const auto answer = ProbeReadiness({.host = "127.0.0.1", .port = server_->port(), .tls = true});
  ASSERT_THAT(answer, IsOk());
  EXPECT_TRUE(answer->ready);
  EXPECT_FALSE(ProbeReadiness({.host = "127.0.0.1", .port = server_->port(), .tls = false}).ok());
}

TEST_F(HttpServerTest, ServesNewConnectionsWithARenewedCertificate) {
  testing::TestCa authority;
  testing::TestCa renewed("renewed authority");
  const testing::TemporaryDirectory directory;
  const auto write = [&directory](const testing::Certificate& certificate) {
    directory.Write("http.crt", certificate.certificate_pem);
    directory.Write("http.key", certificate.key_pem);
  };
  write(authority.IssueServer());
  HttpServer::Options options;
  options.certificate_file = directory / "http.crt";
  options.key_file = directory / "http.key";
  Start(options);
  const std::string first = IssuerSeenAt(server_->port());
  write(renewed.IssueServer());
  ASSERT_THAT(server_->ReloadCertificate(), IsOk());
  EXPECT_THAT(first, Not(HasSubstr("renewed authority")));
  EXPECT_THAT(IssuerSeenAt(server_->port()), HasSubstr("renewed authority"));

  directory.Write("http.key", authority.IssueServer().key_pem);
  EXPECT_THAT(server_->ReloadCertificate(), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(IssuerSeenAt(server_->port()), HasSubstr("renewed authority")) << "what was read before stays";
}

TEST_F(HttpServerTest, RefusesACertificateItCannotUse) {
  HttpServer::Options options;
  options.certificate_file = "/nowhere";
  options.key_file = "/nowhere";
  EXPECT_THAT(HttpServer::Start(options, {}).status(), HasReason(v1::INVALID_FIELD));
}

TEST(ProbeTest, SaysThatNothingAnswers) {
  EXPECT_FALSE(ProbeReadiness({.host = "127.0.0.1", .port = 1}).ok());
}

v1::Proposal InState(v1::Proposal::State state) {
  v1::Proposal proposal;
  proposal.set_state(state);
  proposal.mutable_create_time()->set_seconds(1000);
  proposal.mutable_update_time()->set_seconds(1042);
  return proposal;
}

TEST(MetricsTest, CountsRequestsByMethodAndReason) {
  Metrics metrics;
  metrics.OnRequest("ApproveProposal", "WRONG_STATE", absl::Milliseconds(3));
  metrics.OnRequest("ApproveProposal", "WRONG_STATE", absl::Milliseconds(3));
  const std::string text = metrics.Text({});
  EXPECT_THAT(text,
              HasSubstr("countersign_requests_total{method=\"ApproveProposal\",reason=\"WRONG_STATE\"} 2"));
  EXPECT_THAT(text, HasSubstr("countersign_request_seconds_count{method=\"ApproveProposal\"} 2"));
}

TEST(MetricsTest, MeasuresTheTimeToADecisionOnce) {
  Metrics metrics;
  metrics.OnChanged(v1::Proposal::STATE_UNSPECIFIED, InState(v1::Proposal::PENDING));
  metrics.OnChanged(v1::Proposal::PENDING, InState(v1::Proposal::APPROVED));
  metrics.OnChanged(v1::Proposal::APPROVED, InState(v1::Proposal::APPROVED));
  metrics.OnChanged(v1::Proposal::APPROVED, InState(v1::Proposal::EXECUTING));
  const std::string text = metrics.Text({});
  EXPECT_THAT(text, HasSubstr("countersign_time_to_decision_seconds_count 1"));
  EXPECT_THAT(text, HasSubstr("countersign_time_to_decision_seconds_sum 42"));
}

TEST(MetricsTest, ShowsEveryOpenStateAlsoWhenThereIsNone) {
  Metrics metrics;
  metrics.SetOpenProposals({{v1::Proposal::PENDING, 3}});
  EXPECT_THAT(metrics.Text({}), HasSubstr("countersign_open_proposals{state=\"PENDING\"} 3"));
  metrics.SetOpenProposals({});
  EXPECT_THAT(metrics.Text({}), HasSubstr("countersign_open_proposals{state=\"PENDING\"} 0"));
}

TEST(MetricsTest, ShowsWhatIsReadAtTheScrape) {
  Metrics metrics;
  EXPECT_THAT(metrics.Text({.waiters = 7}), HasSubstr("countersign_waiters 7"));
}

}  // namespace
}  // namespace countersign::http
