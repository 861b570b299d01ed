#include "core/terraform/plan_view.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "core/terraform/backend_view.h"
#include "core/terraform/change_reader.h"
#include "core/terraform/configuration_view.h"
#include "core/terraform/content_hasher.h"
#include "core/terraform/fingerprint.h"
#include "core/terraform/known_secrets.h"
#include "core/terraform/masking.h"
#include "core/terraform/plan_mode.h"
#include "core/terraform/saved_plan.h"
#include "core/terraform/shown_json.h"
#include "core/terraform/state_comparison.h"
#include "core/terraform/unreadable.h"
#include "core/text/text.h"
#include "core/text/utf8.h"

namespace countersign::terraform {
namespace {

constexpr size_t kShortestSalt = 16;
constexpr size_t kMostIdBytes = 256;

constexpr std::string_view kModes[] = {"normal", "destroy", "refresh-only"};
constexpr std::string_view kCheckKinds[] = {"", "resource", "output_value", "check", "var"};
constexpr std::string_view kCheckStatuses[] = {"unknown", "pass", "fail", "error"};
constexpr std::string_view kDeferredReasons[] = {
    "unknown",       "instance_count_unknown", "resource_config_unknown", "provider_config_unknown",
    "absent_prereq", "deferred_prereq",
};

// What the plan file reader has let pass is in the table, or newer than it.
template <size_t size>
std::string WordAt(const std::string_view (&words)[size], int32_t position) {
  const bool known = position >= 0 && static_cast<size_t>(position) < size;
  return known ? std::string(words[position]) : text::Concat("reason_", position);
}

// Terraform shows neither data sources that are forgotten nor drift that is none.
bool IsShown(const plan_file::ResourceInstanceChange& change, const v1::ResourceChange& view) {
  return view.mode() != "data" || change.change().action() != kActionDelete;
}

void Show(const plan_file::CheckResults& result, const ChangeReader& reader, v1::Check* check) {
  check->set_address(result.config_addr());
  check->set_kind(WordAt(kCheckKinds, result.kind()));
  check->set_status(WordAt(kCheckStatuses, result.status()));
  for (const plan_file::CheckObject& object : result.objects()) {
    for (const std::string& message : object.failure_messages()) {
      check->add_problems(reader.ShownText(message));
    }
  }
}

// How many texts within `value` are `text`.
size_t CountOf(std::string_view text, const Value& value) {
  size_t count = 0;
  switch (value.kind()) {
    case Value::Kind::kString:
      return value.text() == text ? 1 : 0;
    case Value::Kind::kSequence:
      for (const Value& element : value.elements()) count += CountOf(text, element);
      return count;
    case Value::Kind::kMapping:
      for (const Member& member : value.members()) count += CountOf(text, member.value);
      return count;
    default:
      return 0;
  }
}

// The id of an object where it is one that can be shown.
std::string ShownId(const StateObject& object, KnownSecrets* secrets) {
  const Value* const id = object.attributes.Find("id");
  if (id == nullptr || id->kind() != Value::Kind::kString || id->text().size() > kMostIdBytes) return "";
  Limits limits;
  limits.path_steps = limits.state_path_steps;
  Mask mask(limits, "tfstate: sensitive_attributes", object.type, secrets);
  // What cannot be marked cannot be shown either.
  if (!mask.MarkAllBefore(object.sensitive_paths).ok()) return "";
  // Every object of a state comes by here, and of most only the id itself says what it says.
  if (CountOf(id->text(), object.attributes) > 1) mask.Learn(object.attributes, Value());
  const bool hidden = mask.root().Member("id", object.attributes, Value()).Hides(*id);
  return hidden ? "" : std::string(id->text());
}

v1::PlanState Summarize(const StateFile& state, KnownSecrets* secrets) {
  v1::PlanState summary;
  summary.set_lineage(state.lineage);
  summary.set_serial(state.serial);
  summary.set_resource_count(static_cast<int64_t>(state.managed_objects));
  summary.set_content_digest(state.digest);
  summary.set_terraform_version(state.terraform_version);
  for (const uint32_t position : state.by_address) {
    const StateObject& object = state.objects[position];
    if (!object.managed) continue;
    v1::StateResource* const resource = summary.add_resources();
    resource->set_address(std::string(object.address));
    resource->set_deposed(std::string(object.deposed));
    resource->set_type(std::string(object.type));
    resource->set_id(ShownId(object, secrets));
  }
  return summary;
}

// Makes the view of one plan. Borrows everything.
class Viewer {
 public:
  Viewer(const SavedPlan& saved, const ViewOptions& options)
      : saved_(saved),
        plan_(saved.plan()),
        limits_(options.limits),
        salted_(options.salt),
        reader_(saved, salted_, options.sensitive_attributes, options.limits) {}

