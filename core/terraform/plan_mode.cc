#include "core/terraform/plan_mode.h"

#include <algorithm>

#include "core/terraform/state_comparison.h"

namespace countersign::terraform {
namespace {

bool IsManaged(const v1::ResourceChange& change) { return change.mode() == "managed"; }

bool IsOnly(const v1::ResourceChange& change, std::string_view action) {
  return change.actions_size() == 1 && change.actions(0) == action;
}

// Something that is not deleting, and not nothing.
bool DoesMore(const v1::ResourceChange& change) {
  return IsManaged(change) && !IsOnly(change, "no-op") && !IsOnly(change, "delete");
}

void Count(const v1::ResourceChange& change, v1::ChangeCounts* counts) {
  const auto add = [](int64_t count) { return count + 1; };
  if (!IsManaged(change)) {
    if (IsOnly(change, "read")) counts->set_read(add(counts->read()));
    return;
  }
  if (change.has_importing()) counts->set_import(add(counts->import()));
  if (!change.previous_address().empty()) counts->set_move(add(counts->move()));
  if (change.actions_size() == 2) return counts->set_replace(add(counts->replace()));
  if (IsOnly(change, "create")) counts->set_create(add(counts->create()));
  if (IsOnly(change, "update")) counts->set_update(add(counts->update()));
  if (IsOnly(change, "delete")) counts->set_delete_(add(counts->delete_()));
  if (IsOnly(change, "forget")) counts->set_forget(add(counts->forget()));
  if (IsOnly(change, "no-op")) counts->set_no_op(add(counts->no_op()));
}

}  // namespace

bool HasEffect(const v1::ResourceChange& change) {
  return !IsOnly(change, "no-op") || change.has_importing() || !change.previous_address().empty();
}

bool HasEffect(const v1::OutputChange& change) {
  return change.actions_size() != 1 || change.actions(0) != "no-op";
}

v1::ChangeCounts CountChanges(const v1::PlanView& view) {
  v1::ChangeCounts counts;
  for (const v1::ResourceChange& change : view.resource_changes()) Count(change, &counts);
  return counts;
}

v1::PlanMode ModeOf(const SavedPlan& saved, const v1::PlanView& view) {
  const auto& changes = view.resource_changes();
  const bool acts = view.action_invocations_size() > 0 ||
                    std::any_of(changes.begin(), changes.end(),
                                [](const v1::ResourceChange& change) { return HasEffect(change); });
  if (acts) {
    const bool more = std::any_of(changes.begin(), changes.end(), DoesMore);
    return !more && DeletesEverything(saved) ? v1::DESTROY : v1::NORMAL;
  }
  const auto& outputs = view.output_changes();
  const bool outputs_change = std::any_of(outputs.begin(), outputs.end(),
                                          [](const v1::OutputChange& change) { return HasEffect(change); });
  const bool refreshes = saved.plan().ui_mode() == kModeRefreshOnly;
  if (refreshes && (outputs_change || view.resource_drift_size() > 0)) return v1::REFRESH_ONLY;
  return outputs_change ? v1::NORMAL : v1::NO_CHANGES;
}

}  // namespace countersign::terraform
