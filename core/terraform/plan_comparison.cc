#include "core/terraform/plan_comparison.h"

#include <google/protobuf/repeated_ptr_field.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "core/terraform/plan_mode.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

constexpr size_t kMostDifferences = 100;

using Names = google::protobuf::RepeatedPtrField<std::string>;
using Attributes = google::protobuf::RepeatedPtrField<v1::AttributeChange>;

// A key that stands for nothing else, and what has it, in the order of the keys.
template <typename Item>
using ByKey = std::map<std::string, const Item*>;

std::string NameOf(const v1::ResourceChange& change) {
  if (change.deposed().empty()) return change.address();
  return text::Concat(change.address(), " (deposed ", change.deposed(), ")");
}

std::string NameOf(const v1::OutputChange& change) { return text::Concat("output ", change.name()); }

// What cannot be told apart by its fields is told apart by how many there are.
std::string NameOf(const v1::ActionInvocation& invocation) {
  return text::Concat(invocation.address(), " for ",
                      invocation.triggering_address().empty() ? "itself" : invocation.triggering_address(),
                      invocation.deferred() ? ", later" : "");
}

std::string ActionsOf(const google::protobuf::RepeatedPtrField<std::string>& actions) {
  std::string all;
  for (const std::string& action : actions) all += text::Concat(all.empty() ? "" : " and ", action);
  return all;
}

// One side of a change, for people.
std::string SideOf(const std::string& json, const std::string& digest, bool unknown) {
  if (!digest.empty()) return "a sensitive value";
  if (!json.empty()) return json;
  return unknown ? "known after apply" : "nothing";
}

std::string Describe(const v1::AttributeChange& change) {
  const std::string before = SideOf(change.before_json(), change.before_digest(), false);
  return text::Concat(before, " -> ",
                      SideOf(change.after_json(), change.after_digest(), change.after_unknown()));
}

bool IsSame(const v1::AttributeChange& left, const v1::AttributeChange& right) {
  return left.before_json() == right.before_json() && left.after_json() == right.after_json() &&
         left.after_unknown() == right.after_unknown() && left.masked() == right.masked() &&
         left.before_digest() == right.before_digest() && left.after_digest() == right.after_digest();
}

// Empty when nothing is imported.
std::string Describe(const v1::ResourceChange& change) {
  if (!change.has_importing()) return "";
  return change.importing().unknown() ? "of what is known after apply"
                                      : text::Concat("of \"", change.importing().id(), "\"");
}

bool IsCut(const Attributes& changes) {
  return std::any_of(changes.begin(), changes.end(),
                     [](const v1::AttributeChange& change) { return change.cut(); });
}

// Whether the changes of attributes, as a view has them, are all that there is.
bool IsWhole(const v1::ResourceChange& change) {
  return change.attribute_changes_omitted() == 0 && !IsCut(change.attribute_changes());
}
bool IsWhole(const v1::OutputChange& change) { return !IsCut(change.attribute_changes()); }

int64_t CountMasked(const Attributes& changes) {
  return std::count_if(changes.begin(), changes.end(), [](const v1::AttributeChange& change) {
    return change.masked() && (change.before_digest() != change.after_digest() || change.after_unknown());
  });
}

// Whether every masked change has its digest in the view. What is not masked is in the fingerprint.
bool ShowsAllMasked(const v1::PlanView& view) {
  int64_t shown = 0;
  for (const v1::ResourceChange& change : view.resource_changes()) {
    shown += CountMasked(change.attribute_changes());
  }
  for (const v1::OutputChange& change : view.output_changes()) {
    shown += CountMasked(change.attribute_changes());
  }
  return shown == view.masked_change_count();
}

// Compares two views and writes down what differs.
class Comparer {
 public:
  Comparer(const v1::PlanView& approved, const v1::PlanView& fresh) : approved_(approved), fresh_(fresh) {}

  PlanComparison Compare();

 private:
  enum class Weight : uint8_t { kLess, kOther };

