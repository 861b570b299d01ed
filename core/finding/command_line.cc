#include "core/finding/command_line.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/finding/command_table.h"
#include "core/finding/shell_text.h"
#include "core/finding/sql_text.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using Arguments = std::vector<std::string>;
using Is = CommandRule::Is;
using v1::Finding;

constexpr int kMaxDepth = 8;
constexpr size_t kTextBytes = 512;

constexpr std::string_view kOpaqueWhat = "what it does cannot be told from its arguments";
constexpr std::string_view kElsewhereWhat = "runs code that is not judged here";

std::string Join(const Arguments& arguments) {
  std::string text;
  for (const std::string& argument : arguments) {
    if (!text.empty()) text.push_back(' ');
    text += argument;
    if (text.size() > kTextBytes) break;
  }
  return Cut(text, kTextBytes);
}

std::string_view FileName(std::string_view program) {
  const size_t slash = program.rfind('/');
  return slash == std::string_view::npos ? program : program.substr(slash + 1);
}

bool IsOption(std::string_view argument) { return argument.size() > 1 && argument.starts_with('-'); }

bool IsAssignment(std::string_view argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string_view::npos || equals == 0 || (argument[0] >= '0' && argument[0] <= '9'))
    return false;
  return std::all_of(argument.begin(), argument.begin() + static_cast<std::ptrdiff_t>(equals), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string_view WithoutDashes(std::string_view option) {
  option.remove_prefix(std::min(option.find_first_not_of('-'), option.size()));
  return option.substr(0, option.find('='));
}

// Whether `argument` is the option `wanted`: with one dash or two, with a value after =, or, a single letter,
// among others as in -rf.
bool IsThatOption(std::string_view argument, std::string_view wanted) {
  if (!wanted.starts_with('-')) return Matches(wanted, argument);
  if (!IsOption(argument)) return false;
  const std::string_view name = WithoutDashes(wanted);
  if (name.size() > 1) return Matches(name, WithoutDashes(argument));
  return !argument.starts_with("--") && WithoutDashes(argument).find(name) != std::string_view::npos;
}

bool HasOption(const Arguments& arguments, const std::vector<std::string>& wanted) {
  return std::any_of(arguments.begin(), arguments.end(), [&wanted](const std::string& argument) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&argument](const std::string& option) { return IsThatOption(argument, option); });
  });
}

bool Equal(std::string_view argument, const std::vector<std::string>& options) {
  return std::find(options.begin(), options.end(), argument) != options.end();
}

// The arguments that are no options, in lower case. `strict`: nor values of options that are known to have
// one.
Arguments WordsOf(const Program& program, const Arguments& arguments, bool strict) {
  Arguments words;
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (!IsOption(arguments[i])) {
      words.push_back(Lower(arguments[i]));
    } else if (strict && Equal(arguments[i], program.value_options)) {
      ++i;
    }
  }
  return words;
}

// Whether `wanted` stand among `words` in their order, with others between them.
bool StandAmong(const std::vector<std::string>& wanted, const Arguments& words) {
  auto next = wanted.begin();
  for (const std::string& word : words) {
    if (next != wanted.end() && Matches(*next, word)) ++next;
  }
  return next == wanted.end();
}

bool ComeFirst(const std::vector<std::string>& wanted, const Arguments& words) {
  return wanted.size() <= words.size() && std::equal(wanted.begin(), wanted.end(), words.begin(),
                                                     [](const std::string& pattern, const std::string& word) {
                                                       return Matches(pattern, word);
                                                     });
}

// Takes `what` where it tells of something at least as bad as what is there.
void Describe(int rank, std::string_view what, int* known, JudgedCommand* command) {
  if (what.empty() || rank <= *known) return;
  *known = rank;
  command->what = what;
}

int Rank(const JudgedCommand& command) {
  if (command.destroys == Finding::CRITICAL) return 6;
  if (command.unsaved) return 5;
  return std::max({command.destroys == Finding::SEVERITY_UNSPECIFIED ? 0 : 1 + command.destroys,
                   static_cast<int>(command.opaque), command.changes ? 1 : 0});
}

class Taker {
 public:
  explicit Taker(const v1::Action& action) : table_(CommandTable::Get()) {
    for (const v1::ArtifactReference& artifact : action.artifacts()) files_.insert(artifact.file_name());
  }

