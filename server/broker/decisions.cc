// What humans decide.
#include <utility>

#include "core/error/error.h"
#include "core/policy/quorum.h"
#include "core/text/text.h"
#include "server/audit/event.h"
#include "server/base/timestamps.h"
#include "server/broker/broker.h"
#include "server/broker/world_moved.h"
#include "server/decision/decide.h"
#include "server/proposal/life.h"
#include "server/proposal/validate.h"

namespace countersign::broker {
namespace {

absl::Status ValidateWords(const std::string& request_id, const std::string& comment, bool required) {
  const absl::Status status = proposal::ValidateRequestId(request_id);
  return status.ok() ? proposal::ValidateText(comment, "comment", required) : status;
}

absl::Status ValidateShown(const std::string& etag, const std::string& action_digest) {
  if (etag.empty()) return error::InvalidField("etag", "must be the etag that was shown");
  if (action_digest.empty()) return error::InvalidField("action_digest", "must be the digest that was shown");
  return absl::OkStatus();
}

// Admins may settle what is ambiguous even where no quorum names them, but nobody settles their own.
absl::Status CheckMayResolve(const policy::Configuration& configuration, const v1::Proposal& proposal,
                             const std::string& principal) {
  const absl::Status eligible =
      policy::CheckEligible(configuration, proposal.requirement(), proposal.requester(), principal);
  const bool admin = configuration.IsMember(principal, policy::kAdminGroup);
  if (error::ReasonOf(eligible) == v1::APPROVER_NOT_ELIGIBLE && admin) return absl::OkStatus();
  return eligible;
}

}  // namespace

absl::StatusOr<v1::Proposal> Broker::Cast(const Call& call, std::string_view name,
                                          v1::Decision::Verdict verdict, const std::string& etag,
                                          const std::string& action_digest, const std::string& comment) {
  absl::Status status = ValidateWords(call.request_id, comment, /*required=*/false);
  if (status.ok()) status = ValidateShown(etag, action_digest);
  if (!status.ok()) return status;
  return TransitionProposal(call, name, [&](const Snapshot& snapshot) {
    return CastRule(call, verdict, etag, action_digest, comment, snapshot);
  });
}

absl::StatusOr<Broker::Step> Broker::CastRule(const Call& call, v1::Decision::Verdict verdict,
                                              const std::string& etag, const std::string& action_digest,
                                              const std::string& comment, const Snapshot& snapshot) const {
  const v1::Proposal& before = snapshot.record.proposal;
  Step step;
  step.change.configuration_version = snapshot.configuration->version();
  step.change.proposal = before;
  v1::Proposal& proposal = step.change.proposal;
  const decision::Ballot ballot{call.caller.principal, verdict, etag, action_digest, comment};
  const absl::Status decided = decision::Decide(*snapshot.configuration, ballot, snapshot.now, &proposal);
  if (!decided.ok()) return decided;
  if (verdict == v1::Decision::APPROVE) {
    const absl::Status standing = CheckStanding(snapshot, call.deadline);
    if (!standing.ok() && !IsWorldMoved(standing)) return standing;
    if (!standing.ok()) return Supersede(call, snapshot, standing);
  }
  step.change.decision = proposal.decisions(proposal.decisions_size() - 1);
  step.change.event = audit::Event(verdict == v1::Decision::APPROVE ? "proposal.approved" : "proposal.denied",
                                   call.caller.principal, proposal.name(), call.request_id, snapshot.now,
                                   {{"action_digest", action_digest},
                                    {"person", step.change.decision->person()},
                                    {"state", v1::Proposal::State_Name(proposal.state())},
                                    {"policy_digest", snapshot.configuration->DigestOf("policy")}});
  return step;
}

absl::StatusOr<v1::Proposal> Broker::ApproveProposal(const Caller& caller,
                                                     const v1::ApproveProposalRequest& request,
                                                     absl::Time deadline) {
  const Call call = MakeCall(caller, Method::kApproveProposal, request.request_id(), request, deadline);
  return Cast(call, request.name(), v1::Decision::APPROVE, request.etag(), request.action_digest(),
              request.comment());
}

absl::StatusOr<v1::Proposal> Broker::DenyProposal(const Caller& caller,
                                                  const v1::DenyProposalRequest& request,
                                                  absl::Time deadline) {
  const Call call = MakeCall(caller, Method::kDenyProposal, request.request_id(), request, deadline);
  return Cast(call, request.name(), v1::Decision::DENY, request.etag(), request.action_digest(),
              request.comment());
}

absl::StatusOr<v1::Proposal> Broker::RevokeProposal(const Caller& caller,
                                                    const v1::RevokeProposalRequest& request,
                                                    absl::Time deadline) {
  const absl::Status status = ValidateWords(request.request_id(), request.comment(), /*required=*/false);
  if (!status.ok()) return status;
  const Call call = MakeCall(caller, Method::kRevokeProposal, request.request_id(), request, deadline);
  return TransitionProposal(call, request.name(), [&](const Snapshot& snapshot) -> absl::StatusOr<Step> {
    Step step;
    step.change.proposal = snapshot.record.proposal;
    v1::Proposal& proposal = step.change.proposal;
    const auto state = proposal::Next(proposal.state(), proposal::Step::kRevoke);
    if (!state.ok()) return state.status();
    proposal.set_state(*state);
    proposal.set_state_detail(text::Concat("revoked by ", caller.principal));
    step.change.event = audit::Event("proposal.revoked", caller.principal, proposal.name(), call.request_id,
                                     snapshot.now, {{"comment", request.comment()}});
    return step;
  });
}

absl::StatusOr<v1::Proposal> Broker::ResolveProposal(const Caller& caller,
                                                     const v1::ResolveProposalRequest& request,
                                                     absl::Time deadline) {
  absl::Status status = ValidateWords(request.request_id(), request.comment(), /*required=*/true);
  if (!status.ok()) return status;
  const bool success = request.outcome() == v1::Proposal::SUCCEEDED;
  if (!success && request.outcome() != v1::Proposal::FAILED) {
    return error::InvalidField("outcome", "must be SUCCEEDED or FAILED");
  }
  const Call call = MakeCall(caller, Method::kResolveProposal, request.request_id(), request, deadline);
  return TransitionProposal(call, request.name(), [&](const Snapshot& snapshot) -> absl::StatusOr<Step> {
    Step step;
    step.change.configuration_version = snapshot.configuration->version();
    step.change.proposal = snapshot.record.proposal;
    v1::Proposal& proposal = step.change.proposal;
    const absl::Status may = CheckMayResolve(*snapshot.configuration, proposal, caller.principal);
    if (!may.ok()) return may;
    const auto state = proposal::Next(
        proposal.state(), success ? proposal::Step::kResolveSuccess : proposal::Step::kResolveFailure);
    if (!state.ok()) return state.status();
    if (request.etag() != proposal.etag()) {
      return error::Make(v1::ETAG_MISMATCH, "the proposal changed since it was shown; show it again");
    }
    proposal.set_state(*state);
    proposal.set_state_detail(text::Concat("settled by ", caller.principal));
    v1::Resolution* resolution = proposal.mutable_execution()->mutable_resolution();
    resolution->set_principal(caller.principal);
    resolution->set_comment(request.comment());
    *resolution->mutable_resolve_time() = base::ToTimestamp(snapshot.now);
    step.change.event =
        audit::Event("execution.resolved", caller.principal, proposal.name(), call.request_id, snapshot.now,
                     {{"outcome", v1::Proposal::State_Name(*state)}, {"comment", request.comment()}});
    return step;
  });
}

}  // namespace countersign::broker
