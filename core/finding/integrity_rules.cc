#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/finding/plan_rules.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using v1::Finding;

// Clocks of the machines that plan may be wrong by that much.
constexpr absl::Duration kClockSkew = absl::Minutes(5);
constexpr int64_t kManyMasked = 10;

void JudgeEdited(const PlanFacts& facts, FindingList* findings) {
  Found before("before-differs-from-state");
  for (const ChangeFact& fact : facts.changes()) {
    for (const std::string& path : fact.change->differs_from_state()) {
      before.At(Finding::CRITICAL, fact.change->address(), path, "", NameOf(fact));
    }
  }
  for (const v1::ResourceChange& drift : facts.plan().resource_drift()) {
    for (const std::string& path : drift.differs_from_state()) {
      before.At(Finding::CRITICAL, drift.address(), path);
    }
  }
  findings->Add(before, text::Concat("Says of ", before.Names(),
                                     " what its own state does not say: the plan was edited."));
  Found silent("state-object-without-change");
  for (const std::string& address : facts.plan().state().without_change()) {
    silent.At(Finding::CRITICAL, address);
  }
  findings->Add(silent, text::Concat("Says nothing of ", CountOf(silent.count(), "resource"),
                                     " of its own state, or of what changed them, as if the plan was "
                                     "edited: ",
                                     silent.Names(), "."));
}

void JudgeProvidersOfObjects(const PlanFacts& facts, FindingList* findings) {
  Found found("provider-differs-from-state");
  for (const ChangeFact& fact : facts.changes()) {
    if (!fact.change->has_provider_change()) continue;
    if (!fact.creates && !fact.updates && !fact.deletes) continue;
    found.At(Finding::HIGH, fact.change->address(), "provider", fact.change->provider_change().after(),
             NameOf(fact));
  }
  findings->Add(found,
                text::Concat("Acts on ", found.Names(), " through another provider than its state names."));
}

bool RunsPrograms(const v1::PlanView& plan) {
  const auto& blocks = plan.configuration().code_blocks();
  return std::any_of(blocks.begin(), blocks.end(), [](const v1::CodeBlock& block) {
    return block.kind() == "provisioner" || block.kind() == "external";
  });
}

void JudgeData(const PlanFacts& facts, FindingList* findings) {
  const Finding::Severity severity = RunsPrograms(facts.plan()) ? Finding::HIGH : Finding::WARNING;
  Found found("data-changed");
  for (const v1::ResourceChange& data : facts.plan().data_changes()) {
    for (const v1::AttributeChange& attribute : data.attribute_changes()) {
      found.At(severity, data.address(), attribute.path(), attribute.after_json());
    }
    if (data.attribute_changes_omitted() > 0) found.At(severity, data.address(), "", "not all is shown");
  }
  findings->Add(found,
                text::Concat("Data sources say otherwise than in the last state: ", found.Names(), "."));
}

void JudgeOmitted(const PlanFacts& facts, FindingList* findings) {
  Found found("changes-omitted");
  for (const ChangeFact& fact : facts.changes()) {
    if (fact.change->attribute_changes_omitted() == 0) continue;
    found.At(Finding::HIGH, fact.change->address(), "",
             absl::StrCat(fact.change->attribute_changes_omitted()), NameOf(fact));
  }
  findings->Add(found, text::Concat("Changes more than is read and judged here of ", found.Names(), "."));
}

// OpenTofu's plans do not have the fields `applyable` and `complete`.
bool SaysWhetherApplyable(const PlanFacts& facts) { return facts.plan().engine() != "tofu"; }

void JudgeErrored(const PlanFacts& facts, FindingList* findings) {
  const v1::PlanView& plan = facts.plan();
  Found found("plan-errored");
  if (plan.errored()) {
    found.At(Finding::CRITICAL, "", "errored", "true");
  } else if (!plan.applyable() && SaysWhetherApplyable(facts) && plan.mode() != v1::NO_CHANGES) {
    found.At(Finding::CRITICAL, "", "applyable", "false");
  }
  findings->Add(found, plan.errored() ? "Planning ended with an error."
                                      : "The plan says of itself that it must not be applied.");
}

