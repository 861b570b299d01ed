// What is remembered of targets, and what is stored of plans: on the fake and on PostgreSQL.
#include <algorithm>
#include <atomic>

#include "core/digest/digest.h"
#include "core/error/error.h"
#include "server/base/timestamps.h"
#include "tests/contract/store_contract.h"
#include "tests/support/status_matchers.h"

namespace countersign::storage {
namespace {

using base::ToTimestamp;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::IsEmpty;

constexpr absl::Time kForever = absl::InfiniteFuture();

v1::TargetMemory Memory(int64_t version, std::string_view target = "targets/a") {
  v1::TargetMemory memory;
  memory.set_target(std::string(target));
  memory.set_version(version);
  memory.set_proposal("proposals/one");
  memory.mutable_state()->set_lineage("f3c6c4e1");
  memory.mutable_state()->set_serial(18446744073709551615u);
  memory.mutable_state()->add_resources()->set_address("aws_db_instance.a[\"\u00e4\"]");
  *memory.mutable_update_time() = ToTimestamp(kStart);
  return memory;
}

v1::AuditEvent Adopted() {
  v1::AuditEvent event;
  event.set_type("target.adopted");
  event.set_principal("spiffe://example.org/human/alice");
  event.set_proposal("proposals/one");
  event.set_request_id("adopt");
  event.set_details_json("{}");
  *event.mutable_event_time() = ToTimestamp(kStart);
  return event;
}

class MemoryContract : public StoreContract {
 protected:
  // A plan that was judged against this version of the memory.
  Record Plan(std::string_view id, int64_t memory_version, std::string_view target = "targets/a") {
    v1::Proposal proposal = NewProposal(id, target);
    proposal.mutable_plan()->set_memory_version(memory_version);
    return Committed(Insertion(proposal));
  }
  void Adopt(int64_t version, std::string_view target = "targets/a") {
    const auto outcome = store().PutTargetMemory(
        Memory(version, target), Adopted(), Request(std::string(target) + std::to_string(version)), kForever);
    ASSERT_OK(outcome);
    ASSERT_EQ(*outcome, CommitOutcome::kCommitted);
  }
  std::vector<std::string> Overtaken() {
    auto records = store().ListOvertaken(100, kForever);
    EXPECT_OK(records);
    auto ids = IdsOf(*records);
    std::sort(ids.begin(), ids.end());
    return ids;
  }
};

INSTANTIATE_TEST_SUITE_P(Fake, MemoryContract, ::testing::Values(Implementation{"fake", NewFakeStore}));
INSTANTIATE_TEST_SUITE_P(Postgres, MemoryContract,
                         ::testing::Values(Implementation{"postgres", NewPostgresStore}));

TEST_P(MemoryContract, RemembersNothingAtFirst) {
  EXPECT_THAT(store().GetTargetMemory("targets/a", kForever), HasReason(v1::NOT_FOUND));
}

TEST_P(MemoryContract, GivesBackWhatWasRemembered) {
  Adopt(1);
  const auto memory = store().GetTargetMemory("targets/a", kForever);
  ASSERT_OK(memory);
  EXPECT_EQ(memory->DebugString(), Memory(1).DebugString());
  EXPECT_THAT(store().GetTargetMemory("targets/b", kForever), HasReason(v1::NOT_FOUND));
}

TEST_P(MemoryContract, TellsTheVersionAlone) {
  EXPECT_EQ(*store().TargetMemoryVersion("targets/a", kForever), 0);
  Adopt(1);
  Adopt(2);
  Adopt(1, "targets/b");
  EXPECT_EQ(*store().TargetMemoryVersion("targets/a", kForever), 2);
  EXPECT_EQ(*store().TargetMemoryVersion("targets/b", kForever), 1);
  EXPECT_EQ(*store().TargetMemoryVersion("targets/c", kForever), 0);
}

TEST_P(MemoryContract, AdoptionNeedsTheVersionBefore) {
  const auto put = [&](int64_t version, const char* request) {
    return *store().PutTargetMemory(Memory(version), Adopted(), Request(request), kForever);
  };
  EXPECT_EQ(put(2, "a"), CommitOutcome::kConflict);
  EXPECT_THAT(store().GetTargetMemory("targets/a", kForever), HasReason(v1::NOT_FOUND));
  EXPECT_EQ(put(1, "b"), CommitOutcome::kCommitted);
  EXPECT_EQ(put(1, "c"), CommitOutcome::kConflict);
  EXPECT_EQ(put(3, "d"), CommitOutcome::kConflict);
  EXPECT_EQ(put(2, "e"), CommitOutcome::kCommitted);
  EXPECT_EQ(store().GetTargetMemory("targets/a", kForever)->version(), 2);
}

TEST_P(MemoryContract, AdoptionLeavesOneEventAndOneAnswer) {
  Adopt(1);
  const auto events = store().ListAuditEvents("", 0, 100, kForever);
  ASSERT_OK(events);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->front().type(), "target.adopted");
  EXPECT_EQ(events->front().proposal(), "proposals/one");
  const RequestRecord request = Request("targets/a1");
  EXPECT_EQ(store().FindRequest(request.principal, request.request_id, kForever)->response, request.response);
  EXPECT_EQ(*store().PutTargetMemory(Memory(2), Adopted(), request, kForever),
            CommitOutcome::kDuplicateRequest);
  EXPECT_EQ(store().GetTargetMemory("targets/a", kForever)->version(), 1);
}

TEST_P(MemoryContract, OneOfManyAdoptionsAtOnceWins) {
  std::atomic<int> committed = 0;
  AtOnce(8, [&](int thread) {
    const auto outcome =
        store().PutTargetMemory(Memory(1), Adopted(), Request(std::to_string(thread)), kForever);
    if (outcome.ok() && *outcome == CommitOutcome::kCommitted) ++committed;
  });
  EXPECT_EQ(committed, 1);
  EXPECT_EQ(store().ListAuditEvents("", 0, 100, kForever)->size(), 1u);
}

TEST_P(MemoryContract, AReportAndWhatItLeavesBehindAreOneChange) {
  Record record = Executing("one");
  Change change = Transition(record, v1::Proposal::SUCCEEDED);
  change.memory = Memory(1);
  Committed(change);
  EXPECT_EQ(store().GetTargetMemory("targets/a", kForever)->version(), 1);
}

TEST_P(MemoryContract, AReportThatMetAnotherMemoryWritesNothing) {
  Record record = Executing("one");
  Adopt(1);
  for (const int64_t version : {1, 3}) {
    Change change = Transition(record, v1::Proposal::SUCCEEDED);
    change.memory = Memory(version);
    ExpectNothingWritten([&] { EXPECT_EQ(Outcome(change), CommitOutcome::kConflict); });
  }
  EXPECT_EQ(Now("one").proposal.state(), v1::Proposal::EXECUTING);
}

TEST_P(MemoryContract, AnOvertakenPlanIsNotLetRun) {
  Record approved = Committed(Approval(Plan("approved", 0)));
  Record claimed = Committed(Issue(Committed(Approval(Plan("claimed", 0))), "token"));
  Record pending = Plan("pending", 0);
  Adopt(1);
  ExpectNothingWritten([&] { EXPECT_EQ(Outcome(Approval(pending)), CommitOutcome::kConflict); });
  ExpectNothingWritten([&] { EXPECT_EQ(Outcome(Issue(approved, "other")), CommitOutcome::kConflict); });
  ExpectNothingWritten([&] { EXPECT_EQ(Outcome(Redemption(claimed, "token")), CommitOutcome::kConflict); });
}

TEST_P(MemoryContract, APlanOfTheSameMemoryIsLetRun) {
  Adopt(1);
  Record record = Committed(Approval(Plan("one", 1)));
  Committed(Redemption(Committed(Issue(record, "token")), "token"));
}

TEST_P(MemoryContract, ACommandDoesNotDependOnTheMemory) {
  Record record = Stored("one");
  Adopt(1);
  Committed(Redemption(Committed(Issue(Committed(Approval(record)), "token")), "token"));
}

TEST_P(MemoryContract, AnOvertakenPlanCanBeDeniedAndSuperseded) {
  Record denied = Plan("denied", 0);
  Record superseded = Plan("superseded", 0);
  Adopt(1);
  Change denial = Approval(denied);
  denial.proposal.set_state(v1::Proposal::DENIED);
  denial.decision->set_verdict(v1::Decision::DENY);
  Committed(denial);
  Committed(Transition(superseded, v1::Proposal::SUPERSEDED));
}

TEST_P(MemoryContract, ListsWhatIsOvertaken) {
  Plan("pending", 0);
  Committed(Approval(Plan("approved", 0)));
  Committed(Transition(Plan("denied", 0), v1::Proposal::DENIED));
  Plan("elsewhere", 0, "targets/b");
  Stored("command");
  EXPECT_THAT(Overtaken(), IsEmpty());
  Adopt(1);
  Plan("fresh", 1);
  EXPECT_THAT(Overtaken(), ElementsAre("approved", "pending"));
  EXPECT_EQ(store().ListOvertaken(1, kForever)->size(), 1u);
}

TEST_P(MemoryContract, KeepsPlanViews) {
  const std::string view("\0\xff view", 7);
  const std::string digest = digest::Sha256(view);
  EXPECT_THAT(store().GetPlanView(digest, kForever), HasReason(v1::NOT_FOUND));
  EXPECT_THAT(store().PlanViewSize(digest, kForever), HasReason(v1::NOT_FOUND));
  ASSERT_OK(store().PutPlanView(digest, view, kStart, kForever));
  ASSERT_OK(store().PutPlanView(digest, view, kStart + absl::Hours(1), kForever));
  EXPECT_EQ(*store().GetPlanView(digest, kForever), view);
  EXPECT_EQ(*store().PlanViewSize(digest, kForever), static_cast<int64_t>(view.size()));
}

}  // namespace
}  // namespace countersign::storage
