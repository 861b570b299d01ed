#include "client/src/channel_environment.h"

#include <grpc/support/time.h>

#include <algorithm>

namespace countersign {
namespace {

// How soon a stop is noticed.
constexpr absl::Duration kSlice = absl::Milliseconds(100);

}  // namespace

bool ChannelEnvironment::SleepFor(absl::Duration duration, const std::stop_token& stop) {
  const absl::Duration end = Uptime() + duration;
  while (!stop.stop_requested()) {
    const absl::Duration left = end - Uptime();
    if (left <= absl::ZeroDuration()) return true;
    const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return environment_.SleepFor(left, stop);
    const int64_t milliseconds = std::max<int64_t>(1, absl::ToInt64Milliseconds(std::min(left, kSlice)));
    channel_->WaitForStateChange(
        state, gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(milliseconds, GPR_TIMESPAN)));
  }
  return false;
}

}  // namespace countersign
