#include <fstream>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/provider/rows.h"
#include "tests/provider/scenarios.h"
#include "tests/provider/value.h"
#include "tests/support/temporary_directory.h"

namespace countersign::provider {
namespace {

using testing::TerraformResult;
using testing::TerraformWorkspace;

absl::Status Failed(const std::string& what, const TerraformResult& result) {
  return absl::InternalError(
      absl::StrCat("terraform ", what, " ended with ", result.exit_code, ":\n", result.out, result.err));
}

absl::Status Expect(bool success, const std::vector<std::string>& arguments, const TerraformResult& result) {
  if (result.ok() == success) return absl::OkStatus();
  return Failed(absl::StrJoin(arguments, " "), result);
}

// Initialises too: providers, modules and the backend may be others than before.
absl::StatusOr<TerraformResult> RunInitialized(const TerraformWorkspace& terraform,
                                               std::vector<std::string> arguments) {
  const TerraformResult init = terraform.Run({"init", "-input=false", "-reconfigure"});
  if (!init.ok()) return Failed("init", init);
  return terraform.Run(std::move(arguments));
}

ScenarioStep RunExpecting(bool success, const std::vector<std::string>& arguments) {
  return [=](ScenarioRun& run) {
    const auto result = RunInitialized(run.terraform, arguments);
    return result.ok() ? Expect(success, arguments, *result) : result.status();
  };
}

// What a plan with these arguments is made on.
absl::StatusOr<std::string> StateBefore(const TerraformWorkspace& terraform,
                                        const std::vector<std::string>& arguments) {
  const auto pulled = RunInitialized(terraform, {"state", "pull"});
  if (!pulled.ok()) return pulled.status();
  for (const std::string& argument : arguments) {
    constexpr absl::string_view kState = "-state=";
    if (absl::StartsWith(argument, kState)) return terraform.ReadFile(argument.substr(kState.size()));
  }
  return std::string(absl::StripAsciiWhitespace(pulled->out));
}

ScenarioStep PlanExpecting(bool success, std::string name, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"plan", "-input=false", "-out=" + name});
  return [success, name = std::move(name), arguments = std::move(arguments)](ScenarioRun& run) {
    const auto state = StateBefore(run.terraform, arguments);
    if (!state.ok()) return state.status();
    const TerraformResult planned = run.terraform.Run(arguments);
    if (absl::Status status = Expect(success, arguments, planned); !status.ok()) return status;
    const TerraformResult shown = run.terraform.Show(name);
    if (!shown.ok()) return Failed("show", shown);
    const std::string path = run.terraform.path() / name;
    run.plans.push_back({.name = name,
                         .path = path,
                         .bytes = testing::ReadFile(path),
                         .show_json = shown.out,
                         .state = *state});
    return absl::OkStatus();
  };
}

}  // namespace

ScenarioStep Write(std::string name, std::string content) {
  return [name = std::move(name), content = std::move(content)](ScenarioRun& run) {
    run.terraform.WriteFile(name, content);
    return absl::OkStatus();
  };
}

ScenarioStep Main(std::string content) { return Write("main.tf", std::move(content)); }

ScenarioStep Remove(std::string name) {
  return [name = std::move(name)](ScenarioRun& run) {
    run.terraform.RemoveFile(name);
    return absl::OkStatus();
  };
}

ScenarioStep Run(const std::vector<std::string>& arguments) { return RunExpecting(true, arguments); }

ScenarioStep Apply(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"apply", "-input=false", "-auto-approve"});
  return RunExpecting(true, arguments);
}

ScenarioStep ApplyFails() { return RunExpecting(false, {"apply", "-input=false", "-auto-approve"}); }

ScenarioStep Plan(std::string name, std::vector<std::string> arguments) {
  return PlanExpecting(true, std::move(name), std::move(arguments));
}

ScenarioStep PlanFails(std::string name, std::vector<std::string> arguments) {
  return PlanExpecting(false, std::move(name), std::move(arguments));
}

ScenarioStep EditRow(const std::string& type, const std::string& id, const std::string& patch) {
  return [=](ScenarioRun& run) -> absl::Status {
    const Rows rows(run.terraform.rows());
    const auto row = rows.Read(type, id);
    if (!row.ok()) return row.status();
    if (!row->has_value()) return absl::NotFoundError(absl::StrCat("there is no row ", type, " ", id));
    Json changed = **row;
    changed.merge_patch(Json::parse(patch));
    return rows.Write(type, id, changed);
  };
}

ScenarioStep RemoveRow(const std::string& type, const std::string& id) {
  return [=](ScenarioRun& run) { return Rows(run.terraform.rows()).Remove(type, id); };
}

absl::StatusOr<std::vector<ScenarioPlan>> RunScenario(const Scenario& scenario,
                                                      TerraformWorkspace& terraform) {
  ScenarioRun run = {.terraform = terraform, .plans = {}};
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const absl::Status status = scenario.steps[i](run);
    if (!status.ok()) {
      return absl::InternalError(absl::StrCat(scenario.name, ", step ", i + 1, ": ", status.message()));
    }
  }
  if (run.plans.empty()) return absl::InternalError(absl::StrCat(scenario.name, " makes no plan"));
  for (ScenarioPlan& plan : run.plans) plan.name = absl::StrCat(scenario.name, "/", plan.name);
  return std::move(run.plans);
}

}  // namespace countersign::provider
