#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_PRIVATE_DIRECTORY_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_PRIVATE_DIRECTORY_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "client/cli/exec/descriptor.h"

namespace countersign::cli {

// A new directory that only this user may enter, where only root and this user can put another one in its
// place; removed with all that is in it on destruction, and, when its maker is killed before, by
// RemoveLeftovers(). Not thread-safe.
class PrivateDirectory {
 public:
  // As `name`, which nobody should be able to guess, in `base`, which must exist. PERMISSION_DENIED when
  // somebody else could rename what is in `base` or on the way to it.
  static absl::StatusOr<PrivateDirectory> Create(const std::string& base, const std::string& name);
  ~PrivateDirectory();
  PrivateDirectory(PrivateDirectory&& other) noexcept;
  PrivateDirectory& operator=(PrivateDirectory&&) = delete;

  const std::string& path() const { return path_; }
  // Of the directory, for openat() and fchdir(); closed on exec. Whoever inherits it keeps the lock by which
  // RemoveLeftovers() knows that the directory is in use.
  int descriptor() const { return descriptor_.get(); }

  // Makes a new file, 0500, of what `fill` gives to the sink that it is called with. Never follows or
  // replaces what is there. `file_name` is [A-Za-z0-9._-], starting with neither dot nor dash.
  absl::Status Write(
      const std::string& file_name,
      const std::function<absl::Status(const std::function<absl::Status(std::string_view)>&)>& fill);

  // For reading.
  absl::StatusOr<Descriptor> Open(const std::string& file_name) const;

  // What is on disk now, read through the file system. INVALID_ARGUMENT when it is more than `limit` bytes.
  absl::StatusOr<std::string> Read(const std::string& file_name, size_t limit) const;
  // Takes the leave to write from a file that a program of ours has made there.
  absl::Status Protect(const std::string& file_name) const;
  // The digest of what is on disk now, read through the file system.
  absl::StatusOr<std::string> DigestOf(const std::string& file_name) const;

 private:
  PrivateDirectory(std::string path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  absl::Status ReadPieces(const std::string& file_name,
                          const std::function<absl::Status(std::string_view)>& take) const;

  std::string path_;  // Empty once moved away.
  Descriptor descriptor_;
};

// XDG_RUNTIME_DIR, TMPDIR or /tmp, the first that is set.
std::string BaseDirectory(const std::function<const char*(const char*)>& variable);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_PRIVATE_DIRECTORY_H_
