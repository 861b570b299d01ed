#ifndef COUNTERSIGN_CORE_TERRAFORM_CODE_FINDER_H_
#define COUNTERSIGN_CORE_TERRAFORM_CODE_FINDER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/terraform/code_block.h"
#include "core/terraform/configuration_source.h"
#include "core/terraform/definitions.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

struct FoundBlock {
  CodeBlock block;  // Without a digest.
  CodeText text;    // All of it.
};

// What was found so far. Borrows the texts of the files.
struct FoundCode {
  std::vector<FoundBlock> blocks;
  BlockCounts counts;
  std::vector<ProtectedResource> protected_resources;
  std::vector<std::string> sensitive_variables;  // Of the root, in any order, possibly more than once.
  std::vector<std::string> secret_defaults;      // As Configuration has them.
  std::vector<std::string> called_modules;       // Keys, in any order, possibly more than once.
  size_t text_bytes = 0;                         // Of the blocks.
};

// Where a file stands.
struct FilePlace {
  std::string_view module;  // Its key.
  std::string_view name;
  std::string_view path;  // For errors.
  bool is_override = false;
};

// Adds what stands in one file. Errors: PLAN_UNREADABLE for what Terraform would refuse or is not known here
// at the places where code can stand, and for more than the limits allow.
absl::Status FindCode(const ConfigurationSource& source, const FilePlace& place, const Limits& limits,
                      FoundCode* found);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CODE_FINDER_H_
