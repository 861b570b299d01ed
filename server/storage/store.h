// The storage port: what the broker needs of a database, in its own words. Two implementations, one contract
// (tests/contract): PostgreSQL, and a fake in memory for tests.
#ifndef COUNTERSIGN_SERVER_STORAGE_STORE_H_
#define COUNTERSIGN_SERVER_STORAGE_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/policy/configuration.h"
#include "countersign/v1/config_service.pb.h"
#include "countersign/v1/resource.pb.h"
#include "countersign/v1/target_service.pb.h"

namespace countersign::storage {

// A proposal as stored. `proposal.etag` and `proposal.execution.lease_expire_time` are filled from the row.
struct Record {
  v1::Proposal proposal;
  // Grows by one with every change; 0 for a proposal that is not stored yet.
  int64_t version = 0;
  // The `jti` of the one token that may be redeemed; empty when there is none.
  std::string current_token_id;
};

// What makes a repeated call give the first answer.
struct RequestRecord {
  std::string principal;
  std::string request_id;
  // Digest of method and body.
  std::string body_digest;
  // The serialized answer, without secrets.
  std::string response;
};

// A token about to be handed out. Its text is never stored: it can be signed again from the claims.
struct TokenIssue {
  std::string id;
  std::string principal;
  std::string holder_thumbprint;
  absl::Time issue_time;
  absl::Time expire_time;
};

// One transition, with everything that has to commit with it.
// All of it is written as of `proposal.update_time`, which for a new proposal is its create_time too.
struct Change {
  // The version that this change was decided on; 0 inserts.
  int64_t expected_version = 0;
  // The configuration version that this change was decided under; the change is refused when it has moved.
  // Unset for what must happen under any configuration: expiry, heartbeat, report.
  std::optional<int64_t> configuration_version;
  // Only if the proposal is still due at this time: a heartbeat moves the lease without a new version.
  std::optional<absl::Time> only_if_due_at;
  v1::Proposal proposal;
  std::string current_token_id;
  // At most one of the next three, and none for a new proposal.
  std::optional<v1::Decision> decision;
  std::optional<TokenIssue> issue;
  // Spend this token.
  std::optional<std::string> redeem_token_id;
  // What is remembered of the proposal's target from now on, in place of `version` - 1 of it; the change is
  // refused when it is at another one. With none of the three above.
  std::optional<v1::TargetMemory> memory;
  v1::AuditEvent event;
  std::optional<RequestRecord> request;
};

enum class CommitOutcome {
  kCommitted,
  // Version or configuration moved, or what is remembered of the target; nothing was written.
  kConflict,
  // This principal used this request_id before; nothing was written.
  kDuplicateRequest,
};

// Newest first, by (create_time, id).
struct ListFilter {
  std::vector<v1::Proposal::State> states;
  std::string target;
  std::string requester;
  std::string id_prefix;
  // For workloads: only targets whose proposals they may see. Unset means no such restriction.
  std::optional<std::vector<std::string>> visible_targets;
};
struct ListCursor {
  absl::Time create_time;
  std::string id;
};

// What one watcher or waiter compares with.
struct Watched {
  std::string id;
  v1::Proposal::State while_state = v1::Proposal::PENDING;
};

struct SealedArtifact {
  std::string digest;
  int64_t size_bytes = 0;
  std::string key_id;
  // Nonces, wrapped data key and tags are part of these; see sealing.h.
  std::string wrapped_key;
  std::string ciphertext;
  absl::Time create_time;
};

struct NewDocument {
  std::string name;
  std::string content;
  std::string digest;
};

// Every method may answer DATABASE_UNAVAILABLE, DATABASE_TIMEOUT, CONCURRENT_UPDATE and INTERNAL, and takes
// the time at which the caller gives up. Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  // Applies a change atomically: compare-and-set, inserts and audit event in one commit. A lost answer is
  // settled by the request record; without one, COMMIT_IN_DOUBT.
  // TARGET_BUSY when another proposal of the target is EXECUTING or AMBIGUOUS and this one would be.
  // ALREADY_DECIDED when the decision's person has one already. TOKEN_ALREADY_REDEEMED when the token is
  // spent. A plan that was judged against another version of its target's memory than the current one is
  // neither approved nor given a token nor redeemed: kConflict.
  virtual absl::StatusOr<CommitOutcome> Commit(const Change& change, absl::Time deadline) = 0;

  // Moves the lease of an execution that is still EXECUTING. WRONG_STATE otherwise.
  virtual absl::Status RenewLease(std::string_view proposal_id, std::string_view execution_id,
                                  absl::Time lease_expire_time, absl::Time deadline) = 0;

