#ifndef COUNTERSIGN_SERVER_BROKER_BROKER_H_
#define COUNTERSIGN_SERVER_BROKER_BROKER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/jws/execution_token.h"
#include "core/policy/configuration.h"
#include "countersign/v1/audit_service.pb.h"
#include "countersign/v1/config_service.pb.h"
#include "countersign/v1/decision_service.pb.h"
#include "countersign/v1/execution_service.pb.h"
#include "countersign/v1/proposal_service.pb.h"
#include "countersign/v1/target_service.pb.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "server/broker/authorization.h"
#include "server/broker/caller.h"
#include "server/broker/recent_records.h"
#include "server/planread/plan_reader.h"
#include "server/storage/sealing.h"
#include "server/storage/store.h"
#include "server/token/key_ring.h"

namespace countersign::broker {

// Told of every change that this broker committed, after the commit. Called on the thread that committed, so
// it must not block.
class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  // `before` is STATE_UNSPECIFIED for a new proposal.
  virtual void OnChanged(v1::Proposal::State before, const storage::Record& record) = 0;
};

// The use cases: one method per RPC that is not a wait. Each checks the relation of the caller to the
// proposal (the table of authorization.h was checked before), decides on a snapshot, and commits by
// compare-and-set, deciding again on fresh data when somebody else was faster. Thread-safe; borrows
// everything it is given.
class Broker {
 public:
  struct Options {
    // `iss` of tokens, an https URL.
    std::string issuer;
    // What a page token is signed with, the same on all replicas; 32 bytes.
    std::string page_token_key;
  };

  Broker(Options options, storage::Store* store, const base::Clock* clock, base::RandomSource* random,
         token::KeyRing* keys, const storage::MasterKeys* master_keys, planread::PlanReader* plan_reader,
         ChangeObserver* observer);

  // Reads the configuration when the database has a newer one. Called at start, on a timer, and on conflicts.
  absl::Status RefreshConfiguration(absl::Time deadline);
  // The configuration last read; never null after the first successful refresh.
  std::shared_ptr<const policy::Configuration> configuration() const;

  absl::Status Authorize(Method method, const Caller& caller) const;

  absl::StatusOr<v1::Artifact> StoreArtifact(const Caller&, std::string_view bytes, absl::Time deadline);
  absl::StatusOr<std::string> ReadArtifact(const Caller&, const v1::DownloadArtifactRequest&,
                                           absl::Time deadline);
  absl::StatusOr<v1::Proposal> CreateProposal(const Caller&, const v1::CreateProposalRequest&,
                                              absl::Time deadline);
  absl::StatusOr<v1::Proposal> GetProposal(const Caller&, const v1::GetProposalRequest&, absl::Time deadline);
  // A serialized PlanView, as it was stored. `reserve` is asked for leave to hold its bytes before they are
  // read; what it refuses is the answer.
  absl::StatusOr<std::string> ReadPlanView(const Caller&, const v1::GetPlanViewRequest&,
                                           const std::function<absl::Status(int64_t)>& reserve,
                                           absl::Time deadline);
  absl::StatusOr<v1::ListProposalsResponse> ListProposals(const Caller&, const v1::ListProposalsRequest&,
                                                          absl::Time deadline);
  absl::StatusOr<v1::Proposal> CancelProposal(const Caller&, const v1::CancelProposalRequest&,
                                              absl::Time deadline);

  absl::StatusOr<v1::Proposal> ApproveProposal(const Caller&, const v1::ApproveProposalRequest&,
                                               absl::Time deadline);
  absl::StatusOr<v1::Proposal> DenyProposal(const Caller&, const v1::DenyProposalRequest&,
                                            absl::Time deadline);
  absl::StatusOr<v1::Proposal> RevokeProposal(const Caller&, const v1::RevokeProposalRequest&,
                                              absl::Time deadline);
  absl::StatusOr<v1::Proposal> ResolveProposal(const Caller&, const v1::ResolveProposalRequest&,
                                               absl::Time deadline);

  absl::StatusOr<v1::ClaimProposalResponse> ClaimProposal(const Caller&, const v1::ClaimProposalRequest&,
                                                          absl::Time deadline);
  absl::StatusOr<v1::RedeemTokenResponse> RedeemToken(const Caller&, const v1::RedeemTokenRequest&,
                                                      absl::Time deadline);
  absl::StatusOr<v1::HeartbeatResponse> Heartbeat(const Caller&, const v1::HeartbeatRequest&,
                                                  absl::Time deadline);
  absl::StatusOr<v1::Proposal> ReportExecution(const Caller&, const v1::ReportExecutionRequest&,
                                               absl::Time deadline);

