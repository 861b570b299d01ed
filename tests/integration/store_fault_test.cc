// A broker whose network to PostgreSQL fails: answers lost on commit, connections cut at every byte, delays,
// black holes. Acceptance 7: what was acknowledged is there, what was in doubt is settled, and nothing
// happens twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>

#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/postgres/store.h"
#include "tests/support/audit_invariants.h"
#include "tests/support/broker_world.h"
#include "tests/support/migrated_database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"

namespace countersign::postgres {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::HasReason;
using ::countersign::testing::MigratedDatabase;
using ::countersign::testing::StoreOnPostgres;
using ::countersign::testing::TcpGate;
using ::countersign::testing::ViolatedInvariants;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time In(absl::Duration time) { return base::SystemClock().Now() + time; }
absl::Time Soon() { return In(absl::Seconds(20)); }

MATCHER(IsWorthRepeating, "says that the same call may be repeated") {
  const v1::Reason reason = error::ReasonOf(testing::StatusIn(arg));
  *result_listener << "which is " << testing::Describe(testing::StatusIn(arg));
  return reason == v1::DATABASE_UNAVAILABLE || reason == v1::DATABASE_TIMEOUT ||
         reason == v1::COMMIT_IN_DOUBT || reason == v1::OVERLOADED || reason == v1::CONCURRENT_UPDATE;
}

class StoreFaultTest : public ::testing::Test {
 protected:
  using Step =
      std::function<absl::StatusOr<v1::Proposal>(const std::string& request_id, absl::Time deadline)>;

  ~StoreFaultTest() override {
    gate_.Pass();
    EXPECT_THAT(ViolatedInvariants(database_), IsEmpty());
  }

  static std::string NewRequestId() {
    static std::atomic<int> next = 0;
    return "request-" + std::to_string(next++);
  }
  v1::Proposal Submitted() { return *world_.Submit("targets/dev", NewRequestId()); }
  v1::Proposal Approved() { return *world_.Approve(Submitted(), "bob"); }

  Step Submit() {
    return [this, command = BrokerWorld::Command("targets/dev", NewRequestId())](
               const std::string& request_id, absl::Time deadline) mutable {
      command.set_request_id(request_id);
      return world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), command, deadline);
    };
  }
  Step Approve(const v1::Proposal& shown) {
    v1::ApproveProposalRequest request;
    request.set_name(shown.name());
    request.set_etag(shown.etag());
    request.set_action_digest(shown.action_digest());
    return [this, request](const std::string& request_id, absl::Time deadline) mutable {
      request.set_request_id(request_id);
      return world_.broker.ApproveProposal(BrokerWorld::As("human", "bob"), request, deadline);
    };
  }
  Step Claim(const v1::Proposal& approved) {
    return [this, name = approved.name()](const std::string& request_id,
                                          absl::Time deadline) -> absl::StatusOr<v1::Proposal> {
      v1::ClaimProposalRequest request;
      request.set_name(name);
      request.set_request_id(request_id);
      const auto claimed = world_.broker.ClaimProposal(BrokerWorld::As("workload", "ci"), request, deadline);
      if (!claimed.ok()) return claimed.status();
      return claimed->proposal();
    };
  }
  Step Redeem(const v1::ClaimProposalResponse& claimed) {
    v1::RedeemTokenRequest request;
    request.set_token(claimed.token());
    request.set_action_digest(claimed.proposal().action_digest());
    return [this, request](const std::string& request_id,
                           absl::Time deadline) mutable -> absl::StatusOr<v1::Proposal> {
      request.set_request_id(request_id);
      const auto redeemed = world_.broker.RedeemToken(BrokerWorld::As("workload", "ci"), request, deadline);
      if (!redeemed.ok()) return redeemed.status();
      return redeemed->proposal();
    };
  }
  Step Report(const v1::Proposal& executing) {
    v1::ReportExecutionRequest request;
    request.set_name(executing.name());
    request.set_execution_id(executing.execution().id());
    return [this, request](const std::string& request_id, absl::Time deadline) mutable {
      request.set_request_id(request_id);
      return world_.broker.ReportExecution(BrokerWorld::As("workload", "ci"), request, deadline);
    };
  }

  // A whole life, each step under `fault`, which is set before the step and is over after it.
  void LiveUnder(const std::function<void()>& fault) {
    const auto under_fault = [&](const Step& step) {
      const std::string request_id = NewRequestId();
      fault();
      auto done = step(request_id, Soon());
      gate_.Pass();
      if (!done.ok()) {  // What was lost was not the write but a read before it.
        EXPECT_THAT(done, IsWorthRepeating());
        done = step(request_id, Soon());
      }
      EXPECT_OK(done);
      return done.ok() ? *done : v1::Proposal();
    };
    ASSERT_OK(world_.Submit("targets/dev"));  // So that there is a connection to cut.
    const v1::Proposal approved = under_fault(Approve(under_fault(Submit())));
    under_fault(Claim(approved));
    const auto claimed = world_.Claim(approved);
    ASSERT_OK(claimed);
    under_fault(Report(under_fault(Redeem(*claimed))));
    EXPECT_THAT(world_.AuditTypes(approved),
                ElementsAre("proposal.created", "proposal.approved", "token.issued", "token.issued",
                            "token.redeemed", "execution.reported"));
    EXPECT_EQ(world_.Get(approved)->state(), v1::Proposal::SUCCEEDED);
  }

  // Whether the step has been done, as the database says.
  int64_t Events(const v1::Proposal& proposal, const std::string& type) {
    return database_.Int64("SELECT count(*) FROM audit_events WHERE proposal_id = '" +
                           proposal.name().substr(10) + "' AND type = '" + type + "'");
  }
  // Repeats a step that failed, with the same request_id: it succeeds, and has been done once.
  void ExpectRepetitionSucceeds(const Step& step, const std::string& request_id) {
    gate_.Pass();
    EXPECT_OK(step(request_id, Soon()));
  }

  MigratedDatabase database_;
  TcpGate gate_{database_.cluster().port()};
  StoreOnPostgres store_{database_.BrokerDsnThrough(gate_.port()), 4};
  BrokerWorld world_{&*store_};
};

