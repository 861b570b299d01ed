#include "core/finding/finding_list.h"

#include <algorithm>
#include <utility>

#include "core/finding/judge.h"
#include "core/finding/wording.h"

namespace countersign::finding {
namespace {

constexpr size_t kNameBytes = 80;
constexpr size_t kNamesKept = 3;

}  // namespace

void Found::At(v1::Finding::Severity severity, std::string_view address, std::string_view path,
               std::string_view value, std::string_view name) {
  ++count_;
  Places& places = places_[severity];
  if (places.evidence.size() < kEvidenceShown) {
    v1::Evidence& evidence = places.evidence.emplace_back();
    evidence.set_address(std::string(address));
    evidence.set_path(std::string(path));
    evidence.set_value(Cut(value, kEvidenceValueBytes));
  }
  const std::string_view called = name.empty() ? address : name;
  const std::string shown = Cut(called, kNameBytes);
  if (places.names.size() < kNamesKept && (places.names.empty() || places.names.back() != shown)) {
    places.names.push_back(shown);
  }
  // Places of one resource come one after the other.
  if (name_count_ > 0 && called == last_name_) return;
  ++name_count_;
  last_name_ = called;
}

v1::Finding::Severity Found::severity() const {
  return places_.empty() ? v1::Finding::SEVERITY_UNSPECIFIED : places_.begin()->first;
}

std::string Found::Names() const {
  std::vector<std::string> names;
  for (const auto& [severity, places] : places_) {
    for (const std::string& name : places.names) {
      const bool there = std::find(names.begin(), names.end(), name) != names.end();
      if (names.size() < kNamesKept && !there) names.push_back(name);
    }
  }
  return ListOf(names, name_count_);
}

v1::Finding Found::Make(std::string sentence) const {
  v1::Finding finding;
  for (const auto& [severity, places] : places_) {
    for (const v1::Evidence& evidence : places.evidence) {
      if (finding.evidence_size() < kEvidenceShown) *finding.add_evidence() = evidence;
    }
  }
  finding.set_evidence_omitted(count_ - finding.evidence_size());
  finding.set_severity(severity());
  finding.set_code(std::string(code_));
  finding.set_sentence(std::move(sentence));
  return finding;
}

void FindingList::Add(const Found& found, std::string sentence) {
  if (!found.empty()) findings_.push_back(found.Make(std::move(sentence)));
}

std::vector<v1::Finding> FindingList::Take() {
  for (v1::Finding& finding : findings_) {
    finding.set_resolution(std::string(FindRule(finding.code())->resolution));
  }
  std::stable_sort(findings_.begin(), findings_.end(), [](const v1::Finding& a, const v1::Finding& b) {
    if (a.severity() != b.severity()) return a.severity() > b.severity();
    return FindRule(a.code()) < FindRule(b.code());
  });
  return std::move(findings_);
}

}  // namespace countersign::finding
