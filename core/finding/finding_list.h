#ifndef COUNTERSIGN_CORE_FINDING_FINDING_LIST_H_
#define COUNTERSIGN_CORE_FINDING_FINDING_LIST_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "countersign/v1/finding.pb.h"

namespace countersign::finding {

inline constexpr int kEvidenceShown = 20;
inline constexpr size_t kEvidenceValueBytes = 256;

// One finding in the making: collects the places, keeps the worst of them and counts the others. Of places
// that are as bad as one another, the first are kept, so they are to be added in the order of changes().
// Found means that there is at least one place. A plain value.
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
  // The worst of all places.
  v1::Finding::Severity severity() const;
  // "a, b and 7 more": the names of the worst places, each of them once.
  std::string Names() const;

  // The finding with everything but its resolution.
  v1::Finding Make(std::string sentence) const;

 private:
  // The first places of one severity.
  struct Places {
    std::vector<v1::Evidence> evidence;
    std::vector<std::string> names;
  };

  std::string_view code_;
  std::map<v1::Finding::Severity, Places, std::greater<>> places_;
  int64_t count_ = 0;
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
