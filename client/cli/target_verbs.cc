// target list, show and adopt: what the broker remembers of targets.
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <utility>

#include "client/cli/app.h"
#include "client/cli/card_rows.h"
#include "client/cli/exit_code.h"
#include "client/cli/plan_card.h"
#include "client/cli/proposal_card.h"
#include "client/cli/table.h"
#include "client/cli/terminal_text.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kTargetPrefix = "targets/";
constexpr size_t kMostShownResources = 20;
constexpr size_t kShortLineage = 8;
// A memory names every resource of the state.
CallOptions MemoryCall() { return {.timeout = absl::Minutes(1)}; }

// Nothing where nothing was ever remembered.
absl::StatusOr<std::optional<v1::TargetMemory>> FindMemory(Client& client, const std::string& target) {
  auto memory = client.GetTargetMemory(target, MemoryCall());
  if (memory.ok()) return *std::move(memory);
  if (error::ReasonOf(memory.status()) == v1::NOT_FOUND) return std::nullopt;
  return memory.status();
}

std::string ByText(const v1::TargetMemory& memory) {
  return memory.adopted_by().empty() ? "an execution"
                                     : text::Concat(ShortPrincipal(memory.adopted_by()), " (adopted)");
}

struct Remembered {
  std::string target;
  std::optional<v1::TargetMemory> memory;
};

absl::StatusOr<std::vector<Remembered>> ListRemembered(Client& client) {
  const auto documents = client.ListDocuments(InteractiveCall());
  if (!documents.ok()) return documents.status();
  std::vector<Remembered> all;
  for (const auto& document : documents->documents()) {
    if (document.name().rfind(kTargetPrefix, 0) != 0) continue;
    auto memory = FindMemory(client, document.name());
    if (!memory.ok()) return memory.status();
    all.push_back({document.name(), *std::move(memory)});
  }
  return all;
}

// An array, as no message of the contract holds several; without the resources, which `target show` has.
absl::Status PrintListJson(Session& session, std::vector<Remembered> all) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (Remembered& one : all) {
    nlohmann::ordered_json entry = {{"target", one.target}};
    if (one.memory.has_value()) {
      one.memory->mutable_state()->clear_resources();
      one.memory->clear_configuration();
      const auto text = JsonText(*one.memory);
      if (!text.ok()) return text.status();
      entry["memory"] = nlohmann::ordered_json::parse(*text);
    }
    list.push_back(std::move(entry));
  }
  session.out() << EscapeJson(nlohmann::ordered_json{{"targets", list}}.dump(1)) << '\n';
  return absl::OkStatus();
}

absl::StatusOr<int> List(Session& session) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  auto all = ListRemembered(**client);
  if (!all.ok()) return all.status();
  if (session.json()) {
    if (const auto status = PrintListJson(session, *std::move(all)); !status.ok()) return status;
    return kDone;
  }
  Table table({"TARGET", "LINEAGE", "SERIAL", "RESOURCES", "BACKEND", "CHANGED", "BY"});
  for (const Remembered& one : *all) {
    const std::string name = one.target.substr(kTargetPrefix.size());
    if (!one.memory.has_value()) {
      table.Add({name, "nothing", "", "", "", "", ""});
      continue;
    }
    const v1::PlanState& state = one.memory->state();
    table.Add({name, state.lineage().substr(0, kShortLineage), text::Concat(state.serial()),
               text::Concat(state.resource_count()), one.memory->backend().type(),
               TimeText(one.memory->update_time()), ByText(*one.memory)});
  }
  if (table.empty()) {
    session.out() << "there are no targets; an admin adds one with `countersign apply -f`\n";
  } else {
    session.world().out_is_terminal ? table.Print(session.out(), session.columns())
                                    : table.Print(session.out());
  }
  return kDone;
}

std::string StateText(const v1::PlanState& state) {
  if (state.lineage().empty()) return "none";
  return text::Concat("lineage ", EscapeLine(state.lineage()), ", serial ", state.serial(), ", ",
                      Counted(state.resource_count(), "resource"));
}

std::string ResourceText(const v1::StateResource& resource) {
  return text::Concat(Named(resource.address()), resource.deposed().empty() ? "" : ", its deposed object ",
                      EscapeLine(resource.deposed()), resource.id().empty() ? "" : "  id=",
                      resource.id().empty() ? "" : ShellQuoteAscii(resource.id()));
}

void PrintFirst(Session& session, std::string_view label, const std::vector<std::string>& texts, bool full) {
  size_t count = 0;
  for (const std::string& text : texts) {
    if (++count <= kMostShownResources || full) PrintRow(session, count == 1 ? label : "", text);
  }
  if (count > kMostShownResources && !full) {
    Print(session.out(),
          NotShown(session, text::Concat(count - kMostShownResources, " more; --full shows them")));
  }
}

