#include "core/policy/requirement.h"

#include <algorithm>

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

}  // namespace

v1::Requirement Evaluate(const Configuration& configuration, const v1::Target& target, v1::Kind kind) {
  v1::Requirement requirement = BuiltInDefault();
  const auto& rules = configuration.policy().rules();
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const v1::PolicyRule& r) { return Matches(r, target, kind); });
  if (rule == rules.end()) return requirement;
  requirement.set_rule(rule->name());
  requirement.set_verdict(rule->verdict());
  *requirement.mutable_quorums() = rule->quorums();
  requirement.set_owner_excluded(rule->owner_excluded());
  if (rule->has_pending_lifetime()) *requirement.mutable_pending_lifetime() = rule->pending_lifetime();
  if (rule->has_approval_lifetime()) *requirement.mutable_approval_lifetime() = rule->approval_lifetime();
  if (rule->has_token_lifetime()) *requirement.mutable_token_lifetime() = rule->token_lifetime();
  if (rule->has_lease_lifetime()) *requirement.mutable_lease_lifetime() = rule->lease_lifetime();
  return requirement;
}

}  // namespace countersign::policy
