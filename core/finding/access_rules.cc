#include "core/finding/access_rules.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/finding/attribute_values.h"
#include "core/finding/data_reader.h"
#include "core/finding/embedded_data.h"
#include "core/finding/plan_rules.h"
#include "core/finding/wording.h"
#include "core/text/text.h"
#include "nlohmann/json.hpp"

namespace countersign::finding {
namespace {

using v1::Finding;

absl::StatusOr<AccessRule> ReadRule(const nlohmann::json& object, std::string place,
                                    std::vector<std::string>* types) {
  TableReader reader(object, std::move(place));
  AccessRule rule;
  rule.code = reader.Text("code");
  reader.OneOf(rule.code, {"iam-wildcard", "public-ingress", "public-bucket"});
  *types = reader.Texts("types");
  if (types->empty()) reader.Fail("types are missing");
  rule.deletion = reader.Flag("deletion");
  rule.policy_document = reader.Flag("policy_document");
  rule.attribute = reader.OptionalText("attribute");
  rule.values = reader.Texts("values");
  rule.networks = reader.Flag("networks");
  rule.only_when = reader.OptionalText("only_when");
  rule.only_values = reader.Texts("only_values");
  if (rule.deletion != rule.attribute.empty()) reader.Fail("needs either attribute or deletion");
  const bool by_value = !rule.values.empty() || rule.networks;
  if (!rule.deletion && rule.policy_document == by_value) {
    reader.Fail("needs either values, networks or policy_document");
  }
  if (rule.only_when.empty() != rule.only_values.empty()) reader.Fail("needs both only_when and only_values");
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return rule;
}

// IAM takes the names of elements in any case.
const nlohmann::json* Element(const nlohmann::json& statement, std::string_view name) {
  for (const auto& [key, value] : statement.items()) {
    if (Lower(key) == name) return &value;
  }
  return nullptr;
}

// Whether a text, or a text in a list or an object of them, fits `is_wide`.
template <typename Test>
bool AnyText(const nlohmann::json* value, const Test& is_wide) {
  if (value == nullptr) return false;
  if (value->is_string()) return is_wide(Lower(value->get_ref<const std::string&>()));
  if (!value->is_structured()) return false;
  return std::any_of(value->begin(), value->end(), [&is_wide](const nlohmann::json& element) {
    if (element.is_array()) {
      return std::any_of(element.begin(), element.end(), [&is_wide](const nlohmann::json& inner) {
        return inner.is_string() && is_wide(Lower(inner.get_ref<const std::string&>()));
      });
    }
    return element.is_string() && is_wide(Lower(element.get_ref<const std::string&>()));
  });
}

// `*`, and what means the same: `?*`, `**`.
bool IsStar(std::string_view text) {
  return text.find('*') != std::string_view::npos && text.find_first_not_of("*?") == std::string_view::npos;
}

// Of an action, `service:name`.
bool AllowsEverything(std::string_view action) {
  const size_t colon = action.find(':');
  if (colon == std::string_view::npos) return IsStar(action);
  const std::string_view service = action.substr(0, colon);
  return IsStar(action.substr(colon + 1)) && (IsStar(service) || service == "iam");
}

// Rights to give oneself more rights.
bool ChangesRights(std::string_view action) {
  if (!action.starts_with("iam:") || action.find('*') == std::string_view::npos) return false;
  constexpr std::string_view kReads[] = {"iam:get", "iam:list", "iam:generate", "iam:simulate"};
  return std::none_of(std::begin(kReads), std::end(kReads),
                      [action](std::string_view read) { return action.starts_with(read); });
}

PolicyVerdict JudgeStatement(const nlohmann::json& statement) {
  if (!statement.is_object()) return PolicyVerdict::kUnreadable;
  const nlohmann::json* effect = Element(statement, "effect");
  if (effect != nullptr && effect->is_string() && Lower(effect->get_ref<const std::string&>()) == "deny") {
    return PolicyVerdict::kNarrow;
  }
  const bool anybody = AnyText(Element(statement, "principal"), IsStar) || Element(statement, "notprincipal");
  if (anybody && Element(statement, "condition") == nullptr) return PolicyVerdict::kPublic;
  const nlohmann::json* const action = Element(statement, "action");
  const bool much = AnyText(action, [](std::string_view text) {
    const size_t colon = text.find(':');
    return ChangesRights(text) || (colon != std::string_view::npos && IsStar(text.substr(colon + 1)));
  });
  // In the policy of a resource, which names principals, a star is the resource itself.
  const bool on_all =
      AnyText(Element(statement, "resource"), IsStar) && Element(statement, "principal") == nullptr;
  if (AnyText(action, AllowsEverything) || Element(statement, "notaction") != nullptr || (much && on_all)) {
    return PolicyVerdict::kWide;
  }
  return PolicyVerdict::kNarrow;
}

// As far as it is known: of what is not replaced, what stays the same is not in the plan's view; then it may.
bool MayApply(const AccessRule& rule, const v1::ResourceChange& change) {
  if (rule.only_when.empty()) return true;
  const Values values = ValuesOf(change, rule.only_when, Side::kAfter);
  return !values.known ||
         std::any_of(values.texts.begin(), values.texts.end(), [&rule](const std::string& text) {
           return std::find(rule.only_values.begin(), rule.only_values.end(), Lower(text)) !=
                  rule.only_values.end();
         });
}

bool IsWide(const AccessRule& rule, const std::string& value) {
  if (rule.networks && IsWideNetwork(value)) return true;
  if (!rule.policy_document) {
    return std::any_of(rule.values.begin(), rule.values.end(), [&value](const std::string& pattern) {
      return pattern == "*" ? value == "*" : Matches(pattern, value);
    });
  }
  const PolicyVerdict verdict = JudgePolicyDocument(value);
  if (rule.code == "public-bucket") return verdict == PolicyVerdict::kPublic;
  return verdict == PolicyVerdict::kPublic || verdict == PolicyVerdict::kWide;
}

struct AccessFindings {
  Found rights{"iam-wildcard"};
  Found ingress{"public-ingress"};
  Found buckets{"public-bucket"};

