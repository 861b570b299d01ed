// Which environments names speak of: courses-prod, StagingVpc, dev2.
#ifndef COUNTERSIGN_CORE_FINDING_ENVIRONMENT_NAMES_H_
#define COUNTERSIGN_CORE_FINDING_ENVIRONMENT_NAMES_H_

#include <string>
#include <string_view>
#include <vector>

#include "countersign/v1/plan.pb.h"

namespace countersign::finding {

// production, staging, development and so on, in the order in which `name` speaks of them, possibly more than
// once. The texts are constants.
std::vector<std::string_view> EnvironmentsIn(std::string_view name);

// The address of a change without what Terraform calls its types: an API has stages.
std::string NamesIn(const v1::ResourceChange& change);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_ENVIRONMENT_NAMES_H_
