// Our reader of saved plans against Terraform itself, on every kind of plan that Terraform makes.
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/terraform/plan_comparison.h"
#include "core/terraform/plan_view.h"
#include "core/terraform/state_file.h"
#include "tests/provider/scenario_summaries.h"
#include "tests/provider/scenarios.h"
#include "tests/provider/show_comparison.h"
#include "tests/support/postgres_cluster.h"

namespace countersign::provider {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kSalt[] = "a salt of thirty-two bytes, this";

// What the scenarios keep secret: marked sensitive, or in an attribute that is.
constexpr const char* kSecrets[] = {"hunter2-secret", "another-secret", "very-secret", "secret-of-AKIA"};

class PlanEqualityTest : public ::testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override {
    if (!testing::FindTerraform().has_value()) GTEST_SKIP() << testing::kNoTerraform;
  }
};

void ExpectHonest(const v1::PlanView& view) {
  for (const v1::ResourceChange& change : view.resource_changes()) {
    EXPECT_THAT(change.differs_from_state(), IsEmpty()) << change.address();
    EXPECT_FALSE(change.has_provider_change()) << change.address();
  }
  for (const v1::ResourceChange& drift : view.resource_drift()) {
    EXPECT_THAT(drift.differs_from_state(), IsEmpty()) << drift.address();
  }
  // Where planning ended early, what was not reached has no entry.
  if (!view.errored()) {
    EXPECT_THAT(view.state().without_change(), IsEmpty());
  }
}

// What the backend holds is what the view says that it does, where nothing moves.
void ExpectStored(const v1::PlanView& view, const std::string& pulled) {
  const auto moves = [](const v1::ResourceChange& change) { return !change.previous_address().empty(); };
  if (pulled.empty() || std::any_of(view.resource_changes().begin(), view.resource_changes().end(), moves) ||
      std::any_of(view.resource_drift().begin(), view.resource_drift().end(), moves)) {
    return;
  }
  terraform::ValueArena arena{terraform::Limits()};
  std::string_view rest = pulled;
  const auto state = terraform::ReadState([&rest] { return std::exchange(rest, {}); }, &arena,
                                          terraform::Limits(), "terraform state pull");
  ASSERT_TRUE(state.ok()) << state.status().message();
  EXPECT_EQ(view.state().previous_content_digest(), state->digest);
}

TEST_P(PlanEqualityTest, WeSayWhatTerraformSays) {
  testing::TerraformWorkspace terraform;
  const auto plans = RunScenario(GetParam(), terraform);
  ASSERT_TRUE(plans.ok()) << plans.status().message();
  std::map<std::string, v1::PlanView> views;
  for (const ScenarioPlan& plan : *plans) {
    SCOPED_TRACE(plan.name);
    const auto view = terraform::ReadPlan(plan.bytes, {.limits = {}, .salt = kSalt});
    ASSERT_TRUE(view.ok()) << view.status().message();
    const auto expected = ExpectedSummaries().find(plan.name);
    EXPECT_EQ(Summary(plan.show_json),
              expected == ExpectedSummaries().end() ? "not in the table" : expected->second);
    EXPECT_THAT(DifferencesFromShow(*view, plan), IsEmpty());
    ExpectHonest(*view);
    ExpectStored(*view, plan.state);
    const std::string all = view->SerializeAsString();
    for (const std::string secret : kSecrets) EXPECT_EQ(all.find(secret), std::string::npos) << secret;
    views[plan.name] = *view;
  }
  // What is planned again, with nothing changed in between, is the same.
  for (const auto& [name, view] : views) {
    const auto again = views.find(name + " again");
    if (again == views.end()) continue;
    SCOPED_TRACE(name);
    const terraform::PlanComparison comparison = terraform::ComparePlans(view, again->second);
    EXPECT_TRUE(comparison.same);
    EXPECT_THAT(comparison.differences, IsEmpty());
    EXPECT_EQ(view.fingerprint(), again->second.fingerprint());
  }
}

std::string NameOf(const ::testing::TestParamInfo<Scenario>& tested) {
  std::string name = tested.param.name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, PlanEqualityTest, ::testing::ValuesIn(Scenarios()), NameOf);

TEST(ScenariosTest, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const Scenario& scenario : Scenarios())
    EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name;
}

