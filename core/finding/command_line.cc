#include "core/finding/command_line.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/finding/command_table.h"
#include "core/finding/sed_text.h"
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

std::string JoinWhole(const Arguments& arguments) {
  std::string text;
  for (const std::string& argument : arguments) absl::StrAppend(&text, argument, " ");
  return text;
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

// Whether `argument` is the option `wanted`: with one dash or two, with a value after =, cut short as many
// programs allow, or, a single letter, among others as in -rf.
bool IsThatOption(std::string_view argument, std::string_view wanted) {
  if (!wanted.starts_with('-')) return Matches(wanted, argument);
  if (!IsOption(argument)) return false;
  const std::string_view name = WithoutDashes(wanted);
  if (name.size() > 1) {
    const std::string_view given = WithoutDashes(argument);
    const bool cut_short = argument.starts_with("--") && given.size() > 1 && name.starts_with(given);
    return cut_short || Matches(name, given);
  }
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

// The arguments that are no options, in lower case.
Arguments WordsOf(const Arguments& arguments) {
  Arguments words;
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (!IsOption(arguments[i])) words.push_back(Lower(arguments[i]));
  }
  return words;
}

// Whether any of `options` is `name`; one that is written with one dash may be given with two.
bool IsListed(const std::vector<std::string>& options, std::string_view name) {
  return std::any_of(options.begin(), options.end(), [name](const std::string& option) {
    if (Matches(option, name)) return true;
    return option.size() > 2 && !option.starts_with("--") && name.starts_with("--") &&
           Matches(option, name.substr(1));
  });
}

// What the table knows of a program's arguments.
struct ReadArguments {
  Arguments words;      // Neither options nor values of known ones, in lower case.
  Arguments options;    // The names of the known ones, of each letter: -A, -t, -c.
  Arguments sql;        // Values of options whose value is SQL.
  std::string unknown;  // The first option that the table does not know as harmless or as having a value.
};

// Reads options as their programs do: -Atc TEXT, -ctext, --command=text. The value of an option is never
// taken to be one where it could be an option: rather both are looked at.
class OptionReader {
 public:
  OptionReader(const Program& program, const Arguments& arguments)
      : program_(program), arguments_(arguments) {}

  ReadArguments Read() {
    for (at_ = 1; at_ < arguments_.size(); ++at_) {
      const std::string& argument = arguments_[at_];
      if (!IsOption(argument)) {
        read_.words.push_back(Lower(argument));
      } else if (argument != "--") {
        ReadOption(argument);
      }
    }
    return std::move(read_);
  }

 private:
  void ReadOption(const std::string& argument) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (TakesValue(name)) {
      if (equals == std::string::npos) return TakeNext(name);
      return Take(name, argument.substr(equals + 1));
    }
    if (IsFlag(name)) return Take(name, "");
    if (argument.starts_with("--")) {
      const std::string* const sql = SqlOptionThatBegins(name);
      if (sql != nullptr && equals == std::string::npos) TakeNext(*sql);
      if (sql != nullptr && equals != std::string::npos) Take(*sql, argument.substr(equals + 1));
      return Miss(argument);
    }
    for (size_t i = 1; i < argument.size(); ++i) {
      const std::string letter = {'-', argument[i]};
      if (TakesValue(letter)) {
        return i + 1 == argument.size() ? TakeNext(letter) : Take(letter, argument.substr(i + 1));
      }
      if (!IsFlag(letter)) return Miss(argument);
      Take(letter, "");
    }
  }

  bool TakesValue(std::string_view name) const {
    return IsListed(program_.value_options, name) || IsListed(program_.sql_options, name);
  }

  bool IsFlag(std::string_view name) const {
    if (IsListed(program_.flags, name)) return true;
    return std::any_of(program_.rules.begin(), program_.rules.end(), [name](const CommandRule& rule) {
      return (rule.is == Is::kReads || rule.is == Is::kChanges) && IsListed(rule.options, name);
    });
  }

  const std::string* SqlOptionThatBegins(std::string_view name) const {
    const auto at = std::find_if(
        program_.sql_options.begin(), program_.sql_options.end(),
        [name](const std::string& option) { return name.size() > 3 && option.starts_with(name); });
    return at == program_.sql_options.end() ? nullptr : &*at;
  }

  void Take(const std::string& name, std::string value) {
    read_.options.push_back(name);
    if (IsListed(program_.sql_options, name)) read_.sql.push_back(std::move(value));
  }

  void TakeNext(const std::string& name) {
    const bool last = at_ + 1 >= arguments_.size();
    Take(name, last ? "" : arguments_[at_ + 1]);
    if (!last && !IsOption(arguments_[at_ + 1])) ++at_;
  }

  void Miss(const std::string& argument) {
    if (read_.unknown.empty()) read_.unknown = argument;
  }

  const Program& program_;
  const Arguments& arguments_;
  size_t at_ = 1;
  ReadArguments read_;
};

