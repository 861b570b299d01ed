// The command line: its verbs, and running one of them.
#ifndef COUNTERSIGN_CLIENT_CLI_APP_H_
#define COUNTERSIGN_CLIENT_CLI_APP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "client/cli/world.h"

namespace CLI {
class App;
}  // namespace CLI

namespace countersign::cli {

// What a verb does; gives the exit code.
using Action = std::function<absl::StatusOr<int>()>;

// What an option's value may be. Copied when the option is added.
struct OptionRules {
  const char* type_name = "";  // What the help calls its value.
  bool required = false;
  std::vector<std::string> values = {};  // The only ones it may have, if there are any here.
  bool any_case = false;                 // Of these.
};

// A verb that is getting its options. Names are as CLI11 reads them: "-y,--yes", or "ID" for what has no
// dashes. What is given is stored in what the verb's action owns. CLI11 itself is in few files only, because
// it makes each of them slow to compile.
class Verb {
 public:
  explicit Verb(CLI::App* app) : app_(app) {}

  void Option(const std::string& name, std::string* value, const std::string& description,
              const OptionRules& rules = {}) const;
  // May be given more than once.
  void Option(const std::string& name, std::vector<std::string>* values, const std::string& description,
              const OptionRules& rules = {}) const;
  void Option(const std::string& name, int64_t* number, const std::string& description) const;
  // The help says what it is where it is not given.
  void Option(const std::string& name, size_t* number, const std::string& description) const;
  void Flag(const std::string& name, bool* flag, const std::string& description) const;

 private:
  CLI::App* app_;
};

// All verbs. Each group of them lives in a file of its own, which adds them here. Not thread-safe.
class Verbs {
 public:
  Verbs(CLI::App& app, Action& chosen) : app_(app), chosen_(chosen) {}

  // `examples` is shown under the verb's help, a command a line.
  Verb Add(const std::string& name, const std::string& description, const std::string& examples,
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
