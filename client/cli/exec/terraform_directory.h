#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_TERRAFORM_DIRECTORY_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_TERRAFORM_DIRECTORY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/exec/descriptor.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::cli {

// The directory where `terraform init` was run: it holds the providers, which are programs, and says where
// the state is. Movable; not thread-safe.
class TerraformDirectory {
 public:
  // PERMISSION_DENIED when somebody else could change what is in it or put another one in its place.
  static absl::StatusOr<TerraformDirectory> Open(const std::string& path);

  // Absolute, without symbolic links.
  const std::string& path() const { return path_; }
  // Of the directory, for fchdir(); closed on exec.
  int descriptor() const { return descriptor_.get(); }

  // OK when the dependency lock file is that of the plan: byte by byte, or provider by provider where only
  // the form differs. Terraform runs no other providers than it names.
  absl::Status CheckLockFile(const v1::PlanConfiguration& plan) const;

  // OK when `terraform init` chose the backend of the plan, as far as the plan shows it. Terraform applies a
  // plan to the backend that the plan names, and reads states from the one that the directory names.
  absl::Status CheckBackend(const v1::Backend& plan) const;

 private:
  TerraformDirectory(std::string path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  // Nothing when there is no such file. Errors as those of OpenTrusted().
  absl::StatusOr<std::optional<std::string>> Read(const std::string& name, size_t limit) const;

  std::string path_;
  Descriptor descriptor_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_TERRAFORM_DIRECTORY_H_
