#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "client/src/channel.h"
#include "client/src/grpc_client.h"
#include "core/digest/digest.h"
#include "countersign/connect.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"
#include "tests/unit/client/fake_broker.h"
#include "tests/unit/client/fake_environment.h"

namespace countersign {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::NamesField;
using testing::StatusIs;

class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> MakeClient(Environment& environment) {
    return std::make_unique<GrpcClient>(
        grpc::CreateCustomChannel(broker_.address(), grpc::InsecureChannelCredentials(),
                                  ChannelArgumentsFor({})),
        environment);
  }

  testing::FakeEnvironment environment_;
  testing::FakeBroker broker_;
  std::unique_ptr<Client> client_ = MakeClient(environment_);
};

v1::Proposal In(v1::Proposal::State state, const std::string& etag = "e1") {
  v1::Proposal proposal;
  proposal.set_name("proposals/abc");
  proposal.set_state(state);
  proposal.set_etag(etag);
  return proposal;
}

TEST_F(ClientTest, RepeatsAWriteWithTheSameRequestId) {
  std::vector<std::string> ids;
  broker_.decisions.approve = [&](const v1::ApproveProposalRequest& request, v1::Proposal* answer) {
    ids.push_back(request.request_id());
    if (ids.size() == 1) return testing::WireError(error::Make(v1::COMMIT_IN_DOUBT, "doubt"));
    if (ids.size() == 2) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
    *answer = In(v1::Proposal::APPROVED);
    return grpc::Status::OK;
  };
  EXPECT_OK(client_->Approve(v1::ApproveProposalRequest(), CallOptions()));
  EXPECT_THAT(ids, ElementsAre("request-1", "request-1", "request-1"));
  EXPECT_OK(client_->Approve(v1::ApproveProposalRequest(), CallOptions()));
  EXPECT_EQ(ids.back(), "request-2");
}

TEST_F(ClientTest, KeepsTheCallersRequestId) {
  std::string id;
  broker_.decisions.approve = [&](const v1::ApproveProposalRequest& request, v1::Proposal*) {
    id = request.request_id();
    return grpc::Status::OK;
  };
  v1::ApproveProposalRequest request;
  request.set_request_id("mine");
  EXPECT_OK(client_->Approve(request, CallOptions()));
  EXPECT_EQ(id, "mine");
}

TEST_F(ClientTest, DoesNotRepeatWhatWasRefused) {
  int calls = 0;
  broker_.decisions.approve = [&](const v1::ApproveProposalRequest&, v1::Proposal*) {
    ++calls;
    return testing::WireError(error::Make(v1::SELF_APPROVAL_FORBIDDEN, "no"));
  };
  const auto result = client_->Approve(v1::ApproveProposalRequest(), CallOptions());
  EXPECT_THAT(result,
              AllOf(HasReason(v1::SELF_APPROVAL_FORBIDDEN), StatusIs(absl::StatusCode::kPermissionDenied)));
  EXPECT_EQ(calls, 1);
}

TEST_F(ClientTest, SubmitsAPlanByUploadingItFirst) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory.path() / "plan.tfplan") << "plan";
  broker_.proposals.upload = [](const std::string& bytes, const v1::ArtifactHeader&, v1::Artifact* answer) {
    answer->set_digest(digest::Sha256(bytes));
    return grpc::Status::OK;
  };
  std::vector<v1::CreateProposalRequest> requests;
  broker_.proposals.create = [&](const v1::CreateProposalRequest& request, v1::Proposal*) {
    requests.push_back(request);
    if (requests.size() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
    return testing::WireError(error::Make(v1::PLAN_UNREADABLE, "a trailing byte"));
  };
  std::ofstream(directory.path() / "empty.tfplan") << "";
  Submission submission;
  submission.action.set_kind(v1::TERRAFORM_PLAN);
  submission.files.push_back({.path = directory.path() / "empty.tfplan", .file_name = ""});
  const auto empty = client_->Submit(submission, CallOptions());
  EXPECT_THAT(empty, HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(std::string(empty.status().message()), HasSubstr("terraform plan -out=FILE"));
  EXPECT_TRUE(requests.empty());
  submission.files[0].path = directory.path() / "plan.tfplan";
  EXPECT_THAT(client_->Submit(submission, CallOptions()), HasReason(v1::PLAN_UNREADABLE));
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[1].request_id(), requests[0].request_id());
  ASSERT_EQ(requests[1].action().artifacts_size(), 1);
  EXPECT_EQ(requests[1].action().artifacts(0).digest(), digest::Sha256("plan"));
  EXPECT_EQ(requests[1].action().artifacts(0).file_name(), "");
}

