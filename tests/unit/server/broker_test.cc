// The use cases on the store in memory: what binds an approval to what runs, and what refuses everything
// else.
#include "server/broker/broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>

#include "core/error/error.h"
#include "core/jws/execution_token.h"
#include "core/text/text.h"
#include "server/base/timestamps.h"
#include "tests/support/broker_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/status_matchers.h"

namespace countersign::broker {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::FakeClock;
using ::countersign::testing::FakeStore;
using ::countersign::testing::HasReason;
using ::countersign::testing::NamesField;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Time kForever = absl::InfiniteFuture();

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

class BrokerTest : public ::testing::Test {
 protected:
  v1::Proposal Submitted(const std::string& target, const std::string& argument = "one") {
    const auto proposal = world_.Submit(target, argument);
    EXPECT_OK(proposal);
    return *proposal;
  }
  v1::Proposal Now(const v1::Proposal& proposal) { return *world_.Get(proposal); }
  std::string IdOf(const v1::Proposal& proposal) { return proposal.name().substr(10); }
  // Applies the world's documents with one change.
  void Change(const std::string& from, const std::string& to) {
    EXPECT_OK(world_.Apply(Replaced(BrokerWorld::Documents(), from, to)));
  }
  // Another replica, which remembers nothing.
  std::unique_ptr<Broker> Replica() { return Replica(&world_.clock); }
  std::unique_ptr<Broker> Replica(const base::Clock* clock) {
    auto replica = std::make_unique<Broker>(
        Broker::Options{.issuer = "https://broker.test", .page_token_key = std::string(32, 'k')}, &store_,
        clock, &world_.random, &world_.keys, &world_.master_keys, &world_.plan_reader, nullptr);
    EXPECT_OK(replica->RefreshConfiguration(kForever));
    return replica;
  }
  // Applied by another replica, of which this one has not heard yet.
  void ApplyElsewhere(const std::string& documents, std::string_view admin = "alice") {
    v1::ApplyDocumentsRequest request;
    request.set_content(documents);
    EXPECT_OK(Replica()->ApplyDocuments(BrokerWorld::As("human", admin), request, kForever));
  }
  void ChangeElsewhere(const std::string& from, const std::string& to) {
    ApplyElsewhere(Replaced(BrokerWorld::Documents(), from, to));
  }

  FakeStore store_;
  BrokerWorld world_{&store_};
};

TEST_F(BrokerTest, SaysWhereNobodyButTheOwnerOfTheAgentMayDecide) {
  EXPECT_THAT(Submitted("targets/prod-courses", "two").blocked_by(), SizeIs(1));
  Change("quorums: [{count: 2, groups: [platform, security]}]", "quorums: [{count: 1, groups: [admin]}]");
  const v1::Proposal alone = Submitted("targets/prod-courses", "alone");
  ASSERT_THAT(alone.blocked_by(), SizeIs(2));
  EXPECT_THAT(alone.blocked_by(1), HasSubstr("nobody but alice, who owns the requesting agent, may decide"));
}

TEST_F(BrokerTest, TakesAProposalThroughItsWholeLife) {
  const v1::Proposal submitted = Submitted("targets/dev");
  EXPECT_EQ(submitted.state(), v1::Proposal::PENDING);
  EXPECT_EQ(submitted.blocked_by_size(), 1);
  const auto approved = world_.Approve(submitted, "bob");
  ASSERT_OK(approved);
  EXPECT_EQ(approved->state(), v1::Proposal::APPROVED);
  const auto claimed = world_.Claim(*approved);
  ASSERT_OK(claimed);
  const auto redeemed = world_.Redeem(*claimed);
  ASSERT_OK(redeemed);
  EXPECT_EQ(redeemed->proposal().state(), v1::Proposal::EXECUTING);
  const auto reported = world_.Report(redeemed->proposal(), 0);
  ASSERT_OK(reported);
  EXPECT_EQ(reported->state(), v1::Proposal::SUCCEEDED);
  EXPECT_THAT(world_.AuditTypes(submitted),
              ElementsAre("proposal.created", "proposal.approved", "token.issued", "token.redeemed",
                          "execution.reported"));
}

TEST_F(BrokerTest, NeedsNoReadBetweenTheStepsOfOneBroker) {
  const v1::Proposal submitted = Submitted("targets/dev");
  const size_t before = store_.reads();
  const auto redeemed = world_.Redeem(*world_.Claim(*world_.Approve(submitted, "bob")));
  ASSERT_OK(redeemed);
  ASSERT_OK(world_.Report(redeemed->proposal(), 0));
  EXPECT_EQ(store_.reads(), before);
}

TEST_F(BrokerTest, PutsIntoTheTokenWhatWasApproved) {
  v1::Proposal proposal = Submitted("targets/prod-courses");
  proposal = *world_.Approve(*world_.Approve(proposal, "alice"), "carol");
  const auto claimed = world_.Claim(proposal);
  ASSERT_OK(claimed);
  const auto claims = jws::ReadExecutionToken(claimed->token(), *world_.keys.PublicKeys());
  ASSERT_OK(claims);
  EXPECT_EQ(claims->subject, "env:production:target:prod-courses:kind:command");
  EXPECT_EQ(claims->action_digest, proposal.action_digest());
  EXPECT_EQ(claims->actor, BrokerWorld::Uri("agent", "bot"));
  EXPECT_THAT(claims->approvers,
              ElementsAre(BrokerWorld::Uri("human", "alice"), BrokerWorld::Uri("human", "carol")));
  EXPECT_EQ(claims->holder_thumbprint, BrokerWorld::Thumbprint("ci"));
  EXPECT_EQ(claims->expire_time - claims->issue_time, absl::Seconds(120));
}

// --- Binding (I1, I3)
// ------------------------------------------------------------------------------------------

TEST_F(BrokerTest, RefusesADecisionOnAnotherDigest) {
  const v1::Proposal one = Submitted("targets/dev", "one");
  v1::Proposal shown = one;
  shown.set_action_digest(Submitted("targets/dev", "two").action_digest());
  EXPECT_THAT(world_.Approve(shown, "bob"), HasReason(v1::DIGEST_MISMATCH));
  EXPECT_EQ(Now(one).state(), v1::Proposal::PENDING);
}

TEST_F(BrokerTest, RefusesADecisionOnAnOldEtag) {
  const v1::Proposal shown = Submitted("targets/prod-courses");
  ASSERT_OK(world_.Approve(shown, "alice"));
  EXPECT_THAT(world_.Approve(shown, "bob"), HasReason(v1::ETAG_MISMATCH));
}

TEST_F(BrokerTest, RefusesToRedeemForAnotherDigest) {
  auto claimed = *world_.Claim(world_.Approved("one"));
  claimed.mutable_proposal()->set_action_digest(world_.Approved("two").action_digest());
  EXPECT_THAT(world_.Redeem(claimed), HasReason(v1::DIGEST_MISMATCH));
}

TEST_F(BrokerTest, RefusesATokenForAnotherDigestThoughItIsSigned) {
  auto claimed = *world_.Claim(world_.Approved("one"));
  auto claims = *jws::ReadExecutionToken(claimed.token(), *world_.keys.PublicKeys());
  claims.action_digest = world_.Approved("two").action_digest();
  claimed.set_token(*jws::IssueExecutionToken(**world_.keys.ActiveKey(world_.clock.Now()), claims));
  EXPECT_THAT(world_.Redeem(claimed), HasReason(v1::DIGEST_MISMATCH));
}

TEST_F(BrokerTest, RefusesWhatWasChangedInTheDatabaseAfterTheApproval) {
  v1::Proposal proposal = world_.Approved();
  const auto claimed = world_.Claim(proposal);
  v1::Proposal tampered = Now(proposal);
  tampered.mutable_action()->set_argv(1, "rm -rf /");
  store_.Tamper(IdOf(proposal), tampered);
  const auto other = Replica();  // It remembers nothing, so it decides on the row.
  v1::RedeemTokenRequest request;
  request.set_token(claimed->token());
  request.set_action_digest(proposal.action_digest());
  EXPECT_THAT(other->RedeemToken(BrokerWorld::As("workload", "ci"), request, kForever),
              HasReason(v1::DATA_CORRUPTED));
  v1::ClaimProposalRequest claim;
  claim.set_name(proposal.name());
  EXPECT_THAT(other->ClaimProposal(BrokerWorld::As("workload", "ci"), claim, kForever),
              HasReason(v1::DATA_CORRUPTED));
}

TEST_F(BrokerTest, DoesNotLetOneApprovalServeTwoProposals) {
  const v1::Proposal one = Submitted("targets/dev");
  const v1::Proposal two = Submitted("targets/dev");
  ASSERT_EQ(one.action_digest(), two.action_digest());
  ASSERT_OK(world_.Approve(one, "bob"));
  EXPECT_THAT(world_.Claim(two), HasReason(v1::WRONG_STATE));
}

// --- Self-approval (I4)
// ----------------------------------------------------------------------------------------

TEST_F(BrokerTest, NeverLetsAnAgentDecide) {
  const v1::Proposal shown = Submitted("targets/dev");
  v1::ApproveProposalRequest request;
  request.set_name(shown.name());
  request.set_etag(shown.etag());
  request.set_action_digest(shown.action_digest());
  for (const char* agent : {"bot", "bot2"}) {
    const Caller caller = BrokerWorld::As("agent", agent);
    EXPECT_THAT(world_.broker.Authorize(Method::kApproveProposal, caller), HasReason(v1::NOT_PERMITTED));
    // Also past the table: the rule itself refuses.
    EXPECT_FALSE(world_.broker.ApproveProposal(caller, request, kForever).ok());
  }
  EXPECT_EQ(Now(shown).state(), v1::Proposal::PENDING);
}

TEST_F(BrokerTest, RefusesTheRequesterAndTheirOtherIdentity) {
  const auto proposal = world_.broker.CreateProposal(BrokerWorld::As("human", "alice"),
                                                     BrokerWorld::Command("targets/dev"), kForever);
  ASSERT_OK(proposal);
  EXPECT_THAT(world_.Approve(*proposal, "alice"), HasReason(v1::SELF_APPROVAL_FORBIDDEN));
  EXPECT_THAT(world_.Approve(*proposal, "alice-phone"), HasReason(v1::SELF_APPROVAL_FORBIDDEN));
  EXPECT_OK(world_.Approve(*proposal, "bob"));
}

TEST_F(BrokerTest, RefusesAHumanOutsideTheGroups) {
  EXPECT_THAT(world_.Approve(Submitted("targets/prod-courses"), "mallory"),
              HasReason(v1::APPROVER_NOT_ELIGIBLE));
}

// --- Quorum
// ----------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, WaitsForExactlyTheQuorum) {
  const auto first = world_.Approve(Submitted("targets/prod-courses"), "alice");
  ASSERT_OK(first);
  EXPECT_EQ(first->state(), v1::Proposal::PENDING);
  EXPECT_THAT(world_.Claim(*first), HasReason(v1::WRONG_STATE));
  EXPECT_THAT(world_.Approve(*first, "alice"), HasReason(v1::ALREADY_DECIDED));
  EXPECT_THAT(world_.Approve(*first, "alice-phone"), HasReason(v1::ALREADY_DECIDED));
  const auto second = world_.Approve(*first, "bob");
  ASSERT_OK(second);
  EXPECT_EQ(second->state(), v1::Proposal::APPROVED);
}

