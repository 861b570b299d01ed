#include "tests/support/fake_store.h"

#include <algorithm>
#include <map>

#include "core/error/error.h"
#include "server/base/timestamps.h"

namespace countersign::testing {
namespace {

using base::ToTime;
using storage::Change;
using storage::CommitOutcome;
using storage::Record;

std::string IdOf(const v1::Proposal& proposal) {
  return proposal.name().substr(std::string("proposals/").size());
}

bool HoldsTarget(const v1::Proposal& proposal) {
  return proposal.state() == v1::Proposal::EXECUTING || proposal.state() == v1::Proposal::AMBIGUOUS;
}

std::optional<absl::Time> DueTime(const v1::Proposal& proposal) {
  switch (proposal.state()) {
    case v1::Proposal::PENDING:
      return ToTime(proposal.expire_time());
    case v1::Proposal::APPROVED:
      return ToTime(proposal.approval_expire_time());
    case v1::Proposal::EXECUTING:
      return ToTime(proposal.execution().lease_expire_time());
    default:
      return std::nullopt;
  }
}

std::pair<absl::Time, std::string> PlaceOf(const v1::Proposal& proposal) {
  return {ToTime(proposal.create_time()), IdOf(proposal)};
}

template <typename T>
bool Contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool Matches(const storage::ListFilter& filter, const v1::Proposal& proposal) {
  return (filter.states.empty() || Contains(filter.states, proposal.state())) &&
         (filter.target.empty() || filter.target == proposal.action().target()) &&
         (filter.requester.empty() || filter.requester == proposal.requester()) &&
         IdOf(proposal).starts_with(filter.id_prefix) &&
         (!filter.visible_targets.has_value() ||
          Contains(*filter.visible_targets, proposal.action().target()));
}

v1::Document WithoutContent(v1::Document document) {
  document.clear_content();
  return document;
}

}  // namespace

void FakeStore::FailWith(absl::Status status) {
  base::MutexLock lock(&mutex_);
  failure_ = std::move(status);
}

void FakeStore::LoseNextAnswer() {
  base::MutexLock lock(&mutex_);
  lose_answer_ = true;
}

void FakeStore::BeforeNextCommit(std::function<void()> action) {
  base::MutexLock lock(&mutex_);
  before_commit_ = std::move(action);
}

void FakeStore::Tamper(const std::string& id, const v1::Proposal& proposal) {
  base::MutexLock lock(&mutex_);
  records_[id].proposal = proposal;
}

size_t FakeStore::reads() const {
  base::MutexLock lock(&mutex_);
  return reads_;
}

size_t FakeStore::memory_reads() const {
  base::MutexLock lock(&mutex_);
  return memory_reads_;
}

template <typename Keep>
std::vector<Record> FakeStore::Select(Keep keep) const {
  ++reads_;
  std::vector<Record> selected;
  for (const auto& [id, record] : records_) {
    if (keep(record)) selected.push_back(record);
  }
  return selected;
}

// What PostgreSQL's constraints refuse.
absl::Status FakeStore::Check(const Change& change, const std::string& id) const {
  if (HoldsTarget(change.proposal)) {
    for (const auto& [other, record] : records_) {
      if (other != id && HoldsTarget(record.proposal) &&
          record.proposal.action().target() == change.proposal.action().target()) {
        return error::Make(v1::TARGET_BUSY, "another execution holds the target");
      }
    }
  }
  if (change.decision.has_value() && decisions_.contains({id, change.decision->person()})) {
    return error::Make(v1::ALREADY_DECIDED, "this person has decided already");
  }
  if (change.redeem_token_id.has_value()) {
    const auto token = tokens_.find(*change.redeem_token_id);
    if (token == tokens_.end() || token->second.proposal_id != id || token->second.replaced ||
        token->second.redeemed || token->second.expire_time <= ToTime(change.proposal.update_time())) {
      return error::Make(v1::TOKEN_ALREADY_REDEEMED, "the token was spent or replaced");
    }
  }
  return absl::OkStatus();
}

void FakeStore::Write(const Change& change, const std::string& id) {
  Record& record = records_[id];
  if (change.issue.has_value()) {
    if (const auto before = tokens_.find(record.current_token_id); before != tokens_.end())
      before->second.replaced = true;
    tokens_[change.issue->id] = {id, change.issue->expire_time};
  }
  if (change.decision.has_value()) decisions_.insert({id, change.decision->person()});
  if (change.redeem_token_id.has_value()) tokens_[*change.redeem_token_id].redeemed = true;
  if (change.request.has_value()) {
    requests_[{change.request->principal, change.request->request_id}] = {
        *change.request, ToTime(change.proposal.update_time())};
  }
  if (change.memory.has_value()) memories_[change.memory->target()] = *change.memory;
  record.proposal = change.proposal;
  record.version = change.expected_version + 1;
  record.proposal.set_etag(std::to_string(record.version));
  record.current_token_id = change.current_token_id;
  events_.push_back(change.event);
  events_.back().set_proposal(change.proposal.name());
  events_.back().set_id(static_cast<int64_t>(events_.size()));
}

int64_t FakeStore::MemoryVersion(const std::string& target) const {
  const auto found = memories_.find(target);
  return found == memories_.end() ? 0 : found->second.version();
}

bool FakeStore::IsOvertaken(const v1::Proposal& proposal) const {
  return proposal.has_plan() && proposal.plan().memory_version() != MemoryVersion(proposal.action().target());
}

absl::StatusOr<CommitOutcome> FakeStore::Commit(const Change& change, absl::Time) {
  std::function<void()> somebody_else;
  {
    base::MutexLock lock(&mutex_);
    somebody_else = std::exchange(before_commit_, nullptr);
  }
  if (somebody_else) somebody_else();
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  const std::string id = IdOf(change.proposal);
  const auto found = records_.find(id);
  const int64_t version = found == records_.end() ? 0 : found->second.version;
  if (version != change.expected_version) return CommitOutcome::kConflict;
  if (change.configuration_version.has_value() && *change.configuration_version != configuration_version_) {
    return CommitOutcome::kConflict;
  }
  if (change.only_if_due_at.has_value()) {
    const auto due = DueTime(found->second.proposal);
    if (!due.has_value() || *due > *change.only_if_due_at) return CommitOutcome::kConflict;
  }
  const bool lets_run =
      (change.decision.has_value() && change.decision->verdict() == v1::Decision::APPROVE) ||
      change.issue.has_value() || change.redeem_token_id.has_value();
  if (lets_run && IsOvertaken(found->second.proposal)) return CommitOutcome::kConflict;
  if (change.request.has_value() &&
      requests_.contains({change.request->principal, change.request->request_id})) {
    return CommitOutcome::kDuplicateRequest;
  }
  if (change.memory.has_value() && change.memory->version() != MemoryVersion(change.memory->target()) + 1) {
    return CommitOutcome::kConflict;
  }
  if (const absl::Status status = Check(change, id); !status.ok()) return status;
  Write(change, id);
  if (std::exchange(lose_answer_, false)) {
    return change.request.has_value() ? absl::StatusOr<CommitOutcome>(CommitOutcome::kDuplicateRequest)
                                      : error::Make(v1::COMMIT_IN_DOUBT, "the answer was lost");
  }
  return CommitOutcome::kCommitted;
}

absl::Status FakeStore::RenewLease(std::string_view proposal_id, std::string_view execution_id,
                                   absl::Time lease_expire_time, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  const auto found = records_.find(std::string(proposal_id));
  if (found == records_.end() || found->second.proposal.state() != v1::Proposal::EXECUTING ||
      found->second.proposal.execution().id() != execution_id) {
    return error::Make(v1::WRONG_STATE, "this execution does not hold a lease any more");
  }
  *found->second.proposal.mutable_execution()->mutable_lease_expire_time() =
      base::ToTimestamp(lease_expire_time);
  return absl::OkStatus();
}

absl::StatusOr<Record> FakeStore::Get(std::string_view proposal_id, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  ++reads_;
  const auto found = records_.find(std::string(proposal_id));
  if (found == records_.end()) return error::Make(v1::NOT_FOUND, "no such proposal");
  return found->second;
}

absl::StatusOr<std::vector<Record>> FakeStore::GetMany(const std::vector<std::string>& ids, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  return Select([&](const Record& record) { return Contains(ids, IdOf(record.proposal)); });
}

absl::StatusOr<std::vector<Record>> FakeStore::ListMoved(const std::vector<storage::Watched>& watched,
                                                         absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<Record> moved;
  ++reads_;
  for (const storage::Watched& one : watched) {
    const auto found = records_.find(one.id);
    if (found != records_.end() && found->second.proposal.state() != one.while_state)
      moved.push_back(found->second);
  }
  return moved;
}

absl::StatusOr<std::vector<Record>> FakeStore::List(const storage::ListFilter& filter,
                                                    const std::optional<storage::ListCursor>& after,
                                                    int limit, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  auto records = Select([&](const Record& record) {
    return Matches(filter, record.proposal) &&
           (!after.has_value() || PlaceOf(record.proposal) < std::make_pair(after->create_time, after->id));
  });
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return PlaceOf(a.proposal) > PlaceOf(b.proposal); });
  if (records.size() > static_cast<size_t>(limit)) records.resize(limit);
  return records;
}

