#include "core/terraform/plan_comparison.h"

#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/terraform/plan_file.h"
#include "core/terraform/plan_view.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/terraform/plan_builder.h"

namespace countersign::terraform {
namespace {

using countersign::testing::Encode;
using countersign::testing::IsOk;
using countersign::testing::PlannedObject;
using countersign::testing::RealPlan;
using countersign::testing::SmallPlan;
using nlohmann::json;
using plan_file::Plan;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::PlanView Read(const std::string& bytes, const Limits& limits = {}) {
  const auto view = ReadPlan(bytes, {limits, "a salt of 23 bytes here"});
  EXPECT_THAT(view, IsOk());
  return view.ok() ? *view : v1::PlanView();
}

PlannedObject Update(const json& before, const json& after, std::string address = "aws_vpc.a") {
  return {.address = std::move(address), .action = kActionUpdate, .before = before, .after = after};
}

PlannedObject Delete(std::string address) {
  return {.address = std::move(address), .action = kActionDelete, .before = {{"id", "x"}}};
}

using Objects = std::vector<PlannedObject>;
using Edit = std::function<void(Plan*)>;

v1::PlanView View(
    Objects objects, const Edit& edit = [](Plan*) {}, const Limits& limits = {}) {
  return Read(SmallPlan{.objects = std::move(objects), .edit = edit}.Bytes(), limits);
}

TEST(PlanComparisonTest, APlanIsTheSameAsItself) {
  for (const std::string_view name : {"create", "mixed", "destroy"}) {
    const PlanComparison comparison = ComparePlans(Read(RealPlan(name)), Read(RealPlan(name)));
    EXPECT_TRUE(comparison.same) << name;
    EXPECT_TRUE(comparison.subset) << name;
    EXPECT_THAT(comparison.differences, IsEmpty()) << name;
  }
}

TEST(PlanComparisonTest, WhatIsVolatileMakesNoDifference) {
  const v1::PlanView approved = Read(RealPlan("mixed"));
  std::string later = countersign::testing::EditPlan(RealPlan("mixed"), [](Plan* plan) {
    plan->set_timestamp("2026-11-22T00:00:00Z");
    plan->mutable_resource_changes()->SwapElements(0, 1);
  });
  later = countersign::testing::EditState(later, [](json* state) { (*state)["serial"] = 10; });
  EXPECT_TRUE(ComparePlans(approved, Read(later)).same);
}

TEST(PlanComparisonTest, SaysWhatIsNewAndWhatIsGone) {
  const v1::PlanView one = View({Delete("aws_vpc.a"), Delete("aws_vpc.b")});
  const v1::PlanView other = View({Delete("aws_vpc.a")});
  const PlanComparison less = ComparePlans(one, other);
  EXPECT_FALSE(less.same);
  EXPECT_TRUE(less.subset);
  EXPECT_THAT(less.differences, ElementsAre("aws_vpc.b: delete is no longer planned"));
  const PlanComparison more = ComparePlans(other, one);
  EXPECT_FALSE(more.subset);
  EXPECT_THAT(more.differences, ElementsAre("aws_vpc.b: delete, which was not planned before"));
}

TEST(PlanComparisonTest, SaysWhichActionAndWhichValueIsAnother) {
  const v1::PlanView one = View({Update({{"id", "x"}, {"size", 1}}, {{"id", "x"}, {"size", 2}})});
  const PlanComparison value =
      ComparePlans(one, View({Update({{"id", "x"}, {"size", 1}}, {{"id", "x"}, {"size", 3}})}));
  EXPECT_FALSE(value.subset);
  EXPECT_THAT(value.differences, ElementsAre("aws_vpc.a: size: 1 -> 3, was 1 -> 2"));

  PlannedObject replaced = Update({{"id", "x"}, {"size", 1}}, {{"id", "x"}, {"size", 2}});
  replaced.action = kActionDeleteThenCreate;
  EXPECT_THAT(ComparePlans(one, View({replaced})).differences,
              ElementsAre("aws_vpc.a: delete and create, was update"));

  const PlanComparison fewer = ComparePlans(
      one,
      View({Update({{"id", "x"}, {"size", 1}, {"name", "a"}}, {{"id", "x"}, {"size", 1}, {"name", "b"}})}));
  EXPECT_FALSE(fewer.subset);
  EXPECT_THAT(fewer.differences, ElementsAre("aws_vpc.a: name: \"a\" -> \"b\", did not change before",
                                             "aws_vpc.a: size: does not change any more, was 1 -> 2"));
}

// What the object is like beside what changes is not what the plan does.
TEST(PlanComparisonTest, OnlyChangesAreCompared) {
  EXPECT_TRUE(
      ComparePlans(
          View({Update({{"id", "x"}, {"size", 1}, {"calls", 7}}, {{"id", "x"}, {"size", 2}, {"calls", 7}})}),
          View({Update({{"id", "x"}, {"size", 1}, {"calls", 8}}, {{"id", "x"}, {"size", 2}, {"calls", 8}})}))
          .same);
}

TEST(PlanComparisonTest, ComparesWhatIsMaskedByItsDigest) {
  const auto with = [](const std::string& secret) {
    return View({Update({{"password", "old-password"}}, {{"password", secret}})});
  };
  EXPECT_TRUE(ComparePlans(with("one-password"), with("one-password")).same);
  const PlanComparison other = ComparePlans(with("one-password"), with("two-password"));
  EXPECT_FALSE(other.same);
  EXPECT_FALSE(other.subset);
  EXPECT_THAT(other.differences, ElementsAre("aws_vpc.a: password: another value that is not shown"));
}

TEST(PlanComparisonTest, ComparesOutputs) {
  const auto with = [](int value) {
    return [value](Plan* plan) {
      plan_file::OutputChange* const output = plan->add_output_changes();
      output->set_name("size");
      output->mutable_change()->set_action(kActionCreate);
      output->mutable_change()->add_values()->set_msgpack(Encode(value));
    };
  };
  EXPECT_TRUE(ComparePlans(View({}, with(1)), View({}, with(1))).same);
  EXPECT_THAT(ComparePlans(View({}, with(1)), View({}, with(2))).differences,
              ElementsAre("output size: nothing -> 2, was nothing -> 1"));
}

TEST(PlanComparisonTest, ComparesWhereTheStateIsAndWhatRuns) {
  const v1::PlanView one = View({});
  const auto differences = [&](const Edit& edit) {
    const PlanComparison comparison = ComparePlans(one, View({}, edit));
    EXPECT_FALSE(comparison.same);
    EXPECT_FALSE(comparison.subset);
    return comparison.differences;
  };
  EXPECT_THAT(differences([](Plan* plan) { plan->mutable_backend()->set_workspace("prod"); }),
              ElementsAre("workspace: prod, was default"));
  EXPECT_THAT(differences([](Plan* plan) {
                plan->mutable_backend()->mutable_config()->set_msgpack(Encode({{"path", "x"}}));
              }),
              ElementsAre("backend setting path: \"x\", was none"));
  EXPECT_THAT(differences([](Plan* plan) {
                plan->mutable_backend()->mutable_config()->set_msgpack(Encode({{"odd", "x"}}));
              }),
              ElementsAre("backend: other settings, among those that are not shown"));
  const PlanComparison code = ComparePlans(one, Read(SmallPlan{.configuration = "# other\n"}.Bytes()));
  ASSERT_THAT(code.differences, SizeIs(1));
  EXPECT_THAT(code.differences[0], HasSubstr("configuration: sha256:"));

  const auto locked = [](const std::string& lock) {
    return Read(countersign::testing::EditEntry(SmallPlan().Bytes(), ".terraform.lock.hcl", lock));
  };
  const v1::PlanView first = locked("provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n}\n");
  EXPECT_THAT(ComparePlans(one, first).differences,
              ElementsAre("provider registry.terraform.io/a/b: 1.0.0, was none"));
  EXPECT_THAT(ComparePlans(first, locked("provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n"
                                         "  hashes = [\"h1:ab=\"]\n}\n"))
                  .differences,
              ElementsAre("provider registry.terraform.io/a/b: other hashes"));
}

// The same actions with other values of variables can go to another place.
TEST(PlanComparisonTest, ComparesVariablesByTheirDigests) {
  const auto with = [](const std::string& region, const std::string& name = "region") {
    return [region, name](Plan* plan) {
      plan_file::Variable* const variable = plan->add_variables();
      variable->set_name(name);
      variable->mutable_value()->set_msgpack(Encode(region));
    };
  };
  const Objects one = {Delete("aws_vpc.a")};
  const Objects two = {Delete("aws_vpc.a"), Delete("aws_vpc.b")};
  EXPECT_TRUE(ComparePlans(View(one, with("a")), View(one, with("a"))).same);
  const PlanComparison other = ComparePlans(View(one, with("a")), View(one, with("b")));
  EXPECT_FALSE(other.same);
  EXPECT_FALSE(other.subset);
  EXPECT_THAT(other.differences, ElementsAre("variable region: another value that is not shown"));
  EXPECT_TRUE(ComparePlans(View(two, with("a")), View(one, with("a"))).subset);
  EXPECT_FALSE(ComparePlans(View(one, with("a")), View(two, with("a"))).subset);
  EXPECT_FALSE(ComparePlans(View(two, with("a")), View(one, with("b"))).subset);
  EXPECT_THAT(ComparePlans(View(one), View(one, with("a"))).differences,
              ElementsAre("variable region: is given, and was not before"));
  const PlanComparison gone = ComparePlans(View(one, with("a")), View(one));
  EXPECT_FALSE(gone.subset);
  EXPECT_THAT(gone.differences, ElementsAre("variable region: is no longer given"));
  // Of which the fingerprint holds nothing.
  EXPECT_TRUE(ComparePlans(View(one, with("a", "token")), View(one, with("a", "token"))).same);
  EXPECT_FALSE(ComparePlans(View(one, with("a", "token")), View(one, with("b", "token"))).same);
}

TEST(PlanComparisonTest, VariablesWithoutDigestsMakeNoSubset) {
  v1::PlanView more = View({Delete("aws_vpc.a"), Delete("aws_vpc.b")});
  v1::PlanView less = View({Delete("aws_vpc.a")});
  for (v1::PlanView* view : {&more, &less}) view->add_variables("region");
  EXPECT_TRUE(ComparePlans(more, more).same);
  EXPECT_FALSE(ComparePlans(more, less).subset);
  for (v1::PlanView* view : {&more, &less}) (*view->mutable_variable_digests())["region"] = "sha256:a";
  EXPECT_TRUE(ComparePlans(more, less).subset);
}

TEST(PlanComparisonTest, DigestsOfVariablesTellNothingOfEachOther) {
  const v1::PlanView view = View({}, [](Plan* plan) {
    for (const std::string name : {"a", "b"}) {
      plan->add_variables()->set_name(name);
      plan->mutable_variables(plan->variables_size() - 1)->mutable_value()->set_msgpack(Encode("the same"));
    }
  });
  EXPECT_NE(view.variable_digests().at("a"), view.variable_digests().at("b"));
}

TEST(PlanComparisonTest, ComparesInvocationsByTheirConfiguration) {
  const auto with = [](const std::vector<std::string>& names) {
    return View({}, [names](Plan* plan) {
      plan->set_terraform_version("1.14.0");
      for (const std::string& name : names) {
        plan_file::ActionInvocationInstance* const action = plan->add_action_invocations();
        action->set_addr("action.aws_lambda_invoke.a");
        action->set_provider("provider[\"registry.terraform.io/hashicorp/aws\"]");
        action->mutable_invoke_action_trigger();
        action->mutable_config_value()->set_msgpack(Encode({{"name", name}}));
      }
    });
  };
  EXPECT_TRUE(ComparePlans(with({"x", "y"}), with({"y", "x"})).same);
  const PlanComparison less = ComparePlans(with({"x", "y"}), with({"x"}));
  EXPECT_TRUE(less.subset);
  EXPECT_THAT(less.differences,
              ElementsAre("action.aws_lambda_invoke.a for itself: is no longer invoked as it was"));
  EXPECT_FALSE(ComparePlans(with({"x", "y"}), with({"z"})).subset);
  EXPECT_THAT(ComparePlans(with({"x"}), with({"x", "x"})).differences,
              ElementsAre("action.aws_lambda_invoke.a for itself: is invoked 2 times, was 1"));
}

TEST(PlanComparisonTest, SeesWhatTheViewLeavesOut) {
  const auto with = [](const std::string& text, const std::string& secret) {
    return View(
        {Update({{"a", 1}}, {{"a", 2}, {"b", text}, {"token", secret}})}, [](Plan*) {},
        [] {
          Limits limits;
          limits.attribute_changes = 1;
          return limits;
        }());
  };
  EXPECT_FALSE(ComparePlans(with("x", "one"), with("y", "one")).same);
  EXPECT_FALSE(ComparePlans(with("x", "one"), with("y", "one")).subset);
  // Nobody can tell whether a secret that is left out is the same.
  EXPECT_FALSE(ComparePlans(with("x", "one"), with("x", "two")).same);
  EXPECT_FALSE(ComparePlans(with("x", "one"), with("x", "one")).same);

  Limits limits;
  limits.shown_text_bytes = 4;
  const auto cut = [&](const std::string& text) {
    return View(
        {Update({{"a", 1}}, {{"a", text}})}, [](Plan*) {}, limits);
  };
  EXPECT_TRUE(ComparePlans(cut("long text"), cut("long text")).same);
  const PlanComparison other = ComparePlans(cut("long text"), cut("long other"));
  EXPECT_FALSE(other.subset);
  EXPECT_THAT(other.differences, ElementsAre("aws_vpc.a: what is left out of the view may differ"));
}

TEST(PlanComparisonTest, NamesAHundredDifferences) {
  const auto many = [](int count) {
    Objects objects;
    for (int i = 0; i < count; ++i) objects.push_back(Delete(text::Concat("aws_vpc.a[", i, "]")));
    return View(objects);
  };
  EXPECT_THAT(ComparePlans(View({}), many(100)).differences, SizeIs(100));
  const std::vector<std::string> more = ComparePlans(View({}), many(103)).differences;
  EXPECT_THAT(more, SizeIs(101));
  EXPECT_EQ(more.back(), "and 3 more");
}

}  // namespace
}  // namespace countersign::terraform
