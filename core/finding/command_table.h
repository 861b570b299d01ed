// What is known of programs: what they destroy, what they only read. Read from data/commands.json, which can
// be extended without touching code.
#ifndef COUNTERSIGN_CORE_FINDING_COMMAND_TABLE_H_
#define COUNTERSIGN_CORE_FINDING_COMMAND_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "countersign/v1/finding.pb.h"

namespace countersign::finding {

// A way of calling a program. Words and options are patterns in which * stands for any characters.
struct CommandRule {
  enum class Is {
    kDestroys,  // Applies when the words stand anywhere among the arguments, in their order.
    kUnsaved,   // The same; carries out what nobody has read.
    kOpaque,    // The same; what it does stands elsewhere.
    kChanges,   // Applies when the words come first.
    kReads,     // The same.
  };
  Is is = Is::kOpaque;
  std::vector<std::string> words;
  std::vector<std::string> options;  // Any of these is there; none are needed when it is empty.
  std::string what;                  // deletes a database
  v1::Finding::Severity severity = v1::Finding::CRITICAL;
  bool exact = false;  // With no further words.
};

struct Program {
  std::vector<std::string> names;          // Patterns of the file's name.
  std::vector<std::string> value_options;  // Patterns of options whose value is the next argument.
  std::vector<std::string> flags;          // Patterns of options that do no harm, without such a value.
  std::vector<CommandRule> rules;
  std::vector<std::string> sql_options;  // Options whose value is SQL.
  bool sql_arguments = false;            // Arguments that are no options may be SQL.
  bool plans = false;  // Applies plans: a way of calling it that is not known may apply what nobody has read.
  bool edits_text = false;   // Takes a script in the language of sed.
  bool reads_input = false;  // Takes commands from its standard input where its arguments have none.
  bool guards = false;       // Its options can take away protection against deletion, backups and versions.
};

// A program that runs another one, given in its arguments.
struct Wrapper {
  std::vector<std::string> names;
  std::vector<std::string> value_options;
  std::vector<std::string> flags;         // Options without a value.
  int64_t skips = 0;                      // How many arguments stand before the other program.
  bool assignments = false;               // NAME=value may stand before it.
  std::vector<std::string> after;         // It comes after any of these arguments.
  std::vector<std::string> text_options;  // Options whose value is a line for a shell.
  bool rest_is_text = false;              // The other program is a line for a shell too.
  bool permutes = false;                  // Its options may stand after its other arguments.
  bool opaque = false;                    // What it adds to the other program cannot be told.
  bool adds_arguments = false;            // The other program gets arguments that stand elsewhere.
};

// Immutable, hence thread-safe.
class CommandTable {
 public:
  // Errors: INVALID_ARGUMENT, with the place of the first mistake.
  static absl::StatusOr<CommandTable> Parse(std::string_view text);
  // The embedded table.
  static const CommandTable& Get();

  // Null pointer when it is not in the table.
  const Program* FindProgram(std::string_view name) const;
  const Wrapper* FindWrapper(std::string_view name) const;
  bool IsShell(std::string_view name) const;
  // Whether it is a program that applies plans.
  bool IsPlanner(std::string_view name) const;
  // Whether `pattern` matches the name of one.
  bool MayBePlanner(std::string_view pattern) const;
  // Runs code that is written in a language of its own.
  bool IsInterpreter(std::string_view name) const;
  // Whether the variable makes programs do something else than their arguments say.
  bool Steers(std::string_view variable) const;
  // Where programs of the operating system are.
  bool IsSystemDirectory(std::string_view directory) const;

  const std::vector<Program>& programs() const { return programs_; }

 private:
  std::vector<Program> programs_;
  std::vector<Wrapper> wrappers_;
  std::vector<std::string> shells_;
  std::vector<std::string> interpreters_;
  std::vector<std::string> steering_variables_;
  std::vector<std::string> system_directories_;
};

// Whether `text` is any of `patterns`.
bool MatchesAny(const std::vector<std::string>& patterns, std::string_view text);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_COMMAND_TABLE_H_