TEST_F(BrokerTest, EndsWithTheFirstDeny) {
  const auto first = world_.Approve(Submitted("targets/prod-courses"), "alice");
  const auto denied = world_.Deny(*first, "bob");
  ASSERT_OK(denied);
  EXPECT_EQ(denied->state(), v1::Proposal::DENIED);
  EXPECT_THAT(world_.Approve(*denied, "carol"), HasReason(v1::WRONG_STATE));
  EXPECT_THAT(world_.Deny(*denied, "bob"), HasReason(v1::ALREADY_DECIDED));
}

TEST_F(BrokerTest, LetsNobodyChangeTheirMind) {
  const auto first = world_.Approve(Submitted("targets/prod-courses"), "alice");
  EXPECT_THAT(world_.Deny(*first, "alice"), HasReason(v1::ALREADY_DECIDED));
}

TEST_F(BrokerTest, OneOfADenyAndTheLastApproveWins) {
  for (int round = 0; round < 20; ++round) {
    const v1::Proposal shown = Submitted("targets/dev", std::to_string(round));
    absl::Status approve, deny;
    std::thread one([&] { approve = world_.Approve(shown, "bob").status(); });
    std::thread two([&] { deny = world_.Deny(shown, "alice").status(); });
    one.join();
    two.join();
    EXPECT_NE(approve.ok(), deny.ok()) << approve << deny;
    EXPECT_EQ(Now(shown).state(), approve.ok() ? v1::Proposal::APPROVED : v1::Proposal::DENIED);
  }
}

TEST_F(BrokerTest, RefusesAtSubmitWhatNobodyCouldEverApprove) {
  Change("quorums: [{count: 2, groups: [platform, security]}]",
         "quorums: [{count: 4, groups: [platform, security]}]");
  EXPECT_THAT(world_.Submit("targets/prod-courses"), HasReason(v1::QUORUM_IMPOSSIBLE));
}

TEST_F(BrokerTest, FollowsVerdictsThatNeedNoHuman) {
  EXPECT_EQ(Submitted("targets/sandbox").state(), v1::Proposal::APPROVED);
  EXPECT_THAT(world_.Submit("targets/frozen"), HasReason(v1::POLICY_DENIED));
  EXPECT_THAT(world_.Submit("targets/nowhere"), HasReason(v1::TARGET_UNKNOWN));
}

// --- The world moved
// -------------------------------------------------------------------------------------------

TEST_F(BrokerTest, SupersedesWhenPolicyChangesBeforeTheDecision) {
  const v1::Proposal shown = Submitted("targets/dev");
  Change("- name: secure",
         "- {name: dev, environments: [development], verdict: REQUIRE_APPROVAL, quorums: [{count: 2}]}\n  - "
         "name: secure");
  EXPECT_THAT(world_.Approve(shown, "bob"), HasReason(v1::POLICY_CHANGED));
  EXPECT_EQ(Now(shown).state(), v1::Proposal::SUPERSEDED);
  EXPECT_THAT(world_.AuditTypes(shown), Contains("proposal.superseded"));
}

TEST_F(BrokerTest, SupersedesWhenPolicyChangesBetweenDecideAndClaim) {
  const v1::Proposal proposal = world_.Approved();
  Change("- name: secure", "- {name: dev, environments: [development], verdict: DENY}\n  - name: secure");
  EXPECT_THAT(world_.Claim(proposal), HasReason(v1::POLICY_CHANGED));
  EXPECT_EQ(Now(proposal).state(), v1::Proposal::SUPERSEDED);
}

TEST_F(BrokerTest, SupersedesWhenAnApproverIsRevokedBetweenClaimAndRedeem) {
  const auto claimed = world_.Claim(world_.Approved());
  Change("{id: spiffe://example.org/human/bob, person: bob}",
         "{id: spiffe://example.org/human/bob, person: bob, revoked: true}");
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::APPROVER_NOT_ELIGIBLE));
  EXPECT_EQ(Now(claimed->proposal()).state(), v1::Proposal::SUPERSEDED);
}

