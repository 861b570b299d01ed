#include "core/finding/command_table.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/finding/data_reader.h"
#include "core/finding/embedded_data.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using Is = CommandRule::Is;

constexpr std::pair<std::string_view, Is> kIs[] = {
    {"destroys", Is::kDestroys}, {"unsaved", Is::kUnsaved}, {"opaque", Is::kOpaque},
    {"changes", Is::kChanges},   {"reads", Is::kReads},
};

// Rules are short, so a list of words in one text is easier to read than a list of texts.
std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string_view word : text::Split(text, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

absl::StatusOr<CommandRule> ReadRule(const nlohmann::json& object, std::string place) {
  TableReader reader(object, std::move(place));
  CommandRule rule;
  const std::string is = reader.Text("is");
  if (reader.OneOf(is, {"destroys", "unsaved", "opaque", "changes", "reads"})) {
    for (const auto& [word, value] : kIs) {
      if (word == is) rule.is = value;
    }
  }
  rule.words = Words(reader.OptionalText("words"));
  rule.options = reader.Texts("options");
  rule.what = reader.OptionalText("what");
  if (rule.what.empty() && (rule.is == Is::kDestroys || rule.is == Is::kUnsaved))
    reader.Fail("what is missing");
  const std::string severity = reader.OptionalText("severity");
  if (!severity.empty() && reader.OneOf(severity, {"high", "warning"})) {
    rule.severity = severity == "high" ? v1::Finding::HIGH : v1::Finding::WARNING;
  }
  rule.exact = reader.Flag("exact");
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return rule;
}

absl::StatusOr<Program> ReadProgram(const nlohmann::json& object, std::string place) {
  TableReader reader(object, std::move(place));
  Program program;
  program.names = reader.Texts("names");
  if (program.names.empty()) reader.Fail("names are missing");
  program.value_options = reader.Texts("value_options");
  program.flags = reader.Texts("flags");
  program.sql_options = reader.Texts("sql_options");
  program.sql_arguments = reader.Flag("sql_arguments");
  program.plans = reader.Flag("plans");
  program.edits_text = reader.Flag("edits_text");
  program.reads_input = reader.Flag("reads_input");
  program.guards = reader.Flag("guards");
  size_t position = 0;
  for (const nlohmann::json* object_of_rule : reader.Objects("rules")) {
    absl::StatusOr<CommandRule> rule =
        ReadRule(*object_of_rule, absl::StrCat(reader.place(), ".rules[", position++, "]"));
    if (!rule.ok()) return rule.status();
    program.rules.push_back(*std::move(rule));
  }
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return program;
}

absl::StatusOr<Wrapper> ReadWrapper(const nlohmann::json& object, std::string place) {
  TableReader reader(object, std::move(place));
  Wrapper wrapper;
  wrapper.names = reader.Texts("names");
  if (wrapper.names.empty()) reader.Fail("names are missing");
  wrapper.value_options = reader.Texts("value_options");
  wrapper.flags = reader.Texts("flags");
  wrapper.skips = reader.Number("skips");
  wrapper.assignments = reader.Flag("assignments");
  wrapper.after = reader.Texts("after");
  wrapper.text_options = reader.Texts("text_options");
  wrapper.rest_is_text = reader.Flag("rest_is_text");
  wrapper.opaque = reader.Flag("opaque");
  wrapper.permutes = reader.Flag("permutes");
  wrapper.adds_arguments = reader.Flag("adds_arguments");
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return wrapper;
}

template <typename T>
const T* FindByName(const std::vector<T>& list, std::string_view name) {
  const auto at = std::find_if(list.begin(), list.end(),
                               [name](const T& element) { return MatchesAny(element.names, name); });
  return at == list.end() ? nullptr : &*at;
}

}  // namespace

bool MatchesAny(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [text](const std::string& pattern) { return Matches(pattern, text); });
}

absl::StatusOr<CommandTable> CommandTable::Parse(std::string_view text) {
  absl::StatusOr<nlohmann::json> json = ParseTable(text);
  if (!json.ok()) return json.status();
  TableReader reader(*json, "commands");
  CommandTable table;
  table.shells_ = reader.Texts("shells");
  table.interpreters_ = reader.Texts("interpreters");
  table.steering_variables_ = reader.Texts("steering_variables");
  table.system_directories_ = reader.Texts("system_directories");
  size_t position = 0;
  for (const nlohmann::json* object : reader.Objects("wrappers")) {
    absl::StatusOr<Wrapper> wrapper = ReadWrapper(*object, absl::StrCat("wrappers[", position++, "]"));
    if (!wrapper.ok()) return wrapper.status();
    table.wrappers_.push_back(*std::move(wrapper));
  }
  position = 0;
  for (const nlohmann::json* object : reader.Objects("programs")) {
    absl::StatusOr<Program> program = ReadProgram(*object, absl::StrCat("programs[", position++, "]"));
    if (!program.ok()) return program.status();
    table.programs_.push_back(*std::move(program));
  }
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return table;
}

const CommandTable& CommandTable::Get() {
  static const auto* const table = [] {
    absl::StatusOr<CommandTable> parsed = Parse(CommandsText());
    if (!parsed.ok()) std::abort();  // A test reads the table, so this is never shipped.
    return new CommandTable(*std::move(parsed));
  }();
  return *table;
}

const Program* CommandTable::FindProgram(std::string_view name) const { return FindByName(programs_, name); }
const Wrapper* CommandTable::FindWrapper(std::string_view name) const { return FindByName(wrappers_, name); }
bool CommandTable::IsShell(std::string_view name) const { return MatchesAny(shells_, name); }
bool CommandTable::IsPlanner(std::string_view name) const {
  return std::any_of(programs_.begin(), programs_.end(), [name](const Program& program) {
    return program.plans && MatchesAny(program.names, name);
  });
}

bool CommandTable::MayBePlanner(std::string_view pattern) const {
  const auto matches = [pattern](const std::string& name) { return Matches(pattern, name); };
  return std::any_of(programs_.begin(), programs_.end(), [&matches](const Program& program) {
    return program.plans && std::any_of(program.names.begin(), program.names.end(), matches);
  });
}

bool CommandTable::IsInterpreter(std::string_view name) const { return MatchesAny(interpreters_, name); }
bool CommandTable::Steers(std::string_view variable) const {
  return MatchesAny(steering_variables_, variable);
}

bool CommandTable::IsSystemDirectory(std::string_view directory) const {
  return std::find(system_directories_.begin(), system_directories_.end(), directory) !=
         system_directories_.end();
}

}  // namespace countersign::finding
