#include "server/broker/broker.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "server/audit/event.h"
#include "server/base/timestamps.h"
#include "server/broker/deterministic_bytes.h"
#include "server/broker/documents.h"
#include "server/broker/recorded_answer.h"
#include "server/proposal/life.h"
#include "server/proposal/resource_name.h"

namespace countersign::broker {
namespace {

constexpr int kMaxAttempts = 6;
constexpr size_t kRecentRecords = 4096;
constexpr int kSweepBatch = 200;

}  // namespace

Broker::Broker(Options options, storage::Store* store, const base::Clock* clock, base::RandomSource* random,
               token::KeyRing* keys, const storage::MasterKeys* master_keys,
               planread::PlanReader* plan_reader, ChangeObserver* observer)
    : options_(std::move(options)),
      store_(store),
      clock_(clock),
      random_(random),
      keys_(keys),
      master_keys_(master_keys),
      plan_reader_(plan_reader),
      observer_(observer),
      recent_(kRecentRecords) {}

absl::Status Broker::RefreshConfiguration(absl::Time deadline) {
  const auto current = configuration();
  if (current != nullptr) {
    const auto version = store_->ConfigurationVersion(deadline);
    if (!version.ok()) return version.status();
    if (*version == current->version()) return absl::OkStatus();
  }
  const auto loaded = store_->LoadDocuments(deadline);
  if (!loaded.ok()) return loaded.status();
  auto built = BuildConfiguration(loaded->first, loaded->second);
  if (!built.ok()) {
    return error::Make(v1::DATA_CORRUPTED,
                       text::Concat("stored configuration is not valid: ", text::MessageOf(built.status())));
  }
  auto next = std::make_shared<const policy::Configuration>(*std::move(built));
  base::MutexLock lock(&mutex_);
  if (configuration_ == nullptr || configuration_->version() < next->version())
    configuration_ = std::move(next);
  return absl::OkStatus();
}

std::shared_ptr<const policy::Configuration> Broker::configuration() const {
  base::MutexLock lock(&mutex_);
  return configuration_;
}

absl::Status Broker::Authorize(Method method, const Caller& caller) const {
  const auto current = configuration();
  if (current == nullptr) {
    return error::Make(v1::DATABASE_UNAVAILABLE, "the broker has not read its configuration yet; try again");
  }
  return broker::Authorize(*current, method, caller);
}

bool Broker::MaySee(const Caller& caller, const v1::Proposal& proposal) const {
  switch (caller.kind) {
    case policy::PrincipalKind::kHuman:
    case policy::PrincipalKind::kAuditor:
      return true;
    case policy::PrincipalKind::kAgent:
      return proposal.requester() == caller.principal;
    case policy::PrincipalKind::kWorkload:
      break;
  }
  const auto current = configuration();
  const v1::Target* target = current == nullptr ? nullptr : current->FindTarget(proposal.action().target());
  return target != nullptr && std::find(target->executors().begin(), target->executors().end(),
                                        caller.principal) != target->executors().end();
}

Broker::Call Broker::MakeCall(const Caller& caller, Method method, const std::string& request_id,
                              const google::protobuf::Message& body, absl::Time deadline) const {
  const std::string given = text::Concat(MethodName(method), "\n", DeterministicBytes(body));
  return {caller,
          method,
          request_id.empty() ? base::NewId(*random_) : request_id,
          !request_id.empty(),
          digest::Sha256(given),
          deadline};
}

absl::StatusOr<std::shared_ptr<const storage::Record>> Broker::Load(const std::string& id, bool* recent,
                                                                    absl::Time deadline) {
  if (id.empty()) {
    *recent = false;
    return std::make_shared<const storage::Record>();
  }
  if (*recent) {
    if (auto found = recent_.Find(id); found != nullptr) return found;
  }
  *recent = false;
  auto loaded = store_->Get(id, deadline);
  if (!loaded.ok()) return loaded.status();
  auto record = std::make_shared<const storage::Record>(*std::move(loaded));
  recent_.Put(id, record);
  return record;
}

absl::StatusOr<storage::Record> Broker::LoadVisible(const Caller& caller, std::string_view name,
                                                    absl::Time deadline) {
  const auto id = proposal::ParseProposalName(name, "name");
  if (!id.ok()) return id.status();
  auto record = store_->Get(*id, deadline);
  if (!record.ok()) return record.status();
  if (!MaySee(caller, record->proposal)) return error::Make(v1::NOT_FOUND, "no such proposal");
  return record;
}

absl::StatusOr<std::string> Broker::Transition(const Call& call, const std::string& id, const Rule& rule) {
  bool use_recent = true;
  bool looked_for_answer = false;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    bool recent = use_recent;
    auto record = Load(id, &recent, call.deadline);
    if (!record.ok()) return record.status();
    const Snapshot snapshot{*record, **record, configuration(), clock_->Now()};
    absl::StatusOr<Step> step = rule(snapshot);
    if (!step.ok()) {
      // Nothing is refused on data that may be old: first look at the row, at an earlier answer to this very
      // call, and at the configuration.
      use_recent = false;
      if (recent) continue;
      if (call.repeatable && !std::exchange(looked_for_answer, true)) {
        auto answer = Replay(call);
        if (error::ReasonOf(answer.status()) != v1::NOT_FOUND) return answer;
      }
      if (const absl::Status status = RefreshConfiguration(call.deadline); !status.ok()) return status;
      if (configuration()->version() != snapshot.configuration->version()) continue;
      return step.status();
    }
    const std::string answer = Complete(call, snapshot, &*step);
    const auto outcome = store_->Commit(step->change, call.deadline);
    if (!outcome.ok()) {
      if (!id.empty()) recent_.Erase(id);
      return outcome.status();
    }
    switch (*outcome) {
      case storage::CommitOutcome::kCommitted:
        Committed(snapshot.record.proposal.state(), std::move(step->change));
        if (!step->refusal.ok()) return step->refusal;
        return answer;
      case storage::CommitOutcome::kDuplicateRequest:
        if (!id.empty()) recent_.Erase(id);
        return Replay(call);
      case storage::CommitOutcome::kConflict:
        use_recent = false;
        recent_.Erase(id);
        if (const absl::Status status = RefreshConfiguration(call.deadline); !status.ok()) return status;
    }
  }
  return error::Make(v1::CONCURRENT_UPDATE,
                     "others keep changing this proposal at the same moment; try again");
}

