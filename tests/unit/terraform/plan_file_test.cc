#include "core/terraform/plan_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/message.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/terraform/msgpack.h"
#include "core/terraform/strict_zip.h"
#include "core/terraform/value.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOk;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Edit = std::function<void(plan_file::Plan*)>;

std::string ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The entry `tfplan` of a real plan.
std::string RealPlan(std::string_view name) {
  const std::string file = ReadFile(text::Concat(COUNTERSIGN_TEST_PLANS, "/", name, ".tfplan"));
  const auto zip = StrictZip::Open(file, Limits());
  EXPECT_THAT(zip, IsOk());
  const auto content = zip->Read(*zip->Find("tfplan"));
  EXPECT_THAT(content, IsOk());
  return *content;
}

void SetValue(plan_file::DynamicValue* value) { value->set_msgpack("\x80"); }

plan_file::ResourceInstanceChange* AddChange(plan_file::Plan* plan, std::string_view address,
                                             int32_t action = kActionNoOp, int values = 1) {
  auto* const change = plan->add_resource_changes();
  change->set_addr(std::string(address));
  change->set_provider(R"(provider["registry.terraform.io/hashicorp/aws"])");
  change->mutable_change()->set_action(action);
  for (int i = 0; i < values; ++i) SetValue(change->mutable_change()->add_values());
  return change;
}

// The least that is a plan.
plan_file::Plan SmallPlan() {
  plan_file::Plan plan;
  plan.set_version(3);
  plan.set_terraform_version("1.11.4");
  plan.set_timestamp("2026-11-21T06:52:52Z");
  plan.mutable_backend()->set_type("local");
  plan.mutable_backend()->set_workspace("default");
  SetValue(plan.mutable_backend()->mutable_config());
  return plan;
}

void FillPath(plan_file::Path* path) {
  path->add_steps()->set_attribute_name("a");
  SetValue(path->add_steps()->mutable_element_key());
}

void FillInvocation(plan_file::ActionInvocationInstance* invocation) {
  invocation->set_addr("action.aws_lambda_invoke.a");
  invocation->set_provider(R"(provider["registry.terraform.io/hashicorp/aws"])");
  SetValue(invocation->mutable_config_value());
  FillPath(invocation->add_sensitive_config_paths());
  auto* const trigger = invocation->mutable_resource_action_trigger();
  trigger->set_triggering_resource_addr("aws_vpc.a");
  trigger->set_trigger_event(2);
}

// One that has each message in each place, of the newest version.
plan_file::Plan FullPlan() {
  plan_file::Plan plan = SmallPlan();
  plan.set_terraform_version("1.16.0");
  auto* const variable = plan.add_variables();
  variable->set_name("size");
  SetValue(variable->mutable_value());
  auto* const change = AddChange(&plan, "aws_vpc.a");
  FillPath(change->add_required_replace());
  FillPath(change->mutable_change()->add_before_sensitive_paths());
  FillPath(change->mutable_change()->add_after_sensitive_paths());
  SetValue(change->mutable_change()->mutable_before_identity());
  SetValue(change->mutable_change()->mutable_after_identity());
  SetValue(change->mutable_change()->mutable_importing()->mutable_identity());
  *plan.add_resource_drift() = *change;
  auto* const output = plan.add_output_changes();
  output->set_name("out");
  SetValue(output->mutable_change()->add_values());
  auto* const relevant = plan.add_relevant_attributes();
  relevant->set_resource("aws_vpc.a");
  FillPath(relevant->mutable_attr());
  auto* const check = plan.add_check_results();
  check->set_kind(3);
  check->set_config_addr("check.c");
  check->add_objects()->set_object_addr("check.c");
  auto* const deferred = plan.add_deferred_changes();
  deferred->mutable_deferred()->set_reason(1);
  *deferred->mutable_change() = *change;
  FillInvocation(plan.add_action_invocations());
  auto* const deferred_action = plan.add_deferred_action_invocations();
  deferred_action->mutable_deferred()->set_reason(1);
  FillInvocation(deferred_action->mutable_action_invocation());
  deferred_action->mutable_action_invocation()->mutable_invoke_action_trigger();
  return plan;
}

absl::StatusOr<plan_file::Plan> Parse(const plan_file::Plan& plan, const Limits& limits = Limits()) {
  return ParsePlanFile(plan.SerializeAsString(), limits);
}

absl::Status StatusOf(const plan_file::Plan& plan) { return Parse(plan).status(); }

absl::Status AfterEdit(const Edit& edit, plan_file::Plan plan = SmallPlan()) {
  edit(&plan);
  return StatusOf(plan);
}

void ExpectRefused(const Edit& edit, std::string_view what, plan_file::Plan plan = SmallPlan()) {
  const absl::Status status = AfterEdit(edit, std::move(plan));
  EXPECT_THAT(status, HasReason(v1::PLAN_UNREADABLE)) << what;
  EXPECT_THAT(status.message(), HasSubstr(std::string(what)));
}

TEST(PlanFileTest, ReadsTheLeastAndTheMostThatIsAPlan) {
  EXPECT_THAT(StatusOf(SmallPlan()), IsOk());
  EXPECT_THAT(StatusOf(FullPlan()), IsOk());
}

