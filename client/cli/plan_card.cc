#include "client/cli/plan_card.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/resource_rows.h"
#include "client/cli/terminal_text.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr size_t kMostLost = 20;   // Of what is deleted, replaced or forgotten, of each.
constexpr size_t kMostOthers = 8;  // Of everything else, of each.
constexpr size_t kMostLines = 10;  // Of one of them.
constexpr size_t kShortLineage = 8;
constexpr std::array kShownEffects = {Effect::kUnknown, Effect::kDelete, Effect::kReplace,
                                      Effect::kForget,  Effect::kUpdate, Effect::kCreate,
                                      Effect::kImport,  Effect::kMove,   Effect::kRead};

size_t MostOf(Effect effect, Detail detail) {
  if (detail == Detail::kFull) return std::string::npos;
  return effect <= Effect::kForget ? kMostLost : kMostOthers;
}

// The first `most` items as `rows` makes them, and how many more there are.
template <typename Items, typename Rows>
Lines FirstRows(const Session& session, const Items& items, size_t most, std::string_view what,
                const Rows& rows) {
  const Detail detail = most == std::string::npos ? Detail::kFull : Detail::kShort;
  Lines lines;
  size_t count = 0;
  for (const auto& item : items) {
    if (++count <= most) Append(&lines, Cut(session, rows(item), kMostLines, detail));
  }
  if (count > most) {
    Append(&lines, NotShown(session, text::Concat(count - most, " more ", what, "; --full shows them")));
  }
  return lines;
}

size_t MostOthers(Detail detail) { return detail == Detail::kFull ? std::string::npos : kMostOthers; }

std::string MoreToDo(Effect effect) {
  switch (effect) {
    case Effect::kForget:
      return "to be forgotten: they stay, and Terraform no longer knows them";
    case Effect::kUnknown:
      return "of unknown meaning";
    default:
      return text::Concat("to ", text::Concat(effect == Effect::kDelete    ? "delete"
                                              : effect == Effect::kReplace ? "replace"
                                                                           : EffectLabel(effect)));
  }
}

Lines ChangeRows(const Session& session, const v1::PlanView& plan, Detail detail) {
  std::map<Effect, std::vector<const v1::ResourceChange*>> by_effect;
  for (const auto& change : plan.resource_changes()) by_effect[EffectOf(change)].push_back(&change);
  Lines lines;
  for (const Effect effect : kShownEffects) {
    Append(&lines, FirstRows(session, by_effect[effect], MostOf(effect, detail), MoreToDo(effect),
                             [&](const v1::ResourceChange* change) {
                               return ResourceRows(session, *change, EffectLabel(effect), detail);
                             }));
  }
  return lines;
}

// What is otherwise than in the last state without the plan doing it.
template <typename Changes>
Lines OtherwiseRows(const Session& session, std::string_view label, std::string_view title,
                    const Changes& changes, std::string_view more, std::string_view word, Detail detail) {
  if (changes.empty()) return {};
  Lines lines = Row(session, label, title, Break::kAtSpaces);
  Append(&lines, FirstRows(session, changes, MostOthers(detail), more, [&](const v1::ResourceChange& change) {
    return ResourceRows(session, change, word, detail);
  }));
  return lines;
}

Lines OutputsRows(const Session& session, const v1::PlanView& plan, Detail detail) {
  std::vector<const v1::OutputChange*> changed;
  for (const auto& output : plan.output_changes()) {
    if (output.actions_size() != 1 || output.actions(0) != "no-op") changed.push_back(&output);
  }
  return FirstRows(session, changed, MostOthers(detail), "outputs",
                   [&](const v1::OutputChange* output) { return OutputRows(session, *output, detail); });
}

// Names beside a label, a row each.
template <typename Names>
Lines NameRows(const Session& session, std::string_view label, const Names& names, std::string_view what,
               Detail detail) {
  bool first = true;
  return FirstRows(session, names, MostOthers(detail), what, [&](const std::string& name) {
    return Row(session, std::exchange(first, false) ? label : "", Named(name), Break::kAtSpaces);
  });
}

