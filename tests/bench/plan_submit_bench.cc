#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/bench/benches.h"
#include "tests/bench/broker_under_load.h"
#include "tests/bench/plans.h"
#include "tests/bench/steps.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

constexpr char kBench[] = "plan_submit";
constexpr int kUpdates = 34;
constexpr double kMostMilliseconds = 30;

std::string OpaqueBytes(size_t size) {
  std::mt19937 generator(1);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

// What the verb submit does: the bytes first, then the proposal.
absl::Duration Measure(const Caller& agent, v1::Kind kind, int target, const std::string& bytes) {
  const Instant start = Now();
  const v1::Proposal proposal = SubmitWithArtifact(agent, kind, target, Upload(agent, bytes));
  const absl::Duration elapsed = Since(start);
  if (kind == v1::TERRAFORM_PLAN && proposal.plan().counts().update() != kUpdates) {
    testing::Fatal("that is not what the plan does");
  }
  return elapsed;
}

}  // namespace

void BenchPlanSubmit(testing::PostgresCluster& cluster, const Scale& scale, Report* report) {
  const int rounds = scale.brief ? 100 : 500;
  const int warm_up = 10;
  const PlanOfUpdates plan(kUpdates);
  const std::string opaque = OpaqueBytes(plan.bytes().size());
  const BrokerUnderLoad broker(cluster);
  const Caller agent = broker.Agent();
  Samples with_plan;
  Samples with_opaque;
  for (int i = -warm_up; i < rounds; ++i) {
    const int target = (i + warm_up) % BrokerUnderLoad::kTargets;
    const absl::Duration one_opaque = Measure(agent, v1::COMMAND, target, opaque);
    const absl::Duration one_plan = Measure(agent, v1::TERRAFORM_PLAN, target, plan.bytes());
    if (i < 0) continue;
    with_opaque.Add(one_opaque);
    with_plan.Add(one_plan);
  }
  report->Value(kBench, absl::StrCat("plan file of ", kUpdates, " updates"),
                static_cast<double>(plan.bytes().size()) / 1024, "KiB");
  report->Time(kBench, "submitting bytes of its size to a command, median", with_opaque.Quantile(0.5));
  report->Time(kBench, "submitting the plan, median", with_plan.Quantile(0.5));
  report->Time(kBench, "submitting the plan, p99", with_plan.Quantile(0.99));
  report->Most(kBench, "added by reading, judging and storing what it says",
               absl::ToDoubleMilliseconds(with_plan.Quantile(0.5) - with_opaque.Quantile(0.5)), "ms",
               kMostMilliseconds);
}

}  // namespace countersign::bench
