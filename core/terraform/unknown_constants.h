// What a plan calls unknown although its configuration says what it is. Included by this folder's sources
// only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_UNKNOWN_CONSTANTS_H_
#define COUNTERSIGN_CORE_TERRAFORM_UNKNOWN_CONSTANTS_H_

#include "core/terraform/configuration.h"
#include "core/terraform/limits.h"
#include "core/terraform/value.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

// Fills `unknown_constants` of a change whose address is in `view` already. Terraform puts the configured
// value in the place of what is unknown when it applies the plan, so that nobody would have seen it before.
// `after` is null where the change has none.
void AddUnknownConstants(const Configuration& configuration, const Value& after, const Limits& limits,
                         v1::ResourceChange* view);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_UNKNOWN_CONSTANTS_H_
