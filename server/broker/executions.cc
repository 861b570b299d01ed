// What runners do: claim, redeem, heartbeat, report.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "server/audit/event.h"
#include "server/base/timestamps.h"
#include "server/broker/broker.h"
#include "server/broker/recorded_answer.h"
#include "server/broker/world_moved.h"
#include "server/proposal/life.h"
#include "server/proposal/resource_name.h"
#include "server/proposal/validate.h"
#include "server/token/issue.h"

namespace countersign::broker {
namespace {

// A runner that misses two heartbeats in a row still keeps its lease.
constexpr int kHeartbeatsPerLease = 3;
// How far ahead of this replica's clock the clock of the one that issued a token may be.
constexpr absl::Duration kClockSkew = absl::Seconds(10);
// Longer than any run, and far inside what a Duration can say.
constexpr absl::Duration kMaxRunDuration = absl::Hours(366 * 24);

absl::Status CheckExecutor(const policy::Configuration& configuration, const v1::Proposal& proposal,
                           const std::string& principal) {
  const v1::Target* target = configuration.FindTarget(proposal.action().target());
  if (target != nullptr && std::find(target->executors().begin(), target->executors().end(), principal) !=
                               target->executors().end()) {
    return absl::OkStatus();
  }
  return error::Make(v1::NOT_PERMITTED,
                     text::Concat("you are not an executor of ", proposal.action().target()));
}

// State, time and standing, as at every step between approval and run.
absl::Status CheckUsable(const v1::Proposal& proposal, proposal::Step next, absl::Time now) {
  const auto state = proposal::Next(proposal.state(), next);
  if (!state.ok()) return state.status();
  if (now >= base::ToTime(proposal.approval_expire_time())) {
    return error::Make(v1::APPROVAL_EXPIRED, "the time to use this approval is over; submit it again");
  }
  return absl::OkStatus();
}

// The same for a proposal that does not exist, one that the caller may not see, and another's execution.
absl::Status NoSuchExecution() { return error::Make(v1::NOT_FOUND, "no such execution of yours"); }

absl::Status CheckExecution(const v1::Proposal& proposal, const std::string& principal,
                            const std::string& execution_id) {
  if (!proposal.has_execution() || proposal.execution().id() != execution_id ||
      proposal.execution().executor() != principal) {
    return NoSuchExecution();
  }
  return absl::OkStatus();
}

absl::Status ValidateReportedState(const v1::PlanState& state) {
  const auto visible = [](const std::string& text, size_t limit) {
    return text.size() <= limit &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  };
  if (!visible(state.lineage(), 256))
    return error::InvalidField("state.lineage", "must be at most 256 of visible ASCII");
  if (state.resource_count() < 0) return error::InvalidField("state.resource_count", "must not be negative");
  if (!state.content_digest().empty() && !digest::IsSha256(state.content_digest())) {
    return error::InvalidField("state.content_digest", "must be sha256: and 64 lower-case hex digits");
  }
  if (!visible(state.terraform_version(), 64))
    return error::InvalidField("state.terraform_version", "must be at most 64 of visible ASCII");
  if (!state.previous_content_digest().empty())
    return error::InvalidField("state.previous_content_digest", "must be empty: only plans have one");
  if (!state.without_change().empty())
    return error::InvalidField("state.without_change", "must be empty: only plans have it");
  return absl::OkStatus();
}

absl::Status ValidateStartFailure(const v1::ReportExecutionRequest& request) {
  constexpr size_t kMostBytes = 256;
  if (!request.start_failure().empty() && request.exit_code() == 0) {
    return error::InvalidField("start_failure", "must be empty where exit_code is 0");
  }
  if (request.start_failure().size() > kMostBytes) {
    return error::InvalidField("start_failure", "must be at most 256 bytes");
  }
  return proposal::ValidateText(request.start_failure(), "start_failure", /*required=*/false);
}

// What a report says beside the outcome.
std::string DetailOf(const v1::ReportExecutionRequest& request, bool late, bool memory_moved) {
  std::vector<std::string> details;
  if (!request.start_failure().empty()) {
    details.push_back(text::Concat("its program was never started: ", request.start_failure()));
  }
  if (late) details.push_back("reported after its lease was lost");
  if (request.has_state() && !memory_moved) {
    details.push_back(
        "the state it left is not the target's, or is older, so the target's memory was not moved");
  }
  return absl::StrJoin(details, "; ");
}

// What is recorded in the place of a token: its id, and the certificate that it was issued to.
struct IssuedToken {
  std::string id;
  std::string holder_thumbprint;

