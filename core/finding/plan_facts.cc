#include "core/finding/plan_facts.h"

#include <algorithm>

#include "core/finding/attribute_values.h"
#include "core/finding/loss_order.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

// By which a resource of any type may be known, the best first.
constexpr std::string_view kIdentifiers[] = {
    "identifier", "name",        "bucket",     "cluster_identifier", "cluster_name", "function_name",
    "table_name", "domain_name", "queue_name", "topic_name",         "id",           "arn"};
constexpr size_t kMostIdentifierBytes = 256;

bool Has(const v1::ResourceChange& change, std::string_view action) {
  return std::find(change.actions().begin(), change.actions().end(), action) != change.actions().end();
}

// As the view names it, or else as the attribute says; empty when neither does.
std::string Identifier(const v1::ResourceChange& change, const std::string& key) {
  const auto at = change.identifiers().find(key);
  if (at != change.identifiers().end()) return at->second;
  const Side side = Has(change, "create") && !Has(change, "delete") ? Side::kAfter : Side::kBefore;
  const Values values = ValuesOf(change, key, side);
  const bool named =
      values.known && values.texts.size() == 1 && values.texts[0].size() <= kMostIdentifierBytes;
  return named ? values.texts[0] : "";
}

// Empty when it has none.
std::string BestIdentifier(const ChangeFact& fact) {
  if (fact.type != nullptr) {
    for (const std::string& key : fact.type->identifiers) {
      if (std::string name = Identifier(*fact.change, key); !name.empty()) return name;
    }
  }
  for (const std::string_view key : kIdentifiers) {
    const auto at = fact.change->identifiers().find(std::string(key));
    if (at != fact.change->identifiers().end() && !at->second.empty()) return at->second;
  }
  return "";
}

}  // namespace

std::string NameOf(const ChangeFact& fact) {
  std::string name = BestIdentifier(fact);
  return name.empty() ? fact.change->address() : name;
}

std::string DescriptionOf(const ChangeFact& fact) {
  if (fact.type != nullptr) return text::Concat(fact.type->what, " ", NameOf(fact));
  const std::string name = BestIdentifier(fact);
  if (name.empty()) return fact.change->address();
  return text::Concat(fact.change->address(), " (", name, ")");
}

std::map<std::string, std::string> IdentifiersOf(const v1::ResourceChange& change) {
  return {change.identifiers().begin(), change.identifiers().end()};
}

bool IsProduction(std::string_view environment) {
  if (environment.empty()) return true;
  const std::string lower = Lower(environment);
  return lower.find("prod") != std::string::npos || lower == "prd" || lower == "live";
}

std::vector<ChangeFact> FactsOf(const v1::PlanView& plan, const v1::TargetMemory* memory) {
  const ResourceTypes& types = ResourceTypes::Get();
  std::vector<ChangeFact> facts;
  facts.reserve(static_cast<size_t>(plan.resource_changes_size()));
  for (const v1::ResourceChange& change : plan.resource_changes()) {
    if (change.mode() == "data") continue;
    facts.push_back({.change = &change,
                     .type = types.Find(change.type()),
                     .creates = Has(change, "create"),
                     .updates = Has(change, "update"),
                     .deletes = Has(change, "delete"),
                     .forgets = Has(change, "forget")});
  }
  SortWorstFirst(memory, &facts);
  return facts;
}

std::string ObjectKey(std::string_view type, std::string_view id) { return text::Concat(type, "\n", id); }

PlanFacts::PlanFacts(const v1::PlanView& plan, const PlanContext& context)
    : plan_(plan), context_(context), changes_(FactsOf(plan, context.memory)) {
  // Version 0 is what a target has of which nothing is remembered.
  if (context.has_target && context.memory != nullptr && context.memory->version() > 0) {
    memory_ = context.memory;
  }
  for (const ChangeFact& fact : changes_) {
    if (fact.Replaces()) ++replaced_;
    if (fact.deletes && !fact.creates) ++deleted_;
  }
  state_size_ = std::max<int64_t>(plan.state().resource_count(), plan.state().resources_size());
  for (const v1::StateResource& resource : plan.state().resources()) {
    if (resource.deposed().empty()) state_addresses_.insert(resource.address());
    if (!resource.id().empty()) state_objects_.insert(ObjectKey(resource.type(), resource.id()));
  }
  for (const v1::ResourceChange& drift : plan.resource_drift()) {
    if (Has(drift, "delete")) gone_.insert(drift.address());
  }
}

bool PlanFacts::StateHasObject(const std::string& type, const std::string& id) const {
  return state_objects_.contains(ObjectKey(type, id));
}

}  // namespace countersign::finding
