#include "client/cli/exec/trusted_path.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>

#include "absl/strings/str_split.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr int kMostLinks = 40;

struct Opened {
  Descriptor descriptor;
  struct stat facts;
};

// `path` is `name` in `directory`, for messages.
absl::StatusOr<Opened> OpenChecked(int directory, const std::string& name, int flags,
                                   const std::string& path) {
  Opened opened{Descriptor(openat(directory, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC)), {}};
  if (!opened.descriptor.is_open() && (errno == ENOENT || errno == ENOTDIR)) {
    return absl::NotFoundError(text::Concat(path, " does not exist"));
  }
  if (!opened.descriptor.is_open() || fstat(opened.descriptor.get(), &opened.facts) != 0) {
    return absl::PermissionDeniedError(text::Concat(path, " cannot be opened: ", std::strerror(errno)));
  }
  if (auto status = CheckOwnership(path, opened.facts); !status.ok()) return status;
  return opened;
}

// Where a symbolic link leads. Never empty.
absl::StatusOr<std::string> ReadLink(int link, const std::string& path) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t size = readlinkat(link, "", buffer.data(), buffer.size());
  if (size <= 0) return absl::PermissionDeniedError(text::Concat(path, " is a link that leads nowhere"));
  return std::string(buffer.data(), static_cast<size_t>(size));
}

}  // namespace

absl::Status CheckOwnership(const std::string& path, const struct stat& facts) {
  if (facts.st_uid != 0 && facts.st_uid != geteuid()) {
    return absl::PermissionDeniedError(text::Concat(path, " belongs to another user"));
  }
  if (S_ISLNK(facts.st_mode)) return absl::OkStatus();  // A link's mode means nothing.
  const bool others_write = (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const bool sticky = S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0;
  if (!others_write || sticky) return absl::OkStatus();
  return absl::PermissionDeniedError(text::Concat(path, " may be written to by its group or by everybody"));
}

absl::StatusOr<Descriptor> OpenTrusted(const std::string& path, int flags) {
  if (path.empty() || path[0] != '/') {
    return absl::InvalidArgumentError(text::Concat(path, " is not an absolute path"));
  }
  std::deque<std::string> left = absl::StrSplit(path, '/', absl::SkipEmpty());
  auto directory = OpenChecked(AT_FDCWD, "/", O_PATH, "/");
  std::string where;  // The directory's path, without links.
  const std::string itself = ".";
  std::string name = itself;
  for (int links = 0; directory.ok() && !left.empty();) {
    name = left.front();
    left.pop_front();
    const std::string here = text::Concat(where, "/", name);
    auto next = OpenChecked(directory->descriptor.get(), name, O_PATH, here);
    if (!next.ok()) return next.status();
    if (S_ISLNK(next->facts.st_mode)) {
      const auto link = ReadLink(next->descriptor.get(), here);
      if (!link.ok()) return link.status();
      if (++links > kMostLinks) return absl::PermissionDeniedError(text::Concat(path, " has too many links"));
      const std::deque<std::string> parts = absl::StrSplit(*link, '/', absl::SkipEmpty());
      left.insert(left.begin(), parts.begin(), parts.end());
      name = itself;
      if ((*link)[0] != '/') continue;
      where.clear();
      directory = OpenChecked(AT_FDCWD, "/", O_PATH, "/");
    } else if (!left.empty()) {
      where = here;
      directory = std::move(next);
    }
  }
  if (!directory.ok()) return directory.status();
  auto opened = OpenChecked(directory->descriptor.get(), name, flags, text::Concat(where, "/", name));
  if (!opened.ok()) return opened.status();
  return std::move(opened->descriptor);
}

}  // namespace countersign::cli
