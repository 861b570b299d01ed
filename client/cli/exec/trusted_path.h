#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_TRUSTED_PATH_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_TRUSTED_PATH_H_

#include <sys/stat.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/exec/descriptor.h"

namespace countersign::cli {

// OK when only root and this user may change the file or, if it is a directory, rename or remove what they
// have in it: a directory like /tmp, where others may only add, is fine. PERMISSION_DENIED otherwise.
absl::Status CheckOwnership(const std::string& path, const struct stat& facts);

// Opens `path`, which must be absolute, walking from the root by descriptors, and follows symbolic links.
// Every directory and link on the way and the file itself must pass CheckOwnership(), so nobody but root and
// this user can make the path mean something else, now or later. `flags` are those of open(2); closed on
// exec. PERMISSION_DENIED names what somebody else could change, NOT_FOUND says that there is no such file.
absl::StatusOr<Descriptor> OpenTrusted(const std::string& path, int flags);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_TRUSTED_PATH_H_
