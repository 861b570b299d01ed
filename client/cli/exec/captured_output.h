#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_CAPTURED_OUTPUT_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_CAPTURED_OUTPUT_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "client/cli/exec/descriptor.h"

namespace countersign::cli {

// A file in memory, without a name, that a program writes its output to and that is read afterwards: what
// comes out of Terraform holds secrets, which do not belong on a disk. Movable; not thread-safe.
class CapturedOutput {
 public:
  static absl::StatusOr<CapturedOutput> Create();

  // For the program; closed on exec.
  int descriptor() const { return file_.get(); }
  // How much was written. INTERNAL when that cannot be told.
  absl::StatusOr<uint64_t> Size() const;

  // The next piece from the beginning on, valid until the next call; empty at the end. RESOURCE_EXHAUSTED
  // once it would be more than `limit` bytes together.
  absl::StatusOr<std::string_view> Next(uint64_t limit);
  // All of it. RESOURCE_EXHAUSTED when it is more than `limit` bytes.
  absl::StatusOr<std::string> ReadAll(uint64_t limit);

 private:
  explicit CapturedOutput(Descriptor file) : file_(std::move(file)) {}

  Descriptor file_;
  uint64_t position_ = 0;
  std::array<char, 64 << 10> buffer_ = {};
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_CAPTURED_OUTPUT_H_
