#ifndef COUNTERSIGN_SERVER_APP_PERIODIC_H_
#define COUNTERSIGN_SERVER_APP_PERIODIC_H_

#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "server/base/mutex.h"
#include "server/base/random.h"

namespace countersign::app {

// Calls a function again and again on a thread of its own, with pauses between 0.75 and 1.25 of `interval`,
// so that replicas do not work in step. The first call comes after the first pause. Destruction waits for the
// call that is running. Borrows `random`. Thread-safe.
class Periodic {
 public:
  Periodic(absl::Duration interval, base::RandomSource* random, std::function<void()> work);
  ~Periodic();
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

  // Ends the pause now.
  void Hurry() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  bool Pause() ABSL_LOCKS_EXCLUDED(mutex_);

  const absl::Duration interval_;
  base::RandomSource* const random_;
  const std::function<void()> work_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_PERIODIC_H_
