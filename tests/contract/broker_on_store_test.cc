// The broker's use cases on each store: what its own tests say on the fake has to be true on PostgreSQL.
#include <atomic>

#include "server/base/timestamps.h"
#include "tests/contract/store_contract.h"
#include "tests/support/broker_world.h"
#include "tests/support/status_matchers.h"

namespace countersign::storage {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::HasReason;
using ::testing::ElementsAre;

class BrokerOnStore : public StoreContract {
 protected:
  BrokerWorld world_{&store()};
};
INSTANTIATE_TEST_SUITE_P(Fake, BrokerOnStore, ::testing::Values(Implementation{"fake", NewFakeStore}));
INSTANTIATE_TEST_SUITE_P(Postgres, BrokerOnStore,
                         ::testing::Values(Implementation{"postgres", NewPostgresStore}));

TEST_P(BrokerOnStore, TakesAProposalThroughItsWholeLife) {
  const auto submitted = world_.Submit("targets/prod-courses");
  ASSERT_OK(submitted);
  const auto once = world_.Approve(*submitted, "alice");
  ASSERT_OK(once);
  EXPECT_EQ(once->state(), v1::Proposal::PENDING);
  const auto approved = world_.Approve(*once, "bob");
  ASSERT_OK(approved);
  EXPECT_EQ(approved->state(), v1::Proposal::APPROVED);
  const auto claimed = world_.Claim(*approved);
  ASSERT_OK(claimed);
  const auto redeemed = world_.Redeem(*claimed);
  ASSERT_OK(redeemed);
  const auto reported = world_.Report(redeemed->proposal(), 0);
  ASSERT_OK(reported);
  EXPECT_EQ(reported->state(), v1::Proposal::SUCCEEDED);
  EXPECT_EQ(world_.Get(*reported)->DebugString(), reported->DebugString());
  EXPECT_THAT(world_.AuditTypes(*submitted),
              ElementsAre("proposal.created", "proposal.approved", "proposal.approved", "token.issued",
                          "token.redeemed", "execution.reported"));
}

TEST_P(BrokerOnStore, OneOfManyConcurrentRedeemsWins) {
  for (int round = 0; round < 5; ++round) {
    const auto claimed = world_.Claim(world_.Approved(std::to_string(round)));
    ASSERT_OK(claimed);
    std::atomic<int> won = 0;
    AtOnce(16, [&](int) { won += world_.Redeem(*claimed).ok() ? 1 : 0; });
    EXPECT_EQ(won, 1);
    ASSERT_OK(world_.Report(*world_.Get(claimed->proposal()), 0));
  }
}

TEST_P(BrokerOnStore, OneOfADenyAndTheLastApproveWins) {
  for (int round = 0; round < 10; ++round) {
    const auto shown = world_.Submit("targets/dev", std::to_string(round));
    ASSERT_OK(shown);
    absl::Status approve, deny;
    AtOnce(2, [&](int i) {
      if (i == 0) {
        approve = world_.Approve(*shown, "bob").status();
      } else {
        deny = world_.Deny(*shown, "alice").status();
      }
    });
    EXPECT_NE(approve.ok(), deny.ok()) << approve << deny;
    EXPECT_EQ(world_.Get(*shown)->state(), approve.ok() ? v1::Proposal::APPROVED : v1::Proposal::DENIED);
  }
}

TEST_P(BrokerOnStore, ConcurrentRepetitionsOfOneCallGetOneAnswer) {
  auto request = BrokerWorld::Command("targets/dev");
  request.set_request_id("r1");
  std::vector<absl::StatusOr<v1::Proposal>> answers(8);
  AtOnce(8, [&](int i) {
    answers[i] = world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), request, kForever);
  });
  for (const auto& answer : answers) {
    ASSERT_OK(answer);
    EXPECT_EQ(answer->SerializeAsString(), answers[0]->SerializeAsString());
  }
  EXPECT_EQ(Events(IdOf(*answers[0])).size(), 1u);
}

TEST_P(BrokerOnStore, PolicyThatMovesBetweenClaimAndRedeemSupersedes) {
  const auto claimed = world_.Claim(world_.Approved());
  ASSERT_OK(claimed);
  std::string documents = BrokerWorld::Documents();
  const std::string bob = "{id: spiffe://example.org/human/bob, person: bob";
  documents.insert(documents.find(bob) + bob.size(), ", revoked: true");
  ASSERT_OK(world_.Apply(documents));
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::APPROVER_NOT_ELIGIBLE));
  EXPECT_EQ(world_.Get(claimed->proposal())->state(), v1::Proposal::SUPERSEDED);
}

TEST_P(BrokerOnStore, SweepersAtOnceMoveEachProposalOnce) {
  std::vector<v1::Proposal> pending;
  for (int i = 0; i < 20; ++i) pending.push_back(*world_.Submit("targets/dev", std::to_string(i)));
  const auto executing = world_.Redeem(*world_.Claim(world_.Approved("running")));
  ASSERT_OK(executing);
  world_.clock.Advance(absl::Hours(25));
  AtOnce(4, [&](int) { EXPECT_OK(world_.broker.Sweep(kForever)); });
  for (const v1::Proposal& proposal : pending) {
    EXPECT_EQ(world_.Get(proposal)->state(), v1::Proposal::EXPIRED);
    EXPECT_THAT(world_.AuditTypes(proposal), ElementsAre("proposal.created", "proposal.expired"));
  }
  EXPECT_EQ(world_.Get(executing->proposal())->state(), v1::Proposal::AMBIGUOUS);
}

}  // namespace
}  // namespace countersign::storage
