// Submitting, reading, listing and withdrawing proposals.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/policy/quorum.h"
#include "core/policy/requirement.h"
#include "core/text/text.h"
#include "server/audit/event.h"
#include "server/base/timestamps.h"
#include "server/broker/broker.h"
#include "server/broker/page_token.h"
#include "server/broker/recorded_answer.h"
#include "server/decision/decide.h"
#include "server/proposal/life.h"
#include "server/proposal/resource_name.h"
#include "server/proposal/validate.h"

namespace countersign::broker {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 500;

absl::Status ValidateCreate(const v1::CreateProposalRequest& request) {
  absl::Status status = proposal::ValidateRequestId(request.request_id());
  if (status.ok()) status = proposal::ValidateText(request.reason(), "reason", /*required=*/true);
  if (status.ok()) status = proposal::ValidateAction(request.action());
  return status;
}

void AddVersion(const policy::Configuration& configuration, const std::string& name, v1::Proposal* proposal) {
  v1::DocumentVersion* version = proposal->add_document_versions();
  version->set_name(name);
  version->set_digest(configuration.DigestOf(name));
}

std::string CodesOf(const v1::Proposal& proposal) {
  std::string codes;
  for (const v1::Finding& finding : proposal.findings()) {
    codes += codes.empty() ? "" : " ";
    codes += finding.code();
  }
  return codes;
}

absl::StatusOr<const v1::Target*> FindTarget(const policy::Configuration& configuration,
                                             const v1::Action& action) {
  const v1::Target* target = configuration.FindTarget(action.target());
  if (target != nullptr) return target;
  return error::Make(v1::TARGET_UNKNOWN, text::Concat("there is no ", action.target(),
                                                      "; an admin adds it with `countersign apply`"));
}

// POLICY_DENIED or QUORUM_IMPOSSIBLE when nothing of the kind can be approved there.
absl::Status CheckVerdict(const policy::Configuration& configuration, const v1::Requirement& requirement,
                          const std::string& requester) {
  switch (requirement.verdict()) {
    case v1::Requirement::ALLOW:
      return absl::OkStatus();
    case v1::Requirement::REQUIRE_APPROVAL:
      return policy::CheckReachable(configuration, requirement, requester);
    default:
      return error::Make(v1::POLICY_DENIED,
                         text::Concat("policy rule \"", requirement.rule(), "\" forbids this"));
  }
}

// What refuses a proposal whatever is found in it. Findings only add to what is asked.
absl::Status CheckMayPropose(const policy::Configuration& configuration, const v1::Action& action,
                             const std::string& requester) {
  const auto target = FindTarget(configuration, action);
  if (!target.ok()) return target.status();
  return CheckVerdict(configuration, policy::Evaluate(configuration, **target, action.kind(), {}), requester);
}

// The cursor of a page token: the last row of the page.
std::string CursorOf(const storage::Record& record) {
  return text::Concat(absl::ToUnixMicros(base::ToTime(record.proposal.create_time())), " ",
                      record.proposal.name());
}

absl::StatusOr<storage::ListCursor> ParseCursor(const std::string& text) {
  const std::vector<std::string_view> parts = text::Split(text, ' ');
  int64_t micros = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(text::ToAbsl(parts[0]), &micros))
    return error::InvalidField("page_token", "is malformed");
  const auto id = proposal::ParseProposalName(parts[1], "page_token");
  if (!id.ok()) return id.status();
  return storage::ListCursor{absl::FromUnixMicros(micros), *id};
}

absl::Status ValidateList(const v1::ListProposalsRequest& request) {
  if (request.page_size() < 0) return error::InvalidField("page_size", "must not be negative");
  if (!request.target().empty() && !policy::IsTargetName(request.target())) {
    return error::InvalidField("target", "must be targets/{target}");
  }
  if (!request.requester().empty() && !policy::ParsePrincipalId(request.requester()).ok()) {
    return error::InvalidField("requester", "must be spiffe://{trust domain}/{kind}/{name}");
  }
  if (!request.id_prefix().empty() && !proposal::IsIdPrefix(request.id_prefix())) {
    return error::InvalidField("id_prefix", "must be 1 to 24 of a-z and 2-7");
  }
  for (const int state : request.states()) {
    if (!v1::Proposal::State_IsValid(state) || state == v1::Proposal::STATE_UNSPECIFIED) {
      return error::InvalidField("states", "holds an unknown state");
    }
  }
  return absl::OkStatus();
}

