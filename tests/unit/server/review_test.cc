// What `apply` refuses although every single document is well formed.
#include "core/policy/review.h"

#include <gmock/gmock.h>

#include <string>

#include "core/error/error.h"
#include "core/text/text.h"
#include "tests/support/broker_world.h"
#include "tests/support/fake_store.h"
#include "tests/support/status_matchers.h"

namespace countersign::broker {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::FakeStore;
using ::countersign::testing::HasReason;
using ::countersign::testing::NamesField;
using ::testing::HasSubstr;

constexpr absl::Time kForever = absl::InfiniteFuture();

class ReviewTest : public ::testing::Test {
 protected:
  // The world's documents with one change.
  static std::string With(const std::string& from, const std::string& to) {
    std::string documents = BrokerWorld::Documents();
    const size_t at = documents.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return documents.replace(at, from.size(), to);
  }
  absl::Status ApplyWith(const std::string& from, const std::string& to) {
    return world_.Apply(With(from, to)).status();
  }

  FakeStore store_;
  BrokerWorld world_{&store_};
};

TEST_F(ReviewTest, RefusesARuleForAnEnvironmentThatNoTargetHas) {
  const absl::Status status = ApplyWith("environments: [production]", "environments: [prodction]");
  EXPECT_THAT(status, HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(status, NamesField("Policy.rules[0].environments[0]"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("prodction"));
}

TEST_F(ReviewTest, RefusesARuleForATargetThatDoesNotExist) {
  const absl::Status status =
      ApplyWith("environments: [sandbox]", "targets: [targets/sandbox, targets/sandbocks]");
  EXPECT_THAT(status, HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(status, NamesField("Policy.rules[2].targets[1]"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("targets/sandbocks"));
}

TEST_F(ReviewTest, AcceptsARuleWithItsTargetOrAfterIt) {
  const std::string rule = "document: Policy\nrules: [{name: new, environments: [new], verdict: DENY}]\n";
  const std::string target = "document: Target\nname: targets/new\nenvironment: new\n";
  EXPECT_THAT(world_.Apply(rule), HasReason(v1::INVALID_FIELD));
  EXPECT_OK(world_.Apply(text::Concat(rule, "---\n", target)));
  EXPECT_OK(world_.Apply("document: Policy\nrules: []\n"));
  EXPECT_OK(world_.Apply(rule));
}

TEST_F(ReviewTest, RefusesATargetThatLeavesARuleWithoutAny) {
  EXPECT_THAT(
      ApplyWith("name: targets/vault\nenvironment: secure", "name: targets/vault\nenvironment: vault"),
      NamesField("Policy.rules[1].environments[0]"));
}

TEST_F(ReviewTest, RefusesPersonsThatCouldBeTakenForEachOther) {
  for (const std::string person : {"Alice", "'alice '", "' alice'", "\"al\\u0456ce\"", "\"ali\\u200Bce\"",
                                   "\"alice\\e[2J\"", "\"al\\nice\"", "spiffe://example.org/human/alice"}) {
    const absl::Status status =
        ApplyWith("human/bob, person: bob}", text::Concat("human/bob, person: ", person, "}"));
    EXPECT_THAT(status, HasReason(v1::INVALID_FIELD)) << person;
    EXPECT_THAT(status, NamesField("Directory.principals[4].person")) << person;
  }
  EXPECT_THAT(
      ApplyWith("human/bob, person: bob}", text::Concat("human/bob, person: ", std::string(65, 'a'), "}")),
      HasReason(v1::INVALID_FIELD));
  EXPECT_OK(ApplyWith("human/bob, person: bob}", "human/bob, person: b.o_b-1}"));
}

TEST_F(ReviewTest, RefusesAnOwnerWhoIsNobody) {
  for (const char* owner :
       {"alicia", "Alice", "spiffe://example.org/human/alice", "spiffe://example.org/agent/bot2"}) {
    const absl::Status status =
        ApplyWith("agent/bot, owner: alice}", text::Concat("agent/bot, owner: ", owner, "}"));
    EXPECT_THAT(status, HasReason(v1::INVALID_FIELD)) << owner;
    EXPECT_THAT(status, NamesField("Directory.principals[0].owner"));
  }
  EXPECT_OK(ApplyWith("agent/bot, owner: alice}", "agent/bot, owner: spiffe://example.org/human/carol}"))
      << "carol has no other name";
}

// What an older broker took stays readable: only what is applied is judged.
TEST_F(ReviewTest, IsNotAskedOfWhatWasAppliedBefore) {
  const std::string content = "document: Policy\nrules: [{name: old, environments: [gone], verdict: DENY}]\n";
  const v1::AuditEvent event;
  ASSERT_OK(store_.ApplyDocuments(world_.broker.configuration()->version(), {{"policy", content, "digest"}},
                                  "an older broker", world_.clock.Now(), event, {"p", "r", "b", ""},
                                  kForever));
  ASSERT_OK(world_.broker.RefreshConfiguration(kForever));
  EXPECT_EQ(world_.broker.configuration()->policy().rules(0).name(), "old");
  EXPECT_THAT(world_.Apply("document: Target\nname: targets/new\nenvironment: new\n"),
              NamesField("Policy.rules[0].environments[0]"));
}

TEST_F(ReviewTest, LeavesWhoeverAppliesAnActiveAdmin) {
  const std::string alice = "{id: spiffe://example.org/human/alice, person: alice}";
  const std::string revoked = "{id: spiffe://example.org/human/alice, person: alice, revoked: true}";
  EXPECT_THAT(ApplyWith(alice, revoked), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(ApplyWith("{name: admin, members: [spiffe://example.org/human/alice]}",
                        "{name: admin, members: [spiffe://example.org/human/bob]}"),
              HasReason(v1::INVALID_FIELD));
  v1::ApplyDocumentsRequest request;
  request.set_content(With(alice, revoked));
  request.set_validate_only(true);
  EXPECT_THAT(world_.broker.ApplyDocuments(BrokerWorld::As("human", "alice"), request, kForever),
              HasReason(v1::INVALID_FIELD));
  ASSERT_OK(ApplyWith(
      "{name: admin, members: [spiffe://example.org/human/alice]}",
      "{name: admin, members: [spiffe://example.org/human/alice, spiffe://example.org/human/bob]}"));
  std::string documents = With(alice, revoked);
  const std::string admins = "{name: admin, members: [spiffe://example.org/human/alice]}";
  documents.replace(documents.find(admins), admins.size(),
                    "{name: admin, members: [spiffe://example.org/human/bob]}");
  request.set_content(documents);
  request.set_validate_only(false);
  EXPECT_OK(world_.broker.ApplyDocuments(BrokerWorld::As("human", "bob"), request, kForever))
      << "another admin may";
}

}  // namespace
}  // namespace countersign::broker
