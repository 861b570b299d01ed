// What runners may not get out of the broker: leave to run twice, another's token, numbers that nobody can
// read, and word of what they may not see.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "core/error/error.h"
#include "core/text/text.h"
#include "server/base/timestamps.h"
#include "tests/support/broker_world.h"
#include "tests/support/fake_store.h"
#include "tests/support/status_matchers.h"

namespace countersign::broker {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::FakeStore;
using ::countersign::testing::HasReason;
using ::countersign::testing::NamesField;

constexpr absl::Time kForever = absl::InfiniteFuture();
constexpr char kMissing[] = "proposals/aaaaaaaaaaaaaaaaaaaaaaaa";

class RepeatedRunTest : public ::testing::Test {
 protected:
  static Caller OtherCertificate() {
    Caller caller = BrokerWorld::As("workload", "ci");
    caller.certificate_thumbprint = BrokerWorld::Thumbprint("another certificate of ci");
    return caller;
  }
  static v1::RedeemTokenRequest RedeemOf(const v1::ClaimProposalResponse& claimed) {
    v1::RedeemTokenRequest request;
    request.set_token(claimed.token());
    request.set_action_digest(claimed.proposal().action_digest());
    request.set_request_id("redeem-1");
    return request;
  }
  absl::StatusOr<v1::Proposal> ReportWith(const v1::Proposal& executing, int64_t seconds, int32_t nanos) {
    v1::ReportExecutionRequest request;
    request.set_name(executing.name());
    request.set_execution_id(executing.execution().id());
    request.mutable_duration()->set_seconds(seconds);
    request.mutable_duration()->set_nanos(nanos);
    return world_.broker.ReportExecution(ci_, request, kForever);
  }