// All of a request that a page token must not be used without.
std::string BoundTo(const Caller& caller, v1::ListProposalsRequest request) {
  request.clear_page_token();
  request.clear_page_size();
  return text::Concat("ListProposals\n", caller.principal, "\n", request.SerializeAsString());
}

}  // namespace

absl::StatusOr<v1::Proposal> Broker::CreateProposal(const Caller& caller,
                                                    const v1::CreateProposalRequest& request,
                                                    absl::Time deadline) {
  if (const absl::Status status = ValidateCreate(request); !status.ok()) return status;
  const Call call = MakeCall(caller, Method::kCreateProposal, request.request_id(), request, deadline);
  const bool has_plan = request.action().kind() == v1::TERRAFORM_PLAN;
  if (has_plan && call.repeatable) {
    auto first = ReadAnswer<v1::Proposal>(Replay(call));
    if (error::ReasonOf(first.status()) != v1::NOT_FOUND) return first;
  }
  if (has_plan) {
    if (const absl::Status status = CheckBeforeReading(call, request.action()); !status.ok()) return status;
  }
  std::vector<std::string> digests;
  for (const v1::ArtifactReference& artifact : request.action().artifacts())
    digests.push_back(artifact.digest());
  std::vector<int64_t> sizes;
  if (!digests.empty()) {
    auto found = store_->ArtifactSizes(digests, deadline);
    if (!found.ok()) return found.status();
    sizes = *std::move(found);
  }
  std::optional<JudgedPlan> plan;
  if (has_plan) {
    auto read = ReadPlan(request.action(), deadline);
    if (!read.ok()) return read.status();
    plan = *std::move(read);
  }
  const auto answer = Transition(call, "", [&](const Snapshot& snapshot) {
    return CreateRule(call, request, sizes, plan.has_value() ? &*plan : nullptr, snapshot);
  });
  return ReadAnswer<v1::Proposal>(answer);
}

// Nothing is refused under a configuration that may be old.
absl::Status Broker::CheckBeforeReading(const Call& call, const v1::Action& action) {
  const auto check = [&] { return CheckMayPropose(*configuration(), action, call.caller.principal); };
  if (check().ok()) return absl::OkStatus();
  if (const absl::Status status = RefreshConfiguration(call.deadline); !status.ok()) return status;
  return check();
}

absl::StatusOr<Broker::Step> Broker::CreateRule(const Call& call, const v1::CreateProposalRequest& request,
                                                const std::vector<int64_t>& sizes, const JudgedPlan* plan,
                                                const Snapshot& snapshot) const {
  const policy::Configuration& configuration = *snapshot.configuration;
  const auto found = FindTarget(configuration, request.action());
  if (!found.ok()) return found.status();
  const v1::Target* const target = *found;
  Step step;
  v1::Proposal& proposal = step.change.proposal;
  proposal.set_name(proposal::ProposalName(base::NewId(*random_)));
  *proposal.mutable_action() = request.action();
  for (size_t i = 0; i < sizes.size(); ++i) {
    proposal.mutable_action()->mutable_artifacts(static_cast<int>(i))->set_size_bytes(sizes[i]);
  }
  auto action_digest = digest::ActionDigest(request.action());
  if (!action_digest.ok()) return action_digest.status();
  proposal.set_action_digest(*action_digest);
  proposal.set_reason(request.reason());
  proposal.set_requester(call.caller.principal);
  proposal.set_environment(target->environment());
  if (const absl::Status status = Judge(*target, plan, snapshot, call.deadline, &proposal); !status.ok())
    return status;
  *proposal.mutable_requirement() =
      policy::Evaluate(configuration, *target, request.action().kind(), proposal.findings());
  *proposal.mutable_create_time() = base::ToTimestamp(snapshot.now);
  *proposal.mutable_expire_time() =
      base::ToTimestamp(snapshot.now + base::ToDuration(proposal.requirement().pending_lifetime()));
  for (const std::string& name : {std::string("directory"), std::string("policy"), target->name()}) {
    AddVersion(configuration, name, &proposal);
  }
  // What a plan would do is shown to people also when nobody may approve it; a command says it by itself.
  if (plan == nullptr) {
    const absl::Status forbidden = policy::CheckForbidden(proposal.requirement(), proposal.findings());
    if (!forbidden.ok()) return forbidden;
  }
  proposal.set_state(v1::Proposal::PENDING);
  const absl::Status verdict = CheckVerdict(configuration, proposal.requirement(), proposal.requester());
  if (!verdict.ok()) return verdict;
  if (proposal.requirement().verdict() == v1::Requirement::ALLOW) {
    decision::MarkApproved(snapshot.now, &proposal);
    proposal.set_state_detail(
        text::Concat("policy rule \"", proposal.requirement().rule(), "\" allows it without a human"));
  } else {
    decision::UpdateBlockedBy(configuration, &proposal);
  }
  step.change.configuration_version = configuration.version();
  step.change.event =
      audit::Event("proposal.created", call.caller.principal, proposal.name(), call.request_id, snapshot.now,
                   {{"action_digest", proposal.action_digest()},
                    {"target", target->name()},
                    {"state", v1::Proposal::State_Name(proposal.state())},
                    {"rule", proposal.requirement().rule()},
                    {"policy_digest", configuration.DigestOf("policy")},
                    {"findings", CodesOf(proposal)},
                    {"view_digest", proposal.plan().view_digest()}});
  return step;
}