absl::StatusOr<std::vector<Record>> FakeStore::ListUpdated(absl::Time after_time, std::string_view after_id,
                                                           int limit, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  const auto place = [](const Record& record) {
    return std::make_pair(ToTime(record.proposal.update_time()), IdOf(record.proposal));
  };
  auto records = Select([&](const Record& record) {
    return place(record) > std::make_pair(after_time, std::string(after_id));
  });
  std::sort(records.begin(), records.end(),
            [&](const Record& a, const Record& b) { return place(a) < place(b); });
  if (records.size() > static_cast<size_t>(limit)) records.resize(limit);
  return records;
}

absl::StatusOr<std::vector<Record>> FakeStore::ListDue(absl::Time now, int limit, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  auto records = Select([&](const Record& record) {
    const auto due = DueTime(record.proposal);
    return due.has_value() && *due <= now;
  });
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return *DueTime(a.proposal) < *DueTime(b.proposal); });
  if (records.size() > static_cast<size_t>(limit)) records.resize(limit);
  return records;
}

absl::StatusOr<std::vector<Record>> FakeStore::ListOvertaken(int limit, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  ++reads_;
  std::vector<Record> records;
  for (const auto& [id, record] : records_) {
    const v1::Proposal::State state = record.proposal.state();
    const bool open = state == v1::Proposal::PENDING || state == v1::Proposal::APPROVED;
    if (open && IsOvertaken(record.proposal)) records.push_back(record);
  }
  if (records.size() > static_cast<size_t>(limit)) records.resize(limit);
  return records;
}

