#ifndef COUNTERSIGN_SERVER_RPC_TIMERS_H_
#define COUNTERSIGN_SERVER_RPC_TIMERS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "server/base/mutex.h"

namespace countersign::rpc {

// Ends what takes too long: one thread that runs functions when their time has come. They must be short and
// not block. A function may still run once after Cancel(), so it holds what it needs. Thread-safe. The
// destructor drops what is not due.
class Timers {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Id = std::pair<SteadyTime, uint64_t>;

  Timers();
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  Id Add(SteadyTime when, std::function<void()> function) ABSL_LOCKS_EXCLUDED(mutex_);
  void Cancel(const Id& id) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  base::Mutex mutex_;
  base::CondVar wake_;
  std::map<Id, std::function<void()>> pending_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_TIMERS_H_