  absl::StatusOr<v1::TargetMemory> GetTargetMemory(const Caller&, const v1::GetTargetMemoryRequest&,
                                                   absl::Time deadline);
  absl::StatusOr<v1::TargetMemory> AdoptState(const Caller&, const v1::AdoptStateRequest&,
                                              absl::Time deadline);

  absl::StatusOr<v1::ApplyDocumentsResponse> ApplyDocuments(const Caller&, const v1::ApplyDocumentsRequest&,
                                                            absl::Time deadline);
  // Applies `content` as "bootstrap" when no document was ever applied; does nothing otherwise.
  absl::Status Bootstrap(std::string_view content, absl::Time deadline);
  absl::StatusOr<v1::Document> GetDocument(const Caller&, const v1::GetDocumentRequest&, absl::Time deadline);
  absl::StatusOr<v1::ListDocumentsResponse> ListDocuments(const Caller&, const v1::ListDocumentsRequest&,
                                                          absl::Time deadline);
  absl::StatusOr<v1::ListDocumentVersionsResponse> ListDocumentVersions(
      const Caller&, const v1::ListDocumentVersionsRequest&, absl::Time deadline);
  absl::StatusOr<v1::Caller> GetCaller(const Caller&) const;
  absl::StatusOr<v1::ListAuditEventsResponse> ListAuditEvents(const Caller&,
                                                              const v1::ListAuditEventsRequest&,
                                                              absl::Time deadline);

  // Whether the caller may read this proposal; used by waits and watches too. Callers must not be told more
  // than NOT_FOUND when it is false.
  bool MaySee(const Caller& caller, const v1::Proposal& proposal) const;

  // Expires what is over, marks lost leases, and supersedes plans that the world has overtaken. Any number of
  // replicas may run it at once. Returns how many proposals it moved.
  absl::StatusOr<int> Sweep(absl::Time deadline);

 private:
  // What a rule decides on. `record.version` is 0 for a proposal that is about to be made.
  struct Snapshot {
    // Never null; shared with the cache of recent records.
    std::shared_ptr<const storage::Record> shared_record;
    const storage::Record& record;
    std::shared_ptr<const policy::Configuration> configuration;
    absl::Time now;
  };
  // One logical call, however often it is repeated.
  struct Call {
    const Caller& caller;
    Method method;
    // Made up when the caller gave none, so that a lost answer can be settled all the same.
    std::string request_id;
    bool repeatable;
    std::string body_digest;
    absl::Time deadline;
  };
  // What a rule makes of a snapshot.
  struct Step {
    // The proposal afterwards, and what commits with it; versions, times and request record are filled in.
    storage::Change change;
    // The answer, when it is not the proposal itself.
    std::function<std::string(const v1::Proposal&)> answer;
    // When not OK, the change commits and the caller is told this: the world moved and the proposal is
    // superseded.
    absl::Status refusal;
  };
  using Rule = std::function<absl::StatusOr<Step>(const Snapshot&)>;

  Call MakeCall(const Caller& caller, Method method, const std::string& request_id,
                const google::protobuf::Message& body, absl::Time deadline) const;
  // The serialized answer of `rule`, committed once. `id` is empty for a new proposal.
  absl::StatusOr<std::string> Transition(const Call& call, const std::string& id, const Rule& rule);
  absl::StatusOr<v1::Proposal> TransitionProposal(const Call& call, std::string_view name, const Rule& rule);
  // Fills in what every change has.
  std::string Complete(const Call& call, const Snapshot& snapshot, Step* step) const;
  // The first answer of a repeated call; NOT_FOUND when it was never done.
  absl::StatusOr<std::string> Replay(const Call& call);
  // Never null when OK. `recent` says whether one from the cache will do, and afterwards whether it is one.
  absl::StatusOr<std::shared_ptr<const storage::Record>> Load(const std::string& id, bool* recent,
                                                              absl::Time deadline);
  absl::StatusOr<storage::Record> LoadVisible(const Caller& caller, std::string_view name,
                                              absl::Time deadline);
  void Committed(v1::Proposal::State before, storage::Change change);
  // What time or the world does to a proposal, without a caller.
  struct Move {
    v1::Proposal::State state;
    std::string detail;
    std::string event;
    std::pair<std::string_view, std::string> event_detail;
    std::optional<absl::Time> only_if_due_at;
  };
  // Whether it was committed; not when somebody else was faster.
  absl::StatusOr<bool> CommitMove(const storage::Record& record, const Move& move, absl::Time now,
                                  absl::Time deadline);
  absl::Status CommitSweep(const storage::Record& record, absl::Time now, absl::Time deadline);

