// What a plan means, as one digest. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_FINGERPRINT_H_
#define COUNTERSIGN_CORE_TERRAFORM_FINGERPRINT_H_

#include <string>
#include <vector>

#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

// The same for two plans that do the same, whenever they were made and with whatever salt they were read; in
// it is nothing of what is masked but that it changes. Not thread-safe.
class Fingerprint {
 public:
  // A change of anything, by its digest. Their order makes no difference.
  void Add(std::string digest) { digests_.push_back(std::move(digest)); }

  // Takes backend, configuration, providers and variables from `view`.
  std::string Finish(const v1::PlanView& view);

 private:
  std::vector<std::string> digests_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_FINGERPRINT_H_
