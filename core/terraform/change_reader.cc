#include "core/terraform/change_reader.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "core/terraform/address.h"
#include "core/terraform/msgpack.h"
#include "core/terraform/plan_file.h"
#include "core/terraform/shown_json.h"
#include "core/terraform/state_comparison.h"
#include "core/terraform/unchanged_values.h"
#include "core/terraform/unknown_constants.h"
#include "core/text/utf8.h"

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

// By which those who run something know it. Sorted.
constexpr std::string_view kIdentifiers[] = {
    "account_id",   "arn",           "bucket",      "cluster_identifier",
    "cluster_name", "db_name",       "domain",      "domain_name",
    "fqdn",         "function_name", "id",          "identifier",
    "instance_id",  "name",          "namespace",   "project",
    "queue_name",   "repository",    "resource_id", "self_link",
    "table_name",   "topic_name",    "unique_id",   "url",
    "user_name",    "zone_id",
};
constexpr size_t kMostIdentifierBytes = 256;

// The step of a path that leads into a list or a map; nothing where it leads into a set, whose elements have
// no names.
std::optional<PathStep> StepOf(const Value& key) {
  if (key.kind() == Kind::kString) return PathStep::Key(key.text());
  if (key.kind() != Kind::kNumber) return std::nullopt;
  int64_t index = 0;
  const std::string_view text = key.text();
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && index >= 0;
  return whole ? std::optional(PathStep::Index(index)) : std::nullopt;
}

void AddIdentifiers(const Value& object, const Mask::Cursor& mask, v1::ResourceChange* view) {
  if (object.kind() != Kind::kMapping) return;
  const auto* wanted = std::begin(kIdentifiers);
  for (const Member& member : object.members()) {
    while (wanted != std::end(kIdentifiers) && *wanted < member.name) ++wanted;
    if (wanted == std::end(kIdentifiers)) return;
    const Value& value = member.value;
    if (member.name != *wanted || value.kind() != Kind::kString || value.text().empty()) continue;
    if (value.text().size() > kMostIdentifierBytes ||
        mask.Member(member.name, object, Value()).Hides(value)) {
      continue;
    }
    (*view->mutable_identifiers())[std::string(member.name)] = std::string(value.text());
  }
}

void AddImporting(const plan_file::Change& change, const Value& object, const Mask::Cursor& mask,
                  v1::ResourceChange* view, ContentHasher* fingerprint) {
  if (!change.has_importing()) return;
  const plan_file::Importing& importing = change.importing();
  const Value id = Value::String(importing.id());
  v1::Importing* const shown = view->mutable_importing();
  if (!mask.Member("id", object, Value()).Hides(id)) {
    shown->set_id(std::string(text::CutText(importing.id(), kMostIdentifierBytes)));
  }
  shown->set_unknown(importing.unknown());
  fingerprint->Add("importing");
  fingerprint->Add(shown->id());
  fingerprint->Add(uint64_t{importing.unknown()});
  fingerprint->Add(importing.identity().msgpack());
}

void Describe(const plan_file::ResourceInstanceChange& change, v1::ResourceChange* view) {
  // Both have been parsed before.
  const auto address = ParseAddress(change.addr());
  const auto provider = ParseProviderAddress(change.provider());
  view->set_address(change.addr());
  if (address.ok()) {
    view->set_mode(address->mode == Address::Mode::kData ? "data" : "managed");
    view->set_type(address->type);
    view->set_name(address->name);
    view->set_module_address(address->module);
  }
  if (provider.ok()) view->set_provider_name(provider->source);
  view->set_deposed(change.deposed_key());
  if (change.prev_run_addr() != change.addr()) view->set_previous_address(change.prev_run_addr());
  for (const std::string_view word : ActionWords(change.change().action())) {
    view->add_actions(std::string(word));
  }
  view->set_action_reason(std::string(ActionReasonWord(change.action_reason())));
}

// What is unknown stands among the attributes that change: nothing was unknown before.
bool MayHaveUnknown(const v1::ResourceChange& view) {
  const auto& changes = view.attribute_changes();
  return view.attribute_changes_omitted() > 0 ||
         std::any_of(changes.begin(), changes.end(),
                     [](const auto& change) { return change.after_unknown(); });
}

