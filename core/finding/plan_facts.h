// What all rules ask of a plan, worked out once.
#ifndef COUNTERSIGN_CORE_FINDING_PLAN_FACTS_H_
#define COUNTERSIGN_CORE_FINDING_PLAN_FACTS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/finding/judge.h"
#include "core/finding/resource_types.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::finding {

// A managed object and what happens to it. A replacement creates and deletes.
struct ChangeFact {
  const v1::ResourceChange* change = nullptr;
  const ResourceType* type = nullptr;  // Null pointer when the table does not have it.
  bool creates = false;
  bool updates = false;
  bool deletes = false;
  bool forgets = false;

  bool Replaces() const { return creates && deletes; }
  bool Holds(ResourceType::Holds what) const { return type != nullptr && type->holds == what; }
};

// What people call the resource: an identifier of it, or else its address.
std::string NameOf(const ChangeFact& fact);
// "database courses-prod", or the address alone when the table knows nothing about the type.
std::string DescriptionOf(const ChangeFact& fact);

// In the order of their keys: that of the message's map is any.
std::map<std::string, std::string> IdentifiersOf(const v1::ResourceChange& change);

// Whether that is where real users are; also true when it is not known.
bool IsProduction(std::string_view environment);

// The managed changes of a plan, each with its actions, the one whose loss is the worst first: what findings
// and verdicts cut is the least. Data sources are left out. `memory` is a null pointer when nothing is
// remembered of the target.
std::vector<ChangeFact> FactsOf(const v1::PlanView& plan, const v1::TargetMemory* memory);

// One plan with what is known beside it. Borrows both.
class PlanFacts {
 public:
  PlanFacts(const v1::PlanView& plan, const PlanContext& context);

  const v1::PlanView& plan() const { return plan_; }
  const PlanContext& context() const { return context_; }
  // Null pointer when nothing is remembered.
  const v1::TargetMemory* memory() const { return memory_; }
  const std::vector<ChangeFact>& changes() const { return changes_; }
  // Objects that go: deletes without the replacements, and the replacements.
  int64_t deleted() const { return deleted_; }
  int64_t replaced() const { return replaced_; }
  // Managed objects in the plan's state.
  int64_t state_size() const { return state_size_; }
  // Objects of the plan's state, current ones only.
  bool StateHasAddress(const std::string& address) const { return state_addresses_.contains(address); }
  bool StateHasObject(const std::string& type, const std::string& id) const;
  // Whether refreshing found it gone.
  bool IsGone(const std::string& address) const { return gone_.contains(address); }

 private:
  const v1::PlanView& plan_;
  const PlanContext& context_;
  const v1::TargetMemory* memory_ = nullptr;
  std::vector<ChangeFact> changes_;
  int64_t deleted_ = 0;
  int64_t replaced_ = 0;
  int64_t state_size_ = 0;
  absl::flat_hash_set<std::string> state_addresses_;
  absl::flat_hash_set<std::string> state_objects_;
  absl::flat_hash_set<std::string> gone_;
};

// One key for a type and an id, neither of which holds a line end in practice; a clash only adds noise.
std::string ObjectKey(std::string_view type, std::string_view id);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_PLAN_FACTS_H_
