#include "client/src/retry.h"

#include <algorithm>

#include "core/error/error.h"

namespace countersign {
namespace {

constexpr absl::Duration kLongestBackoff = absl::Seconds(2);

absl::Status Cancelled() { return absl::CancelledError("the caller called it off"); }

}  // namespace

bool IsRetryable(const absl::Status& status) {
  const v1::Reason reason = error::ReasonOf(status);
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    case absl::StatusCode::kUnknown:
      return reason == v1::COMMIT_IN_DOUBT || reason == v1::REASON_UNSPECIFIED;
    case absl::StatusCode::kAborted:
      return reason == v1::CONCURRENT_UPDATE;
    case absl::StatusCode::kResourceExhausted:
      return error::RetryDelayOf(status).has_value();
    case absl::StatusCode::kInternal:   // Without a reason: the stream was reset, as when a proxy dies.
    case absl::StatusCode::kCancelled:  // Without a reason: the server cancelled, as when it stops.
      return reason == v1::REASON_UNSPECIFIED;
    default:
      return false;
  }
}

absl::Duration Backoff::Next(const absl::Status& failure) {
  const absl::Duration pause = next_ * (0.5 + 0.5 * environment_.Fraction());
  next_ = std::min(next_ * 2, kLongestBackoff);
  const absl::Duration asked = error::RetryDelayOf(failure).value_or(absl::ZeroDuration());
  // Jitter on top of what was asked for, so that those who were turned away together do not come back
  // together.
  return asked > absl::ZeroDuration() ? asked + pause : pause;
}

absl::Status RetryLoop(Environment& environment, const CallOptions& options,
                       absl::FunctionRef<absl::Status(absl::Duration timeout)> attempt,
                       absl::Duration longest_attempt) {
  const absl::Duration deadline = environment.Uptime() + options.timeout;
  Backoff backoff(environment);
  while (true) {
    const absl::Duration left = deadline - environment.Uptime();
    const absl::Status status = attempt(std::min(left, longest_attempt));
    if (options.stop.stop_requested() && !status.ok()) return Cancelled();
    if (status.ok() || !IsRetryable(status)) return status;
    const absl::Duration pause = backoff.Next(status);
    if (environment.Uptime() + pause >= deadline) return status;
    if (!environment.SleepFor(pause, options.stop)) return Cancelled();
  }
}

}  // namespace countersign
