#ifndef COUNTERSIGN_CORE_TERRAFORM_HCL_SCANNER_H_
#define COUNTERSIGN_CORE_TERRAFORM_HCL_SCANNER_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "core/terraform/configuration_source.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// Finds the blocks, the arguments and the calls in a file of HCL's native syntax. Evaluates nothing. `file`
// is its name for the errors. The result borrows `text`.
//
// Every file that Terraform accepts and this accepts too is divided by both in the same way; what Terraform
// would refuse may be accepted, since it then never runs. Errors: PLAN_UNREADABLE for everything that is not
// understood and for what is over a limit.
absl::StatusOr<ConfigurationSource> ScanHcl(std::string_view text, std::string_view file,
                                            const Limits& limits);

// OK if `text` is UTF-8 without a byte order mark in it and without NUL, as every file must be.
absl::Status CheckText(std::string_view text, std::string_view file);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_HCL_SCANNER_H_
