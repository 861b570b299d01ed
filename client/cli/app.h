// The command line: its verbs, and running one of them.
#ifndef COUNTERSIGN_CLIENT_CLI_APP_H_
#define COUNTERSIGN_CLIENT_CLI_APP_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/cli/world.h"

namespace countersign::cli {

// What a verb does; gives the exit code.
using Action = std::function<absl::StatusOr<int>()>;

// All verbs. Each group of them lives in a file of its own, which adds them here. Not thread-safe.
class Verbs {
 public:
  Verbs(CLI::App& app, Action& chosen) : app_(app), chosen_(chosen) {}

  // `examples` is shown under the verb's help, a command a line. The options that are added to the result
  // must store into what `action` owns.
  CLI::App& Add(const std::string& name, const std::string& description, const std::string& examples,
                Action action);
  // For verbs of two words: those that are added to the result begin with `name`.
  Verbs Group(const std::string& name, const std::string& description, const std::string& examples);

 private:
  CLI::App& app_;
  Action& chosen_;
};

void AddRequestVerbs(Verbs& verbs, Session& session);                     // submit, cancel
void AddAnalyzeVerb(Verbs& verbs, Session& session);                      // analyze
void AddReadVerbs(Verbs& verbs, Session& session);                        // list, show, wait, watch
void AddDecisionVerbs(Verbs& verbs, Session& session);                    // approve, deny, revoke, resolve
void AddTokenVerbs(Verbs& verbs, Session& session);                       // claim, verify
void AddExecVerb(Verbs& verbs, Session& session);                         // exec
void AddConfigVerbs(Verbs& verbs, Session& session);                      // apply, get, whoami
void AddTargetVerbs(Verbs& verbs, Session& session);                      // target list, show and adopt
void AddAuditVerb(Verbs& verbs, Session& session);                        // audit
void AddAboutVerbs(Verbs& verbs, Session& session, const CLI::App& app);  // version, completion

// Runs the command line (without the program's name); returns the exit code.
int RunCommandLine(const std::vector<std::string>& arguments, World& world);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_APP_H_
