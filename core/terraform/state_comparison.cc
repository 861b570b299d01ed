#include "core/terraform/state_comparison.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/terraform/address.h"
#include "core/terraform/shown_json.h"
#include "core/text/text.h"
#include "core/text/utf8.h"

namespace countersign::terraform {
namespace {

constexpr std::string_view kWholeObject = ".";

bool IsSameOrAbsent(const Value& planned, const Value& stored) {
  return (planned.is_null() && stored.is_null()) || IsSameAsStored(planned, stored);
}

// The names of the members of two objects that differ, in order.
std::vector<std::string_view> DifferingNames(const Value& planned, const Value& stored) {
  std::vector<std::string_view> names;
  const auto left = planned.members();
  const auto right = stored.members();
  for (size_t i = 0, j = 0; i < left.size() || j < right.size();) {
    const bool from_left = j == right.size() || (i < left.size() && left[i].name <= right[j].name);
    const bool from_right = i == left.size() || (j < right.size() && right[j].name <= left[i].name);
    const std::string_view name = from_left ? left[i].name : right[j].name;
    const Value one = from_left ? left[i++].value : Value();
    const Value other = from_right ? right[j++].value : Value();
    if (!IsSameOrAbsent(one, other)) names.push_back(name);
  }
  return names;
}

// Adds the names of what differs between a value and the object of a state that it is said to be.
void AddNames(const Value& value, const StateObject* object, const Limits& limits, v1::ResourceChange* view) {
  if (object == nullptr && value.is_null()) return;
  if (object == nullptr || value.kind() != Value::Kind::kMapping) {
    view->add_differs_from_state(std::string(kWholeObject));
    return;
  }
  for (const std::string_view name : DifferingNames(value, object->attributes)) {
    if (static_cast<size_t>(view->differs_from_state_size()) >= limits.differing_names) return;
    view->add_differs_from_state(std::string(text::CutText(name, limits.shown_path_bytes)));
  }
}

// By which providers find an object again.
constexpr std::string_view kIdentity[] = {"arn", "bucket",     "cluster_identifier",
                                          "id",  "identifier", "self_link"};

bool IsOther(const Value& before, const Value& after, std::string_view name) {
  if (before.kind() != Value::Kind::kMapping || after.kind() != Value::Kind::kMapping) return false;
  const Value* const one = before.Find(name);
  const Value* const other = after.Find(name);
  return one != nullptr && other != nullptr && !one->is_null() && !other->is_null() && !IsSame(*one, *other);
}

bool IsSameThing(const StateObject& before, const StateObject& after) {
  return after.managed && before.tainted == after.tainted && before.type == after.type &&
         std::none_of(std::begin(kIdentity), std::end(kIdentity), [&](std::string_view name) {
           return IsOther(before.attributes, after.attributes, name);
         });
}

std::string NameOf(const StateObject& object) {
  return object.deposed.empty() ? std::string(object.address)
                                : text::Concat(object.address, " (deposed ", object.deposed, ")");
}

bool IsAny(const plan_file::ResourceInstanceChange&) { return true; }

bool Imports(const plan_file::ResourceInstanceChange& change) { return change.change().has_importing(); }

bool IsOfDeposed(const plan_file::ResourceInstanceChange& change) { return !change.deposed_key().empty(); }

bool Deletes(const plan_file::ResourceInstanceChange& change) {
  return change.change().action() == kActionDelete;
}

// The objects of the state that a change of `changes` is about, for which `wanted` holds.
template <typename Changes, typename Wanted>
void Collect(const Changes& changes, const StateFile& state, Wanted wanted,
             std::unordered_set<const StateObject*>* objects) {
  for (const plan_file::ResourceInstanceChange& change : changes) {
    if (!wanted(change)) continue;
    if (const StateObject* const object = ObjectOf(change, state)) objects->insert(object);
  }
}

// What the state has and the plan says nothing of.
void CollectWithoutChange(const SavedPlan& saved, std::set<std::string>* names) {
  const plan_file::Plan& plan = saved.plan();
  if (plan.target_addrs_size() > 0 || plan.ui_mode() == kModeRefreshOnly) return;
  const StateFile& state = saved.state();
  std::unordered_set<const StateObject*> changed;
  Collect(plan.resource_changes(), state, IsAny, &changed);
  for (const plan_file::DeferredResourceInstanceChange& deferred : plan.deferred_changes()) {
    if (const StateObject* const object = ObjectOf(deferred.change(), state)) changed.insert(object);
  }
  for (const StateObject& object : state.objects) {
    if (object.managed && !changed.contains(&object)) names->insert(NameOf(object));
  }
}

bool LeavesNothing(const SavedPlan& saved) {
  std::unordered_set<const StateObject*> deleted;
  Collect(saved.plan().resource_changes(), saved.state(), Deletes, &deleted);
  const auto managed =
      std::count_if(deleted.begin(), deleted.end(), [](const StateObject* each) { return each->managed; });
  return static_cast<size_t>(managed) == saved.state().managed_objects;
}

// What refreshing has changed, as the two states say, and the plan does not say: by drift, by an import, or,
// of deposed objects, by the entry of one that is gone. Of these, and of everything where all is destroyed,
// Terraform writes no drift; they must still be the things that they were.
void CollectWithoutDrift(const SavedPlan& saved, std::set<std::string>* names) {
  const plan_file::Plan& plan = saved.plan();
  const StateFile& before = saved.previous_state();
  const StateFile& after = saved.state();
  if (&before == &after) return;
  std::unordered_set<const StateObject*> explained;
  Collect(plan.resource_drift(), before, IsAny, &explained);
  Collect(plan.resource_drift(), after, IsAny, &explained);
  Collect(plan.resource_changes(), after, Imports, &explained);
  Collect(plan.resource_changes(), before, IsOfDeposed, &explained);
  const bool declared = plan.ui_mode() == kModeDestroy;
  // A plan that only calls itself so would lose what it has taken out of its state.
  const bool destroys = declared && LeavesNothing(saved);
  for (const StateObject& object : before.objects) {
    if (!object.managed) continue;
    const StateObject* const other = after.Find(object.address, object.deposed);
    const bool quiet = declared || !object.deposed.empty();
    const bool fine = other == nullptr
                          ? destroys || explained.contains(&object)
                          : IsSameThing(object, *other) && (quiet || explained.contains(&object) ||
                                                            IsSame(object.attributes, other->attributes));
    if (!fine) names->insert(NameOf(object));
  }
  for (const StateObject& object : after.objects) {
    const bool added = object.managed && before.Find(object.address, object.deposed) == nullptr;
    if (added && !explained.contains(&object)) names->insert(NameOf(object));
  }
}

// Where the objects of the state before it was refreshed are in the backend, which does not know yet that
// they move.
class Moves {
 public:
  explicit Moves(const SavedPlan& saved);

