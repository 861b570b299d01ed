// What happens once leave is given: run, keep the lease, report.
#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_REPORT_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_REPORT_H_

#include <functional>

#include "client/cli/exec/child.h"
#include "client/cli/exec/turn.h"

namespace countersign::cli {

// The token is spent: runs the command, and reports whatever comes of it. `complete` may add to the report
// what is only known afterwards; the lease is still kept then. Gives the exit code.
int RunAndReport(const ExecutionContext& context, const v1::RedeemTokenResponse& leave,
                 const Command& command,
                 const std::function<void(v1::ReportExecutionRequest*)>& complete = {});

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_REPORT_H_
