#include "server/decision/standing.h"

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/policy/quorum.h"
#include "core/policy/requirement.h"
#include "core/text/text.h"

namespace countersign::decision {
namespace {

absl::Status CheckDigests(const v1::Proposal& proposal) {
  const auto computed = digest::ActionDigest(proposal.action());
  if (!computed.ok() || !digest::Equal(*computed, proposal.action_digest())) {
    return error::Make(v1::DATA_CORRUPTED, "the stored action does not have the digest that was recorded");
  }
  for (const v1::Decision& decision : proposal.decisions()) {
    if (!digest::Equal(decision.action_digest(), proposal.action_digest())) {
      return error::Make(v1::DATA_CORRUPTED, "a stored decision is about another digest");
    }
  }
  return absl::OkStatus();
}

absl::Status Changed(std::string_view what) {
  return error::Make(v1::POLICY_CHANGED, text::Concat(what, " since this was submitted; submit it again"));
}

}  // namespace

std::vector<std::string> Approvers(const v1::Proposal& proposal) {
  std::vector<std::string> approvers;
  for (const v1::Decision& decision : proposal.decisions()) {
    if (decision.verdict() == v1::Decision::APPROVE) approvers.push_back(decision.principal());
  }
  return approvers;
}

absl::Status CheckStanding(const policy::Configuration& configuration, const v1::Proposal& proposal) {
  if (const absl::Status status = CheckDigests(proposal); !status.ok()) return status;
  const v1::Target* target = configuration.FindTarget(proposal.action().target());
  if (target == nullptr) return Changed("the target was removed");
  if (target->environment() != proposal.environment())
    return Changed("the target moved to another environment");
  if (proposal.has_plan() && target->engine() != proposal.plan().target_engine())
    return Changed("what the target is applied with changed");
  if (configuration.FindActivePrincipal(proposal.requester()) == nullptr)
    return Changed("the requester was revoked");
  const v1::Requirement now =
      policy::Evaluate(configuration, *target, proposal.action().kind(), proposal.findings());
  // A requirement holds no map, so equal ones have equal bytes.
  if (now.SerializeAsString() != proposal.requirement().SerializeAsString()) {
    return Changed("policy for this target changed");
  }
  if (proposal.state() != v1::Proposal::APPROVED) return absl::OkStatus();
  const auto missing =
      policy::MissingApprovals(configuration, now, proposal.requester(), Approvers(proposal));
  if (missing.empty()) return absl::OkStatus();
  return error::Make(v1::APPROVER_NOT_ELIGIBLE,
                     text::Concat("an approver may no longer decide, so the approval lacks ",
                                  absl::StrJoin(missing, " and "), "; submit it again"));
}

}  // namespace countersign::decision
