#ifndef COUNTERSIGN_CORE_POLICY_REVIEW_H_
#define COUNTERSIGN_CORE_POLICY_REVIEW_H_

#include "absl/status/status.h"
#include "core/policy/configuration.h"

namespace countersign::policy {

// What is asked of documents when they are applied, on top of what every configuration keeps: that the names
// in them lead somewhere, so that a misspelled rule does not silently leave its targets to the default, and
// that no two persons can be taken for each other. Not asked of what was applied before, so that a broker
// keeps working with it.
// INVALID_FIELD with the path and the name of the first thing that is wrong. Pure.
absl::Status Review(const Configuration& configuration);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_CORE_POLICY_REVIEW_H_
