#include <algorithm>
#include <map>
#include <utility>

#include "core/finding/attribute_values.h"
#include "core/finding/environment_names.h"
#include "core/finding/plan_rules.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using v1::Finding;

bool IsTellingTag(const v1::AttributeChange& attribute) {
  const std::string path = Lower(attribute.path());
  if (!path.starts_with("tags") && !path.starts_with("labels")) return false;
  return path.ends_with("env") || path.ends_with("environment") || path.ends_with("stage") ||
         path.ends_with("name") || path.ends_with("workspace");
}

// Environments with the first place that speaks of each; few, as there are few words for them.
class Environments {
 public:
  void Take(std::string_view name, std::string_view address, std::string_view path) {
    for (const std::string_view environment : EnvironmentsIn(name)) {
      auto [at, added] = places_.try_emplace(std::string(environment));
      if (added) at->second = {std::string(address), std::string(path), std::string(name)};
    }
  }

  void TakeChange(const ChangeFact& fact) {
    const v1::ResourceChange& change = *fact.change;
    Take(NamesIn(change), change.address(), "");
    for (const auto& [key, value] : IdentifiersOf(change)) Take(value, change.address(), key);
    for (const v1::AttributeChange& attribute : change.attribute_changes()) {
      if (!IsTellingTag(attribute) || attribute.masked()) continue;
      Take(attribute.before_json(), change.address(), attribute.path());
      Take(attribute.after_json(), change.address(), attribute.path());
    }
  }

  struct Place {
    std::string address;
    std::string path;
    std::string value;
  };
  const std::map<std::string, Place>& places() const { return places_; }

 private:
  std::map<std::string, Place> places_;
};

void JudgeEnvironments(const PlanFacts& facts, FindingList* findings) {
  Environments environments;
  environments.Take(facts.context().environment, "", "environment");
  for (const ChangeFact& fact : facts.changes()) environments.TakeChange(fact);
  for (const v1::StateResource& resource : facts.plan().state().resources()) {
    environments.Take(resource.id(), resource.address(), "id");
  }
  if (environments.places().size() < 2) return;
  const bool deletes = facts.deleted() + facts.replaced() > 0;
  const bool production = environments.places().contains("production");
  Found found("mixed-environments");
  for (const auto& [environment, place] : environments.places()) {
    found.At(deletes && production ? Finding::HIGH : Finding::WARNING, place.address, place.path,
             text::Strip(place.value), environment);
  }
  findings->Add(found, text::Concat("Names speak of more than one environment: ", found.Names(), "."));
}

// The outermost module, without its key.
std::string OutermostModule(std::string_view module_address) {
  const std::string plain = WithoutIndexes(module_address);
  const std::vector<std::string_view> parts = text::Split(plain, '.');
  return parts.size() < 2 ? "" : std::string(parts[1]);
}

// The address of a state's resource begins with those of its modules.
std::string ModuleOfResource(const std::string& address) {
  return address.starts_with("module.") ? OutermostModule(address) : "";
}

// What the target has had: modules, types and addresses.
struct Past {
  absl::flat_hash_set<std::string> modules;
  absl::flat_hash_set<std::string> types;
  absl::flat_hash_set<std::string> addresses;
  absl::flat_hash_set<std::string> objects;

  explicit Past(const v1::PlanState& state) {
    for (const v1::StateResource& resource : state.resources()) {
      modules.insert(ModuleOfResource(resource.address()));
      types.insert(resource.type());
      addresses.insert(resource.address());
      if (!resource.id().empty()) objects.insert(ObjectKey(resource.type(), resource.id()));
    }
  }

  bool Knows(const v1::StateResource& resource) const {
    return addresses.contains(resource.address()) ||
           (!resource.id().empty() && objects.contains(ObjectKey(resource.type(), resource.id())));
  }
};

void JudgeStrangers(const PlanFacts& facts, FindingList* findings) {
  if (facts.memory() == nullptr || facts.memory()->state().resources().empty()) return;
  const Past past(facts.memory()->state());
  Found found("unrelated-resources");
  const auto& resources = facts.plan().state().resources();
  const auto strangers = std::count_if(resources.begin(), resources.end(),
                                       [&past](const auto& resource) { return !past.Knows(resource); });
  const auto in_state = strangers * 2 >= resources.size() ? Finding::HIGH : Finding::WARNING;
  for (const v1::StateResource& resource : resources) {
    if (!past.Knows(resource)) found.At(in_state, resource.address(), "", resource.id());
  }
  for (const ChangeFact& fact : facts.changes()) {
    const v1::ResourceChange& change = *fact.change;
    // What is in the state was looked at above.
    if (!fact.creates || fact.deletes || facts.StateHasAddress(change.address())) continue;
    const std::string module = OutermostModule(change.module_address());
    if (!past.modules.contains(module)) {
      found.At(Finding::WARNING, change.address(), "", module.empty() ? "root module" : module);
    } else if (!past.types.contains(change.type())) {
      found.At(Finding::INFO, change.address(), "", change.type());
    }
  }
  findings->Add(found, text::Concat("Holds what this target never had: ", found.Names(), "."));
}

}  // namespace

void JudgeMixed(const PlanFacts& facts, FindingList* findings) {
  JudgeEnvironments(facts, findings);
  JudgeStrangers(facts, findings);
}

}  // namespace countersign::finding
