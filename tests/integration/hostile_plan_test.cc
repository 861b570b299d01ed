// Plans that take all that their reader may have, sent to a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "countersign/error.h"
#include "tests/integration/hostile_plans.h"
#include "tests/support/broker_process.h"
#include "tests/support/broker_world.h"
#include "tests/support/connect_as.h"
#include "tests/support/migrated_database.h"
#include "tests/support/status_matchers.h"

namespace countersign {
namespace {

using testing::BrokerWorld;
using testing::HasReason;
using testing::HostilePlan;

// A reader has 25 seconds; the rest is for a machine that does much else at the same time.
constexpr absl::Duration kInTime = absl::Seconds(90);

class HostilePlanTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> As(std::string_view kind, std::string_view name) {
    return testing::ConnectAs(site_, kind, name, {&broker_});
  }
  static absl::Status Submit(Client& agent, const HostilePlan& plan) {
    const auto artifact = agent.UploadArtifact(plan.bytes, {.timeout = kInTime});
    if (!artifact.ok()) return artifact.status();
    Submission submission{.reason = "because"};
    submission.action.set_kind(v1::TERRAFORM_PLAN);
    submission.action.set_target("targets/dev");
    submission.action.add_artifacts()->set_digest(artifact->digest());
    return agent.Submit(submission, {.timeout = kInTime}).status();
  }
  // What others do meanwhile; how often they could.
  int ServeOthersUntil(const std::atomic<bool>& ended) {
    const auto agent = As("agent", "bot2");
    const auto human = As("human", "bob");
    int rounds = 0;
    do {
      const auto proposal =
          agent->Submit({.action = BrokerWorld::Command("targets/dev", std::to_string(rounds)).action(),
                         .reason = "because"});
      EXPECT_OK(proposal);
      if (!proposal.ok()) break;
      v1::ApproveProposalRequest approve;
      approve.set_name(proposal->name());
      approve.set_etag(proposal->etag());
      approve.set_action_digest(proposal->action_digest());
      EXPECT_OK(human->Approve(approve));
      ++rounds;
    } while (!ended);
    return rounds;
  }

  testing::MigratedDatabase database_;
  testing::BrokerSite site_{COUNTERSIGN_BIN_DIRECTORY "/countersignd", BrokerWorld::Documents()};
  testing::BrokerProcess broker_{
      site_, {.database_dsn = database_.BrokerDsn(), .settings = {"--limits.submits_per_minute=1000000"}}};
};

TEST_F(HostilePlanTest, OneAfterTheOtherIsRefusedAndOthersAreServed) {
  const std::vector<HostilePlan> plans = testing::HostilePlans();
  const auto agent = As("agent", "bot");
  std::atomic<bool> ended = false;
  std::thread attacker([&] {
    for (int round = 0; round < 3; ++round) {
      for (const HostilePlan& plan : plans) {
        EXPECT_THAT(Submit(*agent, plan), HasReason(v1::PLAN_UNREADABLE)) << plan.what;
      }
    }
    ended = true;
  });
  EXPECT_GT(ServeOthersUntil(ended), 0);
  attacker.join();
}

TEST_F(HostilePlanTest, WhatTakesTheReadersLastSecondOrMegabyteIsRefusedInTime) {
  const auto agent = As("agent", "bot");
  for (const HostilePlan& plan : testing::WorstPlans()) {
    EXPECT_THAT(Submit(*agent, plan), HasReason(v1::PLAN_UNREADABLE)) << plan.what;
  }
  EXPECT_EQ(ServeOthersUntil(true), 1);
}

}  // namespace
}  // namespace countersign
