// Time, chance and sleep for the client, injected so that tests control them. The only place that touches the
// real ones.
#ifndef COUNTERSIGN_CLIENT_SRC_ENVIRONMENT_H_
#define COUNTERSIGN_CLIENT_SRC_ENVIRONMENT_H_

#include <stop_token>
#include <string>

#include "absl/time/time.h"

namespace countersign {

// Implementations are thread-safe.
class Environment {
 public:
  virtual ~Environment() = default;
  // The wall clock, for what is shown or verified.
  virtual absl::Time Now() const = 0;
  // A clock that only goes forward, for deadlines. Its zero means nothing.
  virtual absl::Duration Uptime() const = 0;
  // False when a stop was requested first.
  virtual bool SleepFor(absl::Duration duration, const std::stop_token& stop) = 0;
  // In [0, 1), for jitter.
  virtual double Fraction() = 0;
  // A random UUID.
  virtual std::string NewRequestId() = 0;
};

// The machine's.
Environment& RealEnvironment();

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_SRC_ENVIRONMENT_H_
