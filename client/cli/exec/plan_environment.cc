#include "client/cli/exec/plan_environment.h"

#include <algorithm>
#include <iterator>

#include "client/cli/exec/child_environment.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kHarmless[] = {"TF_DISABLE_PLUGIN_TLS", "TF_LOG", "TF_LOG_CORE", "TF_LOG_PATH",
                                          "TF_LOG_PROVIDER"};
// Credentials for registries, and those of the backend `http`, where the plan has none.
constexpr std::string_view kHarmlessPrefixes[] = {"TF_HTTP_", "TF_TOKEN_"};

// In any case, as on systems where the names of variables have none.
bool IsTerraforms(std::string_view name) {
  return name.size() >= 3 && (name[0] == 'T' || name[0] == 't') && (name[1] == 'F' || name[1] == 'f') &&
         name[2] == '_';
}

bool IsReadAtApply(const v1::PlanView& plan, std::string_view name) {
  const auto& names = plan.apply_time_variables();
  return text::ConsumePrefix(&name, "TF_VAR_") && std::find(names.begin(), names.end(), name) != names.end();
}

bool MayPass(const v1::PlanView& plan, std::string_view name) {
  return !IsTerraforms(name) ||
         std::find(std::begin(kHarmless), std::end(kHarmless), name) != std::end(kHarmless) ||
         std::any_of(std::begin(kHarmlessPrefixes), std::end(kHarmlessPrefixes),
                     [name](std::string_view prefix) { return name.starts_with(prefix); }) ||
         IsReadAtApply(plan, name);
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> BuildPlanEnvironment(
    const v1::PlanView& plan, const std::vector<std::string>& passed, const std::string& path,
    const std::string& settings_file, const std::function<const char*(const char*)>& variable) {
  for (const std::string& name : passed) {
    if (MayPass(plan, name)) continue;
    return absl::InvalidArgumentError(
        text::Concat("the passed variable ", name,
                     " would change what Terraform does; everything that it is to do must be in the plan"));
  }
  auto environment = BuildEnvironment({}, passed, path, variable);
  if (!environment.ok()) return environment;
  (*environment)["CHECKPOINT_DISABLE"] = "1";
  (*environment)["TF_CLI_CONFIG_FILE"] = settings_file;
  (*environment)["TF_INPUT"] = "0";
  (*environment)["TF_IN_AUTOMATION"] = "1";
  // Before 1.15 Terraform applies a plan of one workspace while another one is selected.
  (*environment)["TF_WORKSPACE"] = plan.backend().workspace();
  return environment;
}

}  // namespace countersign::cli
