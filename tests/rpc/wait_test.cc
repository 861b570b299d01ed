#include <future>
#include <thread>

#include "server/base/timestamps.h"
#include "tests/rpc/server_fixture.h"

namespace countersign::rpc {
namespace {

using std::chrono::seconds;

class WaitTest : public ServerFixture {
 protected:
  static v1::WaitProposalRequest Request(const std::string& name,
                                         absl::Duration timeout = absl::Seconds(30)) {
    v1::WaitProposalRequest request;
    request.set_name(name);
    *request.mutable_timeout() = base::ToProtoDuration(timeout);
    return request;
  }
  grpc::Status Wait(const std::string& principal, const v1::WaitProposalRequest& request,
                    v1::Proposal* proposal) {
    return Proposals(principal)->WaitProposal(Within().get(), request, proposal);
  }
};

TEST_F(WaitTest, WakesWhenTheProposalIsApproved) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal answer;
  grpc::Status status;
  std::thread waiter([&] { status = Wait(kJob, Request(proposal.name()), &answer); });
  ASSERT_TRUE(Eventually([&] { return hub_->waiting() == 1; }));
  v1::Proposal approved;
  ASSERT_TRUE(Approve(kAlice, proposal, &approved).ok());
  waiter.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.state(), v1::Proposal::APPROVED);
  EXPECT_EQ(hub_->waiting(), 0u);
}

TEST_F(WaitTest, AnswersAtOnceWhenTheDecisionCameFirst) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal approved;
  ASSERT_TRUE(Approve(kAlice, proposal, &approved).ok());
  v1::Proposal answer;
  const grpc::Status status = Wait(kJob, Request(proposal.name()), &answer);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.state(), v1::Proposal::APPROVED);
}

// A decision that another replica committed, without any notification.
TEST_F(WaitTest, LearnsWithinTwoSecondsWhatNobodyAnnounced) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal answer;
  grpc::Status status;
  const size_t reads = store_.reads();
  std::thread waiter([&] { status = Wait(kJob, Request(proposal.name()), &answer); });
  ASSERT_TRUE(Eventually([&] { return hub_->waiting() == 1 && store_.reads() > reads; }));
  v1::Proposal denied = proposal;
  denied.set_state(v1::Proposal::DENIED);
  const auto begin = std::chrono::steady_clock::now();
  store_.Tamper(proposal.name().substr(10), denied);
  waiter.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(2));
  EXPECT_EQ(answer.state(), v1::Proposal::DENIED);
}

TEST_F(WaitTest, ATimeoutIsAnsweredWithTheLatestStateAndIsNoError) {
  hub_options_.poll_interval = seconds(10);  // So that it is the deadline that ends the wait.
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal answer;
  const auto begin = std::chrono::steady_clock::now();
  const grpc::Status status = Wait(kAgent, Request(proposal.name(), absl::Milliseconds(100)), &answer);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, hub_options_.poll_interval);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.state(), v1::Proposal::PENDING);
  EXPECT_EQ(answer.name(), proposal.name());
}

TEST_F(WaitTest, AnswersBeforeTheCallersOwnDeadline) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal answer;
  const grpc::Status status = Proposals(kAgent)->WaitProposal(
      Within(seconds(2)).get(), Request(proposal.name(), absl::Seconds(60)), &answer);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.state(), v1::Proposal::PENDING);
}

TEST_F(WaitTest, WaitsForTheStateThatIsNamed) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::WaitProposalRequest request = Request(proposal.name());
  request.set_while_state(v1::Proposal::APPROVED);
  v1::Proposal answer;
  EXPECT_TRUE(Wait(kAgent, request, &answer).ok());
  EXPECT_EQ(answer.state(), v1::Proposal::PENDING) << "it is not APPROVED, so there is nothing to wait for";
}

TEST_F(WaitTest, SaysNotFoundOfWhatIsMissingOrNotTheCallersToSee) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal answer;
  EXPECT_EQ(ReasonOf(Wait(kAgent, Request("proposals/aaaaaaaaaaaaaaaaaaaaaaaa"), &answer)), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Wait(kOtherAgent, Request(proposal.name()), &answer)), "NOT_FOUND");
}

TEST_F(WaitTest, RefusesMalformedRequests) {
  StartServer();
  v1::Proposal answer;
  EXPECT_EQ(ReasonOf(Wait(kAgent, Request("proposals/short"), &answer)), "INVALID_FIELD");
  const v1::Proposal proposal = MustCreate();
  EXPECT_EQ(ReasonOf(Wait(kAgent, Request(proposal.name(), absl::Seconds(-1)), &answer)), "INVALID_FIELD");
  v1::WaitProposalRequest request = Request(proposal.name());
  request.set_while_state(static_cast<v1::Proposal::State>(99));
  EXPECT_EQ(ReasonOf(Wait(kAgent, request, &answer)), "INVALID_FIELD");
}

