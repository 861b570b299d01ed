// Who may decide, and whether enough have. Pure functions over one configuration.
#ifndef COUNTERSIGN_CORE_POLICY_QUORUM_H_
#define COUNTERSIGN_CORE_POLICY_QUORUM_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/policy/configuration.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::policy {

// OK when `decider` may decide on what `requester` asked for under `requirement`.
// SELF_APPROVAL_FORBIDDEN for the requester, another identity of the same person, and, where the requirement
// says so, the owner of the requesting agent. APPROVER_NOT_ELIGIBLE for everybody who is not an active human
// of one of the quorums' groups; agents are refused here whatever groups name them.
absl::Status CheckEligible(const Configuration& configuration, const v1::Requirement& requirement,
                           std::string_view requester, std::string_view decider);

// What the approving principals leave open, a sentence for each quorum; empty when all quorums are met.
// Each person counts once, and for one quorum only. Approvers who are no longer eligible do not count.
std::vector<std::string> MissingApprovals(const Configuration& configuration,
                                          const v1::Requirement& requirement, std::string_view requester,
                                          const std::vector<std::string>& approvers);

// QUORUM_IMPOSSIBLE when not even everybody in the directory together could meet the quorums.
absl::Status CheckReachable(const Configuration& configuration, const v1::Requirement& requirement,
                            std::string_view requester);

// The owner of the requesting agent where nobody else may decide; empty where somebody may, and where no
// agent asks.
std::string OnlyTheOwner(const Configuration& configuration, const v1::Requirement& requirement,
                         std::string_view requester);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_CORE_POLICY_QUORUM_H_