  void TakeArguments(Arguments arguments, const std::string& address, bool in_shell, int depth) {
    if (in_shell) TakeAssignments(address, &arguments);
    if (arguments.empty()) return;
    if (depth > kMaxDepth) return AddOpaque(arguments, address, Finding::HIGH, kOpaqueWhat);
    const std::string name(FileName(arguments[0]));
    if (const Wrapper* wrapper = table_.FindWrapper(name)) {
      TakeWrapped(*wrapper, arguments, address, depth);
      if (wrapper->after.empty()) return;
    }
    if (table_.IsShell(name)) return TakeShell(arguments, address, depth);
    if (table_.IsInterpreter(name)) return AddOpaque(arguments, address, Finding::HIGH, kElsewhereWhat);
    const Program* program = table_.FindProgram(name);
    if (program == nullptr) return AddOpaque(arguments, address, Finding::WARNING, kOpaqueWhat);
    TakeProgram(*program, arguments, address);
  }

  void TakeShellText(std::string_view text, const std::string& address, int depth) {
    const ShellText read = ReadShellText(text);
    if (read.expands || read.commands.empty()) {
      AddOpaque({std::string(text)}, address, Finding::HIGH, "a shell puts in what is not in its text");
    }
    for (const Arguments& command : read.commands) TakeArguments(command, address, true, depth + 1);
  }

  void TakeVariable(const std::string& address, std::string_view name, std::string_view value) {
    if (table_.Steers(name)) verdict_.steering.emplace_back(address, text::Concat(name, "=", value));
  }

  CommandVerdict Finish() {
    std::stable_sort(verdict_.commands.begin(), verdict_.commands.end(),
                     [](const JudgedCommand& a, const JudgedCommand& b) { return Rank(a) > Rank(b); });
    return std::move(verdict_);
  }

 private:
  void AddOpaque(const Arguments& arguments, const std::string& address, Finding::Severity severity,
                 std::string_view what) {
    JudgedCommand command;
    command.address = address;
    command.text = Join(arguments);
    command.what = what;
    command.opaque = severity;
    verdict_.commands.push_back(std::move(command));
  }

  void TakeAssignment(const std::string& address, std::string_view assignment) {
    const size_t equals = assignment.find('=');
    TakeVariable(address, assignment.substr(0, equals), assignment.substr(equals + 1));
  }

  void TakeAssignments(const std::string& address, Arguments* arguments) {
    const auto first = std::find_if(arguments->begin(), arguments->end(),
                                    [](const std::string& argument) { return !IsAssignment(argument); });
    for (auto at = arguments->begin(); at != first; ++at) TakeAssignment(address, *at);
    arguments->erase(arguments->begin(), first);
  }

  static std::string Inner(const std::string& address, size_t position, int depth) {
    return depth == 0 ? absl::StrCat("argv[", position, "]") : address;
  }

  void TakeWrapped(const Wrapper& wrapper, const Arguments& arguments, const std::string& address,
                   int depth) {
    bool opaque = wrapper.opaque;
    bool texts = false;
    size_t i = 1;
    if (!wrapper.after.empty()) {
      while (i < arguments.size() && !Equal(arguments[i], wrapper.after)) ++i;
      if (i >= arguments.size()) return;
      ++i;
    }
    int64_t skipped = 0;
    for (; i < arguments.size() && wrapper.after.empty(); ++i) {
      const std::string& argument = arguments[i];
      if (argument == "--") {
        ++i;
        break;
      }
      if (IsKnownFlag(wrapper, argument)) continue;
      if (wrapper.assignments && IsAssignment(argument)) {
        TakeAssignment(Inner(address, i, depth), argument);
      } else if (!IsOption(argument)) {
        if (skipped++ >= wrapper.skips) break;
      } else if (HasOption({argument}, wrapper.text_options)) {
        texts = true;
        i += TakeTextOption(argument, i + 1 < arguments.size() ? arguments[i + 1] : "",
                            Inner(address, i, depth), depth);
      } else if (Equal(argument, wrapper.value_options)) {
        ++i;
      } else {
        opaque = true;
      }
    }
    if (opaque || (i >= arguments.size() && !texts)) {
      AddOpaque(arguments, address, wrapper.opaque ? Finding::HIGH : Finding::WARNING,
                wrapper.opaque ? kElsewhereWhat : kOpaqueWhat);
    }
    if (i < arguments.size()) TakeRest(wrapper, arguments, i, Inner(address, i, depth), depth);
  }

