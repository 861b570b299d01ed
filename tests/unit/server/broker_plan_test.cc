// Saved plans from submission to the memory that their execution leaves.
#include <functional>
#include <utility>

#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/jws/execution_token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/broker_world.h"
#include "tests/support/fake_plan_reader.h"
#include "tests/support/fake_store.h"
#include "tests/support/status_matchers.h"

namespace countersign::broker {
namespace {

using ::testing::AllOf;
using testing::BrokerWorld;
using ::testing::Contains;
using testing::FakeStore;
using testing::HasReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NamesField;
using ::testing::Not;

constexpr absl::Time kForever = absl::InfiniteFuture();
constexpr char kTarget[] = "targets/prod-courses";

std::vector<std::string> CodesOf(const v1::Proposal& proposal) {
  std::vector<std::string> codes;
  for (const v1::Finding& finding : proposal.findings()) codes.push_back(finding.code());
  return codes;
}

absl::Status AnySize(int64_t) { return absl::OkStatus(); }

class BrokerPlanTest : public ::testing::Test {
 protected:
  v1::Proposal Submitted(const v1::PlanView& view) {
    const auto proposal = world_.SubmitPlan(view);
    EXPECT_OK(proposal);
    return *proposal;
  }
  v1::Proposal Now(const v1::Proposal& proposal) { return *world_.Get(proposal); }
  absl::StatusOr<v1::TargetMemory> Memory(const std::string& human = "carol") {
    v1::GetTargetMemoryRequest request;
    request.set_target(kTarget);
    return world_.broker.GetTargetMemory(BrokerWorld::As("human", human), request, kForever);
  }
  absl::StatusOr<v1::TargetMemory> Adopt(const v1::Proposal& source, const std::string& etag,
                                         const std::string& request_id = "",
                                         const std::string& human = "alice") {
    v1::AdoptStateRequest request;
    request.set_target(kTarget);
    request.set_proposal(source.name());
    request.set_etag(etag);
    request.set_request_id(request_id);
    return world_.broker.AdoptState(BrokerWorld::As("human", human), request, kForever);
  }
  // What production is known to be: lineage L, serial 6, one database.
  void RememberProduction() {
    const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(5)));
    ASSERT_OK(world_.Report(executing, 0, BrokerWorld::StateAfter(6)));
    ASSERT_OK(Memory());
  }
  static v1::PlanView WithoutState() {
    v1::PlanView view = BrokerWorld::Plan(0);
    view.clear_state();
    return view;
  }
  static v1::PlanView OfAnotherLineage() {
    v1::PlanView view = BrokerWorld::Plan(7);
    view.mutable_state()->set_lineage("L2");
    return view;
  }

  FakeStore store_;
  BrokerWorld world_{&store_};
};

TEST_F(BrokerPlanTest, ReadsWhatIsSubmittedAndKeepsWhatItSays) {
  const v1::PlanView view = BrokerWorld::Plan(5);
  const v1::Proposal proposal = Submitted(view);
  EXPECT_EQ(proposal.state(), v1::Proposal::PENDING);
  EXPECT_EQ(proposal.plan().terraform_version(), "1.11.4");
  EXPECT_EQ(proposal.plan().lineage(), "L");
  EXPECT_EQ(proposal.plan().serial(), 5u);
  EXPECT_EQ(proposal.plan().backend_type(), "s3");
  EXPECT_EQ(proposal.plan().fingerprint(), view.fingerprint());
  EXPECT_EQ(proposal.plan().memory_version(), 0);
  EXPECT_NE(proposal.summary(), "");
  v1::GetPlanViewRequest request;
  request.set_name(proposal.name());
  const auto read = world_.broker.ReadPlanView(BrokerWorld::As("human", "carol"), request, AnySize, kForever);
  ASSERT_OK(read);
  EXPECT_EQ(*read, view.SerializeAsString());
  EXPECT_THAT(world_.broker.ReadPlanView(BrokerWorld::As("agent", "bot2"), request, AnySize, kForever),
              HasReason(v1::NOT_FOUND));
}

