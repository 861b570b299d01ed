#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_LEFTOVERS_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_LEFTOVERS_H_

#include <string>

namespace countersign::cli {

// What names of private directories begin with.
inline constexpr char kPrivatePrefix[] = "countersign-exec-";

// Removes the private directories of this user in `base` whose runners were killed: those that nobody holds
// a lock on any more, neither a runner nor the program that it started. Follows no symbolic link, and leaves
// alone all that it is not sure of. `base` must be one that OpenTrusted() lets pass; nothing happens where it
// is not.
void RemoveLeftovers(const std::string& base);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_LEFTOVERS_H_
