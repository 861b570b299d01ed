#include "core/policy/requirement.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/error/error.h"
#include "core/finding/judge.h"
#include "core/text/text.h"

namespace countersign::policy {
namespace {

template <typename Range, typename Value>
bool EmptyOrContains(const Range& range, const Value& value) {
  return range.empty() || std::find(range.begin(), range.end(), value) != range.end();
}

bool Matches(const v1::PolicyRule& rule, const v1::Target& target, v1::Kind kind) {
  return EmptyOrContains(rule.environments(), target.environment()) &&
         EmptyOrContains(rule.targets(), target.name()) && EmptyOrContains(rule.kinds(), kind);
}

// The first that matches; null pointer when none does.
const v1::PolicyRule* RuleFor(const Configuration& configuration, const v1::Target& target, v1::Kind kind) {
  const auto& rules = configuration.policy().rules();
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const v1::PolicyRule& r) { return Matches(r, target, kind); });
  return rule == rules.end() ? nullptr : &*rule;
}

v1::Requirement BuiltInDefault() {
  v1::Requirement requirement;
  requirement.set_verdict(v1::Requirement::REQUIRE_APPROVAL);
  requirement.add_quorums()->set_count(1);
  requirement.mutable_pending_lifetime()->set_seconds(24 * 3600);
  requirement.mutable_approval_lifetime()->set_seconds(3600);
  requirement.mutable_token_lifetime()->set_seconds(300);
  requirement.mutable_lease_lifetime()->set_seconds(60);
  requirement.set_rule("default");
  return requirement;
}

v1::Requirement RequirementOf(const v1::PolicyRule& rule, v1::Kind kind) {
  v1::Requirement requirement = BuiltInDefault();
  requirement.set_rule(rule.name());
  requirement.set_verdict(rule.verdict());
  *requirement.mutable_quorums() = rule.quorums();
  requirement.set_owner_excluded(rule.owner_excluded());
  requirement.set_subset_allowed(rule.subset_allowed());
  if (rule.has_pending_lifetime()) *requirement.mutable_pending_lifetime() = rule.pending_lifetime();
  if (rule.has_approval_lifetime()) *requirement.mutable_approval_lifetime() = rule.approval_lifetime();
  if (rule.has_token_lifetime()) *requirement.mutable_token_lifetime() = rule.token_lifetime();
  if (rule.has_lease_lifetime()) *requirement.mutable_lease_lifetime() = rule.lease_lifetime();
  // Left out where it says nothing, so that what was recorded before there was such a field still stands.
  if (kind == v1::TERRAFORM_PLAN && rule.has_max_plan_age()) {
    *requirement.mutable_max_plan_age() = rule.max_plan_age();
  }
  return requirement;
}

// Lists the findings with which nobody may approve, in the order in which they were found.
void Forbid(const v1::PolicyRule& rule, const Findings& findings, v1::Requirement* requirement) {
  const std::set<std::string> forbidden(rule.forbidden_findings().begin(), rule.forbidden_findings().end());
  const std::set<std::string> permitted(rule.permitted_findings().begin(), rule.permitted_findings().end());
  for (const v1::Finding& finding : findings) {
    const finding::RuleDescription* description = finding::FindRule(finding.code());
    const bool by_default = description == nullptr || description->forbidden_by_default;
    if (forbidden.contains(finding.code()) || (by_default && !permitted.contains(finding.code()))) {
      requirement->add_forbidden_findings(finding.code());
    }
  }
}

v1::Reason ReasonFor(const std::string& code) {
  if (code == "state-missing") return v1::STATE_MISSING;
  if (code == "state-lineage-changed") return v1::STATE_LINEAGE_CHANGED;
  if (code == "state-serial-regressed") return v1::STATE_SERIAL_REGRESSED;
  return v1::POLICY_DENIED;
}

}  // namespace

v1::Requirement Evaluate(const Configuration& configuration, const v1::Target& target, v1::Kind kind,
                         const Findings& findings) {
  const v1::PolicyRule* const rule = RuleFor(configuration, target, kind);
  v1::Requirement requirement = rule == nullptr ? BuiltInDefault() : RequirementOf(*rule, kind);
  Forbid(rule == nullptr ? v1::PolicyRule::default_instance() : *rule, findings, &requirement);
  const bool severe = std::any_of(findings.begin(), findings.end(), [](const v1::Finding& finding) {
    return finding.severity() >= v1::Finding::HIGH;
  });
  if (requirement.verdict() == v1::Requirement::ALLOW &&
      (severe || !requirement.forbidden_findings().empty())) {
    requirement.set_verdict(v1::Requirement::REQUIRE_APPROVAL);
    if (requirement.quorums().empty()) *requirement.mutable_quorums() = BuiltInDefault().quorums();
  }
  return requirement;
}

absl::Duration MaxPlanAge(const Configuration& configuration, const v1::Target& target) {
  const v1::PolicyRule* const rule = RuleFor(configuration, target, v1::TERRAFORM_PLAN);
  if (rule == nullptr || !rule->has_max_plan_age()) return finding::kDefaultMaxPlanAge;
  return absl::Seconds(rule->max_plan_age().seconds());
}

absl::Status CheckForbidden(const v1::Requirement& requirement, const Findings& findings) {
  const auto& forbidden = requirement.forbidden_findings();
  for (const v1::Finding& finding : findings) {
    if (std::find(forbidden.begin(), forbidden.end(), finding.code()) == forbidden.end()) continue;
    return error::Make(ReasonFor(finding.code()),
                       text::Concat(finding.code(), ": ", finding.sentence(), " ", finding.resolution()));
  }
  return absl::OkStatus();
}

}  // namespace countersign::policy
