#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_PLAN_ENVIRONMENT_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_PLAN_ENVIRONMENT_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::cli {

// Terraform's own configuration while it works for us: without development overrides of providers, which
// would run without a look at the lock file.
inline constexpr std::string_view kTerraformSettings = "disable_checkpoint = true\n";

// The environment of Terraform for a plan, made from nothing: as BuildEnvironment() without anything
// approved, and what keeps Terraform from asking, calling home, and reading settings, or choosing a
// workspace, other than ours. `settings_file` holds kTerraformSettings. Of the passed variables those that
// Terraform reads itself are refused: they add arguments, replace providers or values. What only logs or
// authenticates may pass, and so may values that the plan says are given anew at apply.
absl::StatusOr<std::map<std::string, std::string>> BuildPlanEnvironment(
    const v1::PlanView& plan, const std::vector<std::string>& passed, const std::string& path,
    const std::string& settings_file, const std::function<const char*(const char*)>& variable);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_PLAN_ENVIRONMENT_H_