bool IsReplacement(const plan_file::Change& change) {
  return change.action() == kActionDeleteThenCreate || change.action() == kActionCreateThenDelete;
}

void BeginFingerprint(const plan_file::ResourceInstanceChange& change, const v1::ResourceChange& view,
                      ContentHasher* fingerprint) {
  fingerprint->Add(change.addr());
  fingerprint->Add(change.deposed_key());
  fingerprint->Add(view.previous_address());
  fingerprint->Add(change.provider());
  fingerprint->Add(static_cast<uint64_t>(change.change().action()));
}

}  // namespace

struct ChangeReader::Values {
  explicit Values(const Limits& limits) : arena(limits) {}

  const Value& object() const { return before.is_null() ? after : before; }

  ValueArena arena;
  Value before;  // Null where there is none.
  Value after;
};

ChangeReader::ChangeReader(const SavedPlan& saved, const SaltedDigest& salted,
                           const SensitiveAttributes& sensitive, const Limits& limits)
    : saved_(saved),
      salted_(salted),
      limits_(limits),
      left_(limits),
      detail_bytes_left_(limits.detail_bytes),
      unchanged_bytes_left_(limits.unchanged_bytes) {
  left_.value_nodes = saved.values_left();
  secrets_.attributes = &sensitive;
}

absl::StatusOr<Value> ChangeReader::Decode(const std::string& bytes, ValueArena* arena, const Place& place) {
  return DecodeMsgpack(bytes, arena, limits_, place.Text());
}

absl::Status ChangeReader::DecodeBoth(const plan_file::Change& change, const Place& place, Values* values) {
  const std::string* const before = BeforeOf(change);
  const std::string* const after = AfterOf(change);
  if (before != nullptr) {
    const auto value = Decode(*before, &values->arena, Place(place, "before"));
    if (!value.ok()) return value.status();
    values->before = *value;
  }
  if (after != nullptr && after == before) values->after = values->before;
  if (after != nullptr && after != before) {
    const auto value = Decode(*after, &values->arena, Place(place, "after"));
    if (!value.ok()) return value.status();
    values->after = *value;
  }
  return absl::OkStatus();
}

absl::Status ChangeReader::CheckIdentities(const plan_file::Change& change, const Place& place,
                                           ValueArena* arena) {
  const auto check = [&](bool there, const plan_file::DynamicValue& identity, const Place& here) {
    return there ? Decode(identity.msgpack(), arena, here).status() : absl::OkStatus();
  };
  absl::Status status =
      check(change.has_before_identity(), change.before_identity(), Place(place, "before_identity"));
  if (status.ok())
    status = check(change.has_after_identity(), change.after_identity(), Place(place, "after_identity"));
  if (!status.ok()) return status;
  return check(change.importing().has_identity(), change.importing().identity(),
               Place(Place(place, "importing"), "identity"));
}