constexpr std::string_view kApplying[] = {"apply", "destroy", "apply-all", "destroy-all"};
// After these it does something else, whatever follows.
constexpr std::string_view kNotApplying[] = {
    "plan",      "init",    "validate", "fmt",    "show",    "output", "state",  "graph",    "get",
    "providers", "version", "test",     "import", "console", "login",  "logout", "workspace"};

// Commands of shells that set variables.
constexpr std::string_view kDeclaring[] = {"export", "declare", "typeset", "local", "readonly"};

template <size_t kSize>
bool IsIn(const std::string_view (&words)[kSize], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// Whether a shell could make `word`, which stands where a program's name does, one that applies plans. A
// variable may hold several words, hence whatever follows it.
bool CouldBePlanner(std::string_view word) {
  if (!HoldsExpansion(word)) return false;
  const size_t begin = word.find_first_of("$`*?[{");
  const size_t last = word.find_last_of("*?]}");
  const bool variable = word.find_first_of("$`") != std::string_view::npos || word[begin] == '{';
  std::string pattern = absl::StrCat(text::ToAbsl(FileName(word.substr(0, begin))), "*");
  if (!variable && last != std::string_view::npos && last > begin) pattern += word.substr(last + 1);
  if (!variable && pattern.find('/') != std::string::npos) pattern = FileName(pattern);
  pattern = Lower(pattern);
  return CommandTable::Get().MayBePlanner(pattern);
}

// How often `text` seems to apply or destroy with a program that applies plans. Looks at words only, so it
// sees through every language and every program that runs another one.
size_t CountApplying(std::string_view text) {
  const auto in_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
  };
  const CommandTable& table = CommandTable::Get();
  const std::string lower = Lower(text);
  size_t count = 0;
  bool after_planner = false;
  for (size_t i = 0; i < lower.size();) {
    size_t end = i;
    while (end < lower.size() && in_word(lower[end])) ++end;
    std::string_view word = FileName(std::string_view(lower).substr(i, end - i));
    if (word.ends_with(".exe")) word.remove_suffix(4);
    if (table.IsPlanner(word)) {
      after_planner = true;
    } else if (after_planner && IsIn(kApplying, word)) {
      ++count;
      after_planner = false;
    } else if (IsIn(kNotApplying, word)) {
      after_planner = false;
    }
    i = std::max(end, i + 1);
  }
  return count;
}

// The same where quotes and patterns are put into words: terra'f'orm.
size_t CountApplyingInAnyWay(std::string_view text) {
  std::string bare(text);
  std::erase_if(bare,
                [](char c) { return std::string_view("\\'\"@()[]{}").find(c) != std::string_view::npos; });
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '\\', ' ');
  return std::max({CountApplying(text), CountApplying(bare), CountApplying(spaced)});
}

// What options are called that guard something, and how it is said that they do not.
constexpr std::string_view kGuards[] = {"protect",  "terminat",   "retention", "retain",     "versioning",
                                        "backup",   "recovery",   "deletion",  "delete",     "lifecycle",
                                        "api-stop", "soft-delet", "immutab",   "disable-api"};
