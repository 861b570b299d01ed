#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/finding/attribute_values.h"
#include "core/finding/fate.h"
#include "core/finding/plan_rules.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using Holds = ResourceType::Holds;
using v1::Finding;

void JudgeDataDeletes(const PlanFacts& facts, FindingList* findings) {
  Found data("stateful-delete");
  Found keys("key-deletion");
  Found unfamiliar("unfamiliar-delete");
  const ResourceTypes& types = ResourceTypes::Get();
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.deletes) continue;
    const v1::ResourceChange& change = *fact.change;
    const std::string name = NameOf(fact);
    const std::string description = DescriptionOf(fact);
    if (fact.Holds(Holds::kData) || fact.Holds(Holds::kBackup)) {
      data.At(fact.type->severity, change.address(), "", name, description);
    } else if (fact.Holds(Holds::kKey)) {
      keys.At(fact.type->severity, change.address(), "", name, description);
    } else if (fact.type == nullptr && types.SoundsLikeData(change.type())) {
      data.At(Finding::HIGH, change.address(), "", name, description);
    } else if (fact.type == nullptr && !types.IsFamiliar(change.type())) {
      unfamiliar.At(Finding::WARNING, change.address(), "", name, description);
    }
  }
  findings->Add(data, text::Concat("Deletes what holds data: ", data.Names(), "."));
  findings->Add(keys, text::Concat("Deletes ", keys.Names(),
                                   ": what was encrypted or signed with it cannot be used again."));
  findings->Add(unfamiliar, text::Concat("Deletes what this broker knows nothing about and what may hold "
                                         "data: ",
                                         unfamiliar.Names(), "."));
}

// Deletions of what has `flag`, where it says that something is lost or does not say that it is kept.
void AddLosses(const PlanFacts& facts, std::optional<LossFlag> ResourceType::*flag, Found* found) {
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.deletes || fact.type == nullptr) continue;
    const std::optional<LossFlag>& which = fact.type->*flag;
    if (!MayBeLost(FateOf(which, *fact.change))) continue;
    found->At(fact.type->severity, fact.change->address(), which->attribute, ValueOf(*which, *fact.change),
              DescriptionOf(fact));
  }
}

// Updates after which a deletion will lose more than it would have before.
void AddNewLosses(const PlanFacts& facts, std::optional<LossFlag> ResourceType::*flag, Found* found) {
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.updates || fact.type == nullptr || !(fact.type->*flag).has_value()) continue;
    const LossFlag& which = *(fact.type->*flag);
    if (which.attribute.empty() || which.kept_when_set) continue;
    for (const v1::AttributeChange& attribute : fact.change->attribute_changes()) {
      if (!TellsAbout(attribute, which.attribute)) continue;
      const Values before = ValuesIn(attribute, which.attribute, Side::kBefore);
      const Values after = ValuesIn(attribute, which.attribute, Side::kAfter);
      if (before.known && before.HasAny(which.lost_when)) continue;
      if (after.known && !after.HasAny(which.lost_when)) continue;
      found->At(Finding::HIGH, fact.change->address(), attribute.path(),
                after.known ? std::string_view(after.texts.front()) : "not known", DescriptionOf(fact));
    }
  }
}

std::string Change(const Values& before, const Values& after) {
  const auto text = [](const Values& values) {
    if (!values.known) return std::string("not known");
    return values.texts.empty() ? std::string("none") : values.texts.front();
  };
  return text::Concat(text(before), " to ", text(after));
}

// Updates at which the provider deletes the automated backups at once, with the resource still there.
void AddDeletedBackups(const PlanFacts& facts, Found* found) {
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.updates || fact.type == nullptr) continue;
    for (const Protection& protection : fact.type->protections) {
      if (protection.deletes_backups_at.empty()) continue;
      for (const v1::AttributeChange& attribute : fact.change->attribute_changes()) {
        if (!TellsAbout(attribute, protection.attribute)) continue;
        const Values before = ValuesIn(attribute, protection.attribute, Side::kBefore);
        const Values after = ValuesIn(attribute, protection.attribute, Side::kAfter);
        if (before.known && (before.texts.empty() || before.HasAny(protection.deletes_backups_at))) continue;
        if (after.known && !after.HasAny(protection.deletes_backups_at)) continue;
        found->At(fact.type->severity, fact.change->address(), attribute.path(), Change(before, after),
                  DescriptionOf(fact));
      }
    }
  }
}

void JudgeLosses(const PlanFacts& facts, FindingList* findings) {
  Found snapshots("final-snapshot-skipped");
  AddLosses(facts, &ResourceType::final_snapshot, &snapshots);
  findings->Add(snapshots, text::Concat("Keeps no last snapshot of ", snapshots.Names(), "."));
  Found backups("automated-backups-deleted");
  AddLosses(facts, &ResourceType::automated_backups, &backups);
  AddDeletedBackups(facts, &backups);
  findings->Add(backups, text::Concat("Deletes the automated backups of ", backups.Names(), "."));
  Found forced("bucket-force-destroy");
  AddLosses(facts, &ResourceType::force_destroy, &forced);
  AddNewLosses(facts, &ResourceType::force_destroy, &forced);
  findings->Add(forced, text::Concat("Deleting does not stop at what is still in it: ", forced.Names(), "."));
}

