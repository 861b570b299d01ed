// Which failures are worth another attempt, and when.
#ifndef COUNTERSIGN_CLIENT_SRC_RETRY_H_
#define COUNTERSIGN_CLIENT_SRC_RETRY_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/src/environment.h"
#include "countersign/client.h"

namespace countersign {

// Whether the same request may succeed if it is sent again, and sending it again does no harm, given that
// writes carry a request_id. A status without a reason is not the broker's but the connection's.
bool IsRetryable(const absl::Status& status);

// How long to pause after the n-th failure in a row: doubles from 100 ms to 2 s, of which a random half. Not
// thread-safe. Borrows the environment.
class Backoff {
 public:
  explicit Backoff(Environment& environment) : environment_(environment) {}
  // At least what `failure` asks for.
  absl::Duration Next(const absl::Status& failure);
  void Reset() { next_ = kFirst; }

 private:
  static constexpr absl::Duration kFirst = absl::Milliseconds(100);
  Environment& environment_;
  absl::Duration next_ = kFirst;
};

// One attempt does not eat the whole timeout: a connection that is half dead is noticed and replaced.
inline constexpr absl::Duration kLongestAttempt = absl::Seconds(10);

// Calls `attempt` with the time it may take until it succeeds, fails for good, or the options' timeout leaves
// no room for another attempt; then returns the last failure.
absl::Status RetryLoop(Environment& environment, const CallOptions& options,
                       absl::FunctionRef<absl::Status(absl::Duration timeout)> attempt,
                       absl::Duration longest_attempt = kLongestAttempt);

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_SRC_RETRY_H_
