#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/finding/judge.h"
#include "server/base/clock.h"
#include "server/planread/plan_reader.h"
#include "tests/bench/benches.h"
#include "tests/bench/plans.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/steps.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

constexpr char kBench[] = "plan_read";
constexpr double kLeastRatio = 20;
constexpr double kMostMebibytes = 256;
constexpr int kRounds = 7;

planread::ProcessPlanReader Reader(const base::Clock* clock) {
  return planread::ProcessPlanReader({.program = {}, .salt = std::string(32, 's')}, clock);
}

// What the broker does with a plan's bytes until it knows its findings.
absl::Duration ReadAndJudge(const std::string& bytes, int updates) {
  const base::SystemClock clock;
  planread::ProcessPlanReader reader = Reader(&clock);
  const Instant start = Now();
  const auto view = reader.Read(bytes, absl::InfiniteFuture());
  if (!view.ok()) testing::Fatal(std::string(view.status().message()));
  finding::PlanContext context;
  context.environment = "production";
  context.now = clock.Now();
  const std::vector<v1::Finding> findings = finding::JudgePlan(*view, context);
  const std::string verdict = finding::VerdictLine(*view, findings, context.memory);
  const absl::Duration elapsed = Since(start);
  if (view->resource_changes_size() != updates || verdict.empty()) testing::Fatal("that is not the plan");
  return elapsed;
}

// The highest that a process which this thread starts during `work` says of itself. The reader is at its
// highest when it begins to write its answer, and then lives until the answer is taken, hence is seen there.
template <typename Work>
int64_t PeakOfChild(const Work& work) {
  std::atomic<bool> done = false;
  const std::string children = absl::StrCat("/proc/self/task/", static_cast<int64_t>(gettid()), "/children");
  int64_t peak = 0;
  std::thread watcher([&] {
    while (!done) {
      std::ifstream list(children);
      for (pid_t child = 0; list >> child;) peak = std::max(peak, MemoryOf(child).peak_kib);
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  work();
  done = true;
  watcher.join();
  return peak;
}

void MeasureOne(int updates, Report* report) {
  const PlanOfUpdates plan(updates);
  const std::string of = absl::StrCat(" of ", updates, " updates");
  Samples show;
  Samples read;
  for (int i = -1; i < kRounds; ++i) {
    const absl::Duration one_show = plan.Show();
    const absl::Duration one_read = ReadAndJudge(plan.bytes(), updates);
    if (i < 0) continue;
    show.Add(one_show);
    read.Add(one_read);
  }
  const int64_t peak = PeakOfChild([&] { ReadAndJudge(plan.bytes(), updates); });
  if (peak == 0) testing::Fatal("the reader was not seen");

  report->Value(kBench, "plan file" + of, static_cast<double>(plan.bytes().size()) / 1024, "KiB");
  report->Time(kBench, "terraform plan" + of, plan.planning_time());
  report->Time(kBench, "terraform show -json" + of + ", median", show.Quantile(0.5));
  report->Time(kBench, "reading and judging" + of + ", median", read.Quantile(0.5));
  report->Time(kBench, "reading and judging" + of + ", most", read.Quantile(1));
  report->AtLeast(kBench, "terraform show against reading" + of,
                  absl::FDivDuration(show.Quantile(0.5), read.Quantile(0.5)), kLeastRatio);
  report->Most(kBench, "peak memory of the reader" + of, static_cast<double>(peak) / 1024, "MiB",
               kMostMebibytes);
}

}  // namespace

void BenchPlanRead(testing::PostgresCluster&, const Scale& scale, Report* report) {
  MeasureOne(1000, report);
  if (!scale.brief) MeasureOne(10'000, report);
}

}  // namespace countersign::bench
