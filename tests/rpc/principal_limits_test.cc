#include "server/rpc/principal_limits.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace countersign::rpc {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOk;
using std::chrono::milliseconds;

constexpr auto kUpload = PrincipalLimits::Transfer::kUpload;
constexpr auto kDownload = PrincipalLimits::Transfer::kDownload;

class PrincipalLimitsTest : public ::testing::Test {
 protected:
  PrincipalLimitsTest() {
    values_.max_in_flight_per_principal = 2;
    values_.max_watches_per_principal = 1;
    values_.transfer_memory_bytes = 100;
    values_.submissions_per_second = 10;
    values_.submission_burst = 3;
  }

  Limits values_;
  PrincipalLimits::SteadyTime now_{std::chrono::hours(1)};
};

TEST_F(PrincipalLimitsTest, CallsAreCountedForEachPrincipalApart) {
  PrincipalLimits limits(values_);
  EXPECT_OK(limits.BeginCall("a"));
  EXPECT_OK(limits.BeginCall("a"));
  EXPECT_THAT(limits.BeginCall("a"), HasReason(v1::RATE_LIMITED));
  EXPECT_OK(limits.BeginCall("b"));
  limits.EndCall("a");
  EXPECT_OK(limits.BeginCall("a"));
}

TEST_F(PrincipalLimitsTest, WatchesAreCountedApartFromCalls) {
  PrincipalLimits limits(values_);
  EXPECT_OK(limits.BeginWatch("a"));
  EXPECT_THAT(limits.BeginWatch("a"), HasReason(v1::RATE_LIMITED));
  EXPECT_OK(limits.BeginCall("a"));
  limits.EndWatch("a");
  EXPECT_OK(limits.BeginWatch("a"));
}

TEST_F(PrincipalLimitsTest, SubmissionsRefillOverTimeUpToTheBurst) {
  PrincipalLimits limits(values_);
  for (int i = 0; i < 3; ++i) EXPECT_OK(limits.TakeSubmission("a", now_));
  const absl::Status refused = limits.TakeSubmission("a", now_);
  EXPECT_THAT(refused, HasReason(v1::RATE_LIMITED));
  EXPECT_EQ(error::RetryDelayOf(refused), absl::Milliseconds(100));
  EXPECT_OK(limits.TakeSubmission("b", now_));
  EXPECT_THAT(limits.TakeSubmission("a", now_ + milliseconds(99)), HasReason(v1::RATE_LIMITED));
  EXPECT_OK(limits.TakeSubmission("a", now_ + milliseconds(101)));
  now_ += std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_OK(limits.TakeSubmission("a", now_));
  EXPECT_THAT(limits.TakeSubmission("a", now_), HasReason(v1::RATE_LIMITED));
}

TEST_F(PrincipalLimitsTest, ManyPrincipalsDoNotRefillAnEmptyBucket) {
  PrincipalLimits limits(values_);
  for (int i = 0; i < 3; ++i) EXPECT_OK(limits.TakeSubmission("a", now_));
  for (int i = 0; i < 5000; ++i) EXPECT_OK(limits.TakeSubmission("p" + std::to_string(i), now_));
  EXPECT_THAT(limits.TakeSubmission("a", now_), HasReason(v1::RATE_LIMITED));
}

TEST_F(PrincipalLimitsTest, TransfersShareTheMemoryAndOnePrincipalGetsAQuarter) {
  PrincipalLimits limits(values_);
  EXPECT_OK(limits.ReserveBytes("a", kDownload, 25));
  EXPECT_THAT(limits.ReserveBytes("a", kDownload, 1), HasReason(v1::RATE_LIMITED));
  for (const char* other : {"b", "c", "d"}) EXPECT_OK(limits.ReserveBytes(other, kDownload, 25));
  const absl::Status refused = limits.ReserveBytes("e", kDownload, 1);
  EXPECT_THAT(refused, HasReason(v1::OVERLOADED));
  EXPECT_TRUE(error::RetryDelayOf(refused).has_value());
  limits.ReleaseBytes("b", kDownload, 25);
  EXPECT_THAT(limits.ReserveBytes("e", kDownload, 25), IsOk());
}

TEST_F(PrincipalLimitsTest, UploadsLeaveHalfOfTheMemoryToDownloads) {
  PrincipalLimits limits(values_);
  for (const char* agent : {"a", "b"}) EXPECT_OK(limits.ReserveBytes(agent, kUpload, 25));
  EXPECT_THAT(limits.ReserveBytes("c", kUpload, 1), HasReason(v1::OVERLOADED));
  for (const char* runner : {"d", "e"}) EXPECT_OK(limits.ReserveBytes(runner, kDownload, 25));
  limits.ReleaseBytes("a", kUpload, 25);
  EXPECT_OK(limits.ReserveBytes("c", kUpload, 25));
}

}  // namespace
}  // namespace countersign::rpc
