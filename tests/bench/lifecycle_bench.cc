#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/bench/benches.h"
#include "tests/bench/broker_under_load.h"
#include "tests/bench/pgbench.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/steps.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

constexpr char kBench[] = "lifecycle";
constexpr int kClients = 16;
constexpr double kLeastShareOfPgbench = 0.5;
// Allocators keep what a burst needed; what grows with every finished proposal shows beside it.
constexpr double kMostMemoryGrowth = 1.15;

struct Usage {
  absl::Duration broker;
  absl::Duration clients;
  absl::Duration database;

  static Usage Now(const BrokerUnderLoad& broker, pid_t postmaster) {
    return {ProcessorTimeOf(broker.pid()), ProcessorTimeOf(getpid()), ProcessorTimeWithChildren(postmaster)};
  }
};

// Clients on a target each, so that one execution per target at a time makes nobody wait.
class Load {
 public:
  explicit Load(const BrokerUnderLoad& broker) {
    for (int i = 0; i < kClients; ++i)
      clients_.push_back({broker.Agent(), broker.Human(), broker.Workload(), {}});
  }

  // Lifecycles that were finished within `duration`.
  int64_t Run(absl::Duration duration) {
    std::atomic<int64_t> finished = 0;
    const Instant start = Now();
    std::vector<std::thread> threads;
    for (int i = 0; i < kClients; ++i) {
      threads.emplace_back([&, i] {
        Client& client = clients_[static_cast<size_t>(i)];
        while (Since(start) < duration) {
          RunLifecycle(client.agent, client.human, client.workload, i, &client.times);
          ++finished;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return finished;
  }

  StepTimes Times() const {
    StepTimes all;
    for (const Client& client : clients_) all.Add(client.times);
    return all;
  }
  void ForgetTimes() {
    for (Client& client : clients_) client.times = {};
  }

 private:
  struct Client {
    Caller agent;
    Caller human;
    Caller workload;
    StepTimes times;
  };
  std::vector<Client> clients_;
};

void ReportSpending(const Usage& before, const Usage& after, double lifecycles, absl::Duration elapsed,
                    const PgbenchResult& pgbench, Report* report) {
  const auto each = [&](const char* name, absl::Duration spent) {
    report->Value(kBench, name, absl::ToDoubleMicroseconds(spent) / lifecycles, "us/lifecycle");
  };
  each("processor time of the broker", after.broker - before.broker);
  each("processor time of the clients", after.clients - before.clients);
  each("processor time of PostgreSQL", after.database - before.database);
  const auto cores = static_cast<double>(std::thread::hardware_concurrency());
  const absl::Duration used =
      after.broker - before.broker + after.clients - before.clients + after.database - before.database;
  report->Value(kBench, "share of the machine's processor time in use",
                absl::FDivDuration(used, elapsed * cores), "");
  report->Value(kBench, "processor time of PostgreSQL under pgbench",
                absl::ToDoubleMicroseconds(pgbench.database_time) / static_cast<double>(pgbench.lifecycles),
                "us/lifecycle");
  report->Value(kBench, "processor time of pgbench itself",
                absl::ToDoubleMicroseconds(pgbench.client_time) / static_cast<double>(pgbench.lifecycles),
                "us/lifecycle");
}

void ReportSteps(const StepTimes& times, Report* report) {
  const auto step = [report](const char* name, const Samples& samples) {
    report->Time(kBench, absl::StrCat(name, ", median"), samples.Quantile(0.5));
    report->Time(kBench, absl::StrCat(name, ", p99"), samples.Quantile(0.99));
  };
  step("submit", times.submit);
  step("approve", times.approve);
  step("claim", times.claim);
  step("redeem", times.redeem);
  step("report", times.report);
}

}  // namespace

void BenchLifecycle(testing::PostgresCluster& cluster, const Scale& scale, Report* report) {
  const absl::Duration third = absl::Seconds(scale.brief ? 4 : 20);
  const BrokerUnderLoad broker(cluster);
  const pid_t postmaster = broker.PostmasterPid();
  Load load(broker);
  const Pgbench pgbench = Pgbench::Capture(broker);
  load.Run(absl::Seconds(2));  // Plans, connections and caches, which pgbench does not count either.
  load.ForgetTimes();

  // pgbench before and after, because the tables grow meanwhile.
  PgbenchResult reference = pgbench.Run(kClients, third, postmaster);
  const Usage before = Usage::Now(broker, postmaster);
  const Instant start = Now();
  double lifecycles = 0;
  std::vector<Memory> memory;
  for (int i = 0; i < 3; ++i) {
    lifecycles += static_cast<double>(load.Run(third));
    memory.push_back(MemoryOf(broker.pid()));
    report->Value(kBench, absl::StrCat("broker's memory after ", lifecycles, " lifecycles"),
                  static_cast<double>(memory.back().resident_kib) / 1024, "MiB");
  }
  const absl::Duration elapsed = Since(start);
  const Usage after = Usage::Now(broker, postmaster);
  reference.Add(pgbench.Run(kClients, third, postmaster));

  const double rate = lifecycles / absl::ToDoubleSeconds(elapsed);
  report->Value(kBench, "lifecycles by 16 clients", rate, "1/s");
  report->Value(kBench, "the same transitions by pgbench, 16 clients", reference.Rate(), "1/s");
  report->AtLeast(kBench, "share of pgbench's rate", rate / reference.Rate(), kLeastShareOfPgbench);
  ReportSpending(before, after, lifecycles, elapsed, reference, report);
  ReportSteps(load.Times(), report);
  report->Value(kBench, "broker's memory at its peak", static_cast<double>(memory.back().peak_kib) / 1024,
                "MiB");
  report->AtMost(
      kBench, "memory at the end against after the first third",
      static_cast<double>(memory.back().resident_kib) / static_cast<double>(memory.front().resident_kib),
      kMostMemoryGrowth);
}

}  // namespace countersign::bench
