#ifndef COUNTERSIGN_TESTS_SUPPORT_FAKE_STORE_H_
#define COUNTERSIGN_TESTS_SUPPORT_FAKE_STORE_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/base/mutex.h"
#include "server/storage/store.h"

namespace countersign::testing {

// The storage port in memory, held to the same contract suite as PostgreSQL. Thread-safe. Can be told to
// fail.
class FakeStore final : public storage::Store {
 public:
  // Every call fails with this until it is set to OK again.
  void FailWith(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  // The next Commit() writes, and its answer is lost.
  void LoseNextAnswer() ABSL_LOCKS_EXCLUDED(mutex_);
  // Before the next Commit() this happens, as if somebody else were faster.
  void BeforeNextCommit(std::function<void()> action) ABSL_LOCKS_EXCLUDED(mutex_);
  // Overwrites a stored proposal, as somebody with the database's password could.
  void Tamper(const std::string& id, const v1::Proposal& proposal) ABSL_LOCKS_EXCLUDED(mutex_);
  size_t reads() const ABSL_LOCKS_EXCLUDED(mutex_);
  // How often what is remembered of a target was read as a whole.
  size_t memory_reads() const ABSL_LOCKS_EXCLUDED(mutex_);

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
  struct Token {
    std::string proposal_id;
    absl::Time expire_time;
    bool replaced = false;
    bool redeemed = false;
  };
  using RequestKey = std::pair<std::string, std::string>;
  struct StoredRequest {
    storage::RequestRecord record;
    absl::Time create_time;
  };

  absl::Status Check(const storage::Change& change, const std::string& id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(const storage::Change& change, const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t MemoryVersion(const std::string& target) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the proposal holds a plan that was judged against another memory than there is now.
  bool IsOvertaken(const v1::Proposal& proposal) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <typename Keep>
  std::vector<storage::Record> Select(Keep keep) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable base::Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool lose_answer_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> before_commit_ ABSL_GUARDED_BY(mutex_);
  mutable size_t reads_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t memory_reads_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, storage::Record> records_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<std::string, std::string>> decisions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Token> tokens_ ABSL_GUARDED_BY(mutex_);
  std::map<RequestKey, StoredRequest> requests_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, storage::SealedArtifact> artifacts_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> plan_views_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::TargetMemory> memories_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::Document> documents_ ABSL_GUARDED_BY(mutex_);
  int64_t configuration_version_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<v1::AuditEvent> events_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_FAKE_STORE_H_
