#ifndef COUNTERSIGN_CORE_TERRAFORM_JSON_SCANNER_H_
#define COUNTERSIGN_CORE_TERRAFORM_JSON_SCANNER_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "core/terraform/configuration_source.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// The same as ScanHcl() for a `.tf.json` file: what Terraform takes for a block there becomes a block, and
// every string that it may take for a template is searched for calls. A block that a provider defines cannot
// be told from an argument without the provider, and is an argument here; "//" is a comment only where it
// certainly is one. An object that names a member twice is refused, and so is what Terraform reads as a block
// although it is one array within another. The result borrows `text`.
absl::StatusOr<ConfigurationSource> ScanJson(std::string_view text, std::string_view file,
                                             const Limits& limits);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_JSON_SCANNER_H_
