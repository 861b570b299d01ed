// Commit(), RenewLease() and what they leave behind: compare-and-set, once, one commit with its audit event.
#include <atomic>

#include "server/base/timestamps.h"
#include "tests/contract/store_contract.h"
#include "tests/support/status_matchers.h"

namespace countersign::storage {
namespace {

using ::countersign::testing::HasReason;
using ::testing::ElementsAre;

using CommitContract = StoreContract;
INSTANTIATE_TEST_SUITE_P(Fake, CommitContract, ::testing::Values(Implementation{"fake", NewFakeStore}));
INSTANTIATE_TEST_SUITE_P(Postgres, CommitContract,
                         ::testing::Values(Implementation{"postgres", NewPostgresStore}));

TEST_P(CommitContract, KeepsANewProposalAsItIs) {
  v1::Proposal proposal = NewProposal("one");
  EXPECT_EQ(Outcome(Insertion(proposal)), CommitOutcome::kCommitted);
  const Record record = Now("one");
  EXPECT_EQ(record.version, 1);
  EXPECT_EQ(record.current_token_id, "");
  proposal.set_etag("1");
  EXPECT_EQ(record.proposal.DebugString(), proposal.DebugString());
}

TEST_P(CommitContract, KeepsALargeProposal) {
  v1::Proposal proposal = NewProposal("one");
  for (int i = 0; i < 1000; ++i)
    proposal.mutable_action()->add_argv(std::string(1000, static_cast<char>('a' + i % 26)));
  EXPECT_EQ(Committed(Insertion(proposal)).proposal.action().DebugString(), proposal.action().DebugString());
}

TEST_P(CommitContract, DoesNotKnowWhatWasNeverStored) {
  EXPECT_THAT(store().Get("nothing", kForever), HasReason(v1::NOT_FOUND));
}

TEST_P(CommitContract, SecondProposalWithTheSameIdConflicts) {
  Stored("one");
  ExpectNothingWritten(
      [&] { EXPECT_EQ(Outcome(Insertion(NewProposal("one", "targets/b"))), CommitOutcome::kConflict); });
}

TEST_P(CommitContract, EveryChangeMakesANewVersion) {
  const Record stored = Stored("one");
  const Record approved = Committed(Approval(stored));
  EXPECT_EQ(approved.version, 2);
  EXPECT_EQ(approved.proposal.etag(), "2");
  EXPECT_EQ(approved.proposal.state(), v1::Proposal::APPROVED);
  EXPECT_EQ(approved.proposal.decisions_size(), 1);
  const Record issued = Committed(Issue(approved, "t1"));
  EXPECT_EQ(issued.version, 3);
  EXPECT_EQ(issued.current_token_id, "t1");
}

TEST_P(CommitContract, SecondWriterWithTheSameVersionConflicts) {
  const Record stored = Stored("one");
  Committed(Approval(stored));
  ExpectNothingWritten(
      [&] { EXPECT_EQ(Outcome(Transition(stored, v1::Proposal::DENIED)), CommitOutcome::kConflict); });
}

TEST_P(CommitContract, ChangeOfWhatIsNotThereConflicts) {
  Record record{NewProposal("nothing"), 1, ""};
  ExpectNothingWritten(
      [&] { EXPECT_EQ(Outcome(Transition(record, v1::Proposal::DENIED)), CommitOutcome::kConflict); });
}

TEST_P(CommitContract, OneOfManyWritersWithTheSameVersionWins) {
  const Record stored = Stored("one");
  std::atomic<int> committed = 0, conflicts = 0;
  AtOnce(16, [&](int i) {
    const CommitOutcome outcome =
        Outcome(i % 2 == 0 ? Approval(stored) : Transition(stored, v1::Proposal::DENIED));
    ++(outcome == CommitOutcome::kCommitted ? committed : conflicts);
  });
  EXPECT_EQ(committed, 1);
  EXPECT_EQ(conflicts, 15);
  EXPECT_EQ(Now("one").version, 2);
  EXPECT_EQ(Events("one").size(), 2u);
}

TEST_P(CommitContract, ChangeUnderAnotherConfigurationConflicts) {
  const Record stored = Stored("one");
  Change insertion = Insertion(NewProposal("two"));
  Change approval = Approval(stored);
  insertion.configuration_version = approval.configuration_version = 7;
  ExpectNothingWritten([&] {
    EXPECT_EQ(Outcome(insertion), CommitOutcome::kConflict);
    EXPECT_EQ(Outcome(approval), CommitOutcome::kConflict);
  });
  insertion.configuration_version = approval.configuration_version = 0;
  EXPECT_EQ(Outcome(insertion), CommitOutcome::kCommitted);
  EXPECT_EQ(Outcome(approval), CommitOutcome::kCommitted);
}

// --- Requests ---

TEST_P(CommitContract, SameRequestIdIsADuplicateAndFindsTheFirstAnswer) {
  Change first = Insertion(NewProposal("one"));
  first.request = Request("r1");
  Committed(first);
  Change again = Insertion(NewProposal("two"));
  again.request = Request("r1");
  again.request->body_digest = "sha256:other";
  Change approval = Approval(Now("one"));
  approval.request = Request("r1");
  ExpectNothingWritten([&] {
    EXPECT_EQ(Outcome(again), CommitOutcome::kDuplicateRequest);
    EXPECT_EQ(Outcome(approval), CommitOutcome::kDuplicateRequest);
  });
  const auto found = store().FindRequest(first.request->principal, "r1", kForever);
  ASSERT_OK(found);
  EXPECT_EQ(found->principal, first.request->principal);
  EXPECT_EQ(found->request_id, "r1");
  EXPECT_EQ(found->body_digest, "sha256:body");
  EXPECT_EQ(found->response, first.request->response);
}

TEST_P(CommitContract, RequestIdsOfTwoPrincipalsAreTwo) {
  Change first = Insertion(NewProposal("one"));
  first.request = Request("r1");
  Change second = Insertion(NewProposal("two"));
  second.request = Request("r1", "spiffe://example.org/agent/other");
  second.request->response = "another answer";
  EXPECT_EQ(Outcome(first), CommitOutcome::kCommitted);
  EXPECT_EQ(Outcome(second), CommitOutcome::kCommitted);
  for (const Change& change : {first, second}) {
    const auto found = store().FindRequest(change.request->principal, "r1", kForever);
    ASSERT_OK(found);
    EXPECT_EQ(found->response, change.request->response);
  }
  EXPECT_THAT(store().FindRequest("spiffe://example.org/agent/third", "r1", kForever),
              HasReason(v1::NOT_FOUND));
}

TEST_P(CommitContract, RefusedChangeRecordsNoRequest) {
  const Record stored = Stored("one");
  Committed(Approval(stored));
  Change late = Transition(stored, v1::Proposal::DENIED);
  late.request = Request("r1");
  EXPECT_EQ(Outcome(late), CommitOutcome::kConflict);
  EXPECT_THAT(store().FindRequest(late.request->principal, "r1", kForever), HasReason(v1::NOT_FOUND));
}

TEST_P(CommitContract, OneOfManySubmissionsWithTheSameRequestIdWins) {
  std::atomic<int> committed = 0, duplicates = 0;
  AtOnce(16, [&](int i) {
    Change change = Insertion(NewProposal("p" + std::to_string(i)));
    change.request = Request("r1");
    const CommitOutcome outcome = Outcome(change);
    committed += outcome == CommitOutcome::kCommitted ? 1 : 0;
    duplicates += outcome == CommitOutcome::kDuplicateRequest ? 1 : 0;
  });
  EXPECT_EQ(committed, 1);
  EXPECT_EQ(duplicates, 15);
  EXPECT_EQ(Events().size(), 1u);
}

TEST_P(CommitContract, ForgetsOnlyOldRequestsAndOnlyAsManyAsAsked) {
  for (int i = 0; i < 5; ++i) {
    const std::string number = std::to_string(i);
    Change change = Insertion(NewProposal("p" + number, "targets/a", kStart + absl::Seconds(i)));
    change.request = Request("r" + number);
    Committed(change);
  }
  const std::string bot = Request("").principal;
  ASSERT_OK_AND_ASSIGN(const int64_t two, store().PruneRequests(kStart + absl::Seconds(3), 2, kForever));
  EXPECT_EQ(two, 2);
  ASSERT_OK_AND_ASSIGN(const int64_t one, store().PruneRequests(kStart + absl::Seconds(3), 2, kForever));
  EXPECT_EQ(one, 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(store().FindRequest(bot, "r" + std::to_string(i), kForever), HasReason(v1::NOT_FOUND));
  }
  EXPECT_OK(store().FindRequest(bot, "r3", kForever));
  EXPECT_OK(store().FindRequest(bot, "r4", kForever));
  EXPECT_EQ(Now("p0").version, 1);
}

// --- Targets and people ---

TEST_P(CommitContract, OneExecutionPerTargetAtATime) {
  const Record running = Executing("one");
  const Record waiting = Claimed("two", "t2");
  const Record elsewhere = Claimed("three", "t3", "targets/b");
  Change redemption = Redemption(waiting, "t2");
  redemption.request = Request("r1");
  ExpectNothingWritten(
      [&] { EXPECT_THAT(store().Commit(redemption, kForever), HasReason(v1::TARGET_BUSY)); });
  EXPECT_THAT(store().FindRequest(redemption.request->principal, "r1", kForever), HasReason(v1::NOT_FOUND));
  EXPECT_EQ(Outcome(Redemption(elsewhere, "t3")), CommitOutcome::kCommitted);
  const Record ambiguous = Committed(Transition(running, v1::Proposal::AMBIGUOUS));
  ExpectNothingWritten(
      [&] { EXPECT_THAT(store().Commit(redemption, kForever), HasReason(v1::TARGET_BUSY)); });
  Committed(Transition(ambiguous, v1::Proposal::FAILED));
  EXPECT_EQ(Outcome(redemption), CommitOutcome::kCommitted);
}

TEST_P(CommitContract, OneOfManyExecutionsOnOneTargetWins) {
  std::vector<Record> claimed;
  for (int i = 0; i < 8; ++i) {
    const std::string number = std::to_string(i);
    claimed.push_back(Claimed("p" + number, "t" + number));
  }
  std::atomic<int> won = 0, busy = 0;
  AtOnce(8, [&](int i) {
    const auto outcome = store().Commit(Redemption(claimed[i], "t" + std::to_string(i)), kForever);
    won += outcome.ok() ? 1 : 0;
    busy += error::ReasonOf(outcome.status()) == v1::TARGET_BUSY ? 1 : 0;
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(busy, 7);
}

TEST_P(CommitContract, OneDecisionPerPerson) {
  const Record stored = Stored("one");
  Change first = Approval(stored, "alice");
  first.proposal.set_state(v1::Proposal::PENDING);
  const Record once = Committed(first);
  Change again = Approval(once, "alice");
  again.decision->set_principal("spiffe://example.org/human/alice-phone");
  again.decision->set_verdict(v1::Decision::DENY);
  ExpectNothingWritten([&] { EXPECT_THAT(store().Commit(again, kForever), HasReason(v1::ALREADY_DECIDED)); });
  EXPECT_EQ(Outcome(Approval(once, "bob")), CommitOutcome::kCommitted);
  EXPECT_EQ(Outcome(Approval(Stored("two"), "alice")), CommitOutcome::kCommitted);
}

// --- Tokens ---

TEST_P(CommitContract, TokenIsSpentOnce) {
  const Record claimed = Claimed("one", "t1");
  const Record executing = Committed(Redemption(claimed, "t1"));
  EXPECT_EQ(executing.proposal.state(), v1::Proposal::EXECUTING);
  EXPECT_EQ(Outcome(Redemption(claimed, "t1")), CommitOutcome::kConflict);
  ExpectNothingWritten([&] {
    EXPECT_THAT(store().Commit(Redemption(executing, "t1"), kForever), HasReason(v1::TOKEN_ALREADY_REDEEMED));
  });
  const Record ended = Committed(Transition(executing, v1::Proposal::SUCCEEDED));
  ExpectNothingWritten([&] {
    EXPECT_THAT(store().Commit(Redemption(ended, "t1"), kForever), HasReason(v1::TOKEN_ALREADY_REDEEMED));
  });
}

TEST_P(CommitContract, OneOfManyConcurrentRedeemsWins) {
  const Record claimed = Claimed("one", "t1");
  std::atomic<int> committed = 0;
  AtOnce(16, [&](int) {
    Change redemption = Redemption(claimed, "t1");
    for (int attempt = 0; attempt < 2;
         ++attempt) {  // The second time on the fresh version, as a broker would.
      const auto outcome = store().Commit(redemption, kForever);
      if (outcome.ok() && *outcome == CommitOutcome::kCommitted) {
        ++committed;
        return;
      }
      redemption.expected_version = Now("one").version;
    }
  });
  EXPECT_EQ(committed, 1);
  EXPECT_EQ(Now("one").version, claimed.version + 1);
}

TEST_P(CommitContract, ReplacedTokenIsRefused) {
  const Record reclaimed = Committed(Issue(Claimed("one", "t1"), "t2"));
  EXPECT_EQ(reclaimed.current_token_id, "t2");
  ExpectNothingWritten([&] {
    EXPECT_THAT(store().Commit(Redemption(reclaimed, "t1"), kForever), HasReason(v1::TOKEN_ALREADY_REDEEMED));
  });
  EXPECT_EQ(Outcome(Redemption(reclaimed, "t2")), CommitOutcome::kCommitted);
}

TEST_P(CommitContract, RedemptionThatConflictsSpendsNothing) {
  const Record claimed = Claimed("one", "t1");
  Change stale = Redemption(claimed, "t1");
  stale.expected_version = claimed.version - 1;
  Change elsewhere = Redemption(claimed, "t1");
  elsewhere.configuration_version = 7;
  ExpectNothingWritten([&] {
    EXPECT_EQ(Outcome(stale), CommitOutcome::kConflict);
    EXPECT_EQ(Outcome(elsewhere), CommitOutcome::kConflict);
  });
  EXPECT_EQ(Outcome(Redemption(claimed, "t1")), CommitOutcome::kCommitted);
}

TEST_P(CommitContract, ClaimThatConflictsReplacesNothing) {
  const Record claimed = Claimed("one", "t1");
  Change stale = Issue(claimed, "t2");
  stale.expected_version = claimed.version - 1;
  Change elsewhere = Issue(claimed, "t2");
  elsewhere.configuration_version = 7;
  ExpectNothingWritten([&] {
    EXPECT_EQ(Outcome(stale), CommitOutcome::kConflict);
    EXPECT_EQ(Outcome(elsewhere), CommitOutcome::kConflict);
  });
  EXPECT_EQ(Outcome(Redemption(claimed, "t1")), CommitOutcome::kCommitted);
}

TEST_P(CommitContract, UnknownTokenAndThatOfAnotherProposalAreRefused) {
  const Record one = Claimed("one", "t1");
  Claimed("two", "t2", "targets/b");
  for (const char* token_id : {"t2", "t3"}) {
    ExpectNothingWritten([&] {
      EXPECT_THAT(store().Commit(Redemption(one, token_id), kForever), HasReason(v1::TOKEN_ALREADY_REDEEMED));
    });
  }
}

TEST_P(CommitContract, TokenLivesUntilJustBeforeItsEnd) {
  for (const bool expired : {true, false}) {
    const std::string id = expired ? "late" : "early";
    const Record claimed = Claimed(id, "t-" + id, "targets/" + id);
    const absl::Time end = base::ToTime(claimed.proposal.update_time()) + absl::Minutes(2);
    Change redemption = Redemption(claimed, "t-" + id);
    *redemption.proposal.mutable_update_time() =
        base::ToTimestamp(expired ? end : end - absl::Microseconds(1));
    if (expired) {
      ExpectNothingWritten(
          [&] { EXPECT_THAT(store().Commit(redemption, kForever), HasReason(v1::TOKEN_ALREADY_REDEEMED)); });
    } else {
      EXPECT_EQ(Outcome(redemption), CommitOutcome::kCommitted);
    }
  }
}

// --- Time ---

TEST_P(CommitContract, SweepsOnlyWhatIsDue) {
  const Record pending = Stored("one");
  const absl::Time end = base::ToTime(pending.proposal.expire_time());
  Change expiry = Transition(pending, v1::Proposal::EXPIRED);
  expiry.only_if_due_at = end - absl::Microseconds(1);
  ExpectNothingWritten([&] { EXPECT_EQ(Outcome(expiry), CommitOutcome::kConflict); });
  expiry.only_if_due_at = end;
  const Record expired = Committed(expiry);
  Change again = Transition(expired, v1::Proposal::EXPIRED);
  again.only_if_due_at = absl::FromUnixSeconds(4'000'000'000);
  ExpectNothingWritten([&] { EXPECT_EQ(Outcome(again), CommitOutcome::kConflict); });
}

TEST_P(CommitContract, RenewedLeaseIsSeenAtOnceAndMakesNoVersion) {
  const Record executing = Executing("one");
  const absl::Time later =
      base::ToTime(executing.proposal.execution().lease_expire_time()) + absl::Minutes(5);
  ASSERT_OK(store().RenewLease("one", executing.proposal.execution().id(), later, kForever));
  const Record renewed = Now("one");
  EXPECT_EQ(renewed.version, executing.version);
  EXPECT_EQ(base::ToTime(renewed.proposal.execution().lease_expire_time()), later);
  Change loss = Transition(renewed, v1::Proposal::AMBIGUOUS);
  loss.only_if_due_at = later - absl::Microseconds(1);
  EXPECT_EQ(Outcome(loss), CommitOutcome::kConflict);
  loss.only_if_due_at = later;
  EXPECT_EQ(Outcome(loss), CommitOutcome::kCommitted);
}

TEST_P(CommitContract, OnlyTheRunningExecutionRenewsItsLease) {
  const Record executing = Executing("one");
  const std::string execution = executing.proposal.execution().id();
  const absl::Time later = kStart + absl::Hours(1);
  EXPECT_THAT(store().RenewLease("one", "another", later, kForever), HasReason(v1::WRONG_STATE));
  EXPECT_THAT(store().RenewLease("nothing", execution, later, kForever), HasReason(v1::WRONG_STATE));
  Committed(Transition(executing, v1::Proposal::AMBIGUOUS));
  EXPECT_THAT(store().RenewLease("one", execution, later, kForever), HasReason(v1::WRONG_STATE));
  Stored("two", "targets/b");
  EXPECT_THAT(store().RenewLease("two", "", later, kForever), HasReason(v1::WRONG_STATE));
}

TEST_P(CommitContract, EitherTheHeartbeatOrTheSweepWins) {
  for (int round = 0; round < 20; ++round) {
    const std::string id = "p" + std::to_string(round);
    const Record executing = Executing(id, "targets/" + id);
    const absl::Time due = base::ToTime(executing.proposal.execution().lease_expire_time());
    Change loss = Transition(executing, v1::Proposal::AMBIGUOUS);
    loss.only_if_due_at = due;
    absl::Status renewed;
    CommitOutcome swept = CommitOutcome::kCommitted;
    AtOnce(2, [&](int i) {
      if (i == 0) {
        renewed =
            store().RenewLease(id, executing.proposal.execution().id(), due + absl::Minutes(1), kForever);
      } else {
        swept = Outcome(loss);
      }
    });
    EXPECT_NE(renewed.ok(), swept == CommitOutcome::kCommitted);
    EXPECT_EQ(Now(id).proposal.state(), renewed.ok() ? v1::Proposal::EXECUTING : v1::Proposal::AMBIGUOUS);
  }
}

TEST_P(CommitContract, OneOfManySweepersMovesIt) {
  const Record pending = Stored("one");
  Change expiry = Transition(pending, v1::Proposal::EXPIRED);
  expiry.only_if_due_at = base::ToTime(pending.proposal.expire_time());
  std::atomic<int> committed = 0;
  AtOnce(8, [&](int) { committed += Outcome(expiry) == CommitOutcome::kCommitted ? 1 : 0; });
  EXPECT_EQ(committed, 1);
  EXPECT_EQ(Events("one").size(), 2u);
}

// --- Audit: invariant I7 ---

TEST_P(CommitContract, EveryCommitAddsItsEventAndNothingElseDoes) {
  const Change insertion = Insertion(NewProposal("one"));
  const Record stored = Committed(insertion);
  ASSERT_EQ(Events().size(), 1u);
  v1::AuditEvent expected = insertion.event;
  expected.set_id(Events()[0].id());
  EXPECT_EQ(Events()[0].DebugString(), expected.DebugString());
  const Record claimed = Committed(Issue(Committed(Approval(stored)), "t1"));
  const Record executing = Committed(Redemption(claimed, "t1"));
  ASSERT_OK(
      store().RenewLease("one", executing.proposal.execution().id(), kStart + absl::Hours(1), kForever));
  EXPECT_EQ(Outcome(Transition(claimed, v1::Proposal::REVOKED)), CommitOutcome::kConflict);
  Committed(Transition(executing, v1::Proposal::SUCCEEDED));
  std::vector<std::string> types;
  for (const v1::AuditEvent& event : Events("one")) types.push_back(event.type());
  EXPECT_THAT(types, ElementsAre("proposal.created", "moved.APPROVED", "moved.APPROVED", "moved.EXECUTING",
                                 "moved.SUCCEEDED"));
}

TEST_P(CommitContract, KeepsTheEventOfEveryKindOfChangeAsItIs) {
  std::vector<v1::AuditEvent> given;
  const auto committed = [&](Change change) {
    const std::string number = std::to_string(given.size());
    change.event.set_principal("spiffe://example.org/human/number-" + number);
    change.event.set_request_id("request-" + number);
    change.event.set_details_json("{\"number\":\"" + number + "\"}");
    given.push_back(change.event);
    return Committed(change);
  };
  Record record = committed(Insertion(NewProposal("one")));
  record = committed(Approval(record));
  record = committed(Issue(record, "t1"));
  record = committed(Redemption(record, "t1"));
  committed(Transition(record, v1::Proposal::SUCCEEDED));
  std::vector<v1::AuditEvent> kept = Events("one");
  ASSERT_EQ(kept.size(), given.size());
  for (size_t i = 0; i < kept.size(); ++i) {
    kept[i].clear_id();
    EXPECT_EQ(kept[i].DebugString(), given[i].DebugString());
  }
}

TEST_P(CommitContract, AuditTrailIsReadInPages) {
  for (int i = 0; i < 7; ++i) Stored(i % 2 == 0 ? "a" + std::to_string(i) : "b" + std::to_string(i));
  Committed(Approval(Now("a2")));
  std::vector<int64_t> ids;
  std::vector<std::string> proposals;
  for (int64_t after = 0;;) {
    const auto page = store().ListAuditEvents("", after, 3, kForever);
    ASSERT_OK(page);
    ASSERT_LE(page->size(), 3u);
    if (page->empty()) break;
    for (const v1::AuditEvent& event : *page) {
      EXPECT_GT(event.id(), after);
      after = event.id();
      proposals.push_back(event.proposal());
    }
  }
  EXPECT_THAT(proposals, ElementsAre("proposals/a0", "proposals/b1", "proposals/a2", "proposals/b3",
                                     "proposals/a4", "proposals/b5", "proposals/a6", "proposals/a2"));
  const auto of_one = store().ListAuditEvents("a2", 0, 10, kForever);
  ASSERT_OK(of_one);
  ASSERT_EQ(of_one->size(), 2u);
  const auto rest = store().ListAuditEvents("a2", of_one->front().id(), 10, kForever);
  ASSERT_OK(rest);
  EXPECT_EQ(rest->size(), 1u);
  EXPECT_TRUE(store().ListAuditEvents("a", 0, 10, kForever)->empty());
}

}  // namespace
}  // namespace countersign::storage