TEST_F(BrokerTest, SupersedesWhenTheRequesterIsRevoked) {
  const v1::Proposal proposal = world_.Approved();
  Change("agent/bot, owner: alice}", "agent/bot, owner: alice, revoked: true}");
  EXPECT_THAT(world_.Claim(proposal), HasReason(v1::POLICY_CHANGED));
}

TEST_F(BrokerTest, SupersedesWhenTheTargetMovesToAnotherEnvironment) {
  const auto claimed = world_.Claim(world_.Approved());
  Change("name: targets/dev\nenvironment: development", "name: targets/dev\nenvironment: production");
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::POLICY_CHANGED));
}

TEST_F(BrokerTest, SupersedesWhenTheTargetMovesThoughTheRequirementStays) {
  const auto claimed = world_.Claim(world_.Approved());
  Change("name: targets/dev\nenvironment: development", "name: targets/dev\nenvironment: staging");
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::POLICY_CHANGED));
}

TEST_F(BrokerTest, IsNotDisturbedByAPolicyChangeElsewhere) {
  const auto claimed = world_.Claim(world_.Approved());
  Change("token_lifetime: 120s", "token_lifetime: 60s");
  EXPECT_OK(world_.Redeem(*claimed));
}

TEST_F(BrokerTest, RefusesAnExecutorThatTheTargetNoLongerNames) {
  const auto claimed = world_.Claim(world_.Approved());
  Change("executors: [spiffe://example.org/workload/ci, spiffe://example.org/human/bob]",
         "executors: [spiffe://example.org/human/bob]");
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::NOT_PERMITTED));
}

// --- A configuration that this replica has not heard of
// --------------------------------------------------------

constexpr char kSecureRule[] = "- name: secure";
constexpr char kTwoForDevelopment[] =
    "- {name: dev, environments: [development], verdict: REQUIRE_APPROVAL, quorums: [{count: 2}]}\n  - name: "
    "secure";

TEST_F(BrokerTest, SubmitsUnderTheNewestConfiguration) {
  ChangeElsewhere("environments: [sandbox], verdict: ALLOW", "environments: [sandbox], verdict: DENY");
  EXPECT_THAT(world_.Submit("targets/sandbox"), HasReason(v1::POLICY_DENIED));
}

TEST_F(BrokerTest, DecidesUnderTheNewestConfiguration) {
  const v1::Proposal shown = Submitted("targets/dev");
  ChangeElsewhere(kSecureRule, kTwoForDevelopment);
  EXPECT_THAT(world_.Approve(shown, "bob"), HasReason(v1::POLICY_CHANGED));
  EXPECT_EQ(Now(shown).state(), v1::Proposal::SUPERSEDED);
}

TEST_F(BrokerTest, ClaimsUnderTheNewestConfiguration) {
  const v1::Proposal proposal = world_.Approved();
  ChangeElsewhere(kSecureRule, kTwoForDevelopment);
  EXPECT_THAT(world_.Claim(proposal), HasReason(v1::POLICY_CHANGED));
  EXPECT_THAT(world_.AuditTypes(proposal), Not(Contains("token.issued")));
}

TEST_F(BrokerTest, RedeemsUnderTheNewestConfiguration) {
  const auto claimed = world_.Claim(world_.Approved());
  ChangeElsewhere("human/bob, person: bob}", "human/bob, person: bob, revoked: true}");
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::APPROVER_NOT_ELIGIBLE));
  EXPECT_EQ(Now(claimed->proposal()).state(), v1::Proposal::SUPERSEDED);
}

TEST_F(BrokerTest, ResolvesUnderTheNewestConfiguration) {
  const auto redeemed = world_.Redeem(*world_.Claim(world_.Approved()));
  world_.clock.Advance(absl::Minutes(2));
  ASSERT_OK(world_.broker.Sweep(kForever));
  ChangeElsewhere("human/carol}", "human/carol, revoked: true}");
  v1::ResolveProposalRequest request;
  request.set_name(redeemed->proposal().name());
  request.set_etag(Now(redeemed->proposal()).etag());
  request.set_outcome(v1::Proposal::SUCCEEDED);
  request.set_comment("looked");
  EXPECT_THAT(world_.broker.ResolveProposal(BrokerWorld::As("human", "carol"), request, kForever),
              HasReason(v1::APPROVER_NOT_ELIGIBLE));
}

TEST_F(BrokerTest, AppliesUnderTheNewestConfiguration) {
  const std::string admins = "{name: admin, members: [spiffe://example.org/human/alice]}";
  const std::string bob = "{name: admin, members: [spiffe://example.org/human/bob]}";
  Change(admins,
         "{name: admin, members: [spiffe://example.org/human/alice, spiffe://example.org/human/bob]}");
  ApplyElsewhere(Replaced(BrokerWorld::Documents(), admins, bob), "bob");
  EXPECT_THAT(world_.Apply(BrokerWorld::Documents()), HasReason(v1::NOT_PERMITTED));
  EXPECT_FALSE(world_.broker.configuration()->IsMember(BrokerWorld::Uri("human", "alice"), "admin"));
}

TEST_F(BrokerTest, SupersedesNothingForAConfigurationThatIsOver) {
  const v1::Proposal proposal = world_.Approved();
  Change(kSecureRule, kTwoForDevelopment);
  ApplyElsewhere(BrokerWorld::Documents());
  EXPECT_OK(world_.Claim(proposal));
}

// --- Time
// ------------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, DecidesUntilJustBeforeTheEnd) {
  const v1::Proposal one = Submitted("targets/dev", "one");
  const v1::Proposal two = Submitted("targets/dev", "two");
  const absl::Time end = base::ToTime(one.expire_time());
  world_.clock.SetTo(end - absl::Microseconds(1));
  EXPECT_OK(world_.Approve(one, "bob"));
  world_.clock.SetTo(end);
  EXPECT_THAT(world_.Approve(two, "bob"), HasReason(v1::APPROVAL_EXPIRED));
}

TEST_F(BrokerTest, ClaimsUntilJustBeforeTheApprovalEnds) {
  const v1::Proposal proposal = world_.Approved();
  const absl::Time end = base::ToTime(proposal.approval_expire_time());
  world_.clock.SetTo(end - absl::Seconds(2));
  EXPECT_OK(world_.Claim(proposal));
  world_.clock.SetTo(end);
  EXPECT_THAT(world_.Claim(proposal), HasReason(v1::APPROVAL_EXPIRED));
}

TEST_F(BrokerTest, ClaimsNothingWhenLessThanASecondIsLeft) {
  world_.clock.Advance(absl::Milliseconds(500));
  const v1::Proposal proposal = world_.Approved();
  world_.clock.SetTo(base::ToTime(proposal.approval_expire_time()) - absl::Milliseconds(200));
  EXPECT_THAT(world_.Claim(proposal), HasReason(v1::APPROVAL_EXPIRED));
  EXPECT_EQ(Now(proposal).claim_count(), 0);
}

TEST_F(BrokerTest, RedeemsUntilJustBeforeTheTokenEnds) {
  const auto claimed = world_.Claim(world_.Approved());
  const absl::Time end = base::ToTime(claimed->token_expire_time());
  world_.clock.SetTo(end);
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::TOKEN_EXPIRED));
  world_.clock.SetTo(end - absl::Microseconds(1));
  EXPECT_OK(world_.Redeem(*claimed));
}

