#ifndef COUNTERSIGN_CORE_POLICY_REQUIREMENT_H_
#define COUNTERSIGN_CORE_POLICY_REQUIREMENT_H_

#include "core/policy/configuration.h"
#include "countersign/v1/config.pb.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::policy {

// What `configuration` asks of an action of this kind on this target: the first rule that matches, with the
// defaults filled in, or the built-in default of one human. Pure and total.
v1::Requirement Evaluate(const Configuration& configuration, const v1::Target& target, v1::Kind kind);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_CORE_POLICY_REQUIREMENT_H_
