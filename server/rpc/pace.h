#ifndef COUNTERSIGN_SERVER_RPC_PACE_H_
#define COUNTERSIGN_SERVER_RPC_PACE_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/rpc/limits.h"

namespace countersign::rpc {

// Whether a transfer still moves. One that stalls, or drips, holds memory that others want; so it is looked
// at every `transfer_pace_period`, and ended when it took too long or hardly moved since. Not thread-safe.
class Pace {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  Pace(const Limits& limits, SteadyTime start)
      : limits_(limits),
        end_(start + absl::ToChronoNanoseconds(limits.max_transfer_duration)),
        next_check_(start) {
    MoveOn();
  }

  SteadyTime next_check() const { return next_check_; }

  // To be called at next_check() or later, with the bytes that have passed in all. OVERLOADED when the
  // transfer is to be ended.
  absl::Status Check(SteadyTime now, int64_t bytes);

 private:
  void MoveOn() {
    next_check_ = std::min(next_check_ + absl::ToChronoNanoseconds(limits_.transfer_pace_period), end_);
  }

  const Limits limits_;
  const SteadyTime end_;
  SteadyTime next_check_;
  int64_t bytes_ = 0;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_PACE_H_