  FakeStore store_;
  BrokerWorld world_{&store_};
  const Caller ci_ = BrokerWorld::As("workload", "ci");
};

TEST_F(RepeatedRunTest, ARepeatedRedeemIsNoLeaveToRunAfterTheReport) {
  const auto claimed = world_.Claim(world_.Approved());
  const auto redeemed = world_.Redeem(*claimed, "ci", "redeem-1");
  ASSERT_OK(redeemed);
  EXPECT_OK(world_.Redeem(*claimed, "ci", "redeem-1")) << "while it runs, a lost answer is given again";
  ASSERT_OK(world_.Report(redeemed->proposal(), 0));
  EXPECT_THAT(world_.Redeem(*claimed, "ci", "redeem-1"), HasReason(v1::WRONG_STATE));
}

TEST_F(RepeatedRunTest, ARepeatedRedeemIsNoLeaveToRunAfterTheLeaseWasLost) {
  const auto claimed = world_.Claim(world_.Approved());
  ASSERT_OK(world_.Redeem(*claimed, "ci", "redeem-1"));
  world_.clock.Advance(absl::Minutes(2));
  ASSERT_OK(world_.broker.Sweep(kForever));
  EXPECT_THAT(world_.Redeem(*claimed, "ci", "redeem-1"), HasReason(v1::WRONG_STATE));
}

TEST_F(RepeatedRunTest, ARepeatedRedeemIsAnsweredToTheHolderOnly) {
  const auto claimed = world_.Claim(world_.Approved());
  ASSERT_OK(world_.Redeem(*claimed, "ci", "redeem-1"));
  EXPECT_THAT(world_.broker.RedeemToken(OtherCertificate(), RedeemOf(*claimed), kForever),
              HasReason(v1::TOKEN_WRONG_HOLDER));
}

TEST_F(RepeatedRunTest, ARedeemWhoseAnswerWasLostIsStillAnswered) {
  const auto claimed = world_.Claim(world_.Approved());
  store_.LoseNextAnswer();
  const auto redeemed = world_.Redeem(*claimed, "ci", "redeem-1");
  ASSERT_OK(redeemed);
  EXPECT_EQ(redeemed->proposal().state(), v1::Proposal::EXECUTING);
}

TEST_F(RepeatedRunTest, ARepeatedClaimSignsNoTokenForAnotherCertificate) {
  const v1::Proposal proposal = world_.Approved();
  v1::ClaimProposalRequest request;
  request.set_name(proposal.name());
  request.set_request_id("claim-1");
  ASSERT_OK(world_.broker.ClaimProposal(ci_, request, kForever));
  EXPECT_THAT(world_.broker.ClaimProposal(OtherCertificate(), request, kForever),
              HasReason(v1::TOKEN_WRONG_HOLDER));
  EXPECT_OK(world_.broker.ClaimProposal(ci_, request, kForever));
  request.set_request_id("claim-2");
  EXPECT_OK(world_.broker.ClaimProposal(OtherCertificate(), request, kForever)) << "a claim of its own";
}

TEST_F(RepeatedRunTest, ReportsOnlyDurationsThatEverybodyCanRead) {
  const auto redeemed = world_.Redeem(*world_.Claim(world_.Approved()));
  ASSERT_OK(redeemed);
  const std::pair<int64_t, int32_t> cases[] = {
      {1, -5},
      {-1, 5},
      {-1, 0},
      {0, -1},
      {0, 1'000'000'000},
      {315'576'000'001, 0},
      {std::numeric_limits<int64_t>::max(), 0},
      {std::numeric_limits<int64_t>::min(), 0},
      {366 * 86400, 1},
  };
  for (const auto& [seconds, nanos] : cases) {
    const auto reported = ReportWith(redeemed->proposal(), seconds, nanos);
    EXPECT_THAT(reported, HasReason(v1::INVALID_FIELD)) << seconds << " " << nanos;
    EXPECT_THAT(reported.status(), NamesField("duration"));
  }
  const auto reported = ReportWith(redeemed->proposal(), 366 * 86400, 0);
  ASSERT_OK(reported);
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(*reported, &json).ok());
}

TEST_F(RepeatedRunTest, TellsNobodyWhetherAProposalExistsThatTheyMayNotSee) {
  const auto redeemed = world_.Redeem(*world_.Claim(world_.Approved()));
  ASSERT_OK(redeemed);
  const Caller ci2 = BrokerWorld::As("workload", "ci2");
  v1::HeartbeatRequest heartbeat;
  v1::ReportExecutionRequest report;
  heartbeat.set_execution_id("bbbbbbbbbbbbbbbbbbbbbbbb");
  report.set_execution_id("bbbbbbbbbbbbbbbbbbbbbbbb");
  const auto answers = [&](const std::string& name) {
    heartbeat.set_name(name);
    report.set_name(name);
    return std::make_pair(world_.broker.Heartbeat(ci2, heartbeat, kForever).status(),
                          world_.broker.ReportExecution(ci2, report, kForever).status());
  };
  const auto invisible = answers(redeemed->proposal().name());
  const auto missing = answers(kMissing);
  EXPECT_THAT(invisible.first, HasReason(v1::NOT_FOUND));
  EXPECT_EQ(invisible.first, missing.first);
  EXPECT_THAT(invisible.second, HasReason(v1::NOT_FOUND));
  EXPECT_EQ(invisible.second, missing.second);
  EXPECT_EQ(invisible.first, invisible.second);
}

TEST(TimestampsTest, KnowsTheDurationsThatProtobufAllows) {
  const auto is_valid = [](int64_t seconds, int32_t nanos) {
    google::protobuf::Duration duration;
    duration.set_seconds(seconds);
    duration.set_nanos(nanos);
    return base::IsValid(duration);
  };
  EXPECT_TRUE(is_valid(0, 0));
  EXPECT_TRUE(is_valid(1, 999'999'999));
  EXPECT_TRUE(is_valid(-1, -999'999'999));
  EXPECT_TRUE(is_valid(0, -1));
  EXPECT_TRUE(is_valid(315'576'000'000, 0));
  EXPECT_FALSE(is_valid(315'576'000'001, 0));
  EXPECT_FALSE(is_valid(-315'576'000'001, 0));
  EXPECT_FALSE(is_valid(std::numeric_limits<int64_t>::min(), 0));
  EXPECT_FALSE(is_valid(1, -1));
  EXPECT_FALSE(is_valid(-1, 1));
  EXPECT_FALSE(is_valid(0, 1'000'000'000));
  EXPECT_FALSE(is_valid(0, std::numeric_limits<int32_t>::min()));
}

}  // namespace
}  // namespace countersign::broker