// What is deleted in a plan and could be wanted back, by the identifiers that backups name it by.
class DeletedSources {
 public:
  explicit DeletedSources(const PlanFacts& facts) {
    for (const ChangeFact& fact : facts.changes()) {
      if (!fact.deletes || !fact.Holds(Holds::kData)) continue;
      // Providers refuse to delete it while anything is in it.
      if (FateOf(fact.type->force_destroy, *fact.change) == Fate::kKept) continue;
      any_ = true;
      ids_.insert(LastPart(NameOf(fact)));
      for (const auto& [key, value] : fact.change->identifiers()) ids_.insert(LastPart(value));
    }
  }

  bool any() const { return any_; }
  bool Has(std::string_view id) const { return ids_.contains(LastPart(id)); }

 private:
  // Backups name their source by its id, its ARN or its path.
  static std::string LastPart(std::string_view id) {
    const size_t at = id.find_last_of(":/");
    return std::string(at == std::string_view::npos || at + 1 == id.size() ? id : id.substr(at + 1));
  }

  bool any_ = false;
  absl::flat_hash_set<std::string> ids_;
};

// Whether `fact`, a backup or a protection that is deleted, is of something that is deleted too.
bool GoesWithItsSource(const ChangeFact& fact, const DeletedSources& sources) {
  bool named = false;
  for (const std::string& attribute : fact.type->of) {
    const Values values = ValuesOf(*fact.change, attribute, Side::kBefore);
    named |= values.known && !values.texts.empty();
    if (std::any_of(values.texts.begin(), values.texts.end(),
                    [&sources](const std::string& id) { return sources.Has(id); })) {
      return true;
    }
  }
  // A vault does not say of what; and what is not known is the worst.
  return !named && (fact.Holds(Holds::kBackup) || !fact.type->of.empty());
}

void JudgeBackups(const PlanFacts& facts, FindingList* findings) {
  const DeletedSources sources(facts);
  if (!sources.any()) return;
  Found gone("backups-deleted-with-source");
  absl::flat_hash_set<std::string> deleted;
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.deletes) continue;
    deleted.insert(fact.change->address());
    if (!fact.Holds(Holds::kBackup) && !fact.Holds(Holds::kProtection)) continue;
    if (!GoesWithItsSource(fact, sources)) continue;
    gone.At(Finding::CRITICAL, fact.change->address(), "", NameOf(fact), DescriptionOf(fact));
  }
  findings->Add(gone, text::Concat("Deletes backups together with what they are of: ", gone.Names(), "."));
  Found near("backups-in-same-state");
  for (const v1::StateResource& resource : facts.plan().state().resources()) {
    const ResourceType* type = ResourceTypes::Get().Find(resource.type());
    if (type == nullptr || type->holds != Holds::kBackup || deleted.contains(resource.address())) continue;
    near.At(Finding::HIGH, resource.address(), "", resource.id());
  }
  findings->Add(near,
                text::Concat("Deletes data whose backups may be in the same state, so the next plan can "
                             "delete them too: ",
                             near.Names(), "."));
}

// A number, or the number that a duration such as 86400s begins with.
std::optional<double> NumberIn(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return std::nullopt;
  return number;
}

std::optional<double> Lowest(const Values& values) {
  std::optional<double> lowest;
  for (const std::string& text : values.texts) {
    const std::optional<double> number = NumberIn(text);
    if (number.has_value() && (!lowest.has_value() || *number < *lowest)) lowest = number;
  }
  return lowest;
}

// How many limits there are: numbers that are not how some settings write never.
int64_t CountLimits(const Values& values) {
  return std::count_if(values.texts.begin(), values.texts.end(), [](const std::string& text) {
    const std::optional<double> number = NumberIn(text);
    return number.has_value() && *number > 0;
  });
}

// Whether what is removed by itself is more than before, or other: `whole` says that all rules were looked
// at, so that none can mean that there are no rules any more.
bool TakesInMore(const Values& before, const Values& after, bool whole) {
  if (after.texts.empty()) return !whole && !before.texts.empty();
  return std::any_of(after.texts.begin(), after.texts.end(), [&before](const std::string& text) {
    // Nothing was said before: all was taken in already.
    if (before.texts.empty()) return false;
    return std::none_of(before.texts.begin(), before.texts.end(),
                        [&text](const std::string& was) { return text.starts_with(was); });
  });
}

