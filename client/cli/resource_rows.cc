#include "client/cli/resource_rows.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/cli/terminal_text.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr size_t kMostAttributes = 3;
constexpr size_t kMostIdentifiers = 3;

using Attributes = google::protobuf::RepeatedPtrField<v1::AttributeChange>;

// How many values an attribute has: one where something appears or goes, else two.
enum class Sides { kBefore, kAfter, kBoth };

bool Does(const v1::ResourceChange& change, std::initializer_list<std::string_view> actions) {
  return std::equal(change.actions().begin(), change.actions().end(), actions.begin(), actions.end());
}

std::string BeforeText(const v1::AttributeChange& change) {
  if (change.masked()) return "(sensitive)";
  return change.before_json().empty() ? "(none)" : Named(change.before_json());
}

std::string AfterText(const v1::AttributeChange& change) {
  if (change.masked()) return "(sensitive)";
  if (change.after_unknown()) return "(known after apply)";
  return change.after_json().empty() ? "(none)" : Named(change.after_json());
}

std::string ValueText(const v1::AttributeChange& change, Sides sides) {
  if (sides == Sides::kBefore) return BeforeText(change);
  if (sides == Sides::kAfter) return AfterText(change);
  if (!change.masked()) return text::Concat(BeforeText(change), " -> ", AfterText(change));
  const bool same = !change.before_digest().empty() && change.before_digest() == change.after_digest();
  if (same) return "(sensitive, stays the same)";
  return change.after_unknown() ? "(sensitive, known after apply)" : "(sensitive, changes)";
}

std::string AttributeText(const v1::AttributeChange& change, Sides sides) {
  return text::Concat(Named(change.path()), ": ", ValueText(change, sides),
                      change.sensitivity_added() ? " (becomes sensitive)" : "",
                      change.cut() ? " (a value goes on)" : "");
}

// Those that force a replacement first: they are why.
std::vector<const v1::AttributeChange*> Sorted(const Attributes& attributes,
                                               const std::set<std::string>& first) {
  std::vector<const v1::AttributeChange*> sorted;
  for (const auto& attribute : attributes) sorted.push_back(&attribute);
  std::stable_partition(sorted.begin(), sorted.end(), [&first](const v1::AttributeChange* attribute) {
    return first.count(attribute->path()) > 0;
  });
  return sorted;
}

Lines AttributeRows(const Session& session, const Attributes& attributes, const std::set<std::string>& first,
                    Sides sides, int64_t omitted, Detail detail) {
  const size_t count = static_cast<size_t>(attributes.size());
  const bool few = detail == Detail::kFull || sides == Sides::kBoth;
  const size_t shown = detail == Detail::kFull ? count : few ? std::min(count, kMostAttributes) : 0;
  const auto sorted = Sorted(attributes, first);
  Lines lines;
  for (size_t i = 0; i < shown; ++i) {
    Append(&lines, Indented(session, AttributeText(*sorted[i], sides), detail));
  }
  if (shown < count && few) {
    Append(&lines, Indented(session,
                            text::Concat(Counted(static_cast<int64_t>(count - shown), "more attribute"),
                                         "; --full shows all"),
                            detail));
  }
  if (omitted > 0) {
    Append(
        &lines,
        Indented(session, text::Concat(Counted(omitted, "more attribute"), ", too many to be kept"), detail));
  }
  return lines;
}

Sides SidesOf(Effect effect) {
  switch (effect) {
    case Effect::kDelete:
    case Effect::kForget:
      return Sides::kBefore;
    case Effect::kCreate:
    case Effect::kRead:
      return Sides::kAfter;
    case Effect::kUnknown:
    case Effect::kReplace:
    case Effect::kUpdate:
    case Effect::kImport:
    case Effect::kMove:
    case Effect::kNothing:
      return Sides::kBoth;
  }
  return Sides::kBoth;
}

// What people look things up by comes first, and what says the same twice only once.
std::string IdentifiersText(const v1::ResourceChange& change, Detail detail) {
  std::vector<std::pair<std::string, std::string>> all;
  std::map<std::string, std::string> rest(change.identifiers().begin(), change.identifiers().end());
  for (const char* name : {"id", "identifier", "name", "bucket", "arn"}) {
    if (auto found = rest.extract(name); !found.empty()) all.emplace_back(found.key(), found.mapped());
  }
  all.insert(all.end(), rest.begin(), rest.end());
  std::string text;
  std::set<std::string> seen;
  for (const auto& [name, value] : all) {
    if (!seen.insert(value).second && detail == Detail::kShort) continue;
    if (detail == Detail::kShort && seen.size() > kMostIdentifiers) break;
    text += text::Concat("  ", EscapeLine(name), "=", ShellQuote(value));
    if (!IsAscii(value)) text += text::Concat(" (in ASCII ", ShellQuoteAscii(value), ")");
  }
  return text;
}