TEST_F(BrokerPlanTest, RefusesWhatItCannotRead) {
  const auto artifact = world_.broker.StoreArtifact(BrokerWorld::As("agent", "bot"), "no plan", kForever);
  v1::CreateProposalRequest request;
  request.mutable_action()->set_kind(v1::TERRAFORM_PLAN);
  request.mutable_action()->set_target(kTarget);
  request.mutable_action()->add_artifacts()->set_digest(artifact->digest());
  request.mutable_action()->mutable_artifacts(0)->set_file_name("plan.tfplan");
  request.set_reason("because");
  EXPECT_THAT(world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), request, kForever),
              HasReason(v1::PLAN_UNREADABLE));
  const auto stored = store_.List({}, std::nullopt, 10, kForever);
  EXPECT_THAT(*stored, IsEmpty());
}

TEST_F(BrokerPlanTest, ReadsNoPlanThatIsRefusedWhateverItSays) {
  EXPECT_THAT(world_.SubmitPlan(BrokerWorld::Plan(5), "targets/gone"), HasReason(v1::TARGET_UNKNOWN));
  EXPECT_THAT(world_.SubmitPlan(BrokerWorld::Plan(5), "targets/frozen"), HasReason(v1::POLICY_DENIED));
  ASSERT_OK(world_.Apply(R"(document: Policy
rules: [{name: all, verdict: REQUIRE_APPROVAL, quorums: [{count: 9}]}]
)"));
  EXPECT_THAT(world_.SubmitPlan(BrokerWorld::Plan(5)), HasReason(v1::QUORUM_IMPOSSIBLE));
  EXPECT_EQ(world_.plan_reader.reads(), 0);
}

TEST_F(BrokerPlanTest, ATargetThatAnotherReplicaHasJustTakenOnIsKnown) {
  Broker replica(Broker::Options{.issuer = "https://broker.test", .page_token_key = std::string(32, 'k')},
                 &store_, &world_.clock, &world_.random, &world_.keys, &world_.master_keys,
                 &world_.plan_reader, nullptr);
  ASSERT_OK(replica.RefreshConfiguration(kForever));
  v1::ApplyDocumentsRequest request;
  request.set_content("document: Target\nname: targets/new\nenvironment: development\n");
  ASSERT_OK(replica.ApplyDocuments(BrokerWorld::As("human", "alice"), request, kForever));
  EXPECT_OK(world_.SubmitPlan(BrokerWorld::Plan(5), "targets/new"));
}

TEST_F(BrokerPlanTest, ARepeatedSubmissionIsAnsweredWithoutReadingThePlanAgain) {
  const auto artifact = world_.broker.StoreArtifact(
      BrokerWorld::As("agent", "bot"), testing::FakePlanReader::BytesOf(BrokerWorld::Plan(5)), kForever);
  v1::CreateProposalRequest request;
  request.mutable_action()->set_kind(v1::TERRAFORM_PLAN);
  request.mutable_action()->set_target(kTarget);
  request.mutable_action()->add_artifacts()->set_digest(artifact->digest());
  request.set_reason("because");
  request.set_request_id("submit-1");
  const auto submit = [&] {
    return world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), request, kForever);
  };
  const auto first = submit();
  ASSERT_OK(first);
  ASSERT_OK(world_.Apply("document: Policy\nrules: [{name: all, verdict: DENY}]\n"));
  const auto repeated = submit();
  ASSERT_OK(repeated);
  EXPECT_EQ(repeated->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world_.plan_reader.reads(), 1);
  request.set_reason("another");
  EXPECT_THAT(submit(), HasReason(v1::REQUEST_ID_REUSED));
}

TEST_F(BrokerPlanTest, AViewIsReadOnlyWithLeaveToHoldIt) {
  v1::GetPlanViewRequest request;
  request.set_name(Submitted(BrokerWorld::Plan(5)).name());
  int64_t asked = 0;
  const auto refuse = [&asked](int64_t size) {
    asked = size;
    return error::Make(v1::OVERLOADED, "too much");
  };
  const Caller bob = BrokerWorld::As("human", "bob");
  EXPECT_THAT(world_.broker.ReadPlanView(bob, request, refuse, kForever), HasReason(v1::OVERLOADED));
  const auto read = world_.broker.ReadPlanView(bob, request, AnySize, kForever);
  ASSERT_OK(read);
  EXPECT_EQ(asked, static_cast<int64_t>(read->size()));
}

TEST_F(BrokerPlanTest, ACommandHasNoPlanView) {
  v1::GetPlanViewRequest request;
  request.set_name(world_.Submit("targets/dev")->name());
  EXPECT_THAT(world_.broker.ReadPlanView(BrokerWorld::As("human", "bob"), request, AnySize, kForever),
              HasReason(v1::NOT_FOUND));
}

