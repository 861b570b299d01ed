#include "client/src/retry.h"

#include <gmock/gmock.h>

#include "core/error/error.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/client/fake_environment.h"

namespace countersign {
namespace {

using testing::HasReason;

TEST(RetryTest, RepeatsOnlyWhatIsSafeAndMayPass) {
  const struct {
    absl::Status status;
    bool retryable;
  } cases[] = {
      {absl::UnavailableError("connection refused"), true},
      {absl::DeadlineExceededError("attempt"), true},
      {absl::UnknownError("stream removed"), true},
      {absl::InternalError("RST_STREAM"), true},
      {absl::CancelledError("server stops"), true},
      {error::Make(v1::DATABASE_UNAVAILABLE, ""), true},
      {error::Make(v1::OVERLOADED, ""), true},
      {error::Make(v1::COMMIT_IN_DOUBT, ""), true},
      {error::Make(v1::CONCURRENT_UPDATE, ""), true},
      {error::WithRetryDelay(error::Make(v1::RATE_LIMITED, ""), absl::Seconds(1)), true},
      {error::Make(v1::RATE_LIMITED, ""), false},
      {absl::ResourceExhaustedError("message too large"), false},
      {absl::AbortedError(""), false},
      {error::Make(v1::ETAG_MISMATCH, ""), false},
      {error::Make(v1::INTERNAL, ""), false},
      {error::Make(v1::NOT_PERMITTED, ""), false},
      {error::Make(v1::PRINCIPAL_UNKNOWN, ""), false},
      {error::Make(v1::WRONG_STATE, ""), false},
      {error::Make(v1::TOKEN_ALREADY_REDEEMED, ""), false},
      {error::Make(v1::NOT_FOUND, ""), false},
      {error::InvalidField("x", "y"), false},
      {absl::UnimplementedError(""), false},
  };
  for (const auto& test_case : cases) {
    SCOPED_TRACE(testing::Describe(test_case.status));
    EXPECT_EQ(IsRetryable(test_case.status), test_case.retryable);
  }
}

TEST(RetryTest, BacksOffUpToTwoSecondsAndReturnsTheLastFailureWhenTimeIsUp) {
  testing::FakeEnvironment environment;
  int attempts = 0;
  const auto status = RetryLoop(environment, {.timeout = absl::Seconds(10)}, [&](absl::Duration) {
    ++attempts;
    return error::Make(v1::DATABASE_UNAVAILABLE, "down");
  });
  EXPECT_THAT(status, HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_LT(environment.Uptime(), absl::Seconds(10));
  EXPECT_GT(attempts, 5);
  const auto sleeps = environment.sleeps();
  EXPECT_EQ(sleeps.front(), absl::Milliseconds(75));
  EXPECT_EQ(sleeps.back(), absl::Milliseconds(1500));
}

TEST(RetryTest, GivesUpAtOnceWhenTheBrokerAsksForMoreTimeThanThereIs) {
  testing::FakeEnvironment environment;
  int attempts = 0;
  const auto status = RetryLoop(environment, {.timeout = absl::Seconds(10)}, [&](absl::Duration) {
    ++attempts;
    return error::WithRetryDelay(error::Make(v1::RATE_LIMITED, "later"), absl::Minutes(1));
  });
  EXPECT_THAT(status, HasReason(v1::RATE_LIMITED));
  EXPECT_EQ(attempts, 1);
}

TEST(RetryTest, WaitsAsLongAsTheBrokerAsks) {
  testing::FakeEnvironment environment;
  int attempts = 0;
  const auto status = RetryLoop(environment, {.timeout = absl::Seconds(10)}, [&](absl::Duration) {
    if (++attempts == 2) return absl::OkStatus();
    return error::WithRetryDelay(error::Make(v1::RATE_LIMITED, "later"), absl::Seconds(3));
  });
  EXPECT_OK(status);
  EXPECT_GE(environment.Uptime(), absl::Seconds(3));
}

TEST(RetryTest, GivesNoAttemptMoreThanIsLeft) {
  testing::FakeEnvironment environment;
  std::vector<absl::Duration> timeouts;
  (void)RetryLoop(environment, {.timeout = absl::Seconds(12)}, [&](absl::Duration timeout) {
    timeouts.push_back(timeout);
    environment.Advance(timeout);
    return absl::DeadlineExceededError("");
  });
  ASSERT_EQ(timeouts.size(), 2u);
  EXPECT_EQ(timeouts[0], absl::Seconds(10));
  EXPECT_LT(timeouts[1], absl::Seconds(2));
}

TEST(RetryTest, StopsWhenTheCallerCallsItOff) {
  testing::FakeEnvironment environment;
  std::stop_source stop;
  const auto status =
      RetryLoop(environment, {.timeout = absl::Hours(1), .stop = stop.get_token()}, [&](absl::Duration) {
        stop.request_stop();
        return absl::UnavailableError("");
      });
  EXPECT_THAT(status, testing::StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace countersign
