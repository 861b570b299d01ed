#include "server/base/clock.h"

#include "absl/time/clock.h"

namespace countersign::base {

absl::Time SystemClock::Now() const { return absl::Now(); }

}  // namespace countersign::base
