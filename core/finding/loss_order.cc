#include "core/finding/loss_order.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "core/finding/attribute_values.h"
#include "core/finding/environment_names.h"
#include "core/finding/fate.h"

namespace countersign::finding {
namespace {

using Holds = ResourceType::Holds;

// The kinds in the order in which they matter.
enum class Kind { kDatabase, kOtherData, kBucket, kLesserData, kRest };

// How bad it is to lose what a change touches.
struct Loss {
  Kind kind = Kind::kRest;
  bool deleted = false;
  bool way_back = false;  // Something that it leaves can bring it back.
  int lost = 0;           // Of its last snapshot and its automated backups.
  int perhaps_lost = 0;
  bool dear = false;   // Guarded, or named after production.
  bool known = false;  // The target is known to have it.
};

// The one order of all that is named: whether `a` is worse than `b`.
bool IsWorse(const Loss& a, const Loss& b) {
  const auto rank = [](const Loss& loss) {
    return std::tuple(loss.kind, !loss.deleted, loss.way_back, -loss.lost, -loss.perhaps_lost, !loss.dear,
                      !loss.known);
  };
  return rank(a) < rank(b);
}

Kind KindOf(const ChangeFact& fact) {
  if (fact.type == nullptr) {
    return ResourceTypes::Get().SoundsLikeData(fact.change->type()) ? Kind::kLesserData : Kind::kRest;
  }
  if (!fact.Holds(Holds::kData) && !fact.Holds(Holds::kKey) && !fact.Holds(Holds::kBackup))
    return Kind::kRest;
  if (fact.type->severity != v1::Finding::CRITICAL) return Kind::kLesserData;
  const std::string& what = fact.type->what;
  if (what == "bucket" || what == "container" || what == "object") return Kind::kBucket;
  const bool database = fact.Holds(Holds::kData) && what.find("database") != std::string::npos;
  return database ? Kind::kDatabase : Kind::kOtherData;
}

// Whether something says that it is not to be deleted.
bool IsGuarded(const ChangeFact& fact) {
  if (fact.type == nullptr) return false;
  return std::any_of(fact.type->protections.begin(), fact.type->protections.end(), [&](const auto& guard) {
    return guard.kind == Protection::Kind::kOn &&
           ValuesOf(*fact.change, guard.attribute, Side::kBefore).HasAny(guard.on);
  });
}

bool SpeaksOfProduction(const ChangeFact& fact) {
  const auto speaks = [](std::string_view name) {
    const std::vector<std::string_view> environments = EnvironmentsIn(name);
    return std::find(environments.begin(), environments.end(), "production") != environments.end();
  };
  return speaks(NameOf(fact)) || speaks(NamesIn(*fact.change));
}

// What the target is known to have, by addresses and by objects.
class KnownObjects {
 public:
  explicit KnownObjects(const v1::TargetMemory* memory) {
    if (memory == nullptr) return;
    for (const v1::StateResource& resource : memory->state().resources()) {
      addresses_.insert(resource.address());
      if (!resource.id().empty()) objects_.insert(ObjectKey(resource.type(), resource.id()));
    }
  }

  bool Has(const v1::ResourceChange& change) const {
    if (addresses_.contains(change.address())) return true;
    return std::any_of(change.identifiers().begin(), change.identifiers().end(), [&](const auto& entry) {
      return objects_.contains(ObjectKey(change.type(), entry.second));
    });
  }

 private:
  absl::flat_hash_set<std::string> addresses_;
  absl::flat_hash_set<std::string> objects_;
};

Loss LossOf(const ChangeFact& fact, const KnownObjects& known) {
  Loss loss;
  loss.kind = KindOf(fact);
  loss.deleted = fact.deletes;
  // The rest is not looked at for what is lost with it: there is nothing, and there can be much of it.
  if (loss.kind == Kind::kRest || !fact.deletes) return loss;
  loss.dear = IsGuarded(fact) || SpeaksOfProduction(fact);
  loss.known = known.Has(*fact.change);
  if (fact.type == nullptr) return loss;
  const Fate snapshot = FateOf(fact.type->final_snapshot, *fact.change);
  const Fate backups = FateOf(fact.type->automated_backups, *fact.change);
  // Providers refuse to delete it while anything is in it.
  const bool must_be_empty = FateOf(fact.type->force_destroy, *fact.change) == Fate::kKept;
  loss.way_back = snapshot == Fate::kKept || backups == Fate::kKept || must_be_empty;
  for (const Fate fate : {snapshot, backups}) {
    if (fate == Fate::kLost) ++loss.lost;
    if (fate == Fate::kUnknown) ++loss.perhaps_lost;
  }
  return loss;
}

}  // namespace

void SortWorstFirst(const v1::TargetMemory* memory, std::vector<ChangeFact>* facts) {
  const KnownObjects known(memory);
  std::vector<std::pair<Loss, ChangeFact>> losses;
  losses.reserve(facts->size());
  for (const ChangeFact& fact : *facts) losses.emplace_back(LossOf(fact, known), fact);
  std::stable_sort(losses.begin(), losses.end(),
                   [](const auto& a, const auto& b) { return IsWorse(a.first, b.first); });
  for (size_t i = 0; i < losses.size(); ++i) (*facts)[i] = losses[i].second;
}

}  // namespace countersign::finding