TEST(PlanFileTest, ReadsRealPlans) {
  const std::map<std::string_view, std::vector<int32_t>> kActions = {
      {"create", std::vector<int32_t>(8, kActionCreate)},
      {"mixed",
       {kActionDelete, kActionNoOp, kActionNoOp, kActionNoOp, kActionUpdate, kActionCreate, kActionNoOp,
        kActionDelete, kActionDeleteThenCreate}},
      {"destroy", std::vector<int32_t>(8, kActionDelete)},
  };
  for (const auto& [name, actions] : kActions) {
    const auto plan = ParsePlanFile(RealPlan(name), Limits());
    ASSERT_THAT(plan, IsOk()) << name;
    EXPECT_EQ(plan->terraform_version(), "1.11.4");
    EXPECT_EQ(plan->backend().type(), "local");
    EXPECT_EQ(plan->ui_mode(), name == "destroy" ? kModeDestroy : kModeNormal);
    std::vector<int32_t> read;
    for (const auto& change : plan->resource_changes()) read.push_back(change.change().action());
    EXPECT_EQ(read, actions) << name;
  }
}

// What a value is in `terraform show -json`, where unknown attributes are left out.
nlohmann::json WithoutUnknown(const Value& value) {
  if (value.kind() != Value::Kind::kMapping) {
    std::string json;
    WriteJson(value, &json);
    return nlohmann::json::parse(json);
  }
  nlohmann::json object = nlohmann::json::object();
  for (const Member& member : value.members()) {
    if (member.value.kind() != Value::Kind::kUnknown)
      object[std::string(member.name)] = WithoutUnknown(member.value);
  }
  return object;
}

nlohmann::json DecodeForTest(const std::string* encoded) {
  if (encoded == nullptr) return nullptr;
  ValueArena arena{Limits()};
  const auto value = DecodeMsgpack(*encoded, &arena, Limits(), "here");
  EXPECT_THAT(value, IsOk());
  return WithoutUnknown(*value);
}

TEST(PlanFileTest, SaysOfRealPlansWhatTerraformSays) {
  for (const std::string_view name : {"create", "mixed", "destroy"}) {
    const auto shown =
        nlohmann::json::parse(ReadFile(text::Concat(COUNTERSIGN_TEST_PLANS, "/", name, ".json")));
    const auto plan = ParsePlanFile(RealPlan(name), Limits());
    ASSERT_THAT(plan, IsOk());
    std::map<std::string, const plan_file::ResourceInstanceChange*> changes;
    for (const auto& change : plan->resource_changes()) changes[change.addr()] = &change;
    ASSERT_EQ(shown["resource_changes"].size(), changes.size());
    for (const auto& expected : shown["resource_changes"]) {
      const auto& change = *changes.at(expected["address"]);
      SCOPED_TRACE(change.addr());
      std::vector<std::string> words;
      for (const std::string_view word : ActionWords(change.change().action())) words.emplace_back(word);
      EXPECT_EQ(words, expected["change"]["actions"]);
      EXPECT_EQ(ActionReasonWord(change.action_reason()), expected.value("action_reason", ""));
      EXPECT_EQ(DecodeForTest(BeforeOf(change.change())), expected["change"]["before"]);
      EXPECT_EQ(DecodeForTest(AfterOf(change.change())), expected["change"]["after"]);
    }
  }
}

TEST(PlanFileTest, KnowsTheWordsOfEachAction) {
  EXPECT_THAT(ActionWords(kActionNoOp), ElementsAre("no-op"));
  EXPECT_THAT(ActionWords(kActionCreate), ElementsAre("create"));
  EXPECT_THAT(ActionWords(kActionRead), ElementsAre("read"));
  EXPECT_THAT(ActionWords(kActionUpdate), ElementsAre("update"));
  EXPECT_THAT(ActionWords(kActionDelete), ElementsAre("delete"));
  EXPECT_THAT(ActionWords(kActionDeleteThenCreate), ElementsAre("delete", "create"));
  EXPECT_THAT(ActionWords(kActionCreateThenDelete), ElementsAre("create", "delete"));
  EXPECT_THAT(ActionWords(kActionForget), ElementsAre("forget"));
  EXPECT_THAT(ActionWords(kActionCreateThenForget), ElementsAre("create", "forget"));
  for (const int32_t none : {-1, 4, 10, 1'000'000}) EXPECT_THAT(ActionWords(none), IsEmpty());
}

TEST(PlanFileTest, KnowsTheWordOfEachReason) {
  EXPECT_EQ(ActionReasonWord(0), "");
  EXPECT_EQ(ActionReasonWord(1), "replace_because_tainted");
  EXPECT_EQ(ActionReasonWord(2), "replace_by_request");
  EXPECT_EQ(ActionReasonWord(3), "replace_because_cannot_update");
  EXPECT_EQ(ActionReasonWord(4), "delete_because_no_resource_config");
  EXPECT_EQ(ActionReasonWord(5), "delete_because_wrong_repetition");
  EXPECT_EQ(ActionReasonWord(6), "delete_because_count_index");
  EXPECT_EQ(ActionReasonWord(7), "delete_because_each_key");
  EXPECT_EQ(ActionReasonWord(8), "delete_because_no_module");
  EXPECT_EQ(ActionReasonWord(9), "replace_by_triggers");
  EXPECT_EQ(ActionReasonWord(10), "read_because_config_unknown");
  EXPECT_EQ(ActionReasonWord(11), "read_because_dependency_pending");
  EXPECT_EQ(ActionReasonWord(12), "delete_because_no_move_target");
  EXPECT_EQ(ActionReasonWord(13), "read_because_check_nested");
  EXPECT_EQ(ActionReasonWord(14), "");
  EXPECT_EQ(ActionReasonWord(-1), "");
}

// Calls `visit(message, place)` for `message` and everything in it.
void Walk(google::protobuf::Message* message, const std::string& place,
          const std::function<void(google::protobuf::Message*, const std::string&)>& visit) {
  visit(message, place);
  const auto* const reflection = message->GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const auto* const field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const std::string here = absl::StrCat(place, place == "tfplan" ? ": " : ".", field->name());
    if (!field->is_repeated()) {
      Walk(reflection->MutableMessage(message, field), here, visit);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
      Walk(reflection->MutableRepeatedMessage(message, field, i), absl::StrCat(here, "[", i, "]"), visit);
    }
  }
}