  void CompareSurroundings();
  void CompareProviders();
  void CompareVariables();
  std::map<std::string, std::pair<std::string, std::string>> VariableDigests() const;
  bool HasAllDigests() const;
  void CompareBackends(const v1::Backend& approved, const v1::Backend& fresh);
  template <typename Items>
  void CompareChanges(const Items& approved, const Items& fresh);
  template <typename Item>
  void CompareItem(const std::string& name, const Item& approved, const Item& fresh);
  void CompareHeads(const std::string& name, const v1::ResourceChange& approved,
                    const v1::ResourceChange& fresh);
  void CompareHeads(const std::string& name, const v1::OutputChange& approved, const v1::OutputChange& fresh);
  void CompareAttributes(const std::string& name, const Attributes& approved, const Attributes& fresh);
  void CompareInvocations();
  void CompareText(std::string_view what, const std::string& approved, const std::string& fresh);

  // kLess: the fresh plan does less than the other one. Everything else makes it another plan.
  void Add(Weight weight, std::string line) {
    ++count_;
    if (weight == Weight::kOther) result_.subset = false;
    if (count_ <= kMostDifferences) result_.differences.push_back(std::move(line));
  }

  const v1::PlanView& approved_;
  const v1::PlanView& fresh_;
  PlanComparison result_;
  size_t count_ = 0;
  bool same_fingerprint_ = false;
};

void Comparer::CompareText(std::string_view what, const std::string& approved, const std::string& fresh) {
  if (approved == fresh) return;
  const auto quoted = [](const std::string& text) { return text.empty() ? std::string("none") : text; };
  Add(Weight::kOther, text::Concat(what, ": ", quoted(fresh), ", was ", quoted(approved)));
}

void Comparer::CompareBackends(const v1::Backend& approved, const v1::Backend& fresh) {
  const size_t before = count_;
  CompareText("backend", approved.type(), fresh.type());
  CompareText("workspace", approved.workspace(), fresh.workspace());
  std::set<std::string> names;
  for (const auto& [name, value] : approved.settings()) names.insert(name);
  for (const auto& [name, value] : fresh.settings()) names.insert(name);
  const auto setting = [](const v1::Backend& backend, const std::string& name) {
    const auto found = backend.settings().find(name);
    return found == backend.settings().end() ? std::string() : found->second;
  };
  for (const std::string& name : names) {
    CompareText(text::Concat("backend setting ", name), setting(approved, name), setting(fresh, name));
  }
  if (count_ == before && approved.settings_digest() != fresh.settings_digest()) {
    Add(Weight::kOther, "backend: other settings, among those that are not shown");
  }
}

void Comparer::CompareSurroundings() {
  CompareBackends(approved_.backend(), fresh_.backend());
  CompareText("configuration", approved_.configuration().digest(), fresh_.configuration().digest());
  CompareProviders();
  CompareVariables();
}

void Comparer::CompareProviders() {
  std::map<std::string, std::pair<v1::ProviderLock, v1::ProviderLock>> locks;
  for (const auto& lock : approved_.configuration().providers()) locks[lock.source()].first = lock;
  for (const auto& lock : fresh_.configuration().providers()) locks[lock.source()].second = lock;
  for (const auto& [source, both] : locks) {
    const auto& [approved, fresh] = both;
    CompareText(text::Concat("provider ", source), approved.version(), fresh.version());
    const bool same = std::equal(approved.hashes().begin(), approved.hashes().end(), fresh.hashes().begin(),
                                 fresh.hashes().end());
    if (!same && approved.version() == fresh.version()) {
      Add(Weight::kOther, text::Concat("provider ", source, ": other hashes"));
    }
  }
}

