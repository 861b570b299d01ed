#include "core/terraform/plan_view.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/digest/digest.h"
#include "core/terraform/plan_file.h"
#include "core/terraform/state_file.h"
#include "core/terraform/value.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/terraform/plan_builder.h"
#include "tests/unit/terraform/zip_builder.h"

namespace countersign::terraform {
namespace {

using countersign::testing::EditEntry;
using countersign::testing::EditPlan;
using countersign::testing::EditState;
using countersign::testing::Encode;
using countersign::testing::HasReason;
using countersign::testing::IsOk;
using countersign::testing::PlannedObject;
using countersign::testing::RealPlan;
using countersign::testing::ShownPlan;
using countersign::testing::SmallPlan;
using countersign::testing::StatusIs;
using countersign::testing::Unknown;
using google::protobuf::util::MessageDifferencer;
using nlohmann::json;
using plan_file::Plan;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kSalt = "a salt of 23 bytes here";
constexpr std::string_view kPlans[] = {"create", "mixed", "destroy"};

absl::StatusOr<v1::PlanView> TryRead(const std::string& bytes, const Limits& limits = {}) {
  return ReadPlan(bytes, {limits, std::string(kSalt)});
}

v1::PlanView Read(const std::string& bytes, const Limits& limits = {}) {
  const auto view = TryRead(bytes, limits);
  EXPECT_THAT(view, IsOk());
  return view.ok() ? *view : v1::PlanView();
}

v1::PlanView ReadOne(PlannedObject object) { return Read(SmallPlan{.objects = {std::move(object)}}.Bytes()); }

const v1::ResourceChange& ChangeOf(const v1::PlanView& view, std::string_view address) {
  for (const v1::ResourceChange& change : view.resource_changes()) {
    if (change.address() == address) return change;
  }
  ADD_FAILURE() << "no change of " << address;
  return v1::ResourceChange::default_instance();
}

plan_file::ResourceInstanceChange* ChangeIn(Plan* plan, std::string_view address) {
  for (plan_file::ResourceInstanceChange& change : *plan->mutable_resource_changes()) {
    if (change.addr() == address) return &change;
  }
  throw std::runtime_error("no such change");
}

// ---- What terraform shows -----------------------------------------------------------------------------

// The leaves of a value with their paths.
void Leaves(const json& value, const std::string& path, std::map<std::string, json>* out) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [name, member] : value.items()) {
      Leaves(member, path.empty() ? name : text::Concat(path, ".", name), out);
    }
  } else if (value.is_array() && !value.empty()) {
    for (size_t i = 0; i < value.size(); ++i) Leaves(value[i], text::Concat(path, "[", i, "]"), out);
  } else if (!value.is_null()) {
    (*out)[path] = value;
  }
}

std::string JsonOr(const json& object, const char* name) { return object.value(name, ""); }

// The values as terraform prints them, of what is a leaf on both sides.
void ExpectSameValues(const v1::ResourceChange& change, const json& shown) {
  std::map<std::string, json> before;
  std::map<std::string, json> after;
  Leaves(shown["before"], "", &before);
  Leaves(shown["after"], "", &after);
  std::set<std::string> seen;
  for (const v1::AttributeChange& attribute : change.attribute_changes()) {
    seen.insert(attribute.path());
    if (attribute.masked()) continue;
    if (before.contains(attribute.path())) {
      EXPECT_EQ(json::parse(attribute.before_json()), before[attribute.path()]) << attribute.path();
    }
    if (after.contains(attribute.path())) {
      EXPECT_EQ(json::parse(attribute.after_json()), after[attribute.path()]) << attribute.path();
    }
  }
  for (const auto& [path, value] : after) {
    const bool same = before.contains(path) && before[path] == value;
    EXPECT_EQ(seen.contains(path), !same) << change.address() << ": " << path;
  }
}

void ExpectSameChange(const v1::ResourceChange& change, const json& shown) {
  SCOPED_TRACE(change.address());
  EXPECT_EQ(change.mode(), JsonOr(shown, "mode"));
  EXPECT_EQ(change.type(), JsonOr(shown, "type"));
  EXPECT_EQ(change.name(), JsonOr(shown, "name"));
  EXPECT_EQ(change.module_address(), JsonOr(shown, "module_address"));
  EXPECT_EQ(change.provider_name(), JsonOr(shown, "provider_name"));
  EXPECT_EQ(change.previous_address(), JsonOr(shown, "previous_address"));
  EXPECT_EQ(change.action_reason(), JsonOr(shown, "action_reason"));
  const json actions = shown["change"]["actions"];
  EXPECT_THAT(change.actions(), ::testing::ElementsAreArray(actions.get<std::vector<std::string>>()));
  EXPECT_EQ(change.replace_paths_size(),
            static_cast<int>(shown["change"].value("replace_paths", json::array()).size()));
  ExpectSameValues(change, shown["change"]);
}

TEST(PlanViewTest, SaysOfRealPlansWhatTerraformSays) {
  for (const std::string_view name : kPlans) {
    SCOPED_TRACE(name);
    const v1::PlanView view = Read(RealPlan(name));
    const json shown = ShownPlan(name);
    ASSERT_EQ(view.resource_changes_size(), static_cast<int>(shown["resource_changes"].size()));
    for (const json& change : shown["resource_changes"]) {
      ExpectSameChange(ChangeOf(view, change["address"].get<std::string>()), change);
    }
    ASSERT_EQ(view.output_changes_size(), static_cast<int>(shown["output_changes"].size()));
    for (const v1::OutputChange& output : view.output_changes()) {
      const json& other = shown["output_changes"][output.name()];
      EXPECT_THAT(output.actions(),
                  ::testing::ElementsAreArray(other["actions"].get<std::vector<std::string>>()));
      EXPECT_EQ(output.sensitive(), other["before_sensitive"] == true);
    }
    ASSERT_EQ(view.checks_size(), 1);
    EXPECT_EQ(view.checks(0).address(), shown["checks"][0]["address"]["to_display"]);
    EXPECT_EQ(view.checks(0).kind(), shown["checks"][0]["address"]["kind"]);
    EXPECT_EQ(view.checks(0).status(), shown["checks"][0]["status"]);
    EXPECT_EQ(view.terraform_version(), shown["terraform_version"]);
    EXPECT_EQ(view.applyable(), shown["applyable"]);
    EXPECT_EQ(view.complete(), shown["complete"]);
    EXPECT_EQ(view.errored(), shown["errored"]);
    EXPECT_EQ(view.timestamp().seconds(), 1795243972);
  }
}

TEST(PlanViewTest, SaysWhatTerraformDoesNotSay) {
  const v1::PlanView view = Read(RealPlan("mixed"));
  EXPECT_EQ(view.engine(), "terraform");
  EXPECT_EQ(view.mode(), v1::NORMAL);
  EXPECT_EQ(view.declared_mode(), "normal");
  EXPECT_EQ(view.state().lineage(), "7023ba3d-a29d-7470-cd9c-223296787fe1");
  EXPECT_EQ(view.state().serial(), 9u);
  EXPECT_EQ(view.state().resource_count(), 8);
  EXPECT_EQ(view.state().terraform_version(), "1.11.4");
  EXPECT_TRUE(digest::IsSha256(view.state().content_digest()));
  EXPECT_TRUE(digest::IsSha256(view.state().previous_content_digest()));
  EXPECT_EQ(view.state().resources(0).address(), "module.inner.terraform_data.item[\"odd \\\"key\\\"\"]");
  EXPECT_EQ(view.state().resources(0).id(), "6f120a8e-cd44-dc53-e9b0-f0a15243bdbd");
  EXPECT_THAT(view.state().without_change(), IsEmpty());
  EXPECT_EQ(view.backend().type(), "local");
  EXPECT_EQ(view.backend().workspace(), "default");
  EXPECT_THAT(view.backend().settings(), IsEmpty());
  EXPECT_THAT(view.variables(), ElementsAre("size"));
  EXPECT_THAT(view.configuration().files(), SizeIs(2));
  EXPECT_THAT(view.configuration().modules(), SizeIs(2));
  EXPECT_EQ(view.configuration().code_blocks(0).kind(), "module");
  EXPECT_EQ(view.configuration().code_blocks(0).line(), 34);
  EXPECT_TRUE(digest::IsSha256(view.fingerprint()));
  const v1::ChangeCounts& counts = view.counts();
  EXPECT_EQ(counts.create(), 1);
  EXPECT_EQ(counts.update(), 1);
  EXPECT_EQ(counts.replace(), 1);
  EXPECT_EQ(counts.delete_(), 2);
  EXPECT_EQ(counts.no_op(), 4);
}

