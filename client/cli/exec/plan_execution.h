// exec for a saved plan: apply exactly the approved one, or a fresh one that does the same.
#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_PLAN_EXECUTION_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_PLAN_EXECUTION_H_

#include "absl/status/statusor.h"
#include "client/cli/exec/execution.h"
#include "client/cli/exec/turn.h"

namespace countersign::cli {

// As Execute(), for an approved proposal that holds a saved plan. Before it claims a token it checks all that
// Terraform does not check, or only once it is too late: version, providers, backend, and that the state is
// the one that the plan was made on. Afterwards it reports the state that it left.
absl::StatusOr<int> ExecutePlan(const ExecutionContext& context, const v1::Proposal& proposal,
                                const ExecOptions& options);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_PLAN_EXECUTION_H_