TEST_F(BrokerTest, RedeemsWhatAReplicaWithAnotherClockHasClaimed) {
  for (const absl::Duration ahead : {absl::Seconds(-5), absl::Seconds(5), absl::Seconds(10)}) {
    SCOPED_TRACE(absl::FormatDuration(ahead));
    const v1::Proposal proposal = world_.Approved(absl::FormatDuration(ahead));
    FakeClock clock(world_.clock.Now() + ahead);
    const auto replica = Replica(&clock);
    v1::ClaimProposalRequest claim;
    claim.set_name(proposal.name());
    const auto claimed = replica->ClaimProposal(BrokerWorld::As("workload", "ci"), claim, kForever);
    ASSERT_OK(claimed);
    const auto redeemed = world_.Redeem(*claimed);
    ASSERT_OK(redeemed);
    EXPECT_OK(world_.Report(redeemed->proposal(), 0));
  }
}

TEST_F(BrokerTest, RedeemsNothingOfAReplicaWhoseClockIsFarAhead) {
  const v1::Proposal proposal = world_.Approved();
  FakeClock clock(world_.clock.Now() + absl::Seconds(11));
  v1::ClaimProposalRequest claim;
  claim.set_name(proposal.name());
  const auto claimed = Replica(&clock)->ClaimProposal(BrokerWorld::As("workload", "ci"), claim, kForever);
  ASSERT_OK(claimed);
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::TOKEN_INVALID));
}

TEST_F(BrokerTest, NoTokenOutlivesItsApproval) {
  const v1::Proposal proposal = world_.Approved();
  world_.clock.SetTo(base::ToTime(proposal.approval_expire_time()) - absl::Seconds(30));
  const auto claimed = world_.Claim(proposal);
  ASSERT_OK(claimed);
  EXPECT_LE(base::ToTime(claimed->token_expire_time()), base::ToTime(proposal.approval_expire_time()));
}

TEST_F(BrokerTest, SweepsWhatIsOver) {
  const v1::Proposal pending = Submitted("targets/dev", "pending");
  const v1::Proposal approved = world_.Approved("approved");
  const auto executing = world_.Redeem(*world_.Claim(world_.Approved("executing")));
  ASSERT_OK(executing);
  world_.clock.Advance(absl::Hours(25));
  ASSERT_OK(world_.broker.Sweep(kForever));
  EXPECT_EQ(Now(pending).state(), v1::Proposal::EXPIRED);
  EXPECT_EQ(Now(approved).state(), v1::Proposal::EXPIRED);
  EXPECT_EQ(Now(executing->proposal()).state(), v1::Proposal::AMBIGUOUS);
  EXPECT_THAT(world_.AuditTypes(executing->proposal()), Contains("execution.lease_lost"));
}

TEST_F(BrokerTest, SweepsNothingBeforeItsTime) {
  const v1::Proposal pending = Submitted("targets/dev");
  world_.clock.SetTo(base::ToTime(pending.expire_time()) - absl::Microseconds(1));
  ASSERT_OK(world_.broker.Sweep(kForever));
  EXPECT_EQ(Now(pending).state(), v1::Proposal::PENDING);
}

// --- Once (I2)
// -------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, RedeemsATokenOnce) {
  const auto claimed = world_.Claim(world_.Approved());
  const auto redeemed = world_.Redeem(*claimed);
  ASSERT_OK(redeemed);
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::TOKEN_ALREADY_REDEEMED));
  ASSERT_OK(world_.Report(redeemed->proposal(), 1));
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::TOKEN_ALREADY_REDEEMED));
  world_.clock.Advance(absl::Hours(1));
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::TOKEN_ALREADY_REDEEMED));
}

TEST_F(BrokerTest, OneOfManyConcurrentRedeemsWins) {
  const auto claimed = world_.Claim(world_.Approved());
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] { won += world_.Redeem(*claimed).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
}

TEST_F(BrokerTest, ANewClaimReplacesTheTokenBefore) {
  const v1::Proposal proposal = world_.Approved();
  const auto first = world_.Claim(proposal);
  const auto second = world_.Claim(proposal);
  EXPECT_THAT(world_.Redeem(*first), HasReason(v1::TOKEN_INVALID));
  EXPECT_OK(world_.Redeem(*second));
}

TEST_F(BrokerTest, RunsOneExecutionPerTargetAtATime) {
  const auto one = world_.Claim(world_.Approved("one"));
  const auto two = world_.Claim(world_.Approved("two"));
  const auto running = world_.Redeem(*one);
  ASSERT_OK(running);
  EXPECT_THAT(world_.Redeem(*two), HasReason(v1::TARGET_BUSY));
  ASSERT_OK(world_.Report(running->proposal(), 0));
  EXPECT_OK(world_.Redeem(*two));
}

TEST_F(BrokerTest, NeverRunsAnAmbiguousExecutionAgain) {
  const auto claimed = world_.Claim(world_.Approved());
  const auto redeemed = world_.Redeem(*claimed);
  world_.clock.Advance(absl::Minutes(2));
  ASSERT_OK(world_.broker.Sweep(kForever));
  EXPECT_THAT(world_.Claim(redeemed->proposal()), HasReason(v1::WRONG_STATE));
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::TOKEN_ALREADY_REDEEMED));
}

TEST_F(BrokerTest, TakesALateReportOfTheSameExecutionOnly) {
  const auto redeemed = world_.Redeem(*world_.Claim(world_.Approved()));
  world_.clock.Advance(absl::Minutes(2));
  ASSERT_OK(world_.broker.Sweep(kForever));
  v1::Proposal other = redeemed->proposal();
  other.mutable_execution()->set_id("aaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_THAT(world_.Report(other, 0), HasReason(v1::NOT_FOUND));
  const auto late = world_.Report(redeemed->proposal(), 0);
  ASSERT_OK(late);
  EXPECT_EQ(late->state(), v1::Proposal::SUCCEEDED);
}

TEST_F(BrokerTest, HeartbeatsKeepTheLease) {
  const auto redeemed = world_.Redeem(*world_.Claim(world_.Approved()));
  v1::HeartbeatRequest request;
  request.set_name(redeemed->proposal().name());
  request.set_execution_id(redeemed->proposal().execution().id());
  for (int i = 0; i < 10; ++i) {
    world_.clock.Advance(absl::Seconds(50));
    ASSERT_OK(world_.broker.Heartbeat(BrokerWorld::As("workload", "ci"), request, kForever));
    ASSERT_OK(world_.broker.Sweep(kForever));
  }
  EXPECT_EQ(Now(redeemed->proposal()).state(), v1::Proposal::EXECUTING);
  EXPECT_THAT(world_.broker.Heartbeat(BrokerWorld::As("workload", "ci2"), request, kForever),
              HasReason(v1::NOT_FOUND));
  world_.clock.Advance(absl::Seconds(61));
  ASSERT_OK(world_.broker.Sweep(kForever));
  EXPECT_THAT(world_.broker.Heartbeat(BrokerWorld::As("workload", "ci"), request, kForever),
              HasReason(v1::WRONG_STATE));
}

TEST_F(BrokerTest, AHeartbeatThatComesDuringASweepKeepsTheLease) {
  const auto redeemed = world_.Redeem(*world_.Claim(world_.Approved()));
  v1::HeartbeatRequest request;
  request.set_name(redeemed->proposal().name());
  request.set_execution_id(redeemed->proposal().execution().id());
  world_.clock.Advance(absl::Minutes(2));
  store_.BeforeNextCommit(
      [&] { EXPECT_OK(world_.broker.Heartbeat(BrokerWorld::As("workload", "ci"), request, kForever)); });
  ASSERT_OK(world_.broker.Sweep(kForever));
  EXPECT_EQ(Now(redeemed->proposal()).state(), v1::Proposal::EXECUTING);
}

TEST_F(BrokerTest, LetsAHumanSettleWhatIsAmbiguousButNotTheRequester) {
  const auto mine = world_.broker.CreateProposal(BrokerWorld::As("human", "alice"),
                                                 BrokerWorld::Command("targets/dev"), kForever);
  ASSERT_OK(world_.Redeem(*world_.Claim(*world_.Approve(*mine, "bob"))));
  world_.clock.Advance(absl::Minutes(2));
  ASSERT_OK(world_.broker.Sweep(kForever));
  v1::ResolveProposalRequest request;
  request.set_name(mine->name());
  request.set_etag(Now(*mine).etag());
  request.set_outcome(v1::Proposal::FAILED);
  request.set_comment("looked at the database: nothing was done");
  EXPECT_THAT(world_.broker.ResolveProposal(BrokerWorld::As("human", "alice"), request, kForever),
              HasReason(v1::SELF_APPROVAL_FORBIDDEN));
  const auto resolved = world_.broker.ResolveProposal(BrokerWorld::As("human", "carol"), request, kForever);
  ASSERT_OK(resolved);
  EXPECT_EQ(resolved->state(), v1::Proposal::FAILED);
  EXPECT_EQ(resolved->execution().resolution().principal(), BrokerWorld::Uri("human", "carol"));
}

TEST_F(BrokerTest, SettlesOnlyWhatWasShown) {
  const auto redeemed = world_.Redeem(*world_.Claim(world_.Approved()));
  world_.clock.Advance(absl::Minutes(2));
  ASSERT_OK(world_.broker.Sweep(kForever));
  v1::ResolveProposalRequest request;
  request.set_name(redeemed->proposal().name());
  request.set_etag(redeemed->proposal().etag());
  request.set_outcome(v1::Proposal::SUCCEEDED);
  request.set_comment("looked before it was ambiguous");
  EXPECT_THAT(world_.broker.ResolveProposal(BrokerWorld::As("human", "carol"), request, kForever),
              HasReason(v1::ETAG_MISMATCH));
  EXPECT_EQ(Now(redeemed->proposal()).state(), v1::Proposal::AMBIGUOUS);
}

// --- Holder
// ----------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, RedeemsOnlyForTheCertificateThatClaimed) {
  const auto claimed = world_.Claim(world_.Approved());
  v1::RedeemTokenRequest request;
  request.set_token(claimed->token());
  request.set_action_digest(claimed->proposal().action_digest());
  Caller renewed = BrokerWorld::As("workload", "ci");
  renewed.certificate_thumbprint = BrokerWorld::Thumbprint("another certificate of ci");
  EXPECT_THAT(world_.broker.RedeemToken(renewed, request, kForever), HasReason(v1::TOKEN_WRONG_HOLDER));
  EXPECT_THAT(world_.broker.RedeemToken(BrokerWorld::As("human", "bob"), request, kForever),
              HasReason(v1::TOKEN_WRONG_HOLDER));
}

