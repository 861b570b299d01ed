// Which rule is asked, and what it asks.
#include "core/policy/requirement.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace countersign::policy {
namespace {

class RequirementTest : public ::testing::Test {
 protected:
  // A rule that allows, so that it is told from the built-in default.
  v1::PolicyRule* AddRule(const std::string& name) {
    v1::PolicyRule* rule = documents_.policy.add_rules();
    rule->set_name(name);
    rule->set_verdict(v1::Requirement::ALLOW);
    return rule;
  }
  v1::Requirement For(const std::string& name, const std::string& environment, v1::Kind kind = v1::COMMAND) {
    const auto configuration = Configuration::Create(documents_);
    EXPECT_OK(configuration);
    v1::Target target;
    target.set_name(name);
    target.set_environment(environment);
    return Evaluate(*configuration, target, kind, {});
  }

  Documents documents_;
};

TEST_F(RequirementTest, WithoutARuleOneHumanHasToApprove) {
  const v1::Requirement requirement = For("targets/a", "production");
  EXPECT_EQ(requirement.rule(), "default");
  EXPECT_EQ(requirement.verdict(), v1::Requirement::REQUIRE_APPROVAL);
  ASSERT_EQ(requirement.quorums_size(), 1);
  EXPECT_EQ(requirement.quorums(0).count(), 1);
  EXPECT_TRUE(requirement.quorums(0).groups().empty());
}

TEST_F(RequirementTest, ARuleIsForTheEnvironmentsThatItNames) {
  AddRule("one")->add_environments("sandbox");
  EXPECT_EQ(For("targets/a", "sandbox").rule(), "one");
  EXPECT_EQ(For("targets/a", "production").rule(), "default");
}

TEST_F(RequirementTest, ARuleIsForTheTargetsThatItNames) {
  AddRule("one")->add_targets("targets/a");
  EXPECT_EQ(For("targets/a", "production").rule(), "one");
  EXPECT_EQ(For("targets/b", "production").rule(), "default");
}

TEST_F(RequirementTest, ARuleIsForTheKindsThatItNames) {
  AddRule("one")->add_kinds(v1::COMMAND);
  EXPECT_EQ(For("targets/a", "production", v1::COMMAND).rule(), "one");
  EXPECT_EQ(For("targets/a", "production", v1::TERRAFORM_PLAN).rule(), "default");
}

TEST_F(RequirementTest, ARuleIsForWhatFitsInEveryRespect) {
  v1::PolicyRule* rule = AddRule("one");
  rule->add_environments("sandbox");
  rule->add_targets("targets/a");
  EXPECT_EQ(For("targets/a", "sandbox").rule(), "one");
  EXPECT_EQ(For("targets/a", "production").rule(), "default");
  EXPECT_EQ(For("targets/b", "sandbox").rule(), "default");
}

TEST_F(RequirementTest, TheFirstRuleThatFitsIsAsked) {
  AddRule("one")->add_environments("sandbox");
  AddRule("two")->set_verdict(v1::Requirement::DENY);
  AddRule("three");
  EXPECT_EQ(For("targets/a", "sandbox").rule(), "one");
  EXPECT_EQ(For("targets/a", "production").rule(), "two");
  EXPECT_EQ(For("targets/a", "production").verdict(), v1::Requirement::DENY);
}

TEST_F(RequirementTest, TakesFromTheRuleAllThatItSays) {
  v1::PolicyRule* rule = AddRule("one");
  rule->set_verdict(v1::Requirement::REQUIRE_APPROVAL);
  rule->add_quorums()->set_count(3);
  rule->set_owner_excluded(true);
  rule->mutable_pending_lifetime()->set_seconds(61);
  rule->mutable_approval_lifetime()->set_seconds(62);
  rule->mutable_token_lifetime()->set_seconds(63);
  rule->mutable_lease_lifetime()->set_seconds(64);
  const v1::Requirement requirement = For("targets/a", "production");
  ASSERT_EQ(requirement.quorums_size(), 1);
  EXPECT_EQ(requirement.quorums(0).count(), 3);
  EXPECT_TRUE(requirement.owner_excluded());
  EXPECT_EQ(requirement.pending_lifetime().seconds(), 61);
  EXPECT_EQ(requirement.approval_lifetime().seconds(), 62);
  EXPECT_EQ(requirement.token_lifetime().seconds(), 63);
  EXPECT_EQ(requirement.lease_lifetime().seconds(), 64);
}

TEST_F(RequirementTest, ThePlanAgeIsThatOfTheRuleForPlans) {
  v1::Target target;
  target.set_name("targets/a");
  target.set_environment("production");
  const auto age = [&] { return MaxPlanAge(*Configuration::Create(documents_), target); };
  EXPECT_EQ(age(), absl::Hours(24));
  v1::PolicyRule* commands = AddRule("commands");
  commands->add_kinds(v1::COMMAND);
  commands->mutable_max_plan_age()->set_seconds(600);
  EXPECT_EQ(age(), absl::Hours(24));
  AddRule("plans")->mutable_max_plan_age()->set_seconds(3600);
  EXPECT_EQ(age(), absl::Hours(1));
  EXPECT_EQ(For("targets/a", "production", v1::TERRAFORM_PLAN).max_plan_age().seconds(), 3600);
  EXPECT_FALSE(For("targets/a", "production", v1::COMMAND).has_max_plan_age());
}

TEST_F(RequirementTest, AllowsForNoLongerThanTheDefaultWhereTheRuleIsSilent) {
  AddRule("one");
  const v1::Requirement requirement = For("targets/a", "production");
  EXPECT_EQ(requirement.verdict(), v1::Requirement::ALLOW);
  EXPECT_TRUE(requirement.quorums().empty());
  EXPECT_EQ(requirement.approval_lifetime().seconds(), 3600);
  EXPECT_EQ(requirement.token_lifetime().seconds(), 300);
}

}  // namespace
}  // namespace countersign::policy