TEST_F(StoreFaultTest, AnswersLostOnCommitAreSettledAtEveryStep) {
  LiveUnder([this] { gate_.CutAfter(TcpGate::Direction::kToClient, 0); });
  EXPECT_GE(gate_.counters().cuts, 5);
}

TEST_F(StoreFaultTest, StatementsLostOnTheWayAreRepeatedAtEveryStep) {
  LiveUnder([this] { gate_.CutAfter(TcpGate::Direction::kToServer, 0); });
  EXPECT_GE(gate_.counters().cuts, 5);
}

TEST_F(StoreFaultTest, StatementsThatArriveWithoutTheirAnswerAreDoneOnce) {
  const v1::Proposal submitted = Submitted();
  gate_.CutOnMarker("decide", TcpGate::CutPoint::kBeforeAnswer);
  const auto approved = Approve(submitted)("", Soon());  // Without a request_id of the caller's, too.
  ASSERT_OK(approved);
  EXPECT_EQ(gate_.counters().cuts, 1);
  EXPECT_EQ(approved->state(), v1::Proposal::APPROVED);
  EXPECT_EQ(Events(submitted, "proposal.approved"), 1);
}

TEST_F(StoreFaultTest, DocumentsThatArriveWithoutTheirAnswerAreAppliedOnce) {
  const auto applications = [this] {
    return database_.Int64("SELECT count(*) FROM audit_events WHERE type = 'configuration.applied'");
  };
  ASSERT_OK(world_.Submit("targets/dev"));  // So that there is a connection to cut.
  const int64_t before = applications();
  v1::ApplyDocumentsRequest request;
  request.set_content("document: Target\nname: targets/late\nenvironment: development\nowners: [platform]\n");
  gate_.CutOnMarker("apply_documents", TcpGate::CutPoint::kBeforeAnswer);
  EXPECT_OK(world_.broker.ApplyDocuments(BrokerWorld::As("human", "alice"), request, Soon()));
  EXPECT_EQ(gate_.counters().cuts, 1);
  EXPECT_EQ(applications(), before + 1);
  EXPECT_NE(world_.broker.configuration()->FindTarget("targets/late"), nullptr);
}

TEST_F(StoreFaultTest, ConnectionsThatIdleThroughARestartCostNothing) {
  const v1::Proposal submitted = Submitted();
  gate_.CutAll();
  EXPECT_OK(Approve(submitted)(NewRequestId(), Soon()));
}

TEST_F(StoreFaultTest, RefusesWhileTheDatabaseIsAwayAndRecovers) {
  const v1::Proposal submitted = Submitted();
  gate_.Refuse(true);
  gate_.CutAll();
  const std::string request_id = NewRequestId();
  EXPECT_THAT(Approve(submitted)(request_id, In(absl::Seconds(1))), IsWorthRepeating());
  ExpectRepetitionSucceeds(Approve(submitted), request_id);
  EXPECT_EQ(Events(submitted, "proposal.approved"), 1);
}