constexpr std::string_view kOff[] = {"false",   "0",   "inactive", "suspended", "disabled",
                                     "disable", "off", "none",     "no",        "null"};
// Those that are hardly said of anything else.
constexpr std::string_view kSwitchedOff[] = {"false", "inactive", "suspended", "disabled"};
constexpr std::string_view kGuardOptions[] = {"deletion-protection",     "termination-protection",
                                              "disable-api-termination", "disable-api-stop",
                                              "backup-retention-period", "point-in-time-recovery"};

bool NamesGuard(std::string_view text) {
  return std::any_of(std::begin(kGuards), std::end(kGuards),
                     [text](std::string_view guard) { return text.find(guard) != std::string_view::npos; });
}

template <size_t kSize>
bool SaysOff(std::string_view text, const std::string_view (&words)[kSize]) {
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() &&
           ((text[end] >= 'a' && text[end] <= 'z') || (text[end] >= '0' && text[end] <= '9')))
      ++end;
    if (end > i && IsIn(words, text.substr(i, end - i))) return true;
    i = std::max(end, i + 1);
  }
  return false;
}

// Whether `name`, cut short perhaps, is --no-deletion-protection or the like.
bool TurnsGuardOff(std::string_view name) {
  if (!text::ConsumePrefix(&name, "--no-") || name.empty()) return false;
  return NamesGuard(name) || std::any_of(std::begin(kGuardOptions), std::end(kGuardOptions),
                                         [name](std::string_view guard) { return guard.starts_with(name); });
}

// How bad it is for what guards data: CRITICAL where a guard is taken away, HIGH where it is changed how long
// something is kept or anything is switched off, SEVERITY_UNSPECIFIED else.
Finding::Severity WeakensGuards(const Arguments& arguments) {
  std::string operation;  // The words before the first option.
  std::string option;     // The last one.
  Finding::Severity severity = Finding::SEVERITY_UNSPECIFIED;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string lower = Lower(arguments[i]);
    std::string_view value = lower;
    if (IsOption(lower)) {
      const size_t equals = lower.find('=');
      option = lower.substr(0, equals);
      value = equals == std::string::npos ? "" : std::string_view(lower).substr(equals + 1);
      if (TurnsGuardOff(option)) return Finding::CRITICAL;
      if (option.find("retention") != std::string::npos) severity = Finding::HIGH;
    } else if (option.empty()) {
      absl::StrAppend(&operation, operation.empty() ? "" : " ", lower);
      continue;
    }
    const bool guard = NamesGuard(operation) || NamesGuard(option) || NamesGuard(value);
    const bool short_guard =
        option.size() > 4 &&
        std::any_of(std::begin(kGuardOptions), std::end(kGuardOptions), [&option](std::string_view name) {
          return name.starts_with(std::string_view(option).substr(2));
        });
    if ((guard || short_guard) && SaysOff(value, kOff)) return Finding::CRITICAL;
    if (SaysOff(value, kSwitchedOff)) severity = Finding::HIGH;
  }
  return severity;
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
  if (command.unsaved || command.unread) return 5;
  return std::max({command.destroys == Finding::SEVERITY_UNSPECIFIED ? 0 : 1 + command.destroys,
                   static_cast<int>(command.opaque), command.changes ? 1 : 0});
}

class Taker {
 public:
  Taker() : table_(CommandTable::Get()) {}

  void TakeArguments(Arguments arguments, const std::string& address, bool in_shell, int depth) {
    const std::string outer = before_;
    if (in_shell) TakeAssignments(address, &arguments);
    if (!arguments.empty()) TakeCommand(arguments, address, depth);
    before_ = outer;
  }

  void TakeShellText(std::string_view text, const std::string& address, int depth) {
    const ShellText read = ReadShellText(text);
    ambiguous_ |= read.ambiguous;
    if (read.expands || read.commands.empty()) {
      AddOpaque({std::string(text)}, address, Finding::HIGH, "a shell puts in what is not in its text");
    }
    for (const Arguments& command : read.commands) TakeArguments(command, address, true, depth + 1);
  }

