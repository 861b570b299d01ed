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
  // Shells read it differently; the commands are those of all readings.
  bool ambiguous = false;
};

// Takes apart a text in the language of POSIX shells. Reads too much rather than too little: what is quoted
// wrongly, nested too deeply or not understood gives `expands`, and what shells read differently ($'...') is
// read in each way. What a shell would replace stays in the words as it is written. Total.
ShellText ReadShellText(std::string_view text);

// Whether a shell would replace something in `word`, were nothing of it quoted: a variable, a substitution, a
// pattern of file names, braces.
bool HoldsExpansion(std::string_view word);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_SHELL_TEXT_H_