TEST_F(StoreFaultTest, DelayBeyondTheDeadlineHasNoDoubleEffect) {
  for (const absl::Duration delay : {absl::Milliseconds(120), absl::Milliseconds(400)}) {
    SCOPED_TRACE(absl::FormatDuration(delay));
    const v1::Proposal submitted = Submitted();
    const std::string request_id = NewRequestId();
    gate_.Delay(delay);
    const auto late = Approve(submitted)(request_id, In(absl::Milliseconds(200)));
    EXPECT_THAT(late, AnyOf(HasReason(v1::DATABASE_TIMEOUT), HasReason(v1::COMMIT_IN_DOUBT)));
    ExpectRepetitionSucceeds(Approve(submitted), request_id);
    EXPECT_EQ(Events(submitted, "proposal.approved"), 1);
  }
}

TEST_F(StoreFaultTest, SlowNetworkWithinTheDeadlineIsOnlySlow) {
  const v1::Proposal submitted = Submitted();
  gate_.Delay(absl::Milliseconds(50));
  EXPECT_OK(Approve(submitted)(NewRequestId(), Soon()));
}

TEST_F(StoreFaultTest, BlackHoleEndsAtTheDeadlineAndHasNoDoubleEffect) {
  const std::vector<std::optional<TcpGate::Direction>> holes = {std::nullopt, TcpGate::Direction::kToServer,
                                                                TcpGate::Direction::kToClient};
  for (const auto& hole : holes) {
    const v1::Proposal submitted = Submitted();
    const std::string request_id = NewRequestId();
    gate_.Drop(hole);
    const absl::Time start = base::SystemClock().Now();
    const auto lost = Approve(submitted)(request_id, In(absl::Milliseconds(500)));
    EXPECT_THAT(lost, AnyOf(HasReason(v1::DATABASE_TIMEOUT), HasReason(v1::COMMIT_IN_DOUBT)));
    EXPECT_LT(base::SystemClock().Now() - start, absl::Seconds(3));
    ExpectRepetitionSucceeds(Approve(submitted), request_id);
    EXPECT_EQ(Events(submitted, "proposal.approved"), 1);
  }
}

TEST_F(StoreFaultTest, NewTokenIsIssuedOnceAlthoughItsAnswerWasLost) {
  const v1::Proposal approved = Approved();
  const std::string request_id = NewRequestId();
  gate_.Drop(TcpGate::Direction::kToClient);
  EXPECT_THAT(Claim(approved)(request_id, In(absl::Milliseconds(300))), IsWorthRepeating());
  ExpectRepetitionSucceeds(Claim(approved), request_id);
  EXPECT_EQ(Events(approved, "token.issued"), 1);
}

TEST_F(StoreFaultTest, WhatNoRequestIdCanSettleStaysInDoubt) {
  const v1::Proposal submitted = Submitted();
  world_.clock.Advance(absl::Hours(25));
  gate_.CutOnMarker("move", TcpGate::CutPoint::kBeforeAnswer);
  EXPECT_THAT(world_.broker.Sweep(Soon()), HasReason(v1::COMMIT_IN_DOUBT));
  EXPECT_EQ(gate_.counters().cuts, 1);
  EXPECT_OK(world_.broker.Sweep(Soon()));
  EXPECT_EQ(Events(submitted, "proposal.expired"), 1);
}

TEST_F(StoreFaultTest, WhatCannotBeLookedUpStaysInDoubt) {
  const v1::Proposal submitted = Submitted();
  const std::string request_id = NewRequestId();
  gate_.CutOnMarker("decide", TcpGate::CutPoint::kBeforeAnswer);
  gate_.Refuse(true);
  EXPECT_THAT(Approve(submitted)(request_id, In(absl::Seconds(1))), HasReason(v1::COMMIT_IN_DOUBT));
  EXPECT_EQ(gate_.counters().cuts, 1);
  ExpectRepetitionSucceeds(Approve(submitted), request_id);
  EXPECT_EQ(Events(submitted, "proposal.approved"), 1);
}