// By the lock file, or else by where the providers come from; empty when neither tells.
std::string_view EngineOf(const v1::PlanView& plan) {
  if (!plan.engine().empty()) return plan.engine();
  for (const v1::ResourceChange& change : plan.resource_changes()) {
    if (change.provider_name().starts_with("registry.opentofu.org/")) return "tofu";
    if (change.provider_name().starts_with("registry.terraform.io/")) return "terraform";
  }
  return "";
}

void JudgeEngine(const PlanFacts& facts, FindingList* findings) {
  const std::string& wanted = facts.context().engine;
  const std::string_view engine = EngineOf(facts.plan());
  if (wanted.empty() || engine == wanted) return;
  Found found("engine-mismatch");
  found.At(Finding::CRITICAL, "", "engine", engine);
  findings->Add(found, text::Concat("Made with ", engine.empty() ? "a program that it does not name" : engine,
                                    "; the target is applied with ", wanted, "."));
}

std::string_view Contradiction(const PlanFacts& facts) {
  const v1::PlanView& plan = facts.plan();
  const bool changes = std::any_of(
      facts.changes().begin(), facts.changes().end(),
      [](const ChangeFact& fact) { return fact.creates || fact.updates || fact.deletes || fact.forgets; });
  const bool makes = std::any_of(facts.changes().begin(), facts.changes().end(),
                                 [](const ChangeFact& fact) { return fact.creates || fact.updates; });
  const bool spares = plan.mode() != v1::DESTROY && plan.mode() != v1::NO_CHANGES;
  if (plan.declared_mode() == "destroy" && makes) return "creates or changes resources";
  if (plan.declared_mode() == "destroy" && spares && plan.target_addresses().empty()) {
    return "does not delete everything";
  }
  if (plan.declared_mode() == "refresh-only" && changes) return "changes resources";
  if (plan.declared_mode() == "normal" && plan.mode() == v1::DESTROY) return "deletes everything";
  return "";
}

void JudgeDeclaredMode(const PlanFacts& facts, FindingList* findings) {
  const std::string_view contradiction = Contradiction(facts);
  if (contradiction.empty()) return;
  Found found("declared-mode-contradicted");
  // An emptied configuration makes such a plan too.
  const bool usual = facts.plan().declared_mode() == "normal";
  found.At(usual ? Finding::WARNING : Finding::HIGH, "", "declared_mode", facts.plan().declared_mode());
  findings->Add(found,
                text::Concat("Calls itself ", facts.plan().declared_mode(), " and ", contradiction, "."));
}

void JudgeSensitivity(const PlanFacts& facts, FindingList* findings) {
  Found found("sensitivity-added");
  int64_t shown = 0;
  for (const ChangeFact& fact : facts.changes()) {
    for (const v1::AttributeChange& attribute : fact.change->attribute_changes()) {
      shown += attribute.masked() ? 0 : 1;
      // Terraform marks values within an object, never the object.
      const bool whole = attribute.masked() && attribute.path().empty();
      if (attribute.sensitivity_added() || whole) {
        found.At(Finding::HIGH, fact.change->address(), attribute.path(), "", NameOf(fact));
      }
    }
  }
  const bool marked = !found.empty();
  const int64_t masked = facts.plan().masked_change_count();
  if (masked >= kManyMasked && masked >= shown) {
    found.At(Finding::WARNING, "", "masked_change_count", absl::StrCat(masked));
  }
  findings->Add(found, marked
                           ? text::Concat("Hides values that used to be shown: ", found.Names(), ".")
                           : text::Concat("Most of what changes is hidden: ", CountOf(masked, "value"), "."));
}

// Of one change, what its configuration sets to a constant. Adds it to both.
void AddUnknownConstants(const v1::ResourceChange& change, const std::string& name, Found* constants,
                         Found* found) {
  for (const std::string& path : change.unknown_constants()) {
    for (Found* const each : {constants, found}) {
      each->At(Finding::HIGH, change.address(), path, "", text::Concat(path, " of ", name));
    }
  }
}

