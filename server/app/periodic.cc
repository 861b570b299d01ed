#include "server/app/periodic.h"

#include <chrono>

namespace countersign::app {

Periodic::Periodic(absl::Duration interval, base::RandomSource* random, std::function<void()> work)
    : interval_(interval), random_(random), work_(std::move(work)), thread_([this] { Run(); }) {}

Periodic::~Periodic() {
  {
    base::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Periodic::Hurry() {
  base::MutexLock lock(&mutex_);
  hurry_ = true;
  changed_.NotifyAll();
}

void Periodic::Run() {
  while (Pause()) work_();
}

bool Periodic::Pause() {
  const absl::Duration pause = interval_ * (0.75 + 0.5 * base::UniformFraction(*random_));
  const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(pause);
  base::MutexLock lock(&mutex_);
  while (!stopping_ && !hurry_ && changed_.WaitUntil(&mutex_, until)) {
  }
  hurry_ = false;
  return !stopping_;
}

}  // namespace countersign::app
