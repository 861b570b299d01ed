#include "core/policy/quorum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/policy/requirement.h"
#include "server/broker/documents.h"
#include "tests/support/broker_world.h"
#include "tests/support/status_matchers.h"

namespace countersign::policy {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::HasReason;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Configuration World() {
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

class QuorumTest : public ::testing::Test {
 protected:
  v1::Requirement For(const std::string& target) {
    return Evaluate(configuration_, *configuration_.FindTarget(target), v1::COMMAND, {});
  }
  static std::string Human(std::string_view name) { return BrokerWorld::Uri("human", name); }
  std::vector<std::string> Missing(const std::string& target, const std::vector<std::string>& approvers) {
    return MissingApprovals(configuration_, For(target), bot_, approvers);
  }

  const Configuration configuration_ = World();
  const std::string bot_ = BrokerWorld::Uri("agent", "bot");
};

TEST_F(QuorumTest, AsksForEverybodyUntilExactlyEnoughHaveApproved) {
  EXPECT_THAT(Missing("targets/prod-courses", {}), SizeIs(1));
  EXPECT_THAT(Missing("targets/prod-courses", {Human("alice")}), SizeIs(1));
  EXPECT_THAT(Missing("targets/prod-courses", {Human("alice"), Human("bob")}), IsEmpty());
}

TEST_F(QuorumTest, CountsTwoIdentitiesOfOnePersonOnce) {
  EXPECT_THAT(Missing("targets/prod-courses", {Human("alice"), Human("alice-phone")}), SizeIs(1));
}

TEST_F(QuorumTest, CountsTheSamePrincipalOnce) {
  EXPECT_THAT(Missing("targets/prod-courses", {Human("bob"), Human("bob")}), SizeIs(1));
}

TEST_F(QuorumTest, NeverCountsAgentsNorRevokedNorUnknownNorUngroupedPeople) {
  EXPECT_THAT(
      Missing("targets/prod-courses", {Human("alice"), BrokerWorld::Uri("agent", "bot2"), Human("zoe"),
                                       Human("mallory"), "spiffe://elsewhere.org/human/bob"}),
      SizeIs(1));
}

TEST_F(QuorumTest, TellsWhereNobodyButTheOwnerOfTheAgentMayDecide) {
  EXPECT_EQ(OnlyTheOwner(configuration_, For("targets/prod-courses"), bot_), "");
  v1::Requirement alone = For("targets/prod-courses");
  alone.mutable_quorums()->Clear();
  v1::Quorum* const quorum = alone.add_quorums();
  quorum->set_count(1);
  quorum->add_groups("admin");
  EXPECT_EQ(OnlyTheOwner(configuration_, alone, bot_), "alice");
  EXPECT_EQ(OnlyTheOwner(configuration_, alone, Human("bob")), "") << "people have no owner";
}

TEST_F(QuorumTest, LetsOnePersonFillOnlyOneQuorum) {
  // Bob is in both groups: alone he fills one of the two.
  EXPECT_THAT(Missing("targets/vault", {Human("bob")}), SizeIs(1));
}

TEST_F(QuorumTest, CountsNobodyForTheQuorumOfAnotherGroup) {
  v1::Requirement requirement = For("targets/vault");
  requirement.mutable_quorums(0)->set_groups(0, "admin");
  const auto missing = [&](const std::string& one, const std::string& two) {
    return MissingApprovals(configuration_, requirement, BrokerWorld::Uri("agent", "bot2"), {one, two});
  };
  EXPECT_THAT(missing(Human("bob"), Human("carol")), SizeIs(1));  // Both are of security, none is an admin.
  EXPECT_THAT(missing(Human("alice"), Human("carol")), IsEmpty());
}

TEST_F(QuorumTest, FindsTheAssignmentThatGreedWouldMiss) {
  // Alice can only be platform's; so Bob, who comes first in no order, has to be security's.
  const auto missing = MissingApprovals(configuration_, For("targets/vault"),
                                        BrokerWorld::Uri("agent", "bot2"), {Human("bob"), Human("alice")});
  EXPECT_THAT(missing, IsEmpty());
}

TEST_F(QuorumTest, RefusesTheRequester) {
  EXPECT_THAT(CheckEligible(configuration_, For("targets/dev"), Human("bob"), Human("bob")),
              HasReason(v1::SELF_APPROVAL_FORBIDDEN));
}

TEST_F(QuorumTest, RefusesAnotherIdentityOfTheRequester) {
  EXPECT_THAT(CheckEligible(configuration_, For("targets/dev"), Human("alice"), Human("alice-phone")),
              HasReason(v1::SELF_APPROVAL_FORBIDDEN));
}

TEST_F(QuorumTest, RefusesTheOwnerOnlyWherePolicySaysSo) {
  EXPECT_OK(CheckEligible(configuration_, For("targets/dev"), bot_, Human("alice")));
  EXPECT_THAT(CheckEligible(configuration_, For("targets/vault"), bot_, Human("alice")),
              HasReason(v1::SELF_APPROVAL_FORBIDDEN));
}

TEST_F(QuorumTest, RefusesAnAgentThatAGroupNames) {
  EXPECT_THAT(
      CheckEligible(configuration_, For("targets/prod-courses"), bot_, BrokerWorld::Uri("agent", "bot2")),
      HasReason(v1::APPROVER_NOT_ELIGIBLE));
}

TEST_F(QuorumTest, SaysAtOnceThatAQuorumIsOutOfReach) {
  v1::Requirement requirement = For("targets/prod-courses");
  EXPECT_OK(CheckReachable(configuration_, requirement, bot_));
  requirement.mutable_quorums(0)->set_count(4);  // Alice, Bob, Carol are all there are.
  EXPECT_THAT(CheckReachable(configuration_, requirement, bot_), HasReason(v1::QUORUM_IMPOSSIBLE));
}

TEST_F(QuorumTest, DoesNotCountTheRequesterTowardsReach) {
  v1::Requirement requirement = For("targets/prod-courses");
  requirement.mutable_quorums(0)->set_count(3);
  EXPECT_OK(CheckReachable(configuration_, requirement, bot_));
  EXPECT_THAT(CheckReachable(configuration_, requirement, Human("bob")), HasReason(v1::QUORUM_IMPOSSIBLE));
}

}  // namespace
}  // namespace countersign::policy