  // What eval and ssh are given is text for a shell, however many arguments it comes in.
  void TakeRest(const Wrapper& wrapper, const Arguments& arguments, size_t from, const std::string& address,
                int depth) {
    const Arguments rest(arguments.begin() + static_cast<std::ptrdiff_t>(from), arguments.end());
    if (wrapper.rest_is_text) {
      std::string text;
      for (const std::string& argument : rest) absl::StrAppend(&text, text.empty() ? "" : " ", argument);
      return TakeShellText(text, address, depth + 1);
    }
    TakeArguments(rest, address, false, depth + 1);
  }

  static bool IsKnownFlag(const Wrapper& wrapper, std::string_view argument) {
    if (Equal(argument, wrapper.flags)) return true;
    return std::any_of(wrapper.value_options.begin(), wrapper.value_options.end(),
                       [argument](const std::string& option) { return HasValueWithin(argument, option); });
  }

  // --option=value and -n5.
  static bool HasValueWithin(std::string_view argument, std::string_view option) {
    if (!argument.starts_with(option) || argument.size() == option.size()) return false;
    return option.size() == 2 || argument[option.size()] == '=';
  }

  // Says how many more arguments it took.
  size_t TakeTextOption(const std::string& argument, const std::string& next, const std::string& address,
                        int depth) {
    const size_t equals = argument.find('=');
    if (argument.starts_with("--") && equals != std::string::npos) {
      TakeShellText(std::string_view(argument).substr(equals + 1), address, depth + 1);
      return 0;
    }
    if (!argument.starts_with("--") && argument.size() > 2) {
      TakeShellText(std::string_view(argument).substr(2), address, depth + 1);
    }
    TakeShellText(next, address, depth + 1);
    return 1;
  }

  void TakeShell(const Arguments& arguments, const std::string& address, int depth) {
    bool text = false;
    size_t i = 1;
    for (; i < arguments.size() && (IsOption(arguments[i]) || arguments[i].starts_with('+')); ++i) {
      const std::string& option = arguments[i];
      if (option == "--") {
        ++i;
        break;
      }
      const bool letters = !option.starts_with("--");
      text |= letters && option.find('c') != std::string::npos;
      if ((letters && option.ends_with('o')) || option == "--rcfile" || option == "--init-file") ++i;
    }
    if (!text || i >= arguments.size()) {
      return AddOpaque(arguments, address, Finding::HIGH, "runs a script that is not judged here");
    }
    TakeShellText(arguments[i], Inner(address, i, depth), depth);
  }

  void TakeProgram(const Program& program, const Arguments& arguments, const std::string& address) {
    JudgedCommand command;
    command.address = address;
    command.text = Join(arguments);
    int known = 0;
    const bool asks = arguments.size() == 2 && (arguments[1] == "--help" || arguments[1] == "--version");
    bool recognised = TakeRules(program, arguments, &known, &command) || asks;
    recognised |= TakeSql(program, arguments, &known, &command);
    const size_t slash = arguments[0].rfind('/');
    const bool strange =
        slash != std::string::npos && !table_.IsSystemDirectory(arguments[0].substr(0, slash));
    if (!recognised || strange) {
      command.opaque = std::max(command.opaque, Finding::WARNING);
      Describe(2, kOpaqueWhat, &known, &command);
    }
    if (command.what.empty()) command.what = command.changes ? "changes something" : "only reads";
    verdict_.commands.push_back(std::move(command));
  }

  // Says whether the way of calling it is known.
  bool TakeRules(const Program& program, const Arguments& arguments, int* known,
                 JudgedCommand* command) const {
    const Arguments words = WordsOf(program, arguments, false);
    const Arguments strict = WordsOf(program, arguments, true);
    bool recognised = false;
    for (const CommandRule& rule : program.rules) {
      if (!rule.options.empty() && !HasOption(arguments, rule.options)) continue;
      const bool loose = rule.is == Is::kDestroys || rule.is == Is::kUnsaved || rule.is == Is::kOpaque;
      if (loose ? !StandAmong(rule.words, words) : !ComeFirst(rule.words, strict)) continue;
      recognised = true;
      TakeRule(rule, strict, known, command);
    }
    return recognised;
  }