TEST_F(BrokerPlanTest, AViewThatSomebodyChangedIsNotShown) {
  v1::Proposal proposal = Submitted(BrokerWorld::Plan(5));
  ASSERT_OK(store_.PutPlanView("sha256:other", "other", world_.clock.Now(), kForever));
  proposal.mutable_plan()->set_view_digest("sha256:other");
  store_.Tamper(proposal.name().substr(10), proposal);
  v1::GetPlanViewRequest request;
  request.set_name(proposal.name());
  EXPECT_THAT(world_.broker.ReadPlanView(BrokerWorld::As("human", "bob"), request, AnySize, kForever),
              HasReason(v1::DATA_CORRUPTED));
}

TEST_F(BrokerPlanTest, TheFirstPlanOfATargetIsFoundToBeThat) {
  EXPECT_THAT(CodesOf(Submitted(BrokerWorld::Plan(5))), Contains("target-first-seen"));
  EXPECT_THAT(Memory(), HasReason(v1::NOT_FOUND));
}

TEST_F(BrokerPlanTest, TheTokenSaysWhichStateThePlanWasMadeOn) {
  v1::Proposal proposal = *world_.Approve(Submitted(BrokerWorld::Plan(5)), "alice");
  proposal = *world_.Approve(proposal, "bob");
  const auto claimed = world_.Claim(proposal);
  ASSERT_OK(claimed);
  const auto claims = jws::ReadExecutionToken(claimed->token(), *world_.keys.PublicKeys());
  ASSERT_TRUE(claims->state.has_value());
  EXPECT_EQ(claims->state->lineage, "L");
  EXPECT_EQ(claims->state->serial, 5u);
}

TEST_F(BrokerPlanTest, AReportedExecutionIsRemembered) {
  const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(5)));
  const auto reported = world_.Report(executing, 0, BrokerWorld::StateAfter(6, 2));
  ASSERT_OK(reported);
  EXPECT_EQ(reported->execution().state().serial(), 6u);
  EXPECT_EQ(reported->execution().state().resources_size(), 0);
  const auto memory = Memory();
  ASSERT_OK(memory);
  EXPECT_EQ(memory->version(), 1);
  EXPECT_EQ(memory->proposal(), executing.name());
  EXPECT_EQ(memory->adopted_by(), "");
  EXPECT_EQ(memory->state().serial(), 6u);
  EXPECT_EQ(memory->state().resources_size(), 2);
  EXPECT_EQ(memory->backend().type(), "s3");
}

TEST_F(BrokerPlanTest, AFailedExecutionIsRememberedTooBecauseItMayHaveDoneHalf) {
  const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(5)));
  EXPECT_EQ(world_.Report(executing, 1, BrokerWorld::StateAfter(6))->state(), v1::Proposal::FAILED);
  EXPECT_EQ(Memory()->state().serial(), 6u);
}

TEST_F(BrokerPlanTest, AnExecutionThatCouldNotReadItsStateLeavesTheMemoryAsItWas) {
  RememberProduction();
  const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(6)));
  ASSERT_OK(world_.Report(executing, 0));
  EXPECT_EQ(Memory()->state().serial(), 6u);
  EXPECT_EQ(Memory()->version(), 1);
}

TEST_F(BrokerPlanTest, AStateOfAnotherLineageIsReportedButNotRemembered) {
  const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(5)));
  v1::PlanState other = BrokerWorld::StateAfter(6);
  other.set_lineage("L2");
  const auto reported = world_.Report(executing, 0, other);
  ASSERT_OK(reported);
  EXPECT_EQ(reported->state(), v1::Proposal::SUCCEEDED);
  EXPECT_THAT(reported->state_detail(), HasSubstr("not the target's"));
  EXPECT_THAT(Memory(), HasReason(v1::NOT_FOUND));
}

TEST_F(BrokerPlanTest, AnOlderStateIsReportedButNotRemembered) {
  RememberProduction();
  const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(6)));
  const auto reported = world_.Report(executing, 0, BrokerWorld::StateAfter(5));
  ASSERT_OK(reported);
  EXPECT_EQ(reported->state(), v1::Proposal::SUCCEEDED);
  EXPECT_THAT(reported->state_detail(), HasSubstr("is older"));
  EXPECT_EQ(Memory()->state().serial(), 6u);
  EXPECT_EQ(Memory()->version(), 1);
}

