#include "client/cli/exec/private_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/digest/digest.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

absl::Status SystemError(std::string_view what, const std::string& path) {
  return absl::InternalError(text::Concat("cannot ", what, " ", path, ": ", std::strerror(errno)));
}

bool IsFileName(const std::string& name) {
  constexpr char kAllowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= 128 && name[0] != '.' && name[0] != '-' &&
         name.find_first_not_of(kAllowed) == std::string::npos;
}

absl::Status WriteAll(int descriptor, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return SystemError("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PrivateDirectory> PrivateDirectory::Create(const std::string& base) {
  std::string path = text::Concat(base, "/countersign-exec-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return SystemError("make a directory in", base);  // 0700.
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  PrivateDirectory directory(path, descriptor);
  if (descriptor < 0) return SystemError("open", path);
  return directory;
}

PrivateDirectory::~PrivateDirectory() {
  if (descriptor_ >= 0) close(descriptor_);
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

PrivateDirectory::PrivateDirectory(PrivateDirectory&& other) noexcept
    : path_(std::exchange(other.path_, "")), descriptor_(std::exchange(other.descriptor_, -1)) {}

absl::Status PrivateDirectory::Write(
    const std::string& file_name,
    const std::function<absl::Status(const std::function<absl::Status(std::string_view)>&)>& fill) {
  if (!IsFileName(file_name))
    return absl::InvalidArgumentError(text::Concat(file_name, " is not a proper file name"));
  const std::string path = text::Concat(path_, "/", file_name);
  const int descriptor =
      openat(descriptor_, file_name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return SystemError("make", path);
  absl::Status status = fill([&](std::string_view bytes) { return WriteAll(descriptor, path, bytes); });
  if (status.ok() && fchmod(descriptor, 0500) != 0) status = SystemError("protect", path);
  if (close(descriptor) != 0 && status.ok()) status = SystemError("write", path);
  return status;
}

absl::StatusOr<std::string> PrivateDirectory::DigestOf(const std::string& file_name) const {
  const std::string path = text::Concat(path_, "/", file_name);
  const int descriptor = openat(descriptor_, file_name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return SystemError("open", path);
  digest::Sha256Hasher hasher;
  std::array<char, 64 << 10> buffer;
  ssize_t size = 0;
  while ((size = read(descriptor, buffer.data(), buffer.size())) > 0 || (size < 0 && errno == EINTR)) {
    if (size > 0) hasher.Update(std::string_view(buffer.data(), static_cast<size_t>(size)));
  }
  const absl::Status status = size == 0 ? absl::OkStatus() : SystemError("read", path);
  close(descriptor);
  if (!status.ok()) return status;
  return hasher.Finish();
}

std::string BaseDirectory(const std::function<const char*(const char*)>& variable) {
  for (const char* name : {"XDG_RUNTIME_DIR", "TMPDIR"}) {
    const char* value = variable(name);
    if (value != nullptr && value[0] == '/') return value;
  }
  return "/tmp";
}

}  // namespace countersign::cli
