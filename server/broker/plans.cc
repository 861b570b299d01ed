// Saved plans: reading them, judging them, and showing what was read.
#include <utility>

#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/finding/judge.h"
#include "core/policy/requirement.h"
#include "core/text/text.h"
#include "server/broker/broker.h"
#include "server/broker/deterministic_bytes.h"
#include "server/broker/world_moved.h"
#include "server/decision/standing.h"

namespace countersign::broker {
namespace {

// More findings than there are rules would say nothing; the proposal's row stays small.
constexpr int kMaxFindings = 100;

v1::PlanSummary Summarize(const v1::PlanView& view, const std::string& view_digest,
                          const finding::PlanContext& context) {
  v1::PlanSummary summary;
  summary.set_terraform_version(view.terraform_version());
  summary.set_mode(view.mode());
  *summary.mutable_counts() = view.counts();
  summary.set_masked_change_count(view.masked_change_count());
  summary.set_fingerprint(view.fingerprint());
  summary.set_lineage(view.state().lineage());
  summary.set_serial(view.state().serial());
  summary.set_resource_count(view.state().resource_count());
  summary.set_backend_type(view.backend().type());
  summary.set_workspace(view.backend().workspace());
  summary.set_view_digest(view_digest);
  summary.set_memory_version(context.memory != nullptr ? context.memory->version() : 0);
  summary.set_target_engine(context.engine);
  return summary;
}

}  // namespace

absl::StatusOr<Broker::JudgedPlan> Broker::ReadPlan(const v1::Action& action, absl::Time deadline) {
  const auto sealed = store_->GetArtifact(action.artifacts(0).digest(), deadline);
  if (!sealed.ok()) return sealed.status();
  const auto bytes = storage::Open(*master_keys_, *sealed);
  if (!bytes.ok()) return bytes.status();
  auto view = plan_reader_->Read(*bytes, deadline);
  if (!view.ok()) return view.status();
  const std::string stored = DeterministicBytes(*view);
  JudgedPlan plan{*std::move(view), digest::Sha256(stored)};
  const absl::Status put = store_->PutPlanView(plan.view_digest, stored, clock_->Now(), deadline);
  if (!put.ok()) return put;
  return plan;
}

absl::Status Broker::Judge(const v1::Target& target, const JudgedPlan* plan, const Snapshot& snapshot,
                           absl::Time deadline, v1::Proposal* proposal) const {
  std::vector<v1::Finding> findings;
  if (plan == nullptr) {
    findings = finding::JudgeCommand(proposal->action());
    proposal->set_summary(finding::VerdictLine(proposal->action(), findings));
  } else {
    const auto memory = MemoryOf(target.name(), deadline);
    if (!memory.ok()) return memory.status();
    finding::PlanContext context;
    context.memory = memory->has_value() ? &**memory : nullptr;
    context.environment = target.environment();
    context.engine = target.engine();
    context.max_plan_age = policy::MaxPlanAge(*snapshot.configuration, target);
    context.now = snapshot.now;
    findings = finding::JudgePlan(plan->view, context);
    proposal->set_summary(finding::VerdictLine(plan->view, findings, context.memory));
    *proposal->mutable_plan() = Summarize(plan->view, plan->view_digest, context);
  }
  for (v1::Finding& finding : findings) {
    if (proposal->findings_size() < kMaxFindings) *proposal->add_findings() = std::move(finding);
  }
  return absl::OkStatus();
}

absl::Status Broker::CheckStanding(const Snapshot& snapshot, absl::Time deadline) const {
  const v1::Proposal& proposal = snapshot.record.proposal;
  const absl::Status standing = decision::CheckStanding(*snapshot.configuration, proposal);
  if (!standing.ok() || !proposal.has_plan()) return standing;
  const auto version = store_->TargetMemoryVersion(proposal.action().target(), deadline);
  if (!version.ok()) return version.status();
  if (*version == proposal.plan().memory_version()) return absl::OkStatus();
  return Overtaken(proposal);
}

absl::StatusOr<std::string> Broker::StoredViewBytes(const v1::Proposal& proposal, absl::Time deadline) const {
  if (!proposal.has_plan()) return error::Make(v1::NOT_FOUND, "the proposal holds no plan");
  auto stored = store_->GetPlanView(proposal.plan().view_digest(), deadline);
  if (!stored.ok() || digest::Equal(digest::Sha256(*stored), proposal.plan().view_digest())) return stored;
  return error::Make(v1::DATA_CORRUPTED,
                     "what was read in this plan is not what is stored; somebody changed it in the database");
}

absl::StatusOr<v1::PlanView> Broker::StoredView(const v1::Proposal& proposal, absl::Time deadline) const {
  const auto stored = StoredViewBytes(proposal, deadline);
  if (!stored.ok()) return stored.status();
  v1::PlanView view;
  if (view.ParseFromString(*stored)) return view;
  return error::Make(v1::DATA_CORRUPTED, "what was read in this plan was stored by another version");
}

absl::StatusOr<std::string> Broker::ReadPlanView(const Caller& caller, const v1::GetPlanViewRequest& request,
                                                 const std::function<absl::Status(int64_t)>& reserve,
                                                 absl::Time deadline) {
  const auto record = LoadVisible(caller, request.name(), deadline);
  if (!record.ok()) return record.status();
  const v1::Proposal& proposal = record->proposal;
  if (!proposal.has_plan()) return error::Make(v1::NOT_FOUND, "the proposal holds no plan");
  const auto size = store_->PlanViewSize(proposal.plan().view_digest(), deadline);
  if (!size.ok()) return size.status();
  if (absl::Status status = reserve(*size); !status.ok()) return status;
  return StoredViewBytes(proposal, deadline);
}

}  // namespace countersign::broker