  void TakeRule(const CommandRule& rule, const Arguments& strict, int* known, JudgedCommand* command) const {
    switch (rule.is) {
      case Is::kDestroys:
        command->destroys = std::max(command->destroys, rule.severity);
        return Describe(10 + rule.severity, rule.what, known, command);
      case Is::kUnsaved:
        if (IsSavedPlan(strict)) {
          command->opaque = Finding::HIGH;
          return Describe(5, "applies a saved plan whose content is not judged here", known, command);
        }
        command->unsaved = true;
        return Describe(9, rule.what, known, command);
      case Is::kOpaque:
        command->opaque = std::max(command->opaque, std::min(rule.severity, Finding::HIGH));
        return Describe(4, rule.what.empty() ? kOpaqueWhat : std::string_view(rule.what), known, command);
      case Is::kChanges:
        command->changes = true;
        return Describe(1, rule.what.empty() ? "changes something" : std::string_view(rule.what), known,
                        command);
      case Is::kReads:
        return;
    }
  }

  // `apply FILE`, where the file is one that was submitted with the command. Any other is one that nobody
  // approved.
  bool IsSavedPlan(const Arguments& strict) const {
    if (strict.size() != 2 || strict[0] != "apply") return false;
    std::string_view file = strict[1];
    text::ConsumePrefix(&file, "./");
    return std::any_of(files_.begin(), files_.end(),
                       [file](const std::string& name) { return Lower(name) == file; });
  }

  // Says whether there was SQL.
  static bool TakeSql(const Program& program, const Arguments& arguments, int* known,
                      JudgedCommand* command) {
    bool found = false;
    for (const std::string& sql : SqlOf(program, arguments)) {
      found = true;
      const SqlVerdict verdict = JudgeSql(sql);
      switch (verdict.does) {
        case SqlVerdict::Does::kDestroys:
          command->destroys = Finding::CRITICAL;
          Describe(14, verdict.what, known, command);
          break;
        case SqlVerdict::Does::kOpaque:
          command->opaque = std::max(command->opaque, Finding::WARNING);
          Describe(3, verdict.what, known, command);
          break;
        case SqlVerdict::Does::kChanges:
          command->changes = true;
          Describe(1, verdict.what, known, command);
          break;
        case SqlVerdict::Does::kReads:
          break;
      }
    }
    return found;
  }

  static Arguments SqlOf(const Program& program, const Arguments& arguments) {
    Arguments texts;
    for (size_t i = 1; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      const auto option =
          std::find_if(program.sql_options.begin(), program.sql_options.end(),
                       [&argument](const std::string& wanted) { return IsSqlOption(argument, wanted); });
      if (option == program.sql_options.end()) {
        if (program.sql_arguments && !IsOption(argument) && argument.find(' ') != std::string::npos) {
          texts.push_back(argument);
        }
      } else if (argument.starts_with(*option) && argument != *option) {
        const std::string_view rest = std::string_view(argument).substr(option->size());
        texts.emplace_back(rest.substr(rest.starts_with('=') ? 1 : 0));
      } else if (i + 1 < arguments.size()) {
        texts.push_back(arguments[++i]);
      }
    }
    return texts;
  }

  // -c, -cSELECT, --command=SELECT, and -Atc with the text in the next argument.
  static bool IsSqlOption(std::string_view argument, std::string_view wanted) {
    if (wanted.size() > 2) return argument == wanted || argument.starts_with(text::Concat(wanted, "="));
    if (!IsOption(argument) || argument.starts_with("--")) return false;
    return argument.starts_with(wanted) || argument.ends_with(wanted.substr(1));
  }

  const CommandTable& table_;
  absl::flat_hash_set<std::string> files_;
  CommandVerdict verdict_;
};

}  // namespace

CommandVerdict JudgeArguments(const v1::Action& action) {
  Taker taker(action);
  // In one order, whatever that of the message's map is.
  const std::map<std::string, std::string> environment(action.environment().begin(),
                                                       action.environment().end());
  for (const auto& [name, value] : environment) {
    taker.TakeVariable(text::Concat("environment.", name), name, value);
  }
  taker.TakeArguments({action.argv().begin(), action.argv().end()}, "argv[0]", false, 0);
  return taker.Finish();
}

}  // namespace countersign::finding
