#ifndef COUNTERSIGN_SERVER_BASE_CLOCK_H_
#define COUNTERSIGN_SERVER_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace countersign::base {

// Source of wall-clock time, for what is stored, shown or signed. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
};

}  // namespace countersign::base

#endif  // COUNTERSIGN_SERVER_BASE_CLOCK_H_
