// What a view says of values that a plan calls unknown although its configuration sets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/terraform/limits.h"
#include "core/terraform/plan_comparison.h"
#include "core/terraform/plan_file.h"
#include "core/terraform/plan_view.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/terraform/plan_builder.h"

namespace countersign::terraform {
namespace {

using countersign::testing::EditEntry;
using countersign::testing::EditPlan;
using countersign::testing::Encode;
using countersign::testing::IsOk;
using countersign::testing::PlannedObject;
using countersign::testing::RealPlan;
using countersign::testing::SmallPlan;
using countersign::testing::Unknown;
using nlohmann::json;
using plan_file::Plan;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view kSalt = "a salt of 23 bytes here";

v1::PlanView Read(const std::string& bytes, const Limits& limits = {}) {
  const auto view = ReadPlan(bytes, {limits, std::string(kSalt)});
  EXPECT_THAT(view, IsOk());
  return view.ok() ? *view : v1::PlanView();
}

std::vector<std::string> NamesIn(const v1::ResourceChange& change) {
  return {change.unknown_constants().begin(), change.unknown_constants().end()};
}

// A plan of one object, of which the configuration says `body`.
SmallPlan PlanOf(PlannedObject object, const std::string& body) {
  return {.objects = {std::move(object)},
          .configuration = "resource \"aws_db_instance\" \"a\" {\n" + body + "}\n"};
}

std::vector<std::string> Found(PlannedObject object, const std::string& body, const Limits& limits = {}) {
  return NamesIn(Read(PlanOf(std::move(object), body).Bytes(), limits).resource_changes(0));
}

PlannedObject Created(const json& after) { return {.action = kActionCreate, .after = after}; }

const json kHidden = {{"arn", Unknown()}, {"size", Unknown()}, {"engine", "postgres"}};
constexpr const char* kSizeAndEngine = "  size = 999\n  engine = \"postgres\"\n";

TEST(UnknownConstantsTest, AreWhatTheConfigurationSetsAndNothingElse) {
  EXPECT_THAT(Found(Created(kHidden), kSizeAndEngine), ElementsAre("size"));
  EXPECT_THAT(Found(Created(kHidden), "  size = var.size\n"), IsEmpty());
  EXPECT_THAT(Found(Created(kHidden), ""), IsEmpty());
  // A write-only argument is null in every plan.
  EXPECT_THAT(Found(Created({{"arn", Unknown()}, {"size", nullptr}}), kSizeAndEngine), IsEmpty());
  EXPECT_THAT(Found(Created({{"arn", Unknown()}, {"size", 1}}), kSizeAndEngine), IsEmpty());
}

TEST(UnknownConstantsTest, AreSaidOfAllThatMakesOrChangesSomething) {
  const json before = {{"arn", "a"}, {"size", 1}, {"engine", "postgres"}};
  for (const int32_t action : {kActionUpdate, kActionDeleteThenCreate, kActionCreateThenDelete}) {
    EXPECT_THAT(Found({.action = action, .before = before, .after = kHidden}, kSizeAndEngine),
                ElementsAre("size"))
        << action;
  }
  EXPECT_THAT(Found({.action = kActionDelete, .before = before}, kSizeAndEngine), IsEmpty());
  EXPECT_THAT(Found({.action = kActionForget, .before = before}, kSizeAndEngine), IsEmpty());
  EXPECT_THAT(Found({.action = kActionNoOp, .before = kHidden, .after = kHidden}, kSizeAndEngine), IsEmpty());
}

TEST(UnknownConstantsTest, AreSaidOfWhatIsHiddenToo) {
  PlannedObject object = Created(kHidden);
  object.after_sensitive = {{"size"}};
  EXPECT_THAT(Found(object, kSizeAndEngine), ElementsAre("size"));
}

TEST(UnknownConstantsTest, AreSaidOfEachInstance) {
  const SmallPlan plan = {
      .objects = {{.address = "aws_db_instance.a[0]", .action = kActionCreate, .after = kHidden},
                  {.address = "aws_db_instance.a[1]", .action = kActionCreate, .after = {{"size", 1}}},
                  {.address = "aws_db_instance.other", .action = kActionCreate, .after = kHidden}},
      .configuration = "resource \"aws_db_instance\" \"a\" {\n  count = 2\n  size = 1\n}\n"};
  const v1::PlanView view = Read(plan.Bytes());
  EXPECT_THAT(NamesIn(view.resource_changes(0)), ElementsAre("size"));
  EXPECT_THAT(NamesIn(view.resource_changes(1)), IsEmpty());
  EXPECT_THAT(NamesIn(view.resource_changes(2)), IsEmpty());
}

TEST(UnknownConstantsTest, AreFoundInBlocksAndValues) {
  const std::string rules = "  rule {\n    port = 22\n  }\n  rule {\n    port = 80\n    to = var.x\n  }\n";
  const json one = {{"id", Unknown()}, {"port", 22}, {"to", Unknown()}};
  const json other = {{"id", Unknown()}, {"port", Unknown()}, {"to", Unknown()}};
  EXPECT_THAT(Found(Created({{"rule", {one, other}}}), rules), ElementsAre("rule[1].port"));
  EXPECT_THAT(Found(Created({{"rule", {one, Unknown()}}}), rules), ElementsAre("rule[1]"));
  EXPECT_THAT(Found(Created({{"rule", Unknown()}}), rules), ElementsAre("rule"));
  EXPECT_THAT(Found(Created({{"rule", {{{"port", Unknown()}}}}}), "  rule {\n    port = var.x\n  }\n"),
              IsEmpty());
  EXPECT_THAT(
      Found(Created({{"tags", {{"Name", Unknown()}, {"own", Unknown()}}}, {"zones", {"a", Unknown()}}}),
            "  tags = { Name = \"x\" }\n  zones = [\"a\", \"b\"]\n"),
      ElementsAre("tags.Name", "zones[1]"));
}

TEST(UnknownConstantsTest, AreTheWholeObjectWhereNothingOfItIsKnown) {
  EXPECT_THAT(Found(Created(Unknown()), kSizeAndEngine), ElementsAre("."));
  EXPECT_THAT(Found(Created(Unknown()), ""), IsEmpty());
}

TEST(UnknownConstantsTest, OfDataSourcesAreSaidToo) {
  SmallPlan plan;
  plan.configuration =
      "data \"aws_ami\" \"a\" {\n  owner = \"us\"\n}\nresource \"aws_ami\" \"a\" {\n  id = \"x\"\n}\n";
  plan.edit = [](Plan* edited) {
    plan_file::ResourceInstanceChange* const change = edited->add_resource_changes();
    change->set_addr("data.aws_ami.a");
    change->set_provider("provider[\"registry.terraform.io/hashicorp/aws\"]");
    change->mutable_change()->set_action(kActionRead);
    change->mutable_change()->add_values()->set_msgpack(Encode(nullptr));
    change->mutable_change()->add_values()->set_msgpack(Encode({{"id", Unknown()}, {"owner", Unknown()}}));
  };
  EXPECT_THAT(NamesIn(Read(plan.Bytes()).resource_changes(0)), ElementsAre("owner"));
}

TEST(UnknownConstantsTest, OfAModulesInstancesAreThoseOfItsConfiguration) {
  const std::string edited = EditPlan(RealPlan("create"), [](Plan* plan) {
    for (plan_file::ResourceInstanceChange& change : *plan->mutable_resource_changes()) {
      if (change.addr() != "module.inner.terraform_data.item[\"one\"]") continue;
      const json after = {{"id", Unknown()}, {"input", "x"}, {"triggers_replace", Unknown()}};
      change.mutable_change()->mutable_values(0)->set_msgpack(Encode(after));
    }
  });
  const auto found = [&](const std::string& body) {
    std::map<std::string, std::vector<std::string>> names;
    const std::string text = "resource \"terraform_data\" \"item\" {\n" + body + "}\n";
    const v1::PlanView view = Read(EditEntry(edited, "tfconfig/m-inner/main.tf", text));
    for (const v1::ResourceChange& change : view.resource_changes()) {
      if (change.unknown_constants_size() > 0) names[change.address()] = NamesIn(change);
    }
    return names;
  };
  EXPECT_EQ(found("  triggers_replace = 1\n"),
            (std::map<std::string, std::vector<std::string>>{
                {"module.inner.terraform_data.item[\"one\"]", {"triggers_replace"}}}));
  EXPECT_THAT(found("  triggers_replace = var.name\n"), IsEmpty());
}

TEST(UnknownConstantsTest, OfRealPlansAreNone) {
  for (const std::string_view name : {"create", "mixed", "destroy"}) {
    const v1::PlanView view = Read(RealPlan(name));
    for (const v1::ResourceChange& change : view.resource_changes()) {
      EXPECT_THAT(NamesIn(change), IsEmpty()) << name << ": " << change.address();
    }
  }
}

TEST(UnknownConstantsTest, KeepTheirLimits) {
  const std::string name(18, 'n');
  const json after = {{"a", Unknown()}, {"b", Unknown()}, {"c", {{name, Unknown()}}}};
  const std::string body = "  a = 1\n  b = 1\n  c {\n    " + name + " = 1\n  }\n";
  Limits limits;
  limits.differing_names = 2;
  EXPECT_THAT(Found(Created(after), body, limits), ElementsAre("a", "b"));
  limits = {};
  limits.shown_path_bytes = 21;
  EXPECT_THAT(Found(Created(after), body, limits), ElementsAre("a", "b", "c." + name));
  // Nothing is left out because its path is too long.
  limits.shown_path_bytes = 20;
  EXPECT_THAT(Found(Created(after), body, limits), ElementsAre("a", "b", "c"));
}

// They follow from the changes and the configuration, which are compared.
TEST(UnknownConstantsTest, MakeNoOtherPlan) {
  const v1::PlanView view = Read(PlanOf(Created(kHidden), kSizeAndEngine).Bytes());
  ASSERT_THAT(NamesIn(view.resource_changes(0)), ElementsAre("size"));
  v1::PlanView other = view;
  other.mutable_resource_changes(0)->clear_unknown_constants();
  EXPECT_THAT(ComparePlans(view, other).differences, IsEmpty());
}

}  // namespace
}  // namespace countersign::terraform