void AddMadeUnknown(const ChangeFact& fact, Found* found) {
  if (!fact.updates) return;
  const auto& constants = fact.change->unknown_constants();
  for (const v1::AttributeChange& attribute : fact.change->attribute_changes()) {
    const bool was_known = !attribute.before_json().empty() || !attribute.before_digest().empty();
    if (!attribute.after_unknown() || !was_known) continue;
    if (std::find(constants.begin(), constants.end(), attribute.path()) != constants.end()) continue;
    found->At(Finding::WARNING, fact.change->address(), attribute.path(),
              attribute.masked() ? "" : std::string_view(attribute.before_json()));
  }
}

void JudgeUnknown(const PlanFacts& facts, FindingList* findings) {
  Found constants("unknown-after");
  Found found("unknown-after");
  for (const ChangeFact& fact : facts.changes()) {
    const bool any = !fact.change->unknown_constants().empty();
    if (any) AddUnknownConstants(*fact.change, NameOf(fact), &constants, &found);
    AddMadeUnknown(fact, &found);
  }
  for (const v1::ResourceChange& change : facts.plan().resource_changes()) {
    if (change.mode() == "data") AddUnknownConstants(change, change.address(), &constants, &found);
  }
  findings->Add(found,
                constants.empty()
                    ? text::Concat("Makes known values unknown until it is applied: ", found.Names(), ".")
                    : text::Concat("Calls unknown until it is applied what the configuration sets to a "
                                   "constant, as if the plan was edited: ",
                                   constants.Names(), "."));
}

void JudgeIncomplete(const PlanFacts& facts, FindingList* findings) {
  const v1::PlanView& plan = facts.plan();
  Found found("plan-incomplete");
  for (const std::string& address : plan.target_addresses()) {
    found.At(Finding::WARNING, address, "", "-target");
  }
  for (const v1::DeferredChange& deferred : plan.deferred_changes()) {
    found.At(Finding::WARNING, deferred.address(), "", deferred.reason());
  }
  if (found.empty() && !plan.complete() && SaysWhetherApplyable(facts)) {
    found.At(Finding::WARNING, "", "complete", "false", "it does not say what");
  }
  findings->Add(
      found,
      text::Concat("Is about a part only, or leaves something for another plan: ", found.Names(), "."));
}

void JudgeAge(const PlanFacts& facts, FindingList* findings) {
  const v1::PlanView& plan = facts.plan();
  Found found("plan-old");
  std::string sentence = "Does not say when it was made.";
  if (!plan.has_timestamp()) {
    found.At(Finding::WARNING, "", "timestamp");
  } else {
    const absl::Time made =
        absl::FromUnixSeconds(plan.timestamp().seconds()) + absl::Nanoseconds(plan.timestamp().nanos());
    const absl::Duration age = facts.context().now - made;
    const std::string when = absl::FormatTime(absl::RFC3339_sec, made, absl::UTCTimeZone());
    if (age > facts.context().max_plan_age) {
      found.At(Finding::WARNING, "", "timestamp", when);
      sentence = text::Concat("Was made ", absl::FormatDuration(absl::Trunc(age, absl::Minutes(1))),
                              " ago; the world may have changed since.");
    } else if (age < -kClockSkew) {
      found.At(Finding::HIGH, "", "timestamp", when);
      sentence = text::Concat("Says that it was made in the future: ", when, ".");
    }
  }
  findings->Add(found, std::move(sentence));
}

void JudgeChecks(const PlanFacts& facts, FindingList* findings) {
  Found found("checks-failed");
  for (const v1::Check& check : facts.plan().checks()) {
    if (check.status() != "fail" && check.status() != "error") continue;
    found.At(Finding::WARNING, check.address(), "",
             check.problems().empty() ? check.status() : check.problems(0));
  }
  findings->Add(found, text::Concat("Checks do not hold: ", found.Names(), "."));
}

}  // namespace

void JudgeIntegrity(const PlanFacts& facts, FindingList* findings) {
  JudgeEdited(facts, findings);
  JudgeProvidersOfObjects(facts, findings);
  JudgeData(facts, findings);
  JudgeOmitted(facts, findings);
  JudgeErrored(facts, findings);
  JudgeEngine(facts, findings);
  JudgeDeclaredMode(facts, findings);
  JudgeSensitivity(facts, findings);
  JudgeUnknown(facts, findings);
  JudgeIncomplete(facts, findings);
  JudgeAge(facts, findings);
  JudgeChecks(facts, findings);
}

}  // namespace countersign::finding
