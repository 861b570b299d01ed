// Takes a command apart: the programs that it runs, within wrappers and shells, and what each of them does.
#ifndef COUNTERSIGN_CORE_FINDING_COMMAND_LINE_H_
#define COUNTERSIGN_CORE_FINDING_COMMAND_LINE_H_

#include <string>
#include <utility>
#include <vector>

#include "countersign/v1/finding.pb.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::finding {

// One program with its arguments.
struct JudgedCommand {
  std::string address;  // The argument that it stands in: argv[2].
  std::string text;     // The program and its arguments, with spaces between them.
  std::string what;     // The worst that it does: destroys a database.
  // SEVERITY_UNSPECIFIED where it does not.
  v1::Finding::Severity destroys = v1::Finding::SEVERITY_UNSPECIFIED;
  v1::Finding::Severity opaque = v1::Finding::SEVERITY_UNSPECIFIED;
  bool unsaved = false;  // Plans and applies in one go.
  bool unread = false;   // Applies a saved plan, which is not judged with the command.
  bool changes = false;
};

struct CommandVerdict {
  std::vector<JudgedCommand> commands;  // The worst first.
  // Variables that make programs do something else than their arguments say: where they are set, and how.
  std::vector<std::pair<std::string, std::string>> steering;
  // Every variable that an argument sets for a program, as `env NAME=value` does: the argument, and the name.
  std::vector<std::pair<std::string, std::string>> assigned;
};

// Total; empty only when there are no arguments.
CommandVerdict JudgeArguments(const v1::Action& action);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_COMMAND_LINE_H_
