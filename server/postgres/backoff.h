#ifndef COUNTERSIGN_SERVER_POSTGRES_BACKOFF_H_
#define COUNTERSIGN_SERVER_POSTGRES_BACKOFF_H_

#include <algorithm>

#include "absl/time/time.h"
#include "server/base/random.h"

namespace countersign::postgres {

struct BackoffOptions {
  absl::Duration first = absl::Milliseconds(50);
  absl::Duration cap = absl::Seconds(2);
};

// The delays between attempts to connect: doubling up to a cap, each drawn from its upper half so that
// replicas do not return in step. Not thread-safe. Borrows `random`.
class Backoff {
 public:
  Backoff(BackoffOptions options, base::RandomSource* random)
      : options_(options), random_(random), next_(options.first) {}

  absl::Duration Next() {
    const absl::Duration delay = next_ * (0.5 + 0.5 * base::UniformFraction(*random_));
    next_ = std::min(next_ * 2, options_.cap);
    return delay;
  }
  void Reset() { next_ = options_.first; }

 private:
  const BackoffOptions options_;
  base::RandomSource* const random_;
  absl::Duration next_;
};

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_BACKOFF_H_
