#ifndef COUNTERSIGN_SERVER_BASE_EXECUTOR_H_
#define COUNTERSIGN_SERVER_BASE_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "server/base/mutex.h"

namespace countersign::base {

// A fixed number of threads and a bounded queue, for work that blocks on the database. Over the bound the
// caller is told at once, so that it can refuse instead of letting a queue grow. Thread-safe.
// Shutdown() (and the destructor) runs what was queued, then joins.
class Executor {
 public:
  Executor(size_t threads, size_t max_queued);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // False when the queue is full or Shutdown() was called; the work is not run then.
  [[nodiscard]] bool TrySubmit(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);
  size_t queued() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t max_queued_;
  mutable Mutex mutex_;
  CondVar ready_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace countersign::base

#endif  // COUNTERSIGN_SERVER_BASE_EXECUTOR_H_
