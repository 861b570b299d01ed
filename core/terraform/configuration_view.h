// The configuration of a plan in a view. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_VIEW_H_
#define COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_VIEW_H_

#include <map>
#include <string>
#include <string_view>

#include "core/terraform/configuration.h"
#include "core/terraform/content_hasher.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

// Code and addresses as they are written, without the secrets that are written into them. `variables` are the
// digests of the values that the root's variables are given.
v1::PlanConfiguration ShowConfiguration(const Configuration& configuration,
                                        const std::map<std::string, std::string>& variables,
                                        const SaltedDigest& salted);

// terraform, tofu, or empty.
std::string_view EngineOf(const Configuration& configuration);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_VIEW_H_
