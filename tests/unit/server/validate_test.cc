#include "server/proposal/validate.h"

#include <gtest/gtest.h>

#include <functional>

#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/policy/principal.h"
#include "server/proposal/resource_name.h"
#include "tests/support/status_matchers.h"

namespace countersign::proposal {
namespace {

using ::countersign::testing::HasReason;

v1::Action Valid() {
  v1::Action action;
  action.set_kind(v1::COMMAND);
  action.set_target("targets/dev");
  action.add_argv("psql");
  action.add_argv("line one\nline two");
  (*action.mutable_environment())["PGHOST"] = "db";
  v1::ArtifactReference* artifact = action.add_artifacts();
  artifact->set_digest(digest::Sha256("x"));
  artifact->set_file_name("fix.sql");
  return action;
}

struct Case {
  const char* field;
  std::function<void(v1::Action*)> spoil;
};

TEST(ValidateTest, AcceptsAnOrdinaryCommand) { EXPECT_OK(ValidateAction(Valid())); }

TEST(ValidateTest, NamesTheFieldOfEverythingThatIsWrong) {
  const Case cases[] = {
      {"action.kind", [](v1::Action* a) { a->clear_kind(); }},
      {"action.target", [](v1::Action* a) { a->set_target("prod"); }},
      {"action.target", [](v1::Action* a) { a->set_target("targets/../x"); }},
      {"action.argv", [](v1::Action* a) { a->clear_argv(); }},
      {"action.argv", [](v1::Action* a) { a->set_argv(0, ""); }},
      {"action.argv[1]", [](v1::Action* a) { a->set_argv(1, std::string("a\0b", 3)); }},
      {"action.argv", [](v1::Action* a) { a->set_argv(1, std::string(200 << 10, 'x')); }},
      {"action.argv",
       [](v1::Action* a) {
         for (int i = 0; i < 1100; ++i) a->add_argv("x");
       }},
      {"action.environment", [](v1::Action* a) { (*a->mutable_environment())["A=B"] = "c"; }},
      {"action.environment", [](v1::Action* a) { (*a->mutable_environment())["1A"] = "c"; }},
      {"action.environment",
       [](v1::Action* a) { (*a->mutable_environment())["BIG"] = std::string(70 << 10, 'x'); }},
      {"action.environment[A]",
       [](v1::Action* a) { (*a->mutable_environment())["A"] = std::string("\0", 1); }},
      {"action.environment[LD_PRELOAD]",
       [](v1::Action* a) { (*a->mutable_environment())["LD_PRELOAD"] = "./evil.so"; }},
      {"action.environment[GIT_SSH_COMMAND]",
       [](v1::Action* a) { (*a->mutable_environment())["GIT_SSH_COMMAND"] = "./evil"; }},
      {"action.environment[HOME]", [](v1::Action* a) { (*a->mutable_environment())["HOME"] = "."; }},
      {"action.argv[1]",
       [](v1::Action* a) {
         a->set_argv(0, "env");
         a->set_argv(1, "PSQLRC=rc.sql");
         a->add_argv("psql");
       }},
      {"action.argv[2]",
       [](v1::Action* a) {
         a->set_argv(0, "sh");
         a->set_argv(1, "-c");
         a->add_argv("export PATH=.; ls");
       }},
      {"action.artifacts[0].digest", [](v1::Action* a) { a->mutable_artifacts(0)->set_digest("md5:1"); }},
      {"action.artifacts[0].file_name",
       [](v1::Action* a) { a->mutable_artifacts(0)->set_file_name("../etc/passwd"); }},
      {"action.artifacts[0].file_name", [](v1::Action* a) { a->mutable_artifacts(0)->set_file_name("-rf"); }},
      {"action.artifacts[0].file_name",
       [](v1::Action* a) { a->mutable_artifacts(0)->set_file_name(".bashrc"); }},
      {"action.artifacts[1].file_name", [](v1::Action* a) { *a->add_artifacts() = a->artifacts(0); }},
  };
  for (const Case& c : cases) {
    v1::Action action = Valid();
    c.spoil(&action);
    const absl::Status status = ValidateAction(action);
    EXPECT_THAT(status, HasReason(v1::INVALID_FIELD));
    EXPECT_EQ(error::FieldOf(status).value_or(""), c.field);
  }
}

TEST(ValidateTest, AllowsAPlanNothingButItself) {
  v1::Action plan;
  plan.set_kind(v1::TERRAFORM_PLAN);
  plan.set_target("targets/dev");
  EXPECT_THAT(ValidateAction(plan), HasReason(v1::INVALID_FIELD));
  *plan.add_artifacts() = Valid().artifacts(0);
  EXPECT_OK(ValidateAction(plan));
  plan.add_argv("-auto-approve");
  EXPECT_THAT(ValidateAction(plan), HasReason(v1::INVALID_FIELD));
}

TEST(ResourceNameTest, HasExactlyOneSpelling) {
  EXPECT_OK(ParseProposalName("proposals/abcdefghijklmnopqrstuvwx", "name"));
  for (const char* name : {"", "proposals/", "proposals/abc", "proposals/ABCDEFGHIJKLMNOPQRSTUVWX",
                           "proposals/abcdefghijklmnopqrstuvw1", "/proposals/abcdefghijklmnopqrstuvwx",
                           "proposals/abcdefghijklmnopqrstuvwx/", "proposals/abcdefghijklmnopqrstuvwxy"}) {
    EXPECT_THAT(ParseProposalName(name, "name"), HasReason(v1::INVALID_FIELD)) << name;
  }
}

TEST(PrincipalTest, TakesTheKindFromTheUriAndNothingElse) {
  const auto id = policy::ParsePrincipalId("spiffe://example.org/workload/ci-1");
  ASSERT_OK(id);
  EXPECT_EQ(id->kind, policy::PrincipalKind::kWorkload);
  for (const char* uri :
       {"", "spiffe://", "spiffe://example.org/human", "spiffe://example.org/human/",
        "https://example.org/human/a", "spiffe://example.org/admin/a", "spiffe://Example.org/human/a",
        "spiffe://example.org/human/a/b", "spiffe://example.org/human/..", "spiffe://example.org/human/a%2Fb",
        "spiffe://example.org/human/a?x", "spiffe:///human/a", "spiffe://example.org/HUMAN/a"}) {
    EXPECT_THAT(policy::ParsePrincipalId(uri), HasReason(v1::INVALID_FIELD)) << uri;
  }
}

TEST(ValidateTest, BoundsTextsAndRequestIds) {
  EXPECT_THAT(ValidateText("  \n", "reason", true), HasReason(v1::INVALID_FIELD));
  EXPECT_OK(ValidateText("", "comment", false));
  EXPECT_OK(ValidateText(std::string(4096, 'x'), "reason", true));
  EXPECT_THAT(ValidateText(std::string(4097, 'x'), "reason", true), HasReason(v1::INVALID_FIELD));
  EXPECT_OK(ValidateRequestId("5b1f7a6e-9f56-4f9e-8f0a-000000000000"));
  EXPECT_THAT(ValidateRequestId("a b"), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(ValidateRequestId(std::string(65, 'a')), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::proposal
