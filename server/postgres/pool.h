#ifndef COUNTERSIGN_SERVER_POSTGRES_POOL_H_
#define COUNTERSIGN_SERVER_POSTGRES_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "server/postgres/backoff.h"
#include "server/postgres/connection.h"
#include "server/postgres/deadline.h"

namespace countersign::postgres {

struct PoolOptions {
  ConnectOptions connect = {};
  size_t size = 16;
  std::vector<Statement> statements = {};  // Prepared on every connection as it is made.
  BackoffOptions backoff = {};
  // How long a caller waits at most for a database that is down, whatever its deadline.
  absl::Duration outage_patience = absl::Seconds(2);
};

struct PoolStatistics {
  size_t size = 0;         // The bound.
  size_t in_use = 0;       // Leased, or being connected.
  size_t idle = 0;         // Connected and waiting for a caller.
  size_t waiting = 0;      // Callers in the queue.
  uint64_t connected = 0;  // Connections made since the start.
  uint64_t connect_failures = 0;
};

// A bounded set of connections, made when first needed, handed out first come, first served. Thread-safe.
// Keeps only connections that are whole; looks at an idle one's socket before handing it out, so that a
// server restart costs the next callers nothing. After a failed connect only one caller at a time tries
// again, after a jittered, growing delay. Borrows `random`. Every lease must be gone before the pool is.
class Pool {
 public:
  // One connection on loan; goes back on destruction. Used by one thread at a time. Movable.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          connection_(std::exchange(other.connection_, std::nullopt)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    Connection* operator->() { return &*connection_; }
    Connection& operator*() { return *connection_; }

   private:
    friend class Pool;
    Lease(Pool* pool, Connection connection) : pool_(pool), connection_(std::move(connection)) {}

    Pool* pool_;
    std::optional<Connection> connection_;
  };

  Pool(PoolOptions options, base::RandomSource* random);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Waiting counts against `deadline` (on the machine's clock). Errors: OVERLOADED if all connections were
  // in use until then; DATABASE_UNAVAILABLE, with the time to come back, if the database cannot be reached;
  // nothing was sent in either case.
  absl::StatusOr<Lease> Acquire(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  PoolStatistics statistics() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiter;

  absl::Status AcquireSlot(Instant until) ABSL_LOCKS_EXCLUDED(mutex_);
  void ReleaseSlotLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Connection> TakeIdle() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Connection> Connect(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status AwaitTurn(Instant until) ABSL_LOCKS_EXCLUDED(mutex_);
  void Return(Connection connection) ABSL_LOCKS_EXCLUDED(mutex_);

  const PoolOptions options_;
  mutable base::Mutex mutex_;
  Backoff backoff_ ABSL_GUARDED_BY(mutex_);
  std::vector<Connection> idle_ ABSL_GUARDED_BY(mutex_);  // The last is the most recently used.
  size_t in_use_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Waiter*> waiters_ ABSL_GUARDED_BY(mutex_);
  bool down_ ABSL_GUARDED_BY(mutex_) = false;     // The last connect failed.
  bool probing_ ABSL_GUARDED_BY(mutex_) = false;  // While down: somebody is trying.
  Instant retry_at_ ABSL_GUARDED_BY(mutex_);      // While down: nobody tries before.
  base::CondVar outage_changed_;
  uint64_t connected_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t connect_failures_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_POOL_H_
