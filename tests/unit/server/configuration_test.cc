// What directory, policy and targets must say before anything is decided under them.
#include "core/policy/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error/error.h"
#include "server/broker/documents.h"
#include "tests/support/broker_world.h"
#include "tests/support/status_matchers.h"

namespace countersign::policy {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::HasReason;

absl::Status Built(const std::string& text) {
  const auto split = broker::SplitDocuments(text);
  if (!split.ok()) return split.status();
  std::vector<v1::Document> documents;
  for (const broker::NamedDocument& document : *split) {
    documents.emplace_back().set_name(document.name);
    documents.back().set_content(document.content);
  }
  return broker::BuildConfiguration(1, documents).status();
}

struct Case {
  const char* field;
  const char* from;
  const char* to;
};

// Each case changes one place of what is fine.
void ExpectRefused(const std::vector<Case>& cases) {
  const std::string fine = BrokerWorld::Documents();
  ASSERT_OK(Built(fine));
  for (const Case& one : cases) {
    SCOPED_TRACE(one.to);
    std::string text = fine;
    const size_t at = text.find(one.from);
    ASSERT_NE(at, std::string::npos) << one.from;
    const absl::Status status = Built(text.replace(at, std::string(one.from).size(), one.to));
    EXPECT_THAT(status, HasReason(v1::INVALID_FIELD));
    EXPECT_EQ(error::FieldOf(status).value_or(""), one.field);
  }
}

TEST(ConfigurationTest, KnowsWhatEachKindOfPrincipalMayHave) {
  ExpectRefused({
      {"Directory.principals[1].id", "agent/bot2}", "robot/bot2}"},
      {"Directory.principals[1].person", "agent/bot2}", "agent/bot2, person: alice}"},
      {"Directory.principals[8].person", "workload/ci}", "workload/ci, person: alice}"},
      {"Directory.principals[5].owner", "human/carol}", "human/carol, owner: alice}"},
      {"Directory.principals[6].id", "human/mallory}", "human/carol}"},
  });
}

TEST(ConfigurationTest, MakesOnlyHumansAdmins) {
  constexpr char kAdmins[] = "{name: admin, members: [spiffe://example.org/human/alice]}";
  ExpectRefused({
      {"Directory.groups[0].members[0]", kAdmins, "{name: admin, members: [spiffe://example.org/agent/bot]}"},
      {"Directory.groups[0].members[0]", kAdmins,
       "{name: admin, members: [spiffe://example.org/workload/ci]}"},
      {"Directory.groups[0].members[0]", kAdmins,
       "{name: admin, members: [spiffe://example.org/auditor/eve]}"},
  });
}

TEST(ConfigurationTest, RefusesGroupsThatAreUnclear) {
  ExpectRefused({
      {"Directory.groups[0].name", "{name: admin,", "{name: Admin,"},
      {"Directory.groups[2].name", "{name: security,", "{name: platform,"},
      {"Directory.groups[2].members[0]", "[spiffe://example.org/human/carol,",
       "[spiffe://example.org/human/x,"},
  });
}

TEST(ConfigurationTest, RefusesTargetsThatAreUnclear) {
  constexpr char kExecutor[] = "executors: [spiffe://example.org/workload/ci,";
  ExpectRefused({
      {"Target.name", "name: targets/dev", "name: dev"},
      {"Target targets/dev.environment", "environment: development", "environment: ''"},
      {"Target targets/prod-courses.owners[0]", "owners: [platform]", "owners: [nobody]"},
      {"Target targets/dev.executors[0]", kExecutor, "executors: [spiffe://example.org/workload/x,"},
      {"Target targets/dev.executors[0]", kExecutor, "executors: [spiffe://example.org/agent/bot,"},
      {"Target targets/dev.executors[0]", kExecutor, "executors: [spiffe://example.org/auditor/eve,"},
      {"Target targets/dev.engine", "environment: development", "environment: development\nengine: OpenTofu"},
      {"Target targets/dev.engine", "environment: development",
       "environment: development\nengine: Terraform"},
  });
}

TEST(ConfigurationTest, RefusesOneTargetInTwoDocuments) {
  std::vector<v1::Document> documents(2);
  for (v1::Document& document : documents)
    document.set_content("document: Target\nname: targets/x\nenvironment: a\n");
  EXPECT_THAT(broker::BuildConfiguration(1, documents), HasReason(v1::INVALID_FIELD));
}

TEST(ConfigurationTest, RefusesRulesThatAreUnclear) {
  constexpr char kSandbox[] = "{name: sandbox, environments: [sandbox], verdict: ALLOW}";
  ExpectRefused({
      {"Policy.rules[2].name", "{name: sandbox,", "{name: default,"},
      {"Policy.rules[2].name", "{name: sandbox,", "{name: secure,"},
      {"Policy.rules[2].name", "{name: sandbox,", "{name: '',"},
      {"Policy.rules[2].targets[0]", kSandbox, "{name: sandbox, targets: [sandbox], verdict: ALLOW}"},
      {"Policy.rules[2].environments[0]", kSandbox, "{name: sandbox, environments: ['*'], verdict: ALLOW}"},
      {"Policy.rules[2].kinds[0]", kSandbox, "{name: sandbox, kinds: [KIND_UNSPECIFIED], verdict: ALLOW}"},
  });
}

TEST(ConfigurationTest, RefusesVerdictsThatSayNothing) {
  constexpr char kVerdict[] = "environments: [sandbox], verdict: ALLOW}";
  ExpectRefused({
      {"Policy.rules[2].verdict", kVerdict, "environments: [sandbox]}"},
      {"Policy.rules[2].verdict", kVerdict, "environments: [sandbox], verdict: VERDICT_UNSPECIFIED}"},
      {"Policy.rules[2].quorums", kVerdict, "environments: [sandbox], verdict: REQUIRE_APPROVAL}"},
      {"Policy.rules[2].quorums", kVerdict,
       "environments: [sandbox], verdict: ALLOW, quorums: [{count: 1}]}"},
      {"content", kVerdict, "environments: [sandbox], verdict: 9}"},
      {"content", kVerdict, "environments: [sandbox], verdict: MAYBE}"},
  });
}

TEST(ConfigurationTest, RefusesQuorumsThatNobodyOrNoneCouldFill) {
  constexpr char kQuorum[] = "quorums: [{count: 2, groups: [platform, security]}]";
  ExpectRefused({
      {"Policy.rules[0].quorums[0].count", kQuorum, "quorums: [{groups: [platform]}]"},
      {"Policy.rules[0].quorums[0].count", kQuorum, "quorums: [{count: -1}]"},
      {"Policy.rules[0].quorums[1].count", kQuorum, "quorums: [{count: 1}, {count: 101}]"},
      {"Policy.rules[0].quorums[0].groups[1]", kQuorum, "quorums: [{count: 1, groups: [platform, nobody]}]"},
  });
}

TEST(ConfigurationTest, BoundsEveryLifetime) {
  ExpectRefused({
      {"Policy.rules[0].token_lifetime", "token_lifetime: 120s", "token_lifetime: 59s"},
      {"Policy.rules[0].token_lifetime", "token_lifetime: 120s", "token_lifetime: 301s"},
      {"Policy.rules[0].token_lifetime", "token_lifetime: 120s", "token_lifetime: 90.5s"},
      {"Policy.rules[0].approval_lifetime", "approval_lifetime: 600s", "approval_lifetime: 59s"},
      {"Policy.rules[0].approval_lifetime", "approval_lifetime: 600s", "approval_lifetime: 604801s"},
      {"Policy.rules[0].pending_lifetime", "token_lifetime: 120s", "pending_lifetime: 2592001s"},
      {"Policy.rules[0].lease_lifetime", "token_lifetime: 120s", "lease_lifetime: 14s"},
      {"Policy.rules[0].lease_lifetime", "token_lifetime: 120s", "lease_lifetime: 3601s"},
      {"Policy.rules[0].max_plan_age", "token_lifetime: 120s", "max_plan_age: 59s"},
      {"Policy.rules[0].max_plan_age", "token_lifetime: 120s", "max_plan_age: 2592001s"},
  });
}

}  // namespace
}  // namespace countersign::policy