template <typename Paths, typename Mark>
absl::Status ChangeReader::EachPath(const Paths& paths, const Place& place, ValueArena* arena, Mark mark) {
  Path path;
  for (const plan_file::Path& each : paths) {
    path.clear();
    for (const plan_file::PathStep& step : each.steps()) {
      if (step.selector_case() == plan_file::PathStep::kAttributeName) {
        path.push_back(PathStep::Attribute(step.attribute_name()));
        continue;
      }
      const auto key = Decode(step.element_key().msgpack(), arena, place);
      if (!key.ok()) return key.status();
      const std::optional<PathStep> decoded = StepOf(*key);
      if (!decoded.has_value()) break;
      path.push_back(*decoded);
    }
    if (const absl::Status status = mark(path); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ChangeReader::MarkChange(const plan_file::Change& change, const Place& place, ValueArena* arena,
                                      bool state_marks, Mask* mask) {
  const absl::Status before = EachPath(
      change.before_sensitive_paths(), Place(place, "before_sensitive_paths"), arena,
      [&](const Path& path) { return state_marks ? mask->MarkAfter(path) : mask->MarkBefore(path); });
  if (!before.ok()) return before;
  return EachPath(change.after_sensitive_paths(), Place(place, "after_sensitive_paths"), arena,
                  [mask](const Path& path) { return mask->MarkAfter(path); });
}

// What the plan has forgotten to mark may be marked in what it was made on. What the plan marks and no state
// does was marked by the configuration, or by somebody who wants to hide it.
absl::StatusOr<bool> ChangeReader::MarkAsInStates(const plan_file::ResourceInstanceChange& change,
                                                  Mask* mask) const {
  const StateFile& state = saved_.state();
  const StateFile& previous = saved_.previous_state();
  const bool moved = !change.prev_run_addr().empty() && change.prev_run_addr() != change.addr();
  const auto in = [&change](const StateFile& file, const std::string& address) {
    return file.Find(address, change.deposed_key());
  };
  bool found = false;
  for (const StateObject* const object :
       {in(state, change.addr()), moved ? in(state, change.prev_run_addr()) : nullptr,
        &previous != &state ? in(previous, change.addr()) : nullptr,
        &previous != &state && moved ? in(previous, change.prev_run_addr()) : nullptr}) {
    if (object == nullptr) continue;
    found = true;
    if (const absl::Status status = mask->MarkAllBefore(object->sensitive_paths); !status.ok()) return status;
  }
  return found;
}

absl::Status ChangeReader::AddReplacePaths(const plan_file::ResourceInstanceChange& change,
                                           const Place& place, ValueArena* arena, v1::ResourceChange* view) {
  return EachPath(change.required_replace(), Place(place, "required_replace"), arena,
                  [this, view](const Path& path) {
                    size_t bytes = 0;
                    for (const PathStep& step : path) bytes += step.name.size() + 1;
                    const auto count = static_cast<size_t>(view->replace_paths_size());
                    if (bytes > limits_.shown_path_bytes || count >= limits_.differing_names) {
                      return absl::OkStatus();
                    }
                    view->add_replace_paths(ToText(path));
                    return absl::OkStatus();
                  });
}

ValueChanges ChangeReader::Find(const Values& values, const Mask& mask, ContentHasher* fingerprint) {
  return FindChanges(values.before, values.after, mask.root(), salted_, limits_, fingerprint,
                     &detail_bytes_left_);
}

absl::StatusOr<ReadResource> ChangeReader::Resource(const plan_file::ResourceInstanceChange& change,
                                                    const Place& place) {
  return ReadChange(change, place, false);
}

absl::StatusOr<ReadResource> ChangeReader::Drift(const plan_file::ResourceInstanceChange& change,
                                                 const Place& place) {
  return ReadChange(change, place, true);
}

absl::StatusOr<ReadResource> ChangeReader::ReadChange(const plan_file::ResourceInstanceChange& change,
                                                      const Place& place, bool happened) {
  ReadResource read;
  v1::ResourceChange& view = read.change;
  Describe(change, &view);
  Values values(left_);
  const Place here(place, "change");
  Mask mask(limits_, "tfplan: sensitive paths", view.type(), &secrets_);
  absl::Status status = DecodeBoth(change.change(), here, &values);
  const absl::StatusOr<bool> in_state = MarkAsInStates(change, &mask);
  if (status.ok()) status = in_state.status();
  if (status.ok()) status = MarkChange(change.change(), here, &values.arena, *in_state, &mask);
  if (status.ok()) status = AddReplacePaths(change, place, &values.arena, &view);
  if (status.ok()) status = CheckIdentities(change.change(), here, &values.arena);
  if (!status.ok()) return status;
  mask.Learn(values.before, values.after);

  ContentHasher fingerprint("countersign resource change 1");
  BeginFingerprint(change, view, &fingerprint);
  const Mask::Cursor root = mask.root();
  AddImporting(change.change(), values.object(), root, &view, &fingerprint);
  AddIdentifiers(values.object(), root, &view);
  ValueChanges found = Find(values, mask, &fingerprint);
  *view.mutable_attribute_changes() = std::move(found.changes);
  view.set_attribute_changes_omitted(found.omitted);
  if (IsReplacement(change.change())) {
    UnchangedValues unchanged =
        FindUnchanged(values.before, values.after, root, limits_, &unchanged_bytes_left_);
    *view.mutable_unchanged_attributes() = std::move(unchanged.values);
    view.set_unchanged_attributes_omitted(unchanged.omitted);
  }
  if (!happened && MayHaveUnknown(view)) {
    AddUnknownConstants(saved_.configuration(), values.after, limits_, &view);
  }
  if (view.mode() == "managed" && happened) {
    AddDriftDifferences(change, values.before, values.after, saved_, limits_, &view);
  } else if (view.mode() == "managed") {
    const StateObject* const stored = ObjectOf(change, saved_.state());
    AddDifferences(change, values.before, stored, limits_, &view);
    AddProviderChange(change, stored, &view);
  }
  const Value* const id = values.object().Find("id");
  read.hides_id = id != nullptr && root.Member("id", values.object(), Value()).Hides(*id);
  read.digest = fingerprint.Finish();
  read.masked = found.masked;
  Take(values.arena);
  return read;
}

absl::Status ChangeReader::CheckDeferred(const plan_file::ResourceInstanceChange& change,
                                         const Place& place) {
  Values values(left_);
  const Place here(place, "change");
  Mask unused(limits_, "tfplan: sensitive paths", "", &secrets_);
  v1::ResourceChange view;
  absl::Status status = DecodeBoth(change.change(), here, &values);
  if (status.ok()) status = MarkChange(change.change(), here, &values.arena, false, &unused);
  if (status.ok()) status = AddReplacePaths(change, place, &values.arena, &view);
  if (status.ok()) status = CheckIdentities(change.change(), here, &values.arena);
  Take(values.arena);
  return status;
}

absl::Status ChangeReader::CheckPath(const plan_file::Path& path, const Place& place) {
  ValueArena arena(left_);
  const absl::Status status =
      EachPath(std::span(&path, 1), place, &arena, [](const Path&) { return absl::OkStatus(); });
  Take(arena);
  return status;
}

absl::StatusOr<v1::ResourceChange> ChangeReader::Data(const StateObject& before, const StateObject& after) {
  v1::ResourceChange view;
  view.set_address(std::string(after.address));
  view.set_mode("data");
  view.set_type(std::string(after.type));
  view.set_name(std::string(after.name));
  view.set_module_address(std::string(after.module));
  view.add_actions("read");
  Limits limits = limits_;
  limits.path_steps = limits.state_path_steps;
  Mask mask(limits, "tfstate: sensitive_attributes", after.type, &secrets_);
  for (const StateObject* const object : {&before, &after}) {
    if (const absl::Status status = mask.MarkAllBefore(object->sensitive_paths); !status.ok()) return status;
  }
  mask.Learn(before.attributes, after.attributes);
  ContentHasher unused("countersign data change 1");
  ValueChanges found = FindChanges(before.attributes, after.attributes, mask.root(), salted_, limits_,
                                   &unused, &detail_bytes_left_);
  *view.mutable_attribute_changes() = std::move(found.changes);
  view.set_attribute_changes_omitted(found.omitted);
  return view;
}

absl::StatusOr<ReadOutput> ChangeReader::Output(const plan_file::OutputChange& output, const Place& place) {
  ReadOutput read;
  v1::OutputChange& view = read.change;
  view.set_name(output.name());
  for (const std::string_view word : ActionWords(output.change().action())) {
    view.add_actions(std::string(word));
  }
  const auto sensitive_in = [&output](const StateFile& state) {
    const auto found = state.outputs.find(output.name());
    return found != state.outputs.end() && found->second.sensitive;
  };
  const bool was_sensitive = sensitive_in(saved_.state()) || sensitive_in(saved_.previous_state());
  view.set_sensitive(output.sensitive() || was_sensitive);

  Values values(left_);
  const Place here(place, "change");
  Mask mask(limits_, "tfplan: sensitive paths", "", &secrets_);
  absl::Status status = DecodeBoth(output.change(), here, &values);
  if (status.ok()) status = MarkChange(output.change(), here, &values.arena, false, &mask);
  if (status.ok() && view.sensitive()) status = mask.MarkBefore({});
  if (!status.ok()) return status;
  mask.SetName(output.name());
  mask.Learn(values.before, values.after);

  ContentHasher fingerprint("countersign output change 1");
  fingerprint.Add(output.name());
  fingerprint.Add(uint64_t{output.sensitive()});
  fingerprint.Add(static_cast<uint64_t>(output.change().action()));
  ValueChanges found = Find(values, mask, &fingerprint);
  *view.mutable_attribute_changes() = std::move(found.changes);
  read.digest = fingerprint.Finish();
  read.masked = found.masked;
  Take(values.arena);
  return read;
}

absl::StatusOr<ReadInvocation> ChangeReader::Invocation(const plan_file::ActionInvocationInstance& invocation,
                                                        bool deferred, const Place& place) {
  ReadInvocation read;
  v1::ActionInvocation& view = read.invocation;
  const auto provider = ParseProviderAddress(invocation.provider());
  view.set_address(invocation.addr());
  if (provider.ok()) view.set_provider_name(provider->source);
  view.set_triggering_address(invocation.has_resource_action_trigger()
                                  ? invocation.resource_action_trigger().triggering_resource_addr()
                                  : invocation.invoke_action_trigger().calling_resource_addr());
  view.set_deferred(deferred);

  Values values(left_);
  Mask mask(limits_, "tfplan: sensitive paths", "", &secrets_);
  const absl::Status marked =
      EachPath(invocation.sensitive_config_paths(), Place(place, "sensitive_config_paths"), &values.arena,
               [&mask](const Path& path) { return mask.MarkAfter(path); });
  if (!marked.ok()) return marked;
  if (invocation.has_config_value()) {
    const auto value =
        Decode(invocation.config_value().msgpack(), &values.arena, Place(place, "config_value"));
    if (!value.ok()) return value.status();
    values.after = *value;
  }
  mask.Learn(values.before, values.after);
  ContentHasher fingerprint("countersign action invocation 1");
  fingerprint.Add(view.address());
  fingerprint.Add(invocation.provider());
  fingerprint.Add(view.triggering_address());
  fingerprint.Add(static_cast<uint64_t>(invocation.resource_action_trigger().trigger_event()));
  fingerprint.Add(static_cast<uint64_t>(invocation.resource_action_trigger().on_failure()));
  fingerprint.Add(uint64_t{deferred});
  fingerprint.AddShown(values.after, mask.root());
  read.digest = fingerprint.Finish();
  view.set_config_digest(salted_.Of(values.after));
  Take(values.arena);
  return read;
}

absl::StatusOr<std::vector<ReadVariable>> ChangeReader::Variables(
    const google::protobuf::RepeatedPtrField<plan_file::Variable>& variables,
    std::span<const std::string> sensitive, const Place& place) {
  const auto mask_of = [&](const plan_file::Variable& variable) -> absl::StatusOr<Mask> {
    Mask mask(limits_, "tfplan: variables", "", &secrets_);
    mask.SetName(variable.name());
    const bool marked = std::binary_search(sensitive.begin(), sensitive.end(), variable.name());
    if (const absl::Status status = marked ? mask.MarkAfter({}) : absl::OkStatus(); !status.ok())
      return status;
    return mask;
  };
  ValueArena arena(left_);
  std::vector<Value> values;
  for (const plan_file::Variable& variable : variables) {
    const auto value = Decode(variable.value().msgpack(), &arena, Place(place, "variables", values.size()));
    if (!value.ok()) return value.status();
    values.push_back(*value);
    auto mask = mask_of(variable);
    if (!mask.ok()) return mask.status();
    mask->Learn(Value(), *value);
    for (const std::string_view secret : mask->copies()) secrets_.texts.Add(secret);
  }
  // Only now is it known what is secret in all of them.
  std::vector<ReadVariable> read;
  for (const plan_file::Variable& variable : variables) {
    const auto mask = mask_of(variable);
    if (!mask.ok()) return mask.status();
    const Value& value = values[read.size()];
    ContentHasher shown("countersign variable 1");
    shown.Add(variable.name());
    shown.AddShown(value, mask->root());
    ContentHasher whole("countersign variable value 1");
    whole.Add(variable.name());
    whole.Add(value);
    read.push_back({variable.name(), shown.Finish(), salted_.Of(whole.Finish())});
  }
  Take(arena);
  return read;
}

std::string ChangeReader::ShownText(std::string_view text) const {
  if (secrets_.texts.AreIn(text) || HoldsSecret(text)) return std::string(kHidden);
  return std::string(text::CutText(text, limits_.shown_text_bytes));
}

}  // namespace countersign::terraform
