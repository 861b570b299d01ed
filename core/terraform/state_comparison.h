// What a plan says of the state that it holds. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_STATE_COMPARISON_H_
#define COUNTERSIGN_CORE_TERRAFORM_STATE_COMPARISON_H_

#include <set>
#include <string>
#include <utility>

#include "core/terraform/limits.h"
#include "core/terraform/plan_file.h"
#include "core/terraform/saved_plan.h"
#include "core/terraform/state_file.h"
#include "core/terraform/value.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

// The object that a change is about; null pointer when the state has none.
const StateObject* ObjectOf(const plan_file::ResourceInstanceChange& change, const StateFile& state);

// Fills `differs_from_state`. Terraform deletes what the plan says is there, not what the state says, so a
// plan where they differ was edited. `before` is null where the change has none. `object` is
// ObjectOf(change).
void AddDifferences(const plan_file::ResourceInstanceChange& change, const Value& before,
                    const StateObject* object, const Limits& limits, v1::ResourceChange* view);

// Fills `provider_change`. A change goes to the account and the endpoint of the provider's configuration that
// the plan names, whatever the object's state names. `object` is ObjectOf(change).
void AddProviderChange(const plan_file::ResourceInstanceChange& change, const StateObject* object,
                       v1::ResourceChange* view);

// Fills `differs_from_state` of an entry of `resource_drift`: refreshing takes the state before it to the
// state that the plan was made on, and never turns one object into another. Null values are what is not
// there.
void AddDriftDifferences(const plan_file::ResourceInstanceChange& drift, const Value& before,
                         const Value& after, const SavedPlan& saved, const Limits& limits,
                         v1::ResourceChange* view);

// Fills `without_change` of what the state has and the plan says nothing of, and of what refreshing has
// changed without an entry of `resource_drift` that says so.
void AddObjectsWithoutChange(const SavedPlan& saved, v1::PlanState* view);

// The digest of what the backend holds: Terraform imports and moves in the state before planning, too.
std::string StoredDigest(const SavedPlan& saved);

// What data sources say in the state before it was refreshed and after, where both have them.
struct DataObjects {
  const StateObject* before = nullptr;
  const StateObject* after = nullptr;
};
// Those that differ, in the order of their addresses.
std::vector<DataObjects> ChangedData(const SavedPlan& saved);

// Whether the plan deletes every managed object of its state, and there is one.
bool DeletesEverything(const SavedPlan& saved);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_STATE_COMPARISON_H_