// What Terraform would do, or not, beside the changes of resources.
Lines BesidesRows(const Session& session, const v1::PlanView& plan, Detail detail) {
  Lines lines = NameRows(session, "-target", plan.target_addresses(), "given with -target", detail);
  Append(&lines,
         NameRows(session, "-replace", plan.force_replace_addresses(), "given with -replace", detail));
  Append(&lines, FirstRows(session, plan.action_invocations(), MostOthers(detail), "actions",
                           [&](const v1::ActionInvocation& action) {
                             const std::string& trigger = action.triggering_address();
                             return Row(session, "  action",
                                        text::Concat(Named(action.address()),
                                                     trigger.empty() ? "" : ", triggered by ", Named(trigger),
                                                     action.deferred() ? ", deferred" : ""),
                                        Break::kAtSpaces, "", Tone::kCareful);
                           }));
  Append(&lines, FirstRows(session, plan.deferred_changes(), MostOthers(detail), "put off",
                           [&](const v1::DeferredChange& change) {
                             return Row(session, "  put off",
                                        text::Concat(Named(change.address()), ", ",
                                                     EscapeLine(absl::StrJoin(change.actions(), "+")), ", ",
                                                     EscapeLine(change.reason())),
                                        Break::kAtSpaces, "", Tone::kPlain);
                           }));
  return lines;
}

Lines CheckRows(const Session& session, const v1::PlanView& plan, Detail detail) {
  std::vector<const v1::Check*> failed;
  for (const auto& check : plan.checks()) {
    if (detail == Detail::kFull || check.status() == "fail" || check.status() == "error")
      failed.push_back(&check);
  }
  return FirstRows(session, failed, MostOthers(detail), "checks", [&](const v1::Check* check) {
    Lines lines =
        Row(session, "  check", text::Concat(Named(check->address()), ": ", EscapeLine(check->status())),
            Break::kAtSpaces, "", Tone::kPlain);
    for (const std::string& problem : check->problems())
      Append(&lines, Indented(session, EscapeLine(problem), detail));
    return lines;
  });
}

Lines CodeRows(const Session& session, const v1::PlanConfiguration& configuration, Detail detail) {
  if (configuration.code_blocks().empty()) return {};
  if (detail == Detail::kShort) {
    std::map<std::string, int> counts;
    for (const auto& block : configuration.code_blocks()) ++counts[block.kind()];
    const std::string kinds = absl::StrJoin(counts, ", ", [](std::string* out, const auto& kind) {
      *out += text::Concat(kind.second, " ", EscapeLine(kind.first));
    });
    return Row(session, "Code", text::Concat(kinds, "; --full shows them"), Break::kAtSpaces);
  }
  Lines lines;
  for (const auto& block : configuration.code_blocks()) {
    const std::string module = block.module().empty() ? "" : text::Concat("module ", block.module(), " ");
    Append(&lines, Row(session, lines.empty() ? "Code" : "",
                       text::Concat(Named(block.kind()), ", ", Named(block.what()), " at ", Named(module),
                                    Named(block.file()), ":", block.line(),
                                    block.detail().empty() ? "" : ": ", Named(block.detail())),
                       Break::kAtSpaces));
  }
  return lines;
}

Lines OriginRows(const Session& session, const v1::PlanView& plan, Detail detail) {
  const v1::PlanState& state = plan.state();
  const std::string lineage =
      detail == Detail::kFull ? state.lineage() : state.lineage().substr(0, kShortLineage);
  Lines lines =
      Row(session, "From state",
          state.lineage().empty() ? "none: the plan was made without a state"
                                  : text::Concat("lineage ", EscapeLine(lineage), ", serial ", state.serial(),
                                                 ", ", Counted(state.resource_count(), "resource")),
          Break::kAtSpaces);
  if (!state.without_change().empty()) {
    Append(&lines,
           NameRows(session, "Not in plan", state.without_change(), "that only the state has", detail));
  }
  Append(&lines, Cut(session, Row(session, "Kept in", BackendText(plan.backend()), Break::kAtSpaces),
                     kMostLines, detail));
  if (plan.masked_change_count() > 0) {
    Append(&lines,
           Row(session, "Sensitive", text::Concat(Counted(plan.masked_change_count(), "value"), " not shown"),
               Break::kAtSpaces));
  }
  Append(&lines, CodeRows(session, plan.configuration(), detail));
  return lines;
}