  // NOT_FOUND; DATA_CORRUPTED when the row contradicts itself.
  virtual absl::StatusOr<Record> Get(std::string_view proposal_id, absl::Time deadline) = 0;
  virtual absl::StatusOr<std::vector<Record>> GetMany(const std::vector<std::string>& ids,
                                                      absl::Time deadline) = 0;
  // Those of `watched` that are not in their state any more.
  virtual absl::StatusOr<std::vector<Record>> ListMoved(const std::vector<Watched>& watched,
                                                        absl::Time deadline) = 0;
  virtual absl::StatusOr<std::vector<Record>> List(const ListFilter& filter,
                                                   const std::optional<ListCursor>& after, int limit,
                                                   absl::Time deadline) = 0;
  // Oldest first, those with (update_time, id) after the cursor.
  virtual absl::StatusOr<std::vector<Record>> ListUpdated(absl::Time after_time, std::string_view after_id,
                                                          int limit, absl::Time deadline) = 0;
  // Proposals whose time is over: PENDING past expire_time, APPROVED past approval_expire_time, EXECUTING
  // past their lease. Oldest first.
  virtual absl::StatusOr<std::vector<Record>> ListDue(absl::Time now, int limit, absl::Time deadline) = 0;
  // PENDING and APPROVED plans that were judged against another version of their target's memory than the
  // current one.
  virtual absl::StatusOr<std::vector<Record>> ListOvertaken(int limit, absl::Time deadline) = 0;
  // How many proposals are in each state that is not terminal.
  virtual absl::StatusOr<std::vector<std::pair<v1::Proposal::State, int64_t>>> CountOpen(
      absl::Time deadline) = 0;

  // NOT_FOUND when this principal never used this id.
  virtual absl::StatusOr<RequestRecord> FindRequest(std::string_view principal, std::string_view request_id,
                                                    absl::Time deadline) = 0;
  // Forgets request records older than `before`; at most `limit` of them.
  virtual absl::StatusOr<int64_t> PruneRequests(absl::Time before, int limit, absl::Time deadline) = 0;

  // Storing the same digest again keeps the first. Returns the stored create_time.
  virtual absl::StatusOr<absl::Time> PutArtifact(const SealedArtifact& artifact, absl::Time deadline) = 0;
  virtual absl::StatusOr<SealedArtifact> GetArtifact(std::string_view digest, absl::Time deadline) = 0;
  // One artifact, without its ciphertext, for every `key_id` that artifacts have, ascending.
  virtual absl::StatusOr<std::vector<SealedArtifact>> OneArtifactPerKey(absl::Time deadline) = 0;
  // Sizes of those that exist, in the order asked; NOT_FOUND names the first that does not.
  virtual absl::StatusOr<std::vector<int64_t>> ArtifactSizes(const std::vector<std::string>& digests,
                                                             absl::Time deadline) = 0;

  // A serialized v1.PlanView under its digest; storing it again changes nothing.
  virtual absl::Status PutPlanView(std::string_view digest, std::string_view plan_view, absl::Time now,
                                   absl::Time deadline) = 0;
  // How many bytes GetPlanView() gives. NOT_FOUND.
  virtual absl::StatusOr<int64_t> PlanViewSize(std::string_view digest, absl::Time deadline) = 0;
  // NOT_FOUND.
  virtual absl::StatusOr<std::string> GetPlanView(std::string_view digest, absl::Time deadline) = 0;

  // NOT_FOUND when nothing was ever remembered; DATA_CORRUPTED.
  virtual absl::StatusOr<v1::TargetMemory> GetTargetMemory(std::string_view target, absl::Time deadline) = 0;
  // Its `version` alone, without what it holds; 0 when nothing was ever remembered.
  virtual absl::StatusOr<int64_t> TargetMemoryVersion(std::string_view target, absl::Time deadline) = 0;
  // Replaces `memory.version` - 1 of it, together with the audit event and the request record. kConflict when
  // it is at another version. COMMIT_IN_DOUBT as in Commit().
  virtual absl::StatusOr<CommitOutcome> PutTargetMemory(const v1::TargetMemory& memory,
                                                        const v1::AuditEvent& event,
                                                        const RequestRecord& request,
                                                        absl::Time deadline) = 0;

  virtual absl::StatusOr<int64_t> ConfigurationVersion(absl::Time deadline) = 0;
  // The current version of every document, with contents, and the configuration version they make.
  virtual absl::StatusOr<std::pair<int64_t, std::vector<v1::Document>>> LoadDocuments(
      absl::Time deadline) = 0;
  // CONCURRENT_UPDATE when the configuration is no longer at `expected_version`; documents, audit event and
  // request record commit together. Returns the new version.
  virtual absl::StatusOr<int64_t> ApplyDocuments(int64_t expected_version,
                                                 const std::vector<NewDocument>& documents,
                                                 std::string_view applied_by, absl::Time now,
                                                 const v1::AuditEvent& event, const RequestRecord& request,
                                                 absl::Time deadline) = 0;
  // Version 0 is the current one. NOT_FOUND.
  virtual absl::StatusOr<v1::Document> GetDocument(std::string_view name, int64_t version,
                                                   absl::Time deadline) = 0;
  virtual absl::StatusOr<std::vector<v1::Document>> ListDocumentVersions(std::string_view name, int limit,
                                                                         absl::Time deadline) = 0;

  // Oldest first, those with an id above `after_id`; of one proposal when `proposal` is not empty.
  virtual absl::StatusOr<std::vector<v1::AuditEvent>> ListAuditEvents(std::string_view proposal,
                                                                      int64_t after_id, int limit,
                                                                      absl::Time deadline) = 0;
};

}  // namespace countersign::storage

#endif  // COUNTERSIGN_SERVER_STORAGE_STORE_H_