  absl::StatusOr<v1::PlanView> View();

 private:
  void ShowHead();
  absl::Status ShowResources();
  absl::Status ShowDrift();
  absl::Status ShowData();
  absl::Status ShowOutputs();
  absl::Status ShowDeferred();
  absl::Status CheckRelevantAttributes();
  absl::Status ShowInvocations();
  absl::Status ShowVariables();
  absl::Status ShowBackendAndState();
  void HideIds();
  void Conclude();

  const SavedPlan& saved_;
  const plan_file::Plan& plan_;
  const Limits& limits_;
  const SaltedDigest salted_;
  const Place place_{"tfplan"};
  ChangeReader reader_;
  Fingerprint fingerprint_;
  v1::PlanView view_;
  int64_t masked_ = 0;
  std::set<std::pair<std::string, std::string>> hidden_ids_;  // Addresses and deposed keys.
};

absl::StatusOr<v1::PlanView> Viewer::View() {
  // The variables first: they tell what is secret everywhere else.
  absl::Status status = ShowVariables();
  if (status.ok()) status = ShowResources();
  if (status.ok()) status = ShowOutputs();
  if (status.ok()) status = ShowDrift();
  if (status.ok()) status = ShowData();
  if (status.ok()) status = ShowDeferred();
  if (status.ok()) status = CheckRelevantAttributes();
  if (status.ok()) status = ShowInvocations();
  if (status.ok()) status = ShowBackendAndState();
  if (!status.ok()) return status;
  ShowHead();
  Conclude();
  if (view_.ByteSizeLong() <= limits_.view_bytes) return std::move(view_);
  return Unreadable("tfplan", text::Concat("there is more to show than ", limits_.view_bytes,
                                           " bytes; plan fewer resources at once"));
}

void Viewer::ShowHead() {
  view_.set_terraform_version(plan_.terraform_version());
  view_.set_engine(std::string(EngineOf(saved_.configuration())));
  view_.set_declared_mode(WordAt(kModes, plan_.ui_mode()));
  google::protobuf::util::TimeUtil::FromString(plan_.timestamp(), view_.mutable_timestamp());
  view_.set_errored(plan_.errored());
  view_.set_applyable(plan_.applyable());
  view_.set_complete(plan_.complete());
  *view_.mutable_target_addresses() = plan_.target_addrs();
  *view_.mutable_force_replace_addresses() = plan_.force_replace_addrs();
  for (const plan_file::CheckResults& result : plan_.check_results()) {
    Show(result, reader_, view_.add_checks());
  }
  const std::map<std::string, std::string> variables(view_.variable_digests().begin(),
                                                     view_.variable_digests().end());
  *view_.mutable_configuration() = ShowConfiguration(saved_.configuration(), variables, salted_);
}

absl::Status Viewer::ShowResources() {
  size_t index = 0;
  for (const plan_file::ResourceInstanceChange& change : plan_.resource_changes()) {
    auto read = reader_.Resource(change, Place(place_, "resource_changes", index++));
    if (!read.ok()) return read.status();
    if (read->hides_id) hidden_ids_.emplace(change.addr(), change.deposed_key());
    if (!IsShown(change, read->change)) continue;
    masked_ += read->masked;
    if (HasEffect(read->change)) fingerprint_.Add(std::move(read->digest));
    *view_.add_resource_changes() = std::move(read->change);
  }
  return absl::OkStatus();
}

absl::Status Viewer::ShowDrift() {
  size_t index = 0;
  for (const plan_file::ResourceInstanceChange& change : plan_.resource_drift()) {
    auto read = reader_.Drift(change, Place(place_, "resource_drift", index++));
    if (!read.ok()) return read.status();
    const bool nothing = change.change().action() == kActionNoOp && plan_.ui_mode() != kModeRefreshOnly;
    const bool sound = read->change.differs_from_state().empty();
    if (sound && (nothing || !IsShown(change, read->change))) continue;
    *view_.add_resource_drift() = std::move(read->change);
  }
  return absl::OkStatus();
}

absl::Status Viewer::ShowData() {
  for (const DataObjects& data : ChangedData(saved_)) {
    auto read = reader_.Data(*data.before, *data.after);
    if (!read.ok()) return read.status();
    *view_.add_data_changes() = *std::move(read);
  }
  return absl::OkStatus();
}

absl::Status Viewer::ShowOutputs() {
  size_t index = 0;
  for (const plan_file::OutputChange& output : plan_.output_changes()) {
    auto read = reader_.Output(output, Place(place_, "output_changes", index++));
    if (!read.ok()) return read.status();
    masked_ += read->masked;
    if (HasEffect(read->change)) fingerprint_.Add(std::move(read->digest));
    *view_.add_output_changes() = std::move(read->change);
  }
  return absl::OkStatus();
}

absl::Status Viewer::ShowDeferred() {
  size_t index = 0;
  for (const plan_file::DeferredResourceInstanceChange& deferred : plan_.deferred_changes()) {
    const Place here(place_, "deferred_changes", index++);
    const absl::Status status = reader_.CheckDeferred(deferred.change(), Place(here, "change"));
    if (!status.ok()) return status;
    v1::DeferredChange* const shown = view_.add_deferred_changes();
    shown->set_address(deferred.change().addr());
    for (const std::string_view word : ActionWords(deferred.change().change().action())) {
      shown->add_actions(std::string(word));
    }
    shown->set_reason(WordAt(kDeferredReasons, deferred.deferred().reason()));
  }
  return absl::OkStatus();
}

absl::Status Viewer::CheckRelevantAttributes() {
  size_t index = 0;
  for (const plan_file::RelevantAttribute& attribute : plan_.relevant_attributes()) {
    const Place here(place_, "relevant_attributes", index++);
    if (const absl::Status status = reader_.CheckPath(attribute.attr(), here); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Viewer::ShowInvocations() {
  const auto show = [this](const plan_file::ActionInvocationInstance& invocation, bool deferred,
                           const Place& place) {
    auto read = reader_.Invocation(invocation, deferred, place);
    if (!read.ok()) return read.status();
    fingerprint_.Add(std::move(read->digest));
    *view_.add_action_invocations() = std::move(read->invocation);
    return absl::OkStatus();
  };
  size_t index = 0;
  for (const auto& invocation : plan_.action_invocations()) {
    const absl::Status status = show(invocation, false, Place(place_, "action_invocations", index++));
    if (!status.ok()) return status;
  }
  index = 0;
  for (const auto& deferred : plan_.deferred_action_invocations()) {
    const absl::Status status =
        show(deferred.action_invocation(), true, Place(place_, "deferred_action_invocations", index++));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Their values run through the whole configuration when the plan is applied, to providers too, so a plan with
// other ones means something else.
absl::Status Viewer::ShowVariables() {
  for (const std::string& text : saved_.configuration().secret_defaults) reader_.secrets()->texts.Add(text);
  auto variables = reader_.Variables(plan_.variables(), saved_.configuration().sensitive_variables, place_);
  if (!variables.ok()) return variables.status();
  for (ReadVariable& variable : *variables) {
    fingerprint_.Add(std::move(variable.digest));
    (*view_.mutable_variable_digests())[variable.name] = std::move(variable.salted_digest);
    view_.add_variables(std::move(variable.name));
  }
  std::sort(view_.mutable_variables()->begin(), view_.mutable_variables()->end());
  *view_.mutable_apply_time_variables() = plan_.apply_time_variables();
  std::sort(view_.mutable_apply_time_variables()->begin(), view_.mutable_apply_time_variables()->end());
  return absl::OkStatus();
}

absl::Status Viewer::ShowBackendAndState() {
  auto backend = ShowBackend(plan_.backend(), salted_, limits_, reader_.secrets());
  if (!backend.ok()) return backend.status();
  *view_.mutable_backend() = *std::move(backend);
  *view_.mutable_state() = Summarize(saved_.state(), reader_.secrets());
  view_.mutable_state()->set_previous_content_digest(StoredDigest(saved_));
  AddObjectsWithoutChange(saved_, view_.mutable_state());
  HideIds();
  return absl::OkStatus();
}

void Viewer::HideIds() {
  for (v1::StateResource& resource : *view_.mutable_state()->mutable_resources()) {
    if (hidden_ids_.contains({resource.address(), resource.deposed()})) resource.clear_id();
  }
}

void Viewer::Conclude() {
  view_.set_mode(ModeOf(saved_, view_));
  *view_.mutable_counts() = CountChanges(view_);
  view_.set_masked_change_count(masked_);
  view_.set_fingerprint(fingerprint_.Finish(view_));
}

}  // namespace

absl::StatusOr<v1::PlanView> ReadPlan(std::string_view bytes, const ViewOptions& options) {
  if (options.salt.size() < kShortestSalt) {
    return absl::InternalError("a plan was to be read with a salt of less than 16 bytes");
  }
  SavedPlan saved(options.limits);
  if (const absl::Status status = saved.Read(bytes); !status.ok()) return status;
  return Viewer(saved, options).View();
}

v1::PlanState SummarizeState(const StateFile& state) {
  KnownSecrets secrets;
  return Summarize(state, &secrets);
}

}  // namespace countersign::terraform
