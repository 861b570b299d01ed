// Real brokers beside each other on one PostgreSQL, over mutual TLS, used through the client library.
// Acceptance 7: the waiter on one wakes for a decision on another, and outlives the broker that it waited at.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "countersign/client.h"
#include "countersign/error.h"
#include "server/base/clock.h"
#include "tests/support/audit_invariants.h"
#include "tests/support/broker_process.h"
#include "tests/support/broker_world.h"
#include "tests/support/connect_as.h"
#include "tests/support/migrated_database.h"
#include "tests/support/status_matchers.h"

namespace countersign {
namespace {

using testing::BrokerProcess;
using testing::BrokerSite;
using testing::BrokerWorld;
using testing::HasReason;
using ::testing::IsEmpty;
using testing::MigratedDatabase;

// Waits until something that another process does has come true.
template <typename Condition>
bool Eventually(Condition condition, absl::Duration patience = absl::Seconds(30)) {
  const base::SystemClock clock;
  base::Mutex mutex;
  base::CondVar never;
  const absl::Time give_up = clock.Now() + patience;
  while (!condition()) {
    if (clock.Now() >= give_up) return false;
    base::MutexLock lock(&mutex);
    never.WaitUntil(&mutex, std::chrono::steady_clock::now() + std::chrono::milliseconds(10));
  }
  return true;
}

// Somebody who waits, on a thread of their own.
class Waiter {
 public:
  Waiter(Client* client, std::string name)
      : thread_([this, client, name = std::move(name)] {
          result_ = client->Wait(name, {.timeout = absl::Seconds(90)});
          answered_at_ = base::SystemClock().Now();
        }) {}
  ~Waiter() {
    if (thread_.joinable()) thread_.join();
  }

  const absl::StatusOr<v1::Proposal>& Result() {
    if (thread_.joinable()) thread_.join();
    return result_;
  }
  absl::Time answered_at() const { return answered_at_; }

 private:
  absl::StatusOr<v1::Proposal> result_;
  absl::Time answered_at_;
  std::thread thread_;
};

class ReplicaTest : public ::testing::Test {
 protected:
  ~ReplicaTest() override { EXPECT_THAT(ViolatedInvariants(database_), IsEmpty()); }

  std::unique_ptr<BrokerProcess> NewBroker(bool notifications = true) {
    return std::make_unique<BrokerProcess>(
        site_,
        testing::BrokerProcessOptions{.database_dsn = database_.BrokerDsn(), .notifications = notifications});
  }
  std::unique_ptr<Client> As(std::string_view kind, std::string_view name,
                             const std::vector<const BrokerProcess*>& brokers) {
    return testing::ConnectAs(site_, kind, name, brokers);
  }
  v1::Proposal Submitted(Client& agent, const std::string& argument = "one") {
    const auto proposal =
        agent.Submit({.action = BrokerWorld::Command("targets/dev", argument).action(), .reason = "because"});
    EXPECT_OK(proposal);
    return proposal.value_or(v1::Proposal());
  }
  absl::StatusOr<v1::Proposal> Approve(Client& human, const v1::Proposal& shown) {
    v1::ApproveProposalRequest request;
    request.set_name(shown.name());
    request.set_etag(shown.etag());
    request.set_action_digest(shown.action_digest());
    return human.Approve(request);
  }
  static bool HasWaiters(const BrokerProcess& broker, int count) {
    return Eventually([&] { return broker.Metric("countersign_waiters") == count; });
  }
  // How long the waiters on `others` took to hear of a decision that was made on `first`.
  absl::Duration WakeUpTime(const BrokerProcess& first, const std::vector<const BrokerProcess*>& others) {
    const auto agent = As("agent", "bot", {&first});
    const auto human = As("human", "bob", {&first});
    const v1::Proposal proposal = Submitted(*agent);
    std::vector<std::unique_ptr<Client>> jobs;
    std::vector<std::unique_ptr<Waiter>> waiters;
    for (const BrokerProcess* other : others) {
      jobs.push_back(As("workload", "ci", {other}));
      waiters.push_back(std::make_unique<Waiter>(jobs.back().get(), proposal.name()));
      EXPECT_TRUE(HasWaiters(*other, 1));
    }
    EXPECT_OK(Approve(*human, proposal));
    const absl::Time decided_at = base::SystemClock().Now();
    absl::Duration longest;
    for (const auto& waiter : waiters) {
      EXPECT_OK(waiter->Result());
      EXPECT_EQ(waiter->Result()->state(), v1::Proposal::APPROVED);
      longest = std::max(longest, waiter->answered_at() - decided_at);
    }
    return longest;
  }

