#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/finding/plan_rules.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using v1::Finding;

int64_t SizeOf(const v1::PlanState& state) {
  return std::max<int64_t>(state.resource_count(), state.resources_size());
}

std::string LineageOf(const v1::PlanState& state) {
  // As much of a UUID as tells two apart; the evidence has all of it.
  constexpr size_t kShown = 13;
  if (state.lineage().empty()) return "none";
  return Cut(state.lineage(), kShown);
}

std::string_view TargetOf(const PlanFacts& facts) {
  const std::string& name = facts.memory()->target();
  return name.empty() ? "the target" : std::string_view(name);
}

bool IsMissing(const PlanFacts& facts) {
  const bool empty = facts.state_size() == 0 || facts.plan().state().lineage().empty();
  return empty && SizeOf(facts.memory()->state()) > 0;
}

void JudgeMissing(const PlanFacts& facts, FindingList* findings) {
  if (!IsMissing(facts)) return;
  Found found("state-missing");
  found.At(Finding::CRITICAL, "", "state.resource_count", absl::StrCat(facts.state_size()));
  findings->Add(found, text::Concat("Made without the state that ", TargetOf(facts), " is known to have (",
                                    CountOf(SizeOf(facts.memory()->state()), "resource"),
                                    "): would create again what exists."));
}

// Serials and contents say something only where the lineage is the same.
void JudgeLineage(const PlanFacts& facts, FindingList* findings) {
  const v1::PlanState& now = facts.plan().state();
  const v1::PlanState& known = facts.memory()->state();
  if (now.lineage() == known.lineage() || (now.lineage().empty() && IsMissing(facts))) return;
  // Nothing was there yet, and now there is something that nobody reported.
  const bool appeared = known.lineage().empty() && SizeOf(known) == 0;
  Found found(appeared ? "state-advanced-elsewhere" : "state-lineage-changed");
  found.At(appeared ? Finding::WARNING : Finding::CRITICAL, "", "state.lineage", now.lineage());
  findings->Add(found,
                appeared ? text::Concat("The state of ", TargetOf(facts),
                                        " was empty when it was last reported and is not any more.")
                         : text::Concat("Made on another state than that of ", TargetOf(facts), ": lineage ",
                                        LineageOf(now), " instead of ", LineageOf(known), "."));
}

void JudgeSerial(const PlanFacts& facts, FindingList* findings) {
  const v1::PlanState& now = facts.plan().state();
  const v1::PlanState& known = facts.memory()->state();
  if (now.lineage() != known.lineage() || now.lineage().empty()) return;
  Found regressed("state-serial-regressed");
  Found advanced("state-advanced-elsewhere");
  if (now.serial() < known.serial()) {
    regressed.At(Finding::CRITICAL, "", "state.serial", absl::StrCat(now.serial()));
  } else if (now.serial() > known.serial()) {
    advanced.At(Finding::WARNING, "", "state.serial", absl::StrCat(now.serial()));
  }
  findings->Add(regressed, text::Concat("Made on an old state of ", TargetOf(facts), ": serial ",
                                        now.serial(), ", and ", known.serial(), " is known."));
  findings->Add(advanced, text::Concat("Somebody changed the state of ", TargetOf(facts),
                                       " outside of the broker: serial ", now.serial(), ", and ",
                                       known.serial(), " was reported last."));
}

// Of what the backend holds: before Terraform refreshed it, where it did.
const std::string& StoredDigest(const v1::PlanState& state) {
  return state.previous_content_digest().empty() ? state.content_digest() : state.previous_content_digest();
}

void JudgeContent(const PlanFacts& facts, FindingList* findings) {
  const v1::PlanState& now = facts.plan().state();
  const v1::PlanState& known = facts.memory()->state();
  if (now.lineage() != known.lineage() || now.serial() != known.serial() || now.lineage().empty()) return;
  if (StoredDigest(known).empty() || StoredDigest(now) == StoredDigest(known)) return;
  Found found("state-content-differs");
  found.At(Finding::CRITICAL, "", "state.content_digest", StoredDigest(now));
  findings->Add(found, text::Concat("The state was edited: lineage and serial ", now.serial(),
                                    " are those of ", TargetOf(facts), ", what is in it is not."));
}