TEST_F(BrokerTest, IssuesTokensOnlyToExecutorsOfTheTarget) {
  const v1::Proposal proposal = world_.Approved();
  EXPECT_THAT(world_.Claim(proposal, "ci2"), HasReason(v1::NOT_FOUND));
  v1::ClaimProposalRequest request;
  request.set_name(proposal.name());
  EXPECT_THAT(world_.broker.ClaimProposal(BrokerWorld::As("human", "carol"), request, kForever),
              HasReason(v1::NOT_PERMITTED));
}

TEST_F(BrokerTest, RefusesTheTokenOfARevokedApproval) {
  const auto claimed = world_.Claim(world_.Approved());
  v1::RevokeProposalRequest request;
  request.set_name(claimed->proposal().name());
  ASSERT_OK(world_.broker.RevokeProposal(BrokerWorld::As("human", "carol"), request, kForever));
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::WRONG_STATE));
}

// --- Repeated calls
// --------------------------------------------------------------------------------------------

TEST_F(BrokerTest, GivesARepeatedCallTheFirstAnswer) {
  auto request = BrokerWorld::Command("targets/dev");
  request.set_request_id("r1");
  const Caller bot = BrokerWorld::As("agent", "bot");
  const auto first = world_.broker.CreateProposal(bot, request, kForever);
  ASSERT_OK(first);
  ASSERT_OK(world_.Approve(*first, "bob", "r2"));
  const auto again = world_.broker.CreateProposal(bot, request, kForever);
  ASSERT_OK(again);
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_OK(world_.Approve(*first, "bob", "r2"));
  EXPECT_EQ(Now(*first).decisions_size(), 1);
}

TEST_F(BrokerTest, RefusesAnotherBodyUnderTheSameRequestId) {
  auto request = BrokerWorld::Command("targets/dev", "one");
  request.set_request_id("r1");
  ASSERT_OK(world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), request, kForever));
  auto other = BrokerWorld::Command("targets/dev", "two");
  other.set_request_id("r1");
  EXPECT_THAT(world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), other, kForever),
              HasReason(v1::REQUEST_ID_REUSED));
  EXPECT_OK(world_.broker.CreateProposal(BrokerWorld::As("agent", "bot2"), other, kForever));
}

TEST_F(BrokerTest, RefusesAnotherCallWithTheSameBodyUnderTheSameRequestId) {
  const v1::Proposal shown = Submitted("targets/prod-courses");
  ASSERT_OK(world_.Approve(shown, "bob", "r1"));
  v1::DenyProposalRequest deny;
  deny.set_name(shown.name());
  deny.set_etag(shown.etag());
  deny.set_action_digest(shown.action_digest());
  deny.set_request_id("r1");
  EXPECT_THAT(world_.broker.DenyProposal(BrokerWorld::As("human", "bob"), deny, kForever),
              HasReason(v1::REQUEST_ID_REUSED));
}

TEST_F(BrokerTest, KnowsARepeatedBodyInWhateverOrderItsMapsCome) {
  auto first = BrokerWorld::Command("targets/dev");
  auto again = first;
  for (int i = 0; i < 100; ++i) {
    (*first.mutable_action()->mutable_environment())["V" + std::to_string(i)] = "x";
    (*again.mutable_action()->mutable_environment())["V" + std::to_string(99 - i)] = "x";
  }
  first.set_request_id("r1");
  again.set_request_id("r1");
  const auto created = world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), first, kForever);
  ASSERT_OK(created);
  const auto repeated = world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), again, kForever);
  ASSERT_OK(repeated);
  EXPECT_EQ(repeated->name(), created->name());
}

TEST_F(BrokerTest, ARepeatedCallThatWasRefusedIsNotAnsweredAsIfItWereDone) {
  const v1::Proposal shown = Submitted("targets/dev");
  Change(kSecureRule, kTwoForDevelopment);
  EXPECT_THAT(world_.Approve(shown, "bob", "r1"), HasReason(v1::POLICY_CHANGED));
  EXPECT_THAT(world_.Approve(shown, "bob", "r1"), HasReason(v1::WRONG_STATE));
}

TEST_F(BrokerTest, GivesARepeatedApplyTheFirstAnswer) {
  v1::ApplyDocumentsRequest request;
  request.set_content("document: Target\nname: targets/new\nenvironment: development\n");
  request.set_request_id("r1");
  const Caller alice = BrokerWorld::As("human", "alice");
  const auto first = world_.broker.ApplyDocuments(alice, request, kForever);
  ASSERT_OK(first);
  ASSERT_EQ(first->changed_size(), 1);
  const auto again = world_.broker.ApplyDocuments(alice, request, kForever);
  ASSERT_OK(again);
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  request.set_content("document: Target\nname: targets/newer\nenvironment: development\n");
  EXPECT_THAT(world_.broker.ApplyDocuments(alice, request, kForever), HasReason(v1::REQUEST_ID_REUSED));
}