// Terraform writes the backend's settings into the plan, whatever they are.
TEST(PlanSecretsTest, ThePasswordOfTheBackendIsNotInTheView) {
  if (!testing::FindTerraform().has_value()) GTEST_SKIP() << testing::kNoTerraform;
  auto& cluster = testing::PostgresCluster::Shared();
  const std::string connection = absl::StrCat("postgres://postgres:very-secret@127.0.0.1:", cluster.port(),
                                              "/", cluster.CreateDatabase(), "?sslmode=disable");
  testing::TerraformWorkspace terraform;
  const auto plans = RunScenario({"postgresql backend",
                                  {Main(absl::StrCat("terraform {\n  backend \"pg\" {\n    conn_str = \"",
                                                     connection, "\"\n  }\n}\nresource \"aws_vpc\" \"a\" {\n",
                                                     "  cidr_block = \"10.0.0.0/16\"\n}\n")),
                                   Apply(), Plan("destroy", {"-destroy"})}},
                                 terraform);
  ASSERT_TRUE(plans.ok()) << plans.status().message();
  const auto view = terraform::ReadPlan(plans->front().bytes, {.limits = {}, .salt = kSalt});
  ASSERT_TRUE(view.ok()) << view.status().message();
  EXPECT_THAT(DifferencesFromShow(*view, plans->front()), IsEmpty());
  EXPECT_EQ(view->backend().type(), "pg");
  EXPECT_EQ(view->SerializeAsString().find("very-secret"), std::string::npos);
}

// The comparison itself, by views that say something else than the plan.
class ShowComparisonTest : public ::testing::Test {
 protected:
  using Edit = std::function<void(v1::PlanView*)>;

  void SetUp() override {
    if (!testing::FindTerraform().has_value()) GTEST_SKIP() << testing::kNoTerraform;
  }

  // Makes the plans of a scenario and keeps the one of this name.
  void Read(const std::string& scenario, const std::string& plan) {
    const auto found = std::find_if(Scenarios().begin(), Scenarios().end(),
                                    [&](const Scenario& each) { return each.name == scenario; });
    ASSERT_NE(found, Scenarios().end());
    workspace_.emplace();
    const auto plans = RunScenario(*found, *workspace_);
    ASSERT_TRUE(plans.ok()) << plans.status().message();
    for (const ScenarioPlan& each : *plans) {
      if (each.name == absl::StrCat(scenario, "/", plan)) plan_ = each;
    }
    const auto view = terraform::ReadPlan(plan_.bytes, {.limits = {}, .salt = kSalt});
    ASSERT_TRUE(view.ok()) << view.status().message();
    ASSERT_THAT(DifferencesFromShow(*view, plan_), IsEmpty());
    view_ = *view;
  }

  // Every edit must be seen.
  void ExpectSeen(const std::vector<Edit>& edits) {
    for (size_t i = 0; i < edits.size(); ++i) {
      v1::PlanView edited = view_;
      edits[i](&edited);
      EXPECT_THAT(DifferencesFromShow(edited, plan_), Not(IsEmpty())) << "edit " << i;
    }
  }

  std::optional<testing::TerraformWorkspace> workspace_;
  ScenarioPlan plan_;
  v1::PlanView view_;
};

// The change of the resource, which must be there.
v1::ResourceChange* ChangeOf(v1::PlanView* view, const std::string& address) {
  auto& changes = *view->mutable_resource_changes();
  const auto found = std::find_if(changes.begin(), changes.end(), [&](const v1::ResourceChange& change) {
    return change.address() == address;
  });
  EXPECT_NE(found, changes.end()) << address;
  return &*found;
}

v1::AttributeChange* AttributeOf(v1::ResourceChange* change, const std::string& path) {
  auto& attributes = *change->mutable_attribute_changes();
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const v1::AttributeChange& each) { return each.path() == path; });
  EXPECT_NE(found, attributes.end()) << path;
  return &*found;
}

