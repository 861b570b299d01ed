#include "client/cli/exec/captured_output.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "core/text/text.h"

namespace countersign::cli {
namespace {

absl::Status SystemError(std::string_view what) {
  return absl::InternalError(text::Concat("cannot ", what, " a program's output: ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<CapturedOutput> CapturedOutput::Create() {
  Descriptor file(memfd_create("countersign-output", MFD_CLOEXEC));
  if (!file.is_open()) return SystemError("keep");
  return CapturedOutput(std::move(file));
}

absl::StatusOr<uint64_t> CapturedOutput::Size() const {
  struct stat facts;
  if (fstat(file_.get(), &facts) != 0) return SystemError("measure");
  return static_cast<uint64_t>(facts.st_size);
}

// At positions of our own: the program's writing has moved the one that both share.
absl::StatusOr<std::string_view> CapturedOutput::Next(uint64_t limit) {
  ssize_t size = 0;
  do {
    size = pread(file_.get(), buffer_.data(), buffer_.size(), static_cast<off_t>(position_));
  } while (size < 0 && errno == EINTR);
  if (size < 0) return SystemError("read");
  position_ += static_cast<uint64_t>(size);
  if (position_ > limit) {
    return absl::ResourceExhaustedError(text::Concat("a program wrote more than ", limit, " bytes"));
  }
  return std::string_view(buffer_.data(), static_cast<size_t>(size));
}

absl::StatusOr<std::string> CapturedOutput::ReadAll(uint64_t limit) {
  std::string all;
  while (true) {
    const auto piece = Next(limit);
    if (!piece.ok()) return piece.status();
    if (piece->empty()) return all;
    all.append(*piece);
  }
}

}  // namespace countersign::cli