TEST(PlanViewTest, NoRealPlanDiffersFromItsState) {
  for (const std::string_view name : kPlans) {
    const v1::PlanView view = Read(RealPlan(name));
    for (const v1::ResourceChange& change : view.resource_changes()) {
      EXPECT_THAT(change.differs_from_state(), IsEmpty()) << name << ": " << change.address();
    }
  }
}

TEST(PlanViewTest, IsTheSameForTheSameBytesAndSalt) {
  for (const std::string_view name : kPlans) {
    EXPECT_TRUE(MessageDifferencer::Equals(Read(RealPlan(name)), Read(RealPlan(name)))) << name;
  }
}

TEST(PlanViewTest, AnotherSaltGivesOtherDigestsAndTheSameFingerprint) {
  const v1::PlanView one = Read(RealPlan("mixed"));
  const auto read = ReadPlan(RealPlan("mixed"), {{},
                                                 "another salt, longer than a block of the hash function is, "
                                                 "which is 64 bytes"});
  ASSERT_THAT(read, IsOk());
  const v1::PlanView& other = *read;
  EXPECT_EQ(one.fingerprint(), other.fingerprint());
  EXPECT_NE(one.backend().settings_digest(), other.backend().settings_digest());
  const auto digest_in = [](const v1::PlanView& view) {
    return ChangeOf(view, "terraform_data.changed").attribute_changes(2).before_digest();
  };
  EXPECT_TRUE(digest::IsSha256(digest_in(one)));
  EXPECT_NE(digest_in(one), digest_in(other));
}

TEST(PlanViewTest, RefusesASaltThatIsTooShort) {
  EXPECT_THAT(ReadPlan(RealPlan("mixed"), {{}, "fifteen bytes.."}), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(ReadPlan(RealPlan("mixed"), {{}, "sixteen bytes..."}), IsOk());
}

// ---- What is no plan ----------------------------------------------------------------------------------

TEST(PlanViewTest, SaysOfWhatIsNoPlanWhatToDo) {
  const std::pair<std::string, std::string> kCases[] = {
      {R"({"remote_plan_format":1,"run_id":"run-3Xq","hostname":"app.terraform.io"})",
       "save the plan locally"},
      {R"({"meta":{},"encrypted_data":"AAAA","encryption_version":"v0"})", "without encryption"},
      {"tfplan\x02 and more", "terraform 1.8 or newer"},
      {R"({"version":4,"serial":1,"lineage":"x","resources":[]})",
       "submit what terraform plan -out=FILE wrote"},
      {"{}", "submit what terraform plan -out=FILE wrote"},
      {" {} ", "submit what terraform plan -out=FILE wrote"},
      {R"({"format_version":"1.2","resource_changes":[]})", "submit what terraform plan -out=FILE wrote"},
      {"", "it is empty"},
      {"#!/bin/sh\n", "submit what terraform plan -out=FILE wrote"},
  };
  for (const auto& [bytes, advice] : kCases) {
    const auto view = TryRead(bytes);
    EXPECT_THAT(view, HasReason(v1::PLAN_UNREADABLE)) << bytes;
    EXPECT_THAT(view.status().message(), HasSubstr(advice)) << bytes;
  }
}

TEST(PlanViewTest, RefusesAPlanWithAnyPartThatCannotBeRead) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"tfplan", "tfplan"},
      {"tfstate", "tfstate"},
      {"tfstate-prev", "tfstate-prev"},
      {"tfconfig/m-/main.tf", "tfconfig/m-/main.tf"},
      {"tfconfig/modules.json", "tfconfig/modules.json"},
      {".terraform.lock.hcl", ".terraform.lock.hcl"},
  };
  for (const auto& [entry, place] : kCases) {
    const auto view = TryRead(EditEntry(RealPlan("mixed"), entry, "{ no such thing"));
    EXPECT_THAT(view, HasReason(v1::PLAN_UNREADABLE)) << entry;
    EXPECT_THAT(view.status().message(), HasSubstr(std::string(place)));
  }
}

// The plan as terraform writes it where refreshing changes nothing, with `edit` done to the state before
// that.
std::string EditPreviousState(std::string_view plan, const std::function<void(std::string*)>& edit) {
  std::string state = testing::ReadZip(RealPlan(plan)).Member("tfstate").Content();
  state.replace(state.find("\"serial\": 9"), 11, "\"serial\": 0");
  edit(&state);
  return EditEntry(RealPlan(plan), "tfstate-prev", state);
}

TEST(PlanViewTest, TakesTheStateBeforeRefreshForTheOneAfterOnlyWhereEveryByteOfTheContentIsTheSame) {
  const v1::PlanState real = Read(EditPreviousState("destroy", [](std::string*) {})).state();
  EXPECT_EQ(real.previous_content_digest(), real.content_digest());

  const v1::PlanState changed = Read(EditPreviousState("destroy", [](std::string* state) {
                                  const size_t at = state->rfind("\"id\": \"") + 7;
                                  (*state)[at] = (*state)[at] == '0' ? '1' : '0';
                                })).state();
  EXPECT_EQ(changed.content_digest(), real.content_digest());
  EXPECT_NE(changed.previous_content_digest(), real.content_digest());

  const v1::PlanState longer =
      Read(EditPreviousState("destroy", [](std::string* state) { state->append("\n"); })).state();
  EXPECT_EQ(longer.previous_content_digest(), real.content_digest());
}

TEST(PlanViewTest, RefusesAStateBeforeRefreshThatIsWrongInItsHeadOrBehindTheOtherOnesEnd) {
  const std::pair<std::function<void(std::string*)>, std::string_view> kCases[] = {
      {[](std::string* state) { state->append("x"); }, "tfstate-prev: is no valid JSON"},
      {[](std::string* state) { state->resize(state->rfind('}')); }, "tfstate-prev: is no valid JSON"},
      {[](std::string* state) { state->replace(state->find("\"version\": 4") + 11, 1, "5"); }, "must be 4"},
      {[](std::string* state) { state->insert(1, "\"version\": 4,"); }, "has two members version"},
      {[](std::string* state) { state->insert(1, "\"lineages\": 4,"); }, "not known"},
      {[](std::string* state) { state->insert(0, "\xef\xbb\xbf"); }, "tfstate-prev: "},
  };
  for (const auto& [edit, says] : kCases) {
    const auto view = TryRead(EditPreviousState("destroy", edit));
    ASSERT_THAT(view, HasReason(v1::PLAN_UNREADABLE)) << says;
    EXPECT_THAT(view.status().message(), HasSubstr(std::string(says)));
  }
}

