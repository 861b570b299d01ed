// exec: run what was approved.
#include <memory>

#include "client/cli/app.h"
#include "client/cli/exec/execution.h"
#include "client/cli/exit_code.h"

namespace countersign::cli {

void AddExecVerb(Verbs& verbs, Session& session) {
  auto options = std::make_shared<ExecOptions>();
  const Verb verb = verbs.Add(
      "exec", "Wait for approval, then run exactly what was approved, once; passes its exit code through",
      "  countersign exec k3vq --timeout 2h\n"
      "  countersign exec k3vq --pass-env PGPASSFILE -- psql -f fix.sql   # refused unless this was "
      "approved\n"
      "A saved plan, in a directory where `terraform init` was run:\n"
      "  countersign exec k3vq --chdir network --pass-env AWS_PROFILE --pass-env HOME\n"
      "The same after the state has moved on: plans again, and applies that only if it does what was "
      "approved:\n"
      "  countersign exec k3vq --chdir network --replan -- -var-file=prod.tfvars",
      [&session, options]() -> absl::StatusOr<int> {
        const auto code = Execute(session, *options);
        if (code.ok()) return code;
        session.Fail(code.status());
        return kRefused;
      });
  verb.Option("ID", &options->id, "The proposal", {.required = true});
  verb.Option("--timeout", &options->timeout,
              "How long to wait for approval and for the target to be free; default for ever",
              {.type_name = "DURATION"});
  verb.Option("--pass-env", &options->passed_variables,
              "A variable of this runner that the program gets, besides those approved, PATH, LANG and HOME, "
              "which is its private directory; may be repeated",
              {.type_name = "NAME"});
  verb.Option("--chdir", &options->directory,
              "For a saved plan: where `terraform init` was run; default is the current directory",
              {.type_name = "DIRECTORY"});
  verb.Option("--terraform", &options->terraform,
              "For a saved plan: the program; default is terraform or tofu, whichever made the plan",
              {.type_name = "PROGRAM"});
  verb.Flag("--replan", &options->replan,
            "For a saved plan: plan again here, with the arguments behind --, and apply that if it does "
            "the same, or less where policy allows");
  verb.Option("--path", &options->path, "Where programs are looked up, instead of the system's directories",
              {.type_name = "DIRECTORIES"});
}

}  // namespace countersign::cli