// What few need: the versions, the inputs and the digests.
Lines SourceRows(const Session& session, const v1::PlanView& plan, Detail detail) {
  const std::string engine = plan.engine().empty() ? "Terraform" : EscapeLine(plan.engine());
  std::string made = text::Concat(engine, " ", EscapeLine(plan.terraform_version()));
  if (plan.has_timestamp()) {
    made += text::Concat(
        ", by its own account at ",
        absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(plan.timestamp().seconds()),
                         absl::UTCTimeZone()));
  }
  Lines lines = Row(session, "Made by", made, Break::kAtSpaces);
  if (detail == Detail::kShort) return lines;
  Append(&lines, NameRows(session, "Variables", plan.variables(), "", detail));
  Append(&lines, NameRows(session, "At apply", plan.apply_time_variables(), "", detail));
  for (const auto& provider : plan.configuration().providers()) {
    Append(&lines,
           Row(session, "Provider", text::Concat(Named(provider.source()), " ", Named(provider.version())),
               Break::kAtSpaces));
  }
  for (const auto& module : plan.configuration().modules()) {
    if (module.key().empty()) continue;
    Append(&lines, Row(session, "Module",
                       text::Concat(Named(module.key()), " from ", Named(module.source()), " ",
                                    Named(module.version())),
                       Break::kAtSpaces));
  }
  for (const auto& file : plan.configuration().files()) {
    Append(&lines, Row(session, "File", text::Concat(Named(file.path()), ", ", file.size_bytes(), " bytes"),
                       Break::kAtSpaces));
  }
  Append(&lines, Row(session, "Fingerprint", EscapeLine(plan.fingerprint()), Break::kAnywhere));
  return lines;
}

Lines HeadRows(const Session& session, const v1::PlanView& plan) {
  std::string text = CountsText(plan.counts());
  if (plan.mode() == v1::DESTROY) text += "; it deletes everything that the state has";
  if (plan.mode() == v1::REFRESH_ONLY) text += "; it only takes over what has changed outside";
  if (!plan.complete()) text += "; it is not complete, work is left for another plan";
  Lines lines = Row(session, "Plan", text, Break::kAtSpaces);
  if (plan.errored()) {
    Append(&lines,
           Row(session, "", "planning met an error: Terraform refuses to apply it", Break::kAtSpaces));
  }
  return lines;
}

void AddCount(int64_t count, std::string_view what, std::string* text) {
  if (count == 0) return;
  *text += text::Concat(text->empty() ? "" : ", ", count, " ", what);
}

}  // namespace

std::string CountsText(const v1::ChangeCounts& counts) {
  std::string text;
  AddCount(counts.delete_(), "to delete", &text);
  AddCount(counts.replace(), "to replace", &text);
  AddCount(counts.forget(), "to forget", &text);
  AddCount(counts.update(), "to update", &text);
  AddCount(counts.create(), "to create", &text);
  AddCount(counts.import(), "to import", &text);
  AddCount(counts.move(), "to move", &text);
  AddCount(counts.read(), "to read", &text);
  if (text.empty()) text = "nothing to change";
  AddCount(counts.no_op(), "unchanged", &text);
  return text;
}

std::string BackendText(const v1::Backend& backend) {
  if (backend.type().empty()) return "no backend";
  std::string text = Named(backend.type());
  if (!backend.workspace().empty()) text += text::Concat(", workspace ", Named(backend.workspace()));
  const std::map<std::string, std::string> settings(backend.settings().begin(), backend.settings().end());
  for (const auto& [name, value] : settings) text += text::Concat(", ", Named(name), "=", Named(value));
  if (!backend.masked_settings().empty())
    text += text::Concat("; not shown: ", Named(absl::StrJoin(backend.masked_settings(), ", ")));
  return text;
}

Lines PlanRows(const Session& session, const v1::PlanView& plan, Detail detail) {
  Lines lines = HeadRows(session, plan);
  Append(&lines, ChangeRows(session, plan, detail));
  Append(&lines, OtherwiseRows(session, "Drift", "has changed outside of Terraform since the last apply:",
                               plan.resource_drift(), "that have drifted", "drift", detail));
  Append(&lines, OtherwiseRows(session, "Data", "sources say otherwise than in the last state:",
                               plan.data_changes(), "that say otherwise", "read", detail));
  Append(&lines, OutputsRows(session, plan, detail));
  Append(&lines, BesidesRows(session, plan, detail));
  Append(&lines, CheckRows(session, plan, detail));
  Append(&lines, OriginRows(session, plan, detail));
  Append(&lines, SourceRows(session, plan, detail));
  return lines;
}

}  // namespace countersign::cli
