// exec, step by step: wait, check, bring the approved bytes, claim, verify, redeem, run, report.
#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_EXECUTION_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_EXECUTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"

namespace countersign::cli {

struct ExecOptions {
  std::string id;
  std::string timeout;  // For the approval and for the target to be free, together; empty means for ever.
  std::string path;
  std::vector<std::string> passed_variables;
  // Of saved plans only.
  std::string directory;  // Where `terraform init` was run; empty means the current one.
  std::string terraform;  // The program; empty means terraform or tofu, whichever made the plan.
  bool replan = false;    // Apply a fresh plan that does the same; what stands behind "--" is for planning.
};

// Runs what was approved, once, and gives its exit code. Any error is a refusal: nothing was run.
absl::StatusOr<int> Execute(Session& session, const ExecOptions& options);

// Where programs are looked up.
std::string ProgramPathOf(const ExecOptions& options);

// OK when `given` is empty or exactly what was approved; else says which argument differs.
absl::Status CheckCommand(const std::vector<std::string>& given, const v1::Action& approved);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_EXECUTION_H_
