#include "tests/contract/store_contract.h"

#include <barrier>
#include <thread>

#include "core/text/text.h"
#include "server/base/timestamps.h"
#include "tests/support/fake_store.h"
#include "tests/support/migrated_database.h"
#include "tests/support/status_matchers.h"

namespace countersign::storage {
namespace {

using base::ToTime;
using base::ToTimestamp;

constexpr int kAll = 100'000;

class FakeUnderTest final : public StoreUnderTest {
 public:
  Store& store() override { return store_; }

 private:
  testing::FakeStore store_;
};

class PostgresUnderTest final : public StoreUnderTest {
 public:
  Store& store() override { return *store_; }

 private:
  testing::MigratedDatabase database_;
  testing::StoreOnPostgres store_{database_.BrokerDsn()};
};

v1::AuditEvent Event(std::string_view type, const v1::Proposal& proposal) {
  v1::AuditEvent event;
  event.set_type(std::string(type));
  event.set_principal("spiffe://example.org/agent/bot");
  event.set_proposal(proposal.name());
  event.set_request_id("given by the caller");
  event.set_details_json(R"({"why":"\"quoted\", \u0000 and ü"})");
  *event.mutable_event_time() = proposal.update_time();
  return event;
}

}  // namespace

void PrintTo(const Implementation& implementation, std::ostream* out) { *out << implementation.name; }

std::unique_ptr<StoreUnderTest> NewFakeStore() { return std::make_unique<FakeUnderTest>(); }
std::unique_ptr<StoreUnderTest> NewPostgresStore() { return std::make_unique<PostgresUnderTest>(); }

v1::Proposal NewProposal(std::string_view id, std::string_view target, absl::Time create_time) {
  v1::Proposal proposal;
  proposal.set_name(text::Concat("proposals/", id));
  proposal.mutable_action()->set_kind(v1::COMMAND);
  proposal.mutable_action()->set_target(std::string(target));
  proposal.mutable_action()->add_argv("psql");
  proposal.mutable_action()->add_argv("two\nlines, a quote ' and ü");
  (*proposal.mutable_action()->mutable_environment())["PGDATABASE"] = "courses";
  proposal.set_action_digest(text::Concat("sha256:of-", id));
  proposal.set_requester("spiffe://example.org/agent/bot");
  proposal.set_environment("production");
  proposal.set_state(v1::Proposal::PENDING);
  *proposal.mutable_create_time() = ToTimestamp(create_time);
  *proposal.mutable_update_time() = ToTimestamp(create_time);
  *proposal.mutable_expire_time() = ToTimestamp(create_time + absl::Hours(1));
  proposal.add_blocked_by("1 approval");
  return proposal;
}

std::string IdOf(const v1::Proposal& proposal) {
  return proposal.name().substr(std::string("proposals/").size());
}

std::vector<std::string> IdsOf(const std::vector<Record>& records) {
  std::vector<std::string> ids;
  for (const Record& record : records) ids.push_back(IdOf(record.proposal));
  return ids;
}

Change Insertion(v1::Proposal proposal) {
  Change change;
  change.event = Event("proposal.created", proposal);
  change.proposal = std::move(proposal);
  return change;
}

Change Transition(const Record& record, v1::Proposal::State state) {
  Change change;
  change.expected_version = record.version;
  change.current_token_id = record.current_token_id;
  change.proposal = record.proposal;
  change.proposal.set_state(state);
  *change.proposal.mutable_update_time() =
      ToTimestamp(ToTime(record.proposal.update_time()) + absl::Seconds(1));
  change.event = Event(text::Concat("moved.", v1::Proposal::State_Name(state)), change.proposal);
  return change;
}

