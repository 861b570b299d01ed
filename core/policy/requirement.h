#ifndef COUNTERSIGN_CORE_POLICY_REQUIREMENT_H_
#define COUNTERSIGN_CORE_POLICY_REQUIREMENT_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/policy/configuration.h"
#include "countersign/v1/config.pb.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::policy {

using Findings = google::protobuf::RepeatedPtrField<v1::Finding>;

// What `configuration` asks of an action of this kind on this target in which this was found: the first rule
// that matches, with the defaults filled in, or the built-in default of one human. With a finding that is
// forbidden, or of severity HIGH or CRITICAL, nothing is allowed without a human. Pure and total.
v1::Requirement Evaluate(const Configuration& configuration, const v1::Target& target, v1::Kind kind,
                         const Findings& findings);

// From what age on a plan on this target is old: what the rule that matches says, or 24 hours. Pure and
// total.
absl::Duration MaxPlanAge(const Configuration& configuration, const v1::Target& target);

// OK unless `requirement` forbids one of the findings: then STATE_MISSING, STATE_LINEAGE_CHANGED,
// STATE_SERIAL_REGRESSED or, for all others, POLICY_DENIED, with its sentence and what to do.
absl::Status CheckForbidden(const v1::Requirement& requirement, const Findings& findings);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_CORE_POLICY_REQUIREMENT_H_
