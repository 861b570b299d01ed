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
  finding_.set_severity(std::max(finding_.severity(), severity));
  if (finding_.evidence_size() < kEvidenceShown) {
    v1::Evidence* evidence = finding_.add_evidence();
    evidence->set_address(std::string(address));
    evidence->set_path(std::string(path));
    evidence->set_value(Cut(value, kEvidenceValueBytes));
  } else {
    finding_.set_evidence_omitted(finding_.evidence_omitted() + 1);
  }
  const std::string_view called = name.empty() ? address : name;
  // Places of one resource come one after the other.
  if (name_count_ > 0 && called == last_name_) return;
  ++name_count_;
  last_name_ = called;
  if (names_.size() < kNamesKept) names_.push_back(Cut(called, kNameBytes));
}

std::string Found::Names() const { return ListOf(names_, name_count_); }

v1::Finding Found::Make(std::string sentence) const {
  v1::Finding finding = finding_;
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
