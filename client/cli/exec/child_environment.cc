#include "client/cli/exec/child_environment.h"

#include <algorithm>
#include <array>

#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr std::array<std::string_view, 6> kKept = {"HOME", "USER", "LANG", "LC_ALL", "TZ", "TERM"};

constexpr std::array<std::string_view, 24> kDangerous = {
    "PATH",       "IFS",      "ENV",          "BASH_ENV",    "BASHOPTS",
    "SHELLOPTS",  "CDPATH",   "GLOBIGNORE",   "PS4",         "PROMPT_COMMAND",
    "ZDOTDIR",    "PERL5LIB", "PERL5OPT",     "PERL5DB",     "PERLLIB",
    "RUBYLIB",    "RUBYOPT",  "NODE_OPTIONS", "NODE_PATH",   "JAVA_TOOL_OPTIONS",
    "GCONV_PATH", "LOCPATH",  "NLSPATH",      "OPENSSL_CONF"};
constexpr std::array<std::string_view, 4> kDangerousPrefixes = {"LD_", "BASH_FUNC_", "PYTHON",
                                                                "GLIBC_TUNABLES"};

bool IsName(std::string_view name) {
  constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view kRest = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  return !name.empty() && kFirst.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(kRest) == std::string_view::npos;
}

absl::Status CheckName(std::string_view whose, const std::string& name) {
  if (!IsName(name))
    return absl::InvalidArgumentError(text::Concat(whose, " variable ", name, " has no proper name"));
  if (!ChangesWhatRuns(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(text::Concat(whose, " variable ", name, " would change which code runs"));
}

}  // namespace

bool ChangesWhatRuns(std::string_view name) {
  const auto is_prefix = [name](std::string_view prefix) { return name.substr(0, prefix.size()) == prefix; };
  return std::find(kDangerous.begin(), kDangerous.end(), name) != kDangerous.end() ||
         std::any_of(kDangerousPrefixes.begin(), kDangerousPrefixes.end(), is_prefix);
}

absl::StatusOr<std::map<std::string, std::string>> BuildEnvironment(
    const std::map<std::string, std::string>& approved, const std::vector<std::string>& passed,
    const std::string& path, const std::function<const char*(const char*)>& variable) {
  std::map<std::string, std::string> result = {{"PATH", path}};
  for (const std::string_view name : kKept) {
    const std::string text(name);
    if (const char* value = variable(text.c_str()); value != nullptr) result[text] = value;
  }
  for (const std::string& name : passed) {
    if (const auto status = CheckName("the passed", name); !status.ok()) return status;
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
    if (const auto status = CheckName("the approved", name); !status.ok()) return status;
    if (value.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(text::Concat("the approved variable ", name, " holds a NUL"));
    }
    result[name] = value;
  }
  return result;
}

}  // namespace countersign::cli