TEST_F(BrokerTest, SettlesALostAnswerByTheRequestId) {
  const v1::Proposal shown = Submitted("targets/dev");
  store_.LoseNextAnswer();
  const auto approved = world_.Approve(shown, "bob", "r1");
  ASSERT_OK(approved);
  EXPECT_EQ(approved->state(), v1::Proposal::APPROVED);
  EXPECT_EQ(Now(shown).decisions_size(), 1);
}

TEST_F(BrokerTest, ARepeatedClaimGivesTheSameTokenAndARepeatedRedeemTheSameExecution) {
  const v1::Proposal proposal = world_.Approved();
  const auto first = world_.Claim(proposal, "ci", "claim-1");
  const auto again = world_.Claim(proposal, "ci", "claim-1");
  ASSERT_OK(again);
  const auto one = jws::ReadExecutionToken(first->token(), *world_.keys.PublicKeys());
  const auto two = jws::ReadExecutionToken(again->token(), *world_.keys.PublicKeys());
  EXPECT_EQ(one->token_id, two->token_id);
  EXPECT_EQ(one->expire_time, two->expire_time);
  const auto redeemed = world_.Redeem(*first, "ci", "redeem-1");
  ASSERT_OK(redeemed);
  const auto redeemed_again = world_.Redeem(*again, "ci", "redeem-1");
  ASSERT_OK(redeemed_again);
  EXPECT_EQ(redeemed_again->proposal().execution().id(), redeemed->proposal().execution().id());
  EXPECT_THAT(world_.Claim(proposal, "ci", "claim-1"), HasReason(v1::WRONG_STATE));
}

TEST_F(BrokerTest, ARepeatedClaimGetsNoTokenThatCannotBeRedeemedAnyMore) {
  const v1::Proposal replaced = world_.Approved("replaced");
  ASSERT_OK(world_.Claim(replaced, "ci", "claim-1"));
  ASSERT_OK(world_.Claim(replaced, "ci", "claim-2"));
  EXPECT_THAT(world_.Claim(replaced, "ci", "claim-1"), HasReason(v1::WRONG_STATE));
  EXPECT_OK(world_.Claim(replaced, "ci", "claim-2"));
  const v1::Proposal revoked = world_.Approved("revoked");
  ASSERT_OK(world_.Claim(revoked, "ci", "claim-3"));
  v1::RevokeProposalRequest request;
  request.set_name(revoked.name());
  ASSERT_OK(world_.broker.RevokeProposal(BrokerWorld::As("human", "carol"), request, kForever));
  EXPECT_THAT(world_.Claim(revoked, "ci", "claim-3"), HasReason(v1::WRONG_STATE));
}

TEST_F(BrokerTest, StoresNoTokenWithTheAnswerOfAClaim) {
  const auto claimed = world_.Claim(world_.Approved(), "ci", "claim-1");
  ASSERT_OK(claimed);
  const auto stored = store_.FindRequest(BrokerWorld::Uri("workload", "ci"), "claim-1", kForever);
  ASSERT_OK(stored);
  // Each signature is another one, so it is the header that a token is known by.
  const std::string header = claimed->token().substr(0, claimed->token().find('.'));
  EXPECT_EQ(stored->response.find(header), std::string::npos);
  ASSERT_OK(world_.Redeem(*claimed, "ci", "redeem-1"));
  const auto redeemed = store_.FindRequest(BrokerWorld::Uri("workload", "ci"), "redeem-1", kForever);
  ASSERT_OK(redeemed);
  EXPECT_EQ(redeemed->response.find(header), std::string::npos);
  const auto events = store_.ListAuditEvents("", 0, 1000, kForever);
  ASSERT_OK(events);
  for (const v1::AuditEvent& event : *events)
    EXPECT_EQ(event.SerializeAsString().find(header), std::string::npos);
}

// --- Who sees what
// ---------------------------------------------------------------------------------------------

TEST_F(BrokerTest, ShowsAgentsOnlyTheirOwn) {
  const v1::Proposal mine = Submitted("targets/dev");
  v1::GetProposalRequest get;
  get.set_name(mine.name());
  EXPECT_OK(world_.broker.GetProposal(BrokerWorld::As("agent", "bot"), get, kForever));
  EXPECT_THAT(world_.broker.GetProposal(BrokerWorld::As("agent", "bot2"), get, kForever),
              HasReason(v1::NOT_FOUND));
  EXPECT_THAT(world_.broker.GetProposal(BrokerWorld::As("workload", "ci2"), get, kForever),
              HasReason(v1::NOT_FOUND));
  v1::ListProposalsRequest list;
  EXPECT_EQ(world_.broker.ListProposals(BrokerWorld::As("agent", "bot2"), list, kForever)->proposals_size(),
            0);
  EXPECT_EQ(world_.broker.ListProposals(BrokerWorld::As("workload", "ci2"), list, kForever)->proposals_size(),
            0);
  EXPECT_EQ(world_.broker.ListProposals(BrokerWorld::As("workload", "ci"), list, kForever)->proposals_size(),
            1);
  list.set_requester(BrokerWorld::Uri("agent", "bot"));
  EXPECT_EQ(world_.broker.ListProposals(BrokerWorld::As("agent", "bot2"), list, kForever)->proposals_size(),
            0);
  v1::CancelProposalRequest cancel;
  cancel.set_name(mine.name());
  EXPECT_THAT(world_.broker.CancelProposal(BrokerWorld::As("agent", "bot2"), cancel, kForever),
              HasReason(v1::NOT_FOUND));
  EXPECT_THAT(world_.broker.CancelProposal(BrokerWorld::As("human", "alice"), cancel, kForever),
              HasReason(v1::NOT_PERMITTED));
  EXPECT_OK(world_.broker.CancelProposal(BrokerWorld::As("agent", "bot"), cancel, kForever));
}

TEST_F(BrokerTest, PagesThroughAListWithoutLossAndBindsTheTokenToTheFilter) {
  std::set<std::string> all;
  for (int i = 0; i < 7; ++i) all.insert(Submitted("targets/dev", std::to_string(i)).name());
  v1::ListProposalsRequest list;
  list.set_page_size(3);
  std::set<std::string> seen;
  const Caller alice = BrokerWorld::As("human", "alice");
  for (;;) {
    const auto page = world_.broker.ListProposals(alice, list, kForever);
    ASSERT_OK(page);
    for (const v1::Proposal& proposal : page->proposals()) EXPECT_TRUE(seen.insert(proposal.name()).second);
    if (page->next_page_token().empty()) break;
    list.set_page_token(page->next_page_token());
  }
  EXPECT_EQ(seen, all);
  v1::ListProposalsRequest first;
  first.set_page_size(3);
  v1::ListProposalsRequest other;
  other.set_page_token(world_.broker.ListProposals(alice, first, kForever)->next_page_token());
  other.set_target("targets/dev");
  EXPECT_THAT(world_.broker.ListProposals(alice, other, kForever), HasReason(v1::INVALID_FIELD));
  other.clear_target();
  EXPECT_THAT(world_.broker.ListProposals(BrokerWorld::As("human", "bob"), other, kForever),
              HasReason(v1::INVALID_FIELD));
  first.set_page_size(-1);
  EXPECT_THAT(world_.broker.ListProposals(alice, first, kForever), HasReason(v1::INVALID_FIELD));
}

