#include "client/cli/exec/private_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "client/cli/exec/trusted_path.h"
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

absl::StatusOr<PrivateDirectory> PrivateDirectory::Create(const std::string& base, const std::string& name) {
  const auto parent = OpenTrusted(base, O_PATH | O_DIRECTORY);
  if (!parent.ok()) {
    return absl::Status(
        parent.status().code(),
        text::Concat("will not keep approved files in ", base, ": ", text::MessageOf(parent.status()),
                     "; set TMPDIR to a directory that only you can write to"));
  }
  const std::string path = text::Concat(base, "/", name);
  // Under its name only once it is locked: one that nobody has locked yet would be taken for a leftover.
  const std::string unlocked = text::Concat(".", name);
  if (mkdirat(parent->get(), unlocked.c_str(), 0700) != 0) return SystemError("make", path);
  PrivateDirectory directory(
      text::Concat(base, "/", unlocked),
      Descriptor(openat(parent->get(), unlocked.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)));
  struct stat facts;
  if (!directory.descriptor_.is_open() || fstat(directory.descriptor(), &facts) != 0) {
    return SystemError("open", path);
  }
  if (facts.st_uid != geteuid() || (facts.st_mode & 0777) != 0700) {
    return absl::PermissionDeniedError(
        text::Concat(path, " was just made, and is not private: its file system keeps no owners and modes; ",
                     "set TMPDIR to a directory on another one"));
  }
  // Where the file system has no locks, nothing is ever taken for a leftover.
  (void)flock(directory.descriptor(), LOCK_SH | LOCK_NB);
  if (renameat2(parent->get(), unlocked.c_str(), parent->get(), name.c_str(), RENAME_NOREPLACE) != 0) {
    return SystemError("make", path);
  }
  directory.path_ = path;
  return directory;
}

// By its path, because that is as good as the descriptor: nobody else can rename what is on the way.
PrivateDirectory::~PrivateDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

PrivateDirectory::PrivateDirectory(PrivateDirectory&& other) noexcept
    : path_(std::exchange(other.path_, "")), descriptor_(std::move(other.descriptor_)) {}

absl::Status PrivateDirectory::Write(
    const std::string& file_name,
    const std::function<absl::Status(const std::function<absl::Status(std::string_view)>&)>& fill) {
  if (!IsFileName(file_name))
    return absl::InvalidArgumentError(text::Concat(file_name, " is not a proper file name"));
  const std::string path = text::Concat(path_, "/", file_name);
  const int descriptor = openat(descriptor_.get(), file_name.c_str(),
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return SystemError("make", path);
  absl::Status status = fill([&](std::string_view bytes) { return WriteAll(descriptor, path, bytes); });
  if (status.ok() && fchmod(descriptor, 0500) != 0) status = SystemError("protect", path);
  if (close(descriptor) != 0 && status.ok()) status = SystemError("write", path);
  return status;
}

absl::StatusOr<Descriptor> PrivateDirectory::Open(const std::string& file_name) const {
  Descriptor file(openat(descriptor_.get(), file_name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.is_open()) return SystemError("open", text::Concat(path_, "/", file_name));
  return file;
}

absl::Status PrivateDirectory::ReadPieces(const std::string& file_name,
                                          const std::function<absl::Status(std::string_view)>& take) const {
  const auto file = Open(file_name);
  if (!file.ok()) return file.status();
  std::array<char, 64 << 10> buffer;
  while (true) {
    const ssize_t size = read(file->get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return SystemError("read", text::Concat(path_, "/", file_name));
    if (size == 0) return absl::OkStatus();
    const absl::Status taken = take(std::string_view(buffer.data(), static_cast<size_t>(size)));
    if (!taken.ok()) return taken;
  }
}

absl::StatusOr<std::string> PrivateDirectory::Read(const std::string& file_name, size_t limit) const {
  std::string bytes;
  const auto status = ReadPieces(file_name, [&](std::string_view piece) {
    if (piece.size() > limit - bytes.size()) {
      return absl::InvalidArgumentError(text::Concat(file_name, " is larger than ", limit, " bytes"));
    }
    bytes.append(piece);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return bytes;
}

absl::Status PrivateDirectory::Protect(const std::string& file_name) const {
  const auto file = Open(file_name);
  if (!file.ok()) return file.status();
  if (fchmod(file->get(), 0400) != 0) return SystemError("protect", text::Concat(path_, "/", file_name));
  return absl::OkStatus();
}

absl::StatusOr<std::string> PrivateDirectory::DigestOf(const std::string& file_name) const {
  digest::Sha256Hasher hasher;
  const auto status = ReadPieces(file_name, [&hasher](std::string_view piece) {
    hasher.Update(piece);
    return absl::OkStatus();
  });
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
