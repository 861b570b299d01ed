#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_CHILD_ENVIRONMENT_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_CHILD_ENVIRONMENT_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace countersign::cli {

// Where programs are looked up unless the runner says otherwise.
inline constexpr std::string_view kProgramPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The program's environment, made from nothing: PATH, and LANG=C.UTF-8; the runner's variables in `passed`;
// and what was approved. HOME is the caller's to add, unless it is passed. `variable` is like getenv. An
// error, which names the variable, when what was approved changes what runs, what is passed loads code, is
// not set, or is also in what was approved.
absl::StatusOr<std::map<std::string, std::string>> BuildEnvironment(
    const std::map<std::string, std::string>& approved, const std::vector<std::string>& passed,
    const std::string& path, const std::function<const char*(const char*)>& variable);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_CHILD_ENVIRONMENT_H_
