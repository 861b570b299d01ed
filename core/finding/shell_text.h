#ifndef COUNTERSIGN_CORE_FINDING_SHELL_TEXT_H_
#define COUNTERSIGN_CORE_FINDING_SHELL_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace countersign::finding {

// What a text makes a shell run, as far as can be told without running it.
struct ShellText {
  // Simple commands, each with its words; those within substitutions too. Never empty ones.
  std::vector<std::vector<std::string>> commands;
  // A shell would put something in or out that is not in the text: variables, substitutions, files.
  bool expands = false;
};

// Takes apart a text in the language of POSIX shells. Reads too much rather than too little: what is quoted
// wrongly, nested too deeply or not understood gives `expands`. Total.
ShellText ReadShellText(std::string_view text);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_SHELL_TEXT_H_
