#include "tests/support/fake_clock.h"

#include "absl/time/civil_time.h"

namespace countersign::testing {

FakeClock::FakeClock()
    : now_(absl::FromCivil(absl::CivilSecond(2026, 11, 21, 3, 10, 0), absl::UTCTimeZone())) {}

absl::Time FakeClock::Now() const {
  base::MutexLock lock(&mutex_);
  return now_;
}

void FakeClock::SetTo(absl::Time now) {
  base::MutexLock lock(&mutex_);
  now_ = now;
}

void FakeClock::Advance(absl::Duration by) {
  base::MutexLock lock(&mutex_);
  now_ += by;
}

}  // namespace countersign::testing
