// What is worth knowing about a proposal, judged on what the broker itself has read. Pure: the broker and the
// offline command line judge alike.
#ifndef COUNTERSIGN_CORE_FINDING_JUDGE_H_
#define COUNTERSIGN_CORE_FINDING_JUDGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "countersign/v1/finding.pb.h"
#include "countersign/v1/plan.pb.h"
#include "countersign/v1/resource.pb.h"
#include "countersign/v1/target_service.pb.h"

namespace countersign::finding {

// From what age on a plan is old where nobody says otherwise.
inline constexpr absl::Duration kDefaultMaxPlanAge = absl::Hours(24);

// What rules need that does not stand in the plan.
struct PlanContext {
  // What is remembered of the target; null pointer when nothing is, which is a finding.
  const v1::TargetMemory* memory = nullptr;
  // False where nobody can know what is remembered: offline. What needs the memory is then not judged.
  bool has_target = true;
  // The environment of the target, such as production; empty when it is not known.
  std::string environment;
  // terraform or tofu, what the target is to be applied with; empty for any.
  std::string engine;
  absl::Time now;
  absl::Duration max_plan_age = kDefaultMaxPlanAge;
};

// The worst first, then as RuleTable() has them; at most one of each code. Total: every view has an answer.
std::vector<v1::Finding> JudgePlan(const v1::PlanView& plan, const PlanContext& context);

// Of kind COMMAND. The same order.
std::vector<v1::Finding> JudgeCommand(const v1::Action& action);

// One or two sentences on what it does, first what cannot be undone, and of that the worst. Never empty, one
// line. `memory` is what is remembered of the target; a null pointer when nothing is.
std::string VerdictLine(const v1::PlanView& plan, const std::vector<v1::Finding>& findings,
                        const v1::TargetMemory* memory);
std::string VerdictLine(const v1::Action& command, const std::vector<v1::Finding>& findings);

// What `--explain` tells about a code. Texts are constants.
struct RuleDescription {
  std::string_view code;
  v1::Finding::Severity severity;  // The worst that it can have.
  // State, Scale, Irrecoverable, Mixed, Runs code, Not what it seems, Access or Commands.
  std::string_view group;
  std::string_view explanation;  // When it is found, and why it matters.
  std::string_view resolution;   // What to do about it.
  // Whether nobody may approve a proposal with it unless policy permits it.
  bool forbidden_by_default = false;
};

// All of them, in the order of the groups.
const std::vector<RuleDescription>& RuleTable();
// Null pointer when there is none.
const RuleDescription* FindRule(std::string_view code);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_JUDGE_H_
