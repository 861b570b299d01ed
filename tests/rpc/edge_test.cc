// What every call has in common: errors, request ids, limits, the log, health, the end.
#include <google/protobuf/unknown_field_set.h>

#include <future>
#include <thread>

#include "tests/rpc/server_fixture.h"

namespace countersign::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kMissing[] = "proposals/aaaaaaaaaaaaaaaaaaaaaaaa";

class EdgeTest : public ServerFixture {
 protected:
  std::string Health() {
    std::string answer;
    const grpc::Status status = CallWithBytes(Connect(kAlice), "/grpc.health.v1.Health/Check", "", &answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (answer == std::string("\x08\x01")) return "SERVING";
    if (answer == std::string("\x08\x02")) return "NOT_SERVING";
    return answer;
  }
};

TEST_F(EdgeTest, AnErrorCarriesExactlyOneErrorInfo) {
  StartServer();
  v1::Proposal proposal;
  const grpc::Status status = Get(kAgent, kMissing, &proposal);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  const ErrorDetails details = DetailsOf(status);
  ASSERT_THAT(details.infos, SizeIs(1));
  EXPECT_EQ(details.infos[0].domain(), "countersign");
  EXPECT_EQ(details.infos[0].reason(), "NOT_FOUND");
  EXPECT_THAT(details.bad_requests, SizeIs(0));
}

TEST_F(EdgeTest, AMalformedFieldIsNamed) {
  StartServer();
  v1::Proposal proposal;
  const grpc::Status status = Get(kAgent, "proposals/UPPER", &proposal);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const ErrorDetails details = DetailsOf(status);
  ASSERT_THAT(details.infos, SizeIs(1));
  ASSERT_THAT(details.bad_requests, SizeIs(1));
  EXPECT_EQ(details.bad_requests[0].field_violations(0).field(), "name");
}

// Field 77 in a message, as a sender with another contract would put it there.
void AddUnknown(google::protobuf::Message* message) {
  message->GetReflection()->MutableUnknownFields(message)->AddLengthDelimited(77, "what nobody read");
}

TEST_F(EdgeTest, ARequestWithAFieldThatTheContractDoesNotHaveIsRefused) {
  StartServer();
  const auto field_of = [](const grpc::Status& status) {
    EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
    EXPECT_THAT(status.error_message(), HasSubstr("77"));
    const ErrorDetails details = DetailsOf(status);
    return details.bad_requests.size() == 1 ? details.bad_requests[0].field_violations(0).field() : "";
  };
  const auto create = [&](const v1::CreateProposalRequest& request) {
    v1::Proposal proposal;
    return field_of(Proposals(kAgent)->CreateProposal(Within().get(), request, &proposal));
  };
  v1::CreateProposalRequest request = NewProposal();
  AddUnknown(&request);
  EXPECT_EQ(create(request), "CreateProposalRequest");
  request = NewProposal();
  AddUnknown(request.mutable_action());
  EXPECT_EQ(create(request), "action");
  request = NewProposal();
  AddUnknown(request.mutable_action()->add_artifacts());
  EXPECT_EQ(create(request), "action.artifacts[0]");

  v1::WaitProposalRequest wait;
  wait.set_name(MustCreate().name());
  AddUnknown(wait.mutable_timeout());
  v1::Proposal proposal;
  EXPECT_EQ(field_of(Proposals(kAgent)->WaitProposal(Within().get(), wait, &proposal)), "timeout");

  v1::WatchProposalsRequest watch;
  AddUnknown(&watch);
  const auto context = Within();
  const auto reader = Proposals(kAgent)->WatchProposals(context.get(), watch);
  v1::WatchProposalsResponse change;
  EXPECT_FALSE(reader->Read(&change));
  EXPECT_EQ(field_of(reader->Finish()), "WatchProposalsRequest");
}

TEST_F(EdgeTest, AWaitForATimeThatProtobufDoesNotAllowIsRefused) {
  StartServer();
  v1::WaitProposalRequest wait;
  wait.set_name(MustCreate().name());
  for (const auto& [whole, nanos] : std::vector<std::pair<int64_t, int>>{
           {1, -5}, {-1, 0}, {0, -1}, {0, 1'000'000'000}, {315'576'000'001, 0}}) {
    wait.mutable_timeout()->set_seconds(whole);
    wait.mutable_timeout()->set_nanos(nanos);
    v1::Proposal proposal;
    const grpc::Status status = Proposals(kAgent)->WaitProposal(Within().get(), wait, &proposal);
    EXPECT_EQ(ReasonOf(status), "INVALID_FIELD") << whole << " " << nanos;
  }
}

TEST_F(EdgeTest, AnInternalErrorIsLoggedAndNotTold) {
  StartServer();
  store_.FailWith(absl::InternalError("password=hunter2 in driver text"));
  v1::Proposal proposal;
  const grpc::Status status = Get(kAgent, kMissing, &proposal);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(ReasonOf(status), "INTERNAL");
  EXPECT_THAT(status.error_message(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(status.error_details(), Not(HasSubstr("hunter2")));
  ASSERT_THAT(log_.lines(), SizeIs(1));
  EXPECT_THAT(log_.lines()[0].detail, HasSubstr("driver text"));
  EXPECT_THAT(status.error_message(), HasSubstr(log_.lines()[0].request_id));
}

TEST_F(EdgeTest, ARequestIdIsEchoedOrMade) {
  StartServer();
  const auto round_trip = [this](const std::string& given) {
    const auto context = Within();
    if (!given.empty()) context->AddMetadata("x-request-id", given);
    v1::Caller caller;
    EXPECT_TRUE(Configs(kAlice)->GetCaller(context.get(), {}, &caller).ok());
    const auto& metadata = context->GetServerInitialMetadata();
    const auto found = metadata.find("x-request-id");
    return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
  };
  EXPECT_EQ(round_trip("build-17.step_3"), "build-17.step_3");
  EXPECT_THAT(round_trip(""), SizeIs(24));
  EXPECT_THAT(round_trip("with space"), SizeIs(24));
  EXPECT_THAT(round_trip(std::string(65, 'a')), SizeIs(24));
  EXPECT_EQ(round_trip(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(log_.lines()[0].request_id, "build-17.step_3");
}

TEST_F(EdgeTest, EachCallIsOneLineInTheLogAndOneCount) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal unused;
  EXPECT_EQ(ReasonOf(Approve(kOtherAgent, proposal, &unused)), "NOT_PERMITTED");
  const std::vector<LogLine> lines = log_.lines();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].method, "CreateProposal");
  EXPECT_EQ(lines[0].principal, kAgent);
  EXPECT_EQ(lines[0].proposal, proposal.name());
  EXPECT_EQ(lines[0].reason, "OK");
  EXPECT_EQ(lines[1].method, "ApproveProposal");
  EXPECT_EQ(lines[1].principal, kOtherAgent);
  EXPECT_EQ(lines[1].reason, "NOT_PERMITTED");
  EXPECT_EQ(log_.counted("CreateProposal", v1::REASON_UNSPECIFIED), 1);
  EXPECT_EQ(log_.counted("ApproveProposal", v1::NOT_PERMITTED), 1);
}

// Every service is wired: a proposal goes through its life, and no token is in the log.
TEST_F(EdgeTest, AProposalLivesItsLifeOverTheWire) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal approved;
  grpc::Status status = Approve(kAlice, proposal, &approved);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(approved.state(), v1::Proposal::APPROVED);

  v1::ClaimProposalRequest claim;
  claim.set_name(proposal.name());
  v1::ClaimProposalResponse claimed;
  status = Executions(kJob)->ClaimProposal(Within().get(), claim, &claimed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::RedeemTokenRequest redeem;
  redeem.set_token(claimed.token());
  redeem.set_action_digest(proposal.action_digest());
  v1::RedeemTokenResponse redeemed;
  status = Executions(kJob)->RedeemToken(Within().get(), redeem, &redeemed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::ReportExecutionRequest report;
  report.set_name(proposal.name());
  report.set_execution_id(redeemed.proposal().execution().id());
  v1::Proposal reported;
  status = Executions(kJob)->ReportExecution(Within().get(), report, &reported);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reported.state(), v1::Proposal::SUCCEEDED);

  v1::ListAuditEventsResponse events;
  status = v1::AuditService::NewStub(Connect(kAuditor))->ListAuditEvents(Within().get(), {}, &events);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GE(events.events_size(), 5);
  for (const LogLine& line : log_.lines()) {
    for (const std::string& text :
         {line.method, line.principal, line.request_id, line.proposal, line.detail}) {
      EXPECT_THAT(text, Not(HasSubstr(claimed.token())));
    }
  }
}

TEST_F(EdgeTest, ARequestThatIsTooLargeIsRefused) {
  StartServer();
  v1::CreateProposalRequest request = NewProposal();
  request.set_reason(std::string(2 << 20, 'x'));
  v1::Proposal proposal;
  const grpc::Status status = Proposals(kAgent)->CreateProposal(Within().get(), request, &proposal);
  EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
  request.set_reason(std::string(5 << 20, 'x'));
  EXPECT_EQ(Proposals(kAgent)->CreateProposal(Within().get(), request, &proposal).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(EdgeTest, OverItsConcurrencyLimitTheBrokerSaysWhenToComeBack) {
  executor_threads_ = 2;
  executor_queue_ = 3;
  StartServer();
  auto occupied = OccupyExecutor();
  v1::Proposal proposal;
  const grpc::Status status = Get(kAgent, kMissing, &proposal);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_THAT(DetailsOf(status).retries, SizeIs(1));
  occupied.reset();
  EXPECT_TRUE(Eventually([&] { return ReasonOf(Get(kAgent, kMissing, &proposal)) == "NOT_FOUND"; }));
}

TEST_F(EdgeTest, TheCallersDeadlineEndsACallThatIsQueued) {
  executor_threads_ = 1;
  executor_queue_ = 1;
  options_.limits.max_in_flight_per_principal = 1;
  StartServer();
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  ASSERT_TRUE(executor_->TrySubmit([released] { released.wait(); }));
  v1::GetProposalRequest request;
  request.set_name(kMissing);
  v1::Proposal proposal;
  const grpc::Status status =
      Proposals(kAgent)->GetProposal(Within(milliseconds(200)).get(), request, &proposal);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  release.set_value();
  // Its place among the principal's calls is free again.
  EXPECT_TRUE(Eventually([&] { return ReasonOf(Get(kAgent, kMissing, &proposal)) == "NOT_FOUND"; }));
}

TEST_F(EdgeTest, OnePrincipalGetsSoManyCallsAtWork) {
  executor_threads_ = 1;
  executor_queue_ = 10;
  options_.limits.max_in_flight_per_principal = 2;
  StartServer();
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  ASSERT_TRUE(executor_->TrySubmit([released] { released.wait(); }));
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([this] {
      v1::Proposal proposal;
      EXPECT_EQ(ReasonOf(Get(kAgent, kMissing, &proposal)), "NOT_FOUND");
    });
  }
  EXPECT_TRUE(Eventually([&] { return executor_->queued() == 2; }));
  v1::Proposal proposal;
  const grpc::Status status = Get(kAgent, kMissing, &proposal);
  EXPECT_EQ(ReasonOf(status), "RATE_LIMITED");
  EXPECT_THAT(DetailsOf(status).retries, SizeIs(1));
  std::thread other([this] {
    v1::Proposal unused;
    EXPECT_EQ(ReasonOf(Get(kAlice, kMissing, &unused)), "NOT_FOUND");
  });
  EXPECT_TRUE(Eventually([&] { return executor_->queued() == 3; }));
  release.set_value();
  other.join();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(EdgeTest, AFloodOfSubmissionsIsLimitedAndOthersAreServed) {
  options_.limits.submission_burst = 5;
  options_.limits.submissions_per_second = 0.001;
  StartServer();
  int accepted = 0;
  grpc::Status refusal;
  for (int i = 0; i < 1000; ++i) {
    v1::Proposal proposal;
    const grpc::Status status = Proposals(kAgent)->CreateProposal(Within().get(), NewProposal(), &proposal);
    if (status.ok()) {
      ++accepted;
    } else {
      refusal = status;
    }
  }
  EXPECT_EQ(accepted, 5);
  EXPECT_EQ(refusal.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(refusal), "RATE_LIMITED");
  const ErrorDetails details = DetailsOf(refusal);
  ASSERT_THAT(details.retries, SizeIs(1));
  EXPECT_GT(details.retries[0].retry_delay().seconds(), 100);

  v1::Proposal proposal;
  EXPECT_TRUE(Proposals(kOtherAgent)->CreateProposal(Within().get(), NewProposal(), &proposal).ok());
  EXPECT_EQ(ReasonOf(Get(kAgent, kMissing, &proposal)), "NOT_FOUND") << "reading is not submitting";
}

TEST_F(EdgeTest, HealthFollowsWhatTheBrokerSaysOfItself) {
  StartServer();
  EXPECT_EQ(Health(), "SERVING");
  server_->SetServing(false);
  EXPECT_EQ(Health(), "NOT_SERVING");
}

TEST_F(EdgeTest, ReflectionIsThereOnlyWhenAskedFor) {
  constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  StartServer();
  std::string answer;
  EXPECT_EQ(CallWithBytes(Connect(kAlice), kReflection, "", &answer).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  server_.reset();
  options_.enable_reflection = true;
  StartServer();
  EXPECT_NE(CallWithBytes(Connect(kAlice), kReflection, "", &answer).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(EdgeTest, DrainSendsWaitersAndWatchersElsewhereAndReturns) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  grpc::Status waited;
  std::thread waiter([&] {
    v1::WaitProposalRequest request;
    request.set_name(proposal.name());
    v1::Proposal answer;
    waited = Proposals(kAgent)->WaitProposal(Within().get(), request, &answer);
  });
  ASSERT_TRUE(Eventually([&] { return hub_->waiting() == 1; }));
  const auto context = Within();
  const auto stream = v1::ProposalService::NewStub(Connect(kAlice))
                          ->WatchProposals(context.get(), v1::WatchProposalsRequest());
  v1::WatchProposalsResponse change;
  ASSERT_TRUE(stream->Read(&change));

  const auto begin = std::chrono::steady_clock::now();
  server_->Drain(absl::Seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
  waiter.join();
  EXPECT_EQ(waited.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(waited), "OVERLOADED");
  while (stream->Read(&change)) {
  }
  EXPECT_EQ(ReasonOf(stream->Finish()), "OVERLOADED");
  v1::Proposal unused;
  EXPECT_EQ(Get(kAgent, proposal.name(), &unused).error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace countersign::rpc