  void TakeVariable(const std::string& address, std::string_view name, std::string_view value) {
    if (table_.Steers(name)) verdict_.steering.emplace_back(address, text::Concat(name, "=", value));
  }

  // Where something cannot be told, what is written anywhere in the arguments counts.
  void TakeWhole(const Arguments& arguments) {
    const size_t applying = opaque_ || ambiguous_ ? CountApplyingInAnyWay(JoinWhole(arguments)) : 0;
    if (applying > (ambiguous_ ? 0 : applying_)) {
      AddUnsaved(arguments, "argv[0]", "seems to apply or destroy what nobody has read");
    }
  }

  CommandVerdict Finish() {
    std::stable_sort(verdict_.commands.begin(), verdict_.commands.end(),
                     [](const JudgedCommand& a, const JudgedCommand& b) { return Rank(a) > Rank(b); });
    return std::move(verdict_);
  }

 private:
  void AddOpaque(const Arguments& arguments, const std::string& address, Finding::Severity severity,
                 std::string_view what) {
    opaque_ = true;
    Add(arguments, address, what).opaque = severity;
  }

  void AddUnsaved(const Arguments& arguments, const std::string& address, std::string_view what) {
    Add(arguments, address, what).unsaved = true;
  }

  JudgedCommand& Add(const Arguments& arguments, const std::string& address, std::string_view what) {
    JudgedCommand& command = verdict_.commands.emplace_back();
    command.address = address;
    command.text = TextOf(arguments);
    command.what = what;
    return command;
  }

  // With the variables that are set for it: without them it would be another command.
  std::string TextOf(const Arguments& arguments) const {
    return Cut(text::Concat(before_, Join(arguments)), kTextBytes);
  }

  void TakeCommand(const Arguments& arguments, const std::string& address, int depth) {
    if (depth > kMaxDepth) return AddOpaque(arguments, address, Finding::HIGH, kOpaqueWhat);
    const std::string name(FileName(arguments[0]));
    if (CouldBePlanner(arguments[0])) {
      AddOpaque(arguments, address, Finding::HIGH, kOpaqueWhat);
      return AddUnsaved(arguments, address, "can apply or destroy what nobody has read: its name is open");
    }
    const Wrapper* const wrapper = table_.FindWrapper(name);
    const bool elsewhere = table_.IsInterpreter(name) || table_.IsShell(name);
    if ((wrapper != nullptr || elsewhere) && IsStrange(arguments[0])) {
      AddOpaque(arguments, address, Finding::HIGH, kElsewhereWhat);
    }
    if (wrapper != nullptr) {
      TakeWrapped(*wrapper, arguments, address, depth);
      if (wrapper->after.empty()) return;
    }
    if (table_.IsShell(name)) return TakeShell(arguments, address, depth);
    if (elsewhere) return AddOpaque(arguments, address, Finding::HIGH, kElsewhereWhat);
    if (IsIn(kDeclaring, name)) {
      for (const std::string& argument : arguments) {
        if (IsAssignment(argument)) TakeAssignment(address, argument);
      }
    }
    const Program* program = table_.FindProgram(name);
    if (program == nullptr) return AddOpaque(arguments, address, Finding::HIGH, kOpaqueWhat);
    TakeProgram(*program, arguments, address);
  }

  // A program of a known name that is not where the operating system has its programs.
  bool IsStrange(std::string_view program) const {
    const size_t slash = program.rfind('/');
    return slash != std::string_view::npos && !table_.IsSystemDirectory(program.substr(0, slash));
  }

  void TakeAssignment(const std::string& address, std::string_view assignment) {
    const size_t equals = assignment.find('=');
    verdict_.assigned.emplace_back(address, assignment.substr(0, equals));
    TakeVariable(address, assignment.substr(0, equals), assignment.substr(equals + 1));
  }

  void TakeAssignments(const std::string& address, Arguments* arguments) {
    const auto first = std::find_if(arguments->begin(), arguments->end(),
                                    [](const std::string& argument) { return !IsAssignment(argument); });
    for (auto at = arguments->begin(); at != first; ++at) {
      TakeAssignment(address, *at);
      absl::StrAppend(&before_, *at, " ");
    }
    arguments->erase(arguments->begin(), first);
  }