// The connection ends after every byte of the request, and after every byte of the answer.
class EveryByteOfATransitionTest : public StoreFaultTest,
                                   public ::testing::WithParamInterface<TcpGate::Direction> {
 protected:
  // Cuts after 0, stride, 2 * stride, ... bytes of a step, until it is done without being cut.
  void CutEverywhere(int stride, const std::function<Step()>& next) {
    int settled = 0;
    for (size_t bytes = 0;; bytes += static_cast<size_t>(stride)) {
      SCOPED_TRACE(bytes);
      ASSERT_LT(bytes, 20'000u) << "the step was never done without a cut";
      const Step step = next();
      const std::string request_id = NewRequestId();
      const int cuts = gate_.counters().cuts;
      gate_.CutAfter(GetParam(), bytes);
      auto done = step(request_id, Soon());
      gate_.Pass();
      const bool was_cut = gate_.counters().cuts > cuts;
      if (done.ok()) {
        settled += was_cut ? 1 : 0;
      } else {
        EXPECT_THAT(done, IsWorthRepeating());
        done = step(request_id, Soon());
        ASSERT_OK(done);
      }
      const auto again = step(request_id, Soon());
      ASSERT_OK(again);
      EXPECT_EQ(again->SerializeAsString(), done->SerializeAsString());
      if (!was_cut) break;
    }
    EXPECT_GT(settled, 0);
  }
};
INSTANTIATE_TEST_SUITE_P(ToServer, EveryByteOfATransitionTest,
                         ::testing::Values(TcpGate::Direction::kToServer));
INSTANTIATE_TEST_SUITE_P(ToClient, EveryByteOfATransitionTest,
                         ::testing::Values(TcpGate::Direction::kToClient));

// A request has some 2,000 bytes and an answer some 100.
int Stride(TcpGate::Direction direction, int of_requests) {
  return direction == TcpGate::Direction::kToServer ? of_requests : 1;
}

TEST_P(EveryByteOfATransitionTest, OneSubmission) {
  CutEverywhere(Stride(GetParam(), 23), [this] { return Submit(); });
}

TEST_P(EveryByteOfATransitionTest, OneApproval) {
  CutEverywhere(Stride(GetParam(), 11), [this] { return Approve(Submitted()); });
}

TEST_P(EveryByteOfATransitionTest, OneRedemption) {
  std::optional<v1::Proposal> before;
  CutEverywhere(Stride(GetParam(), 11), [&] {
    // The target is free again once the execution before has ended.
    if (before.has_value()) {
      EXPECT_OK(world_.Report(*world_.Get(*before), 0));
    }
    before = Approved();
    return Redeem(*world_.Claim(*before));
  });
}

TEST_P(EveryByteOfATransitionTest, OneReport) {
  CutEverywhere(Stride(GetParam(), 23),
                [this] { return Report(world_.Redeem(*world_.Claim(Approved()))->proposal()); });
}

TEST_F(StoreFaultTest, LivesGoOnWhileConnectionsAreCutAtRandom) {
  const uint32_t seed = static_cast<uint32_t>(GTEST_FLAG_GET(random_seed));
  const absl::Time end = In(absl::Seconds(4));
  std::thread saboteur([&] {
    std::mt19937 random(seed);
    base::Mutex mutex;
    base::CondVar never;
    while (base::SystemClock().Now() < end) {
      const auto direction =
          random() % 2 == 0 ? TcpGate::Direction::kToServer : TcpGate::Direction::kToClient;
      gate_.CutAfter(direction, random() % 5000);
      if (random() % 10 == 0) gate_.CutAll();
      // Long enough for connections to be made again in between.
      base::MutexLock lock(&mutex);
      never.WaitUntil(&mutex,
                      std::chrono::steady_clock::now() + std::chrono::milliseconds(20 + random() % 100));
    }
    gate_.Pass();
  });
  const auto persist = [](const Step& step) {
    const std::string request_id = NewRequestId();
    for (;;) {
      auto done = step(request_id, Soon());
      if (done.ok()) return *done;
      EXPECT_THAT(done, IsWorthRepeating());
      if (::testing::Test::HasFailure()) return v1::Proposal();
    }
  };
  std::vector<std::thread> people;
  std::atomic<int> lives = 0;
  for (int i = 0; i < 4; ++i) {
    people.emplace_back([&] {
      while (base::SystemClock().Now() < end && !::testing::Test::HasFailure()) {
        const v1::Proposal approved = persist(Approve(persist(Submit())));
        EXPECT_EQ(approved.state(), v1::Proposal::APPROVED);
        persist(Claim(approved));
        ++lives;
      }
    });
  }
  for (std::thread& person : people) person.join();
  saboteur.join();
  EXPECT_GT(lives, 0);
  EXPECT_GT(gate_.counters().cuts, 2);
}

}  // namespace
}  // namespace countersign::postgres
