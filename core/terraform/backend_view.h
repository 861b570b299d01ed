// Where a plan keeps its state. Included by this folder's sources and tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_BACKEND_VIEW_H_
#define COUNTERSIGN_CORE_TERRAFORM_BACKEND_VIEW_H_

#include "absl/status/statusor.h"
#include "core/terraform/content_hasher.h"
#include "core/terraform/known_secrets.h"
#include "core/terraform/limits.h"
#include "core/terraform/plan_file.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

// Shows only what is known to hold no secret: a setting that nobody has heard of may be one. Errors:
// PLAN_UNREADABLE.
absl::StatusOr<v1::Backend> ShowBackend(const plan_file::Backend& backend, const SaltedDigest& salted,
                                        const Limits& limits, KnownSecrets* secrets);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_BACKEND_VIEW_H_
