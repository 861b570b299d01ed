#include "core/finding/judge.h"

#include "core/finding/finding_list.h"
#include "core/finding/plan_facts.h"
#include "core/finding/plan_rules.h"

namespace countersign::finding {

std::vector<v1::Finding> JudgePlan(const v1::PlanView& plan, const PlanContext& context) {
  const PlanFacts facts(plan, context);
  FindingList findings;
  JudgeState(facts, &findings);
  JudgeScale(facts, &findings);
  JudgeIrrecoverable(facts, &findings);
  JudgeMixed(facts, &findings);
  JudgeCode(facts, &findings);
  JudgeIntegrity(facts, &findings);
  JudgeAccess(facts, &findings);
  JudgeWeakeningDrift(facts, &findings);
  return findings.Take();
}

}  // namespace countersign::finding