struct TargetOptions {
  std::string target;
  std::string proposal;
  std::string digest;
  bool full = false;
};

absl::StatusOr<int> Show(Session& session, const TargetOptions& options) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  const auto memory = (*client)->GetTargetMemory(TargetName(options.target), MemoryCall());
  if (!memory.ok()) return memory.status();
  if (session.json()) {
    if (const auto status = session.PrintJson(*memory); !status.ok()) return status;
    return kDone;
  }
  PrintRow(session, "Target", EscapeLine(memory->target()));
  PrintRow(session, "Engine", memory->engine().empty() ? "terraform or tofu" : EscapeLine(memory->engine()));
  PrintRow(session, "State", StateText(memory->state()));
  PrintRow(session, "Content", EscapeLine(memory->state().content_digest()));
  PrintRow(session, "Kept in", BackendText(memory->backend()));
  PrintRow(session, "Changed",
           text::Concat(TimeText(memory->update_time()), " to version ", memory->version()));
  PrintRow(session, "By", EscapeLine(ByText(*memory)));
  PrintRow(session, "From", EscapeLine(memory->proposal()));
  std::vector<std::string> resources;
  for (const auto& resource : memory->state().resources()) resources.push_back(ResourceText(resource));
  PrintFirst(session, "Resources", resources, options.full);
  return kDone;
}

// One thing of two states: on one row where it is the same.
void PrintPair(Session& session, std::string_view label, const std::string& before,
               const std::string& after) {
  if (before == after) return PrintRow(session, label, text::Concat(after, " (the same)"));
  PrintRow(session, label, text::Concat("remembered: ", before));
  PrintRow(session, "", text::Concat("new:        ", after));
}

std::string OrNone(const std::string& text) { return text.empty() ? "none" : EscapeLine(text); }

using Resources = std::map<std::pair<std::string, std::string>, const v1::StateResource*>;

Resources ByAddress(const v1::PlanState& state) {
  Resources resources;
  for (const auto& resource : state.resources())
    resources[{resource.address(), resource.deposed()}] = &resource;
  return resources;
}

void PrintResourceDifferences(Session& session, const v1::PlanState& before, const v1::PlanState& after,
                              bool full) {
  const Resources old_ones = ByAddress(before);
  const Resources new_ones = ByAddress(after);
  std::vector<std::string> only_old;
  std::vector<std::string> only_new;
  std::vector<std::string> others;
  for (const auto& [key, resource] : old_ones) {
    const auto found = new_ones.find(key);
    if (found == new_ones.end()) {
      only_old.push_back(ResourceText(*resource));
    } else if (found->second->id() != resource->id()) {
      others.push_back(
          text::Concat(ResourceText(*resource), " is now ",
                       found->second->id().empty() ? "without an id" : ShellQuoteAscii(found->second->id())));
    }
  }
  for (const auto& [key, resource] : new_ones) {
    if (old_ones.count(key) == 0) only_new.push_back(ResourceText(*resource));
  }
  PrintFirst(session, "No longer", only_old, full);
  PrintFirst(session, "Other id", others, full);
  PrintFirst(session, "New", only_new, full);
}

// What is remembered against what would be.
void PrintComparison(Session& session, const v1::TargetMemory& memory, const v1::PlanView& plan, bool full) {
  const v1::PlanState& before = memory.state();
  const v1::PlanState& after = plan.state();
  PrintPair(session, "Lineage", OrNone(before.lineage()), OrNone(after.lineage()));
  PrintPair(session, "Serial", text::Concat(before.serial()), text::Concat(after.serial()));
  PrintPair(session, "Resources", text::Concat(before.resource_count()),
            text::Concat(after.resource_count()));
  PrintPair(session, "Content", OrNone(before.content_digest()), OrNone(after.content_digest()));
  PrintPair(session, "Kept in", BackendText(memory.backend()), BackendText(plan.backend()));
  if (memory.backend().settings_digest() != plan.backend().settings_digest() &&
      !memory.backend().settings_digest().empty()) {
    PrintRow(session, "", "its settings differ, those that are not shown included");
  }
  PrintResourceDifferences(session, before, after, full);
}

struct Adoption {
  v1::Proposal proposal;
  v1::PlanView plan;
  std::optional<v1::TargetMemory> memory;
};