void Comparer::CompareVariables() {
  const auto compare = [this](const Names& approved, const Names& fresh, std::string_view kind) {
    const std::set<std::string> before(approved.begin(), approved.end());
    const std::set<std::string> after(fresh.begin(), fresh.end());
    for (const std::string& name : after) {
      if (!before.contains(name))
        Add(Weight::kOther, text::Concat(kind, " ", name, ": is given, and was not before"));
    }
    for (const std::string& name : before) {
      if (!after.contains(name)) Add(Weight::kOther, text::Concat(kind, " ", name, ": is no longer given"));
    }
  };
  compare(approved_.variables(), fresh_.variables(), "variable");
  compare(approved_.apply_time_variables(), fresh_.apply_time_variables(), "variable at apply");
  for (const auto& [name, digests] : VariableDigests()) {
    if (digests.first != digests.second) {
      Add(Weight::kOther, text::Concat("variable ", name, ": another value that is not shown"));
    }
  }
}

// Of the variables that both plans have, in the order of their names.
std::map<std::string, std::pair<std::string, std::string>> Comparer::VariableDigests() const {
  const auto digest = [](const v1::PlanView& plan, const std::string& name) {
    const auto found = plan.variable_digests().find(name);
    return found == plan.variable_digests().end() ? std::string() : found->second;
  };
  const std::set<std::string> before(approved_.variables().begin(), approved_.variables().end());
  std::map<std::string, std::pair<std::string, std::string>> digests;
  for (const std::string& name : fresh_.variables()) {
    if (before.contains(name)) digests[name] = {digest(approved_, name), digest(fresh_, name)};
  }
  return digests;
}

// Whether all that a view does not show can be compared by digests. Those of other variables are a
// difference.
bool Comparer::HasAllDigests() const {
  const auto digests = VariableDigests();
  return std::none_of(digests.begin(), digests.end(),
                      [](const auto& each) { return each.second.first.empty(); });
}

template <typename Items>
void Comparer::CompareChanges(const Items& approved, const Items& fresh) {
  ByKey<typename Items::value_type> left;
  ByKey<typename Items::value_type> right;
  for (const auto& change : approved) {
    if (HasEffect(change)) left[NameOf(change)] = &change;
  }
  for (const auto& change : fresh) {
    if (HasEffect(change)) right[NameOf(change)] = &change;
  }
  for (const auto& [name, change] : right) {
    const auto found = left.find(name);
    if (found == left.end()) {
      Add(Weight::kOther,
          text::Concat(name, ": ", ActionsOf(change->actions()), ", which was not planned before"));
    } else {
      CompareItem(name, *found->second, *change);
    }
  }
  for (const auto& [name, change] : left) {
    if (right.contains(name)) continue;
    Add(Weight::kLess, text::Concat(name, ": ", ActionsOf(change->actions()), " is no longer planned"));
  }
}

template <typename Item>
void Comparer::CompareItem(const std::string& name, const Item& approved, const Item& fresh) {
  const size_t before = count_;
  CompareHeads(name, approved, fresh);
  CompareAttributes(name, approved.attribute_changes(), fresh.attribute_changes());
  const bool whole = IsWhole(approved) && IsWhole(fresh);
  if (count_ == before && !whole && !same_fingerprint_) {
    Add(Weight::kOther, text::Concat(name, ": what is left out of the view may differ"));
  }
}

void Comparer::CompareHeads(const std::string& name, const v1::ResourceChange& approved,
                            const v1::ResourceChange& fresh) {
  CompareText(name, ActionsOf(approved.actions()), ActionsOf(fresh.actions()));
  CompareText(text::Concat(name, ": moved from"), approved.previous_address(), fresh.previous_address());
  CompareText(text::Concat(name, ": provider"), approved.provider_name(), fresh.provider_name());
  CompareText(text::Concat(name, ": import"), Describe(approved), Describe(fresh));
  if (approved.attribute_changes_omitted() != fresh.attribute_changes_omitted()) {
    Add(Weight::kOther,
        text::Concat(name, ": ", fresh.attribute_changes_omitted(),
                     " changes are left out of the view, were ", approved.attribute_changes_omitted()));
  }
}