TEST_F(BrokerTest, PagesThroughTheAuditTrailAndBindsTheTokenToWhatWasAsked) {
  const v1::Proposal one = world_.Approved("one");
  world_.Approved("two");
  const Caller eve = BrokerWorld::As("auditor", "eve");
  v1::ListAuditEventsRequest request;
  request.set_page_size(1);
  std::vector<std::string> types;
  do {
    const auto page = world_.broker.ListAuditEvents(eve, request, kForever);
    ASSERT_OK(page);
    ASSERT_EQ(page->events_size(), 1);
    types.push_back(page->events(0).type());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(types, ElementsAre("configuration.applied", "proposal.created", "proposal.approved",
                                 "proposal.created", "proposal.approved"));
  request.set_page_token(world_.broker.ListAuditEvents(eve, request, kForever)->next_page_token());
  EXPECT_OK(world_.broker.ListAuditEvents(eve, request, kForever));
  EXPECT_THAT(world_.broker.ListAuditEvents(BrokerWorld::As("human", "alice"), request, kForever),
              HasReason(v1::INVALID_FIELD));
  v1::ListAuditEventsRequest of_one = request;
  of_one.set_proposal(one.name());
  EXPECT_THAT(world_.broker.ListAuditEvents(eve, of_one, kForever), HasReason(v1::INVALID_FIELD));
}

// --- What the audit trail says (I7)
// ----------------------------------------------------------------------------

class AuditTest : public BrokerTest {
 protected:
  // The last event of the proposal.
  v1::AuditEvent Last(const v1::Proposal& proposal) {
    const auto events = store_.ListAuditEvents(IdOf(proposal), 0, 1000, kForever);
    EXPECT_OK(events);
    return events->back();
  }
  // That it is of this kind, by this principal, at this moment, and that its details hold these pieces.
  void ExpectLast(const v1::Proposal& proposal, const std::string& type, const std::string& principal,
                  const std::vector<std::pair<std::string, std::string>>& details) {
    SCOPED_TRACE(type);
    const v1::AuditEvent event = Last(proposal);
    EXPECT_EQ(event.type(), type);
    EXPECT_EQ(event.principal(), principal);
    EXPECT_EQ(event.proposal(), proposal.name());
    EXPECT_EQ(base::ToTime(event.event_time()), world_.clock.Now());
    for (const auto& [name, value] : details) {
      EXPECT_THAT(event.details_json(), HasSubstr(text::Concat("\"", name, "\":\"", value, "\"")));
    }
    world_.clock.Advance(absl::Seconds(1));  // So that the next one has a time of its own.
  }

  const std::string bot_ = BrokerWorld::Uri("agent", "bot");
  const std::string alice_ = BrokerWorld::Uri("human", "alice");
  const std::string bob_ = BrokerWorld::Uri("human", "bob");
  const std::string ci_ = BrokerWorld::Uri("workload", "ci");
};

TEST_F(AuditTest, SaysWhoDidWhatToWhichDigestAndWhen) {
  const std::string policy = world_.broker.configuration()->DigestOf("policy");
  ASSERT_NE(policy, "");
  v1::Proposal proposal = Submitted("targets/prod-courses");
  const std::string digest = proposal.action_digest();
  ExpectLast(proposal, "proposal.created", bot_,
             {{"action_digest", digest},
              {"target", "targets/prod-courses"},
              {"state", "PENDING"},
              {"rule", "production"},
              {"policy_digest", policy}});
  proposal = *world_.Approve(proposal, "alice", "request-1");
  EXPECT_EQ(Last(proposal).request_id(), "request-1");
  ExpectLast(
      proposal, "proposal.approved", alice_,
      {{"action_digest", digest}, {"person", "alice"}, {"state", "PENDING"}, {"policy_digest", policy}});
  proposal = *world_.Approve(proposal, "bob");
  ExpectLast(proposal, "proposal.approved", bob_,
             {{"action_digest", digest}, {"person", "bob"}, {"state", "APPROVED"}});
  const auto claimed = world_.Claim(proposal);
  const std::string token_id = jws::ReadExecutionToken(claimed->token(), *world_.keys.PublicKeys())->token_id;
  ExpectLast(proposal, "token.issued", ci_, {{"token_id", token_id}, {"action_digest", digest}});
  const v1::Proposal executing = world_.Redeem(*claimed)->proposal();
  ExpectLast(
      proposal, "token.redeemed", ci_,
      {{"token_id", token_id}, {"execution_id", executing.execution().id()}, {"action_digest", digest}});
  ASSERT_OK(world_.Report(executing, 3));
  ExpectLast(proposal, "execution.reported", ci_,
             {{"execution_id", executing.execution().id()}, {"exit_code", "3"}, {"state", "FAILED"}});
}

TEST_F(AuditTest, TellsAProgramThatFailedFromOneThatNeverStarted) {
  const v1::Proposal approved = *world_.Approve(Submitted("targets/dev", "unstartable"), "bob");
  const v1::Proposal executing = world_.Redeem(*world_.Claim(approved))->proposal();
  v1::ReportExecutionRequest report;
  report.set_name(executing.name());
  report.set_execution_id(executing.execution().id());
  report.set_start_failure("Exec format error");
  EXPECT_THAT(world_.broker.ReportExecution(BrokerWorld::As("workload", "ci"), report, kForever),
              HasReason(v1::INVALID_FIELD));
  report.set_exit_code(126);
  const auto reported = world_.broker.ReportExecution(BrokerWorld::As("workload", "ci"), report, kForever);
  ASSERT_OK(reported);
  EXPECT_EQ(reported->state(), v1::Proposal::FAILED);
  EXPECT_EQ(reported->state_detail(), "its program was never started: Exec format error");
  ExpectLast(*reported, "execution.reported", ci_,
             {{"exit_code", "126"}, {"start_failure", "Exec format error"}});
  report.set_start_failure(std::string(257, 'x'));
  EXPECT_THAT(world_.broker.ReportExecution(BrokerWorld::As("workload", "ci"), report, kForever),
              HasReason(v1::INVALID_FIELD));
}

TEST_F(AuditTest, SaysWhyWhatDidNotRunDidNot) {
  const v1::Proposal denied = Submitted("targets/dev", "denied");
  ASSERT_OK(world_.Deny(denied, "bob"));
  ExpectLast(denied, "proposal.denied", bob_,
             {{"action_digest", denied.action_digest()}, {"person", "bob"}, {"state", "DENIED"}});
  const v1::Proposal cancelled = Submitted("targets/dev", "cancelled");
  v1::CancelProposalRequest cancel;
  cancel.set_name(cancelled.name());
  ASSERT_OK(world_.broker.CancelProposal(BrokerWorld::As("agent", "bot"), cancel, kForever));
  ExpectLast(cancelled, "proposal.cancelled", bot_, {});
  const v1::Proposal revoked = world_.Approved("revoked");
  v1::RevokeProposalRequest revoke;
  revoke.set_name(revoked.name());
  revoke.set_comment("not today");
  ASSERT_OK(world_.broker.RevokeProposal(BrokerWorld::As("human", "bob"), revoke, kForever));
  ExpectLast(revoked, "proposal.revoked", bob_, {{"comment", "not today"}});
  const v1::Proposal superseded = world_.Approved("superseded");
  Change(kSecureRule, kTwoForDevelopment);
  EXPECT_FALSE(world_.Claim(superseded).ok());
  ExpectLast(superseded, "proposal.superseded", ci_, {{"reason", "POLICY_CHANGED"}});
  const v1::Proposal expired = Submitted("targets/dev", "expired");
  world_.clock.Advance(absl::Hours(25));
  ASSERT_OK(world_.broker.Sweep(kForever));
  ExpectLast(expired, "proposal.expired", "broker", {{"from", "PENDING"}});
}

TEST_F(AuditTest, SaysHowAnUnknownEndWasSettled) {
  const v1::Proposal proposal = world_.Redeem(*world_.Claim(world_.Approved()))->proposal();
  world_.clock.Advance(absl::Minutes(2));
  ASSERT_OK(world_.broker.Sweep(kForever));
  ExpectLast(proposal, "execution.lease_lost", "broker", {{"from", "EXECUTING"}});
  v1::ResolveProposalRequest request;
  request.set_name(proposal.name());
  request.set_etag(Now(proposal).etag());
  request.set_outcome(v1::Proposal::SUCCEEDED);
  request.set_comment("the column is there");
  ASSERT_OK(world_.broker.ResolveProposal(BrokerWorld::As("human", "bob"), request, kForever));
  ExpectLast(proposal, "execution.resolved", bob_,
             {{"outcome", "SUCCEEDED"}, {"comment", "the column is there"}});
}

TEST_F(AuditTest, SaysWhoAppliedWhichDocuments) {
  Change("token_lifetime: 120s", "token_lifetime: 60s");
  const auto events = store_.ListAuditEvents("", 0, 1000, kForever);
  ASSERT_OK(events);
  EXPECT_EQ(events->front().principal(), "bootstrap");
  const v1::AuditEvent& event = events->back();
  EXPECT_EQ(event.type(), "configuration.applied");
  EXPECT_EQ(event.principal(), alice_);
  EXPECT_EQ(event.proposal(), "");
  EXPECT_THAT(event.details_json(), HasSubstr("policy@" + world_.broker.configuration()->DigestOf("policy")));
}

// --- Artifacts
// -------------------------------------------------------------------------------------------------

TEST_F(BrokerTest, HandsOutArtifactsOnlyThroughAProposalThatTheCallerMaySee) {
  const auto stored = world_.broker.StoreArtifact(BrokerWorld::As("agent", "bot"), "select 1;", kForever);
  ASSERT_OK(stored);
  auto request = BrokerWorld::Command("targets/dev");
  v1::ArtifactReference* reference = request.mutable_action()->add_artifacts();
  reference->set_digest(stored->digest());
  reference->set_file_name("fix.sql");
  const auto proposal = world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), request, kForever);
  ASSERT_OK(proposal);
  EXPECT_EQ(proposal->action().artifacts(0).size_bytes(), 9);
  v1::DownloadArtifactRequest download;
  download.set_proposal(proposal->name());
  download.set_digest(stored->digest());
  EXPECT_EQ(*world_.broker.ReadArtifact(BrokerWorld::As("workload", "ci"), download, kForever), "select 1;");
  EXPECT_THAT(world_.broker.ReadArtifact(BrokerWorld::As("agent", "bot2"), download, kForever),
              HasReason(v1::NOT_FOUND));
  download.set_proposal(Submitted("targets/dev").name());
  EXPECT_THAT(world_.broker.ReadArtifact(BrokerWorld::As("workload", "ci"), download, kForever),
              HasReason(v1::NOT_FOUND));
  reference->set_digest("sha256:" + std::string(64, '0'));
  EXPECT_THAT(world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), request, kForever),
              HasReason(v1::NOT_FOUND));
}

