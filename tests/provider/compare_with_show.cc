// Ends with 0 if our reader says of a saved plan what `terraform show -json` says of it, else with 1 and the
// differences.
//   plan-show-comparison PLAN SHOWN STATE      files: the plan, what show said, and what `terraform state
//   pull` said
#include <iostream>
#include <string>

#include "core/terraform/plan_view.h"
#include "tests/provider/show_comparison.h"
#include "tests/support/temporary_directory.h"

int main(int argc, char** argv) {
  using countersign::testing::ReadFile;
  if (argc != 4) {
    std::cerr << "usage: plan-show-comparison PLAN SHOWN STATE\n";
    return 2;
  }
  const countersign::provider::ScenarioPlan plan = {.name = argv[1],
                                                    .path = argv[1],
                                                    .bytes = ReadFile(argv[1]),
                                                    .show_json = ReadFile(argv[2]),
                                                    .state = ReadFile(argv[3])};
  const auto view =
      countersign::terraform::ReadPlan(plan.bytes, {.limits = {}, .salt = std::string(32, 's')});
  if (!view.ok()) return std::cerr << view.status() << '\n', 1;
  const auto differences = countersign::provider::DifferencesFromShow(*view, plan);
  for (const std::string& difference : differences) std::cerr << difference << '\n';
  return differences.empty() ? 0 : 1;
}
