// Random walks over the use cases: whatever is called in whatever order, the guarantees hold.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "server/base/timestamps.h"
#include "tests/support/broker_world.h"
#include "tests/support/fake_store.h"
#include "tests/support/status_matchers.h"

namespace countersign {
namespace {

using testing::BrokerWorld;
using testing::FakeStore;

constexpr absl::Time kForever = absl::InfiniteFuture();

// What an auditor would recompute from the trail of one proposal.
void CheckTrail(BrokerWorld& world, const v1::Proposal& proposal, int* runs) {
  v1::ListAuditEventsRequest request;
  request.set_proposal(proposal.name());
  request.set_page_size(1000);
  const auto events = world.broker.ListAuditEvents(BrokerWorld::As("auditor", "eve"), request, kForever);
  ASSERT_OK(events);
  int approvals = 0, redeemed = 0;
  for (const v1::AuditEvent& event : events->events()) {
    approvals += event.type() == "proposal.approved";
    redeemed += event.type() == "token.redeemed";
    if (event.type() == "token.issued") {
      const int needed = proposal.requirement().verdict() == v1::Requirement::ALLOW ? 0
                         : proposal.environment() == "production"                   ? 2
                                                                                    : 1;
      EXPECT_GE(approvals, needed) << "a token without its quorum";
    }
  }
  *runs += redeemed;
  EXPECT_LE(redeemed, 1) << "redeemed more than once";
  // Every change of the row has its event: the etag counts changes.
  EXPECT_EQ(events->events_size(), std::stoi(world.Get(proposal)->etag()));
}

TEST(LifePropertyTest, GuaranteesHoldOnRandomWalks) {
  std::mt19937_64 random(::testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE("repeat with --gtest_random_seed=" +
               std::to_string(::testing::UnitTest::GetInstance()->random_seed()));
  const char* const targets[] = {"targets/dev", "targets/prod-courses", "targets/sandbox"};
  const char* const humans[] = {"alice", "alice-phone", "bob", "carol", "mallory", "zoe"};
  int runs = 0;
  for (int walk = 0; walk < 30; ++walk) {
    FakeStore store;
    BrokerWorld world(&store);
    std::vector<v1::Proposal> proposals;
    std::vector<v1::ClaimProposalResponse> claims;
    const auto pick = [&](auto& from) -> auto& { return from[random() % std::size(from)]; };
    for (int step = 0; step < 120; ++step) {
      if (proposals.empty() || random() % 8 == 0) {
        const auto submitted = world.Submit(pick(targets), std::to_string(random() % 3));
        if (submitted.ok()) proposals.push_back(*submitted);
        continue;
      }
      const v1::Proposal shown = random() % 5 == 0 ? pick(proposals) : *world.Get(pick(proposals));
      switch (random() % 7) {
        case 0:
        case 1:
          (void)world.Approve(shown, pick(humans));
          break;
        case 2:
          if (random() % 4 == 0) (void)world.Deny(shown, pick(humans));
          break;
        case 3: {
          const auto claimed = world.Claim(shown, random() % 5 == 0 ? "ci2" : "ci");
          if (claimed.ok()) claims.push_back(*claimed);
          break;
        }
        case 4:
          if (!claims.empty()) (void)world.Redeem(pick(claims));
          break;
        case 5:
          (void)world.Report(shown, static_cast<int>(random() % 2));
          break;
        case 6:
          world.clock.Advance(absl::Seconds(random() % 40));
          ASSERT_OK(world.broker.Sweep(kForever));
          break;
      }
    }
    for (const v1::Proposal& proposal : proposals) CheckTrail(world, proposal, &runs);
  }
  EXPECT_GT(runs, 30) << "the walks hardly ever got to the end of a life";
}

}  // namespace
}  // namespace countersign
