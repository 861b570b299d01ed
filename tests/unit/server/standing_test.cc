// Whether an approval still stands: on this very action, under the policy and with the people of now.
#include "server/decision/standing.h"

#include <gtest/gtest.h>

#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "core/policy/requirement.h"
#include "server/broker/documents.h"
#include "tests/support/broker_world.h"
#include "tests/support/status_matchers.h"

namespace countersign::decision {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::HasReason;
using ::testing::ElementsAre;

policy::Configuration World() {
  std::vector<v1::Document> documents;
  const auto split = broker::SplitDocuments(BrokerWorld::Documents());
  EXPECT_OK(split);
  for (const broker::NamedDocument& document : *split) {
    documents.emplace_back().set_name(document.name);
    documents.back().set_content(document.content);
  }
  auto configuration = broker::BuildConfiguration(1, documents);
  EXPECT_OK(configuration);
  return *std::move(configuration);
}

class StandingTest : public ::testing::Test {
 protected:
  // Approved by alice and bob.
  StandingTest() {
    *proposal_.mutable_action() = BrokerWorld::Command("targets/prod-courses").action();
    proposal_.set_action_digest(*digest::ActionDigest(proposal_.action()));
    proposal_.set_environment("production");
    proposal_.set_requester(BrokerWorld::Uri("agent", "bot"));
    *proposal_.mutable_requirement() =
        policy::Evaluate(configuration_, *configuration_.FindTarget("targets/prod-courses"), v1::COMMAND, {});
    for (const char* name : {"alice", "bob"}) {
      v1::Decision* decision = proposal_.add_decisions();
      decision->set_principal(BrokerWorld::Uri("human", name));
      decision->set_person(name);
      decision->set_verdict(v1::Decision::APPROVE);
      decision->set_action_digest(proposal_.action_digest());
    }
    proposal_.set_state(v1::Proposal::APPROVED);
  }

  const policy::Configuration configuration_ = World();
  v1::Proposal proposal_;
};

TEST_F(StandingTest, StandsWhenNothingMoved) { EXPECT_OK(CheckStanding(configuration_, proposal_)); }

TEST_F(StandingTest, FallsWithAnActionThatHasAnotherDigest) {
  proposal_.mutable_action()->set_argv(1, "another");
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::DATA_CORRUPTED));
}

TEST_F(StandingTest, FallsWithADecisionOnAnotherDigest) {
  proposal_.mutable_decisions(1)->set_action_digest(digest::Sha256("another"));
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::DATA_CORRUPTED));
}

TEST_F(StandingTest, CountsOnlyApprovals) {
  for (const auto verdict : {v1::Decision::DENY, v1::Decision::VERDICT_UNSPECIFIED}) {
    proposal_.mutable_decisions(1)->set_verdict(verdict);
    EXPECT_THAT(Approvers(proposal_), ElementsAre(BrokerWorld::Uri("human", "alice")));
    EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::APPROVER_NOT_ELIGIBLE));
  }
}

TEST_F(StandingTest, FallsWithAnApproverWhoIsRevoked) {
  proposal_.mutable_decisions(1)->set_principal(BrokerWorld::Uri("human", "zoe"));
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::APPROVER_NOT_ELIGIBLE));
}

TEST_F(StandingTest, FallsWithItsTarget) {
  proposal_.mutable_action()->set_target("targets/gone");
  proposal_.set_action_digest(*digest::ActionDigest(proposal_.action()));
  for (v1::Decision& decision : *proposal_.mutable_decisions())
    decision.set_action_digest(proposal_.action_digest());
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::POLICY_CHANGED));
}

TEST_F(StandingTest, FallsWithTheEnvironmentOfItsTarget) {
  proposal_.set_environment("development");
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::POLICY_CHANGED));
}

TEST_F(StandingTest, FallsWithItsRequester) {
  proposal_.set_requester(BrokerWorld::Uri("human", "zoe"));
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::POLICY_CHANGED));
}

TEST_F(StandingTest, FallsWithEveryPartOfTheRequirement) {
  const v1::Requirement now = proposal_.requirement();
  proposal_.mutable_requirement()->mutable_quorums(0)->set_count(1);
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::POLICY_CHANGED));
  *proposal_.mutable_requirement() = now;
  proposal_.mutable_requirement()->set_owner_excluded(true);
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::POLICY_CHANGED));
  *proposal_.mutable_requirement() = now;
  proposal_.mutable_requirement()->mutable_token_lifetime()->set_seconds(300);
  EXPECT_THAT(CheckStanding(configuration_, proposal_), HasReason(v1::POLICY_CHANGED));
}

}  // namespace
}  // namespace countersign::decision
