#include <algorithm>
#include <iterator>
#include <string_view>

#include "core/finding/plan_rules.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

constexpr std::string_view kWeakening[] = {
    "automated-backups-deleted", "bucket-force-destroy", "iam-wildcard",
    "protection-removed",        "public-bucket",        "public-ingress"};

bool Changes(const v1::PlanView& plan, const v1::Evidence& evidence) {
  return std::any_of(
      plan.resource_changes().begin(), plan.resource_changes().end(), [&](const v1::ResourceChange& change) {
        return change.address() == evidence.address() &&
               std::any_of(change.attribute_changes().begin(), change.attribute_changes().end(),
                           [&](const auto& attribute) { return attribute.path() == evidence.path(); });
      });
}

}  // namespace

void JudgeWeakeningDrift(const PlanFacts& facts, FindingList* findings) {
  v1::PlanView drifted;
  for (const v1::ResourceChange& drift : facts.plan().resource_drift()) {
    if (drift.actions_size() == 1 && drift.actions(0) == "update") *drifted.add_resource_changes() = drift;
  }
  PlanContext context;
  context.has_target = false;
  const PlanFacts drift(drifted, context);
  FindingList judged;
  JudgeIrrecoverable(drift, &judged);
  JudgeAccess(drift, &judged);
  Found found("drift-weakens");
  for (const v1::Finding& finding : judged.Take()) {
    if (std::find(std::begin(kWeakening), std::end(kWeakening), finding.code()) == std::end(kWeakening))
      continue;
    for (const v1::Evidence& evidence : finding.evidence()) {
      if (Changes(facts.plan(), evidence)) continue;
      found.At(v1::Finding::HIGH, evidence.address(), evidence.path(), evidence.value());
    }
  }
  findings->Add(found, text::Concat("Leaves weaker what was made weaker since the last run: ", found.Names(),
                                    ", if the plan tells the truth."));
}

}  // namespace countersign::finding
