#include "core/finding/environment_names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/finding/wording.h"

namespace countersign::finding {
namespace {

// How environments are written, without digits at the end.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kEnvironments = {{
    {"prod", "production"},
    {"production", "production"},
    {"prd", "production"},
    {"live", "production"},
    {"preprod", "pre-production"},
    {"preproduction", "pre-production"},
    {"stag", "staging"},
    {"staging", "staging"},
    {"stage", "staging"},
    {"stg", "staging"},
    {"dev", "development"},
    {"devel", "development"},
    {"development", "development"},
    {"test", "test"},
    {"testing", "test"},
    {"tst", "test"},
    {"qa", "qa"},
    {"uat", "uat"},
    {"sandbox", "sandbox"},
    {"sbx", "sandbox"},
    {"demo", "demo"},
    {"preview", "preview"},
}};

constexpr size_t kShortest = std::string_view("qa").size();
constexpr size_t kLongest = std::string_view("preproduction").size();

std::string_view EnvironmentOf(std::string_view word) {
  while (!word.empty() && word.back() >= '0' && word.back() <= '9') word.remove_suffix(1);
  if (word.size() < kShortest || word.size() > kLongest) return {};
  const std::string lower = Lower(word);
  const auto at = std::find_if(kEnvironments.begin(), kEnvironments.end(),
                               [&lower](const auto& entry) { return entry.first == lower; });
  return at == kEnvironments.end() ? std::string_view() : at->second;
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

std::vector<std::string_view> EnvironmentsIn(std::string_view name) {
  std::vector<std::string_view> environments;
  size_t begin = 0;
  for (size_t i = 0; i <= name.size(); ++i) {
    const bool inside = i < name.size() && (IsLetter(name[i]) || (name[i] >= '0' && name[i] <= '9'));
    const bool hump = inside && i > begin && IsUpper(name[i]) && !IsUpper(name[i - 1]);
    if (inside && !hump) continue;
    const std::string_view found = EnvironmentOf(name.substr(begin, i - begin));
    if (!found.empty()) environments.push_back(found);
    begin = hump ? i : i + 1;
  }
  return environments;
}

std::string NamesIn(const v1::ResourceChange& change) {
  std::string names = change.module_address();
  absl::StrAppend(&names, " ", change.name());
  const size_t index = change.address().rfind('[');
  if (change.address().ends_with(']') && index != std::string::npos) {
    absl::StrAppend(&names, " ", change.address().substr(index));
  }
  return names;
}

}  // namespace countersign::finding
