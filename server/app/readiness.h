#ifndef COUNTERSIGN_SERVER_APP_READINESS_H_
#define COUNTERSIGN_SERVER_APP_READINESS_H_

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/broker/broker.h"
#include "server/http/http_server.h"
#include "server/postgres/pool.h"
#include "server/token/key_ring.h"

namespace countersign::app {

// Whether this broker can do its work, and if not, why. Answers are kept for half a second, so that probes
// cost the database next to nothing. Thread-safe; borrows everything.
class Readiness {
 public:
  Readiness(postgres::Pool* pool, const token::KeyRing* keys, const broker::Broker* broker,
            const base::Clock* clock);

  std::vector<http::Check> Checks() ABSL_LOCKS_EXCLUDED(mutex_);
  bool Ready();

  // What the broker itself says: starting and draining are not ready.
  void SetServing(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::vector<http::Check> Look(absl::Status serving) const;

  postgres::Pool* const pool_;
  const token::KeyRing* const keys_;
  const broker::Broker* const broker_;
  const base::Clock* const clock_;

  base::Mutex mutex_;
  absl::Status serving_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("the broker is starting");
  std::vector<http::Check> last_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point valid_until_ ABSL_GUARDED_BY(mutex_);
};

// OK when the schema is exactly the one this program was built with. WRONG_STATE when it lacks something,
// which may yet come; UNIMPLEMENTED when it is a later one; everything else is the database's answer.
absl::Status CheckSchemaIsCurrent(postgres::Pool& pool, absl::Time deadline);

// WRONG_STATE when the role of the connection could change or remove audit events.
absl::Status CheckRoleIsBounded(postgres::Pool& pool, absl::Time deadline);

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_READINESS_H_
