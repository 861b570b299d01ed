#include "server/postgres/store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error/error.h"
#include "core/text/text.h"
#include "server/base/timestamps.h"
#include "server/postgres/statements.h"

namespace countersign::postgres {
namespace statements {

std::vector<Statement> All() {
  return {kInsertProposal,    kMove,
          kRemember,          kDecide,
          kIssueToken,        kRedeemToken,
          kRenewLease,        kGetProposals,
          kGetProposal,       kListMoved,
          kListByState,       kListByTarget,
          kListByRequester,   kListAll,
          kListByPrefix,      kListUpdated,
          kListDue,           kListOvertaken,
          kCountOpen,         kFindRequest,
          kPruneRequests,     kPutArtifact,
          kGetArtifact,       kOneArtifactPerKey,
          kDescribeArtifacts, kPutPlanView,
          kPlanViewSize,      kGetPlanView,
          kGetTargetMemory,   kTargetMemoryVersion,
          kPutTargetMemory,   kConfigurationVersion,
          kLoadDocuments,     kApplyDocuments,
          kGetDocument,       kListDocumentVersions,
          kListAuditEvents,   kListProposalAuditEvents};
}

}  // namespace statements

namespace {

using storage::Change;
using storage::CommitOutcome;
using storage::Record;

std::string IdOf(const v1::Proposal& proposal) {
  return proposal.name().substr(std::string("proposals/").size());
}

using base::ToTime;
using base::ToTimestamp;

std::string ProposalIdOf(const v1::AuditEvent& event) {
  return event.proposal().substr(event.proposal().find('/') + 1);
}

// When the sweeper has to look at the proposal: the end of the state it is in.
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

std::optional<std::string> NonEmpty(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

void AddRequest(const std::optional<storage::RequestRecord>& request, Parameters* parameters) {
  if (!request.has_value()) {
    parameters->Null().Null().Null().Null();
    return;
  }
  parameters->Text(request->principal)
      .Text(request->request_id)
      .Text(request->body_digest)
      .Bytes(request->response);
}

void AddEvent(const v1::AuditEvent& event, Parameters* parameters) {
  parameters->Text(event.type()).Text(event.principal()).Text(event.request_id()).Text(event.details_json());
}

Parameters InsertParameters(const Change& change, const std::string& resource) {
  const v1::Proposal& proposal = change.proposal;
  Parameters parameters;
  parameters.Text(IdOf(proposal))
      .Int64(proposal.state())
      .Text(proposal.action().target())
      .Text(proposal.requester())
      .Time(ToTime(proposal.update_time()))
      .OptionalTime(DueTime(proposal))
      .Bytes(resource)
      .OptionalInt64(change.configuration_version);
  AddRequest(change.request, &parameters);
  AddEvent(change.event, &parameters);
  parameters.OptionalInt64(proposal.has_plan() ? std::optional<int64_t>(proposal.plan().memory_version())
                                               : std::nullopt);
  return parameters;
}

struct Write {
  const Statement& statement;
  Parameters parameters;
};

// `resource` and `memory` are the serialized ones, which the parameters borrow.
Write TransitionWrite(const Change& change, const std::string& resource, const std::string& memory) {
  const v1::Proposal& proposal = change.proposal;
  Parameters parameters;
  parameters.Text(IdOf(proposal))
      .Int64(change.expected_version)
      .Int64(proposal.state())
      .Time(ToTime(proposal.update_time()))
      .OptionalTime(DueTime(proposal))
      .OptionalText(NonEmpty(change.current_token_id))
      .OptionalText(NonEmpty(proposal.execution().id()))
      .Bytes(resource)
      .OptionalInt64(change.configuration_version)
      .OptionalTime(change.only_if_due_at);
  AddRequest(change.request, &parameters);
  AddEvent(change.event, &parameters);
  if (change.decision.has_value()) {
    parameters.Text(change.decision->person())
        .Text(change.decision->principal())
        .Int64(change.decision->verdict())
        .Text(change.decision->action_digest());
    return {statements::kDecide, std::move(parameters)};
  }
  if (change.issue.has_value()) {
    parameters.Text(change.issue->id)
        .Text(change.issue->principal)
        .Text(change.issue->holder_thumbprint)
        .Time(change.issue->issue_time)
        .Time(change.issue->expire_time);
    return {statements::kIssueToken, std::move(parameters)};
  }
  if (change.redeem_token_id.has_value()) {
    parameters.Text(*change.redeem_token_id);
    return {statements::kRedeemToken, std::move(parameters)};
  }
  if (change.memory.has_value()) {
    parameters.Text(change.memory->target()).Int64(change.memory->version()).Bytes(memory);
    return {statements::kRemember, std::move(parameters)};
  }
  return {statements::kMove, std::move(parameters)};
}

// What a refused write means, by the constraint that refused it.
absl::StatusOr<CommitOutcome> Refusal(const absl::Status& failure, const v1::Proposal& proposal) {
  const std::string constraint = ConstraintOf(failure);
  if (constraint == "requests_once") return CommitOutcome::kDuplicateRequest;
  if (constraint == "proposals_pkey" || constraint == "target_memory_moved") return CommitOutcome::kConflict;
  if (constraint == "proposals_one_execution_per_target") {
    return error::Make(v1::TARGET_BUSY,
                       text::Concat("another execution holds ", proposal.action().target(),
                                    "; wait for its end, or resolve it when it is AMBIGUOUS"));
  }
  if (constraint == "decisions_one_per_person") {
    return error::Make(v1::ALREADY_DECIDED, "this person has decided on this proposal already");
  }
  if (constraint == "token_redeemable" || constraint == "tokens_redeemed_once") {
    return error::Make(v1::TOKEN_ALREADY_REDEEMED, "the token was spent or replaced");
  }
  return failure;
}

absl::StatusOr<Record> ToRecord(const Result& result, int row) {
  Record record;
  record.version = result.Int64(row, 1);
  const std::string_view resource = result.Bytes(row, 5);
  const bool parsed = record.proposal.ParseFromArray(resource.data(), static_cast<int>(resource.size()));
  if (!parsed || record.proposal.name() != text::Concat("proposals/", result.Text(row, 0)) ||
      record.proposal.state() != result.Int64(row, 2)) {
    return error::Make(v1::DATA_CORRUPTED,
                       text::Concat("the row of proposal ", result.Text(row, 0),
                                    " contradicts itself; somebody changed it in the database"));
  }
  record.proposal.set_etag(text::Concat(record.version));
  if (record.proposal.state() == v1::Proposal::EXECUTING && !result.IsNull(row, 3)) {
    *record.proposal.mutable_execution()->mutable_lease_expire_time() = ToTimestamp(result.Time(row, 3));
  }
  record.current_token_id = result.OptionalText(row, 4).value_or("");
  return record;
}

v1::Document ToDocument(const Result& result, int row, int first_column) {
  v1::Document document;
  document.set_name(std::string(result.Text(row, first_column)));
  document.set_version(result.Int64(row, first_column + 1));
  document.set_digest(std::string(result.Text(row, first_column + 2)));
  document.set_applied_by(std::string(result.Text(row, first_column + 3)));
  *document.mutable_apply_time() = ToTimestamp(result.Time(row, first_column + 4));
  return document;
}

// The first id that no id with this prefix can reach; ids are [a-z2-7].
std::string PrefixEnd(const std::string& prefix) { return text::Concat(prefix, "~"); }

// Whether the connection broke, with this known about the statement.
bool Broke(const absl::Status& status, Delivery delivery) {
  return error::ReasonOf(status) == v1::DATABASE_UNAVAILABLE && DeliveryOf(status) == delivery;
}

bool OnlyOpen(const std::vector<v1::Proposal::State>& states) {
  return !states.empty() && std::all_of(states.begin(), states.end(), [](v1::Proposal::State state) {
    return state >= v1::Proposal::PENDING && state <= v1::Proposal::AMBIGUOUS;
  });
}

}  // namespace

absl::StatusOr<Result> PostgresStore::Execute(const Statement& statement, const Parameters& parameters,
                                              absl::Time deadline) {
  for (bool repeated = false;; repeated = true) {
    auto lease = pool_->Acquire(deadline);
    if (!lease.ok()) return lease.status();
    auto result = (*lease)->Execute(statement, parameters, deadline);
    if (repeated || !Broke(result.status(), Delivery::kNotSent)) return result;
  }
}

absl::StatusOr<Result> PostgresStore::Read(const Statement& statement, const Parameters& parameters,
                                           absl::Time deadline) {
  auto result = Execute(statement, parameters, deadline);
  if (Broke(result.status(), Delivery::kInDoubt)) return Execute(statement, parameters, deadline);
  return result;
}

absl::StatusOr<std::vector<Record>> PostgresStore::Records(const Statement& statement,
                                                           const Parameters& parameters,
                                                           absl::Time deadline) {
  const auto result = Read(statement, parameters, deadline);
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  records.reserve(result->rows());
  for (int row = 0; row < result->rows(); ++row) {
    auto record = ToRecord(*result, row);
    if (!record.ok()) return record.status();
    records.push_back(*std::move(record));
  }
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return records;
}

absl::StatusOr<CommitOutcome> PostgresStore::Commit(const Change& change, absl::Time deadline) {
  const std::string resource = change.proposal.SerializeAsString();
  const std::string memory = change.memory.has_value() ? change.memory->SerializeAsString() : "";
  if (change.decision.has_value() + change.issue.has_value() + change.redeem_token_id.has_value() +
          change.memory.has_value() >
      1) {
    return error::Make(v1::INTERNAL, "a change decides, issues, redeems or remembers: only one of them");
  }
  const Write write = change.expected_version == 0
                          ? Write{statements::kInsertProposal, InsertParameters(change, resource)}
                          : TransitionWrite(change, resource, memory);
  return Commit(
      write.statement, write.parameters, change.request,
      [&](const absl::Status& failure) { return Refusal(failure, change.proposal); }, deadline);
}

absl::StatusOr<CommitOutcome> PostgresStore::Commit(
    const Statement& statement, const Parameters& parameters,
    const std::optional<storage::RequestRecord>& request,
    const std::function<absl::StatusOr<CommitOutcome>(const absl::Status&)>& refusal, absl::Time deadline) {
  for (bool repeated = false;; repeated = true) {
    const auto result = Execute(statement, parameters, deadline);
    if (result.ok() && result->rows() == 1) return CommitOutcome::kCommitted;
    if (result.ok() || DeliveryOf(result.status()) != Delivery::kInDoubt) {
      // The first attempt may have been committed after it was looked for, and be what this one has met.
      if (repeated && Settle(request, absl::OkStatus(), deadline).value_or(CommitOutcome::kConflict) ==
                          CommitOutcome::kDuplicateRequest) {
        return CommitOutcome::kDuplicateRequest;
      }
      if (result.ok()) return CommitOutcome::kConflict;
      return refusal(result.status());
    }
    const auto settled = Settle(request, result.status(), deadline);
    // Not there: repeating the statement is safe, because the version and the request_id admit it only once.
    if (settled.ok() && *settled == CommitOutcome::kConflict && !repeated) continue;
    return settled;
  }
}

// kDuplicateRequest when the write is there, kConflict when it is not.
absl::StatusOr<CommitOutcome> PostgresStore::Settle(const std::optional<storage::RequestRecord>& request,
                                                    const absl::Status& failure, absl::Time deadline) {
  const auto in_doubt = [] {
    return error::Make(v1::COMMIT_IN_DOUBT,
                       "the database was lost while it wrote; repeat the call with the same request_id to "
                       "learn what it did");
  };
  if (!request.has_value()) return in_doubt();
  const auto found = FindRequest(request->principal, request->request_id, deadline);
  if (found.ok()) return CommitOutcome::kDuplicateRequest;
  if (error::ReasonOf(found.status()) != v1::NOT_FOUND) return in_doubt();
  if (error::ReasonOf(failure) == v1::DATABASE_TIMEOUT) return in_doubt();  // It may still be at work.
  return CommitOutcome::kConflict;
}

absl::Status PostgresStore::RenewLease(std::string_view proposal_id, std::string_view execution_id,
                                       absl::Time lease_expire_time, absl::Time deadline) {
  Parameters parameters;
  parameters.Text(proposal_id).Text(execution_id).Time(lease_expire_time);
  const auto result = Execute(statements::kRenewLease, parameters, deadline);
  if (!result.ok()) return result.status();
  if (result->empty()) return error::Make(v1::WRONG_STATE, "this execution does not hold a lease any more");
  return absl::OkStatus();
}

absl::StatusOr<Record> PostgresStore::Get(std::string_view proposal_id, absl::Time deadline) {
  Parameters parameters;
  parameters.Text(proposal_id);
  auto records = Records(statements::kGetProposal, parameters, deadline);
  if (!records.ok()) return records.status();
  if (records->empty()) return error::Make(v1::NOT_FOUND, "no such proposal");
  return std::move(records->front());
}

absl::StatusOr<std::vector<Record>> PostgresStore::GetMany(const std::vector<std::string>& ids,
                                                           absl::Time deadline) {
  Parameters parameters;
  parameters.TextArray(ids);
  return Records(statements::kGetProposals, parameters, deadline);
}

absl::StatusOr<std::vector<Record>> PostgresStore::ListMoved(const std::vector<storage::Watched>& watched,
                                                             absl::Time deadline) {
  std::vector<std::string> ids;
  std::vector<int64_t> states;
  for (const storage::Watched& one : watched) {
    ids.push_back(one.id);
    states.push_back(one.while_state);
  }
  Parameters parameters;
  parameters.TextArray(ids).Int64Array(states);
  return Records(statements::kListMoved, parameters, deadline);
}

absl::StatusOr<std::vector<Record>> PostgresStore::List(const storage::ListFilter& filter,
                                                        const std::optional<storage::ListCursor>& after,
                                                        int limit, absl::Time deadline) {
  const std::vector<int64_t> states(filter.states.begin(), filter.states.end());
  const bool by_target = !filter.target.empty() || filter.visible_targets.has_value();
  const bool by_state =
      filter.id_prefix.empty() &&
      (OnlyOpen(filter.states) || (!states.empty() && filter.requester.empty() && !by_target));
  const bool all = states.empty() && filter.requester.empty() && !by_target && filter.id_prefix.empty();
  Parameters parameters;
  const auto add_cursor = [&] {
    if (after.has_value()) {
      parameters.Time(after->create_time).Text(after->id);
    } else {
      parameters.Null().Null();
    }
  };
  if (all) {
    add_cursor();
    parameters.Int64(limit);
    return Records(statements::kListAll, parameters, deadline);
  }
  const auto add_array = [&](const std::optional<std::vector<std::string>>& values) {
    if (values.has_value()) {
      parameters.TextArray(*values);
    } else {
      parameters.Null();
    }
  };
  if (states.empty()) {
    parameters.Null();
  } else {
    parameters.Int64Array(states);
  }
  add_cursor();
  parameters.OptionalText(NonEmpty(filter.target)).OptionalText(NonEmpty(filter.requester));
  const bool scan_targets = !by_state && filter.id_prefix.empty() && filter.requester.empty();
  if (scan_targets && !filter.visible_targets.has_value()) {
    add_array(std::vector<std::string>{filter.target});
  } else {
    add_array(filter.visible_targets);
  }
  parameters.Int64(limit);
  if (!filter.id_prefix.empty()) {
    parameters.Text(filter.id_prefix).Text(PrefixEnd(filter.id_prefix));
    return Records(statements::kListByPrefix, parameters, deadline);
  }
  if (by_state) return Records(statements::kListByState, parameters, deadline);
  return Records(scan_targets ? statements::kListByTarget : statements::kListByRequester, parameters,
                 deadline);
}

absl::StatusOr<std::vector<Record>> PostgresStore::ListUpdated(absl::Time after_time,
                                                               std::string_view after_id, int limit,
                                                               absl::Time deadline) {
  Parameters parameters;
  parameters.Time(after_time).Text(after_id).Int64(limit);
  return Records(statements::kListUpdated, parameters, deadline);
}

absl::StatusOr<std::vector<Record>> PostgresStore::ListDue(absl::Time now, int limit, absl::Time deadline) {
  Parameters parameters;
  parameters.Time(now).Int64(limit);
  return Records(statements::kListDue, parameters, deadline);
}

absl::StatusOr<std::vector<Record>> PostgresStore::ListOvertaken(int limit, absl::Time deadline) {
  Parameters parameters;
  parameters.Int64(limit);
  return Records(statements::kListOvertaken, parameters, deadline);
}

absl::StatusOr<std::vector<std::pair<v1::Proposal::State, int64_t>>> PostgresStore::CountOpen(
    absl::Time deadline) {
  const auto result = Read(statements::kCountOpen, Parameters(), deadline);
  if (!result.ok()) return result.status();
  std::vector<std::pair<v1::Proposal::State, int64_t>> counts;
  for (int row = 0; row < result->rows(); ++row) {
    counts.emplace_back(static_cast<v1::Proposal::State>(result->Int64(row, 0)), result->Int64(row, 1));
  }
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return counts;
}

absl::StatusOr<storage::RequestRecord> PostgresStore::FindRequest(std::string_view principal,
                                                                  std::string_view request_id,
                                                                  absl::Time deadline) {
  Parameters parameters;
  parameters.Text(principal).Text(request_id);
  const auto result = Read(statements::kFindRequest, parameters, deadline);
  if (!result.ok()) return result.status();
  if (result->empty()) return error::Make(v1::NOT_FOUND, "no such request");
  storage::RequestRecord record{std::string(principal), std::string(request_id),
                                std::string(result->Text(0, 0)), std::string(result->Bytes(0, 1))};
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return record;
}

absl::StatusOr<int64_t> PostgresStore::PruneRequests(absl::Time before, int limit, absl::Time deadline) {
  Parameters parameters;
  parameters.Time(before).Int64(limit);
  const auto result = Execute(statements::kPruneRequests, parameters, deadline);
  if (!result.ok()) return result.status();
  return result->affected_rows();
}

absl::StatusOr<absl::Time> PostgresStore::PutArtifact(const storage::SealedArtifact& artifact,
                                                      absl::Time deadline) {
  Parameters parameters;
  parameters.Text(artifact.digest)
      .Int64(artifact.size_bytes)
      .Text(artifact.key_id)
      .Bytes(artifact.wrapped_key)
      .Bytes(artifact.ciphertext)
      .Time(artifact.create_time);
  // Content-addressed, so a lost answer is settled by looking, like an artifact that was there before.
  const auto inserted = Execute(statements::kPutArtifact, parameters, deadline);
  if (!inserted.ok() && DeliveryOf(inserted.status()) != Delivery::kInDoubt) return inserted.status();
  if (inserted.ok() && inserted->affected_rows() == 1) return artifact.create_time;
  Parameters digest;
  digest.TextArray(std::vector<std::string>{artifact.digest});
  const auto found = Read(statements::kDescribeArtifacts, digest, deadline);
  if (!found.ok()) return found.status();
  if (found->empty())
    return inserted.ok() ? error::Make(v1::INTERNAL, "the artifact is not there") : inserted.status();
  const absl::Time create_time = found->Time(0, 2);
  if (const absl::Status status = found->status(); !status.ok()) return status;
  return create_time;
}

absl::StatusOr<storage::SealedArtifact> PostgresStore::GetArtifact(std::string_view digest,
                                                                   absl::Time deadline) {
  Parameters parameters;
  parameters.Text(digest);
  const auto result = Read(statements::kGetArtifact, parameters, deadline);
  if (!result.ok()) return result.status();
  if (result->empty()) return error::Make(v1::NOT_FOUND, "no such artifact");
  storage::SealedArtifact artifact{std::string(digest),
                                   result->Int64(0, 0),
                                   std::string(result->Text(0, 1)),
                                   std::string(result->Bytes(0, 2)),
                                   std::string(result->Bytes(0, 3)),
                                   result->Time(0, 4)};
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return artifact;
}

absl::StatusOr<std::vector<storage::SealedArtifact>> PostgresStore::OneArtifactPerKey(absl::Time deadline) {
  const auto result = Read(statements::kOneArtifactPerKey, Parameters(), deadline);
  if (!result.ok()) return result.status();
  std::vector<storage::SealedArtifact> artifacts;
  for (int row = 0; row < result->rows(); ++row) {
    artifacts.push_back({.digest = std::string(result->Text(row, 0)),
                         .size_bytes = result->Int64(row, 1),
                         .key_id = std::string(result->Text(row, 2)),
                         .wrapped_key = std::string(result->Bytes(row, 3)),
                         .ciphertext = "",
                         .create_time = result->Time(row, 4)});
  }
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return artifacts;
}

absl::StatusOr<std::vector<int64_t>> PostgresStore::ArtifactSizes(const std::vector<std::string>& digests,
                                                                  absl::Time deadline) {
  Parameters parameters;
  parameters.TextArray(digests);
  const auto result = Read(statements::kDescribeArtifacts, parameters, deadline);
  if (!result.ok()) return result.status();
  std::vector<int64_t> sizes;
  for (const std::string& digest : digests) {
    int row = 0;
    while (row < result->rows() && result->Text(row, 0) != digest) ++row;
    if (row == result->rows()) {
      return error::Make(v1::NOT_FOUND, text::Concat("no artifact ", digest, "; upload it first"));
    }
    sizes.push_back(result->Int64(row, 1));
  }
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return sizes;
}

absl::Status PostgresStore::PutPlanView(std::string_view digest, std::string_view plan_view, absl::Time now,
                                        absl::Time deadline) {
  Parameters parameters;
  parameters.Text(digest).Bytes(plan_view).Time(now);
  // Storing it twice is storing it once.
  return Read(statements::kPutPlanView, parameters, deadline).status();
}

absl::StatusOr<int64_t> PostgresStore::PlanViewSize(std::string_view digest, absl::Time deadline) {
  Parameters parameters;
  parameters.Text(digest);
  const auto result = Read(statements::kPlanViewSize, parameters, deadline);
  if (!result.ok()) return result.status();
  if (result->empty()) return error::Make(v1::NOT_FOUND, "no such plan view");
  return result->Int64(0, 0);
}

absl::StatusOr<std::string> PostgresStore::GetPlanView(std::string_view digest, absl::Time deadline) {
  Parameters parameters;
  parameters.Text(digest);
  const auto result = Read(statements::kGetPlanView, parameters, deadline);
  if (!result.ok()) return result.status();
  if (result->empty()) return error::Make(v1::NOT_FOUND, "no such plan view");
  return std::string(result->Bytes(0, 0));
}

absl::StatusOr<v1::TargetMemory> PostgresStore::GetTargetMemory(std::string_view target,
                                                                absl::Time deadline) {
  Parameters parameters;
  parameters.Text(target);
  const auto result = Read(statements::kGetTargetMemory, parameters, deadline);
  if (!result.ok()) return result.status();
  if (result->empty()) return error::Make(v1::NOT_FOUND, "nothing is remembered of this target");
  const std::string_view bytes = result->Bytes(0, 1);
  v1::TargetMemory memory;
  if (!memory.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || memory.target() != target ||
      memory.version() != result->Int64(0, 0)) {
    return error::Make(v1::DATA_CORRUPTED,
                       text::Concat("what is remembered of ", target,
                                    " contradicts itself; somebody changed it in the database"));
  }
  return memory;
}

absl::StatusOr<int64_t> PostgresStore::TargetMemoryVersion(std::string_view target, absl::Time deadline) {
  Parameters parameters;
  parameters.Text(target);
  const auto result = Read(statements::kTargetMemoryVersion, parameters, deadline);
  if (!result.ok()) return result.status();
  return result->empty() ? 0 : result->Int64(0, 0);
}

absl::StatusOr<CommitOutcome> PostgresStore::PutTargetMemory(const v1::TargetMemory& memory,
                                                             const v1::AuditEvent& event,
                                                             const storage::RequestRecord& request,
                                                             absl::Time deadline) {
  const std::string bytes = memory.SerializeAsString();
  Parameters parameters;
  parameters.Text(memory.target()).Int64(memory.version()).Bytes(bytes).Time(ToTime(memory.update_time()));
  AddRequest(request, &parameters);
  AddEvent(event, &parameters);
  parameters.Text(ProposalIdOf(event));
  const auto refusal = [](const absl::Status& failure) -> absl::StatusOr<CommitOutcome> {
    if (ConstraintOf(failure) == "requests_once") return CommitOutcome::kDuplicateRequest;
    return failure;
  };
  return Commit(statements::kPutTargetMemory, parameters, request, refusal, deadline);
}

absl::StatusOr<int64_t> PostgresStore::ConfigurationVersion(absl::Time deadline) {
  const auto result = Read(statements::kConfigurationVersion, Parameters(), deadline);
  if (!result.ok()) return result.status();
  const int64_t version = result->Int64(0, 0);
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return version;
}

absl::StatusOr<std::pair<int64_t, std::vector<v1::Document>>> PostgresStore::LoadDocuments(
    absl::Time deadline) {
  const auto result = Read(statements::kLoadDocuments, Parameters(), deadline);
  if (!result.ok()) return result.status();
  const int64_t version = result->Int64(0, 0);
  std::vector<v1::Document> documents;
  for (int row = 0; row < result->rows(); ++row) {
    if (result->IsNull(row, 1)) continue;  // The head without any document.
    documents.push_back(ToDocument(*result, row, 1));
    documents.back().set_content(std::string(result->Text(row, 6)));
  }
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return std::make_pair(version, std::move(documents));
}

absl::StatusOr<int64_t> PostgresStore::ApplyDocuments(
    int64_t expected_version, const std::vector<storage::NewDocument>& documents, std::string_view applied_by,
    absl::Time now, const v1::AuditEvent& event, const storage::RequestRecord& request, absl::Time deadline) {
  std::vector<std::string> names, digests, contents;
  for (const storage::NewDocument& document : documents) {
    names.push_back(document.name);
    digests.push_back(document.digest);
    contents.push_back(document.content);
  }
  Parameters parameters;
  parameters.Int64(expected_version)
      .TextArray(names)
      .TextArray(digests)
      .TextArray(contents)
      .Text(applied_by)
      .Time(now);
  AddRequest(request, &parameters);
  AddEvent(event, &parameters);
  const auto refusal = [](const absl::Status& failure) -> absl::StatusOr<CommitOutcome> {
    if (ConstraintOf(failure) == "requests_once") return CommitOutcome::kConflict;
    return failure;
  };
  const auto outcome = Commit(statements::kApplyDocuments, parameters, request, refusal, deadline);
  if (!outcome.ok()) return outcome.status();
  if (*outcome == CommitOutcome::kConflict) {
    return error::Make(v1::CONCURRENT_UPDATE,
                       "somebody else applied documents at the same moment; look and try again");
  }
  return expected_version + 1;
}

absl::StatusOr<v1::Document> PostgresStore::GetDocument(std::string_view name, int64_t version,
                                                        absl::Time deadline) {
  Parameters parameters;
  parameters.Text(name).Int64(version);
  const auto result = Read(statements::kGetDocument, parameters, deadline);
  if (!result.ok()) return result.status();
  if (result->empty()) return error::Make(v1::NOT_FOUND, text::Concat("no such document or version"));
  v1::Document document = ToDocument(*result, 0, 0);
  document.set_content(std::string(result->Text(0, 5)));
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return document;
}

absl::StatusOr<std::vector<v1::Document>> PostgresStore::ListDocumentVersions(std::string_view name,
                                                                              int limit,
                                                                              absl::Time deadline) {
  Parameters parameters;
  parameters.Text(name).Int64(limit);
  const auto result = Read(statements::kListDocumentVersions, parameters, deadline);
  if (!result.ok()) return result.status();
  std::vector<v1::Document> documents;
  for (int row = 0; row < result->rows(); ++row) documents.push_back(ToDocument(*result, row, 0));
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return documents;
}

absl::StatusOr<std::vector<v1::AuditEvent>> PostgresStore::ListAuditEvents(std::string_view proposal,
                                                                           int64_t after_id, int limit,
                                                                           absl::Time deadline) {
  Parameters parameters;
  parameters.Int64(after_id).Int64(limit);
  if (!proposal.empty()) parameters.Text(proposal);
  const auto result =
      Read(proposal.empty() ? statements::kListAuditEvents : statements::kListProposalAuditEvents, parameters,
           deadline);
  if (!result.ok()) return result.status();
  std::vector<v1::AuditEvent> events;
  for (int row = 0; row < result->rows(); ++row) {
    v1::AuditEvent& event = events.emplace_back();
    event.set_id(result->Int64(row, 0));
    *event.mutable_event_time() = ToTimestamp(result->Time(row, 1));
    event.set_type(std::string(result->Text(row, 2)));
    event.set_principal(std::string(result->Text(row, 3)));
    const std::string_view id = result->Text(row, 4);
    if (!id.empty()) event.set_proposal(text::Concat("proposals/", id));
    event.set_request_id(std::string(result->Text(row, 5)));
    event.set_details_json(std::string(result->Text(row, 6)));
  }
  if (const absl::Status status = result->status(); !status.ok()) return status;
  return events;
}

}  // namespace countersign::postgres
