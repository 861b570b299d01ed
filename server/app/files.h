#ifndef COUNTERSIGN_SERVER_APP_FILES_H_
#define COUNTERSIGN_SERVER_APP_FILES_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace countersign::app {

// The whole of a file of at most 4 MiB. The status says which file and why.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Replaces a file as a whole: a reader, and a crash, sees the old text or the new one.
absl::Status WriteFile(const std::string& path, std::string_view text, mode_t mode);

// Makes a directory and those above it. An existing one keeps its mode.
absl::Status MakeDirectory(const std::string& path, mode_t mode);

bool Exists(const std::string& path);

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_FILES_H_