  Found* Of(const AccessRule& rule) {
    return rule.code == "iam-wildcard" ? &rights : rule.code == "public-ingress" ? &ingress : &buckets;
  }
};

void JudgeAttribute(const AccessRule& rule, const ChangeFact& fact, const v1::AttributeChange& attribute,
                    AccessFindings* findings) {
  const Values after = ValuesIn(attribute, rule.attribute, Side::kAfter);
  Found* found = findings->Of(rule);
  const std::string& address = fact.change->address();
  const std::string description = DescriptionOf(fact);
  const bool unreadable =
      std::any_of(after.texts.begin(), after.texts.end(), [&rule](const std::string& text) {
        return rule.policy_document && JudgePolicyDocument(text) == PolicyVerdict::kUnreadable;
      });
  if (attribute.cut() || attribute.masked()) {
    found->At(Finding::HIGH, address, attribute.path(),
              attribute.masked() ? "hidden, so not judged" : "too long to be judged", description);
  } else if (!after.known || unreadable) {
    found->At(Finding::WARNING, address, attribute.path(), "not known before it is applied", description);
  }
  for (const std::string& value : after.texts) {
    if (IsWide(rule, value)) found->At(Finding::HIGH, address, attribute.path(), value, description);
  }
}

void JudgeChange(const ChangeFact& fact, AccessFindings* findings) {
  for (const AccessRule& rule : AccessRules::Get().Of(fact.change->type())) {
    if (rule.deletion) {
      if (fact.deletes && !fact.creates) {
        findings->Of(rule)->At(Finding::HIGH, fact.change->address(), "", "deleted", DescriptionOf(fact));
      }
      continue;
    }
    if ((!fact.creates && !fact.updates) || !MayApply(rule, *fact.change)) continue;
    for (const v1::AttributeChange& attribute : fact.change->attribute_changes()) {
      if (TellsAbout(attribute, rule.attribute)) JudgeAttribute(rule, fact, attribute, findings);
    }
  }
}

}  // namespace

absl::StatusOr<AccessRules> AccessRules::Parse(std::string_view text) {
  absl::StatusOr<nlohmann::json> table = ParseTable(text);
  if (!table.ok()) return table.status();
  TableReader reader(*table, "access_rules");
  AccessRules rules;
  size_t position = 0;
  for (const nlohmann::json* object : reader.Objects("rules")) {
    std::vector<std::string> types;
    absl::StatusOr<AccessRule> rule = ReadRule(*object, absl::StrCat("rules[", position++, "]"), &types);
    if (!rule.ok()) return rule.status();
    for (const std::string& type : types) rules.rules_[type].push_back(*rule);
  }
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return rules;
}

const AccessRules& AccessRules::Get() {
  static const auto* const rules = [] {
    absl::StatusOr<AccessRules> parsed = Parse(AccessRulesText());
    if (!parsed.ok()) std::abort();  // A test reads the table, so this is never shipped.
    return new AccessRules(*std::move(parsed));
  }();
  return *rules;
}

const std::vector<AccessRule>& AccessRules::Of(const std::string& type) const {
  static const auto* const none = new std::vector<AccessRule>;
  const auto at = rules_.find(type);
  return at == rules_.end() ? *none : at->second;
}

bool IsWideNetwork(std::string_view network) {
  constexpr int kSmallestIpv4 = 8;
  constexpr int kSmallestIpv6 = 16;
  const size_t slash = network.rfind('/');
  if (slash == std::string_view::npos) return false;
  int prefix = 0;
  const std::string_view digits = network.substr(slash + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || prefix < 0) return false;
  if (network.find(':') == std::string_view::npos) return prefix < kSmallestIpv4;
  const std::string front = Lower(network.substr(0, 2));
  return prefix == 0 || (prefix < kSmallestIpv6 && front != "fc" && front != "fd" && front != "fe");
}

PolicyVerdict JudgePolicyDocument(std::string_view json) {
  const nlohmann::json document = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return PolicyVerdict::kUnreadable;
  const nlohmann::json* statements = Element(document, "statement");
  if (statements == nullptr) return PolicyVerdict::kUnreadable;
  if (!statements->is_array()) return JudgeStatement(*statements);
  PolicyVerdict worst = PolicyVerdict::kNarrow;
  for (const nlohmann::json& statement : *statements) worst = std::max(worst, JudgeStatement(statement));
  return worst;
}

void JudgeAccess(const PlanFacts& facts, FindingList* findings) {
  AccessFindings access;
  for (const ChangeFact& fact : facts.changes()) JudgeChange(fact, &access);
  findings->Add(access.rights, text::Concat("Gives wide rights: ", access.rights.Names(), "."));
  findings->Add(access.ingress, text::Concat("Opens to everybody: ", access.ingress.Names(), "."));
  findings->Add(access.buckets, text::Concat("Lets everybody read: ", access.buckets.Names(), "."));
}

}  // namespace countersign::finding
