// Measures countersignd on a real PostgreSQL of its own, with everything on that is on in production: commits
// are flushed, TLS is mutual, tokens are signed. What counts are the ratios, because each is of two things
// measured in the same run on the same machine.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/synchronization/mutex.h"
#include "tests/bench/benches.h"
#include "tests/bench/steps.h"
#include "tests/support/terraform.h"

namespace countersign::bench {
namespace {

struct Bench {
  std::string name;
  void (*run)(testing::PostgresCluster&, const Scale&, Report*);
  bool needs_terraform = false;
};

const std::vector<Bench>& Benches() {
  static const auto* const benches =
      new std::vector<Bench>{{"lifecycle", BenchLifecycle},      {"latency", BenchLatency},
                             {"waiting", BenchWaiting},          {"queue", BenchQueue},
                             {"plan_read", BenchPlanRead, true}, {"plan_submit", BenchPlanSubmit, true},
                             {"plan_flood", BenchPlanFlood}};
  return *benches;
}

struct Options {
  Scale scale;
  bool check = false;
  std::string json_file;
  std::vector<std::string> only;
};

Report RunBenches(const Options& options) {
  testing::PostgresCluster cluster({.fsync = true, .max_connections = 200});
  Report report;
  for (const Bench& bench : Benches()) {
    if (!options.only.empty() &&
        std::find(options.only.begin(), options.only.end(), bench.name) == options.only.end())
      continue;
    if (bench.needs_terraform && !testing::FindTerraform().has_value()) {
      std::cerr << "bench " << bench.name << " skipped: " << testing::kNoTerraform << "\n";
      continue;
    }
    const Instant start = Now();
    std::cerr << "bench " << bench.name << " ..." << std::flush;
    bench.run(cluster, options.scale, &report);
    std::cerr << " " << absl::ToInt64Seconds(Since(start)) << " s\n";
  }
  return report;
}

int Main(int argc, char** argv) {
  CLI::App app{"Measures countersignd and prints a table and JSON. The ratios have bounds; see --check."};
  Options options;
  std::vector<std::string> names;
  for (const Bench& bench : Benches()) names.push_back(bench.name);
  app.add_flag("--short", options.scale.brief, "A fraction of the real amounts, in about two minutes");
  app.add_flag("--check", options.check, "End with 1 when a ratio misses its bound");
  app.add_option("--json", options.json_file, "Write the JSON to this file instead of standard output");
  app.add_option("--only", options.only, "Only this bench; may be repeated")->check(CLI::IsMember(names));
  CLI11_PARSE(app, argc, argv);

  const Report report = RunBenches(options);
  std::cout << report.Table();
  const nlohmann::ordered_json json = {{"program", "countersign_bench"},
                                       {"short", options.scale.brief},
                                       {"cores", sysconf(_SC_NPROCESSORS_ONLN)},
                                       {"kept", report.AllKept()},
                                       {"results", report.Json()}};
  if (options.json_file.empty()) {
    std::cout << json.dump() << "\n";
  } else if (!(std::ofstream(options.json_file) << json.dump(2) << "\n").flush()) {
    std::cerr << "countersign_bench: cannot write " << options.json_file << "\n";
    return 1;
  }
  return options.check && !report.AllKept() ? 1 : 0;
}

}  // namespace
}  // namespace countersign::bench

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // As countersignd does.
  return countersign::bench::Main(argc, argv);
}