TEST_F(ClientTest, ReceivesAPlanOfManyMegabytes) {
  constexpr size_t kSize = 48 << 20;
  broker_.proposals.plan_view = [&](const v1::GetPlanViewRequest& request, v1::PlanView* answer) {
    EXPECT_EQ(request.name(), "proposals/abc");
    answer->add_resource_changes()->set_address(std::string(kSize, 'x'));
    return grpc::Status::OK;
  };
  const auto plan = client_->GetPlanView("proposals/abc", {.timeout = absl::Minutes(1)});
  ASSERT_OK(plan);
  EXPECT_EQ(plan->resource_changes(0).address().size(), kSize);
}

TEST_F(ClientTest, ReadsOfPlansAndMemoriesAreRepeated) {
  int calls = 0;
  const auto answer = [&calls] {
    return ++calls == 1 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone") : grpc::Status::OK;
  };
  broker_.proposals.plan_view = [&](const auto&, auto*) { return answer(); };
  EXPECT_OK(client_->GetPlanView("proposals/abc", CallOptions()));
  EXPECT_EQ(calls, 2);
  calls = 0;
  broker_.targets.get = [&](const v1::GetTargetMemoryRequest& request, v1::TargetMemory*) {
    EXPECT_EQ(request.target(), "targets/x");
    return answer();
  };
  EXPECT_OK(client_->GetTargetMemory("targets/x", CallOptions()));
  EXPECT_EQ(calls, 2);
  broker_.targets.get = [&](const auto&, auto*) {
    ++calls;
    return testing::WireError(error::Make(v1::NOT_FOUND, "nothing"));
  };
  EXPECT_THAT(client_->GetTargetMemory("targets/x", CallOptions()), HasReason(v1::NOT_FOUND));
  EXPECT_EQ(calls, 3);
}

TEST_F(ClientTest, AdoptsOnceHoweverOftenItIsSent) {
  std::vector<std::string> ids;
  broker_.targets.adopt = [&](const v1::AdoptStateRequest& request, v1::TargetMemory* answer) {
    ids.push_back(request.request_id());
    if (ids.size() == 1) return testing::WireError(error::Make(v1::COMMIT_IN_DOUBT, "doubt"));
    answer->set_version(2);
    return grpc::Status::OK;
  };
  const auto memory = client_->AdoptState(v1::AdoptStateRequest(), CallOptions());
  ASSERT_OK(memory);
  EXPECT_EQ(memory->version(), 2);
  EXPECT_THAT(ids, ElementsAre("request-1", "request-1"));
}

TEST_F(ClientTest, TellsTheFieldOfAnInvalidRequestOnce) {
  broker_.proposals.get = [](const v1::GetProposalRequest&, v1::Proposal*) {
    return testing::WireError(error::InvalidField("name", "must be proposals/{id}"));
  };
  const auto result = client_->GetProposal("x", CallOptions());
  EXPECT_THAT(result, NamesField("name"));
  EXPECT_EQ(result.status().message(), "name: must be proposals/{id}");
}

