#include "server/postgres/pool.h"

#include <algorithm>

#include "core/error/error.h"

namespace countersign::postgres {
namespace {

absl::Status Down(Instant retry_at) {
  return error::WithRetryDelay(StatusOfSqlstate("", "", Delivery::kNotSent),
                               std::max(TimeUntil(retry_at), absl::Milliseconds(1)));
}

// What everybody else will be told, too: the database is there, and not as it has to be.
bool IsOutage(const absl::Status& status) { return status.code() == absl::StatusCode::kUnavailable; }

}  // namespace

// A caller in the queue. Lives on its stack; whoever frees a slot takes it out of the queue.
struct Pool::Waiter {
  base::CondVar granted_changed;
  bool granted = false;
};

Pool::Lease::~Lease() {
  if (pool_ != nullptr) pool_->Return(*std::move(connection_));
}

Pool::Pool(PoolOptions options, base::RandomSource* random)
    : options_(std::move(options)), backoff_(options_.backoff, random) {
  base::MutexLock lock(&mutex_);
  idle_.reserve(options_.size);
}

Pool::~Pool() = default;

absl::StatusOr<Pool::Lease> Pool::Acquire(absl::Time deadline) {
  if (absl::Status status = AcquireSlot(InstantOf(deadline)); !status.ok()) return status;
  std::optional<Connection> idle = TakeIdle();
  if (idle.has_value()) return Lease(this, *std::move(idle));
  auto connection = Connect(deadline);
  if (connection.ok()) return Lease(this, *std::move(connection));
  base::MutexLock lock(&mutex_);
  ReleaseSlotLocked();
  return connection.status();
}

absl::Status Pool::AcquireSlot(Instant until) {
  base::MutexLock lock(&mutex_);
  if (in_use_ < options_.size && waiters_.empty()) {
    ++in_use_;
    return absl::OkStatus();
  }
  Waiter self;
  waiters_.push_back(&self);
  bool in_time = true;
  while (!self.granted && in_time) {
    if (until == Instant::max()) {
      self.granted_changed.Wait(&mutex_);
    } else {
      in_time = self.granted_changed.WaitUntil(&mutex_, until);
    }
  }
  if (self.granted) return absl::OkStatus();
  waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &self));
  if (down_) return Down(retry_at_);
  return StatusOfDelivery(v1::OVERLOADED, "all database connections are in use; try again later",
                          Delivery::kNotSent);
}

// The slot passes to the first in the queue without becoming free in between, so nobody overtakes.
void Pool::ReleaseSlotLocked() {
  if (waiters_.empty()) {
    --in_use_;
    return;
  }
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->granted = true;
  next->granted_changed.NotifyOne();
}

std::optional<Connection> Pool::TakeIdle() {
  for (;;) {
    std::optional<Connection> connection;
    {
      base::MutexLock lock(&mutex_);
      if (idle_.empty()) return std::nullopt;
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
    if (connection->Alive()) return connection;
  }
}

absl::StatusOr<Connection> Pool::Connect(absl::Time deadline) {
  const Instant until = std::min(InstantOf(deadline), InstantIn(options_.outage_patience));
  for (;;) {
    if (absl::Status status = AwaitTurn(until); !status.ok()) return status;
    auto connection = Connection::Connect(options_.connect, deadline);
    absl::Status status = connection.status();
    if (status.ok()) status = connection->Prepare(options_.statements, deadline);

    base::MutexLock lock(&mutex_);
    probing_ = false;
    outage_changed_.NotifyAll();
    if (status.ok()) {
      ++connected_;
      down_ = false;
      backoff_.Reset();
      return connection;
    }
    ++connect_failures_;
    // Having had too little time says nothing about the database.
    if (std::chrono::steady_clock::now() >= InstantOf(deadline)) return status;
    down_ = true;
    retry_at_ = InstantIn(backoff_.Next());
    if (!IsOutage(status)) return status;
    if (retry_at_ >= until) return Down(retry_at_);
  }
}

// Returns when the caller may try to connect: at once normally, one caller at a time while the database is
// down.
absl::Status Pool::AwaitTurn(Instant until) {
  base::MutexLock lock(&mutex_);
  while (down_) {
    const Instant now = std::chrono::steady_clock::now();
    if (!probing_ && now >= retry_at_) {
      probing_ = true;
      return absl::OkStatus();
    }
    if (now >= until || (!probing_ && retry_at_ >= until)) return Down(retry_at_);
    outage_changed_.WaitUntil(&mutex_, probing_ ? until : std::min(until, retry_at_));
  }
  return absl::OkStatus();
}

void Pool::Return(Connection connection) {
  std::optional<Connection> closed;  // Closing may take a moment, so it waits for the lock to be released.
  base::MutexLock lock(&mutex_);
  if (connection.Reusable()) {
    idle_.push_back(std::move(connection));
  } else {
    closed = std::move(connection);
  }
  ReleaseSlotLocked();
}

PoolStatistics Pool::statistics() const {
  base::MutexLock lock(&mutex_);
  return {.size = options_.size,
          .in_use = in_use_,
          .idle = idle_.size(),
          .waiting = waiters_.size(),
          .connected = connected_,
          .connect_failures = connect_failures_};
}

}  // namespace countersign::postgres
