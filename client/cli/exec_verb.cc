// exec: run what was approved.
#include <memory>

#include "client/cli/app.h"
#include "client/cli/exec/execution.h"
#include "client/cli/exit_code.h"

namespace countersign::cli {

void AddExecVerb(Verbs& verbs, Session& session) {
  auto options = std::make_shared<ExecOptions>();
  CLI::App& verb = verbs.Add(
      "exec", "Wait for approval, then run exactly what was approved, once; passes its exit code through",
      "  countersign exec k3vq --timeout 2h\n"
      "  countersign exec k3vq --pass-env PGPASSFILE -- psql -f fix.sql   # refused unless this was approved",
      [&session, options]() -> absl::StatusOr<int> {
        const auto code = Execute(session, *options);
        if (code.ok()) return code;
        session.Fail(code.status());
        return kRefused;
      });
  verb.add_option("ID", options->id, "The proposal")->required();
  verb.add_option("--timeout", options->timeout,
                  "How long to wait for approval and for the target to be free; default for ever")
      ->type_name("DURATION");
  verb.add_option(
          "--pass-env", options->passed_variables,
          "A variable of this runner that the program gets, besides those approved, PATH, LANG and HOME, "
          "which is its private directory; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  verb.add_option("--path", options->path,
                  "Where programs are looked up, instead of the system's directories")
      ->type_name("DIRECTORIES");
}

}  // namespace countersign::cli
