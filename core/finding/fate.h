#ifndef COUNTERSIGN_CORE_FINDING_FATE_H_
#define COUNTERSIGN_CORE_FINDING_FATE_H_

#include <optional>
#include <string>

#include "core/finding/resource_types.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::finding {

// What becomes of something that belongs to a resource when the resource is deleted.
enum class Fate {
  kNotThere,  // Resources of the type have no such thing.
  kKept,
  kLost,
  kUnknown,  // To be judged as lost.
};

// By what stands in the attributes before the deletion.
Fate FateOf(const std::optional<LossFlag>& flag, const v1::ResourceChange& change);

// For evidence: the value, or that there is none and what the provider then takes.
std::string ValueOf(const LossFlag& flag, const v1::ResourceChange& change);

inline bool MayBeLost(Fate fate) { return fate == Fate::kLost || fate == Fate::kUnknown; }

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_FATE_H_
