// The entry `tfplan` of a saved plan.
#ifndef COUNTERSIGN_CORE_TERRAFORM_PLAN_FILE_H_
#define COUNTERSIGN_CORE_TERRAFORM_PLAN_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/terraform/limits.h"
#include "core/terraform/plan_file.pb.h"

namespace countersign::terraform {

// The values of Change.action.
inline constexpr int32_t kActionNoOp = 0;
inline constexpr int32_t kActionCreate = 1;
inline constexpr int32_t kActionRead = 2;
inline constexpr int32_t kActionUpdate = 3;
inline constexpr int32_t kActionDelete = 5;
inline constexpr int32_t kActionDeleteThenCreate = 6;
inline constexpr int32_t kActionCreateThenDelete = 7;
inline constexpr int32_t kActionForget = 8;
inline constexpr int32_t kActionCreateThenForget = 9;

// The values of Plan.ui_mode.
inline constexpr int32_t kModeNormal = 0;
inline constexpr int32_t kModeDestroy = 1;
inline constexpr int32_t kModeRefreshOnly = 2;

// Reads a plan that Terraform 1.8 to 1.16, or an OpenTofu of the same numbers, wrote. What it answers holds:
// - no field, number or form that those versions, and the version that the plan itself names, do not write;
// - addresses of resources and actions that ParseAddress() accepts, of providers ParseProviderAddress(); no
//   two changes in one list with the same address and deposed key; only managed resources and data sources
//   change;
// - as many values in each change as its action asks for, none of them empty. They are not decoded;
// - a backend with a type, a configuration and a workspace; a time stamp.
// What it does not say: whether the plan can be applied (`errored`, `applyable`, `complete`), and whether any
// of it is true.
// Errors: PLAN_UNREADABLE.
absl::StatusOr<plan_file::Plan> ParsePlanFile(const std::string& bytes, const Limits& limits);

// The encoded value before or after a change that ParsePlanFile() has accepted; null pointer where the action
// has none. Lives as long as the change.
const std::string* BeforeOf(const plan_file::Change& change);
const std::string* AfterOf(const plan_file::Change& change);

// As `terraform show -json` writes it: {"delete", "create"}. Empty for what is no action. The texts are
// constants.
std::vector<std::string_view> ActionWords(int32_t action);
// As `terraform show -json` writes it: "replace_because_tainted". Empty for 0, which it leaves out, and for
// what is no reason.
std::string_view ActionReasonWord(int32_t reason);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_PLAN_FILE_H_
