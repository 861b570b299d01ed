#include "core/policy/review.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "core/error/error.h"
#include "core/finding/judge.h"
#include "core/text/text.h"

namespace countersign::policy {
namespace {

constexpr size_t kMaxPersonBytes = 64;

// One spelling for each word: no upper case, no letters that look like others, nothing invisible.
bool IsPersonName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPersonBytes &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '.' || c == '_' || c == '-';
         });
}

absl::Status ReviewPersons(const Configuration& configuration) {
  std::set<std::string> persons;
  for (const v1::Principal& principal : configuration.principals()) {
    if (Configuration::KindOf(principal) == PrincipalKind::kHuman) {
      persons.insert(Configuration::PersonOf(principal));
    }
  }
  for (size_t i = 0; i < configuration.principals().size(); ++i) {
    const v1::Principal& principal = configuration.principals()[i];
    const std::string path = text::Concat("Directory.principals[", i, "]");
    if (!principal.person().empty() && !IsPersonName(principal.person())) {
      return error::InvalidField(text::Concat(path, ".person"), "must be 1 to 64 of a-z, 0-9, '.', '_', '-'");
    }
    if (!principal.owner().empty() && !persons.contains(principal.owner())) {
      return error::InvalidField(text::Concat(path, ".owner"),
                                 text::Concat("of ", principal.id(),
                                              " must be the `person` of a human of this directory, or the id "
                                              "of a human without one"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReviewFindings(const google::protobuf::RepeatedPtrField<std::string>& codes,
                            const std::string& path) {
  for (int i = 0; i < codes.size(); ++i) {
    if (finding::FindRule(codes[i]) != nullptr) continue;
    return error::InvalidField(text::Concat(path, "[", i, "]"),
                               text::Concat("there is no finding ", codes[i],
                                            "; `countersign analyze --explain all` lists them all"));
  }
  return absl::OkStatus();
}

absl::Status ReviewRules(const Configuration& configuration) {
  std::set<std::string_view> environments;
  for (const v1::Target& target : configuration.targets()) environments.insert(target.environment());
  const auto& rules = configuration.policy().rules();
  for (int i = 0; i < rules.size(); ++i) {
    const std::string path = text::Concat("Policy.rules[", i, "]");
    absl::Status known = ReviewFindings(rules[i].forbidden_findings(), path + ".forbidden_findings");
    if (known.ok()) known = ReviewFindings(rules[i].permitted_findings(), path + ".permitted_findings");
    if (!known.ok()) return known;
    for (int j = 0; j < rules[i].environments_size(); ++j) {
      if (environments.contains(rules[i].environments(j))) continue;
      return error::InvalidField(text::Concat(path, ".environments[", j, "]"),
                                 text::Concat("no target has the environment ", rules[i].environments(j),
                                              "; correct it, or apply the target before or with this"));
    }
    for (int j = 0; j < rules[i].targets_size(); ++j) {
      if (configuration.FindTarget(rules[i].targets(j)) != nullptr) continue;
      return error::InvalidField(text::Concat(path, ".targets[", j, "]"),
                                 text::Concat("there is no ", rules[i].targets(j),
                                              "; correct it, or apply the target before or with this"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Review(const Configuration& configuration) {
  if (absl::Status status = ReviewPersons(configuration); !status.ok()) return status;
  return ReviewRules(configuration);
}

}  // namespace countersign::policy
