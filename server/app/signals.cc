#include "server/app/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace countersign::app {

namespace {

constexpr auto kSameRequest = std::chrono::milliseconds(300);

}  // namespace

Signals::Signals() {
  sigemptyset(&handled_);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&handled_, signal);
  pthread_sigmask(SIG_BLOCK, &handled_, &original_mask_);
  signal(SIGPIPE, SIG_IGN);
  stop_fd_ = eventfd(0, EFD_CLOEXEC);
  if (stop_fd_ < 0) std::abort();
  thread_ = std::thread([this] { Run(); });
}

Signals::~Signals() {
  const uint64_t one = 1;
  if (write(stop_fd_, &one, sizeof one) != sizeof one) std::abort();
  thread_.join();
  close(stop_fd_);
}

void Signals::OnHangUp(std::function<void()> reload) {
  base::MutexLock lock(&mutex_);
  reload_ = std::move(reload);
}

void Signals::WaitForEnd() {
  base::MutexLock lock(&mutex_);
  while (!end_) changed_.Wait(&mutex_);
}

bool Signals::WaitForEndFor(absl::Duration time) {
  const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(time);
  base::MutexLock lock(&mutex_);
  while (!end_ && changed_.WaitUntil(&mutex_, until)) {
  }
  return end_;
}

void Signals::Run() {
  const int source = signalfd(-1, &handled_, SFD_CLOEXEC);
  if (source < 0) std::abort();
  for (;;) {
    pollfd waits[] = {{.fd = source, .events = POLLIN, .revents = 0},
                      {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
    if (poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) break;
    signalfd_siginfo info;
    if (read(source, &info, sizeof info) == sizeof info) Handle(static_cast<int>(info.ssi_signo));
  }
  close(source);
}

void Signals::Handle(int signal) {
  std::function<void()> reload;
  {
    base::MutexLock lock(&mutex_);
    if (signal == SIGHUP) {
      reload = reload_;
    } else {
      const auto now = std::chrono::steady_clock::now();
      if (end_ && now - end_time_ > kSameRequest) _exit(1);
      if (!end_) end_time_ = now;
      end_ = true;
      changed_.NotifyAll();
    }
  }
  if (reload) reload();
}

}  // namespace countersign::app
