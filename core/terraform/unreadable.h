#ifndef COUNTERSIGN_CORE_TERRAFORM_UNREADABLE_H_
#define COUNTERSIGN_CORE_TERRAFORM_UNREADABLE_H_

#include <string_view>

#include "absl/status/status.h"

namespace countersign::terraform {

// PLAN_UNREADABLE. `place` says where in the file, in terms of the format: "zip", "tfplan:
// resource_changes[3]", "tfstate: resources[0].instances[1]". `what` is one sentence without a full stop, in
// our own words, that holds nothing of the file's content but numbers and names that were checked: it is
// shown to people.
absl::Status Unreadable(std::string_view place, std::string_view what);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_UNREADABLE_H_
