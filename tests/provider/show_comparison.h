// Whether our reader and Terraform say the same about a plan.
#ifndef COUNTERSIGN_TESTS_PROVIDER_SHOW_COMPARISON_H_
#define COUNTERSIGN_TESTS_PROVIDER_SHOW_COMPARISON_H_

#include <string>
#include <vector>

#include "countersign/v1/plan.pb.h"
#include "tests/provider/scenarios.h"

namespace countersign::provider {

// Compares everything that both the view and `terraform show -json` tell, values included where they are not
// masked; and of the state, what `terraform state pull` told. One line for each difference, none if they
// agree.
std::vector<std::string> DifferencesFromShow(const v1::PlanView& view, const ScenarioPlan& plan);

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_SHOW_COMPARISON_H_
