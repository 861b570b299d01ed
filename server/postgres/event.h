#ifndef COUNTERSIGN_SERVER_POSTGRES_EVENT_H_
#define COUNTERSIGN_SERVER_POSTGRES_EVENT_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace countersign::postgres {

// A flag that poll() can wait for: once set, fd() stays readable. Thread-safe. Ends the process if the
// system has no descriptor left at construction.
class Event {
 public:
  Event() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) std::abort();
  }
  ~Event() { close(fd_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void Set() {
    const uint64_t one = 1;
    if (write(fd_, &one, sizeof one) < 0) return;  // Only when it is set so often that the counter is full.
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_EVENT_H_