// Resources that were known and are in the state no more, neither under their address nor under their id.
void JudgeShrunk(const PlanFacts& facts, FindingList* findings) {
  if (IsMissing(facts)) return;
  const v1::PlanState& known = facts.memory()->state();
  int64_t missing = 0;
  const auto is_missing = [&facts](const v1::StateResource& resource) {
    return resource.deposed().empty() && !facts.StateHasAddress(resource.address()) &&
           !facts.IsGone(resource.address()) &&
           (resource.id().empty() || !facts.StateHasObject(resource.type(), resource.id()));
  };
  for (const v1::StateResource& resource : known.resources()) missing += is_missing(resource) ? 1 : 0;
  const bool clearly = missing >= 10 || missing * 10 >= SizeOf(known);
  Found found("state-shrunk");
  for (const v1::StateResource& resource : known.resources()) {
    if (!is_missing(resource)) continue;
    found.At(clearly ? Finding::HIGH : Finding::WARNING, resource.address(), "", resource.id());
  }
  findings->Add(found, text::Concat("The state has lost ", CountOf(missing, "resource"), " of ",
                                    SizeOf(known), " without a run that is known of: ", found.Names(), "."));
}

// The ledger: what the target is known to have.
class Ledger {
 public:
  explicit Ledger(const v1::PlanState& state) {
    for (const v1::StateResource& resource : state.resources()) {
      if (!resource.deposed().empty()) continue;
      addresses_.insert(resource.address());
      if (!resource.id().empty()) objects_.insert(ObjectKey(resource.type(), resource.id()));
    }
  }

  bool HasAddress(const std::string& address) const { return addresses_.contains(address); }

  // Empty when it has none of the resource's identifiers.
  std::string KnownIdentifier(const v1::ResourceChange& change) const {
    std::string known;  // The first in the order of the texts: that of the message's map is any.
    for (const auto& [key, value] : change.identifiers()) {
      if ((known.empty() || value < known) && objects_.contains(ObjectKey(change.type(), value)))
        known = value;
    }
    return known;
  }

 private:
  absl::flat_hash_set<std::string> addresses_;
  absl::flat_hash_set<std::string> objects_;
};

void JudgeKnownCreates(const PlanFacts& facts, const Ledger& ledger, FindingList* findings) {
  // What the same plan deletes under another address was renamed.
  absl::flat_hash_set<std::string> deleted;
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.deletes) continue;
    for (const auto& [key, value] : fact.change->identifiers()) {
      deleted.insert(ObjectKey(fact.change->type(), value));
    }
  }
  Found found("creates-known-resources");
  for (const ChangeFact& fact : facts.changes()) {
    const v1::ResourceChange& change = *fact.change;
    if (!fact.creates || fact.deletes || fact.forgets || change.has_importing()) continue;
    if (facts.IsGone(change.address())) continue;
    const std::string id = ledger.KnownIdentifier(change);
    const bool renamed = !id.empty() && deleted.contains(ObjectKey(change.type(), id));
    if (ledger.HasAddress(change.address()) || (!id.empty() && !renamed)) {
      found.At(Finding::CRITICAL, change.address(), "", id);
    }
  }
  findings->Add(found, text::Concat("Creates ", CountOf(found.count(), "resource"), " that ", TargetOf(facts),
                                    " is known to have already: ", found.Names(), "."));
}

// What the state was said to have is compared with what it has; of what is imported there is nothing to
// compare.
void JudgeKnownImports(const PlanFacts& facts, const Ledger& ledger, FindingList* findings) {
  Found found("imports-known-resources");
  for (const ChangeFact& fact : facts.changes()) {
    const v1::ResourceChange& change = *fact.change;
    if (!change.has_importing()) continue;
    const std::string id = ledger.KnownIdentifier(change);
    if (id.empty() && !ledger.HasAddress(change.address())) continue;
    found.At(Finding::HIGH, change.address(), "", id);
  }
  findings->Add(found, text::Concat("Imports what ", TargetOf(facts), " is known to have already: ",
                                    found.Names(), "; what was there before cannot be told."));
}

