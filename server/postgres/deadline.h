#ifndef COUNTERSIGN_SERVER_POSTGRES_DEADLINE_H_
#define COUNTERSIGN_SERVER_POSTGRES_DEADLINE_H_

#include <chrono>

#include "absl/time/time.h"
#include "server/base/clock.h"

namespace countersign::postgres {

// The instant `time` from now on the steady clock, which is what waits are measured by. Anything over a year
// is no limit, Instant::max().
using Instant = std::chrono::steady_clock::time_point;
inline Instant InstantIn(absl::Duration time) {
  if (time > absl::Hours(24 * 365)) return Instant::max();
  return std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(time);
}

// The same for a deadline. A caller's deadline is about real time, hence the machine's clock and no other.
inline Instant InstantOf(absl::Time deadline) { return InstantIn(deadline - base::SystemClock().Now()); }

inline absl::Duration TimeUntil(Instant instant) {
  if (instant == Instant::max()) return absl::InfiniteDuration();
  return absl::FromChrono(instant - std::chrono::steady_clock::now());
}

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_DEADLINE_H_