  // Moves the proposal of `snapshot` to SUPERSEDED because of `why`, and refuses the caller with it.
  Step Supersede(const Call& call, const Snapshot& snapshot, const absl::Status& why) const;
  // A plan as the broker has read it and stored what it says.
  struct JudgedPlan {
    v1::PlanView view;
    std::string view_digest;
  };
  // TARGET_UNKNOWN, POLICY_DENIED or QUORUM_IMPOSSIBLE when the action is refused whatever its plan says:
  // then nobody makes the broker read that plan.
  absl::Status CheckBeforeReading(const Call& call, const v1::Action& action);
  absl::StatusOr<JudgedPlan> ReadPlan(const v1::Action& action, absl::Time deadline);
  // Unset when nothing is remembered of the target.
  absl::StatusOr<std::optional<v1::TargetMemory>> MemoryOf(const std::string& target,
                                                           absl::Time deadline) const;
  // Findings, summary and what of the plan stands in the proposal. `plan` is a null pointer for a command.
  absl::Status Judge(const v1::Target& target, const JudgedPlan* plan, const Snapshot& snapshot,
                     absl::Time deadline, v1::Proposal* proposal) const;
  // As decision::CheckStanding(), and PLAN_STALE when the target's memory has moved since the plan was
  // judged.
  absl::Status CheckStanding(const Snapshot& snapshot, absl::Time deadline) const;
  // What is remembered after this report; unset when nothing new is.
  absl::StatusOr<std::optional<v1::TargetMemory>> MemoryAfter(const v1::ReportExecutionRequest& request,
                                                              const v1::Proposal& before, absl::Time now,
                                                              absl::Time deadline) const;
  absl::StatusOr<v1::PlanView> StoredView(const v1::Proposal& proposal, absl::Time deadline) const;
  // The same, serialized.
  absl::StatusOr<std::string> StoredViewBytes(const v1::Proposal& proposal, absl::Time deadline) const;
  absl::Status CheckMayAdopt(const Caller& caller, const v1::Proposal& source, absl::Time deadline) const;
  // Moves plans that were judged against another memory to SUPERSEDED. Returns how many it moved.
  absl::StatusOr<int> SupersedeOvertaken(absl::Time deadline);
  absl::StatusOr<Step> CreateRule(const Call& call, const v1::CreateProposalRequest& request,
                                  const std::vector<int64_t>& sizes, const JudgedPlan* plan,
                                  const Snapshot& snapshot) const;
  absl::StatusOr<v1::Proposal> Cast(const Call& call, std::string_view name, v1::Decision::Verdict verdict,
                                    const std::string& etag, const std::string& action_digest,
                                    const std::string& comment);
  absl::StatusOr<Step> CastRule(const Call& call, v1::Decision::Verdict verdict, const std::string& etag,
                                const std::string& action_digest, const std::string& comment,
                                const Snapshot& snapshot) const;
  absl::StatusOr<Step> ClaimRule(const Call& call, const std::string& token_id,
                                 const Snapshot& snapshot) const;
  absl::StatusOr<Step> RedeemRule(const Call& call, const jws::ExecutionClaims& claims,
                                  const std::string& action_digest, const std::string& execution_id,
                                  const Snapshot& snapshot) const;
  // WRONG_STATE or TOKEN_WRONG_HOLDER when the recorded answer to a redeem is no leave to run any more.
  absl::Status CheckStillExecuting(const Call& call, const jws::ExecutionClaims& claims,
                                   const v1::Proposal& answered) const;
  absl::StatusOr<std::string> SignToken(const Caller& caller, const v1::Proposal& proposal,
                                        const std::string& token_id, absl::Time issue_time) const;
  storage::ListFilter VisibleFilter(const Caller& caller, const v1::ListProposalsRequest& request) const;

  const Options options_;
  storage::Store* const store_;
  const base::Clock* const clock_;
  base::RandomSource* const random_;
  token::KeyRing* const keys_;
  const storage::MasterKeys* const master_keys_;
  planread::PlanReader* const plan_reader_;
  ChangeObserver* const observer_;
  RecentRecords recent_;

  mutable base::Mutex mutex_;
  std::shared_ptr<const policy::Configuration> configuration_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_BROKER_H_
