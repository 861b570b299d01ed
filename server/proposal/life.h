// The life of a proposal: the table of its states, as code. Pure.
#ifndef COUNTERSIGN_SERVER_PROPOSAL_LIFE_H_
#define COUNTERSIGN_SERVER_PROPOSAL_LIFE_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::proposal {

// What can happen to a proposal.
enum class Step {
  kApproveInPart,  // An approval that leaves the quorum open.
  kApproveInFull,  // The approval that meets the quorum.
  kDeny,
  kCancel,
  kRevoke,
  kExpire,
  kSupersede,
  kIssueToken,
  kRedeem,
  kLoseLease,
  kReportSuccess,
  kReportFailure,
  kResolveSuccess,
  kResolveFailure,
};

// The state after `step`, or WRONG_STATE with what the state allows instead.
absl::StatusOr<v1::Proposal::State> Next(v1::Proposal::State from, Step step);

bool IsTerminal(v1::Proposal::State state);

}  // namespace countersign::proposal

#endif  // COUNTERSIGN_SERVER_PROPOSAL_LIFE_H_
