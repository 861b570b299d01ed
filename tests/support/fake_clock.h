#ifndef COUNTERSIGN_TESTS_SUPPORT_FAKE_CLOCK_H_
#define COUNTERSIGN_TESTS_SUPPORT_FAKE_CLOCK_H_

#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace countersign::testing {

// A clock that moves only when told. Starts at 2026-11-21T03:10:00Z. Thread-safe.
class FakeClock final : public base::Clock {
 public:
  FakeClock();
  explicit FakeClock(absl::Time now) : now_(now) {}

  absl::Time Now() const override ABSL_LOCKS_EXCLUDED(mutex_);
  void SetTo(absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);
  void Advance(absl::Duration by) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable base::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_FAKE_CLOCK_H_
