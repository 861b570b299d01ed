// The rules for plans, a group each. Each adds the findings of its group; all are pure and total, and take
// time linear in the plan.
#ifndef COUNTERSIGN_CORE_FINDING_PLAN_RULES_H_
#define COUNTERSIGN_CORE_FINDING_PLAN_RULES_H_

#include "core/finding/finding_list.h"
#include "core/finding/plan_facts.h"

namespace countersign::finding {

// Whether the plan was made on the state that the target is known to have.
void JudgeState(const PlanFacts& facts, FindingList* findings);
// How much it changes.
void JudgeScale(const PlanFacts& facts, FindingList* findings);
// What cannot be brought back.
void JudgeIrrecoverable(const PlanFacts& facts, FindingList* findings);
// What does not belong together.
void JudgeMixed(const PlanFacts& facts, FindingList* findings);
// What runs on the machine that applies it.
void JudgeCode(const PlanFacts& facts, FindingList* findings);
// Whether it is what it says it is.
void JudgeIntegrity(const PlanFacts& facts, FindingList* findings);
// Whom it lets in.
void JudgeAccess(const PlanFacts& facts, FindingList* findings);
// What refreshing found weaker than the state says, as if the plan did it, where the plan does not undo it:
// that is how it will be, and only the plan says that somebody else has done it.
void JudgeWeakeningDrift(const PlanFacts& facts, FindingList* findings);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_PLAN_RULES_H_
