// `tfconfig/modules.json`: the modules of a saved plan's configuration.
#ifndef COUNTERSIGN_CORE_TERRAFORM_MODULE_MANIFEST_H_
#define COUNTERSIGN_CORE_TERRAFORM_MODULE_MANIFEST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

struct ModuleRecord {
  std::string key;        // "network.subnets": the names of the calls that lead to it; empty for the root.
  std::string source;     // "registry.terraform.io/terraform-aws-modules/vpc/aws"; empty for the root.
  std::string version;    // "3.14.0"; empty when the source has none.
  std::string directory;  // Where its files were; what path.module says.
};

// The records, sorted by key: one for the root, and for each other one its parent as well. Errors:
// PLAN_UNREADABLE.
absl::StatusOr<std::vector<ModuleRecord>> ReadModuleManifest(std::string_view text, const Limits& limits);

// What Terraform compares directories by: without ".", ".." and empty steps where they can be left out.
std::string CleanDirectory(std::string_view directory);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_MODULE_MANIFEST_H_