void Comparer::CompareHeads(const std::string& name, const v1::OutputChange& approved,
                            const v1::OutputChange& fresh) {
  CompareText(name, ActionsOf(approved.actions()), ActionsOf(fresh.actions()));
  if (approved.sensitive() != fresh.sensitive()) {
    Add(Weight::kOther,
        text::Concat(name, fresh.sensitive() ? ": is sensitive now" : ": is no longer sensitive"));
  }
}

void Comparer::CompareAttributes(const std::string& name, const Attributes& approved,
                                 const Attributes& fresh) {
  ByKey<v1::AttributeChange> left;
  ByKey<v1::AttributeChange> right;
  for (const v1::AttributeChange& change : approved) left[change.path()] = &change;
  for (const v1::AttributeChange& change : fresh) right[change.path()] = &change;
  const auto at = [&name](const std::string& path) {
    return path.empty() ? text::Concat(name, ": ") : text::Concat(name, ": ", path, ": ");
  };
  for (const auto& [path, change] : right) {
    const auto found = left.find(path);
    if (found == left.end()) {
      Add(Weight::kOther, text::Concat(at(path), Describe(*change), ", did not change before"));
    } else if (!IsSame(*found->second, *change)) {
      const bool hidden = Describe(*found->second) == Describe(*change);
      Add(Weight::kOther,
          hidden ? text::Concat(at(path), "another value that is not shown")
                 : text::Concat(at(path), Describe(*change), ", was ", Describe(*found->second)));
    }
  }
  // An attribute that stays as it is in one plan and changes in the other makes another object of it.
  for (const auto& [path, change] : left) {
    if (right.contains(path)) continue;
    Add(Weight::kOther, text::Concat(at(path), "does not change any more, was ", Describe(*change)));
  }
}

void Comparer::CompareInvocations() {
  // By the digest of the configuration, too: what is done another way is another invocation.
  std::map<std::pair<std::string, std::string>, std::pair<int64_t, int64_t>> counts;
  const auto key = [](const v1::ActionInvocation& invocation) {
    return std::pair(NameOf(invocation), invocation.config_digest());
  };
  for (const auto& invocation : approved_.action_invocations()) ++counts[key(invocation)].first;
  for (const auto& invocation : fresh_.action_invocations()) ++counts[key(invocation)].second;
  for (const auto& [name_and_digest, count] : counts) {
    const std::string& name = name_and_digest.first;
    if (count.first == count.second) continue;
    if (count.first == 0) {
      Add(Weight::kOther, text::Concat(name, ": is invoked, as it was not before"));
    } else if (count.second == 0) {
      Add(Weight::kLess, text::Concat(name, ": is no longer invoked as it was"));
    } else {
      Add(count.second < count.first ? Weight::kLess : Weight::kOther,
          text::Concat(name, ": is invoked ", count.second, " times, was ", count.first));
    }
  }
}

PlanComparison Comparer::Compare() {
  same_fingerprint_ =
      approved_.fingerprint() == fresh_.fingerprint() && ShowsAllMasked(approved_) && ShowsAllMasked(fresh_);
  result_.subset = true;
  CompareSurroundings();
  CompareChanges(approved_.resource_changes(), fresh_.resource_changes());
  CompareChanges(approved_.output_changes(), fresh_.output_changes());
  CompareInvocations();
  if (count_ == 0 && !same_fingerprint_) {
    Add(Weight::kOther, "the plans differ in what a view does not show");
  }
  result_.same = count_ == 0;
  // What has no digest is in the fingerprint only, which says nothing of plans that differ.
  if (!result_.same && !HasAllDigests()) result_.subset = false;
  if (count_ > kMostDifferences) {
    result_.differences.push_back(text::Concat("and ", count_ - kMostDifferences, " more"));
  }
  return std::move(result_);
}

}  // namespace

PlanComparison ComparePlans(const v1::PlanView& approved, const v1::PlanView& fresh) {
  return Comparer(approved, fresh).Compare();
}

}  // namespace countersign::terraform
