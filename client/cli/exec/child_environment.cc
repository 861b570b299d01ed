#include "client/cli/exec/child_environment.h"

#include "core/policy/environment_names.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

bool IsName(std::string_view name) {
  constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view kRest = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  return !name.empty() && kFirst.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(kRest) == std::string_view::npos;
}

absl::Status CheckName(std::string_view whose, const std::string& name,
                       bool (*is_refused)(std::string_view)) {
  if (!IsName(name))
    return absl::InvalidArgumentError(text::Concat(whose, " variable ", name, " has no proper name"));
  if (!is_refused(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(text::Concat(whose, " variable ", name, " would change which code runs"));
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> BuildEnvironment(
    const std::map<std::string, std::string>& approved, const std::vector<std::string>& passed,
    const std::string& path, const std::function<const char*(const char*)>& variable) {
  std::map<std::string, std::string> result = {{"LANG", "C.UTF-8"}, {"PATH", path}};
  for (const std::string& name : passed) {
    if (const auto status = CheckName("the passed", name, policy::LoadsCode); !status.ok()) return status;
    if (approved.count(name) != 0) {
      return absl::InvalidArgumentError(
          text::Concat("the passed variable ", name, " is set by what was approved"));
    }
    const char* value = variable(name.c_str());
    if (value == nullptr)
      return absl::InvalidArgumentError(text::Concat("the passed variable ", name, " is not set"));
    result[name] = value;
  }
  for (const auto& [name, value] : approved) {
    if (const auto status = CheckName("the approved", name, policy::ChangesWhatRuns); !status.ok())
      return status;
    if (value.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(text::Concat("the approved variable ", name, " holds a NUL"));
    }
    result[name] = value;
  }
  return result;
}

}  // namespace countersign::cli