  static std::string Inner(const std::string& address, size_t position, int depth) {
    return depth == 0 ? absl::StrCat("argv[", position, "]") : address;
  }

  // A wrapper's arguments while they are read.
  struct Wrapped {
    const Wrapper& wrapper;
    const Arguments& arguments;
    const std::string& address;
    const int depth;
    size_t at = 1;
    int64_t skipped = 0;
    int64_t spare = 0;  // How many arguments may be values of options that are not known.
    bool ended = false;
    bool after_unknown = false;
    bool opaque = false;
    bool texts = false;
    bool assigns = false;
    bool found = false;  // The other program.
  };

  void TakeWrapped(const Wrapper& wrapper, const Arguments& arguments, const std::string& address,
                   int depth) {
    Wrapped wrapped{wrapper, arguments, address, depth};
    if (wrapper.after.empty()) {
      TakeWrapperArguments(&wrapped);
    } else {
      TakeAfter(&wrapped);
    }
  }

  void TakeAfter(Wrapped* wrapped) {
    const Arguments& arguments = wrapped->arguments;
    const Wrapper& wrapper = wrapped->wrapper;
    for (size_t i = 1; i < arguments.size(); ++i) {
      if (!Equal(arguments[i], wrapper.after)) continue;
      if (!wrapped->found && (wrapper.opaque || i + 1 == arguments.size())) AddWrapper(*wrapped);
      wrapped->at = i + 1;
      if (i + 1 < arguments.size()) TakeFound(wrapped);
    }
  }

  void TakeWrapperArguments(Wrapped* wrapped) {
    const Arguments& arguments = wrapped->arguments;
    bool more = true;
    for (; more && wrapped->at < arguments.size(); ++wrapped->at) more = TakeWrapperArgument(wrapped);
    const bool opaque = wrapped->wrapper.opaque || wrapped->wrapper.adds_arguments || wrapped->opaque;
    if (opaque || (!wrapped->found && !wrapped->texts) || (wrapped->wrapper.permutes && !wrapped->texts)) {
      AddWrapper(*wrapped);
    }
  }

  void AddWrapper(const Wrapped& wrapped) {
    const bool elsewhere = wrapped.wrapper.opaque || (wrapped.wrapper.permutes && !wrapped.texts);
    AddOpaque(wrapped.arguments, wrapped.address, elsewhere ? Finding::HIGH : Finding::WARNING,
              elsewhere ? kElsewhereWhat : kOpaqueWhat);
  }

  // Says whether what follows may be the wrapper's too.
  bool TakeWrapperArgument(Wrapped* wrapped) {
    const Wrapper& wrapper = wrapped->wrapper;
    const std::string& argument = wrapped->arguments[wrapped->at];
    if (std::exchange(wrapped->after_unknown, false) && !IsOption(argument)) ++wrapped->spare;
    if (wrapped->ended) return TakePositional(wrapped);
    if (argument == "--") {
      wrapped->ended = !wrapper.permutes;
      return true;
    }
    if (IsKnownFlag(wrapper, argument)) return true;
    if (!IsOption(argument)) return TakePositional(wrapped);
    const bool last = wrapped->at + 1 >= wrapped->arguments.size();
    const std::string next = last ? "" : wrapped->arguments[wrapped->at + 1];
    if (HasOption({argument}, wrapper.text_options)) {
      wrapped->texts = true;
      wrapped->at += TakeTextOption(wrapper, argument, next,
                                    Inner(wrapped->address, wrapped->at, wrapped->depth), wrapped->depth);
    } else if (Equal(argument, wrapper.value_options)) {
      if (!HasOption({next}, wrapper.text_options)) ++wrapped->at;
    } else {
      wrapped->opaque = true;
      wrapped->after_unknown = argument.find('=') == std::string::npos;
    }
    return true;
  }

