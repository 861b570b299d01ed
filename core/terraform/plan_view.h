// What a saved plan says, from its own bytes.
#ifndef COUNTERSIGN_CORE_TERRAFORM_PLAN_VIEW_H_
#define COUNTERSIGN_CORE_TERRAFORM_PLAN_VIEW_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/terraform/limits.h"
#include "core/terraform/sensitive_attributes.h"
#include "core/terraform/state_file.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

struct ViewOptions {
  Limits limits;
  // What digests of masked values and of backend settings are salted with, so that nobody who sees them can
  // try out values. Views can be compared where the salt is the same. At least 16 bytes, a secret.
  std::string salt;
  // Hidden in every resource and data source, beside what the plan and names tell.
  SensitiveAttributes sensitive_attributes = {};
};

// Reads a saved plan completely: container, plan, both states, configuration, lock file. Pure. The same bytes
// and options give the same view. Errors: PLAN_UNREADABLE, also for what is no Terraform plan of 1.8 to 1.16,
// with what to do about it.
absl::StatusOr<v1::PlanView> ReadPlan(std::string_view bytes, const ViewOptions& options);

// What a view says of a state: of the one in the plan, and of what `terraform state pull` prints.
v1::PlanState SummarizeState(const StateFile& state);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_PLAN_VIEW_H_