absl::StatusOr<Adoption> FindAdoption(Session& session, const TargetOptions& options) {
  const std::string target = TargetName(options.target);
  auto proposal = session.Find(options.proposal);
  if (!proposal.ok()) return proposal.status();
  if (proposal->action().target() != target || proposal->action().kind() != v1::TERRAFORM_PLAN) {
    return UsageError(text::Concat(IdOf(*proposal), " holds no plan of ", target, "; it is for ",
                                   proposal->action().target()));
  }
  auto plan = FetchPlan(session, *proposal);
  if (!plan.ok()) return plan.status();
  const auto client = session.client();
  if (!client.ok()) return client.status();
  auto memory = FindMemory(**client, target);
  if (!memory.ok()) return memory.status();
  return Adoption{*std::move(proposal), *std::move(plan), *std::move(memory)};
}

absl::Status ConfirmAdoption(Session& session, const TargetOptions& options, const Adoption& adoption) {
  const std::string& digest = adoption.plan.state().content_digest();
  if (!options.digest.empty()) {
    if (options.digest == digest) return absl::OkStatus();
    return error::Make(v1::DIGEST_MISMATCH,
                       text::Concat("the digest given is not that of the new state's content, which is ",
                                    digest.empty() ? "none" : digest));
  }
  if (session.json()) return UsageError("with --output json, say what you adopt with --digest");
  const std::string target = TargetName(options.target);
  return session.Confirm(
      text::Concat("\nFrom now on the broker takes the new state for that of ", EscapeLine(target),
                   ".\nWhat waits for a decision or a run on it becomes SUPERSEDED, this proposal too: "
                   "submit the plan again.\n"),
      "To adopt without being asked, name what you have seen: --digest with the new content's digest.",
      target.substr(kTargetPrefix.size()));
}

absl::StatusOr<int> Adopt(Session& session, const TargetOptions& options) {
  const auto adoption = FindAdoption(session, options);
  if (!adoption.ok()) return adoption.status();
  if (!session.json()) {
    PrintRow(session, "Target", EscapeLine(adoption->proposal.action().target()));
    PrintRow(session, "Plan of",
             text::Concat(EscapeLine(IdOf(adoption->proposal)), ", submitted by ",
                          EscapeLine(adoption->proposal.requester())));
    if (!adoption->memory.has_value()) PrintRow(session, "", "nothing is remembered of this target so far");
    PrintComparison(session, adoption->memory.value_or(v1::TargetMemory()), adoption->plan, options.full);
  }
  if (const auto status = ConfirmAdoption(session, options, *adoption); !status.ok()) return status;
  const auto client = session.client();
  if (!client.ok()) return client.status();
  v1::AdoptStateRequest request;
  request.set_target(adoption->proposal.action().target());
  request.set_proposal(adoption->proposal.name());
  if (adoption->memory.has_value()) request.set_etag(adoption->memory->etag());
  const auto memory = (*client)->AdoptState(request, MemoryCall());
  if (!memory.ok()) return memory.status();
  if (session.json()) {
    if (const auto status = session.PrintJson(*memory); !status.ok()) return status;
  } else {
    PrintRow(session, "Remembered", StateText(memory->state()));
  }
  return kDone;
}

}  // namespace

void AddTargetVerbs(Verbs& verbs, Session& session) {
  Verbs target = verbs.Group("target", "What the broker remembers of the targets' states",
                             "  countersign target list\n  countersign target show prod-courses\n"
                             "  countersign target adopt prod-courses --proposal k3vq");
  target.Add("list", "List the targets and what is remembered of each",
             "  countersign target list\n  countersign target list --output json | jq '.targets[].target'",
             [&session] { return List(session); });

  auto shown = std::make_shared<TargetOptions>();
  const Verb show_verb =
      target.Add("show", "Show the state that the broker expects a target to be in",
                 "  countersign target show prod-courses\n  countersign target show prod-courses --full",
                 [&session, shown] { return Show(session, *shown); });
  show_verb.Option("TARGET", &shown->target, "The target, targets/NAME", {.required = true});
  show_verb.Flag("--full", &shown->full, "All of its resources");

  auto adopted = std::make_shared<TargetOptions>();
  const Verb adopt_verb = target.Add(
      "adopt", "Take the state that a plan was made on for the target's own (admins)",
      "  countersign target adopt prod-courses --proposal k3vq\n"
      "  countersign target adopt prod-courses --proposal k3vq --digest sha256:9f86d0…   # as shown before",
      [&session, adopted] { return Adopt(session, *adopted); });
  adopt_verb.Option("TARGET", &adopted->target, "The target, targets/NAME", {.required = true});
  adopt_verb.Option("--proposal", &adopted->proposal, "A proposal with a plan on this target",
                    {.type_name = "ID", .required = true});
  adopt_verb.Option("--digest", &adopted->digest,
                    "Adopt without being asked, if this is the digest of the new state's content",
                    {.type_name = "DIGEST"});
  adopt_verb.Flag("--full", &adopted->full, "All resources that differ");
}

}  // namespace countersign::cli
