#ifndef COUNTERSIGN_TESTS_INTEGRATION_HOSTILE_PLANS_H_
#define COUNTERSIGN_TESTS_INTEGRATION_HOSTILE_PLANS_H_

#include <string>
#include <vector>

namespace countersign::testing {

// Small files that cost their reader much before they turn out to be no plans.
struct HostilePlan {
  std::string what;
  std::string bytes;
};
// Each costs in the order of a second.
std::vector<HostilePlan> HostilePlans();
// As much as the limits of the reader let anyone ask for.
std::vector<HostilePlan> WorstPlans();

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_INTEGRATION_HOSTILE_PLANS_H_
