// What differs between two values, as attribute changes. Included by this folder's sources and tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_VALUE_CHANGES_H_
#define COUNTERSIGN_CORE_TERRAFORM_VALUE_CHANGES_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <cstddef>
#include <cstdint>

#include "core/terraform/content_hasher.h"
#include "core/terraform/limits.h"
#include "core/terraform/masking.h"
#include "core/terraform/value.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

// What the differences of one object add up to.
struct ValueChanges {
  google::protobuf::RepeatedPtrField<v1::AttributeChange> changes;
  int64_t omitted = 0;  // Those that would have been more than the limits allow.
  int64_t masked = 0;   // Changed values that are not shown, whether they are omitted or not.
  bool any = false;
};

// Goes down both values at once as long as both are objects, or lists of one length, or one of them is not
// there; what it arrives at and differs is a change. Null and not there are the same.
//
// Where a change is all of a value and a part of it is hidden, that part is left out of the texts and stands
// as a masked change of its own, so that nothing that is not sensitive disappears with it.
//
// `fingerprint` is fed each change, omitted ones too, and of masked ones nothing but the path.
// `bytes_left` is what the changes of all objects may have in texts, and gets less.
ValueChanges FindChanges(const Value& before, const Value& after, const Mask::Cursor& mask,
                         const SaltedDigest& salted, const Limits& limits, ContentHasher* fingerprint,
                         size_t* bytes_left);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_VALUE_CHANGES_H_
