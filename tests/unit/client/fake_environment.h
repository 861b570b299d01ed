#ifndef COUNTERSIGN_TESTS_UNIT_CLIENT_FAKE_ENVIRONMENT_H_
#define COUNTERSIGN_TESTS_UNIT_CLIENT_FAKE_ENVIRONMENT_H_

#include <mutex>
#include <string>
#include <vector>

#include "client/src/environment.h"

namespace countersign::testing {

// Time that passes only by sleeping, and only on paper. Thread-safe.
class FakeEnvironment final : public Environment {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'700'000'000) + Uptime(); }
  absl::Duration Uptime() const override {
    std::lock_guard lock(mutex_);
    return uptime_;
  }
  bool SleepFor(absl::Duration duration, const std::stop_token& stop) override {
    std::lock_guard lock(mutex_);
    if (stop.stop_requested()) return false;
    uptime_ += duration;
    sleeps_.push_back(duration);
    return true;
  }
  double Fraction() override { return 0.5; }
  std::string NewRequestId() override {
    std::lock_guard lock(mutex_);
    return "request-" + std::to_string(++ids_);
  }

  void Advance(absl::Duration duration) {
    std::lock_guard lock(mutex_);
    uptime_ += duration;
  }
  std::vector<absl::Duration> sleeps() const {
    std::lock_guard lock(mutex_);
    return sleeps_;
  }

 private:
  mutable std::mutex mutex_;
  absl::Duration uptime_;
  std::vector<absl::Duration> sleeps_;
  int ids_ = 0;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_UNIT_CLIENT_FAKE_ENVIRONMENT_H_