  std::string ToText() const { return text::Concat(id, " ", holder_thumbprint); }
  static IssuedToken FromText(std::string_view text) {
    const size_t end = std::min(text.find(' '), text.size());
    return {std::string(text.substr(0, end)), std::string(text.substr(std::min(end + 1, text.size())))};
  }
};

}  // namespace

absl::StatusOr<std::string> Broker::SignToken(const Caller& caller, const v1::Proposal& proposal,
                                              const std::string& token_id, absl::Time issue_time) const {
  const auto current = configuration();
  const v1::Target* target = current->FindTarget(proposal.action().target());
  if (target == nullptr) return error::Make(v1::POLICY_CHANGED, "the target was removed; submit it again");
  const auto key = keys_->ActiveKey(clock_->Now());
  if (!key.ok()) return error::Make(v1::INTERNAL, text::MessageOf(key.status()));
  return jws::IssueExecutionToken(**key,
                                  token::ClaimsFor(proposal, *current, *target, options_.issuer, token_id,
                                                   caller.certificate_thumbprint, issue_time));
}

absl::StatusOr<v1::ClaimProposalResponse> Broker::ClaimProposal(const Caller& caller,
                                                                const v1::ClaimProposalRequest& request,
                                                                absl::Time deadline) {
  if (const absl::Status status = proposal::ValidateRequestId(request.request_id()); !status.ok())
    return status;
  const auto id = proposal::ParseProposalName(request.name(), "name");
  if (!id.ok()) return id.status();
  const Call call = MakeCall(caller, Method::kClaimProposal, request.request_id(), request, deadline);
  const std::string token_id = base::NewId(*random_);
  auto response = ReadAnswer<v1::ClaimProposalResponse>(
      Transition(call, *id, [&](const Snapshot& snapshot) { return ClaimRule(call, token_id, snapshot); }));
  if (!response.ok()) return response.status();
  // A repeated claim gets the same token, signed again, as long as no other claim came after it.
  const IssuedToken issued = IssuedToken::FromText(response->token());
  if (issued.id != token_id) {
    if (!digest::Equal(issued.holder_thumbprint, caller.certificate_thumbprint)) {
      return error::Make(v1::TOKEN_WRONG_HOLDER,
                         "this claim was answered to another certificate; claim with a new request_id");
    }
    const auto record = store_->Get(*id, deadline);
    if (!record.ok()) return record.status();
    if (record->current_token_id != issued.id || record->proposal.state() != v1::Proposal::APPROVED) {
      return error::Make(v1::WRONG_STATE,
                         "this claim was answered before, and its token can no longer be redeemed");
    }
  }
  auto token =
      SignToken(caller, response->proposal(), issued.id, base::ToTime(response->proposal().update_time()));
  if (!token.ok()) return token.status();
  response->set_token(*std::move(token));
  return response;
}

absl::StatusOr<Broker::Step> Broker::ClaimRule(const Call& call, const std::string& token_id,
                                               const Snapshot& snapshot) const {
  const v1::Proposal& before = snapshot.record.proposal;
  const policy::Configuration& configuration = *snapshot.configuration;
  if (!MaySee(call.caller, before)) return error::Make(v1::NOT_FOUND, "no such proposal");
  absl::Status status = CheckExecutor(configuration, before, call.caller.principal);
  if (status.ok()) status = CheckUsable(before, proposal::Step::kIssueToken, snapshot.now);
  if (!status.ok()) return status;
  if (const absl::Status standing = CheckStanding(snapshot, call.deadline); !standing.ok()) {
    if (!IsWorldMoved(standing)) return standing;
    return Supersede(call, snapshot, standing);
  }
  Step step;
  step.change.configuration_version = configuration.version();
  step.change.proposal = before;
  step.change.proposal.set_claim_count(before.claim_count() + 1);
  step.change.current_token_id = token_id;
  const v1::Target& target = *configuration.FindTarget(before.action().target());
  const jws::ExecutionClaims claims =
      token::ClaimsFor(before, configuration, target, options_.issuer, token_id,
                       call.caller.certificate_thumbprint, snapshot.now);
  if (claims.expire_time <= snapshot.now) {
    return error::Make(v1::APPROVAL_EXPIRED, "the time to use this approval is over; submit it again");
  }
  step.change.issue = storage::TokenIssue{token_id, call.caller.principal, call.caller.certificate_thumbprint,
                                          claims.issue_time, claims.expire_time};
  step.change.event = audit::Event(
      "token.issued", call.caller.principal, before.name(), call.request_id, snapshot.now,
      {{"token_id", token_id},
       {"action_digest", before.action_digest()},
       {"expire_time", absl::FormatTime(absl::RFC3339_sec, claims.expire_time, absl::UTCTimeZone())}});
  const IssuedToken issued{token_id, call.caller.certificate_thumbprint};
  step.answer = [issued, expire_time = claims.expire_time](const v1::Proposal& after) {
    v1::ClaimProposalResponse response;
    *response.mutable_proposal() = after;
    response.set_token(issued.ToText());
    *response.mutable_token_expire_time() = base::ToTimestamp(expire_time);
    return response.SerializeAsString();
  };
  return step;
}

absl::StatusOr<v1::RedeemTokenResponse> Broker::RedeemToken(const Caller& caller,
                                                            const v1::RedeemTokenRequest& request,
                                                            absl::Time deadline) {
  if (const absl::Status status = proposal::ValidateRequestId(request.request_id()); !status.ok())
    return status;
  if (!digest::IsSha256(request.action_digest())) {
    return error::InvalidField("action_digest", "must be sha256: and 64 lower-case hex digits");
  }
  const auto claims = jws::ReadExecutionToken(request.token(), *keys_->PublicKeys());
  if (!claims.ok()) return claims.status();
  const auto id = proposal::ParseProposalName(claims->proposal, "token");
  if (!id.ok()) return id.status();
  // The token is a secret, so the call is known by the token's id. A repeated call may carry the token signed
  // anew.
  v1::RedeemTokenRequest body = request;
  body.set_token(claims->token_id);
  const Call call = MakeCall(caller, Method::kRedeemToken, request.request_id(), body, deadline);
  const std::string execution_id = base::NewId(*random_);
  const auto response =
      ReadAnswer<v1::RedeemTokenResponse>(Transition(call, *id, [&](const Snapshot& snapshot) {
        return RedeemRule(call, *claims, request.action_digest(), execution_id, snapshot);
      }));
  if (!response.ok() || response->proposal().execution().id() == execution_id) return response;
  const absl::Status alive = CheckStillExecuting(call, *claims, response->proposal());
  if (!alive.ok()) return alive;
  return response;
}

// The first answer is leave to run, so a repeated call gets it only while it is that.
absl::Status Broker::CheckStillExecuting(const Call& call, const jws::ExecutionClaims& claims,
                                         const v1::Proposal& answered) const {
  if (!digest::Equal(claims.holder_thumbprint, call.caller.certificate_thumbprint)) {
    return error::Make(v1::TOKEN_WRONG_HOLDER, "the token was issued to another certificate");
  }
  const auto id = proposal::ParseProposalName(answered.name(), "name");
  if (!id.ok()) return id.status();
  const auto record = store_->Get(*id, call.deadline);
  if (!record.ok()) return record.status();
  const v1::Proposal& now = record->proposal;
  if (now.state() != v1::Proposal::EXECUTING || now.execution().id() != answered.execution().id()) {
    return error::Make(v1::WRONG_STATE,
                       text::Concat("this token was redeemed before, and the proposal is ",
                                    v1::Proposal::State_Name(now.state()), " now; do not run it again"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Broker::Step> Broker::RedeemRule(const Call& call, const jws::ExecutionClaims& claims,
                                                const std::string& action_digest,
                                                const std::string& execution_id,
                                                const Snapshot& snapshot) const {
  const v1::Proposal& before = snapshot.record.proposal;
  const policy::Configuration& configuration = *snapshot.configuration;
  const v1::Target* target = configuration.FindTarget(before.action().target());
  if (target == nullptr) return error::Make(v1::POLICY_CHANGED, "the target was removed; submit it again");
  // A leeway would put off the token's end as well.
  const absl::Time begun = std::min(claims.not_before_time, snapshot.now + kClockSkew);
  const jws::Expectation expectation{.issuer = options_.issuer,
                                     .audience = token::AudienceOf(*target, options_.issuer),
                                     .now = std::max(snapshot.now, begun),
                                     .leeway = absl::ZeroDuration(),
                                     .holder_thumbprint = call.caller.certificate_thumbprint};
  const absl::Status expected = jws::CheckClaims(claims, expectation);
  const bool spent = before.execution().token_id() == claims.token_id;
  // A spent token is called spent also when it has expired since.
  if (spent && (expected.ok() || error::ReasonOf(expected) == v1::TOKEN_EXPIRED)) {
    return error::Make(v1::TOKEN_ALREADY_REDEEMED, "the token was spent");
  }
  absl::Status status = expected;
  if (status.ok()) status = CheckUsable(before, proposal::Step::kRedeem, snapshot.now);
  if (status.ok()) status = CheckExecutor(configuration, before, call.caller.principal);
  if (!status.ok()) return status;
  if (snapshot.record.current_token_id != claims.token_id) {
    return error::Make(v1::TOKEN_INVALID, "a later claim replaced this token");
  }
  if (!digest::Equal(action_digest, before.action_digest()) ||
      !digest::Equal(claims.action_digest, before.action_digest())) {
    return error::Make(v1::DIGEST_MISMATCH, "what you are about to run is not what was approved");
  }
  if (const absl::Status standing = CheckStanding(snapshot, call.deadline); !standing.ok()) {
    if (!IsWorldMoved(standing)) return standing;
    return Supersede(call, snapshot, standing);
  }
  Step step;
  step.change.configuration_version = configuration.version();
  step.change.proposal = before;
  v1::Proposal& proposal = step.change.proposal;
  proposal.set_state(v1::Proposal::EXECUTING);
  const absl::Duration lease = base::ToDuration(proposal.requirement().lease_lifetime());
  v1::Execution* execution = proposal.mutable_execution();
  execution->set_id(execution_id);
  execution->set_executor(call.caller.principal);
  execution->set_token_id(claims.token_id);
  *execution->mutable_redeem_time() = base::ToTimestamp(snapshot.now);
  *execution->mutable_lease_expire_time() = base::ToTimestamp(snapshot.now + lease);
  step.change.redeem_token_id = claims.token_id;
  step.change.event = audit::Event(
      "token.redeemed", call.caller.principal, proposal.name(), call.request_id, snapshot.now,
      {{"token_id", claims.token_id}, {"execution_id", execution->id()}, {"action_digest", action_digest}});
  step.answer = [lease](const v1::Proposal& after) {
    v1::RedeemTokenResponse response;
    *response.mutable_proposal() = after;
    *response.mutable_heartbeat_interval() = base::ToProtoDuration(lease / kHeartbeatsPerLease);
    return response.SerializeAsString();
  };
  return step;
}

absl::StatusOr<v1::HeartbeatResponse> Broker::Heartbeat(const Caller& caller,
                                                        const v1::HeartbeatRequest& request,
                                                        absl::Time deadline) {
  const auto id = proposal::ParseProposalName(request.name(), "name");
  if (!id.ok()) return id.status();
  bool recent = true;
  const auto record = Load(*id, &recent, deadline);
  if (error::ReasonOf(record.status()) == v1::NOT_FOUND) return NoSuchExecution();
  if (!record.ok()) return record.status();
  const absl::Status status = CheckExecution((*record)->proposal, caller.principal, request.execution_id());
  if (!status.ok()) return status;
  const absl::Time until =
      clock_->Now() + base::ToDuration((*record)->proposal.requirement().lease_lifetime());
  const absl::Status renewed = store_->RenewLease(*id, request.execution_id(), until, deadline);
  if (!renewed.ok()) return renewed;
  v1::HeartbeatResponse response;
  *response.mutable_lease_expire_time() = base::ToTimestamp(until);
  return response;
}

absl::StatusOr<v1::Proposal> Broker::ReportExecution(const Caller& caller,
                                                     const v1::ReportExecutionRequest& request,
                                                     absl::Time deadline) {
  if (const absl::Status status = proposal::ValidateRequestId(request.request_id()); !status.ok())
    return status;
  if (request.exit_code() < 0 || request.exit_code() > 255)
    return error::InvalidField("exit_code", "must be 0 to 255");
  const absl::Duration duration = base::ToDuration(request.duration());
  if (!base::IsValid(request.duration()) || duration < absl::ZeroDuration() || duration > kMaxRunDuration) {
    return error::InvalidField("duration", "must be a google.protobuf.Duration from 0 to 366 days");
  }
  if (const absl::Status status = ValidateStartFailure(request); !status.ok()) return status;
  if (const absl::Status status = ValidateReportedState(request.state()); !status.ok()) return status;
  const Call call = MakeCall(caller, Method::kReportExecution, request.request_id(), request, deadline);
  const auto rule = [&](const Snapshot& snapshot) -> absl::StatusOr<Step> {
    Step step;
    step.change.proposal = snapshot.record.proposal;
    v1::Proposal& proposal = step.change.proposal;
    const absl::Status mine = CheckExecution(proposal, caller.principal, request.execution_id());
    if (!mine.ok()) return mine;
    const bool success = request.exit_code() == 0;
    const auto state = proposal::Next(
        proposal.state(), success ? proposal::Step::kReportSuccess : proposal::Step::kReportFailure);
    if (!state.ok()) return state.status();
    const bool late = proposal.state() == v1::Proposal::AMBIGUOUS;
    proposal.set_state(*state);
    *proposal.mutable_execution()->mutable_report_time() = base::ToTimestamp(snapshot.now);
    proposal.mutable_execution()->set_exit_code(request.exit_code());
    *proposal.mutable_execution()->mutable_duration() = request.duration();
    auto memory = MemoryAfter(request, snapshot.record.proposal, snapshot.now, call.deadline);
    if (!memory.ok()) return memory.status();
    step.change.memory = *std::move(memory);
    if (request.has_state()) {
      *proposal.mutable_execution()->mutable_state() = request.state();
      proposal.mutable_execution()->mutable_state()->clear_resources();
      proposal.mutable_execution()->mutable_state()->clear_without_change();
    }
    proposal.set_state_detail(DetailOf(request, late, step.change.memory.has_value()));
    step.change.event =
        audit::Event("execution.reported", caller.principal, proposal.name(), call.request_id, snapshot.now,
                     {{"execution_id", request.execution_id()},
                      {"exit_code", text::Concat(request.exit_code())},
                      {"state", v1::Proposal::State_Name(*state)},
                      {"start_failure", request.start_failure()},
                      {"lineage", request.state().lineage()},
                      {"serial", text::Concat(request.state().serial())},
                      {"memory_version",
                       text::Concat(step.change.memory.has_value() ? step.change.memory->version()
                                                                   : proposal.plan().memory_version())}});
    return step;
  };
  auto reported = TransitionProposal(call, request.name(), rule);
  if (error::ReasonOf(reported.status()) == v1::NOT_FOUND) return NoSuchExecution();
  // Whatever this leaves undone, the sweeper does.
  if (reported.ok() && request.has_state()) (void)SupersedeOvertaken(deadline);
  return reported;
}

}  // namespace countersign::broker
