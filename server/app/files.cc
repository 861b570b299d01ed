#include "server/app/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace countersign::app {

namespace {

constexpr off_t kMaxFileBytes = 4 << 20;

absl::Status Failed(const std::string& path) {
  const int code = errno;
  return absl::ErrnoToStatus(code, path);
}

absl::Status WriteAll(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(file) == 0 ? absl::OkStatus() : Failed(path);
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Failed(path);
  if (S_ISDIR(info.st_mode)) return absl::InvalidArgumentError(path + ": is a directory");
  if (info.st_size > kMaxFileBytes) return absl::InvalidArgumentError(path + ": is larger than 4 MiB");
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failed(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return absl::UnavailableError(path + ": cannot be read");
  return std::move(text).str();
}

absl::Status WriteFile(const std::string& path, std::string_view text, mode_t mode) {
  const std::string temporary = path + ".new";
  unlink(temporary.c_str());
  // Created with its final mode: a key is at no moment readable by others.
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (file < 0) return Failed(temporary);
  absl::Status status = fchmod(file, mode) == 0 ? WriteAll(file, text, temporary) : Failed(temporary);
  if (close(file) != 0 && status.ok()) status = Failed(temporary);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = Failed(path);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status MakeDirectory(const std::string& path, mode_t mode) {
  std::error_code code;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, code);
  if (code) return absl::ErrnoToStatus(code.value(), parent.string());
  if (mkdir(path.c_str(), mode) == 0 && chmod(path.c_str(), mode) == 0) return absl::OkStatus();
  if (errno == EEXIST && std::filesystem::is_directory(path, code)) return absl::OkStatus();
  return Failed(path);
}

bool Exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

}  // namespace countersign::app