TEST_F(ClientTest, WaitPollsUntilTheStateIsLeft) {
  int polls = 0;
  broker_.proposals.wait = [&](const v1::WaitProposalRequest& request, v1::Proposal* answer) {
    EXPECT_LE(request.timeout().seconds(), 60);
    ++polls;
    if (polls == 2) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting");
    if (polls == 3) return testing::WireError(error::Make(v1::DATABASE_UNAVAILABLE, "down"));
    *answer = In(polls < 5 ? v1::Proposal::PENDING : v1::Proposal::DENIED);
    return grpc::Status::OK;
  };
  int interruptions = 0;
  WaitOptions options;
  options.on_progress = [&](const WaitProgress& progress) {
    interruptions += progress.interruption.ok() ? 0 : 1;
  };
  const auto proposal = client_->Wait("proposals/abc", options);
  ASSERT_OK(proposal);
  EXPECT_EQ(proposal->state(), v1::Proposal::DENIED);
  EXPECT_EQ(polls, 5);
  EXPECT_EQ(interruptions, 2);
}

TEST_F(ClientTest, AWaitThatTimesOutIsAnErrorAndNotAProposal) {
  broker_.proposals.wait = [&](const v1::WaitProposalRequest&, v1::Proposal* answer) {
    *answer = In(v1::Proposal::PENDING);
    return grpc::Status::OK;
  };
  EXPECT_THAT(client_->Wait("proposals/abc", {.timeout = absl::Seconds(5)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_GE(environment_.Uptime(), absl::Seconds(5));
}

TEST_F(ClientTest, AWaitThatTimesOutWhileTheBrokerIsDownSaysSo) {
  broker_.proposals.wait = [&](const v1::WaitProposalRequest&, v1::Proposal*) {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "down");
  };
  EXPECT_THAT(client_->Wait("proposals/abc", {.timeout = absl::Seconds(5)}),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ClientTest, WaitDoesNotRepeatARefusal) {
  broker_.proposals.wait = [&](const v1::WaitProposalRequest&, v1::Proposal*) {
    return testing::WireError(error::Make(v1::NOT_FOUND, "no"));
  };
  EXPECT_THAT(client_->Wait("proposals/abc", {}), HasReason(v1::NOT_FOUND));
  EXPECT_THAT(environment_.sleeps(), ElementsAre());
}

TEST(ClientReconnectTest, AWaitSurvivesTheBrokersDeath) {
  auto broker = std::make_unique<testing::FakeBroker>();
  const int port = broker->port();
  std::atomic<bool> asked = false;
  broker->proposals.wait = [&](const v1::WaitProposalRequest&, v1::Proposal*) {
    asked = true;
    asked.notify_all();
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "dying");
  };
  GrpcClient client(grpc::CreateCustomChannel(broker->address(), grpc::InsecureChannelCredentials(),
                                              ChannelArgumentsFor({})),
                    RealEnvironment());
  absl::StatusOr<v1::Proposal> result;
  std::jthread waiter([&] { result = client.Wait("proposals/abc", {.timeout = absl::Seconds(60)}); });
  asked.wait(false);
  broker.reset();
  broker = std::make_unique<testing::FakeBroker>(grpc::InsecureServerCredentials(), port);
  broker->proposals.wait = [](const v1::WaitProposalRequest&, v1::Proposal* answer) {
    *answer = In(v1::Proposal::APPROVED);
    return grpc::Status::OK;
  };
  waiter.join();
  ASSERT_OK(result);
  EXPECT_EQ(result->state(), v1::Proposal::APPROVED);
}

TEST_F(ClientTest, AStopEndsAWaitAtOnce) {
  std::stop_source stop;
  broker_.proposals.wait = [&](const v1::WaitProposalRequest&, v1::Proposal* answer) {
    stop.request_stop();
    *answer = In(v1::Proposal::PENDING);
    return grpc::Status::OK;
  };
  EXPECT_THAT(client_->Wait("proposals/abc", {.stop = stop.get_token()}),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ClientTest, WatchResumesAndPassesEverythingOnOnce) {
  std::vector<std::string> tokens;
  broker_.proposals.watch = [&](const v1::WatchProposalsRequest& request,
                                grpc::ServerWriter<v1::WatchProposalsResponse>* writer) {
    tokens.push_back(request.resume_token());
    v1::WatchProposalsResponse message;
    *message.mutable_proposal() = In(v1::Proposal::PENDING, "e1");
    message.set_resume_token("t1");
    writer->Write(message);  // The second time it is a repetition.
    if (tokens.size() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
    *message.mutable_proposal() = In(v1::Proposal::APPROVED, "e2");
    message.set_resume_token("t2");
    writer->Write(message);
    return grpc::Status::OK;
  };
  std::vector<std::string> etags;
  const auto status = client_->Watch({}, [&](const WatchEvent& event) {
    etags.push_back(event.proposal.etag());
    return event.proposal.state() != v1::Proposal::APPROVED;
  });
  EXPECT_OK(status);
  EXPECT_THAT(etags, ElementsAre("e1", "e2"));
  EXPECT_THAT(tokens, ElementsAre("", "t1"));
}

TEST_F(ClientTest, ADownloadThatBreaksOffContinuesWithoutRepeatingBytes) {
  int calls = 0;
  broker_.proposals.download = [&](grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) {
    v1::DownloadArtifactResponse message;
    for (const char* piece : {"one ", "two ", "three"}) {
      message.set_chunk(piece);
      writer->Write(message);
      if (calls == 0 && std::string(piece) == "two ") {
        ++calls;
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
      }
    }
    return grpc::Status::OK;
  };
  std::string bytes;
  const auto sink = [&](std::string_view piece) {
    bytes += piece;
    return absl::OkStatus();
  };
  EXPECT_OK(client_->DownloadArtifact("proposals/abc", digest::Sha256("one two three"), sink, CallOptions()));
  EXPECT_EQ(bytes, "one two three");
}

TEST_F(ClientTest, OtherBytesThanTheDigestSaysAreRefused) {
  broker_.proposals.download = [&](grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) {
    v1::DownloadArtifactResponse message;
    message.set_chunk("something else");
    writer->Write(message);
    return grpc::Status::OK;
  };
  const auto sink = [](std::string_view) { return absl::OkStatus(); };
  EXPECT_THAT(client_->DownloadArtifact("proposals/abc", digest::Sha256("fix"), sink, CallOptions()),
              HasReason(v1::DATA_CORRUPTED));
}

TEST_F(ClientTest, UploadsAFileInPiecesUnderItsDigest) {
  const std::string content(700'000, 'x');
  const testing::TemporaryDirectory directory;
  broker_.proposals.upload = [&](const std::string& bytes, const v1::ArtifactHeader& header,
                                 v1::Artifact* answer) {
    EXPECT_EQ(bytes, content);
    EXPECT_EQ(header.size_bytes(), 700'000);
    answer->set_digest(header.digest());
    return grpc::Status::OK;
  };
  const auto artifact = client_->UploadArtifactFile(directory.Write("fix.sql", content), CallOptions());
  ASSERT_OK(artifact);
  EXPECT_EQ(artifact->digest(), digest::Sha256(content));
  EXPECT_THAT(client_->UploadArtifactFile(directory / "missing", CallOptions()),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(client_->UploadArtifact("", CallOptions()), HasReason(v1::INVALID_FIELD));
}

TEST_F(ClientTest, AnUploadThatWasStoredAsSomethingElseIsAnError) {
  broker_.proposals.upload = [&](const std::string&, const v1::ArtifactHeader&, v1::Artifact* answer) {
    answer->set_digest(digest::Sha256("something else"));
    return grpc::Status::OK;
  };
  EXPECT_THAT(client_->UploadArtifact("fix", CallOptions()), HasReason(v1::DATA_CORRUPTED));
}

TEST_F(ClientTest, WalksPagesUpToTheLimit) {
  broker_.proposals.list = [&](const v1::ListProposalsRequest& request, v1::ListProposalsResponse* answer) {
    EXPECT_EQ(request.target(), "targets/x");
    const int page = request.page_token().empty() ? 0 : std::stoi(request.page_token());
    answer->add_proposals()->set_name("a" + std::to_string(page));
    answer->add_proposals()->set_name("b" + std::to_string(page));
    if (page < 2) answer->set_next_page_token(std::to_string(page + 1));
    return grpc::Status::OK;
  };
  v1::ListProposalsRequest request;
  request.set_target("targets/x");
  const auto all = ListAllProposals(*client_, request, 0);
  ASSERT_OK(all);
  EXPECT_EQ(all->size(), 6u);
  const auto some = ListAllProposals(*client_, request, 3);
  ASSERT_OK(some);
  EXPECT_EQ(some->size(), 3u);
}

// Mutual TLS, as Connect() makes it.
class TlsTest : public ::testing::Test {
 protected:
  std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const testing::Certificate& certificate) {
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = ca_.pem();
    options.pem_key_cert_pairs.push_back({certificate.key_pem, certificate.certificate_pem});
    return grpc::SslServerCredentials(options);
  }

  absl::Status Get(const testing::FakeBroker& broker, const std::string& ca_file,
                   const testing::Certificate& certificate) {
    const auto client = Connect({.server = broker.address(),
                                 .ca_file = ca_file,
                                 .certificate_file = certificate.certificate_path,
                                 .key_file = certificate.key_path});
    if (!client.ok()) return client.status();
    return (*client)->GetProposal("proposals/abc", {.timeout = absl::Seconds(3)}).status();
  }

  testing::TestCa ca_;
  testing::TestCa other_ca_;
  testing::Certificate agent_ = ca_.IssueClient("spiffe://example.org/agent/bot");
  v1::Proposal* ignored_ = nullptr;
};

TEST_F(TlsTest, ConnectsWithACertificateOfTheSameAuthority) {
  testing::FakeBroker broker(ServerCredentials(ca_.IssueServer()));
  broker.proposals.get = [](const v1::GetProposalRequest&, v1::Proposal*) { return grpc::Status::OK; };
  EXPECT_OK(Get(broker, ca_.path(), agent_));
}

TEST_F(TlsTest, RefusesABrokerOfAnotherAuthority) {
  testing::FakeBroker broker(ServerCredentials(other_ca_.IssueServer()));
  broker.proposals.get = [](const v1::GetProposalRequest&, v1::Proposal*) { return grpc::Status::OK; };
  EXPECT_THAT(Get(broker, ca_.path(), agent_), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, RefusesABrokerOfAnotherName) {
  testing::FakeBroker broker(ServerCredentials(ca_.IssueServer({"elsewhere.example.org"})));
  broker.proposals.get = [](const v1::GetProposalRequest&, v1::Proposal*) { return grpc::Status::OK; };
  EXPECT_THAT(Get(broker, ca_.path(), agent_), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, ReadsARenewedCertificateWithoutReconnectingByHand) {
  const std::string directory = ca_.directory() + "/renewed";
  std::filesystem::create_directory(directory);
  const auto put = [&directory](const testing::Certificate& certificate) {
    std::ofstream(directory + "/tls.pem") << certificate.certificate_pem;
    std::ofstream(directory + "/tls.key") << certificate.key_pem;
  };
  // Begins with a certificate that the broker refuses, which is then replaced by a good one.
  put(other_ca_.IssueClient("spiffe://example.org/agent/bot"));
  testing::FakeBroker broker(ServerCredentials(ca_.IssueServer()));
  broker.proposals.get = [](const v1::GetProposalRequest&, v1::Proposal*) { return grpc::Status::OK; };
  const auto client = Connect({.server = broker.address(),
                               .ca_file = ca_.path(),
                               .certificate_file = directory + "/tls.pem",
                               .key_file = directory + "/tls.key"});
  ASSERT_OK(client);
  EXPECT_THAT((*client)->GetProposal("proposals/abc", {.timeout = absl::Seconds(2)}),
              StatusIs(absl::StatusCode::kUnavailable));
  put(agent_);
  EXPECT_OK((*client)->GetProposal("proposals/abc", {.timeout = absl::Seconds(60)}));
}

TEST_F(TlsTest, SaysWhichFileCannotBeRead) {
  const auto client = Connect({.server = "localhost:1", .ca_file = "/nonexistent/ca.pem"});
  EXPECT_THAT(client, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(client.status().message()), ::testing::HasSubstr("/nonexistent/ca.pem"));
}

}  // namespace
}  // namespace countersign