std::string Broker::Complete(const Call& call, const Snapshot& snapshot, Step* step) const {
  storage::Change& change = step->change;
  change.expected_version = snapshot.record.version;
  *change.proposal.mutable_update_time() = base::ToTimestamp(snapshot.now);
  change.proposal.set_etag(text::Concat(snapshot.record.version + 1));
  const std::string answer =
      step->answer ? step->answer(change.proposal) : change.proposal.SerializeAsString();
  // A refusal is not recorded: repeated, the call meets the state that the refusal left behind.
  if (step->refusal.ok()) {
    change.request = storage::RequestRecord{call.caller.principal, call.request_id, call.body_digest, answer};
  }
  return answer;
}

absl::StatusOr<v1::Proposal> Broker::TransitionProposal(const Call& call, std::string_view name,
                                                        const Rule& rule) {
  const auto id = proposal::ParseProposalName(name, "name");
  if (!id.ok()) return id.status();
  const auto answer = Transition(call, *id, [&](const Snapshot& snapshot) -> absl::StatusOr<Step> {
    if (!MaySee(call.caller, snapshot.record.proposal)) return error::Make(v1::NOT_FOUND, "no such proposal");
    return rule(snapshot);
  });
  return ReadAnswer<v1::Proposal>(answer);
}

absl::StatusOr<std::string> Broker::Replay(const Call& call) {
  auto found = store_->FindRequest(call.caller.principal, call.request_id, call.deadline);
  if (!found.ok()) return found.status();
  if (found->body_digest != call.body_digest) {
    return error::Make(v1::REQUEST_ID_REUSED,
                       "this request_id was used before for another call; make a new one");
  }
  return std::move(found->response);
}

