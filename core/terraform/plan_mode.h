// What the changes of a plan amount to. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_PLAN_MODE_H_
#define COUNTERSIGN_CORE_TERRAFORM_PLAN_MODE_H_

#include "core/terraform/saved_plan.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

// Whether applying it does anything to the object, or to what the state says of where it is.
bool HasEffect(const v1::ResourceChange& change);
bool HasEffect(const v1::OutputChange& change);

v1::ChangeCounts CountChanges(const v1::PlanView& view);

// By the changes in `view`; only whether a plan without changes is for refreshing is taken from its words.
v1::PlanMode ModeOf(const SavedPlan& saved, const v1::PlanView& view);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_PLAN_MODE_H_