absl::StatusOr<std::vector<std::pair<v1::Proposal::State, int64_t>>> FakeStore::CountOpen(absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  std::map<v1::Proposal::State, int64_t> counts;
  for (const auto& [id, record] : records_) {
    if (record.proposal.state() <= v1::Proposal::AMBIGUOUS) ++counts[record.proposal.state()];
  }
  return std::vector<std::pair<v1::Proposal::State, int64_t>>(counts.begin(), counts.end());
}

absl::StatusOr<storage::RequestRecord> FakeStore::FindRequest(std::string_view principal,
                                                              std::string_view request_id, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  const auto found = requests_.find({std::string(principal), std::string(request_id)});
  if (found == requests_.end()) return error::Make(v1::NOT_FOUND, "no such request");
  return found->second.record;
}

absl::StatusOr<int64_t> FakeStore::PruneRequests(absl::Time before, int limit, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  int64_t pruned = 0;
  for (auto request = requests_.begin(); request != requests_.end() && pruned < limit;) {
    if (request->second.create_time < before) {
      request = requests_.erase(request);
      ++pruned;
    } else {
      ++request;
    }
  }
  return pruned;
}

absl::StatusOr<absl::Time> FakeStore::PutArtifact(const storage::SealedArtifact& artifact, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  return artifacts_.try_emplace(artifact.digest, artifact).first->second.create_time;
}

absl::StatusOr<storage::SealedArtifact> FakeStore::GetArtifact(std::string_view digest, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  const auto found = artifacts_.find(std::string(digest));
  if (found == artifacts_.end()) return error::Make(v1::NOT_FOUND, "no such artifact");
  return found->second;
}

absl::StatusOr<std::vector<storage::SealedArtifact>> FakeStore::OneArtifactPerKey(absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  std::map<std::string, storage::SealedArtifact> by_key;
  for (const auto& [digest, artifact] : artifacts_) by_key.try_emplace(artifact.key_id, artifact);
  std::vector<storage::SealedArtifact> found;
  for (auto& [key_id, artifact] : by_key) {
    artifact.ciphertext.clear();
    found.push_back(std::move(artifact));
  }
  return found;
}

absl::StatusOr<std::vector<int64_t>> FakeStore::ArtifactSizes(const std::vector<std::string>& digests,
                                                              absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<int64_t> sizes;
  for (const std::string& digest : digests) {
    const auto found = artifacts_.find(digest);
    if (found == artifacts_.end()) return error::Make(v1::NOT_FOUND, "no artifact " + digest);
    sizes.push_back(found->second.size_bytes);
  }
  return sizes;
}

