// What stays the same between two values. Included by this folder's sources and tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_UNCHANGED_VALUES_H_
#define COUNTERSIGN_CORE_TERRAFORM_UNCHANGED_VALUES_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <cstddef>
#include <cstdint>

#include "core/terraform/limits.h"
#include "core/terraform/masking.h"
#include "core/terraform/value.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

struct UnchangedValues {
  google::protobuf::RepeatedPtrField<v1::UnchangedAttribute> values;
  int64_t omitted = 0;  // Those that would have been more than the limits allow.
};

// Goes down both values at once, as FindChanges() does, and takes the truth values, numbers and texts that
// are the same in both. What is hidden is there without its value, so that nobody takes what is left for all
// that there is. `bytes_left` is what those of all objects may have, and gets less.
UnchangedValues FindUnchanged(const Value& before, const Value& after, const Mask::Cursor& mask,
                              const Limits& limits, size_t* bytes_left);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_UNCHANGED_VALUES_H_
