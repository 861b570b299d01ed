#include "client/cli/exec/lease.h"

#include <algorithm>
#include <utility>

#include "countersign/error.h"

namespace countersign::cli {
namespace {

constexpr absl::Duration kDefaultInterval = absl::Seconds(10);

}  // namespace

Lease::Lease(Client& client, Environment& environment, v1::HeartbeatRequest request, absl::Duration interval,
             std::function<void(const absl::Status&)> on_lost) {
  if (interval <= absl::ZeroDuration()) interval = kDefaultInterval;
  thread_ = std::jthread([&client, &environment, request = std::move(request), interval,
                          on_lost = std::move(on_lost)](const std::stop_token& stop) {
    while (environment.SleepFor(interval, stop)) {
      const auto answer = client.Heartbeat(request, {.timeout = interval, .stop = stop});
      const v1::Reason reason = ReasonOf(answer.status());
      if (reason != v1::WRONG_STATE && reason != v1::NOT_FOUND) continue;  // The rest may pass.
      on_lost(answer.status());
      return;
    }
  });
}

}  // namespace countersign::cli