TEST(PlanFileTest, RefusesUnknownFieldsInEveryMessage) {
  plan_file::Plan plan = FullPlan();
  std::map<std::string, int> types;
  Walk(&plan, "tfplan", [&](google::protobuf::Message* message, const std::string& place) {
    SCOPED_TRACE(place);
    ++types[message->GetTypeName()];
    auto* const unknown = message->GetReflection()->MutableUnknownFields(message);
    for (const int number : {99, 500'000'000, 536'870'911}) {
      unknown->AddVarint(number, 1);
      EXPECT_THAT(StatusOf(plan).message(), HasSubstr(absl::StrCat(place, ": has the field ", number, ",")));
      unknown->Clear();
      unknown->AddLengthDelimited(number, "");
      EXPECT_THAT(StatusOf(plan).message(), HasSubstr(absl::StrCat(place, ": has the field ", number, ",")));
      unknown->Clear();
      unknown->AddFixed32(number, 0);
      EXPECT_THAT(StatusOf(plan), HasReason(v1::PLAN_UNREADABLE));
      unknown->Clear();
      unknown->AddGroup(number);
      EXPECT_THAT(StatusOf(plan), HasReason(v1::PLAN_UNREADABLE));
      unknown->Clear();
    }
  });
  EXPECT_THAT(StatusOf(plan), IsOk());
  // Each message of the format has been there, but those of a state store.
  const int all = plan.GetDescriptor()->file()->message_type_count();
  EXPECT_EQ(types.size(), static_cast<size_t>(all - 2));
}

TEST(PlanFileTest, RefusesFieldsOfAnotherTypeOnTheWire) {
  plan_file::Plan plan = FullPlan();
  Walk(&plan, "tfplan", [&](google::protobuf::Message* message, const std::string& place) {
    SCOPED_TRACE(place);
    const std::unique_ptr<google::protobuf::Message> before(message->New());
    before->CopyFrom(*message);
    for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
      const auto& field = *message->GetDescriptor()->field(i);
      message->Clear();
      message->GetReflection()->MutableUnknownFields(message)->AddFixed64(field.number(), 1);
      EXPECT_THAT(StatusOf(plan).message(),
                  AllOf(HasSubstr(absl::StrCat(place, place == "tfplan" ? ": " : ".", field.name())),
                        HasSubstr("of another type on the wire")));
    }
    message->CopyFrom(*before);
  });
  // OpenTofu has a value in the place of this.
  plan_file::Plan importing = SmallPlan();
  auto* const change = AddChange(&importing, "aws_vpc.a")->mutable_change()->mutable_importing();
  change->GetReflection()->MutableUnknownFields(change)->AddLengthDelimited(2, "\x0a\x01\xc0");
  EXPECT_THAT(StatusOf(importing).message(), HasSubstr("of another type on the wire"));
}

std::string WithBytes(std::string_view bytes) { return SmallPlan().SerializeAsString() + std::string(bytes); }

