// version and completion: about the program itself.
#include <memory>
#include <ostream>

#include "client/cli/app.h"
#include "client/cli/completion.h"
#include "client/cli/exit_code.h"

namespace countersign::cli {

void AddAboutVerbs(Verbs& verbs, Session& session, const CLI::App& app) {
  verbs.Add("version", "Print the version of this program", "  countersign version",
            [&session]() -> absl::StatusOr<int> {
              if (session.json()) {
                session.out() << "{\"version\": \"" << COUNTERSIGN_VERSION << "\"}\n";
              } else {
                session.out() << "countersign " << COUNTERSIGN_VERSION << '\n';
              }
              return kDone;
            });

  auto shell = std::make_shared<std::string>();
  verbs
      .Add("completion", "Print a completion script for your shell",
           "  source <(countersign completion bash)\n  source <(countersign completion zsh)",
           [&session, &app, shell]() -> absl::StatusOr<int> {
             session.out() << (*shell == "bash" ? BashCompletion(app) : ZshCompletion(app));
             return kDone;
           })
      .Option("SHELL", shell.get(), "bash or zsh", {.required = true, .values = {"bash", "zsh"}});
}

}  // namespace countersign::cli
