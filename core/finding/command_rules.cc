#include <algorithm>

#include "core/finding/command_line.h"
#include "core/finding/finding_list.h"
#include "core/finding/judge.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using v1::Finding;

void AddCommands(const CommandVerdict& verdict, FindingList* findings) {
  Found destructive("destructive-command");
  Found unsaved("unsaved-plan");
  Found unread("unread-plan");
  Found opaque("opaque-command");
  Found changing("changing-command");
  std::string destroys;
  for (const JudgedCommand& command : verdict.commands) {
    if (command.destroys != Finding::SEVERITY_UNSPECIFIED) {
      if (destructive.empty()) destroys = command.what;
      destructive.At(command.destroys, command.address, "", command.text, command.text);
    }
    if (command.unsaved) unsaved.At(Finding::CRITICAL, command.address, "", command.text, command.text);
    if (command.unread) unread.At(Finding::CRITICAL, command.address, "", command.text, command.text);
    if (command.opaque != Finding::SEVERITY_UNSPECIFIED) {
      opaque.At(command.opaque, command.address, "", command.text, command.text);
    }
    // Where something worse is said, that it changes something goes without saying.
    const bool worse = command.unsaved || command.unread ||
                       std::max(command.destroys, command.opaque) != Finding::SEVERITY_UNSPECIFIED;
    if (command.changes && !worse)
      changing.At(Finding::INFO, command.address, "", command.text, command.text);
  }
  findings->Add(destructive, text::Concat("Runs ", destructive.Names(), ": ", destroys, "."));
  findings->Add(unsaved, text::Concat("Runs ", unsaved.Names(), ", which applies what nobody has read."));
  findings->Add(unread,
                text::Concat("Runs ", unread.Names(), ", which applies a saved plan that nobody has read."));
  findings->Add(opaque,
                text::Concat("Nobody can tell from the arguments what this does: ", opaque.Names(), "."));
  findings->Add(changing, text::Concat("Runs ", changing.Names(), ", which changes something."));
}

}  // namespace

std::vector<v1::Finding> JudgeCommand(const v1::Action& action) {
  const CommandVerdict verdict = JudgeArguments(action);
  FindingList findings;
  AddCommands(verdict, &findings);
  Found steering("environment-override");
  for (const auto& [address, assignment] : verdict.steering) {
    steering.At(Finding::HIGH, address, "", assignment, assignment.substr(0, assignment.find('=')));
  }
  findings.Add(steering, text::Concat("Sets what makes programs do something else: ", steering.Names(), "."));
  if (action.argv().empty()) {
    Found nothing("opaque-command");
    nothing.At(Finding::HIGH, "argv[0]");
    findings.Add(nothing, "There is no program to judge.");
  }
  return findings.Take();
}

}  // namespace countersign::finding