void ExpectBytesRefused(const std::string& bytes, std::string_view what) {
  const auto plan = ParsePlanFile(bytes, Limits());
  EXPECT_THAT(plan, HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(plan.status().message(), HasSubstr(std::string(what)));
}

TEST(PlanFileTest, RefusesASecondEncodingOfTheSame) {
  ExpectBytesRefused(WithBytes("\x08\x03"), "more than one of the field version");
  ExpectBytesRefused(WithBytes(std::string_view("\x6a\x00", 2)), "more than one of the field backend");
  ExpectBytesRefused(WithBytes(std::string_view("\xa0\x01\x00", 3)), "errored: is written although");
  ExpectBytesRefused(WithBytes(std::string_view("\xa0\x01\x02", 3)), "errored: is out of range");
  ExpectBytesRefused(WithBytes(std::string_view("\xa0\x01\x81\x00", 4)), "errored: is not well-formed");
  ExpectBytesRefused(WithBytes(std::string_view("\xa0\x81\x00\x01", 4)), "tfplan: is not well-formed");
  ExpectBytesRefused(WithBytes(std::string_view("\x1a\x02\x6a\x00", 4)), "addr: is written although");
  // An enumeration, in more than 32 bits.
  ExpectBytesRefused(WithBytes("\x88\x01\x81\x80\x80\x80\x10"), "ui_mode: is out of range");
  // A step that is an attribute and an element.
  ExpectBytesRefused(WithBytes(std::string_view("\x7a\x08\x12\x06\x0a\x04\x0a\x00\x12\x00", 10)),
                     "more than one of the field");
}

TEST(PlanFileTest, RefusesWhatIsNotWellFormed) {
  ExpectBytesRefused("", "version");
  ExpectBytesRefused(WithBytes("\x1a"), "not well-formed");
  ExpectBytesRefused(WithBytes("\x1a\x05"), "not well-formed");
  ExpectBytesRefused(WithBytes("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "not well-formed");
  ExpectBytesRefused(WithBytes("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "not well-formed");
  ExpectBytesRefused(WithBytes("\xff"), "not well-formed");
  ExpectBytesRefused(WithBytes(std::string_view("\x00\x00", 2)), "has the field 0,");
  ExpectBytesRefused(WithBytes("\x2a\x01\xff"), "target_addrs[0]: is not UTF-8");
  const std::string whole = FullPlan().SerializeAsString();
  for (size_t size = 0; size < whole.size(); ++size) {
    // Cut between two fields it can be a plan.
    const auto plan = ParsePlanFile(whole.substr(0, size), Limits());
    EXPECT_EQ(plan.ok() ? plan->ByteSizeLong() : size, size);
  }
}

TEST(PlanFileTest, PrintsNothing) {
  ::testing::internal::CaptureStderr();
  ExpectBytesRefused(WithBytes("\x2a\x01\xff"), "not UTF-8");
  ExpectBytesRefused(WithBytes("\x1a\xff"), "not well-formed");
  ExpectRefused([](auto* plan) { plan->set_timestamp("yesterday"); }, "timestamp");
  ExpectRefused([](auto* plan) { plan->set_timestamp("2026-13-41T99:99:99Z"); }, "timestamp");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(PlanFileTest, ReadsTheVersionsThatItKnows) {
  for (const std::string version : {"1.8.0", "1.8.5", "1.9.0-beta1", "1.11.4", "1.12.0-alpha20250319",
                                    "1.14.0-dev", "1.16.0", "1.16.99", "1.10.0+ent"}) {
    EXPECT_THAT(AfterEdit([&](auto* plan) { plan->set_terraform_version(version); }), IsOk()) << version;
  }
  for (const std::string version :
       {"1.7.5", "1.7.99", "0.15.5", "1.17.0", "1.17.0-alpha20260101", "1.100.0", "2.8.0"}) {
    ExpectRefused(
        [&](auto* plan) { plan->set_terraform_version(version); },
        absl::StrCat("terraform_version: is ", version, "; plans of 1.8 to 1.16 are read: plan again"));
  }
  for (const std::string version :
       {"", "1", "1.8", "1.8.", "1.8.0.1", "v1.8.0", "1.08.0", "1.-8.0", "1.8.0-", "1.8.0 ", "1.8.0-a b",
        "1.8.x", "1.99999999999999999999.0", "1.8.0-<b>"}) {
    ExpectRefused([&](auto* plan) { plan->set_terraform_version(version); },
                  "terraform_version: is not the version of a release");
  }
  EXPECT_THAT(AfterEdit([](auto* plan) { plan->set_terraform_version("1.8.0-" + std::string(58, 'a')); }),
              IsOk());
  ExpectRefused([](auto* plan) { plan->set_terraform_version("1.8.0-" + std::string(59, 'a')); },
                "not the version");
}

TEST(PlanFileTest, ReadsOneVersionOfTheFormat) {
  for (const uint64_t version : {uint64_t{0}, uint64_t{2}, uint64_t{4}, UINT64_MAX}) {
    ExpectRefused([&](auto* plan) { plan->set_version(version); },
                  absl::StrCat("format version ", version, ", not 3"));
  }
}

struct History {
  const char* place;
  int since;
  Edit edit;
};

TEST(PlanFileTest, RefusesFieldsThatAreNewerThanTheVersionThatThePlanNames) {
  const History kRows[] = {
      {"deferred_changes[0]", 9,
       [](auto* plan) {
         *plan->add_deferred_changes() = FullPlan().deferred_changes(0);
         auto* const change = plan->mutable_deferred_changes(0)->mutable_change()->mutable_change();
         change->clear_before_identity();
         change->clear_after_identity();
         change->clear_importing();
       }},
      {"apply_time_variables[0]", 10, [](auto* plan) { plan->add_apply_time_variables("a"); }},
      {"resource_changes[0].change.importing.unknown", 10,
       [](auto* plan) { AddChange(plan, "a.b")->mutable_change()->mutable_importing()->set_unknown(true); }},
      {"resource_changes[0].change.importing.identity", 12,
       [](auto* plan) {
         SetValue(AddChange(plan, "a.b")->mutable_change()->mutable_importing()->mutable_identity());
       }},
      {"resource_changes[0].change.before_identity", 12,
       [](auto* plan) { SetValue(AddChange(plan, "a.b")->mutable_change()->mutable_before_identity()); }},
      {"resource_changes[0].change.after_identity", 12,
       [](auto* plan) { SetValue(AddChange(plan, "a.b")->mutable_change()->mutable_after_identity()); }},
      {"action_invocations[0]", 14, [](auto* plan) { FillInvocation(plan->add_action_invocations()); }},
      {"deferred_action_invocations[0]", 14,
       [](auto* plan) {
         *plan->add_deferred_action_invocations() = FullPlan().deferred_action_invocations(0);
       }},
      {"action_target_addrs[0]", 14, [](auto* plan) { plan->add_action_target_addrs("action.a.b"); }},
      {"action_invocations[0].resource_action_trigger.on_failure", 16,
       [](auto* plan) {
         FillInvocation(plan->add_action_invocations());
         plan->mutable_action_invocations(0)->mutable_resource_action_trigger()->set_on_failure(1);
       }},
      {"action_invocations[0].invoke_action_trigger.calling_resource_addr", 16,
       [](auto* plan) {
         FillInvocation(plan->add_action_invocations());
         plan->mutable_action_invocations(0)->mutable_invoke_action_trigger()->set_calling_resource_addr(
             "a.b");
       }},
  };
  for (const History& row : kRows) {
    SCOPED_TRACE(row.place);
    plan_file::Plan plan = SmallPlan();
    row.edit(&plan);
    plan.set_terraform_version(absl::StrCat("1.", row.since, ".0"));
    EXPECT_THAT(StatusOf(plan), IsOk());
    plan.set_terraform_version(absl::StrCat("1.", row.since - 1, ".9"));
    EXPECT_THAT(StatusOf(plan).message(),
                HasSubstr(absl::StrCat("tfplan: ", row.place, ": is not known before Terraform 1.", row.since,
                                       ", and the plan says that 1.", row.since - 1, " wrote it")));
  }
}

TEST(PlanFileTest, WantsABackendAndNothingElse) {
  ExpectRefused([](auto* plan) { plan->clear_backend(); }, "tfplan: backend: is missing");
  ExpectRefused([](auto* plan) { plan->mutable_backend()->clear_type(); }, "tfplan: backend: is missing");
  ExpectRefused([](auto* plan) { plan->mutable_backend()->set_type("a b"); }, "backend.type: is not a name");
  ExpectRefused([](auto* plan) { plan->mutable_backend()->clear_config(); }, "backend.config: is missing");
  ExpectRefused([](auto* plan) { plan->mutable_backend()->mutable_config()->clear_msgpack(); },
                "backend.config: is missing");
  ExpectRefused([](auto* plan) { plan->mutable_backend()->clear_workspace(); },
                "backend.workspace: is missing");
  ExpectRefused([](auto* plan) { plan->mutable_state_store(); }, "state_store: is not supported", FullPlan());
  ExpectRefused(
      [](auto* plan) {
        plan->clear_backend();
        plan->mutable_state_store()->set_type("s3");
      },
      "state_store: is not supported", FullPlan());
}

TEST(PlanFileTest, WantsATime) {
  for (const std::string time :
       {"2026-11-21T06:52:52Z", "2026-11-21T06:52:52.123456789Z", "2026-11-21T06:52:52+02:00"}) {
    EXPECT_THAT(AfterEdit([&](auto* plan) { plan->set_timestamp(time); }), IsOk()) << time;
  }
  for (const std::string time :
       {"", "2026-11-21", "2026-11-21 06:52:52Z", "2026-11-21T06:52:52", "2026-02-30T06:52:52Z",
        "2026-11-21T25:52:52Z", "2026-11-21T06:52:52Zx", "1763707972"}) {
    ExpectRefused([&](auto* plan) { plan->set_timestamp(time); }, "tfplan: timestamp: is not a time");
  }
  ExpectRefused([](auto* plan) { plan->set_timestamp("2026-11-21T06:52:52." + std::string(100, '1') + "Z"); },
                "timestamp");
}

TEST(PlanFileTest, RefusesModesThatItDoesNotKnow) {
  for (const int32_t mode : {0, 1, 2})
    EXPECT_THAT(AfterEdit([&](auto* plan) { plan->set_ui_mode(mode); }), IsOk());
  for (const int32_t mode : {-1, 3, INT32_MAX, INT32_MIN}) {
    ExpectRefused([&](auto* plan) { plan->set_ui_mode(mode); },
                  absl::StrCat("ui_mode: is ", mode, ", which"));
  }
}

TEST(PlanFileTest, WantsAsManyValuesAsTheActionTakes) {
  const std::map<int32_t, int> kValues = {
      {kActionNoOp, 1},   {kActionCreate, 1},           {kActionRead, 2},
      {kActionUpdate, 2}, {kActionDelete, 1},           {kActionDeleteThenCreate, 2},
      {kActionForget, 1}, {kActionCreateThenDelete, 2}, {kActionCreateThenForget, 2},
  };
  for (const auto& [action, values] : kValues) {
    for (int given = 0; given <= 3; ++given) {
      plan_file::Plan plan = SmallPlan();
      AddChange(&plan, "aws_vpc.a", action, given);
      if (given == values) {
        EXPECT_THAT(StatusOf(plan), IsOk()) << action;
      } else {
        EXPECT_THAT(StatusOf(plan).message(),
                    HasSubstr(absl::StrCat("tfplan: resource_changes[0].change.values: are ", given,
                                           ", and the action ", action, " takes ", values)));
      }
    }
  }
  for (const int32_t action : {-1, 4, 10, 100, INT32_MAX}) {
    ExpectRefused([&](auto* plan) { AddChange(plan, "aws_vpc.a", action, 1); },
                  absl::StrCat("resource_changes[0].change.action: is ", action, ", which"));
  }
}

TEST(PlanFileTest, KnowsWhichValueIsWhich) {
  plan_file::Change change;
  change.add_values()->set_msgpack("first");
  change.add_values()->set_msgpack("second");
  for (const int32_t both : {kActionRead, kActionUpdate, kActionDeleteThenCreate, kActionCreateThenDelete,
                             kActionCreateThenForget}) {
    change.set_action(both);
    EXPECT_EQ(*BeforeOf(change), "first");
    EXPECT_EQ(*AfterOf(change), "second");
  }
  change.mutable_values()->RemoveLast();
  change.set_action(kActionNoOp);
  EXPECT_EQ(*BeforeOf(change), "first");
  EXPECT_EQ(*AfterOf(change), "first");
  change.set_action(kActionCreate);
  EXPECT_EQ(BeforeOf(change), nullptr);
  EXPECT_EQ(*AfterOf(change), "first");
  for (const int32_t before : {kActionDelete, kActionForget}) {
    change.set_action(before);
    EXPECT_EQ(*BeforeOf(change), "first");
    EXPECT_EQ(AfterOf(change), nullptr);
  }
  change.set_action(kActionUpdate);
  EXPECT_EQ(AfterOf(change), nullptr);
  change.set_action(4);
  EXPECT_EQ(BeforeOf(change), nullptr);
}

TEST(PlanFileTest, RefusesResourceChangesThatAreNone) {
  const auto refused = [](const std::function<void(plan_file::ResourceInstanceChange*)>& edit,
                          std::string_view what) {
    ExpectRefused([&](auto* plan) { edit(AddChange(plan, "aws_vpc.a")); },
                  text::Concat("tfplan: resource_changes[0].", what));
    // Wherever it stands.
    ExpectRefused([&](auto* plan) { edit(plan->mutable_resource_drift(0)); },
                  text::Concat("tfplan: resource_drift[0].", what), FullPlan());
    ExpectRefused([&](auto* plan) { edit(plan->mutable_deferred_changes(0)->mutable_change()); },
                  text::Concat("tfplan: deferred_changes[0].change.", what), FullPlan());
  };
  refused([](auto* change) { change->clear_addr(); }, "addr: is not the address of a resource");
  refused([](auto* change) { change->set_addr("aws_vpc"); }, "addr: is not the address of a resource");
  refused([](auto* change) { change->set_addr("aws_vpc.a[*]"); }, "addr: is not the address of a resource");
  refused([](auto* change) { change->set_addr("aws_vpc." + std::string(5000, 'a')); },
          "addr: is over 4096 bytes");
  refused([](auto* change) { change->set_addr("ephemeral.a.b"); }, "addr: is of a kind that has no place");
  refused([](auto* change) { change->set_addr("action.a.b"); }, "addr: is of a kind that has no place");
  refused([](auto* change) { change->set_prev_run_addr("x"); },
          "prev_run_addr: is not the address of a resource");
  refused([](auto* change) { change->set_provider("provider.aws"); },
          "provider: is not the address of a provider");
  refused([](auto* change) { change->clear_provider(); }, "provider: is not the address of a provider");
  for (const std::string key : {"a", "1234567", "123456789", "1234567G", "ABCDEF12", "1234 678"}) {
    refused([&](auto* change) { change->set_deposed_key(key); }, "deposed_key: is not eight");
  }
  refused([](auto* change) { change->clear_change(); }, "change: is missing");
  refused([](auto* change) { change->set_action_reason(14); }, "action_reason: is 14");
  refused([](auto* change) { change->set_action_reason(-1); }, "action_reason: is -1");
  refused([](auto* change) { change->mutable_change()->mutable_values(0)->clear_msgpack(); },
          "change.values[0]: is missing");
  refused(
      [](auto* change) {
        change->clear_required_replace();
        change->add_required_replace()->add_steps();
      },
      "required_replace[0].steps[0]: leads nowhere");
  refused(
      [](auto* change) {
        change->mutable_change()->clear_before_sensitive_paths();
        change->mutable_change()->add_before_sensitive_paths()->add_steps();
      },
      "change.before_sensitive_paths[0].steps[0]: leads nowhere");
  refused(
      [](auto* change) {
        change->mutable_change()->clear_after_sensitive_paths();
        change->mutable_change()->add_after_sensitive_paths()->add_steps()->mutable_element_key();
      },
      "change.after_sensitive_paths[0].steps[0].element_key: is missing");
}

TEST(PlanFileTest, RefusesIdentitiesWithoutAValue) {
  const auto edit = [](auto change) {
    return [change](plan_file::Plan* plan) { change(plan->mutable_resource_changes(0)->mutable_change()); };
  };
  ExpectRefused(edit([](auto* change) { change->mutable_before_identity()->Clear(); }),
                "before_identity: is missing", FullPlan());
  ExpectRefused(edit([](auto* change) { change->mutable_after_identity()->Clear(); }),
                "after_identity: is missing", FullPlan());
  ExpectRefused(edit([](auto* change) { change->mutable_importing()->mutable_identity()->Clear(); }),
                "importing.identity: is missing", FullPlan());
}

TEST(PlanFileTest, ReadsWhatAResourceChangeCanBe) {
  const auto accepted = [](const std::function<void(plan_file::ResourceInstanceChange*)>& edit) {
    EXPECT_THAT(AfterEdit([&](auto* plan) { edit(AddChange(plan, "aws_vpc.a")); }), IsOk());
  };
  accepted([](auto* change) { change->set_addr(R"(module.m["a"].data.aws_vpc.a["k"])"); });
  accepted([](auto* change) { change->set_prev_run_addr("aws_vpc.b[0]"); });
  accepted([](auto* change) { change->set_deposed_key("0a1b2c3d"); });
  accepted([](auto* change) { change->set_private_("\xff\xfe"); });
  accepted([](auto* change) { change->mutable_change()->mutable_importing(); });
  accepted([](auto* change) { change->mutable_change()->add_before_sensitive_paths(); });
  accepted([](auto* change) {
    change->mutable_change()->add_before_sensitive_paths()->add_steps()->set_attribute_name("");
  });
  for (int32_t reason = 0; reason <= 13; ++reason) {
    accepted([=](auto* change) { change->set_action_reason(reason); });
  }
}

TEST(PlanFileTest, RefusesASecondChangeOfTheSameObject) {
  ExpectRefused(
      [](auto* plan) {
        AddChange(plan, "aws_vpc.a");
        AddChange(plan, "aws_vpc.a", kActionDelete);
      },
      "tfplan: resource_changes[1]: is a second change of the same object");
  ExpectRefused(
      [](auto* plan) {
        for (int i = 0; i < 2; ++i) AddChange(plan, "aws_vpc.a", kActionDelete)->set_deposed_key("00000001");
      },
      "tfplan: resource_changes[1]: is a second change of the same object");
  ExpectRefused([](auto* plan) { *plan->add_resource_drift() = plan->resource_drift(0); },
                "tfplan: resource_drift[1]: is a second change of the same object", FullPlan());
  // Others of the same address, and the drift of what changes.
  EXPECT_THAT(AfterEdit([](auto* plan) {
                AddChange(plan, "aws_vpc.a");
                AddChange(plan, "aws_vpc.a", kActionDelete)->set_deposed_key("00000001");
                AddChange(plan, "aws_vpc.a", kActionDelete)->set_deposed_key("00000002");
                *plan->add_resource_drift() = plan->resource_changes(0);
              }),
              IsOk());
}

TEST(PlanFileTest, RefusesOutputsAndVariablesThatAreNone) {
  const auto output = [](plan_file::Plan* plan) { return plan->mutable_output_changes(0); };
  ExpectRefused([&](auto* plan) { output(plan)->set_name("a b"); }, "output_changes[0].name: is not a name",
                FullPlan());
  ExpectRefused([&](auto* plan) { output(plan)->clear_name(); }, "output_changes[0].name: is not a name",
                FullPlan());
  ExpectRefused([&](auto* plan) { output(plan)->clear_change(); }, "output_changes[0].change: is missing",
                FullPlan());
  ExpectRefused([&](auto* plan) { output(plan)->mutable_change()->set_action(4); },
                "output_changes[0].change.action", FullPlan());
  ExpectRefused([&](auto* plan) { output(plan)->mutable_change()->set_action(3); },
                "output_changes[0].change.values", FullPlan());
  ExpectRefused([&](auto* plan) { *plan->add_output_changes() = *output(plan); },
                "second change of the same output", FullPlan());
  const auto variable = [](plan_file::Plan* plan) { return plan->mutable_variables(0); };
  ExpectRefused([&](auto* plan) { variable(plan)->set_name("\n"); }, "variables[0].name: is not a name",
                FullPlan());
  ExpectRefused([&](auto* plan) { variable(plan)->clear_value(); }, "variables[0].value: is missing",
                FullPlan());
  ExpectRefused([&](auto* plan) { *plan->add_variables() = *variable(plan); },
                "variables[1]: is given a second time", FullPlan());
  ExpectRefused([](auto* plan) { plan->add_apply_time_variables(""); },
                "apply_time_variables[0]: is not a name", FullPlan());
}

TEST(PlanFileTest, RefusesCheckResultsThatAreNone) {
  const auto check = [](plan_file::Plan* plan) { return plan->mutable_check_results(0); };
  for (const int32_t kind : {-1, 0, 5}) {
    ExpectRefused([&](auto* plan) { check(plan)->set_kind(kind); },
                  absl::StrCat("check_results[0].kind: is ", kind), FullPlan());
  }
  for (const int32_t status : {-1, 4}) {
    ExpectRefused([&](auto* plan) { check(plan)->set_status(status); },
                  absl::StrCat("check_results[0].status: is ", status), FullPlan());
    ExpectRefused([&](auto* plan) { check(plan)->mutable_objects(0)->set_status(status); },
                  absl::StrCat("check_results[0].objects[0].status: is ", status), FullPlan());
  }
  const std::pair<int32_t, std::string> kAddresses[] = {{1, "data.aws_vpc.a"},
                                                        {1, "ephemeral.a.b"},
                                                        {2, "module.m.output.o"},
                                                        {3, "check.c"},
                                                        {4, "module.m[0].var.v"}};
  for (const auto& [kind, address] : kAddresses) {
    const int32_t other_kind = kind == 2 ? 3 : 2;
    const auto edit = [&, kind = kind, address = address](plan_file::Plan* plan) {
      check(plan)->set_kind(kind);
      check(plan)->set_config_addr(address);
      check(plan)->mutable_objects(0)->set_object_addr(address);
    };
    EXPECT_THAT(AfterEdit(edit, FullPlan()), IsOk()) << address;
    ExpectRefused(
        [&](auto* plan) {
          edit(plan);
          check(plan)->set_kind(other_kind);
        },
        "check_results[0].config_addr", FullPlan());
    ExpectRefused(
        [&](auto* plan) {
          edit(plan);
          check(plan)->mutable_objects(0)->set_object_addr("x");
        },
        "check_results[0].objects[0].object_addr", FullPlan());
  }
}

TEST(PlanFileTest, RefusesAddressesThatAreNoneWhereverTheyStand) {
  ExpectRefused([](auto* plan) { plan->add_target_addrs("x"); }, "target_addrs[0]: is not the address");
  ExpectRefused([](auto* plan) { plan->add_target_addrs(""); }, "target_addrs[0]: is not the address");
  ExpectRefused([](auto* plan) { plan->add_force_replace_addrs("module.m"); },
                "force_replace_addrs[0]: is not the address");
  ExpectRefused([](auto* plan) { plan->add_force_replace_addrs("data.a.b"); },
                "force_replace_addrs[0]: is of a kind");
  ExpectRefused([](auto* plan) { plan->add_action_target_addrs("a.b"); },
                "action_target_addrs[0]: is of a kind", FullPlan());
  ExpectRefused([](auto* plan) { plan->add_relevant_attributes(); },
                "relevant_attributes[0].resource: is not the address");
  EXPECT_THAT(AfterEdit([](auto* plan) {
                plan->add_target_addrs("module.m");
                plan->add_target_addrs("aws_vpc.a");
                plan->add_force_replace_addrs("aws_vpc.a[0]");
              }),
              IsOk());
}

TEST(PlanFileTest, RefusesActionsAndDeferralsThatAreNone) {
  const auto refused = [](const std::function<void(plan_file::ActionInvocationInstance*)>& edit,
                          std::string_view what) {
    ExpectRefused([&](auto* plan) { edit(plan->mutable_action_invocations(0)); },
                  text::Concat("tfplan: action_invocations[0]", what), FullPlan());
    ExpectRefused(
        [&](auto* plan) {
          auto* const invocation = plan->mutable_deferred_action_invocations(0)->mutable_action_invocation();
          FillInvocation(invocation);
          edit(invocation);
        },
        text::Concat("tfplan: deferred_action_invocations[0].action_invocation", what), FullPlan());
  };
  refused([](auto* action) { action->set_addr("aws_vpc.a"); }, ".addr: is of a kind");
  refused([](auto* action) { action->set_provider("x"); }, ".provider: is not the address of a provider");
  refused([](auto* action) { action->mutable_config_value()->clear_msgpack(); }, ".config_value: is missing");
  refused([](auto* action) { action->mutable_sensitive_config_paths(0)->add_steps(); },
          ".sensitive_config_paths[0].steps[");
  refused([](auto* action) { action->clear_trigger(); }, ": does not say what triggers it");
  const auto trigger = [&](const std::function<void(plan_file::ResourceActionTrigger*)>& edit,
                           std::string_view what) {
    refused([&](auto* action) { edit(action->mutable_resource_action_trigger()); },
            text::Concat(".resource_action_trigger", what));
  };
  trigger([](auto* by) { by->set_triggering_resource_addr("action.a.b"); },
          ".triggering_resource_addr: is of a kind");
  trigger([](auto* by) { by->set_trigger_event(0); }, ".trigger_event: is 0");
  trigger([](auto* by) { by->set_trigger_event(8); }, ".trigger_event: is 8");
  trigger([](auto* by) { by->set_on_failure(3); }, ".on_failure: is 3");
  trigger([](auto* by) { by->set_actions_list_index(-1); }, ": has a position below zero");
  trigger([](auto* by) { by->set_action_trigger_block_index(-1); }, ": has a position below zero");
  refused([](auto* action) { action->mutable_invoke_action_trigger()->set_calling_resource_addr("x"); },
          ".invoke_action_trigger.calling_resource_addr: is not the address");
  for (const int32_t reason : {-1, 0, 8}) {
    ExpectRefused(
        [&](auto* plan) { plan->mutable_deferred_changes(0)->mutable_deferred()->set_reason(reason); },
        absl::StrCat("deferred_changes[0].deferred.reason: is ", reason), FullPlan());
    ExpectRefused(
        [&](auto* plan) {
          plan->mutable_deferred_action_invocations(0)->mutable_deferred()->set_reason(reason);
        },
        absl::StrCat("deferred_action_invocations[0].deferred.reason: is ", reason), FullPlan());
  }
}

TEST(PlanFileTest, QuotesNothingOfThePlan) {
  const absl::Status status = AfterEdit([](auto* plan) { AddChange(plan, "evil text"); });
  EXPECT_THAT(status, HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(status.message(), ::testing::Not(HasSubstr("evil")));
}

TEST(PlanFileTest, IsAsLongAsTheLimitAndNoLonger) {
  const plan_file::Plan plan = SmallPlan();
  Limits limits;
  limits.plan_bytes = plan.ByteSizeLong();
  EXPECT_THAT(Parse(plan, limits), IsOk());
  --limits.plan_bytes;
  EXPECT_THAT(Parse(plan, limits).status().message(), HasSubstr("bytes long"));
}

TEST(PlanFileTest, HasAsManyChangesAsTheLimitAndNoMore) {
  Limits limits;
  limits.resource_changes = 1;
  EXPECT_THAT(Parse(FullPlan(), limits), IsOk());
  const auto refused = [&limits](const Edit& edit, std::string_view what) {
    plan_file::Plan plan = FullPlan();
    edit(&plan);
    EXPECT_THAT(Parse(plan, limits).status().message(),
                HasSubstr(text::Concat(what, "[1]: is one over the limit of 1")));
  };
  refused([](auto* plan) { plan->add_resource_changes(); }, "resource_changes");
  refused([](auto* plan) { plan->add_resource_drift(); }, "resource_drift");
  refused([](auto* plan) { plan->add_deferred_changes(); }, "deferred_changes");
  refused([](auto* plan) { plan->add_action_invocations(); }, "action_invocations");
  refused([](auto* plan) { plan->add_deferred_action_invocations(); }, "deferred_action_invocations");
}

TEST(PlanFileTest, HasAsManyMessagesAsTheLimitAndNoMore) {
  plan_file::Plan plan = SmallPlan();  // Two: the backend and its configuration.
  Limits limits;
  limits.messages = 4;
  plan.add_function_results("a");
  plan.add_target_addrs("a.b");
  EXPECT_THAT(Parse(plan, limits), IsOk());
  plan.add_target_addrs("a.c");
  EXPECT_THAT(Parse(plan, limits).status().message(), HasSubstr("over the limit of 4 messages"));
}

TEST(PlanFileTest, IsAsDeepAsTheLimitAndNoDeeper) {
  Limits limits;
  limits.message_depth = 7;
  EXPECT_THAT(Parse(FullPlan(), limits), IsOk());
  limits.message_depth = 6;
  EXPECT_THAT(Parse(FullPlan(), limits).status().message(), HasSubstr("nested too deeply"));
}

TEST(PlanFileTest, HasAddressesAsLongAsTheLimitAndNoLonger) {
  plan_file::Plan plan = SmallPlan();
  AddChange(&plan, "aws_vpc." + std::string(100, 'a'));
  Limits limits;
  limits.address_bytes = 108;
  EXPECT_THAT(Parse(plan, limits), IsOk());
  limits.address_bytes = 107;
  EXPECT_THAT(Parse(plan, limits).status().message(),
              HasSubstr("resource_changes[0].addr: is over 107 bytes"));
}

TEST(PlanFileTest, HasMessagesOfFewerFieldsThanAreCounted) {
  const auto* const file = plan_file::Plan::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) {
    EXPECT_LE(file->message_type(i)->field_count(), 40) << file->message_type(i)->name();
  }
}

TEST(PlanFileTest, RefusesManySmallMessagesBeforeItReadsThem) {
  std::string bytes = SmallPlan().SerializeAsString();
  for (int i = 0; i < 5'000'000; ++i) bytes.append("\x9a\x01\x00", 3);
  EXPECT_THAT(ParsePlanFile(bytes, Limits()).status().message(),
              HasSubstr("over the limit of 4000000 messages"));
}

}  // namespace
}  // namespace countersign::terraform
