#ifndef COUNTERSIGN_CORE_FINDING_FINDING_LIST_H_
#define COUNTERSIGN_CORE_FINDING_FINDING_LIST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "countersign/v1/finding.pb.h"

namespace countersign::finding {

inline constexpr int kEvidenceShown = 20;
inline constexpr size_t kEvidenceValueBytes = 256;

// One finding in the making: collects the places, keeps the first of them and counts the others. Found means
// that there is at least one place. A plain value.
class Found {
 public:
  // `code` is one of RuleTable() and lives as long.
  explicit Found(std::string_view code) : code_(code) {}

  // A place, and how bad it is there; the worst counts for all. `name` is what the sentence calls it, the
  // address when it is empty. `value` must not be sensitive.
  void At(v1::Finding::Severity severity, std::string_view address, std::string_view path = {},
          std::string_view value = {}, std::string_view name = {});

  bool empty() const { return count_ == 0; }
  int64_t count() const { return count_; }
  std::string_view code() const { return code_; }
  v1::Finding::Severity severity() const { return finding_.severity(); }
  // "a, b and 7 more": the first places' names, each of them once.
  std::string Names() const;

  // The finding with everything but its resolution.
  v1::Finding Make(std::string sentence) const;

 private:
  std::string_view code_;
  v1::Finding finding_;
  int64_t count_ = 0;
  std::vector<std::string> names_;
  int64_t name_count_ = 0;
  std::string last_name_;
};

// The findings of one proposal.
class FindingList {
 public:
  // Nothing when `found` is empty.
  void Add(const Found& found, std::string sentence);
  // The worst first, then as RuleTable() has them, with their resolutions.
  std::vector<v1::Finding> Take();

 private:
  std::vector<v1::Finding> findings_;
};

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_FINDING_LIST_H_