  bool TakePositional(Wrapped* wrapped) {
    const Wrapper& wrapper = wrapped->wrapper;
    const std::string& argument = wrapped->arguments[wrapped->at];
    const size_t equals = argument.find('=');
    if (wrapper.assignments && !wrapped->found && equals != std::string::npos && equals > 0) {
      // Some take a path with = in it for a program.
      wrapped->opaque |= argument[0] == '/';
      wrapped->assigns = true;
      TakeAssignment(Inner(wrapped->address, wrapped->at, wrapped->depth), argument);
      return true;
    }
    if (wrapped->skipped++ < wrapper.skips) return true;
    // Where it is not known which of them the program is, those that are known count.
    if (!wrapped->found || IsKnownProgram(argument)) TakeFound(wrapped);
    return wrapper.permutes || wrapped->spare-- > 0;
  }

  bool IsKnownProgram(std::string_view program) const {
    const std::string_view name = FileName(program);
    return table_.FindProgram(name) != nullptr || table_.FindWrapper(name) != nullptr ||
           table_.IsShell(name) || table_.IsInterpreter(name) || CouldBePlanner(program);
  }

  // The program at `wrapped->at`. What can be read in many ways is read in some only, lest it take for ever.
  void TakeFound(Wrapped* wrapped) {
    constexpr int kMaxReadings = 64;
    if (std::exchange(wrapped->found, true) && ++readings_ > kMaxReadings) {
      if (readings_ == kMaxReadings + 1) {
        AddOpaque(wrapped->arguments, wrapped->address, Finding::HIGH, kOpaqueWhat);
      }
      return;
    }
    const std::string outer = before_;
    for (size_t i = 0; wrapped->assigns && i < wrapped->at; ++i) {
      absl::StrAppend(&before_, wrapped->arguments[i], " ");
    }
    TakeRest(wrapped->wrapper, wrapped->arguments, wrapped->at,
             Inner(wrapped->address, wrapped->at, wrapped->depth), wrapped->depth);
    before_ = outer;
  }

