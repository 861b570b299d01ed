#include "server/rpc/timers.h"

namespace countersign::rpc {

Timers::Timers() : thread_([this] { Run(); }) {}

Timers::~Timers() {
  {
    base::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

Timers::Id Timers::Add(SteadyTime when, std::function<void()> function) {
  base::MutexLock lock(&mutex_);
  const Id id(when, next_++);
  pending_.emplace(id, std::move(function));
  if (pending_.begin()->first == id) wake_.NotifyOne();
  return id;
}

void Timers::Cancel(const Id& id) {
  std::function<void()> dropped;  // Destroyed outside of the lock.
  base::MutexLock lock(&mutex_);
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  dropped = std::move(found->second);
  pending_.erase(found);
}

void Timers::Run() {
  for (;;) {
    std::function<void()> due;
    {
      base::MutexLock lock(&mutex_);
      while (!stopping_ && pending_.empty()) wake_.Wait(&mutex_);
      if (stopping_) return;
      const auto first = pending_.begin();
      if (first->first.first > std::chrono::steady_clock::now()) {
        wake_.WaitUntil(&mutex_, first->first.first);
        continue;
      }
      due = std::move(first->second);
      pending_.erase(first);
    }
    due();
  }
}

}  // namespace countersign::rpc
