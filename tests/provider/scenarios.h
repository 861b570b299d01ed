// Every kind of plan that the real Terraform makes with our provider, for tests that read plans.
#ifndef COUNTERSIGN_TESTS_PROVIDER_SCENARIOS_H_
#define COUNTERSIGN_TESTS_PROVIDER_SCENARIOS_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/support/terraform.h"

namespace countersign::provider {

// A plan as Terraform made it.
struct ScenarioPlan {
  std::string name;       // Of the scenario, and of the plan in it: "drift/refresh only".
  std::string path;       // Of the saved plan; lives as long as the workspace.
  std::string bytes;      // Of it.
  std::string show_json;  // What `terraform show -json` says about it.
  std::string state;      // What `terraform state pull` printed just before it was made; empty: no state.
};

// What a scenario is run with.
struct ScenarioRun {
  testing::TerraformWorkspace& terraform;
  std::vector<ScenarioPlan> plans;
};

// Something that is done: a file is written, terraform is run, the world changes behind its back.
using ScenarioStep = std::function<absl::Status(ScenarioRun& run)>;

struct Scenario {
  std::string name;  // Words, such as "import".
  std::vector<ScenarioStep> steps;
};
inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

// All of them, honest ones only: no plan and no state was edited. Needs no PostgreSQL.
const std::vector<Scenario>& Scenarios();

// Does the steps in a workspace, which must be new, and returns the plans that were made on the way, at least
// one. Errors: what terraform said where it should not have.
absl::StatusOr<std::vector<ScenarioPlan>> RunScenario(const Scenario& scenario,
                                                      testing::TerraformWorkspace& terraform);

// Steps, to make further scenarios of.

ScenarioStep Write(std::string name, std::string content);
// "main.tf".
ScenarioStep Main(std::string content);
ScenarioStep Remove(std::string name);
// terraform with these arguments, which must succeed. `init` was run before.
ScenarioStep Run(const std::vector<std::string>& arguments);
ScenarioStep Apply(std::vector<std::string> arguments = {});
ScenarioStep ApplyFails();
// Makes a saved plan that ScenarioPlan will tell of. Its file is called `name`.
ScenarioStep Plan(std::string name, std::vector<std::string> arguments = {});
// The same where planning meets an error and saves a plan none the less.
ScenarioStep PlanFails(std::string name, std::vector<std::string> arguments = {});
// Changes a row by a JSON merge patch.
ScenarioStep EditRow(const std::string& type, const std::string& id, const std::string& patch);
ScenarioStep RemoveRow(const std::string& type, const std::string& id);

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_SCENARIOS_H_