  MigratedDatabase database_;
  BrokerSite site_{COUNTERSIGN_BIN_DIRECTORY "/countersignd", BrokerWorld::Documents()};
};

TEST_F(ReplicaTest, DecisionOnOneWakesTheWaitersOnTheOthers) {
  const auto one = NewBroker();
  const auto two = NewBroker();
  const auto three = NewBroker();
  for (int round = 0; round < 3; ++round) {
    const absl::Duration took = WakeUpTime(*one, {two.get(), three.get()});
    EXPECT_LT(took,
              absl::Milliseconds(500));  // A poll would take a second at worst and half of one on average.
    RecordProperty("wake_up_ms_" + std::to_string(round), static_cast<int>(absl::ToInt64Milliseconds(took)));
  }
}

TEST_F(ReplicaTest, LostNotificationsCostAtMostTwoSeconds) {
  const auto one = NewBroker(/*notifications=*/false);
  const auto two = NewBroker(/*notifications=*/false);
  for (int round = 0; round < 3; ++round) {
    const absl::Duration took = WakeUpTime(*one, {two.get()});
    EXPECT_LT(took, absl::Seconds(2));
    RecordProperty("wake_up_ms_" + std::to_string(round), static_cast<int>(absl::ToInt64Milliseconds(took)));
  }
}

TEST_F(ReplicaTest, HundredWaitersOfAKilledReplicaFinishOnTheOther) {
  const auto one = NewBroker();
  const auto two = NewBroker();
  two->Kill();  // So that everybody starts waiting on the first.
  const auto agent = As("agent", "bot", {one.get(), two.get()});
  std::vector<std::unique_ptr<Client>> jobs;
  for (int i = 0; i < 4; ++i) jobs.push_back(As("workload", "ci", {one.get(), two.get()}));
  std::vector<v1::Proposal> proposals;
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int i = 0; i < 100; ++i) {
    proposals.push_back(Submitted(*agent, std::to_string(i)));
    waiters.push_back(std::make_unique<Waiter>(jobs[i % jobs.size()].get(), proposals.back().name()));
  }
  ASSERT_TRUE(HasWaiters(*one, 100));
  two->Start();
  one->Kill();
  EXPECT_TRUE(HasWaiters(*two, 100));
  const auto human = As("human", "bob", {two.get()});
  for (const v1::Proposal& proposal : proposals) EXPECT_OK(Approve(*human, proposal));
  for (const auto& waiter : waiters) {
    ASSERT_OK(waiter->Result());
    EXPECT_EQ(waiter->Result()->state(), v1::Proposal::APPROVED);
  }
}

TEST_F(ReplicaTest, WaitersOfADrainingReplicaMoveToTheOther) {
  const auto one = NewBroker();
  const auto two = NewBroker();
  two->Kill();
  const auto agent = As("agent", "bot", {one.get()});
  const auto job = As("workload", "ci", {one.get(), two.get()});
  const v1::Proposal proposal = Submitted(*agent);
  Waiter waiter(job.get(), proposal.name());
  ASSERT_TRUE(HasWaiters(*one, 1));
  two->Start();
  const testing::Exit exit = one->Terminate();
  EXPECT_TRUE(exit.exited);
  EXPECT_EQ(exit.code, 0);
  EXPECT_TRUE(HasWaiters(*two, 1));
  EXPECT_OK(Approve(*As("human", "bob", {two.get()}), proposal));
  EXPECT_OK(waiter.Result());
}

TEST_F(ReplicaTest, OneOfManyConcurrentRedeemsOverAllReplicasWins) {
  const auto one = NewBroker();
  const auto two = NewBroker();
  const auto approved =
      Approve(*As("human", "bob", {one.get()}), Submitted(*As("agent", "bot", {one.get()})));
  ASSERT_OK(approved);
  std::vector<std::unique_ptr<Client>> jobs;
  jobs.push_back(As("workload", "ci", {one.get()}));
  jobs.push_back(As("workload", "ci", {two.get()}));
  v1::ClaimProposalRequest claim;
  claim.set_name(approved->name());
  const auto claimed = jobs[0]->Claim(claim);
  ASSERT_OK(claimed);
  v1::RedeemTokenRequest redeem;
  redeem.set_token(claimed->token());
  redeem.set_action_digest(approved->action_digest());
  std::atomic<int> won = 0, spent = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      const auto redeemed = jobs[i % 2]->Redeem(redeem);
      won += redeemed.ok() ? 1 : 0;
      spent += ReasonOf(redeemed.status()) == v1::TOKEN_ALREADY_REDEEMED ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(spent, 15);
}

TEST_F(ReplicaTest, RepetitionOnAnotherReplicaGetsTheFirstAnswer) {
  const auto one = NewBroker();
  const auto two = NewBroker();
  Submission submission;
  submission.action = BrokerWorld::Command("targets/dev").action();
  submission.reason = "because";
  submission.request_id = "8d4f6c0e-1f4c-4c61-9a4e-0c0a3a0f4f11";
  const auto first = As("agent", "bot", {one.get()})->Submit(submission);
  const auto again = As("agent", "bot", {two.get()})->Submit(submission);
  ASSERT_OK(first);
  ASSERT_OK(again);
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  submission.reason = "another one";
  EXPECT_THAT(As("agent", "bot", {two.get()})->Submit(submission), HasReason(v1::REQUEST_ID_REUSED));
}

TEST_F(ReplicaTest, ConfigurationAppliedOnOneIsInForceOnTheOther) {
  const auto one = NewBroker();
  const auto two = NewBroker();
  const auto agent = As("agent", "bot", {two.get()});
  const v1::Proposal proposal = Submitted(*agent);
  v1::ApplyDocumentsRequest request;
  std::string documents = BrokerWorld::Documents();
  const std::string bob = "{id: spiffe://example.org/human/bob, person: bob";
  documents.insert(documents.find(bob) + bob.size(), ", revoked: true");
  request.set_content(documents);
  ASSERT_OK(As("human", "alice", {one.get()})->ApplyDocuments(request));
  // At once: a decision compares with the configuration that the database holds, not with what the replica
  // knew.
  EXPECT_THAT(Approve(*As("human", "bob", {two.get()}), proposal), ::testing::Not(testing::IsOk()));
}

}  // namespace
}  // namespace countersign