TEST_F(ShowComparisonTest, SeesWhatIsOddAboutAResource) {
  ASSERT_NO_FATAL_FAILURE(Read("import", "and change"));
  const auto database = [](v1::PlanView* view) { return ChangeOf(view, "aws_db_instance.courses"); };
  ExpectSeen({
      [&](v1::PlanView* view) { database(view)->set_address("aws_db_instance.other"); },
      [&](v1::PlanView* view) { database(view)->set_type("aws_vpc"); },
      [&](v1::PlanView* view) { database(view)->set_name("other"); },
      [&](v1::PlanView* view) { database(view)->set_mode("data"); },
      [&](v1::PlanView* view) { database(view)->set_module_address("module.m"); },
      [&](v1::PlanView* view) { database(view)->set_provider_name("registry.terraform.io/evil/aws"); },
      [&](v1::PlanView* view) { database(view)->set_deposed("12345678"); },
      [&](v1::PlanView* view) { database(view)->set_previous_address("aws_db_instance.before"); },
      [&](v1::PlanView* view) { database(view)->mutable_actions()->SwapElements(0, 1); },
      [&](v1::PlanView* view) { database(view)->set_action_reason("replace_by_request"); },
      [&](v1::PlanView* view) { database(view)->clear_replace_paths(); },
      [&](v1::PlanView* view) { database(view)->clear_importing(); },
      [&](v1::PlanView* view) { database(view)->mutable_importing()->set_id("another"); },
      [&](v1::PlanView* view) { view->mutable_resource_changes()->RemoveLast(); },
      [&](v1::PlanView* view) { *view->add_resource_changes() = *database(view); },
      [&](v1::PlanView* view) { view->mutable_counts()->set_replace(2); },
      [&](v1::PlanView* view) { view->mutable_counts()->set_import(0); },
      [&](v1::PlanView* view) { view->mutable_state()->set_lineage("another"); },
      [&](v1::PlanView* view) { view->mutable_state()->set_serial(1000); },
      [&](v1::PlanView* view) { view->mutable_state()->set_resource_count(1000); },
      [&](v1::PlanView* view) { view->mutable_state()->mutable_resources(0)->set_id("another"); },
      [&](v1::PlanView* view) { view->set_applyable(false); },
      [&](v1::PlanView* view) { view->set_complete(false); },
      [&](v1::PlanView* view) { view->set_errored(true); },
      [&](v1::PlanView* view) { view->set_terraform_version("1.11.5"); },
      [&](v1::PlanView* view) { view->mutable_output_changes(0)->set_actions(0, "create"); },
      [&](v1::PlanView* view) { view->mutable_output_changes(0)->set_sensitive(true); },
      [&](v1::PlanView* view) { view->clear_output_changes(); },
      [&](v1::PlanView* view) { view->add_variables("none"); },
  });
}

TEST_F(ShowComparisonTest, SeesWhatIsOddAboutValues) {
  ASSERT_NO_FATAL_FAILURE(Read("update", "in place"));
  const auto storage = [](v1::PlanView* view) {
    return AttributeOf(ChangeOf(view, "aws_db_instance.courses"), "allocated_storage");
  };
  const auto password = [](v1::PlanView* view) {
    return AttributeOf(ChangeOf(view, "aws_db_instance.courses"), "password");
  };
  ExpectSeen({
      [&](v1::PlanView* view) { storage(view)->set_before_json("21"); },
      [&](v1::PlanView* view) { storage(view)->set_after_json("20"); },
      [&](v1::PlanView* view) { storage(view)->clear_after_json(); },
      [&](v1::PlanView* view) { storage(view)->set_after_unknown(true); },
      [&](v1::PlanView* view) { storage(view)->set_path("iops"); },
      [&](v1::PlanView* view) { password(view)->set_masked(false); },
      [&](v1::PlanView* view) { password(view)->set_after_json("\"another-secret\""); },
      [&](v1::PlanView* view) {
        auto* const change = ChangeOf(view, "aws_db_instance.courses");
        change->mutable_attribute_changes()->DeleteSubrange(0, 1);
      },
      [&](v1::PlanView* view) {
        auto* const change = ChangeOf(view, "aws_vpc.main")->add_attribute_changes();
        change->set_path("cidr_block");
        change->set_before_json("\"10.0.0.0/16\"");
        change->set_after_json("\"10.0.0.0/16\"");
      },
      [&](v1::PlanView* view) {
        AttributeOf(ChangeOf(view, "aws_instance.web"), "public_ip")->set_after_unknown(false);
      },
  });
}

TEST_F(ShowComparisonTest, SeesWhatIsOddAboutDrift) {
  ASSERT_NO_FATAL_FAILURE(Read("drift", "normal"));
  ExpectSeen({
      [](v1::PlanView* view) { view->mutable_resource_drift()->RemoveLast(); },
      [](v1::PlanView* view) { view->mutable_resource_drift(0)->set_actions(0, "create"); },
      [](v1::PlanView* view) { view->mutable_resource_drift(0)->mutable_attribute_changes()->RemoveLast(); },
  });
}

TEST_F(ShowComparisonTest, SeesWhatIsOddAboutChecks) {
  ASSERT_NO_FATAL_FAILURE(Read("checks", "create"));
  ExpectSeen({
      [](v1::PlanView* view) { view->mutable_checks()->RemoveLast(); },
      [](v1::PlanView* view) { view->mutable_checks(0)->set_status("error"); },
      [](v1::PlanView* view) { view->mutable_checks(0)->set_kind("none"); },
      [](v1::PlanView* view) { view->mutable_checks(0)->add_problems("none"); },
      [](v1::PlanView* view) { view->mutable_counts()->set_read(0); },
  });
}

}  // namespace
}  // namespace countersign::provider
