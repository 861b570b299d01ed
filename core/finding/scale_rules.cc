#include <algorithm>

#include "core/finding/plan_rules.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using v1::Finding;

constexpr int64_t kManyDeletes = 10;
constexpr int64_t kManyDeletesOfFew = 3;
constexpr int64_t kManyPercent = 30;

bool DeletesEverything(const PlanFacts& facts) {
  if (facts.plan().mode() == v1::DESTROY && facts.deleted() > 0) return true;
  return facts.deleted() > 0 && facts.deleted() >= facts.state_size();
}

bool DeletesMany(const PlanFacts& facts) {
  const int64_t gone = facts.deleted() + facts.replaced();
  return gone >= kManyDeletes ||
         (gone >= kManyDeletesOfFew && gone * 100 >= facts.state_size() * kManyPercent);
}

void AddPlaces(const PlanFacts& facts, Finding::Severity severity, bool deletes, bool replaces,
               Found* found) {
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.deletes || !(fact.Replaces() ? replaces : deletes)) continue;
    found->At(severity, fact.change->address(), "", NameOf(fact), DescriptionOf(fact));
  }
}

void JudgeDeletes(const PlanFacts& facts, FindingList* findings) {
  Found everything("destroys-everything");
  if (DeletesEverything(facts)) AddPlaces(facts, Finding::CRITICAL, true, false, &everything);
  findings->Add(everything, text::Concat("Deletes all that the state has: ", facts.deleted(), " of ",
                                         CountOf(facts.state_size(), "resource"), "."));
  Found many("mass-delete");
  if (DeletesMany(facts)) AddPlaces(facts, Finding::HIGH, true, true, &many);
  findings->Add(many, text::Concat("Deletes or replaces ", facts.deleted() + facts.replaced(), " of ",
                                   CountOf(facts.state_size(), "resource"), "."));
  Found deletes("deletes");
  AddPlaces(facts, Finding::WARNING, true, false, &deletes);
  findings->Add(deletes, text::Concat("Deletes ", deletes.Names(), "."));
}

void JudgeReplaces(const PlanFacts& facts, FindingList* findings) {
  Found found("replaces");
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.Replaces()) continue;
    const v1::ResourceChange& change = *fact.change;
    found.At(Finding::WARNING, change.address(),
             change.replace_paths().empty() ? "" : std::string_view(change.replace_paths(0)),
             change.action_reason(), DescriptionOf(fact));
  }
  findings->Add(found,
                text::Concat("Replaces ", found.Names(), ": deletes what is there and makes it anew."));
}

void JudgeForgets(const PlanFacts& facts, FindingList* findings) {
  Found found("forgets");
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.forgets) continue;
    const bool data = fact.Holds(ResourceType::Holds::kData) || fact.Holds(ResourceType::Holds::kKey);
    found.At(data ? Finding::HIGH : Finding::WARNING, fact.change->address(), "", NameOf(fact),
             DescriptionOf(fact));
  }
  findings->Add(found,
                text::Concat("Lets go of ", found.Names(), ": it stays, and Terraform knows it no longer."));
}

void JudgeDeposed(const PlanFacts& facts, FindingList* findings) {
  Found found("deposed-deletes");
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.deletes || fact.change->deposed().empty()) continue;
    found.At(Finding::WARNING, fact.change->address(), "", fact.change->deposed(), DescriptionOf(fact));
  }
  findings->Add(found, text::Concat("Deletes what an earlier replacement left behind: ", found.Names(), "."));
}

void JudgeArrivals(const PlanFacts& facts, FindingList* findings) {
  Found imports("imports");
  Found moves("moves");
  for (const ChangeFact& fact : facts.changes()) {
    const v1::ResourceChange& change = *fact.change;
    if (change.has_importing()) {
      imports.At(change.importing().unknown() ? Finding::WARNING : Finding::INFO, change.address(), "",
                 change.importing().id());
    }
    if (!change.previous_address().empty()) {
      moves.At(Finding::INFO, change.address(), "", change.previous_address());
    }
  }
  findings->Add(imports, text::Concat("Takes over what exists already: ", imports.Names(), "."));
  findings->Add(moves, text::Concat("Moves ", CountOf(moves.count(), "resource"),
                                    " to another address: ", moves.Names(), "."));
}

void JudgeNothing(const PlanFacts& facts, FindingList* findings) {
  Found found("nothing-to-do");
  if (facts.plan().mode() == v1::NO_CHANGES) found.At(Finding::INFO, "", "mode");
  findings->Add(found, "Changes nothing.");
}

}  // namespace

void JudgeScale(const PlanFacts& facts, FindingList* findings) {
  JudgeDeletes(facts, findings);
  JudgeReplaces(facts, findings);
  JudgeForgets(facts, findings);
  JudgeDeposed(facts, findings);
  JudgeArrivals(facts, findings);
  JudgeNothing(facts, findings);
}

}  // namespace countersign::finding