TEST_F(BrokerPlanTest, RefusesAReportedStateThatIsNone) {
  const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(5)));
  const std::vector<std::pair<std::string, std::function<void(v1::PlanState*)>>> cases = {
      {"state.lineage", [](v1::PlanState* state) { state->set_lineage("L\n"); }},
      {"state.content_digest", [](v1::PlanState* state) { state->set_content_digest("md5:1"); }},
      {"state.resource_count", [](v1::PlanState* state) { state->set_resource_count(-1); }},
      {"state.terraform_version",
       [](v1::PlanState* state) { state->set_terraform_version("1.11.4\x1b[2J"); }},
      {"state.terraform_version",
       [](v1::PlanState* state) { state->set_terraform_version(std::string(65, '1')); }},
      {"state.previous_content_digest",
       [](v1::PlanState* state) { state->set_previous_content_digest(digest::Sha256("state")); }},
      {"state.without_change", [](v1::PlanState* state) { state->add_without_change("aws_instance.web"); }},
  };
  for (const auto& [field, spoil] : cases) {
    v1::PlanState state = BrokerWorld::StateAfter(6);
    spoil(&state);
    EXPECT_THAT(world_.Report(executing, 0, state), NamesField(field));
  }
}

struct Swap {
  const char* code;
  v1::Reason reason;
  v1::PlanView view;
};

TEST_F(BrokerPlanTest, ASwappedStateIsShownAndNobodyCanApproveIt) {
  RememberProduction();
  const Swap swaps[] = {{"state-missing", v1::STATE_MISSING, WithoutState()},
                        {"state-lineage-changed", v1::STATE_LINEAGE_CHANGED, OfAnotherLineage()},
                        {"state-serial-regressed", v1::STATE_SERIAL_REGRESSED, BrokerWorld::Plan(3)}};
  for (const Swap& swap : swaps) {
    SCOPED_TRACE(swap.code);
    const v1::Proposal proposal = Submitted(swap.view);
    EXPECT_THAT(CodesOf(proposal), Contains(swap.code));
    EXPECT_EQ(proposal.state(), v1::Proposal::PENDING);
    ASSERT_FALSE(proposal.blocked_by().empty());
    EXPECT_THAT(proposal.blocked_by(0), HasSubstr(swap.code));
    EXPECT_THAT(world_.Approve(proposal, "alice"), HasReason(swap.reason));
    EXPECT_THAT(world_.Claim(proposal), HasReason(v1::WRONG_STATE));
    EXPECT_EQ(world_.Deny(proposal, "alice")->state(), v1::Proposal::DENIED);
  }
}

