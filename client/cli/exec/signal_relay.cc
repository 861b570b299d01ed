#include "client/cli/exec/signal_relay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace countersign::cli {
namespace {

constexpr int kRelayed[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

sigset_t RelayedSet() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kRelayed) sigaddset(&set, signal);
  return set;
}

}  // namespace

SignalRelay::SignalRelay() {
  const sigset_t set = RelayedSet();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::jthread([this] { Run(); });
}

SignalRelay::~SignalRelay() {
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof(one));
  thread_.join();
  close(signals_);
  close(wake_);
  // The signals stay blocked: what is left to do is to exit with the child's code.
}

void SignalRelay::Run() {
  pollfd watched[] = {{signals_, POLLIN, 0}, {wake_, POLLIN, 0}};
  while (true) {
    if (poll(watched, 2, -1) < 0 && errno != EINTR) return;
    if ((watched[1].revents & POLLIN) != 0) return;
    signalfd_siginfo info;
    if ((watched[0].revents & POLLIN) == 0 || read(signals_, &info, sizeof(info)) != sizeof(info)) continue;
    Handle(static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL);
  }
}

void SignalRelay::Handle(int signal, bool from_terminal) {
  std::lock_guard lock(mutex_);
  if (child_ > 0) {
    // The terminal's Ctrl-C has reached the child already: it is in the same process group.
    if (!(from_terminal && (signal == SIGINT || signal == SIGQUIT))) kill(child_, signal);
    return;
  }
  if (signal != SIGUSR1 && signal != SIGUSR2) stop_.request_stop();
}

pid_t SignalRelay::StartChild(const std::function<pid_t()>& start) {
  std::lock_guard lock(mutex_);
  if (stop_.stop_requested()) return -1;
  child_ = start();
  return child_;
}

int SignalRelay::WaitForChild() {
  siginfo_t ignored;
  while (waitid(P_PID, static_cast<id_t>(child_), &ignored, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  std::lock_guard lock(
      mutex_);  // Reaped under the lock, so that its number is not reused while we signal it.
  int status = 0;
  waitpid(child_, &status, 0);
  child_ = -1;
  return status;
}

}  // namespace countersign::cli
