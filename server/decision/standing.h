#ifndef COUNTERSIGN_SERVER_DECISION_STANDING_H_
#define COUNTERSIGN_SERVER_DECISION_STANDING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/policy/configuration.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::decision {

// Whether a proposal that waits or is approved still stands under `configuration`. Asked at every decide,
// claim and redeem. Pure.
//   POLICY_CHANGED         target gone, in another environment or applied with another program, requester
//                          revoked or gone, or policy now asks something else than what was recorded
//   APPROVER_NOT_ELIGIBLE  (APPROVED only) without those who may no longer decide, the quorum is not met
//   DATA_CORRUPTED         the recorded digest is not that of the action, or a decision is about another
//   digest
absl::Status CheckStanding(const policy::Configuration& configuration, const v1::Proposal& proposal);

// The principals that approved, in order.
std::vector<std::string> Approvers(const v1::Proposal& proposal);

}  // namespace countersign::decision

#endif  // COUNTERSIGN_SERVER_DECISION_STANDING_H_