TEST_F(BrokerPlanTest, APolicyCanPermitWhatNoRulePermits) {
  RememberProduction();
  ASSERT_OK(world_.Apply(R"(document: Policy
rules:
  - name: production
    environments: [production]
    verdict: REQUIRE_APPROVAL
    quorums: [{count: 1, groups: [platform]}]
    permitted_findings: [state-serial-regressed]
)"));
  const v1::Proposal proposal = Submitted(BrokerWorld::Plan(3));
  EXPECT_THAT(CodesOf(proposal), Contains("state-serial-regressed"));
  EXPECT_EQ(world_.Approve(proposal, "alice")->state(), v1::Proposal::APPROVED);
}

TEST_F(BrokerPlanTest, APolicyCanForbidAFinding) {
  ASSERT_OK(world_.Apply(R"(document: Policy
rules:
  - name: production
    environments: [production]
    verdict: REQUIRE_APPROVAL
    quorums: [{count: 1, groups: [platform]}]
    forbidden_findings: [target-first-seen]
)"));
  EXPECT_THAT(world_.Approve(Submitted(BrokerWorld::Plan(5)), "alice"), HasReason(v1::POLICY_DENIED));
}

TEST_F(BrokerPlanTest, APolicyThatNamesAFindingThatThereIsNotIsRefused) {
  for (const char* field : {"permitted_findings", "forbidden_findings"}) {
    const auto applied = world_.Apply(std::string(R"(document: Policy
rules:
  - {name: all, verdict: ALLOW, )") + field +
                                      ": [state-mising]}\n");
    EXPECT_THAT(applied, HasReason(v1::INVALID_FIELD));
    EXPECT_THAT(std::string(applied.status().message()),
                AllOf(HasSubstr(field), HasSubstr("`countersign analyze --explain all` lists them all")));
  }
}

TEST_F(BrokerPlanTest, WhatIsAllowedAtOnceIsNotWhenSomethingSevereIsFound) {
  v1::PlanView view = BrokerWorld::Plan(5);
  view.set_errored(true);
  const auto errored = world_.SubmitPlan(view, "targets/sandbox");
  ASSERT_OK(errored);
  EXPECT_EQ(errored->state(), v1::Proposal::PENDING);
  EXPECT_EQ(errored->requirement().verdict(), v1::Requirement::REQUIRE_APPROVAL);
}

constexpr char kOfTofu[] = R"(document: Target
name: targets/prod-courses
environment: production
owners: [platform]
executors: [spiffe://example.org/workload/ci, spiffe://example.org/human/bob]
engine: tofu
)";

TEST_F(BrokerPlanTest, APlanOfAnotherEngineThanTheTargetsIsShownAndNobodyCanApproveIt) {
  EXPECT_THAT(CodesOf(Submitted(BrokerWorld::Plan(5))), Not(Contains("engine-mismatch")));
  ASSERT_OK(world_.Apply(kOfTofu));
  const v1::Proposal proposal = Submitted(BrokerWorld::Plan(5));
  EXPECT_THAT(CodesOf(proposal), Contains("engine-mismatch"));
  EXPECT_THAT(world_.Approve(proposal, "alice"), HasReason(v1::POLICY_DENIED));
  v1::PlanView of_tofu = BrokerWorld::Plan(5);
  of_tofu.set_engine("tofu");
  EXPECT_THAT(CodesOf(Submitted(of_tofu)), Not(Contains("engine-mismatch")));
}

TEST_F(BrokerPlanTest, AnApprovalDoesNotOutliveAChangeOfTheEngine) {
  v1::Proposal approved = *world_.Approve(Submitted(BrokerWorld::Plan(5)), "alice");
  approved = *world_.Approve(approved, "bob");
  const v1::Proposal command = *world_.Submit(kTarget);
  ASSERT_OK(world_.Apply(kOfTofu));
  EXPECT_THAT(world_.Claim(approved), HasReason(v1::POLICY_CHANGED));
  EXPECT_EQ(Now(approved).state(), v1::Proposal::SUPERSEDED);
  EXPECT_OK(world_.Approve(command, "alice"));
}

TEST_F(BrokerPlanTest, WhatIsRememberedIsShownWithTheEngineOfTheTarget) {
  RememberProduction();
  EXPECT_EQ(Memory()->engine(), "");
  ASSERT_OK(world_.Apply(kOfTofu));
  EXPECT_EQ(Memory()->engine(), "tofu");
}

TEST_F(BrokerPlanTest, PolicySaysFromWhatAgeOnAPlanIsOld) {
  const auto of_age = [&](absl::Duration age) {
    v1::PlanView view = BrokerWorld::Plan(5);
    view.mutable_timestamp()->set_seconds(absl::ToUnixSeconds(world_.clock.Now() - age));
    return CodesOf(Submitted(view));
  };
  EXPECT_THAT(of_age(absl::Hours(24)), Not(Contains("plan-old")));
  EXPECT_THAT(of_age(absl::Hours(25)), Contains("plan-old"));
  ASSERT_OK(world_.Apply(R"(document: Policy
rules:
  - name: production
    environments: [production]
    verdict: REQUIRE_APPROVAL
    quorums: [{count: 1, groups: [platform]}]
    max_plan_age: 1800s
)"));
  EXPECT_THAT(of_age(absl::Minutes(30)), Not(Contains("plan-old")));
  EXPECT_THAT(of_age(absl::Minutes(31)), Contains("plan-old"));
}

TEST_F(BrokerPlanTest, AnUnsavedPlanIsRefusedAndSaysWhatToDo) {
  v1::CreateProposalRequest request = BrokerWorld::Command("targets/dev");
  request.mutable_action()->clear_argv();
  for (const char* argument : {"terraform", "destroy", "-auto-approve"}) {
    request.mutable_action()->add_argv(argument);
  }
  const auto refused = world_.broker.CreateProposal(BrokerWorld::As("agent", "bot"), request, kForever);
  EXPECT_THAT(refused, HasReason(v1::POLICY_DENIED));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("terraform plan -out"));
}

// --- The world moves
// ----------------------------------------------------------------------------

TEST_F(BrokerPlanTest, AnExecutionSupersedesPlansThatWereMadeBeforeIt) {
  RememberProduction();
  const v1::Proposal pending = Submitted(BrokerWorld::Plan(6));
  v1::Proposal approved = *world_.Approve(Submitted(BrokerWorld::Plan(6)), "alice");
  approved = *world_.Approve(approved, "bob");
  const v1::Proposal command = *world_.Submit(kTarget);
  const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(6)));
  ASSERT_OK(world_.Report(executing, 0, BrokerWorld::StateAfter(7)));
  for (const v1::Proposal& overtaken : {pending, approved}) {
    EXPECT_EQ(Now(overtaken).state(), v1::Proposal::SUPERSEDED);
    EXPECT_THAT(Now(overtaken).state_detail(), HasSubstr("plan again"));
    EXPECT_EQ(world_.AuditTypes(overtaken).back(), "proposal.superseded");
  }
  EXPECT_EQ(Now(command).state(), v1::Proposal::PENDING);
}

TEST_F(BrokerPlanTest, TheSweeperSupersedesWhatTheReporterLeft) {
  const v1::Proposal pending = Submitted(BrokerWorld::Plan(5));
  v1::TargetMemory memory;
  memory.set_target(kTarget);
  memory.set_version(1);
  ASSERT_OK(store_.PutTargetMemory(memory, {}, {"somebody", "else", "", ""}, kForever));
  EXPECT_EQ(*world_.broker.Sweep(kForever), 1);
  EXPECT_EQ(Now(pending).state(), v1::Proposal::SUPERSEDED);
  EXPECT_EQ(*world_.broker.Sweep(kForever), 0);
}

class WorldMovedTest : public BrokerPlanTest {
 protected:
  // As if another replica had taken the report of another execution, and died before it did anything else.
  void MoveMemory() {
    v1::TargetMemory memory;
    memory.set_target(kTarget);
    memory.set_version(1);
    ASSERT_OK(store_.PutTargetMemory(memory, {}, {"somebody", "else", "", ""}, kForever));
  }
  void ExpectSuperseded(const v1::Proposal& proposal) {
    EXPECT_EQ(Now(proposal).state(), v1::Proposal::SUPERSEDED);
  }
};

TEST_F(WorldMovedTest, BeforeTheDecision) {
  const v1::Proposal pending = Submitted(BrokerWorld::Plan(5));
  MoveMemory();
  EXPECT_THAT(world_.Approve(pending, "alice"), HasReason(v1::PLAN_STALE));
  ExpectSuperseded(pending);
}

TEST_F(WorldMovedTest, WhileItIsDecided) {
  const v1::Proposal pending = Submitted(BrokerWorld::Plan(5));
  store_.BeforeNextCommit([&] { MoveMemory(); });
  EXPECT_THAT(world_.Approve(pending, "alice"), HasReason(v1::PLAN_STALE));
  ExpectSuperseded(pending);
}

TEST_F(WorldMovedTest, BetweenDecisionAndClaim) {
  v1::Proposal approved = *world_.Approve(Submitted(BrokerWorld::Plan(5)), "alice");
  approved = *world_.Approve(approved, "bob");
  store_.BeforeNextCommit([&] { MoveMemory(); });
  EXPECT_THAT(world_.Claim(approved), HasReason(v1::PLAN_STALE));
  ExpectSuperseded(approved);
}

TEST_F(WorldMovedTest, BetweenClaimAndRedeem) {
  v1::Proposal approved = *world_.Approve(Submitted(BrokerWorld::Plan(5)), "alice");
  approved = *world_.Approve(approved, "bob");
  const auto claimed = world_.Claim(approved);
  ASSERT_OK(claimed);
  store_.BeforeNextCommit([&] { MoveMemory(); });
  EXPECT_THAT(world_.Redeem(*claimed), HasReason(v1::PLAN_STALE));
  ExpectSuperseded(approved);
}

// It names every resource of the state, so it may be large.
TEST_F(WorldMovedTest, NoStepBetweenSubmissionAndReportReadsAllThatIsRemembered) {
  RememberProduction();
  const v1::Proposal pending = Submitted(BrokerWorld::Plan(6));
  const size_t before = store_.memory_reads();
  world_.Executing(pending);
  EXPECT_EQ(store_.memory_reads(), before);
}

TEST_F(WorldMovedTest, AReportIsNotLostWhenTheMemoryMovesAtTheSameMoment) {
  const v1::Proposal executing = world_.Executing(Submitted(BrokerWorld::Plan(5)));
  store_.BeforeNextCommit([&] { MoveMemory(); });
  ASSERT_OK(world_.Report(executing, 0, BrokerWorld::StateAfter(6)));
  EXPECT_EQ(Memory()->version(), 2);
  EXPECT_EQ(Memory()->state().serial(), 6u);
}

// --- Adopting
// ----------------------------------------------------------------------------

TEST_F(BrokerPlanTest, AnAdminAdoptsAStateAndTheNextPlanOnItIsAnOrdinaryOne) {
  RememberProduction();
  const v1::Proposal moved = Submitted(OfAnotherLineage());
  EXPECT_THAT(CodesOf(moved), Contains("state-lineage-changed"));
  const auto adopted = Adopt(moved, Memory()->etag());
  ASSERT_OK(adopted);
  EXPECT_EQ(adopted->version(), 2);
  EXPECT_EQ(adopted->state().lineage(), "L2");
  EXPECT_EQ(adopted->adopted_by(), BrokerWorld::Uri("human", "alice"));
  EXPECT_EQ(Now(moved).state(), v1::Proposal::SUPERSEDED);
  EXPECT_THAT(world_.AuditTypes(moved), Contains("target.adopted"));
  EXPECT_THAT(CodesOf(Submitted(OfAnotherLineage())), Not(Contains("state-lineage-changed")));
}

TEST_F(BrokerPlanTest, AdoptionNeedsWhatWasShown) {
  RememberProduction();
  const v1::Proposal moved = Submitted(OfAnotherLineage());
  EXPECT_THAT(Adopt(moved, ""), HasReason(v1::ETAG_MISMATCH));
  EXPECT_THAT(Adopt(moved, "7"), HasReason(v1::ETAG_MISMATCH));
  EXPECT_EQ(Memory()->version(), 1);
}

TEST_F(BrokerPlanTest, ARepeatedAdoptionGivesTheFirstAnswer) {
  const v1::Proposal first = Submitted(BrokerWorld::Plan(5));
  const auto adopted = Adopt(first, "", "adopt-1");
  ASSERT_OK(adopted);
  const auto repeated = Adopt(first, "", "adopt-1");
  ASSERT_OK(repeated);
  EXPECT_EQ(repeated->SerializeAsString(), adopted->SerializeAsString());
  EXPECT_EQ(Memory()->version(), 1);
  EXPECT_THAT(Adopt(first, "1", "adopt-1"), HasReason(v1::REQUEST_ID_REUSED));
}

TEST_F(BrokerPlanTest, NobodyAdoptsThePlanTheySubmitted) {
  const auto artifact =
      world_.broker.StoreArtifact(BrokerWorld::As("human", "alice-phone"),
                                  testing::FakePlanReader::BytesOf(BrokerWorld::Plan(5)), kForever);
  v1::CreateProposalRequest request;
  request.mutable_action()->set_kind(v1::TERRAFORM_PLAN);
  request.mutable_action()->set_target(kTarget);
  request.mutable_action()->add_artifacts()->set_digest(artifact->digest());
  request.mutable_action()->mutable_artifacts(0)->set_file_name("plan.tfplan");
  request.set_reason("because");
  const auto own = world_.broker.CreateProposal(BrokerWorld::As("human", "alice-phone"), request, kForever);
  ASSERT_OK(own);
  EXPECT_THAT(Adopt(*own, ""), HasReason(v1::SELF_APPROVAL_FORBIDDEN));
}

TEST_F(BrokerPlanTest, NothingIsAdoptedWhileAnExecutionHoldsTheTarget) {
  const v1::Proposal other = Submitted(BrokerWorld::Plan(5));
  world_.Executing(Submitted(BrokerWorld::Plan(5)));
  EXPECT_THAT(Adopt(other, ""), HasReason(v1::TARGET_BUSY));
}

TEST_F(BrokerPlanTest, OnlyAPlanOfTheTargetIsAdopted) {
  EXPECT_THAT(Adopt(*world_.Submit(kTarget), ""), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(Adopt(*world_.SubmitPlan(BrokerWorld::Plan(5), "targets/dev"), ""),
              HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::broker
