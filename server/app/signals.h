#ifndef COUNTERSIGN_SERVER_APP_SIGNALS_H_
#define COUNTERSIGN_SERVER_APP_SIGNALS_H_

#include <signal.h>

#include <chrono>
#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "server/base/mutex.h"

namespace countersign::app {

// SIGTERM, SIGINT and SIGHUP as events. To be made before any other thread, because it blocks them for all
// threads that are made after it. The first request to end is reported; a second one ends the process at
// once, unless it follows so closely that it is the same one: timeout(1) and the like signal both the process
// and its group. Thread-safe.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Called on a thread of its own for every SIGHUP.
  void OnHangUp(std::function<void()> reload) ABSL_LOCKS_EXCLUDED(mutex_);

  void WaitForEnd() ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether the end was asked for before `time` was over.
  bool WaitForEndFor(absl::Duration time) ABSL_LOCKS_EXCLUDED(mutex_);
  bool EndRequested() ABSL_LOCKS_EXCLUDED(mutex_) { return WaitForEndFor(absl::ZeroDuration()); }

  // For children, between fork and exec: the mask that the process had before.
  const sigset_t& original_mask() const { return original_mask_; }

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  void Handle(int signal) ABSL_LOCKS_EXCLUDED(mutex_);

  sigset_t handled_;
  sigset_t original_mask_;
  int stop_fd_ = -1;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool end_ ABSL_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point end_time_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> reload_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_SIGNALS_H_