bool Weakens(const Protection& protection, const Values& before, const Values& after, bool whole) {
  const auto having = [&protection](const Values& values) {
    return std::count_if(values.texts.begin(), values.texts.end(), [&protection](const std::string& text) {
      return std::find(protection.on.begin(), protection.on.end(), text) != protection.on.end();
    });
  };
  const std::optional<double> was = Lowest(before);
  const std::optional<double> is = Lowest(after);
  switch (protection.kind) {
    case Protection::Kind::kOn:
      if (!after.known) return !before.known || having(before) > 0;
      return before.known ? having(after) < having(before) : having(after) == 0;
    case Protection::Kind::kShortens:
      if (!after.known || !before.known) return true;
      // What is no number, such as P30D, cannot be compared.
      if (!was.has_value()) return !before.texts.empty() && before.texts != after.texts;
      return !is.has_value() || *is < *was;
    case Protection::Kind::kExpires:
      if (!after.known || !before.known) return true;
      if (!is.has_value()) return !after.texts.empty() && after.texts != before.texts;
      if (CountLimits(after) > CountLimits(before)) return true;
      if (*is <= 0) return false;  // Is how some settings write never.
      return !was.has_value() || *was <= 0 || *is < *was;
    case Protection::Kind::kRemoves:
      return !after.known || !before.known || having(after) > having(before);
    case Protection::Kind::kScope:
      return !after.known || !before.known || TakesInMore(before, after, whole);
    case Protection::Kind::kRules:
      return !after.known || !before.known || (!after.texts.empty() && after.texts != before.texts);
  }
  return true;
}

void AddWeakened(const ChangeFact& fact, Found* found) {
  const bool new_object = fact.creates && !fact.deletes;
  for (const Protection& protection : fact.type->protections) {
    // What is new has nothing to lose, but a rule that is new can remove what is old.
    const bool is_rule =
        protection.kind == Protection::Kind::kExpires || protection.kind == Protection::Kind::kRules;
    if (new_object && (fact.type->holds != Holds::kNothing || !is_rule)) continue;
    for (const v1::AttributeChange& attribute : fact.change->attribute_changes()) {
      if (!TellsAbout(attribute, protection.attribute)) continue;
      const auto values = [&](Side side) {
        return ValuesBeside(attribute, protection.attribute, protection.beside, side);
      };
      const Values before = values(Side::kBefore);
      const Values after = values(Side::kAfter);
      const bool whole = attribute.path().find_first_of(".[") == std::string::npos;
      if (!Weakens(protection, before, after, whole)) continue;
      found->At(Finding::HIGH, fact.change->address(), attribute.path(), Change(before, after),
                DescriptionOf(fact));
    }
  }
  if (fact.change->attribute_changes_omitted() > 0 && !fact.type->protections.empty() && !new_object) {
    found->At(Finding::WARNING, fact.change->address(), "", "not all attributes are shown",
              DescriptionOf(fact));
  }
}

// network.subnets of module.network["a"].module.subnets[0]: the module's key, as configurations have it.
std::string ModuleKey(std::string_view module_address) {
  const std::string plain = WithoutIndexes(module_address);
  std::string key;
  const std::vector<std::string_view> parts = text::Split(plain, '.');
  for (size_t i = 1; i < parts.size(); i += 2) key += text::Concat(key.empty() ? "" : ".", parts[i]);
  return key;
}

std::string ConfigurationName(const v1::ResourceChange& change) {
  const std::string module = ModuleKey(change.module_address());
  return text::Concat(module, module.empty() ? "" : ".", change.type(), ".", change.name());
}

// prevent_destroy: taken out of the configuration, or in it and not heeded.
void AddPreventDestroy(const PlanFacts& facts, Found* found) {
  const auto& now = facts.plan().configuration().protected_resources();
  const absl::flat_hash_set<std::string> still(now.begin(), now.end());
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.deletes || still.empty() || !still.contains(ConfigurationName(*fact.change))) continue;
    found->At(Finding::CRITICAL, fact.change->address(), "lifecycle.prevent_destroy",
              "deleted although its configuration forbids it", DescriptionOf(fact));
  }
  if (facts.memory() == nullptr) return;
  for (const std::string& known : facts.memory()->configuration().protected_resources()) {
    if (still.contains(known)) continue;
    found->At(Finding::HIGH, known, "lifecycle.prevent_destroy", "taken out of the configuration");
  }
}

void JudgeProtection(const PlanFacts& facts, FindingList* findings) {
  Found found("protection-removed");
  AddPreventDestroy(facts, &found);
  for (const ChangeFact& fact : facts.changes()) {
    if (fact.type == nullptr) continue;
    if (fact.deletes && fact.Holds(Holds::kProtection)) {
      found.At(Finding::HIGH, fact.change->address(), "", "deleted", DescriptionOf(fact));
    } else if (fact.updates || fact.creates) {
      AddWeakened(fact, &found);
    }
  }
  AddNewLosses(facts, &ResourceType::final_snapshot, &found);
  AddNewLosses(facts, &ResourceType::automated_backups, &found);
  AddNewLosses(facts, &ResourceType::force_destroy, &found);
  findings->Add(found, text::Concat("Takes away what protects ", found.Names(), "."));
}

}  // namespace

void JudgeIrrecoverable(const PlanFacts& facts, FindingList* findings) {
  JudgeDataDeletes(facts, findings);
  JudgeLosses(facts, findings);
  JudgeBackups(facts, findings);
  JudgeProtection(facts, findings);
}

}  // namespace countersign::finding
