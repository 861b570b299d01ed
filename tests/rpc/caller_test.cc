// Who gets in, and as whom.
#include <sys/stat.h>

#include <fstream>

#include "tests/rpc/server_fixture.h"

namespace countersign::rpc {
namespace {

using ::testing::HasSubstr;

class CallerTest : public ServerFixture {
 protected:
  grpc::Status GetCallerOn(const std::shared_ptr<grpc::Channel>& channel, v1::Caller* caller) {
    return v1::ConfigService::NewStub(channel)->GetCaller(Within().get(), {}, caller);
  }
  grpc::Status GetCallerOn(const std::shared_ptr<grpc::Channel>& channel) {
    v1::Caller caller;
    return GetCallerOn(channel, &caller);
  }
};

TEST_F(CallerTest, IsTheUriOfTheCertificate) {
  StartServer();
  v1::Caller caller;
  const grpc::Status status = GetCallerOn(Connect(kAlice), &caller);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(caller.principal(), kAlice);
  EXPECT_EQ(caller.kind(), "human");
  EXPECT_THAT(caller.groups(), ::testing::ElementsAre("admin"));
}

TEST_F(CallerTest, WithoutACertificateDoesNotConnect) {
  StartServer();
  const auto channel = ConnectWith({}, ca_.pem());
  EXPECT_EQ(GetCallerOn(channel).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CallerTest, WithACertificateOfAnotherAuthorityDoesNotConnect) {
  StartServer();
  testing::TestCa other("another authority");
  EXPECT_EQ(GetCallerOn(ConnectWith(other.IssueClient(kAlice), ca_.pem())).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CallerTest, WithAnExpiredCertificateDoesNotConnect) {
  StartServer();
  EXPECT_EQ(GetCallerOn(ConnectWith(ca_.IssueClient(kAlice, testing::Expired()), ca_.pem())).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CallerTest, WhoseCertificateExpiresOnAConnectionThatStandsIsUnknown) {
  StartServer();
  const auto channel = Connect(kAlice);
  ASSERT_TRUE(GetCallerOn(channel).ok());
  clock_.Advance(absl::Hours(48));
  const grpc::Status status = GetCallerOn(channel);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(status), "PRINCIPAL_UNKNOWN");
}

TEST_F(CallerTest, InPlaintextDoesNotConnect) {
  StartServer();
  const auto channel =
      grpc::CreateChannel("localhost:" + std::to_string(server_->port()), grpc::InsecureChannelCredentials());
  EXPECT_EQ(GetCallerOn(channel).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CallerTest, WithoutExactlyOnePrincipalUriIsUnknown) {
  StartServer();
  const std::vector<std::vector<std::string>> cases = {
      {kAlice, kAgent},
      {kAlice, "https://example.org/"},
      {"https://example.org/"},
      {"spiffe://example.org/root/alice"},
      {"spiffe://example.org/human/alice/extra"},
      {"spiffe://EXAMPLE.org/human/alice"},
  };
  for (const std::vector<std::string>& uris : cases) {
    SCOPED_TRACE(::testing::PrintToString(uris));
    const grpc::Status status = GetCallerOn(ConnectWith(ca_.IssueClient(uris), ca_.pem()));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(ReasonOf(status), "PRINCIPAL_UNKNOWN");
  }
}

TEST_F(CallerTest, WithACertificateThatMaySignOthersIsUnknown) {
  StartServer();
  const testing::TestCa::Powers cases[] = {
      {.basic_constraints = "critical,CA:TRUE"},
      {.basic_constraints = "CA:TRUE,pathlen:0", .key_usage = "critical,digitalSignature,keyCertSign"},
      {.key_usage = "critical,digitalSignature,keyCertSign"},
      {.key_usage = "critical,digitalSignature,cRLSign"},
  };
  for (const testing::TestCa::Powers& powers : cases) {
    SCOPED_TRACE(powers.basic_constraints + " " + powers.key_usage);
    EXPECT_EQ(ReasonOf(GetCallerOn(ConnectWith(ca_.IssueClientWith(powers, kAlice), ca_.pem()))),
              "PRINCIPAL_UNKNOWN");
  }
  EXPECT_TRUE(GetCallerOn(ConnectWith(ca_.IssueClientWith({}, kAlice), ca_.pem())).ok());
}

TEST_F(CallerTest, NotInTheDirectoryIsUnknown) {
  StartServer();
  const grpc::Status status = GetCallerOn(Connect("spiffe://example.org/human/mallory"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(status), "PRINCIPAL_UNKNOWN");
}

TEST_F(CallerTest, RevokedInTheDirectoryIsRefused) {
  StartServer();
  EXPECT_EQ(ReasonOf(GetCallerOn(Connect(kRevokedAgent))), "PRINCIPAL_REVOKED");
}

TEST_F(CallerTest, OfTheWrongKindIsNotPermitted) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal unused;
  const grpc::Status status = Approve(kOtherAgent, proposal, &unused);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(status), "NOT_PERMITTED");
}

TEST_F(CallerTest, IsCheckedOnStreamsToo) {
  StartServer();
  v1::Artifact artifact;
  v1::ArtifactHeader header;
  header.set_size_bytes(1);
  EXPECT_EQ(ReasonOf(Upload(kJob, header, {"x"}, &artifact)), "NOT_PERMITTED");
  EXPECT_EQ(ReasonOf(Upload(kRevokedAgent, header, {"x"}, &artifact)), "PRINCIPAL_REVOKED");

  const auto watch_context = Within();
  const auto watch = Proposals(kRevokedAgent)->WatchProposals(watch_context.get(), {});
  v1::WatchProposalsResponse change;
  EXPECT_FALSE(watch->Read(&change));
  EXPECT_EQ(ReasonOf(watch->Finish()), "PRINCIPAL_REVOKED");

  const auto download_context = Within();
  const auto download = Proposals(kRevokedAgent)->DownloadArtifact(download_context.get(), {});
  v1::DownloadArtifactResponse piece;
  EXPECT_FALSE(download->Read(&piece));
  EXPECT_EQ(ReasonOf(download->Finish()), "PRINCIPAL_REVOKED");

  v1::Proposal proposal;
  EXPECT_EQ(ReasonOf(Proposals(kRevokedAgent)->WaitProposal(Within().get(), {}, &proposal)),
            "PRINCIPAL_REVOKED");
}

// A renewed certificate serves new connections without a restart; here it is one of another authority, so
// that a client can tell them apart.
TEST_F(CallerTest, SeesARenewedServerCertificate) {
  testing::TestCa renewed_ca("renewed authority");
  const testing::Certificate before = ca_.IssueServer();
  const testing::Certificate after = renewed_ca.IssueServer();
  options_.certificate_file = directory_.Write("server.crt", before.certificate_pem);
  options_.key_file = directory_.Write("server.key", before.key_pem);
  StartServer();
  const testing::Certificate alice = ca_.IssueClient(kAlice);
  const auto old_connection = ConnectWith(alice, ca_.pem());
  ASSERT_TRUE(GetCallerOn(old_connection).ok());

  directory_.Write("server.key", after.key_pem);
  directory_.Write("server.crt", after.certificate_pem);
  EXPECT_TRUE(Eventually([&] {
    return ConnectWith(alice, renewed_ca.pem())
        ->WaitForConnected(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  }));
  EXPECT_TRUE(GetCallerOn(ConnectWith(alice, renewed_ca.pem())).ok());
  EXPECT_TRUE(GetCallerOn(old_connection).ok()) << "connections that stand are not cut";
  EXPECT_FALSE(GetCallerOn(ConnectWith(alice, ca_.pem())).ok());
}

// The authorities that callers are trusted by may change without a restart as well.
TEST_F(CallerTest, OfANewAuthorityConnectsOnceTheFileNamesIt) {
  testing::TestCa other("another authority");
  options_.client_ca_file = directory_.Write("clients.crt", ca_.pem());
  StartServer();
  const testing::Certificate alice = other.IssueClient(kAlice);
  EXPECT_FALSE(GetCallerOn(ConnectWith(alice, ca_.pem())).ok());

  directory_.Write("clients.crt", other.pem());
  EXPECT_TRUE(Eventually([&] { return GetCallerOn(ConnectWith(alice, ca_.pem())).ok(); }));
  EXPECT_EQ(GetCallerOn(Connect(kAlice)).error_code(), grpc::StatusCode::UNAVAILABLE)
      << "the authority that is not named any more is not trusted any more";
}

TEST_F(CallerTest, StartSaysWhichFileIsWrong) {
  const testing::Certificate other = ca_.IssueServer();
  const auto start = [](const Server::Options& options) { return Server::Start(options, {}).status(); };
  Server::Options options = options_;
  options.certificate_file = "/nonexistent/server.crt";
  EXPECT_THAT(std::string(start(options).message()), HasSubstr("/nonexistent/server.crt"));
  options = options_;
  options.key_file = other.key_path;
  EXPECT_THAT(std::string(start(options).message()), HasSubstr(other.key_path));
  options = options_;
  options.client_ca_file = directory_.Write("empty.crt", "");
  EXPECT_THAT(std::string(start(options).message()), HasSubstr("empty.crt"));
}

TEST_F(CallerTest, StartSaysWhenTheAddressIsTaken) {
  StartServer();
  Server::Options options = options_;
  options.listen_address = "127.0.0.1:" + std::to_string(server_->port());
  const auto second = Server::Start(options, {.broker = broker_.get(),
                                              .hub = hub_.get(),
                                              .watchers = watchers_.get(),
                                              .executor = executor_.get(),
                                              .plan_executor = executor_.get(),
                                              .clock = &clock_,
                                              .random = &random_});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(GetCallerOn(Connect(kAlice)).ok()) << "the first is not disturbed";
}

}  // namespace
}  // namespace countersign::rpc
