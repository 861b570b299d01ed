// Everything that somebody who holds a saved plan can change in it and that Terraform may still apply. Each
// is refused or found; none looks like the plan that it was made of.
#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "core/error/error.h"
#include "core/finding/judge.h"
#include "core/terraform/plan_view.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/terraform/plan_builder.h"
#include "tests/unit/terraform/zip_builder.h"

namespace countersign {
namespace {

using nlohmann::json;
using terraform::plan_file::Plan;
using terraform::plan_file::ResourceInstanceChange;
using ::testing::Contains;
using testing::EditEntry;
using testing::EditPlan;
using testing::EditState;
using testing::Encode;
using testing::HasReason;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr char kProduction[] = "aws_db_instance.production";
constexpr char kScratch[] = "aws_db_instance.scratch";
constexpr char kMain[] = "tfconfig/m-/main.tf";

std::string Honest() {
  std::ifstream file(std::string(COUNTERSIGN_TEST_DATA) + "/production.tfplan", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

absl::StatusOr<v1::PlanView> Read(const std::string& bytes) {
  return terraform::ReadPlan(bytes, {.limits = {}, .salt = "a salt of 23 bytes here"});
}

// What is remembered: the state and the configuration that the honest plan was made on.
v1::TargetMemory Memory(const std::string& plan = Honest()) {
  const v1::PlanView honest = *Read(plan);
  v1::TargetMemory memory;
  memory.set_target("targets/courses");
  memory.set_version(1);
  *memory.mutable_state() = honest.state();
  *memory.mutable_backend() = honest.backend();
  *memory.mutable_configuration() = honest.configuration();
  return memory;
}

std::vector<v1::Finding> FindingsOf(const v1::PlanView& view, const v1::TargetMemory& memory) {
  finding::PlanContext context;
  context.memory = &memory;
  context.environment = "production";
  context.engine = "terraform";
  context.now = absl::FromUnixSeconds(Read(Honest())->timestamp().seconds()) + absl::Minutes(5);
  return finding::JudgePlan(view, context);
}

std::vector<std::string> CodesOf(const v1::PlanView& view, const v1::TargetMemory& memory = Memory()) {
  std::vector<std::string> codes;
  for (const v1::Finding& finding : FindingsOf(view, memory)) codes.push_back(finding.code());
  return codes;
}

std::string MainFile() {
  testing::Zip zip = testing::ReadZip(Honest());
  return zip.Content(kMain);
}

std::string WithMain(const std::string& addition) {
  return EditEntry(Honest(), kMain, MainFile() + addition);
}

ResourceInstanceChange* ChangeOf(Plan* plan, const std::string& address) {
  for (ResourceInstanceChange& change : *plan->mutable_resource_changes()) {
    if (change.addr() == address) return &change;
  }
  throw std::logic_error("no change of " + address);
}

json* ObjectOf(json* state, const std::string& name) {
  for (json& resource : (*state)["resources"]) {
    if (resource["name"] == name) return &resource;
  }
  throw std::logic_error("no object " + name);
}

void EraseObject(json* state, const std::string& name) {
  json& resources = (*state)["resources"];
  for (auto i = resources.begin(); i != resources.end(); ++i) {
    if ((*i)["name"] == name) {
      resources.erase(i);
      return;
    }
  }
}

// As plans hold the attributes that the state has, with some of them changed.
std::string Attributes(const std::string& name, const json& changes) {
  json attributes;
  EditState(Honest(),
            [&](json* state) { attributes = (*ObjectOf(state, name))["instances"][0]["attributes"]; });
  attributes.merge_patch(changes);
  for (const auto& [key, value] : changes.items()) attributes[key] = value;
  return Encode(attributes);
}

void EraseChange(Plan* plan, const std::string& address) {
  auto* changes = plan->mutable_resource_changes();
  for (int i = 0; i < changes->size(); ++i) {
    if (changes->Get(i).addr() == address) {
      changes->DeleteSubrange(i, 1);
      return;
    }
  }
}

void HideEverything(ResourceInstanceChange* change) {
  for (const char* name : {"identifier", "engine", "allocated_storage", "deletion_protection", "id", "arn"}) {
    for (auto* paths : {change->mutable_change()->mutable_before_sensitive_paths(),
                        change->mutable_change()->mutable_after_sensitive_paths()}) {
      paths->Add()->add_steps()->set_attribute_name(name);
    }
  }
}

const json kOtherNames = {{"identifier", "courses-prod"}, {"id", "courses-prod"}};

// What is deleted has the names of another, in the plan and in its refreshed state, which therefore agree.
// `edit` comes first.
std::string RenamedInBoth(const std::function<void(Plan*)>& edit) {
  const std::string edited = EditPlan(Honest(), [&edit](Plan* plan) {
    edit(plan);
    ChangeOf(plan, kScratch)
        ->mutable_change()
        ->mutable_values(0)
        ->set_msgpack(Attributes("scratch", kOtherNames));
  });
  return EditState(edited, "tfstate", [](json* state) {
    (*ObjectOf(state, "scratch"))["instances"][0]["attributes"].update(kOtherNames);
  });
}

// The configuration makes 999 of what the plan calls unknown.
std::string WithUnknownStorage(int32_t action) {
  const std::string edited = EditPlan(Honest(), [action](Plan* plan) {
    terraform::plan_file::Change* const change = ChangeOf(plan, kProduction)->mutable_change();
    change->set_action(action);
    const json unknown = {{"allocated_storage", testing::Unknown()}};
    change->mutable_values(1)->set_msgpack(Attributes("production", unknown));
    if (action == terraform::kActionCreate) change->mutable_values()->DeleteSubrange(0, 1);
  });
  std::string text = MainFile();
  text.replace(text.find("= 30"), 4, "= 999");
  return EditEntry(edited, kMain, text);
}

struct Edit {
  std::string name;
  std::function<std::string()> bytes;
  // One of these must be found; with none, the plan must be refused.
  std::vector<std::string> codes;
};

void PrintTo(const Edit& edit, std::ostream* out) { *out << edit.name; }

std::vector<Edit> Edits() {
  return {
      {"a_provisioner_in_the_configuration",
       [] {
         std::string text = MainFile();
         const std::string at = "  cidr_block = \"10.0.0.0/16\"\n";
         text.insert(text.find(at), "  provisioner \"local-exec\" {\n    command = \"id\"\n  }\n");
         return EditEntry(Honest(), kMain, text);
       },
       {"provisioner"}},
      {"a_provider_that_points_elsewhere",
       [] {
         std::string text = MainFile();
         text.replace(text.find("eu-west-1"), 9, "us-east-1");
         return EditEntry(Honest(), kMain, text);
       },
       {"provider-changed"}},
      {"another_name_in_the_state_of_what_is_deleted",
       [] {
         return EditState(Honest(), [](json* state) {
           (*ObjectOf(state, "scratch"))["instances"][0]["attributes"]["identifier"] = "courses-prod";
         });
       },
       {"before-differs-from-state"}},
      {"another_name_in_the_state_of_what_is_updated",
       [] {
         return EditState(Honest(), [](json* state) {
           (*ObjectOf(state, "production"))["instances"][0]["attributes"]["identifier"] = "other";
         });
       },
       {"before-differs-from-state"}},
      {"another_name_in_the_plan_of_what_is_deleted",
       [] {
         return EditPlan(Honest(), [](Plan* plan) {
           ChangeOf(plan, kScratch)
               ->mutable_change()
               ->mutable_values(0)
               ->set_msgpack(Attributes("scratch", {{"identifier", "courses-prod"}, {"id", "courses-prod"}}));
         });
       },
       {"before-differs-from-state"}},
      {"another_name_in_the_plan_and_in_its_refreshed_state",
       [] { return RenamedInBoth([](Plan*) {}); },
       {"state-object-without-change"}},
      {"another_name_that_drift_explains",
       [] {
         return RenamedInBoth([](Plan* plan) {
           ResourceInstanceChange* const drift = plan->add_resource_drift();
           *drift = *ChangeOf(plan, kScratch);
           drift->mutable_change()->set_action(terraform::kActionUpdate);
           drift->mutable_change()->add_values()->set_msgpack(Attributes("scratch", kOtherNames));
         });
       },
       {"before-differs-from-state"}},
      {"another_object_in_the_refreshed_state",
       [] {
         return EditState(Honest(), "tfstate", [](json* state) {
           (*ObjectOf(state, "production"))["instances"][0]["status"] = "tainted";
         });
       },
       {"state-object-without-change"}},
      {"a_resource_taken_out_of_everything",
       [] {
         const std::string edited = EditPlan(Honest(), [](Plan* plan) { EraseChange(plan, kProduction); });
         return EditState(edited, [](json* state) { EraseObject(state, "production"); });
       },
       {"state-content-differs", "state-shrunk"}},
      {"a_resource_taken_out_of_the_changes_alone",
       [] { return EditPlan(Honest(), [](Plan* plan) { EraseChange(plan, kProduction); }); },
       {"state-object-without-change"}},
      {"another_place_for_the_state",
       [] {
         return EditPlan(Honest(), [](Plan* plan) {
           plan->mutable_backend()->mutable_config()->set_msgpack(
               Encode({{"path", "/tmp/other.tfstate"}, {"workspace_dir", nullptr}}));
         });
       },
       {"backend-changed"}},
      {"everything_marked_sensitive",
       [] { return EditPlan(Honest(), [](Plan* plan) { HideEverything(ChangeOf(plan, kProduction)); }); },
       {"sensitivity-added"}},
      {"a_planned_value_made_unknown",
       [] { return WithUnknownStorage(terraform::kActionUpdate); },
       {"unknown-after"}},
      {"a_planned_value_of_something_new_made_unknown",
       [] {
         return EditState(WithUnknownStorage(terraform::kActionCreate),
                          [](json* state) { EraseObject(state, "production"); });
       },
       {"unknown-after"}},
      {"a_planned_value_of_a_replacement_made_unknown",
       [] { return WithUnknownStorage(terraform::kActionDeleteThenCreate); },
       {"unknown-after"}},
      {"a_configuration_that_says_otherwise",
       [] {
         std::string text = MainFile();
         text.replace(text.find("= 30"), 4, "= 999");
         return EditEntry(Honest(), kMain, text);
       },
       {"configuration-changed"}},
      {"another_mode_reason_and_time",
       [] {
         return EditPlan(Honest(), [](Plan* plan) {
           plan->set_ui_mode(terraform::kModeRefreshOnly);
           ChangeOf(plan, kScratch)->set_action_reason(0);
           plan->set_timestamp("2001-01-01T00:00:00Z");
         });
       },
       {"plan-old"}},
      {"a_second_serial_in_another_case",
       [] {
         testing::Zip zip = testing::ReadZip(Honest());
         std::string state = zip.Content("tfstate");
         state.insert(state.rfind('}'), ",\"Serial\":1");
         return EditEntry(Honest(), "tfstate", state);
       },
       {}},
      {"something_after_the_state",
       [] {
         testing::Zip zip = testing::ReadZip(Honest());
         return EditEntry(Honest(), "tfstate", zip.Content("tfstate") + "{}");
       },
       {}},
      {"another_workspace",
       [] {
         return EditPlan(Honest(), [](Plan* plan) { plan->mutable_backend()->set_workspace("staging"); });
       },
       {"workspace-changed"}},
      {"a_version_that_is_not_read",
       [] { return EditPlan(Honest(), [](Plan* plan) { plan->set_terraform_version("1.7.5"); }); },
       {}},
      {"another_lineage",
       [] {
         return EditState(Honest(),
                          [](json* state) { (*state)["lineage"] = "11111111-2222-3333-4444-555555555555"; });
       },
       {"state-lineage-changed"}},
      {"no_lineage_and_no_serial",
       [] {
         return EditState(Honest(), [](json* state) {
           (*state)["lineage"] = "";
           (*state)["serial"] = 0;
         });
       },
       {"state-missing"}},
      {"prevent_destroy_in_the_configuration_of_what_is_deleted",
       [] {
         return WithMain(
             "\nresource \"aws_db_instance\" \"scratch\" {\n  identifier = \"courses-scratch\"\n"
             "  engine = \"postgres\"\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n");
       },
       {"protection-removed"}},
      {"another_resource_with_a_provisioner",
       [] {
         return WithMain(
             "\nresource \"aws_vpc\" \"other\" {\n  provisioner \"local-exec\" {\n    command = \"id\"\n  "
             "}\n}\n");
       },
       {"provisioner"}},
      {"an_output_that_reads_a_file_of_the_runner",
       [] { return WithMain("\noutput \"host\" {\n  value = file(\"/etc/hostname\")\n}\n"); },
       {"reads-runner-files"}},
      {"a_lower_serial",
       [] { return EditState(Honest(), [](json* state) { (*state)["serial"] = 1; }); },
       {"state-serial-regressed"}},
      {"another_lock_file",
       [] {
         testing::Zip zip = testing::ReadZip(Honest());
         std::string lock = zip.Content(".terraform.lock.hcl");
         const size_t hash = lock.find("h1:") + 3;
         lock[hash] = lock[hash] == 'A' ? 'B' : 'A';
         return EditEntry(Honest(), ".terraform.lock.hcl", lock);
       },
       {"lock-file-changed"}},
      {"a_plan_that_met_an_error",
       [] { return EditPlan(Honest(), [](Plan* plan) { plan->set_errored(true); }); },
       {"plan-errored"}},
      {"a_plan_of_part_of_it",
       [] {
         return EditPlan(Honest(), [](Plan* plan) {
           plan->add_target_addrs(kScratch);
           plan->set_complete(false);
         });
       },
       {"plan-incomplete"}},
  };
}

class PlanEditTest : public ::testing::TestWithParam<Edit> {};

TEST_P(PlanEditTest, IsRefusedOrFound) {
  const auto view = Read(GetParam().bytes());
  if (GetParam().codes.empty()) {
    EXPECT_THAT(view, HasReason(v1::PLAN_UNREADABLE));
    return;
  }
  ASSERT_OK(view);
  EXPECT_THAT(CodesOf(*view), IsSupersetOf(GetParam().codes));
  for (const std::string& code : GetParam().codes) {
    EXPECT_THAT(CodesOf(*Read(Honest())), Not(Contains(code))) << "the plan as it was has it, too";
  }
}

INSTANTIATE_TEST_SUITE_P(Edits, PlanEditTest, ::testing::ValuesIn(Edits()),
                         [](const auto& edit) { return edit.param.name; });

TEST(HonestPlanTest, IsWhatItSays) {
  const auto view = Read(Honest());
  ASSERT_OK(view);
  EXPECT_EQ(view->counts().delete_(), 1);
  EXPECT_EQ(view->counts().update(), 1);
  EXPECT_EQ(view->state().resource_count(), 3);
  EXPECT_TRUE(view->state().without_change().empty());
  for (const v1::ResourceChange& change : view->resource_changes()) {
    EXPECT_TRUE(change.differs_from_state().empty()) << change.address();
  }
}

TEST(HonestPlanTest, ShowsNoPassword) {
  const std::string shown = Read(Honest())->DebugString();
  EXPECT_EQ(shown.find("correct-horse"), std::string::npos);
  EXPECT_EQ(shown.find("another-secret"), std::string::npos);
}

// A provider and a provisioner that refer to a local each.
std::string WithLocals(const std::string& region, const std::string& command, const std::string& arguments,
                       const std::string& other) {
  return WithMain(
      "provider \"aws\" {\n  alias  = \"x\"\n  region = local.region\n}\nlocals {\n  region  = \"" + region +
      "\"\n  command = \"" + command + "\"\n  other   = \"" + other +
      "\"\n}\nresource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n" +
      "    command = local.command\n" + arguments + "  }\n}\n");
}

TEST(PlanEditsTest, FindsCodeThatReadsAsBeforeAndDoesSomethingElse) {
  const v1::TargetMemory memory = Memory(WithLocals("eu", "id", "", "1"));
  const auto provisioner = [&memory](const std::string& plan) {
    for (const v1::Finding& finding : FindingsOf(*Read(plan), memory)) {
      if (finding.code() == "provisioner") return finding.severity();
    }
    return v1::Finding::SEVERITY_UNSPECIFIED;
  };
  EXPECT_EQ(provisioner(WithLocals("eu", "id", "", "2")), v1::Finding::WARNING);
  EXPECT_EQ(provisioner(WithLocals("us", "id", "", "1")), v1::Finding::WARNING);
  EXPECT_EQ(provisioner(WithLocals("eu", "rm", "", "1")), v1::Finding::HIGH);
  EXPECT_EQ(provisioner(WithLocals("eu", "id", "    environment = { PATH = \"/x\" }\n", "1")),
            v1::Finding::HIGH);
  EXPECT_THAT(CodesOf(*Read(WithLocals("us", "id", "", "1")), memory), Contains("provider-changed"));
  EXPECT_THAT(CodesOf(*Read(WithLocals("eu", "rm", "", "2")), memory), Not(Contains("provider-changed")));
}

}  // namespace
}  // namespace countersign
