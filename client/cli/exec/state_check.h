// Whether the state that an apply would replace is the one that the plan was made on.
#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_STATE_CHECK_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_STATE_CHECK_H_

#include <string_view>

#include "absl/status/status.h"
#include "core/terraform/state_file.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::cli {

// Lineage and serial, which Terraform looks at as well, but only once it applies, and not at all where there
// is no state. `current` is null where there is none. Errors, with what to do: STATE_MISSING,
// STATE_LINEAGE_CHANGED, STATE_SERIAL_REGRESSED, PLAN_STALE.
absl::Status CheckVersion(const v1::PlanState& planned, const terraform::StateFile* current);

// CheckVersion(), and that the managed objects are those that the plan was made on, which Terraform never
// looks at: it replaces the state by the one in the plan. `bytes` are the plan's, from which the state before
// its refresh is read where digests do not settle it. What a newer provider makes of an object by itself is
// no difference; where the plan moves objects, only their number is compared. PLAN_STALE names what differs;
// PLAN_UNREADABLE.
absl::Status CheckState(const v1::PlanView& plan, std::string_view bytes,
                        const terraform::StateFile* current);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_STATE_CHECK_H_