absl::StatusOr<v1::Proposal> Broker::GetProposal(const Caller& caller, const v1::GetProposalRequest& request,
                                                 absl::Time deadline) {
  auto record = LoadVisible(caller, request.name(), deadline);
  if (!record.ok()) return record.status();
  return std::move(record->proposal);
}

storage::ListFilter Broker::VisibleFilter(const Caller& caller,
                                          const v1::ListProposalsRequest& request) const {
  storage::ListFilter filter;
  std::set<int> states(request.states().begin(), request.states().end());
  for (const int state : states) filter.states.push_back(static_cast<v1::Proposal::State>(state));
  filter.target = request.target();
  filter.requester = request.requester();
  filter.id_prefix = request.id_prefix();
  if (caller.kind == policy::PrincipalKind::kAgent) filter.requester = caller.principal;
  if (caller.kind != policy::PrincipalKind::kWorkload) return filter;
  filter.visible_targets.emplace();
  for (const v1::Target& target : configuration()->targets()) {
    const auto& executors = target.executors();
    if (std::find(executors.begin(), executors.end(), caller.principal) != executors.end()) {
      filter.visible_targets->push_back(target.name());
    }
  }
  return filter;
}

absl::StatusOr<v1::ListProposalsResponse> Broker::ListProposals(const Caller& caller,
                                                                const v1::ListProposalsRequest& request,
                                                                absl::Time deadline) {
  if (const absl::Status status = ValidateList(request); !status.ok()) return status;
  std::optional<storage::ListCursor> after;
  if (!request.page_token().empty()) {
    const auto cursor =
        OpenPageToken(options_.page_token_key, BoundTo(caller, request), request.page_token());
    if (!cursor.ok()) return cursor.status();
    const auto parsed = ParseCursor(*cursor);
    if (!parsed.ok()) return parsed.status();
    after = *parsed;
  }
  v1::ListProposalsResponse response;
  // An agent that asks for somebody else's gets an empty list, as it would if there were none.
  if (caller.kind == policy::PrincipalKind::kAgent && !request.requester().empty() &&
      request.requester() != caller.principal) {
    return response;
  }
  const int page_size =
      request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  auto records = store_->List(VisibleFilter(caller, request), after, page_size + 1, deadline);
  if (!records.ok()) return records.status();
  const bool more = records->size() > static_cast<size_t>(page_size);
  if (more) {
    records->pop_back();
    response.set_next_page_token(
        SealPageToken(options_.page_token_key, BoundTo(caller, request), CursorOf(records->back())));
  }
  for (storage::Record& record : *records) *response.add_proposals() = std::move(record.proposal);
  return response;
}

absl::StatusOr<v1::Proposal> Broker::CancelProposal(const Caller& caller,
                                                    const v1::CancelProposalRequest& request,
                                                    absl::Time deadline) {
  if (const absl::Status status = proposal::ValidateRequestId(request.request_id()); !status.ok())
    return status;
  const Call call = MakeCall(caller, Method::kCancelProposal, request.request_id(), request, deadline);
  return TransitionProposal(call, request.name(), [&](const Snapshot& snapshot) -> absl::StatusOr<Step> {
    Step step;
    step.change.proposal = snapshot.record.proposal;
    v1::Proposal& proposal = step.change.proposal;
    if (proposal.requester() != caller.principal) {
      return error::Make(v1::NOT_PERMITTED,
                         "only the requester cancels a proposal; deny or revoke it instead");
    }
    const auto state = proposal::Next(proposal.state(), proposal::Step::kCancel);
    if (!state.ok()) return state.status();
    proposal.set_state(*state);
    proposal.clear_blocked_by();
    step.change.event = audit::Event("proposal.cancelled", caller.principal, proposal.name(), call.request_id,
                                     snapshot.now, {});
    return step;
  });
}

}  // namespace countersign::broker
