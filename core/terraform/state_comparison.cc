#include "core/terraform/state_comparison.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

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

}  // namespace

const StateObject* ObjectOf(const plan_file::ResourceInstanceChange& change, const StateFile& state) {
  const StateObject* const object = state.Find(change.addr(), change.deposed_key());
  if (object != nullptr || change.prev_run_addr().empty()) return object;
  return state.Find(change.prev_run_addr(), change.deposed_key());
}

void AddDifferences(const plan_file::ResourceInstanceChange& change, const Value& before,
                    const StateFile& state, const Limits& limits, v1::ResourceChange* view) {
  const StateObject* const object = ObjectOf(change, state);
  // What has disappeared together with its object is nothing, and stays so.
  const bool gone = before.is_null() && change.change().action() == kActionNoOp;
  const bool expected = BeforeOf(change.change()) != nullptr && !gone;
  if (object == nullptr && !expected) return;
  if (object == nullptr || !expected || before.kind() != Value::Kind::kMapping) {
    view->add_differs_from_state(std::string(kWholeObject));
    return;
  }
  for (const std::string_view name : DifferingNames(before, object->attributes)) {
    if (static_cast<size_t>(view->differs_from_state_size()) >= limits.differing_names) return;
    view->add_differs_from_state(std::string(text::CutText(name, limits.shown_path_bytes)));
  }
}

void AddObjectsWithoutChange(const SavedPlan& saved, v1::PlanState* view) {
  const plan_file::Plan& plan = saved.plan();
  if (plan.target_addrs_size() > 0 || plan.ui_mode() == kModeRefreshOnly) return;
  const StateFile& state = saved.state();
  std::unordered_set<const StateObject*> changed;
  const auto all = [](const plan_file::ResourceInstanceChange&) { return true; };
  Collect(plan.resource_changes(), state, all, &changed);
  for (const plan_file::DeferredResourceInstanceChange& deferred : plan.deferred_changes()) {
    if (const StateObject* const object = ObjectOf(deferred.change(), state)) changed.insert(object);
  }
  for (const uint32_t position : state.by_address) {
    const StateObject& object = state.objects[position];
    if (!object.managed || changed.contains(&object)) continue;
    view->add_without_change(object.deposed.empty()
                                 ? std::string(object.address)
                                 : text::Concat(object.address, " (deposed ", object.deposed, ")"));
  }
}

bool DeletesEverything(const SavedPlan& saved) {
  std::unordered_set<const StateObject*> deleted;
  Collect(saved.plan().resource_changes(), saved.state(), Deletes, &deleted);
  const size_t managed = static_cast<size_t>(
      std::count_if(deleted.begin(), deleted.end(), [](const StateObject* each) { return each->managed; }));
  return managed > 0 && managed == saved.state().managed_objects;
}

}  // namespace countersign::terraform