std::string HowReplaced(const v1::ResourceChange& change) {
  if (Does(change, {"create", "delete"})) return ", created before the old one is deleted";
  if (Does(change, {"delete", "create"})) return ", deleted before the new one is created";
  return ", and the old one stays without Terraform knowing it";
}

std::string NoteText(const v1::ResourceChange& change, Effect effect) {
  std::string text;
  if (effect == Effect::kUnknown)
    text += text::Concat(", ", EscapeLine(absl::StrJoin(change.actions(), "+")));
  if (!change.deposed().empty()) {
    text += text::Concat(", its deposed object ", EscapeLine(change.deposed()));
  }
  if (effect == Effect::kReplace) text += HowReplaced(change);
  if (!change.previous_address().empty())
    text += text::Concat(", moved from ", Named(change.previous_address()));
  if (change.has_importing()) {
    text += text::Concat(", imported by the id ", change.importing().unknown()
                                                      ? "known after apply"
                                                      : ShellQuoteAscii(change.importing().id()));
  }
  if (!change.replace_paths().empty())
    text += text::Concat(", because of ", Named(absl::StrJoin(change.replace_paths(), ", ")));
  if (!change.action_reason().empty()) text += text::Concat(" (", EscapeLine(change.action_reason()), ")");
  if (change.has_provider_change()) {
    text += text::Concat(", THROUGH ANOTHER PROVIDER than its state names: ",
                         EscapeLine(change.provider_change().after()));
  }
  if (!change.differs_from_state().empty()) {
    text += text::Concat(", NOT WHAT ITS OWN STATE SAYS at ",
                         Named(absl::StrJoin(change.differs_from_state(), ", ")));
  }
  return text;
}

}  // namespace

Effect EffectOf(const v1::ResourceChange& change) {
  const auto is = [&change](std::initializer_list<std::string_view> actions) {
    return Does(change, actions);
  };
  if (is({"delete"})) return Effect::kDelete;
  if (is({"delete", "create"}) || is({"create", "delete"})) return Effect::kReplace;
  if (is({"forget", "create"}) || is({"create", "forget"})) return Effect::kReplace;
  if (is({"forget"})) return Effect::kForget;
  if (is({"update"})) return Effect::kUpdate;
  if (is({"create"})) return Effect::kCreate;
  if (is({"read"})) return Effect::kRead;
  if (!is({"no-op"})) return Effect::kUnknown;
  if (!change.differs_from_state().empty()) return Effect::kUnknown;
  if (change.has_importing()) return Effect::kImport;
  return change.previous_address().empty() ? Effect::kNothing : Effect::kMove;
}

std::string_view EffectLabel(Effect effect) {
  switch (effect) {
    case Effect::kUnknown:
      return "UNKNOWN";
    case Effect::kDelete:
      return "DELETE";
    case Effect::kReplace:
      return "REPLACE";
    case Effect::kForget:
      return "FORGET";
    case Effect::kUpdate:
      return "update";
    case Effect::kCreate:
      return "create";
    case Effect::kImport:
      return "import";
    case Effect::kMove:
      return "move";
    case Effect::kRead:
      return "read";
    case Effect::kNothing:
      return "unchanged";
  }
  return "UNKNOWN";
}

Tone EffectTone(Effect effect) {
  switch (effect) {
    case Effect::kUnknown:
    case Effect::kDelete:
    case Effect::kReplace:
    case Effect::kForget:
      return Tone::kBad;
    case Effect::kUpdate:
      return Tone::kCareful;
    case Effect::kCreate:
      return Tone::kGood;
    case Effect::kImport:
    case Effect::kMove:
    case Effect::kRead:
    case Effect::kNothing:
      return Tone::kPlain;
  }
  return Tone::kBad;
}

Lines ResourceRows(const Session& session, const v1::ResourceChange& change, std::string_view label,
                   Detail detail) {
  const Effect effect = EffectOf(change);
  Lines lines =
      Row(session, text::Concat("  ", label),
          text::Concat(Named(change.address()), IdentifiersText(change, detail), NoteText(change, effect)),
          Break::kAtSpaces, "", EffectTone(effect));
  const std::set<std::string> first(change.replace_paths().begin(), change.replace_paths().end());
  Append(&lines, AttributeRows(session, change.attribute_changes(), first, SidesOf(effect),
                               change.attribute_changes_omitted(), detail));
  return lines;
}

Lines OutputRows(const Session& session, const v1::OutputChange& change, Detail detail) {
  const std::string actions = EscapeLine(absl::StrJoin(change.actions(), "+"));
  Lines lines =
      Row(session, "  output",
          text::Concat(Named(change.name()), ", ", actions, change.sensitive() ? ", sensitive" : ""),
          Break::kAtSpaces, "", Tone::kPlain);
  const Sides sides = actions == "create"   ? Sides::kAfter
                      : actions == "delete" ? Sides::kBefore
                                            : Sides::kBoth;
  if (detail == Detail::kFull)
    Append(&lines, AttributeRows(session, change.attribute_changes(), {}, sides, 0, detail));
  return lines;
}

}  // namespace countersign::cli
