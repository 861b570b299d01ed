// What is asked of a plan's bytes before protobuf reads them. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_PLAN_WIRE_H_
#define COUNTERSIGN_CORE_TERRAFORM_PLAN_WIRE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// The field of those that are there which came last to the format.
struct NewestField {
  int since = 0;  // The minor version of Terraform 1; 0 when all of them are older than the first we read.
  std::string place;  // Empty then.
};

// Whether `bytes` are a plan_file::Plan in the one encoding that Go's protobuf gives it, whatever the order
// of its fields: every field known and of its type, none twice that is not repeated, none written that has
// its default, no number longer than needed, every text UTF-8. Two readers cannot understand such bytes
// differently, and protobuf's parser reads them without a complaint on stderr. Charges against the limits
// before anything is allocated. Errors: PLAN_UNREADABLE.
absl::StatusOr<NewestField> CheckPlanWire(std::string_view bytes, const Limits& limits);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_PLAN_WIRE_H_
