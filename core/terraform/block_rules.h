#ifndef COUNTERSIGN_CORE_TERRAFORM_BLOCK_RULES_H_
#define COUNTERSIGN_CORE_TERRAFORM_BLOCK_RULES_H_

#include <cstddef>
#include <string_view>

namespace countersign::terraform {

// A block that Terraform itself defines, and no provider.
struct BlockRule {
  std::string_view parent;  // The type of the block that it stands in; empty for the file.
  std::string_view type;
  size_t labels = 0;
};

// Null pointer when Terraform defines no such block. `parent` must itself be one of these, or the file.
const BlockRule* FindBlockRule(std::string_view parent, std::string_view type);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_BLOCK_RULES_H_
