#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_DESCRIPTOR_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace countersign::cli {

// Owns an open file descriptor, or none. Movable; not thread-safe.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (is_open()) close(descriptor_);
  }
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  // Gives it away; the caller closes it.
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_DESCRIPTOR_H_
