// Saved plans to measure with.
#ifndef COUNTERSIGN_TESTS_BENCH_PLANS_H_
#define COUNTERSIGN_TESTS_BENCH_PLANS_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "tests/support/terraform.h"

namespace countersign::bench {

// A plan by the real terraform that changes `count` instances of servers in place, in blocks of at most 100.
// Planning takes about a minute for 10,000. Ends the process when terraform cannot make it. Not thread-safe.
class PlanOfUpdates {
 public:
  explicit PlanOfUpdates(int count);

  const std::string& bytes() const { return bytes_; }
  absl::Duration planning_time() const { return planning_time_; }
  // How long `terraform show -json` of it takes, with nobody reading what it says.
  absl::Duration Show() const;

 private:
  testing::TerraformWorkspace terraform_;
  std::string bytes_;
  absl::Duration planning_time_;
};

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_PLANS_H_
