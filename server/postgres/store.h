#ifndef COUNTERSIGN_SERVER_POSTGRES_STORE_H_
#define COUNTERSIGN_SERVER_POSTGRES_STORE_H_

#include "server/postgres/pool.h"
#include "server/storage/store.h"

namespace countersign::postgres {

// The storage port on PostgreSQL. Every method is one round trip on one connection of the pool, whose
// statements must be statements::All(). A write whose answer was lost is settled on another connection by its
// request record. Thread-safe; borrows the pool.
class PostgresStore final : public storage::Store {
 public:
  explicit PostgresStore(Pool* pool) : pool_(pool) {}

  absl::StatusOr<storage::CommitOutcome> Commit(const storage::Change& change, absl::Time deadline) override;
  absl::Status RenewLease(std::string_view proposal_id, std::string_view execution_id,
                          absl::Time lease_expire_time, absl::Time deadline) override;
  absl::StatusOr<storage::Record> Get(std::string_view proposal_id, absl::Time deadline) override;
  absl::StatusOr<std::vector<storage::Record>> GetMany(const std::vector<std::string>& ids,
                                                       absl::Time deadline) override;
  absl::StatusOr<std::vector<storage::Record>> ListMoved(const std::vector<storage::Watched>& watched,
                                                         absl::Time deadline) override;
  absl::StatusOr<std::vector<storage::Record>> List(const storage::ListFilter& filter,
                                                    const std::optional<storage::ListCursor>& after,
                                                    int limit, absl::Time deadline) override;
  absl::StatusOr<std::vector<storage::Record>> ListUpdated(absl::Time after_time, std::string_view after_id,
                                                           int limit, absl::Time deadline) override;
  absl::StatusOr<std::vector<storage::Record>> ListDue(absl::Time now, int limit,
                                                       absl::Time deadline) override;
  absl::StatusOr<std::vector<storage::Record>> ListOvertaken(int limit, absl::Time deadline) override;
  absl::StatusOr<std::vector<std::pair<v1::Proposal::State, int64_t>>> CountOpen(
      absl::Time deadline) override;
  absl::StatusOr<storage::RequestRecord> FindRequest(std::string_view principal, std::string_view request_id,
                                                     absl::Time deadline) override;
  absl::StatusOr<int64_t> PruneRequests(absl::Time before, int limit, absl::Time deadline) override;
  absl::StatusOr<absl::Time> PutArtifact(const storage::SealedArtifact& artifact,
                                         absl::Time deadline) override;
  absl::StatusOr<storage::SealedArtifact> GetArtifact(std::string_view digest, absl::Time deadline) override;
  absl::StatusOr<std::vector<storage::SealedArtifact>> OneArtifactPerKey(absl::Time deadline) override;
  absl::StatusOr<std::vector<int64_t>> ArtifactSizes(const std::vector<std::string>& digests,
                                                     absl::Time deadline) override;
  absl::Status PutPlanView(std::string_view digest, std::string_view plan_view, absl::Time now,
                           absl::Time deadline) override;
  absl::StatusOr<int64_t> PlanViewSize(std::string_view digest, absl::Time deadline) override;
  absl::StatusOr<std::string> GetPlanView(std::string_view digest, absl::Time deadline) override;
  absl::StatusOr<v1::TargetMemory> GetTargetMemory(std::string_view target, absl::Time deadline) override;
  absl::StatusOr<int64_t> TargetMemoryVersion(std::string_view target, absl::Time deadline) override;
  absl::StatusOr<storage::CommitOutcome> PutTargetMemory(const v1::TargetMemory& memory,
                                                         const v1::AuditEvent& event,
                                                         const storage::RequestRecord& request,
                                                         absl::Time deadline) override;
  absl::StatusOr<int64_t> ConfigurationVersion(absl::Time deadline) override;
  absl::StatusOr<std::pair<int64_t, std::vector<v1::Document>>> LoadDocuments(absl::Time deadline) override;
  absl::StatusOr<int64_t> ApplyDocuments(int64_t expected_version,
                                         const std::vector<storage::NewDocument>& documents,
                                         std::string_view applied_by, absl::Time now,
                                         const v1::AuditEvent& event, const storage::RequestRecord& request,
                                         absl::Time deadline) override;
  absl::StatusOr<v1::Document> GetDocument(std::string_view name, int64_t version,
                                           absl::Time deadline) override;
  absl::StatusOr<std::vector<v1::Document>> ListDocumentVersions(std::string_view name, int limit,
                                                                 absl::Time deadline) override;
  absl::StatusOr<std::vector<v1::AuditEvent>> ListAuditEvents(std::string_view proposal, int64_t after_id,
                                                              int limit, absl::Time deadline) override;

 private:
  // On another connection when one broke before the statement was sent.
  absl::StatusOr<Result> Execute(const Statement& statement, const Parameters& parameters,
                                 absl::Time deadline);
  // The same for a statement that changes nothing: also when the connection broke after it was sent.
  absl::StatusOr<Result> Read(const Statement& statement, const Parameters& parameters, absl::Time deadline);
  absl::StatusOr<std::vector<storage::Record>> Records(const Statement& statement,
                                                       const Parameters& parameters, absl::Time deadline);
  // Executes a write that `request` admits only once; what a refusal means is for the caller to say.
  absl::StatusOr<storage::CommitOutcome> Commit(
      const Statement& statement, const Parameters& parameters,
      const std::optional<storage::RequestRecord>& request,
      const std::function<absl::StatusOr<storage::CommitOutcome>(const absl::Status&)>& refusal,
      absl::Time deadline);
  absl::StatusOr<storage::CommitOutcome> Settle(const std::optional<storage::RequestRecord>& request,
                                                const absl::Status& failure, absl::Time deadline);

  Pool* const pool_;
};

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_STORE_H_
