// Which of many changes is named first: the one whose loss is the worst.
#ifndef COUNTERSIGN_CORE_FINDING_LOSS_ORDER_H_
#define COUNTERSIGN_CORE_FINDING_LOSS_ORDER_H_

#include <vector>

#include "core/finding/plan_facts.h"
#include "countersign/v1/target_service.pb.h"

namespace countersign::finding {

// Puts what it is the worst to lose first, and leaves changes that are as bad as one another in their order:
// databases, then what else holds data or keys, then buckets, then what can be made again, then the rest.
// Within each, deletions first; among them what has no way back, then what loses more of its backups, then
// what is guarded or named after production, then what the target is known to have. `memory` is a null
// pointer when nothing is remembered. Takes time n log n.
void SortWorstFirst(const v1::TargetMemory* memory, std::vector<ChangeFact>* facts);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_LOSS_ORDER_H_