TEST_F(WaitTest, ACancelledWaitLeavesNothingRegistered) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  const auto context = Within();
  grpc::Status status;
  std::thread waiter([&] {
    v1::Proposal answer;
    status = Proposals(kAgent)->WaitProposal(context.get(), Request(proposal.name()), &answer);
  });
  ASSERT_TRUE(Eventually([&] { return hub_->waiting() == 1; }));
  context->TryCancel();
  waiter.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return hub_->waiting() == 0; }));
}

TEST_F(WaitTest, AWaiterWhoseConnectionIsLostLeavesNothingRegistered) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  auto channel = Connect(kAgent);
  auto context = Within();
  grpc::CompletionQueue queue;
  auto call = v1::ProposalService::NewStub(channel)->AsyncWaitProposal(context.get(),
                                                                       Request(proposal.name()), &queue);
  v1::Proposal answer;
  grpc::Status status;
  call->Finish(&answer, &status, this);
  ASSERT_TRUE(Eventually([&] { return hub_->waiting() == 1; }));
  context->TryCancel();
  channel.reset();
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(Eventually([&] { return hub_->waiting() == 0; }));
}

TEST_F(WaitTest, WaitsNeedNoThreadEach) {
  executor_threads_ = 1;
  executor_queue_ = 8;
  StartServer();
  constexpr int kWaits = 500;
  const v1::Proposal proposal = MustCreate();
  const auto stub = Proposals(kJob);
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientAsyncResponseReader<v1::Proposal>>> calls;
  std::vector<v1::Proposal> answers(kWaits);
  std::vector<grpc::Status> statuses(kWaits);
  for (int i = 0; i < kWaits; ++i) {
    contexts.push_back(Within());
    calls.push_back(stub->AsyncWaitProposal(contexts.back().get(), Request(proposal.name()), &queue));
    calls.back()->Finish(&answers[i], &statuses[i], &answers[i]);
  }
  ASSERT_TRUE(Eventually([&] { return hub_->waiting() == kWaits; }));
  v1::Proposal approved;
  ASSERT_TRUE(Approve(kAlice, proposal, &approved).ok());
  for (int i = 0; i < kWaits; ++i) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
  }
  for (int i = 0; i < kWaits; ++i) {
    ASSERT_TRUE(statuses[i].ok()) << statuses[i].error_message();
    EXPECT_EQ(answers[i].state(), v1::Proposal::APPROVED);
  }
}

// Waits that are cancelled, answered and timed out at the same moment: each RPC ends, none is left behind.
TEST_F(WaitTest, SurvivesCancellationsThatRaceWithAnswers) {
  StartServer();
  for (int round = 0; round < 20; ++round) {
    const v1::Proposal proposal = MustCreate();
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::thread> waiters;
    for (int i = 0; i < 6; ++i) contexts.push_back(Within());
    for (int i = 0; i < 6; ++i) {
      waiters.emplace_back([&, i] {
        v1::Proposal answer;
        const absl::Duration timeout = i % 3 == 0 ? absl::Milliseconds(round) : absl::Seconds(30);
        (void)Proposals(kJob)->WaitProposal(contexts[i].get(), Request(proposal.name(), timeout), &answer);
      });
    }
    std::thread canceller([&] {
      for (int i = 1; i < 6; i += 2) contexts[i]->TryCancel();
    });
    v1::Proposal approved;
    EXPECT_TRUE(Approve(kAlice, proposal, &approved).ok());
    canceller.join();
    for (std::thread& waiter : waiters) waiter.join();
  }
  EXPECT_TRUE(Eventually([&] { return hub_->waiting() == 0; }));
}

TEST_F(WaitTest, TellsNothingToWhoIsRevokedMeanwhile) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  v1::Proposal answer;
  grpc::Status status;
  std::thread waiter([&] { status = Wait(kJob, Request(proposal.name()), &answer); });
  ASSERT_TRUE(Eventually([&] { return hub_->waiting() == 1; }));
  RevokeJob();
  v1::Proposal approved;
  EXPECT_TRUE(Approve(kAlice, proposal, &approved).ok());
  waiter.join();
  EXPECT_EQ(ReasonOf(status), "PRINCIPAL_REVOKED");
  EXPECT_EQ(answer.name(), "");
}

}  // namespace
}  // namespace countersign::rpc