absl::Status FakeStore::PutPlanView(std::string_view digest, std::string_view plan_view, absl::Time,
                                    absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  plan_views_.emplace(digest, plan_view);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> FakeStore::PlanViewSize(std::string_view digest, absl::Time deadline) {
  const auto stored = GetPlanView(digest, deadline);
  if (!stored.ok()) return stored.status();
  return static_cast<int64_t>(stored->size());
}

absl::StatusOr<std::string> FakeStore::GetPlanView(std::string_view digest, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  const auto found = plan_views_.find(std::string(digest));
  if (found == plan_views_.end()) return error::Make(v1::NOT_FOUND, "no such plan view");
  return found->second;
}

absl::StatusOr<v1::TargetMemory> FakeStore::GetTargetMemory(std::string_view target, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  ++memory_reads_;
  const auto found = memories_.find(std::string(target));
  if (found == memories_.end()) return error::Make(v1::NOT_FOUND, "nothing is remembered of this target");
  return found->second;
}

absl::StatusOr<int64_t> FakeStore::TargetMemoryVersion(std::string_view target, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  return MemoryVersion(std::string(target));
}

absl::StatusOr<CommitOutcome> FakeStore::PutTargetMemory(const v1::TargetMemory& memory,
                                                         const v1::AuditEvent& event,
                                                         const storage::RequestRecord& request, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  if (memory.version() != MemoryVersion(memory.target()) + 1) return CommitOutcome::kConflict;
  if (requests_.contains({request.principal, request.request_id})) return CommitOutcome::kDuplicateRequest;
  memories_[memory.target()] = memory;
  requests_[{request.principal, request.request_id}] = {request, ToTime(memory.update_time())};
  events_.push_back(event);
  events_.back().set_id(static_cast<int64_t>(events_.size()));
  return CommitOutcome::kCommitted;
}

absl::StatusOr<int64_t> FakeStore::ConfigurationVersion(absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  return configuration_version_;
}

absl::StatusOr<std::pair<int64_t, std::vector<v1::Document>>> FakeStore::LoadDocuments(absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  std::map<std::string, v1::Document> current;
  for (const v1::Document& document : documents_) current[document.name()] = document;
  std::vector<v1::Document> documents;
  for (const auto& [name, document] : current) documents.push_back(document);
  return std::make_pair(configuration_version_, documents);
}

absl::StatusOr<int64_t> FakeStore::ApplyDocuments(int64_t expected_version,
                                                  const std::vector<storage::NewDocument>& documents,
                                                  std::string_view applied_by, absl::Time now,
                                                  const v1::AuditEvent& event,
                                                  const storage::RequestRecord& request, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  const RequestKey key{request.principal, request.request_id};
  if (expected_version != configuration_version_ || requests_.contains(key)) {
    return error::Make(v1::CONCURRENT_UPDATE, "somebody else applied documents at the same moment");
  }
  ++configuration_version_;
  for (const storage::NewDocument& document : documents) {
    v1::Document& stored = documents_.emplace_back();
    stored.set_name(document.name);
    stored.set_version(configuration_version_);
    stored.set_digest(document.digest);
    stored.set_content(document.content);
    stored.set_applied_by(std::string(applied_by));
    *stored.mutable_apply_time() = base::ToTimestamp(now);
  }
  requests_[key] = {request, now};
  events_.push_back(event);
  events_.back().set_id(static_cast<int64_t>(events_.size()));
  return configuration_version_;
}

absl::StatusOr<v1::Document> FakeStore::GetDocument(std::string_view name, int64_t version, absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  for (auto document = documents_.rbegin(); document != documents_.rend(); ++document) {
    if (document->name() == name && (version == 0 || document->version() == version)) return *document;
  }
  return error::Make(v1::NOT_FOUND, "no such document or version");
}

absl::StatusOr<std::vector<v1::Document>> FakeStore::ListDocumentVersions(std::string_view name, int limit,
                                                                          absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<v1::Document> versions;
  for (auto document = documents_.rbegin(); document != documents_.rend(); ++document) {
    if (document->name() == name && versions.size() < static_cast<size_t>(limit)) {
      versions.push_back(WithoutContent(*document));
    }
  }
  return versions;
}

absl::StatusOr<std::vector<v1::AuditEvent>> FakeStore::ListAuditEvents(std::string_view proposal,
                                                                       int64_t after_id, int limit,
                                                                       absl::Time) {
  base::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<v1::AuditEvent> events;
  const std::string name = proposal.empty() ? "" : "proposals/" + std::string(proposal);
  for (const v1::AuditEvent& event : events_) {
    if (event.id() <= after_id || events.size() >= static_cast<size_t>(limit)) continue;
    if (name.empty() || event.proposal() == name) events.push_back(event);
  }
  return events;
}

}  // namespace countersign::testing