// --- Texts that people read
// ------------------------------------------------------------------------------------

TEST_F(BrokerTest, ProposesNothingThatShowsSomethingElseThanIsThere) {
  struct Case {
    const char* field;
    std::function<void(v1::CreateProposalRequest*, const std::string&)> put;
  };
  const Case cases[] = {
      {"reason", [](auto* request, const auto& text) { request->set_reason(text); }},
      {"action.argv[0]",
       [](auto* request, const auto& text) { request->mutable_action()->set_argv(0, text); }},
      {"action.argv[2]", [](auto* request, const auto& text) { request->mutable_action()->add_argv(text); }},
      {"action.environment[NOTE]",
       [](auto* request, const auto& text) {
         (*request->mutable_action()->mutable_environment())["NOTE"] = text;
       }},
  };
  const auto bot = BrokerWorld::As("agent", "bot");
  for (const Case& c : cases) {
    for (const char* text : {"a\x1B[2Kb", "a\rb", "a\u009Bb", "drop \u202Eesu", "a\u2066b"}) {
      v1::CreateProposalRequest request = BrokerWorld::Command("targets/dev");
      ASSERT_EQ(request.action().argv_size(), 2);
      c.put(&request, text);
      const auto refused = world_.broker.CreateProposal(bot, request, kForever);
      EXPECT_THAT(refused, HasReason(v1::INVALID_FIELD)) << c.field;
      EXPECT_THAT(refused.status(), NamesField(c.field));
    }
    v1::CreateProposalRequest request = BrokerWorld::Command("targets/dev");
    c.put(&request, "one line\n\tand größer 東京");
    EXPECT_OK(world_.broker.CreateProposal(bot, request, kForever)) << c.field;
  }
}

TEST_F(BrokerTest, DecidesInWordsThatShowWhatIsThere) {
  const v1::Proposal proposal = Submitted("targets/dev");
  v1::ApproveProposalRequest approve;
  approve.set_name(proposal.name());
  approve.set_etag(proposal.etag());
  approve.set_action_digest(proposal.action_digest());
  v1::DenyProposalRequest deny;
  deny.set_name(proposal.name());
  deny.set_etag(proposal.etag());
  deny.set_action_digest(proposal.action_digest());
  const auto bob = BrokerWorld::As("human", "bob");
  for (const char* text : {"fine\x1B[2K", "fine\rnot", "fine \u202Eton"}) {
    approve.set_comment(text);
    const auto approved = world_.broker.ApproveProposal(bob, approve, kForever);
    EXPECT_THAT(approved, HasReason(v1::INVALID_FIELD));
    EXPECT_THAT(approved.status(), NamesField("comment"));
    deny.set_comment(text);
    const auto denied = world_.broker.DenyProposal(bob, deny, kForever);
    EXPECT_THAT(denied, HasReason(v1::INVALID_FIELD));
    EXPECT_THAT(denied.status(), NamesField("comment"));
  }
  approve.set_comment("read it:\n\tfine");
  EXPECT_OK(world_.broker.ApproveProposal(bob, approve, kForever));
}

// --- Configuration
// ---------------------------------------------------------------------------------------------

TEST_F(BrokerTest, AppliesAllDocumentsOrNone) {
  EXPECT_THAT(world_.Apply("document: Policy\nrules: []\n---\ndocument: Target\nname: targets/x\n"),
              HasReason(v1::INVALID_FIELD));
  EXPECT_EQ(world_.broker.configuration()->policy().rules_size(), 4);
}

TEST_F(BrokerTest, MakesNoNewVersionOfWhatDidNotChange) {
  const int64_t version = world_.broker.configuration()->version();
  const auto applied = world_.Apply(BrokerWorld::Documents());
  ASSERT_OK(applied);
  EXPECT_EQ(applied->changed_size(), 0);
  EXPECT_EQ(world_.broker.configuration()->version(), version);
}

TEST_F(BrokerTest, LetsNoAdminLockEverybodyOut) {
  EXPECT_THAT(world_.Apply("document: Directory\nprincipals: []\n"), HasReason(v1::INVALID_FIELD));
}

TEST_F(BrokerTest, BootstrapsOnlyAnEmptyConfiguration) {
  EXPECT_OK(world_.broker.Bootstrap("document: Policy\nrules: []\n", kForever));
  EXPECT_EQ(world_.broker.configuration()->policy().rules_size(), 4);
}

TEST_F(BrokerTest, RefusesEverythingWhileTheDatabaseIsAway) {
  const v1::Proposal proposal = world_.Approved();
  const auto claimed = world_.Claim(proposal);
  store_.FailWith(error::Make(v1::DATABASE_UNAVAILABLE, "down"));
  EXPECT_THAT(world_.Submit("targets/dev"), HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_THAT(world_.Claim(proposal), HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::DATABASE_UNAVAILABLE));
  store_.FailWith(absl::OkStatus());
  EXPECT_OK(world_.Redeem(*claimed));
}

}  // namespace
}  // namespace countersign::broker
