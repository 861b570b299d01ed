// What is remembered of targets: where it comes from, and what it overtakes.
#include <utility>

#include "core/error/error.h"
#include "core/policy/configuration.h"
#include "core/text/text.h"
#include "server/audit/event.h"
#include "server/base/timestamps.h"
#include "server/broker/broker.h"
#include "server/broker/recorded_answer.h"
#include "server/broker/world_moved.h"
#include "server/proposal/resource_name.h"
#include "server/proposal/validate.h"

namespace countersign::broker {
namespace {

constexpr int kOvertakenBatch = 200;
constexpr int kExecutionsPerTarget = 1;

// The memory that follows `before`, with the state left to fill in.
v1::TargetMemory NextMemory(const std::optional<v1::TargetMemory>& before, const v1::Proposal& source,
                            const v1::PlanView& view, absl::Time now) {
  v1::TargetMemory memory;
  memory.set_target(source.action().target());
  memory.set_version((before.has_value() ? before->version() : 0) + 1);
  *memory.mutable_update_time() = base::ToTimestamp(now);
  memory.set_proposal(source.name());
  *memory.mutable_backend() = view.backend();
  *memory.mutable_configuration() = view.configuration();
  return memory;
}

std::string EtagOf(const v1::TargetMemory& memory) { return text::Concat(memory.version()); }

std::string Watermark(const v1::PlanState& state) {
  return text::Concat(state.lineage(), " ", state.serial(), " with ", state.resource_count(), " resources");
}

}  // namespace

absl::StatusOr<std::optional<v1::TargetMemory>> Broker::MemoryOf(const std::string& target,
                                                                 absl::Time deadline) const {
  auto memory = store_->GetTargetMemory(target, deadline);
  if (error::ReasonOf(memory.status()) == v1::NOT_FOUND) return std::optional<v1::TargetMemory>();
  if (!memory.ok()) return memory.status();
  return std::optional<v1::TargetMemory>(*std::move(memory));
}

absl::StatusOr<v1::TargetMemory> Broker::GetTargetMemory(const Caller&,
                                                         const v1::GetTargetMemoryRequest& request,
                                                         absl::Time deadline) {
  if (!policy::IsTargetName(request.target())) {
    return error::InvalidField("target", "must be targets/{target}");
  }
  auto memory = store_->GetTargetMemory(request.target(), deadline);
  if (!memory.ok()) return memory;
  memory->set_etag(EtagOf(*memory));
  const auto current = configuration();
  const v1::Target* target = current->FindTarget(request.target());
  if (target != nullptr) memory->set_engine(target->engine());
  return memory;
}

absl::StatusOr<std::optional<v1::TargetMemory>> Broker::MemoryAfter(const v1::ReportExecutionRequest& request,
                                                                    const v1::Proposal& before,
                                                                    absl::Time now,
                                                                    absl::Time deadline) const {
  const bool of_this_target =
      before.plan().lineage().empty() || before.plan().lineage() == request.state().lineage();
  if (!request.has_state() || !before.has_plan() || request.state().lineage().empty() || !of_this_target) {
    return std::optional<v1::TargetMemory>();
  }
  const auto view = StoredView(before, deadline);
  if (!view.ok()) return view.status();
  const auto known = MemoryOf(before.action().target(), deadline);
  if (!known.ok()) return known.status();
  // A watermark only rises: an older state would be taken for the one that is there.
  const bool older = known->has_value() && (*known)->state().lineage() == request.state().lineage() &&
                     request.state().serial() < (*known)->state().serial();
  if (older) return std::optional<v1::TargetMemory>();
  v1::TargetMemory memory = NextMemory(*known, before, *view, now);
  *memory.mutable_state() = request.state();
  memory.mutable_state()->clear_without_change();
  return std::optional<v1::TargetMemory>(std::move(memory));
}

absl::Status Broker::CheckMayAdopt(const Caller& caller, const v1::Proposal& source,
                                   absl::Time deadline) const {
  const auto current = configuration();
  const v1::Principal* adopter = current->FindActivePrincipal(caller.principal);
  const v1::Principal* requester = current->FindPrincipal(source.requester());
  if (adopter == nullptr) return error::Make(v1::NOT_PERMITTED, "this principal may do nothing");
  if (requester != nullptr &&
      policy::Configuration::PersonOf(*adopter) == policy::Configuration::PersonOf(*requester)) {
    return error::Make(v1::SELF_APPROVAL_FORBIDDEN,
                       "you submitted that plan yourself; another admin adopts it");
  }
  storage::ListFilter holding;
  holding.target = source.action().target();
  holding.states = {v1::Proposal::EXECUTING, v1::Proposal::AMBIGUOUS};
  const auto executions = store_->List(holding, std::nullopt, kExecutionsPerTarget, deadline);
  if (!executions.ok()) return executions.status();
  if (executions->empty()) return absl::OkStatus();
  return error::Make(v1::TARGET_BUSY, text::Concat("an execution holds ", source.action().target(),
                                                   "; wait for its end, or resolve it when it is AMBIGUOUS"));
}

absl::StatusOr<v1::TargetMemory> Broker::AdoptState(const Caller& caller,
                                                    const v1::AdoptStateRequest& request,
                                                    absl::Time deadline) {
  if (const absl::Status status = proposal::ValidateRequestId(request.request_id()); !status.ok())
    return status;
  if (!policy::IsTargetName(request.target())) {
    return error::InvalidField("target", "must be targets/{target}");
  }
  const Call call = MakeCall(caller, Method::kAdoptState, request.request_id(), request, deadline);
  if (call.repeatable) {
    auto first = ReadAnswer<v1::TargetMemory>(Replay(call));
    if (error::ReasonOf(first.status()) != v1::NOT_FOUND) return first;
  }
  const auto source = LoadVisible(caller, request.proposal(), deadline);
  if (!source.ok()) return source.status();
  if (source->proposal.action().target() != request.target() || !source->proposal.has_plan()) {
    return error::InvalidField("proposal", text::Concat("must hold a plan on ", request.target()));
  }
  if (const absl::Status may = CheckMayAdopt(caller, source->proposal, deadline); !may.ok()) return may;
  const auto view = StoredView(source->proposal, deadline);
  if (!view.ok()) return view.status();
  const auto known = MemoryOf(request.target(), deadline);
  if (!known.ok()) return known.status();
  if (request.etag() != (known->has_value() ? EtagOf(**known) : "")) {
    return error::Make(v1::ETAG_MISMATCH, "what is remembered of the target changed since it was shown");
  }
  v1::TargetMemory memory = NextMemory(*known, source->proposal, *view, clock_->Now());
  memory.set_adopted_by(caller.principal);
  *memory.mutable_state() = view->state();
  memory.mutable_state()->clear_without_change();
  const auto event = audit::Event("target.adopted", caller.principal, source->proposal.name(),
                                  call.request_id, clock_->Now(),
                                  {{"target", request.target()},
                                   {"before", known->has_value() ? Watermark((*known)->state()) : ""},
                                   {"after", Watermark(memory.state())},
                                   {"memory_version", text::Concat(memory.version())}});
  v1::TargetMemory answer = memory;
  answer.set_etag(EtagOf(answer));
  const storage::RequestRecord record{caller.principal, call.request_id, call.body_digest,
                                      answer.SerializeAsString()};
  const auto outcome = store_->PutTargetMemory(memory, event, record, deadline);
  if (!outcome.ok()) return outcome.status();
  if (*outcome == storage::CommitOutcome::kConflict) {
    return error::Make(v1::ETAG_MISMATCH, "what is remembered of the target changed at the same moment");
  }
  if (*outcome == storage::CommitOutcome::kDuplicateRequest) {
    return ReadAnswer<v1::TargetMemory>(Replay(call));
  }
  (void)SupersedeOvertaken(deadline);  // Whatever this leaves undone, the sweeper does.
  return answer;
}

absl::StatusOr<int> Broker::SupersedeOvertaken(absl::Time deadline) {
  const auto overtaken = store_->ListOvertaken(kOvertakenBatch, deadline);
  if (!overtaken.ok()) return overtaken.status();
  int moved = 0;
  for (const storage::Record& record : *overtaken) {
    const Move move{.state = v1::Proposal::SUPERSEDED,
                    .detail = std::string(Overtaken(record.proposal).message()),
                    .event = "proposal.superseded",
                    .event_detail = {"reason", v1::Reason_Name(v1::PLAN_STALE)},
                    .only_if_due_at = std::nullopt};
    const auto committed = CommitMove(record, move, clock_->Now(), deadline);
    if (!committed.ok()) return committed.status();
    moved += *committed ? 1 : 0;
  }
  return moved;
}

}  // namespace countersign::broker