void Broker::Committed(v1::Proposal::State before, storage::Change change) {
  const auto record = std::make_shared<const storage::Record>(storage::Record{
      std::move(change.proposal), change.expected_version + 1, std::move(change.current_token_id)});
  const std::string id = *proposal::ParseProposalName(record->proposal.name(), "name");
  if (proposal::IsTerminal(record->proposal.state())) {
    recent_.Erase(id);
  } else {
    recent_.Put(id, record);
  }
  if (observer_ != nullptr) observer_->OnChanged(before, *record);
}

Broker::Step Broker::Supersede(const Call& call, const Snapshot& snapshot, const absl::Status& why) const {
  Step step;
  step.change.configuration_version = snapshot.configuration->version();
  step.change.proposal = snapshot.record.proposal;
  step.change.proposal.set_state(v1::Proposal::SUPERSEDED);
  step.change.proposal.set_state_detail(std::string(why.message()));
  step.change.proposal.clear_blocked_by();
  step.change.event =
      audit::Event("proposal.superseded", call.caller.principal, snapshot.record.proposal.name(),
                   call.request_id, snapshot.now, {{"reason", v1::Reason_Name(error::ReasonOf(why))}});
  step.refusal = why;
  return step;
}

absl::StatusOr<bool> Broker::CommitMove(const storage::Record& record, const Move& move, absl::Time now,
                                        absl::Time deadline) {
  storage::Change change;
  change.expected_version = record.version;
  change.only_if_due_at = move.only_if_due_at;
  change.proposal = record.proposal;
  change.proposal.set_state(move.state);
  change.proposal.clear_blocked_by();
  change.proposal.set_state_detail(move.detail);
  *change.proposal.mutable_update_time() = base::ToTimestamp(now);
  change.proposal.set_etag(text::Concat(record.version + 1));
  change.event =
      audit::Event(move.event, audit::kBroker, record.proposal.name(), "", now, {move.event_detail});
  const auto outcome = store_->Commit(change, deadline);
  if (!outcome.ok()) return outcome.status();
  const bool committed = *outcome == storage::CommitOutcome::kCommitted;
  if (committed) Committed(record.proposal.state(), std::move(change));
  return committed;
}

absl::Status Broker::CommitSweep(const storage::Record& record, absl::Time now, absl::Time deadline) {
  const v1::Proposal::State before = record.proposal.state();
  const bool lease = before == v1::Proposal::EXECUTING;
  const auto after = proposal::Next(before, lease ? proposal::Step::kLoseLease : proposal::Step::kExpire);
  if (!after.ok()) return after.status();
  const char* const detail = lease ? "the runner stopped reporting; look at the target, then resolve this"
                             : before == v1::Proposal::PENDING ? "nobody decided in time"
                                                               : "the approval was not used in time";
  const Move move{.state = *after,
                  .detail = detail,
                  .event = lease ? "execution.lease_lost" : "proposal.expired",
                  .event_detail = {"from", v1::Proposal::State_Name(before)},
                  .only_if_due_at = now};
  return CommitMove(record, move, now, deadline).status();
}

absl::StatusOr<int> Broker::Sweep(absl::Time deadline) {
  const absl::Time now = clock_->Now();
  const auto due = store_->ListDue(now, kSweepBatch, deadline);
  if (!due.ok()) return due.status();
  for (const storage::Record& record : *due) {
    if (const absl::Status status = CommitSweep(record, now, deadline); !status.ok()) return status;
  }
  const auto superseded = SupersedeOvertaken(deadline);
  if (!superseded.ok()) return superseded.status();
  return static_cast<int>(due->size()) + *superseded;
}

}  // namespace countersign::broker
