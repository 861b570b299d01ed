#include "server/decision/decide.h"

#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/policy/quorum.h"
#include "core/policy/requirement.h"
#include "core/text/text.h"
#include "server/base/timestamps.h"
#include "server/decision/standing.h"
#include "server/proposal/life.h"

namespace countersign::decision {
namespace {

absl::Status CheckNotDecided(const v1::Proposal& proposal, const std::string& person) {
  for (const v1::Decision& decision : proposal.decisions()) {
    if (decision.person() == person) {
      return error::Make(v1::ALREADY_DECIDED, "you have decided on this proposal already");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckBallot(const policy::Configuration& configuration, const Ballot& ballot, absl::Time now,
                         const v1::Proposal& proposal) {
  const absl::Status eligible =
      policy::CheckEligible(configuration, proposal.requirement(), proposal.requester(), ballot.principal);
  if (!eligible.ok()) return eligible;
  // Before the state, so that a second vote of one person is called that also after it was the last one.
  const v1::Principal* principal = configuration.FindActivePrincipal(ballot.principal);
  const absl::Status undecided = CheckNotDecided(proposal, policy::Configuration::PersonOf(*principal));
  if (!undecided.ok()) return undecided;
  const auto next = proposal::Next(proposal.state(), proposal::Step::kDeny);
  if (!next.ok()) return next.status();
  if (now >= base::ToTime(proposal.expire_time())) {
    return error::Make(v1::APPROVAL_EXPIRED, "the time to decide on this proposal is over");
  }
  if (!digest::Equal(ballot.action_digest, proposal.action_digest())) {
    return error::Make(v1::DIGEST_MISMATCH,
                       "the digest you decided on is not this proposal's; show it again");
  }
  if (ballot.etag != proposal.etag()) {
    return error::Make(v1::ETAG_MISMATCH, "the proposal changed since it was shown; show it again");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Decide(const policy::Configuration& configuration, const Ballot& ballot, absl::Time now,
                    v1::Proposal* proposal) {
  absl::Status status = CheckBallot(configuration, ballot, now, *proposal);
  if (status.ok() && ballot.verdict == v1::Decision::APPROVE) {
    status = policy::CheckForbidden(proposal->requirement(), proposal->findings());
  }
  if (!status.ok()) return status;
  v1::Decision* decision = proposal->add_decisions();
  decision->set_principal(ballot.principal);
  decision->set_person(policy::Configuration::PersonOf(*configuration.FindActivePrincipal(ballot.principal)));
  decision->set_verdict(ballot.verdict);
  decision->set_comment(ballot.comment);
  decision->set_action_digest(ballot.action_digest);
  *decision->mutable_decide_time() = base::ToTimestamp(now);
  if (ballot.verdict == v1::Decision::DENY) {
    proposal->set_state(v1::Proposal::DENIED);
    proposal->set_state_detail(text::Concat("denied by ", ballot.principal));
    proposal->clear_blocked_by();
    return absl::OkStatus();
  }
  UpdateBlockedBy(configuration, proposal);
  if (proposal->blocked_by().empty()) MarkApproved(now, proposal);
  return absl::OkStatus();
}

void MarkApproved(absl::Time now, v1::Proposal* proposal) {
  proposal->set_state(v1::Proposal::APPROVED);
  proposal->clear_blocked_by();
  *proposal->mutable_approve_time() = base::ToTimestamp(now);
  *proposal->mutable_approval_expire_time() =
      base::ToTimestamp(now + base::ToDuration(proposal->requirement().approval_lifetime()));
}

void UpdateBlockedBy(const policy::Configuration& configuration, v1::Proposal* proposal) {
  proposal->clear_blocked_by();
  const absl::Status forbidden = policy::CheckForbidden(proposal->requirement(), proposal->findings());
  if (!forbidden.ok()) proposal->add_blocked_by(text::MessageOf(forbidden));
  const auto missing = policy::MissingApprovals(configuration, proposal->requirement(), proposal->requester(),
                                                Approvers(*proposal));
  for (const std::string& approvals : missing) proposal->add_blocked_by(approvals);
  if (missing.empty()) return;
  const std::string owner =
      policy::OnlyTheOwner(configuration, proposal->requirement(), proposal->requester());
  if (owner.empty()) return;
  proposal->add_blocked_by(text::Concat("a second pair of eyes: nobody but ", owner,
                                        ", who owns the requesting agent, may decide"));
}

}  // namespace countersign::decision