  bool empty() const { return objects_.empty(); }
  std::string StoredAddress(const StateObject& object) const;

 private:
  void Take(const plan_file::ResourceInstanceChange& change);

  std::map<std::string, std::string, std::less<>> objects_;  // The former address by the new one.
  std::map<std::string, std::string, std::less<>> modules_;  // The same of modules that move as a whole.
};

Moves::Moves(const SavedPlan& saved) {
  for (const auto& change : saved.plan().resource_changes()) Take(change);
  for (const auto& change : saved.plan().resource_drift()) Take(change);
  for (const StateObject& object : saved.previous_state().objects) {
    if (!object.managed || objects_.contains(object.address)) continue;
    const auto partly = modules_.find(object.module);
    if (partly != modules_.end()) modules_.erase(partly);
  }
}

void Moves::Take(const plan_file::ResourceInstanceChange& change) {
  if (change.prev_run_addr().empty() || change.prev_run_addr() == change.addr()) return;
  objects_.emplace(change.addr(), change.prev_run_addr());
  const auto now = ParseAddress(change.addr());
  const auto before = ParseAddress(change.prev_run_addr());
  if (!now.ok() || !before.ok() || now->module == before->module) return;
  if (!now->module.empty() && !before->module.empty()) modules_.emplace(now->module, before->module);
}

// No change speaks of what a data source has read: it goes with its module.
std::string Moves::StoredAddress(const StateObject& object) const {
  if (const auto moved = objects_.find(object.address); moved != objects_.end()) return moved->second;
  const auto moved = object.managed ? modules_.end() : modules_.find(object.module);
  if (moved == modules_.end()) return std::string(object.address);
  return text::Concat(moved->second, object.address.substr(object.module.size()));
}

}  // namespace

const StateObject* ObjectOf(const plan_file::ResourceInstanceChange& change, const StateFile& state) {
  const StateObject* const object = state.Find(change.addr(), change.deposed_key());
  if (object != nullptr || change.prev_run_addr().empty()) return object;
  return state.Find(change.prev_run_addr(), change.deposed_key());
}

void AddDifferences(const plan_file::ResourceInstanceChange& change, const Value& before,
                    const StateObject* object, const Limits& limits, v1::ResourceChange* view) {
  // What has disappeared together with its object is nothing, and stays so.
  const bool gone = before.is_null() && change.change().action() == kActionNoOp;
  const bool expected = BeforeOf(change.change()) != nullptr && !gone;
  if (object == nullptr && !expected) return;
  if (object == nullptr || !expected) {
    view->add_differs_from_state(std::string(kWholeObject));
  } else {
    AddNames(before, object, limits, view);
  }
}

void AddProviderChange(const plan_file::ResourceInstanceChange& change, const StateObject* object,
                       v1::ResourceChange* view) {
  if (object == nullptr || object->provider == change.provider()) return;
  view->mutable_provider_change()->set_before(std::string(object->provider));
  view->mutable_provider_change()->set_after(change.provider());
}

void AddDriftDifferences(const plan_file::ResourceInstanceChange& drift, const Value& before,
                         const Value& after, const SavedPlan& saved, const Limits& limits,
                         v1::ResourceChange* view) {
  AddNames(before, ObjectOf(drift, saved.previous_state()), limits, view);
  AddNames(after, ObjectOf(drift, saved.state()), limits, view);
  for (const std::string_view name : kIdentity) {
    if (IsOther(before, after, name)) view->add_differs_from_state(std::string(name));
  }
}

void AddObjectsWithoutChange(const SavedPlan& saved, v1::PlanState* view) {
  std::set<std::string> names;
  CollectWithoutChange(saved, &names);
  CollectWithoutDrift(saved, &names);
  for (const std::string& name : names) view->add_without_change(name);
}

std::string StoredDigest(const SavedPlan& saved) {
  const StateFile& state = saved.previous_state();
  std::unordered_set<const StateObject*> imported;
  Collect(saved.plan().resource_changes(), state, Imports, &imported);
  const Moves moves(saved);
  if (imported.empty() && moves.empty()) return state.digest;
  std::deque<std::string> addresses;
  return DigestOf(state, [&](const StateObject& object) -> std::optional<std::string_view> {
    if (imported.contains(&object)) return std::nullopt;
    return addresses.emplace_back(moves.StoredAddress(object));
  });
}

std::vector<DataObjects> ChangedData(const SavedPlan& saved) {
  const StateFile& before = saved.previous_state();
  const StateFile& after = saved.state();
  std::vector<DataObjects> changed;
  if (&before == &after) return changed;
  for (const uint32_t position : after.by_address) {
    const StateObject& object = after.objects[position];
    const StateObject* const was = object.managed ? nullptr : before.Find(object.address);
    if (was != nullptr && !IsSame(was->attributes, object.attributes)) changed.push_back({was, &object});
  }
  return changed;
}

bool DeletesEverything(const SavedPlan& saved) {
  return saved.state().managed_objects > 0 && LeavesNothing(saved);
}

}  // namespace countersign::terraform