TEST(PlanViewTest, RefusesValuesThatCannotBeDecoded) {
  const auto view = TryRead(EditPlan(RealPlan("mixed"), [](Plan* plan) {
    ChangeIn(plan, "terraform_data.kept")->mutable_change()->mutable_values(0)->set_msgpack("\xc1");
  }));
  EXPECT_THAT(view, HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(view.status().message(), HasSubstr("change.before"));
}

// ---- Plans that were edited ---------------------------------------------------------------------------

// Terraform deletes what the plan says was there: it dropped another database than the state and the address
// name.
TEST(PlanViewTest, SeesADeleteOfSomethingElseThanTheStateSays) {
  const json scratch = {{"id", "db-1"}, {"identifier", "scratch"}, {"engine", "postgres"}};
  const json prod = {{"id", "db-1"}, {"identifier", "prod"}, {"engine", "postgres"}};
  SmallPlan plan{.objects = {{.action = kActionDelete, .before = scratch}}};
  EXPECT_THAT(Read(plan.Bytes()).resource_changes(0).differs_from_state(), IsEmpty());
  plan.edit = [&](Plan* message) {
    message->mutable_resource_changes(0)->mutable_change()->mutable_values(0)->set_msgpack(Encode(prod));
  };
  const v1::PlanView view = Read(plan.Bytes());
  EXPECT_THAT(view.resource_changes(0).differs_from_state(), ElementsAre("identifier"));
  EXPECT_EQ(view.resource_changes(0).identifiers().at("identifier"), "prod");
}

TEST(PlanViewTest, SeesItInARealPlanToo) {
  const v1::PlanView view = Read(EditPlan(RealPlan("destroy"), [](Plan* plan) {
    json value = {{"id", "another"}, {"input", nullptr}, {"output", nullptr}, {"triggers_replace", nullptr}};
    ChangeIn(plan, "terraform_data.kept")->mutable_change()->mutable_values(0)->set_msgpack(Encode(value));
  }));
  EXPECT_THAT(ChangeOf(view, "terraform_data.kept").differs_from_state(),
              ElementsAre("id", "input", "output"));
  EXPECT_THAT(ChangeOf(view, "terraform_data.changed").differs_from_state(), IsEmpty());
}

// A provider's other configuration is another account, where something has the same name.
TEST(PlanViewTest, SeesAChangeThroughAnotherProviderThanTheStateNames) {
  SmallPlan plan{.objects = {{.action = kActionDelete, .before = {{"id", "db-1"}}}}};
  EXPECT_FALSE(Read(plan.Bytes()).resource_changes(0).has_provider_change());
  constexpr char kOther[] = R"(provider["registry.terraform.io/hashicorp/aws"].production)";
  plan.edit = [&](Plan* message) { message->mutable_resource_changes(0)->set_provider(kOther); };
  const v1::ResourceChange change = Read(plan.Bytes()).resource_changes(0);
  EXPECT_EQ(change.provider_change().before(), R"(provider["registry.terraform.io/hashicorp/aws"])");
  EXPECT_EQ(change.provider_change().after(), kOther);
  EXPECT_THAT(change.differs_from_state(), IsEmpty());
}

TEST(PlanViewTest, SeesChangesOfObjectsThatTheStateDoesNotHave) {
  for (const int32_t action : {kActionDelete, kActionForget, kActionUpdate, kActionNoOp,
                               kActionDeleteThenCreate, kActionCreateThenForget}) {
    const v1::PlanView view =
        ReadOne({.action = action, .before = {{"id", "x"}}, .after = {{"id", "y"}}, .in_state = false});
    EXPECT_THAT(view.resource_changes(0).differs_from_state(), ElementsAre(".")) << action;
  }
}

TEST(PlanViewTest, SeesACreateOfWhatIsThereAlready) {
  SmallPlan plan{.objects = {{.action = kActionDelete, .before = {{"id", "x"}}}}};
  plan.edit = [](Plan* message) {
    message->mutable_resource_changes(0)->mutable_change()->set_action(kActionCreate);
  };
  EXPECT_THAT(Read(plan.Bytes()).resource_changes(0).differs_from_state(), ElementsAre("."));
}

TEST(PlanViewTest, AnObjectThatHasDisappearedIsNoDifference) {
  const PlannedObject gone = {.action = kActionNoOp, .deposed = "0a1b2c3d", .in_state = false};
  EXPECT_THAT(ReadOne(gone).resource_changes(0).differs_from_state(), IsEmpty());
  PlannedObject deleted = gone;
  deleted.action = kActionDelete;
  EXPECT_THAT(ReadOne(deleted).resource_changes(0).differs_from_state(), ElementsAre("."));
}

TEST(PlanViewTest, NamesAtMostSoManyDifferences) {
  json before;
  for (int i = 0; i < 5; ++i) before["a" + std::to_string(i)] = i;
  SmallPlan plan{.objects = {{.action = kActionDelete, .before = before}}};
  plan.edit = [](Plan* message) {
    message->mutable_resource_changes(0)->mutable_change()->mutable_values(0)->set_msgpack("\x80");
  };
  Limits limits;
  limits.differing_names = 5;
  EXPECT_THAT(Read(plan.Bytes(), limits).resource_changes(0).differs_from_state(), SizeIs(5));
  limits.differing_names = 4;
  EXPECT_THAT(Read(plan.Bytes(), limits).resource_changes(0).differs_from_state(),
              ElementsAre("a0", "a1", "a2", "a3"));
}

TEST(PlanViewTest, FindsTheObjectOfAMovedResourceWhereItWas) {
  SmallPlan plan{.objects = {{.address = "aws_vpc.old", .action = kActionNoOp, .before = {{"id", "x"}}}}};
  plan.edit = [](Plan* message) {
    message->mutable_resource_changes(0)->set_addr("aws_vpc.new");
    message->mutable_resource_changes(0)->set_prev_run_addr("aws_vpc.old");
  };
  const v1::PlanView view = Read(plan.Bytes());
  EXPECT_EQ(view.resource_changes(0).previous_address(), "aws_vpc.old");
  EXPECT_THAT(view.resource_changes(0).differs_from_state(), IsEmpty());
  EXPECT_THAT(view.state().without_change(), IsEmpty());
  EXPECT_EQ(view.mode(), v1::NORMAL);
  EXPECT_EQ(view.counts().move(), 1);
}

// A resource that is in the state and of which the plan says nothing.
TEST(PlanViewTest, SeesWhatThePlanSaysNothingOf) {
  const std::string edited = EditPlan(RealPlan("mixed"), [](Plan* plan) {
    auto* const changes = plan->mutable_resource_changes();
    for (int i = changes->size(); i-- > 0;) {
      if (changes->Get(i).addr() == "terraform_data.kept") changes->DeleteSubrange(i, 1);
    }
  });
  EXPECT_THAT(Read(edited).state().without_change(), ElementsAre("terraform_data.kept"));
  const auto with = [&](const std::function<void(Plan*)>& edit) {
    return Read(EditPlan(edited, edit)).state().without_change();
  };
  EXPECT_THAT(with([](Plan* plan) { plan->add_target_addrs("terraform_data.changed"); }), IsEmpty());
  EXPECT_THAT(with([](Plan* plan) { plan->set_ui_mode(kModeRefreshOnly); }), IsEmpty());
  EXPECT_THAT(with([](Plan* plan) { plan->set_ui_mode(kModeDestroy); }), ElementsAre("terraform_data.kept"));
}

// Nothing in the plan tells; who remembers the state before sees another digest and fewer resources.
TEST(PlanViewTest, AResourceRemovedEverywhereChangesTheStatesSummary) {
  const v1::PlanView before = Read(RealPlan("mixed"));
  std::string edited = EditPlan(RealPlan("mixed"), [](Plan* plan) {
    auto* const changes = plan->mutable_resource_changes();
    for (int i = changes->size(); i-- > 0;) {
      if (changes->Get(i).addr() == "terraform_data.kept") changes->DeleteSubrange(i, 1);
    }
  });
  edited = EditState(edited, [](json* state) {
    json kept = json::array();
    for (const json& resource : (*state)["resources"]) {
      if (resource["name"] != "kept") kept.push_back(resource);
    }
    (*state)["resources"] = kept;
  });
  const v1::PlanView after = Read(edited);
  EXPECT_THAT(after.state().without_change(), IsEmpty());
  EXPECT_EQ(after.state().lineage(), before.state().lineage());
  EXPECT_EQ(after.state().resource_count(), before.state().resource_count() - 1);
  EXPECT_NE(after.state().content_digest(), before.state().content_digest());
  EXPECT_NE(after.state().previous_content_digest(), before.state().previous_content_digest());
}

TEST(PlanViewTest, SaysWhatIsUnknown) {
  const v1::PlanView view = ReadOne({.action = kActionUpdate,
                                     .before = {{"a", 1}, {"b", 1}, {"list", {1}}},
                                     .after = {{"a", Unknown()}, {"b", 1}, {"list", {1, Unknown()}}}});
  const auto& changes = view.resource_changes(0).attribute_changes();
  ASSERT_EQ(changes.size(), 2);
  EXPECT_EQ(changes[0].path(), "a");
  EXPECT_TRUE(changes[0].after_unknown());
  EXPECT_EQ(changes[0].after_json(), "");
  EXPECT_EQ(changes[1].path(), "list");
  EXPECT_TRUE(changes[1].after_unknown());
  EXPECT_EQ(changes[1].after_json(), "[1,null]");
}

// ---- Modes and counts ---------------------------------------------------------------------------------

PlannedObject Object(std::string address, int32_t action) {
  PlannedObject object = {.address = std::move(address), .action = action};
  if (action != kActionCreate) object.before = {{"id", "x"}};
  if (action != kActionDelete) object.after = {{"id", "y"}};
  return object;
}

v1::PlanMode ModeOf(
    std::vector<PlannedObject> objects, const std::function<void(Plan*)>& edit = [](Plan*) {}) {
  return Read(SmallPlan{.objects = std::move(objects), .edit = edit}.Bytes()).mode();
}

void AddOutput(Plan* plan) {
  plan_file::OutputChange* const output = plan->add_output_changes();
  output->set_name("out");
  output->mutable_change()->set_action(kActionCreate);
  output->mutable_change()->add_values()->set_msgpack(Encode(1));
}

void AddDrift(Plan* plan) {
  plan_file::ResourceInstanceChange* const drift = plan->add_resource_drift();
  drift->set_addr("aws_vpc.drifted");
  drift->set_provider("provider[\"registry.terraform.io/hashicorp/aws\"]");
  drift->mutable_change()->set_action(kActionUpdate);
  drift->mutable_change()->add_values()->set_msgpack(Encode({{"id", "x"}, {"size", 1}}));
  drift->mutable_change()->add_values()->set_msgpack(Encode({{"id", "x"}, {"size", 2}}));
}

TEST(PlanViewTest, DerivesTheModeFromTheActions) {
  const PlannedObject stays = Object("aws_vpc.a", kActionNoOp);
  const PlannedObject goes = Object("aws_vpc.b", kActionDelete);
  const PlannedObject comes = Object("aws_vpc.c", kActionCreate);
  const PlannedObject forgotten = Object("aws_vpc.d", kActionForget);
  EXPECT_EQ(ModeOf({}), v1::NO_CHANGES);
  EXPECT_EQ(ModeOf({stays}), v1::NO_CHANGES);
  EXPECT_EQ(ModeOf({stays}, AddOutput), v1::NORMAL);
  EXPECT_EQ(ModeOf({stays}, AddDrift), v1::NO_CHANGES);
  EXPECT_EQ(ModeOf({goes}), v1::DESTROY);
  EXPECT_EQ(ModeOf({goes, stays}), v1::NORMAL);
  EXPECT_EQ(ModeOf({goes, comes}), v1::NORMAL);
  EXPECT_EQ(ModeOf({goes, forgotten}), v1::NORMAL);
  EXPECT_EQ(ModeOf({forgotten}), v1::NORMAL);
  EXPECT_EQ(ModeOf({comes}), v1::NORMAL);
}

TEST(PlanViewTest, BelievesNothingThatThePlanCallsItself) {
  const PlannedObject goes = Object("aws_vpc.b", kActionDelete);
  const auto call = [](int32_t mode) { return [mode](Plan* plan) { plan->set_ui_mode(mode); }; };
  EXPECT_EQ(ModeOf({goes}, call(kModeNormal)), v1::DESTROY);
  EXPECT_EQ(ModeOf({goes}, call(kModeRefreshOnly)), v1::DESTROY);
  EXPECT_EQ(ModeOf({Object("aws_vpc.c", kActionCreate)}, call(kModeRefreshOnly)), v1::NORMAL);
  EXPECT_EQ(ModeOf({}, call(kModeDestroy)), v1::NO_CHANGES);
  EXPECT_EQ(ModeOf({}, call(kModeRefreshOnly)), v1::NO_CHANGES);
  EXPECT_EQ(ModeOf({},
                   [](Plan* plan) {
                     plan->set_ui_mode(kModeRefreshOnly);
                     AddDrift(plan);
                   }),
            v1::REFRESH_ONLY);
}

TEST(PlanViewTest, ATargetedDestroyIsNotADestroy) {
  const std::string all = RealPlan("destroy");
  EXPECT_EQ(Read(all).mode(), v1::DESTROY);
  const std::string but_one =
      EditPlan(all, [](Plan* plan) { plan->mutable_resource_changes()->RemoveLast(); });
  EXPECT_EQ(Read(but_one).mode(), v1::NORMAL);
}

TEST(PlanViewTest, CountsEachObjectOnce) {
  const v1::PlanView view = Read(SmallPlan{
      .objects = {Object("aws_vpc.a", kActionNoOp), Object("aws_vpc.b", kActionDelete),
                  Object("aws_vpc.c", kActionCreate), Object("aws_vpc.d", kActionForget),
                  Object("aws_vpc.e", kActionUpdate), Object("aws_vpc.f", kActionDeleteThenCreate),
                  Object("aws_vpc.g", kActionCreateThenDelete), Object("aws_vpc.h", kActionCreateThenForget)},
      .edit = [](Plan* plan) {
        plan->mutable_resource_changes(0)->mutable_change()->mutable_importing()->set_id("x");
      }}.Bytes());
  const v1::ChangeCounts& counts = view.counts();
  EXPECT_EQ(counts.no_op(), 1);
  EXPECT_EQ(counts.delete_(), 1);
  EXPECT_EQ(counts.create(), 1);
  EXPECT_EQ(counts.forget(), 1);
  EXPECT_EQ(counts.update(), 1);
  EXPECT_EQ(counts.replace(), 3);
  EXPECT_EQ(counts.import(), 1);
  EXPECT_EQ(counts.move(), 0);
  EXPECT_EQ(view.resource_changes(0).importing().id(), "x");
}

TEST(PlanViewTest, ShowsDataSourcesThatAreReadAndNotThoseThatAreForgotten) {
  const v1::PlanView view =
      Read(SmallPlan{.edit = [](Plan* plan) {
             for (const auto& [address, action] : {std::pair("data.aws_ami.read", kActionRead),
                                                   std::pair("data.aws_ami.gone", kActionDelete)}) {
               plan_file::ResourceInstanceChange* const change = plan->add_resource_changes();
               change->set_addr(address);
               change->set_provider("provider[\"registry.terraform.io/hashicorp/aws\"]");
               change->mutable_change()->set_action(action);
               change->mutable_change()->add_values()->set_msgpack(Encode(nullptr));
               if (action == kActionRead)
                 change->mutable_change()->add_values()->set_msgpack(Encode({{"id", Unknown()}}));
             }
           }}.Bytes());
  ASSERT_THAT(view.resource_changes(), SizeIs(1));
  EXPECT_EQ(view.resource_changes(0).mode(), "data");
  EXPECT_THAT(view.resource_changes(0).differs_from_state(), IsEmpty());
  EXPECT_EQ(view.counts().read(), 1);
  EXPECT_EQ(view.counts().delete_(), 0);
}

// The attributes of the only instance of an object of the state.
json& AttributesOf(json* state, std::string_view name) {
  for (json& resource : (*state)["resources"]) {
    if (resource["name"] == name) return resource["instances"][0]["attributes"];
  }
  throw std::runtime_error("no such object");
}

PlannedObject Staying(const std::string& address, const json& object) {
  return {.address = address, .action = kActionNoOp, .before = object, .after = object};
}

TEST(PlanViewTest, ShowsDrift) {
  const auto bytes = [](bool refresh_only) {
    const SmallPlan plan{.objects = {Staying("aws_vpc.drifted", {{"id", "x"}, {"size", 2}}),
                                     Staying("aws_vpc.moved", {{"id", "x"}, {"size", 1}})},
                         .edit = [refresh_only](Plan* message) {
                           AddDrift(message);
                           AddDrift(message);
                           plan_file::ResourceInstanceChange* const moved =
                               message->mutable_resource_drift(1);
                           moved->set_addr("aws_vpc.moved");
                           moved->mutable_change()->set_action(kActionNoOp);
                           moved->mutable_change()->mutable_values()->RemoveLast();
                           if (refresh_only) message->set_ui_mode(kModeRefreshOnly);
                         }};
    return EditState(plan.Bytes(), "tfstate-prev",
                     [](json* state) { AttributesOf(state, "drifted")["size"] = 1; });
  };
  const v1::PlanView view = Read(bytes(false));
  ASSERT_THAT(view.resource_drift(), SizeIs(1));
  EXPECT_EQ(view.resource_drift(0).attribute_changes(0).path(), "size");
  EXPECT_THAT(view.resource_drift(0).differs_from_state(), IsEmpty());
  EXPECT_THAT(view.state().without_change(), IsEmpty());
  EXPECT_THAT(Read(bytes(true)).resource_drift(), SizeIs(2));
}

// A state that was edited after it was refreshed, and drift that was written to explain it.
class EditedRefreshTest : public ::testing::Test {
 protected:
  // Of a plan that leaves aws_vpc.drifted, which is {id: x, size: 2}, as it is.
  static v1::PlanView Edited(
      const std::function<void(json*)>& before, const std::function<void(json*)>& after,
      const std::function<void(Plan*)>& edit = [](Plan*) {}) {
    const SmallPlan plan{.objects = {Staying("aws_vpc.drifted", {{"id", "x"}, {"size", 2}})}, .edit = edit};
    return Read(EditState(EditState(plan.Bytes(), "tfstate-prev", before), "tfstate", after));
  }
  static void Nothing(json*) {}
  static void Smaller(json* state) { AttributesOf(state, "drifted")["size"] = 1; }
  static void WithoutResources(json* state) { (*state)["resources"] = json::array(); }
  static void SetDrift(Plan* plan, const json& before, const json& after) {
    AddDrift(plan);
    plan_file::Change* const change = plan->mutable_resource_drift(0)->mutable_change();
    change->mutable_values(0)->set_msgpack(Encode(before));
    change->mutable_values(1)->set_msgpack(Encode(after));
  }
};

TEST_F(EditedRefreshTest, IsSeenWhereNoDriftSaysWhatChanged) {
  const auto silent = [](const v1::PlanView& view) { return view.state().without_change(); };
  EXPECT_THAT(silent(Edited(Nothing, Nothing)), IsEmpty());
  EXPECT_THAT(silent(Edited(Smaller, Nothing)), ElementsAre("aws_vpc.drifted"));
  EXPECT_THAT(silent(Edited(Smaller, Nothing, AddDrift)), IsEmpty());
  EXPECT_THAT(silent(Edited(Nothing, WithoutResources)), ElementsAre("aws_vpc.drifted"));
  EXPECT_THAT(silent(Edited(WithoutResources, Nothing)), ElementsAre("aws_vpc.drifted"));
  EXPECT_THAT(
      silent(Edited(WithoutResources, Nothing,
                    [](Plan* plan) {
                      plan->mutable_resource_changes(0)->mutable_change()->mutable_importing()->set_id("x");
                    })),
      IsEmpty());
  const auto taint = [](json* state) { (*state)["resources"][0]["instances"][0]["status"] = "tainted"; };
  EXPECT_THAT(silent(Edited(Nothing, taint)), ElementsAre("aws_vpc.drifted"));
  EXPECT_THAT(silent(Edited([&](json* state) { Smaller(state), taint(state); }, Nothing, AddDrift)),
              ElementsAre("aws_vpc.drifted"))
      << "drift explains values only";
  EXPECT_THAT(silent(Edited(Smaller, Nothing, [](Plan* plan) { plan->add_target_addrs("aws_vpc.other"); })),
              ElementsAre("aws_vpc.drifted"))
      << "targets explain nothing";
}

TEST_F(EditedRefreshTest, IsSeenWhereDriftSaysOtherThanTheStates) {
  const auto differences = [](const json& before, const json& after,
                              const std::function<void(json*)>& previous) {
    const v1::PlanView view = Edited(previous, Nothing, [&](Plan* plan) { SetDrift(plan, before, after); });
    return view.resource_drift(0).differs_from_state();
  };
  const json small = {{"id", "x"}, {"size", 1}};
  const json large = {{"id", "x"}, {"size", 2}};
  EXPECT_THAT(differences(small, large, Smaller), IsEmpty());
  EXPECT_THAT(differences(large, large, Smaller), ElementsAre("size"));
  EXPECT_THAT(differences(small, small, Smaller), ElementsAre("size"));
  EXPECT_THAT(differences(small, nullptr, Smaller), ElementsAre("."));
  EXPECT_THAT(differences(nullptr, large, Smaller), ElementsAre("."));
  const auto other = [](json* state) { AttributesOf(state, "drifted")["id"] = "courses"; };
  EXPECT_THAT(differences({{"id", "courses"}, {"size", 2}}, large, other), ElementsAre("id"))
      << "refreshing never makes one object another";
}

// Terraform puts what it imports into both states; the backend does not hold it yet.
TEST(PlanViewTest, WhatIsImportedIsNotInTheStoredState) {
  const PlannedObject kept = {.address = "aws_vpc.kept", .action = kActionNoOp, .before = {{"id", "a"}}};
  const PlannedObject imported = {.address = "aws_vpc.new", .action = kActionNoOp, .before = {{"id", "b"}}};
  SmallPlan plan{.objects = {kept, imported}};
  const std::string stored = Read(SmallPlan{.objects = {kept}}.Bytes()).state().previous_content_digest();
  EXPECT_NE(Read(plan.Bytes()).state().previous_content_digest(), stored);
  plan.edit = [](Plan* message) {
    message->mutable_resource_changes(1)->mutable_change()->mutable_importing()->set_id("b");
  };
  EXPECT_EQ(Read(plan.Bytes()).state().previous_content_digest(), stored);
}

std::string StoredDigestOf(const SmallPlan& plan) {
  return Read(plan.Bytes()).state().previous_content_digest();
}

// Terraform moves in both states before it plans; the backend does not know of it yet.
TEST(PlanViewTest, WhatMovesIsStoredWhereItWas) {
  const auto at = [](const char* address, const char* id) {
    return PlannedObject{.address = address, .action = kActionNoOp, .before = {{"id", id}}};
  };
  const std::string stored =
      StoredDigestOf({.objects = {at("aws_vpc.a", "1"), at("aws_vpc.m", "2"), at("aws_vpc.z", "3")}});
  SmallPlan moved{.objects = {at("aws_vpc.m", "2"), at("aws_vpc.p", "3"), at("aws_vpc.x", "1")}};
  EXPECT_NE(StoredDigestOf(moved), stored);
  moved.edit = [](Plan* message) {
    message->mutable_resource_changes(1)->set_prev_run_addr("aws_vpc.z");
    message->mutable_resource_changes(2)->set_prev_run_addr("aws_vpc.a");
  };
  EXPECT_EQ(StoredDigestOf(moved), stored);
  moved.objects[0].before["id"] = "4";
  EXPECT_NE(StoredDigestOf(moved), stored) << "a move says nothing of what stays";
}

TEST(PlanViewTest, DataSourcesMoveWithTheirModule) {
  const auto in_module = [](const std::string& module) {
    return [=](json* state) {
      for (json& resource : (*state)["resources"]) resource["module"] = module;
      json data = (*state)["resources"][0];
      data["mode"] = "data";
      data["name"] = "read";
      data["module"] = module;
      (*state)["resources"].push_back(data);
    };
  };
  const auto digest = [&](const std::string& module, const std::string& before, bool partly = false) {
    const SmallPlan plan{
        .objects = {{.address = "aws_vpc.a", .action = kActionNoOp, .before = {{"id", "1"}}},
                    {.address = "aws_vpc.b", .action = kActionNoOp, .before = {{"id", "2"}}}},
        .edit = [&](Plan* message) {
          for (plan_file::ResourceInstanceChange& change : *message->mutable_resource_changes()) {
            const std::string name = change.addr().substr(std::string("aws_vpc.").size());
            change.set_addr(text::Concat(module, ".aws_vpc.", name));
            if (!before.empty() && !(partly && name == "b")) {
              change.set_prev_run_addr(text::Concat(before, ".aws_vpc.", name));
            }
          }
        }};
    return Read(EditState(plan.Bytes(), in_module(module))).state().previous_content_digest();
  };
  const std::string stored = digest("module.old", "");
  EXPECT_EQ(digest("module.new", "module.old"), stored);
  EXPECT_NE(digest("module.new", "module.old", true), stored);
}

// They go into providers and provisioners, and no change of a resource says them.
TEST(PlanViewTest, ShowsWhatDataSourcesSayOtherwise) {
  const auto says = [](const char* id) {
    return [id](json* state) {
      (*state)["resources"].push_back(
          {{"mode", "data"},
           {"type", "aws_ami"},
           {"name", "a"},
           {"provider", R"(provider["registry.terraform.io/hashicorp/aws"])"},
           {"instances",
            {{{"schema_version", 0},
              {"attributes", {{"id", id}, {"owner", "me"}, {"password", std::string("planted-") + id}}},
              {"sensitive_attributes", json::array()}}}}});
    };
  };
  const std::string plan = SmallPlan().Bytes();
  EXPECT_THAT(Read(EditState(plan, says("ami-1"))).data_changes(), IsEmpty());
  const v1::PlanView view =
      Read(EditState(EditState(plan, "tfstate-prev", says("ami-1")), "tfstate", says("ami-2; id")));
  ASSERT_THAT(view.data_changes(), SizeIs(1));
  EXPECT_EQ(view.data_changes(0).address(), "data.aws_ami.a");
  ASSERT_THAT(view.data_changes(0).attribute_changes(), SizeIs(2));
  const v1::AttributeChange& id = view.data_changes(0).attribute_changes(0);
  EXPECT_EQ(id.path(), "id");
  EXPECT_EQ(id.after_json(), "\"ami-2; id\"");
  EXPECT_EQ(view.data_changes(0).attribute_changes(1).path(), "password");
  EXPECT_TRUE(view.data_changes(0).attribute_changes(1).masked());
  EXPECT_EQ(view.DebugString().find("planted"), std::string::npos);
}

TEST_F(EditedRefreshTest, DriftWithoutAChangeOfValuesIsShownWhereItIsFalse) {
  const v1::PlanView view = Edited(Nothing, Nothing, [](Plan* plan) {
    AddDrift(plan);
    plan->mutable_resource_drift(0)->mutable_change()->set_action(kActionNoOp);
    plan->mutable_resource_drift(0)->mutable_change()->mutable_values()->RemoveLast();
  });
  ASSERT_THAT(view.resource_drift(), SizeIs(1));
  EXPECT_THAT(view.resource_drift(0).differs_from_state(), ElementsAre("size", "size"));
}

TEST_F(EditedRefreshTest, WhereAllIsDestroyedThereIsNoDrift) {
  const auto silent = [](const std::function<void(json*)>& before, const std::function<void(json*)>& after) {
    return Edited(before, after, [](Plan* plan) { plan->set_ui_mode(kModeDestroy); })
        .state()
        .without_change();
  };
  EXPECT_THAT(silent(Smaller, Nothing), IsEmpty());
  EXPECT_THAT(silent(Nothing, WithoutResources), IsEmpty());
  EXPECT_THAT(silent(WithoutResources, Nothing), ElementsAre("aws_vpc.drifted"));
  EXPECT_THAT(silent([](json* state) { AttributesOf(state, "drifted")["id"] = "y"; }, Nothing),
              ElementsAre("aws_vpc.drifted"));
}

TEST_F(EditedRefreshTest, APlanThatOnlyCallsItselfDestroyDropsNothing) {
  const SmallPlan plan{.objects = {Staying("aws_vpc.a", {{"id", "a"}}), Staying("aws_vpc.b", {{"id", "b"}})},
                       .edit = [](Plan* message) {
                         message->set_ui_mode(kModeDestroy);
                         message->mutable_resource_changes()->DeleteSubrange(1, 1);
                       }};
  const auto drop = [](json* state) { (*state)["resources"].erase(1); };
  EXPECT_THAT(Read(EditState(plan.Bytes(), "tfstate", drop)).state().without_change(),
              ElementsAre("aws_vpc.b"));
}

TEST_F(EditedRefreshTest, OfDeposedObjectsOnlyTheIdentityIsTold) {
  const auto silent = [](const std::string& attribute, const json& value) {
    const SmallPlan plan{.objects = {{.address = "aws_vpc.a",
                                      .action = kActionDelete,
                                      .before = {{"id", "x"}, {"size", 2}},
                                      .deposed = "0a1b2c3d"}}};
    return Read(EditState(plan.Bytes(), "tfstate-prev",
                          [&](json* state) { AttributesOf(state, "a")[attribute] = value; }))
        .state()
        .without_change();
  };
  EXPECT_THAT(silent("size", 1), IsEmpty());
  EXPECT_THAT(silent("id", "y"), ElementsAre("aws_vpc.a (deposed 0a1b2c3d)"));
}

// What is shown nowhere is read all the same.
TEST(PlanViewTest, RefusesWhatTerraformCouldNotReadWhereverItStands) {
  const auto refused = [](const std::function<void(Plan*)>& edit) {
    SmallPlan plan{.objects = {{.address = "aws_vpc.a", .action = kActionNoOp, .before = {{"id", "x"}}}}};
    plan.edit = [&edit](Plan* message) {
      message->set_terraform_version("1.12.0");
      edit(message);
    };
    const auto read = ReadPlan(plan.Bytes(), {Limits(), std::string(kSalt)});
    return std::string(read.status().message());
  };
  const std::string unknown_extension = "\xd4\x63x";
  const auto change = [](Plan* plan) { return plan->mutable_resource_changes(0)->mutable_change(); };
  const auto defer = [](Plan* plan) {
    plan_file::DeferredResourceInstanceChange* const deferred = plan->add_deferred_changes();
    deferred->mutable_deferred()->set_reason(1);
    AddDrift(plan);
    *deferred->mutable_change() = plan->resource_drift(0);
    plan->mutable_resource_drift()->Clear();
    return deferred->mutable_change()->mutable_change();
  };
  const auto relevant = [](Plan* plan) {
    plan_file::RelevantAttribute* const attribute = plan->add_relevant_attributes();
    attribute->set_resource("aws_vpc.a");
    return attribute->mutable_attr()->add_steps()->mutable_element_key();
  };
  const std::pair<std::function<void(Plan*)>, std::string> cases[] = {
      {[&](Plan* p) { change(p)->mutable_before_identity()->set_msgpack(unknown_extension); },
       "resource_changes[0].change.before_identity"},
      {[&](Plan* p) { change(p)->mutable_after_identity()->set_msgpack("\x01\x01"); },
       "resource_changes[0].change.after_identity"},
      {[&](Plan* p) { change(p)->mutable_importing()->mutable_identity()->set_msgpack("\xc1"); },
       "resource_changes[0].change.importing.identity"},
      {[&](Plan* p) { defer(p)->mutable_values(0)->set_msgpack("\xc1garbage"); },
       "deferred_changes[0].change.change.before"},
      {[&](Plan* p) { relevant(p)->set_msgpack(unknown_extension); }, "relevant_attributes[0]"}};
  for (const auto& [edit, place] : cases) EXPECT_THAT(refused(edit), HasSubstr(place));
}

TEST(PlanViewTest, ShowsWhatElseAPlanDoes) {
  const v1::PlanView view =
      Read(SmallPlan{.edit = [](Plan* plan) {
             plan->set_terraform_version("1.14.0");
             plan_file::DeferredResourceInstanceChange* const deferred = plan->add_deferred_changes();
             deferred->mutable_deferred()->set_reason(1);
             AddDrift(plan);
             *deferred->mutable_change() = plan->resource_drift(0);
             plan->mutable_resource_drift()->Clear();
             plan_file::ActionInvocationInstance* const action = plan->add_action_invocations();
             action->set_addr("action.aws_lambda_invoke.a");
             action->set_provider("provider[\"registry.terraform.io/hashicorp/aws\"]");
             action->mutable_resource_action_trigger()->set_triggering_resource_addr("aws_vpc.a");
             action->mutable_resource_action_trigger()->set_trigger_event(2);
             plan_file::CheckResults* const check = plan->add_check_results();
             check->set_kind(3);
             check->set_config_addr("check.c");
             check->set_status(2);
             check->add_objects()->set_object_addr("check.c");
             check->mutable_objects(0)->set_status(2);
             check->mutable_objects(0)->add_failure_messages("it is too large");
             plan->add_target_addrs("aws_vpc.a");
             plan->add_force_replace_addrs("aws_vpc.b");
             plan->set_errored(true);
           }}.Bytes());
  EXPECT_EQ(view.deferred_changes(0).address(), "aws_vpc.drifted");
  EXPECT_EQ(view.deferred_changes(0).reason(), "instance_count_unknown");
  EXPECT_THAT(view.deferred_changes(0).actions(), ElementsAre("update"));
  EXPECT_EQ(view.action_invocations(0).address(), "action.aws_lambda_invoke.a");
  EXPECT_EQ(view.action_invocations(0).triggering_address(), "aws_vpc.a");
  EXPECT_EQ(view.mode(), v1::NORMAL);
  EXPECT_EQ(view.checks(0).status(), "fail");
  EXPECT_THAT(view.checks(0).problems(), ElementsAre("it is too large"));
  EXPECT_THAT(view.target_addresses(), ElementsAre("aws_vpc.a"));
  EXPECT_THAT(view.force_replace_addresses(), ElementsAre("aws_vpc.b"));
  EXPECT_TRUE(view.errored());
}

// ---- Fingerprint --------------------------------------------------------------------------------------

std::string FingerprintOf(const std::string& bytes) { return Read(bytes).fingerprint(); }

TEST(FingerprintTest, LeavesOutWhatIsVolatile) {
  const std::string plan = RealPlan("mixed");
  const std::string expected = FingerprintOf(plan);
  const auto after = [&](const std::function<void(Plan*)>& edit) {
    return FingerprintOf(EditPlan(plan, edit));
  };
  EXPECT_EQ(after([](Plan* p) { p->set_timestamp("2001-01-01T00:00:00Z"); }), expected);
  EXPECT_EQ(after([](Plan* p) {
              std::reverse(p->mutable_resource_changes()->begin(), p->mutable_resource_changes()->end());
            }),
            expected);
  EXPECT_EQ(after(AddDrift), expected);
  EXPECT_EQ(after([](Plan* p) { p->set_ui_mode(kModeDestroy); }), expected);
  EXPECT_EQ(FingerprintOf(EditState(plan, [](json* state) { (*state)["serial"] = 99; })), expected);
  // An object that stays as it is.
  EXPECT_EQ(after([](Plan* p) {
              auto* const changes = p->mutable_resource_changes();
              for (int i = changes->size(); i-- > 0;) {
                if (changes->Get(i).addr() == "terraform_data.kept") changes->DeleteSubrange(i, 1);
              }
            }),
            expected);
}

TEST(FingerprintTest, CoversWhatThePlanDoes) {
  const std::string plan = RealPlan("mixed");
  std::set<std::string> all = {FingerprintOf(plan), FingerprintOf(RealPlan("create")),
                               FingerprintOf(RealPlan("destroy"))};
  const auto add = [&](const std::function<void(Plan*)>& edit) {
    all.insert(FingerprintOf(EditPlan(plan, edit)));
  };
  const auto change = [](Plan* p) { return ChangeIn(p, "terraform_data.replaced"); };
  add([&](Plan* p) { change(p)->set_addr("terraform_data.another"); });
  add([&](Plan* p) { change(p)->set_deposed_key("00000000"); });
  add([&](Plan* p) { change(p)->set_prev_run_addr("terraform_data.before"); });
  add([&](Plan* p) { change(p)->mutable_change()->set_action(kActionCreateThenDelete); });
  add([&](Plan* p) { change(p)->mutable_change()->mutable_importing()->set_id("x"); });
  add([&](Plan* p) { change(p)->mutable_change()->mutable_importing()->set_id("y"); });
  add([&](Plan* p) { change(p)->set_provider("provider[\"terraform.io/builtin/terraform\"].other"); });
  add([&](Plan* p) {
    change(p)->mutable_change()->mutable_values(1)->set_msgpack(Encode({{"input", "x"}}));
  });
  add([](Plan* p) { p->mutable_resource_changes()->RemoveLast(); });
  add([](Plan* p) { p->mutable_output_changes(0)->set_name("another"); });
  add([](Plan* p) { p->mutable_backend()->set_workspace("another"); });
  add([](Plan* p) { p->mutable_backend()->mutable_config()->set_msgpack(Encode({{"path", "x.tfstate"}})); });
  add([](Plan* p) { p->mutable_backend()->mutable_config()->set_msgpack(Encode({{"odd", "x"}})); });
  add([](Plan* p) { p->mutable_variables(0)->mutable_value()->set_msgpack(Encode(31)); });
  add([](Plan* p) { p->mutable_variables()->Clear(); });
  all.insert(FingerprintOf(EditEntry(plan, "tfconfig/m-inner/main.tf", "# nothing\n")));
  all.insert(FingerprintOf(EditEntry(
      plan, ".terraform.lock.hcl", "provider \"registry.terraform.io/a/b\" {\n  version = \"1.0.0\"\n}\n")));
  EXPECT_THAT(all, SizeIs(20));
}

TEST(FingerprintTest, HoldsNothingOfWhatIsMasked) {
  const auto with = [](const json& secret) {
    return FingerprintOf(SmallPlan{.objects = {{.action = kActionUpdate,
                                                .before = {{"id", "x"}, {"password", "old-password"}},
                                                .after = {{"id", "x"}, {"password", secret}}}}}
                             .Bytes());
  };
  EXPECT_EQ(with("one-password"), with("two-password"));
  EXPECT_EQ(with("one-password"), with(Unknown()));
  EXPECT_NE(with("one-password"), with("old-password"));

  const auto in_list = [](const json& secret) {
    return FingerprintOf(
        SmallPlan{.objects = {{.action = kActionUpdate,
                               .before = {{"users", json::array()}},
                               .after = {{"users", {{{"name", "n"}, {"password", secret}}}}}}}}
            .Bytes());
  };
  EXPECT_EQ(in_list("one-password"), in_list("two-password"));

  const auto variable = [](const std::string& name, const json& value) {
    return FingerprintOf(SmallPlan{
        .configuration = "variable \"pin\" {\n  sensitive = true\n}\n", .edit = [&](Plan* plan) {
          plan_file::Variable* const added = plan->add_variables();
          added->set_name(name);
          added->mutable_value()->set_msgpack(Encode(value));
        }}.Bytes());
  };
  EXPECT_NE(variable("size", 1), variable("size", 2));
  EXPECT_EQ(variable("token", "one"), variable("token", "two"));
  EXPECT_EQ(variable("pin", "one"), variable("pin", "two"));
}

// Two lists of changes must never be taken for one another because of where one text ends.
TEST(FingerprintTest, TellsPathsAndValuesApart) {
  std::set<std::string> all;
  const json kAfter[] = {{{"a", {{"b", "c"}}}},
                         {{"a", {{"b", "c"}, {"d", "e"}}}},
                         {{"a", {"b", "c"}}},
                         {{"a.b", "c"}},
                         {{"a", "bc"}},
                         {{"ab", "c"}},
                         {{"a", {{"b", "c"}}}, {"d", "e"}},
                         {{"a", {{"b", nullptr}}}, {"d", "e"}},
                         {{"a", json::object()}},
                         {{"a", json::array()}},
                         {{"a", ""}},
                         {{"a", 1}},
                         {{"a", true}},
                         {{"a", "true"}}};
  for (const json& after : kAfter) {
    all.insert(FingerprintOf(SmallPlan{.objects = {{.action = kActionCreate, .after = after}}}.Bytes()));
  }
  EXPECT_THAT(all, SizeIs(std::size(kAfter)));
}

// ---- Limits -------------------------------------------------------------------------------------------

TEST(PlanViewTest, KeepsEveryChangeWhenThereIsNoMoreRoomForDetails) {
  SmallPlan plan;
  for (int i = 0; i < 10; ++i) {
    plan.objects.push_back({.address = text::Concat("aws_vpc.a[", i, "]"),
                            .action = kActionCreate,
                            .after = {{"name", std::string(1000, 'x')}, {"size", i}}});
  }
  const v1::PlanView all = Read(plan.Bytes());
  Limits limits;
  limits.detail_bytes = 4500;
  const v1::PlanView some = Read(plan.Bytes(), limits);
  ASSERT_THAT(some.resource_changes(), SizeIs(10));
  EXPECT_THAT(some.resource_changes(3).attribute_changes(), SizeIs(2));
  EXPECT_THAT(some.resource_changes(4).attribute_changes(), IsEmpty());
  EXPECT_EQ(some.resource_changes(4).attribute_changes_omitted(), 2);
  EXPECT_EQ(some.resource_changes(9).attribute_changes_omitted(), 2);
  EXPECT_THAT(some.resource_changes(9).actions(), ElementsAre("create"));
  EXPECT_EQ(some.fingerprint(), all.fingerprint());
}

// "PATH: JSON" of what stays as it is.
std::vector<std::string> Unchanged(const v1::PlanView& view, int index = 0) {
  std::vector<std::string> all;
  for (const v1::UnchangedAttribute& each : view.resource_changes(index).unchanged_attributes()) {
    all.push_back(text::Concat(each.path(), ": ", each.json()));
  }
  return all;
}

PlannedObject Replacement(const json& both, json before = json::object(), json after = json::object()) {
  before.update(both);
  after.update(both);
  return {.action = kActionDeleteThenCreate, .before = std::move(before), .after = std::move(after)};
}

TEST(PlanViewTest, ShowsOfAReplacementWhatStaysAsItIs) {
  const json both = {{"delete_automated_backups", false},
                     {"note", nullptr},
                     {"settings", {{{"final_backup", true}, {"days", 7}}}},
                     {"skip_final_snapshot", false},
                     {"tags", json::object()}};
  PlannedObject object = Replacement(both, {{"engine", "postgres"}, {"id", "x"}, {"list", {1}}, {"size", 1}},
                                     {{"engine", "mysql"}, {"id", Unknown()}, {"list", {1, 2}}});
  const std::vector<std::string> expected = {"delete_automated_backups: false", "settings[0].days: 7",
                                             "settings[0].final_backup: true", "skip_final_snapshot: false"};
  EXPECT_EQ(Unchanged(ReadOne(object)), expected);
  object.action = kActionCreateThenDelete;
  EXPECT_EQ(Unchanged(ReadOne(object)), expected);
  // Of what is not replaced it would be a copy of the state.
  object.action = kActionUpdate;
  EXPECT_THAT(Unchanged(ReadOne(object)), IsEmpty());
}

TEST(PlanViewTest, ShowsOfWhatStaysNothingThatIsHidden) {
  const json both = {
      {"delete_automated_backups", false}, {"login", {{"user", "u"}, {"password", "planted-secret"}}},
      {"marked", {{"inner", 1}}},          {"copy", "planted-secret"},
      {"long", std::string(255, 'x')},     {"short", std::string(254, 'x')},
      {"url", "postgres://a:planted@c/d"}};
  PlannedObject object = Replacement(both);
  object.before_sensitive = object.state_sensitive = {{"delete_automated_backups"}, {"marked"}};
  object.after_sensitive = {{"short"}};
  const v1::PlanView view = ReadOne(object);
  // What is newly marked is a change.
  EXPECT_THAT(Unchanged(view), ElementsAre("copy: ", "delete_automated_backups: ", "login.password: ",
                                           "login.user: \"u\"", "long: ", "marked: ", "url: "));
  object.after_sensitive.clear();
  EXPECT_THAT(Unchanged(ReadOne(object)), Contains("short: \"" + std::string(254, 'x') + "\""));
  EXPECT_EQ(view.DebugString().find("planted"), std::string::npos);
}

TEST(PlanViewTest, SaysHowMuchOfWhatStaysIsLeftOut) {
  const SmallPlan plan = {.objects = {Replacement({{"a", 1}, {"b", 2}, {"c", 3}})}};
  Limits limits;
  limits.unchanged_attributes = 2;
  const v1::PlanView few = Read(plan.Bytes(), limits);
  EXPECT_THAT(Unchanged(few), ElementsAre("a: 1", "b: 2"));
  EXPECT_EQ(few.resource_changes(0).unchanged_attributes_omitted(), 1);
  limits.unchanged_attributes = 1000;
  limits.unchanged_bytes = 50;
  const v1::PlanView small = Read(plan.Bytes(), limits);
  EXPECT_THAT(Unchanged(small), ElementsAre("a: 1"));
  EXPECT_EQ(small.resource_changes(0).unchanged_attributes_omitted(), 2);
}

TEST(PlanViewTest, RefusesAViewThatIsTooLarge) {
  const std::string plan = RealPlan("mixed");
  Limits limits;
  limits.view_bytes = Read(plan).ByteSizeLong();
  EXPECT_THAT(TryRead(plan, limits), IsOk());
  --limits.view_bytes;
  EXPECT_THAT(TryRead(plan, limits), HasReason(v1::PLAN_UNREADABLE));
}

TEST(PlanViewTest, ChargesAllValuesOfAPlanTogether) {
  const std::string plan = RealPlan("mixed");
  Limits limits;
  uint64_t low = 0;
  for (uint64_t high = 10'000; low + 1 < high;) {
    limits.value_nodes = (low + high) / 2;
    (TryRead(plan, limits).ok() ? high : low) = limits.value_nodes;
  }
  // More than one of the parts has alone.
  EXPECT_GT(low, 150u);
  EXPECT_LT(low, 1000u);
}

v1::PlanState SummaryOf(std::string_view state) {
  ValueArena arena{Limits()};
  const auto read = ReadState([&state] { return std::exchange(state, {}); }, &arena, Limits(), "tfstate");
  EXPECT_THAT(read, IsOk());
  return read.ok() ? SummarizeState(*read) : v1::PlanState();
}

// What `terraform state pull` prints and what a plan holds are summarized alike.
TEST(SummarizeStateTest, SaysOfAStateWhatAViewSays) {
  v1::PlanState expected = Read(RealPlan("destroy")).state();
  expected.clear_previous_content_digest();
  const v1::PlanState summary =
      SummaryOf(countersign::testing::ReadZip(RealPlan("destroy")).Content("tfstate"));
  EXPECT_TRUE(MessageDifferencer::Equals(summary, expected));
  EXPECT_EQ(expected.resources_size(), 8);
}

// A runner reports it with no plan beside it that could say what is secret.
TEST(SummarizeStateTest, LeavesOutIdsThatAreSecrets) {
  PlannedObject object = {.action = kActionNoOp, .before = {{"id", "11112222"}}};
  const auto id = [&object] {
    const std::string plan = SmallPlan{.objects = {object}}.Bytes();
    return SummaryOf(countersign::testing::ReadZip(plan).Content("tfstate")).resources(0).id();
  };
  EXPECT_EQ(id(), "11112222");
  object.state_sensitive = {{"id"}};
  EXPECT_EQ(id(), "");
  object.state_sensitive.clear();
  object.before = {{"id", "11112222"}, {"password", "11112222"}};
  EXPECT_EQ(id(), "");
}

TEST(PlanViewTest, CodeIsAnotherWhereAVariableThatItRefersToIs) {
  const auto digest = [](const std::string& used, const std::string& other) {
    SmallPlan plan;
    plan.configuration =
        "provider \"aws\" {\n  region = var.used\n}\nvariable \"used\" {}\nvariable \"other\" {}\n";
    plan.edit = [&used, &other](Plan* edited) {
      for (const auto& [name, value] : std::map<std::string, std::string>{{"used", used}, {"other", other}}) {
        plan_file::Variable* const variable = edited->add_variables();
        variable->set_name(name);
        variable->mutable_value()->set_msgpack(Encode(value));
      }
    };
    return Read(plan.Bytes()).configuration().code_blocks(0).digest();
  };
  EXPECT_NE(digest("a", "x"), digest("b", "x"));
  EXPECT_EQ(digest("a", "x"), digest("a", "y"));
}

}  // namespace
}  // namespace countersign::terraform
