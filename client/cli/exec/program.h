#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_PROGRAM_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_PROGRAM_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "client/cli/exec/descriptor.h"
#include "client/cli/exec/private_directory.h"

namespace countersign::cli {

// An open program that nobody but root and this user could have changed, or can change. Movable.
class Program {
 public:
  Program(Descriptor descriptor, std::string path, bool is_script)
      : descriptor_(std::move(descriptor)), path_(std::move(path)), is_script_(is_script) {}

  // Of the checked file, closed on exec.
  int descriptor() const { return descriptor_.get(); }
  // As it was found, symbolic links unresolved: scripts such as Debian's pg_wrapper look at their own name.
  // Of an artifact it is "./name", from the private directory.
  const std::string& path() const { return path_; }
  // Begins with "#!". The kernel hands a script's path to its interpreter, so it is run by its path, all of
  // which was checked; anything else is run by its descriptor.
  bool is_script() const { return is_script_; }

 private:
  Descriptor descriptor_;
  std::string path_;
  bool is_script_;
};

// Finds `name` in the directories of `path` (as it is, if absolute), follows symbolic links, and opens it.
// Refused: a file, or a directory on the way to it, that somebody else may write to or owns (a directory like
// /tmp, where others may only add, is passable); a relative path; what is not an executable regular file; a
// script whose interpreter is refused. NOT_FOUND when there is none.
absl::StatusOr<Program> OpenProgram(const std::string& name, const std::string& path);

// Opens an artifact as a program, under the same conditions. It must be run in `directory`.
absl::StatusOr<Program> OpenArtifact(const PrivateDirectory& directory, const std::string& file_name);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_PROGRAM_H_