Change Approval(const Record& record, std::string_view person) {
  Change change = Transition(record, v1::Proposal::APPROVED);
  v1::Proposal& proposal = change.proposal;
  *proposal.mutable_approve_time() = proposal.update_time();
  *proposal.mutable_approval_expire_time() = ToTimestamp(ToTime(proposal.update_time()) + absl::Minutes(10));
  v1::Decision decision;
  decision.set_principal(text::Concat("spiffe://example.org/human/", person));
  decision.set_person(std::string(person));
  decision.set_verdict(v1::Decision::APPROVE);
  decision.set_action_digest(proposal.action_digest());
  *decision.mutable_decide_time() = proposal.update_time();
  *proposal.add_decisions() = decision;
  change.decision = decision;
  return change;
}

Change Issue(const Record& record, std::string_view token_id) {
  Change change = Transition(record, v1::Proposal::APPROVED);
  const absl::Time now = ToTime(change.proposal.update_time());
  change.current_token_id = std::string(token_id);
  change.issue = TokenIssue{std::string(token_id), "spiffe://example.org/workload/ci", "thumbprint", now,
                            now + absl::Minutes(2)};
  return change;
}

Change Redemption(const Record& record, std::string_view token_id) {
  Change change = Transition(record, v1::Proposal::EXECUTING);
  v1::Execution* execution = change.proposal.mutable_execution();
  execution->set_id(text::Concat("execution-of-", IdOf(record.proposal)));
  execution->set_token_id(std::string(token_id));
  *execution->mutable_redeem_time() = change.proposal.update_time();
  *execution->mutable_lease_expire_time() =
      ToTimestamp(ToTime(change.proposal.update_time()) + absl::Minutes(1));
  change.redeem_token_id = std::string(token_id);
  return change;
}

RequestRecord Request(std::string_view request_id, std::string_view principal) {
  return {std::string(principal), std::string(request_id), "sha256:body", std::string("an\0swer", 7)};
}

Record StoreContract::Committed(const Change& change) {
  EXPECT_EQ(Outcome(change), CommitOutcome::kCommitted);
  return Now(IdOf(change.proposal));
}

Record StoreContract::Claimed(std::string_view id, std::string_view token_id, std::string_view target) {
  return Committed(Issue(Committed(Approval(Stored(id, target))), token_id));
}

Record StoreContract::Executing(std::string_view id, std::string_view target) {
  const std::string token_id = text::Concat("token-of-", id);
  return Committed(Redemption(Claimed(id, token_id, target), token_id));
}

Record StoreContract::Now(std::string_view id) {
  auto record = store().Get(id, kForever);
  EXPECT_OK(record);
  return record.ok() ? *std::move(record) : Record();
}

CommitOutcome StoreContract::Outcome(const Change& change) {
  const auto outcome = store().Commit(change, kForever);
  EXPECT_OK(outcome);
  return outcome.ok() ? *outcome : CommitOutcome::kCommitted;
}

std::vector<v1::AuditEvent> StoreContract::Events(std::string_view id) {
  auto events = store().ListAuditEvents(id, 0, kAll, kForever);
  EXPECT_OK(events);
  return events.ok() ? *std::move(events) : std::vector<v1::AuditEvent>();
}

std::string StoreContract::Everything() {
  std::string all;
  const auto records = store().List({}, std::nullopt, kAll, kForever);
  EXPECT_OK(records);
  for (const Record& record : *records) {
    all += text::Concat(record.version, " ", record.current_token_id, "\n", record.proposal.DebugString());
  }
  for (const v1::AuditEvent& event : Events()) all += event.DebugString();
  const auto documents = store().LoadDocuments(kForever);
  EXPECT_OK(documents);
  all += text::Concat("configuration ", documents->first, "\n");
  for (const v1::Document& document : documents->second) all += document.DebugString();
  return all;
}

void StoreContract::ExpectNothingWritten(const std::function<void()>& attempt) {
  const std::string before = Everything();
  attempt();
  EXPECT_EQ(Everything(), before);
}

void AtOnce(int threads, const std::function<void(int)>& work) {
  std::barrier start(threads);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  }
  for (std::thread& thread : running) thread.join();
}

}  // namespace countersign::storage