  // What eval and ssh are given is text for a shell, however many arguments it comes in.
  void TakeRest(const Wrapper& wrapper, const Arguments& arguments, size_t from, const std::string& address,
                int depth) {
    Arguments rest(arguments.begin() + static_cast<std::ptrdiff_t>(from), arguments.end());
    if (wrapper.adds_arguments) rest.emplace_back("$@");
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
  size_t TakeTextOption(const Wrapper& wrapper, const std::string& argument, const std::string& next,
                        const std::string& address, int depth) {
    size_t value = argument.find('=') + 1;
    if (!argument.starts_with("--")) {
      value = argument.size();
      for (const std::string& option : wrapper.text_options) {
        if (option.size() == 2) value = std::min(value, argument.find(option[1], 1) + 1);
      }
    }
    const bool within = value > 0 && value < argument.size();
    TakeShellText(within ? std::string_view(argument).substr(value) : next, address, depth + 1);
    return within ? 0 : 1;
  }

  void TakeShell(const Arguments& arguments, const std::string& address, int depth) {
    constexpr std::string_view kKnownShells[] = {"sh", "bash", "dash", "ksh", "ash", "rbash", "mksh"};
    bool text = false;
    bool known = IsIn(kKnownShells, FileName(arguments[0]));
    size_t i = 1;
    for (; i < arguments.size() && (IsOption(arguments[i]) || arguments[i].starts_with('+')); ++i) {
      const std::string& option = arguments[i];
      if (option == "--") {
        ++i;
        break;
      }
      const bool letters = !option.starts_with("--");
      text |= letters && option.find('c') != std::string::npos;
      known &= letters ? option.find_first_not_of("-+ceuxolvnf") == std::string::npos
                       : option == "--norc" || option == "--noprofile" || option == "--posix";
      if ((letters && option.ends_with('o')) || option == "--rcfile" || option == "--init-file") ++i;
    }
    if (!text || i >= arguments.size()) {
      return AddOpaque(arguments, address, Finding::HIGH, "runs a script that is not judged here");
    }
    if (!known) AddOpaque(arguments, address, Finding::HIGH, "a shell whose language is not judged here");
    TakeShellText(arguments[i], Inner(address, i, depth), depth);
  }

  void TakeProgram(const Program& program, const Arguments& arguments, const std::string& address) {
    JudgedCommand command;
    command.address = address;
    command.text = TextOf(arguments);
    int known = 0;
    const ReadArguments read = OptionReader(program, arguments).Read();
    const bool asks =
        arguments.size() == 2 && (arguments[1] == "--help" || arguments[1] == "--version" ||
                                  (program.plans && (arguments[1] == "-help" || arguments[1] == "-version")));
    bool recognised = TakeRules(program, arguments, read, &known, &command) || asks;
    recognised |= TakeSql(program, arguments, read, &known, &command);
    if (program.edits_text && !SedOnlyEdits(arguments)) {
      command.opaque = Finding::HIGH;
      Describe(4, "its script can run programs, or read or write files", &known, &command);
    }
    if (program.plans && !asks && (!recognised || IsOpen(program, arguments))) {
      command.unsaved = true;
      Describe(8, "can apply or destroy what nobody has read: its subcommand is open", &known, &command);
    }
    if (program.guards && (command.changes || !recognised || command.opaque != 0)) {
      TakeGuards(WeakensGuards(arguments), &known, &command);
    }
    const bool client =
        program.reads_input || program.sql_arguments || (!program.sql_options.empty() && !program.guards);
    if (!recognised && client) {
      command.opaque = Finding::HIGH;
      Describe(4, "runs what it reads from elsewhere", &known, &command);
    }
    const bool worse = command.unsaved || command.unread || command.destroys != Finding::SEVERITY_UNSPECIFIED;
    const bool strange = IsStrange(arguments[0]);
    if (!recognised || strange) {
      command.opaque = std::max(command.opaque, strange ? Finding::HIGH : Finding::WARNING);
      Describe(2, kOpaqueWhat, &known, &command);
    } else if (!read.unknown.empty() && !asks && !worse) {
      command.opaque = std::max(command.opaque, Finding::WARNING);
      Describe(2, text::Concat("what ", Cut(read.unknown, 40), " makes it do is not known"), &known,
               &command);
    }
    opaque_ |= command.opaque != Finding::SEVERITY_UNSPECIFIED && !program.plans;
    if (program.plans && CountApplyingInAnyWay(JoinWhole(arguments)) > 0) ++applying_;
    if (command.what.empty()) command.what = command.changes ? "changes something" : "only reads";
    verdict_.commands.push_back(std::move(command));
  }

  static void TakeGuards(Finding::Severity severity, int* known, JudgedCommand* command) {
    if (severity == Finding::SEVERITY_UNSPECIFIED) return;
    command->destroys = std::max(command->destroys, severity);
    Describe(9 + severity,
             severity == Finding::CRITICAL ? "takes away protection, backups or versions"
                                           : "switches something off, or changes how long something is kept",
             known, command);
  }

  // Whether a shell could put another subcommand in.
  static bool IsOpen(const Program& program, const Arguments& arguments) {
    for (size_t i = 1; i < arguments.size(); ++i) {
      if (HoldsExpansion(arguments[i])) return true;
      if (!IsOption(arguments[i])) return false;
      if (i + 1 < arguments.size() && IsListed(program.value_options, arguments[i])) {
        if (HoldsExpansion(arguments[++i])) return true;
      }
    }
    return false;
  }

  static bool HoldsLetter(const ReadArguments& read, const std::vector<std::string>& wanted) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&read](const std::string& option) { return Equal(option, read.options); });
  }

  // Where all of them are known, a letter within the value of an option is none of its options.
  static bool HasRuleOption(const Program& program, const CommandRule& rule, const Arguments& arguments,
                            const ReadArguments& read) {
    if (rule.options.empty()) return true;
    if (program.sql_options.empty() || !read.unknown.empty()) return HasOption(arguments, rule.options);
    std::vector<std::string> longer;
    for (const std::string& option : rule.options) {
      if (option.size() > 2 || !option.starts_with('-')) longer.push_back(option);
    }
    return HasOption(arguments, longer) || HoldsLetter(read, rule.options);
  }

  // Says whether the way of calling it is known.
  bool TakeRules(const Program& program, const Arguments& arguments, const ReadArguments& read, int* known,
                 JudgedCommand* command) {
    const Arguments words = WordsOf(arguments);
    const bool saved = read.words.size() >= 2 && read.words[0] == "apply";
    bool recognised = false;
    for (const CommandRule& rule : program.rules) {
      if (!HasRuleOption(program, rule, arguments, read)) continue;
      const bool first = ComeFirst(rule.words, read.words);
      const bool loose =
          rule.is == Is::kDestroys || rule.is == Is::kUnsaved || (rule.is == Is::kOpaque && !program.plans);
      if (loose ? !StandAmong(rule.words, words) : !first) continue;
      if (rule.exact && read.words.size() != rule.words.size()) continue;
      recognised |= first || !program.plans;
      TakeRule(rule, saved, known, command);
    }
    return recognised;
  }

  static void TakeRule(const CommandRule& rule, bool saved, int* known, JudgedCommand* command) {
    switch (rule.is) {
      case Is::kDestroys:
        command->destroys = std::max(command->destroys, rule.severity);
        return Describe(10 + rule.severity, rule.what, known, command);
      case Is::kUnsaved:
        if (saved) {
          command->unread = true;
          return Describe(9, "applies a saved plan that nobody has read", known, command);
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

  // Says whether there was SQL.
  static bool TakeSql(const Program& program, const Arguments& arguments, const ReadArguments& read,
                      int* known, JudgedCommand* command) {
    Arguments texts = read.sql;
    for (size_t i = 1; program.sql_arguments && i < arguments.size(); ++i) {
      if (!IsOption(arguments[i]) && LooksLikeSql(arguments[i])) texts.push_back(arguments[i]);
    }
    bool found = false;
    for (const std::string& sql : texts) {
      found = true;
      const SqlVerdict verdict = JudgeSql(sql);
      switch (verdict.does) {
        case SqlVerdict::Does::kDestroys:
          command->destroys = Finding::CRITICAL;
          Describe(14, verdict.what, known, command);
          break;
        case SqlVerdict::Does::kWeakens:
          command->destroys = std::max(command->destroys, Finding::HIGH);
          Describe(13, verdict.what, known, command);
          break;
        case SqlVerdict::Does::kRuns:
          command->opaque = Finding::HIGH;
          Describe(4, verdict.what, known, command);
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

  // A name of a file or of a table does not.
  static bool LooksLikeSql(std::string_view argument) {
    if (argument.starts_with('.') && !argument.starts_with("./") && !argument.starts_with("../")) return true;
    return std::any_of(argument.begin(), argument.end(), [](char c) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      return !plain && std::string_view("_.:/@=+,-").find(c) == std::string_view::npos;
    });
  }

  const CommandTable& table_;
  CommandVerdict verdict_;
  std::string before_;      // The variables that are set for the command that is being judged.
  bool opaque_ = false;     // There is something that may run what is written in other arguments.
  bool ambiguous_ = false;  // Something was read in more than one way.
  int readings_ = 0;        // How many programs were judged that may be arguments of others.
  size_t applying_ = 0;     // How many commands that apply plans were judged by themselves.
};

}  // namespace

CommandVerdict JudgeArguments(const v1::Action& action) {
  Taker taker;
  // In one order, whatever that of the message's map is.
  const std::map<std::string, std::string> environment(action.environment().begin(),
                                                       action.environment().end());
  for (const auto& [name, value] : environment) {
    taker.TakeVariable(text::Concat("environment.", name), name, value);
  }
  const Arguments arguments(action.argv().begin(), action.argv().end());
  taker.TakeArguments(arguments, "argv[0]", false, 0);
  taker.TakeWhole(arguments);
  return taker.Finish();
}

}  // namespace countersign::finding