void JudgeBackendChange(const PlanFacts& facts, FindingList* findings) {
  if (!facts.memory()->has_backend()) return;
  const v1::Backend& now = facts.plan().backend();
  const v1::Backend& known = facts.memory()->backend();
  Found backend("backend-changed");
  if (now.type() != known.type()) {
    backend.At(Finding::HIGH, "", "backend.type", now.type());
  } else if (now.settings_digest() != known.settings_digest()) {
    backend.At(Finding::HIGH, "", "backend.settings", now.settings_digest());
  }
  findings->Add(backend, now.type() != known.type()
                             ? text::Concat("Keeps the state in a backend of type ", now.type(), " and not ",
                                            known.type(), " as before.")
                             : text::Concat("Keeps the state in another place than before: the settings of "
                                            "the backend ",
                                            now.type(), " differ."));
  Found workspace("workspace-changed");
  if (now.workspace() != known.workspace()) {
    workspace.At(Finding::HIGH, "", "backend.workspace", now.workspace());
  }
  findings->Add(workspace, text::Concat("Made in the workspace ", now.workspace(), "; ", TargetOf(facts),
                                        " has ", known.workspace(), "."));
}

void JudgeLocalBackend(const PlanFacts& facts, FindingList* findings) {
  const std::string& type = facts.plan().backend().type();
  Found found("backend-local");
  if (type.empty() || type == "local") {
    found.At(IsProduction(facts.context().environment) ? Finding::HIGH : Finding::WARNING, "", "backend.type",
             type);
  }
  findings->Add(
      found, "The state is a file on one machine: it has no versions, no lock that others see and no copy.");
}

void JudgeFirstPlan(const PlanFacts& facts, FindingList* findings) {
  Found found("target-first-seen");
  found.At(IsProduction(facts.context().environment) ? Finding::HIGH : Finding::WARNING, "", "state.lineage",
           facts.plan().state().lineage());
  findings->Add(found,
                text::Concat("Nothing is remembered of this target yet, so nobody can tell whether the "
                             "state with ",
                             CountOf(facts.state_size(), "resource"), " is the right one."));
}

void JudgeDrift(const PlanFacts& facts, FindingList* findings) {
  absl::flat_hash_set<std::string> created;
  for (const ChangeFact& fact : facts.changes()) {
    if (fact.creates) created.insert(fact.change->address());
  }
  Found found("drift");
  Found lost("gone-not-recreated");
  for (const v1::ResourceChange& drift : facts.plan().resource_drift()) {
    if (drift.mode() == "data") continue;
    if (!facts.IsGone(drift.address())) {
      found.At(Finding::INFO, drift.address(), "", "changed");
    } else if (created.contains(drift.address())) {
      found.At(Finding::WARNING, drift.address(), "", "gone");
    } else {
      lost.At(Finding::HIGH, drift.address(), "", "gone");
    }
  }
  findings->Add(found, text::Concat(CountOf(found.count(), "resource"),
                                    " changed or went away outside of Terraform: ", found.Names(), "."));
  findings->Add(lost, text::Concat("Says that ", lost.Names(), lost.count() == 1 ? " is" : " are",
                                   " gone and does not make it again: Terraform forgets it."));
}

}  // namespace

void JudgeState(const PlanFacts& facts, FindingList* findings) {
  if (facts.memory() != nullptr) {
    JudgeMissing(facts, findings);
    JudgeLineage(facts, findings);
    JudgeSerial(facts, findings);
    JudgeContent(facts, findings);
    const Ledger ledger(facts.memory()->state());
    JudgeKnownCreates(facts, ledger, findings);
    JudgeKnownImports(facts, ledger, findings);
    JudgeShrunk(facts, findings);
    JudgeBackendChange(facts, findings);
  } else if (facts.context().has_target) {
    JudgeFirstPlan(facts, findings);
  }
  JudgeLocalBackend(facts, findings);
  JudgeDrift(facts, findings);
}

}  // namespace countersign::finding
