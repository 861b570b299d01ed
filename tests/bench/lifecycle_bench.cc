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

// Processor time, in all.
struct Usage {
  absl::Duration broker;
  absl::Duration clients;
  absl::Duration database;

  static Usage Now(const BrokerUnderLoad& broker, pid_t postmaster) {
    return {ProcessorTimeOf(broker.pid()), ProcessorTimeOf(getpid()), ProcessorTimeWithChildren(postmaster)};
  }
  void AddDifference(const Usage& before, const Usage& after) {
    broker += after.broker - before.broker;
    clients += after.clients - before.clients;
    database += after.database - before.database;
  }
};

// What the load has done, and what it took.
struct Work {
  double lifecycles = 0;
  absl::Duration elapsed;
  Usage usage;
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
    return Repeat(duration, [](Client& client, int target) {
      RunLifecycle(client.agent, client.human, client.workload, target, &client.times);
    });
  }

  // Calls that only ask who the caller is, and need no database.
  int64_t RunBareCalls(absl::Duration duration) {
    return Repeat(duration, [](Client& client, int) {
      Context context;
      v1::Caller caller;
      Check(client.workload.configurations->GetCaller(&context, {}, &caller), "get caller");
    });
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

  template <typename Work>
  int64_t Repeat(absl::Duration duration, const Work& work) {
    std::atomic<int64_t> finished = 0;
    const Instant start = Now();
    std::vector<std::thread> threads;
    for (int i = 0; i < kClients; ++i) {
      threads.emplace_back([&, i] {
        while (Since(start) < duration) {
          work(clients_[static_cast<size_t>(i)], i);
          ++finished;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return finished;
  }

  std::vector<Client> clients_;
};

void ReportSpending(const Work& work, const PgbenchResult& pgbench, Report* report) {
  const auto each = [&](const char* name, absl::Duration spent) {
    report->Value(kBench, name, absl::ToDoubleMicroseconds(spent) / work.lifecycles, "us/lifecycle");
  };
  each("processor time of the broker", work.usage.broker);
  each("processor time of the clients", work.usage.clients);
  each("processor time of PostgreSQL", work.usage.database);
  const auto cores = static_cast<double>(std::thread::hardware_concurrency());
  report->Value(
      kBench, "share of the machine's processor time in use",
      absl::FDivDuration(work.usage.broker + work.usage.clients + work.usage.database, work.elapsed * cores),
      "");
  report->Value(kBench, "processor time of PostgreSQL under pgbench",
                absl::ToDoubleMicroseconds(pgbench.database_time) / static_cast<double>(pgbench.lifecycles),
                "us/lifecycle");
  report->Value(kBench, "processor time of pgbench itself",
                absl::ToDoubleMicroseconds(pgbench.client_time) / static_cast<double>(pgbench.lifecycles),
                "us/lifecycle");
}

// What of it is gRPC and TLS alone: five calls that do nothing.
void ReportBareCalls(const BrokerUnderLoad& broker, pid_t postmaster, absl::Duration duration, Load* load,
                     Report* report) {
  const Usage before = Usage::Now(broker, postmaster);
  const auto calls = static_cast<double>(load->RunBareCalls(duration));
  const Usage after = Usage::Now(broker, postmaster);
  const auto five = [&](const char* name, absl::Duration spent) {
    report->Value(kBench, name, 5 * absl::ToDoubleMicroseconds(spent) / calls, "us/lifecycle");
  };
  five("of it, five calls that do nothing: the broker", after.broker - before.broker);
  five("of it, five calls that do nothing: the clients", after.clients - before.clients);
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
  const int turns = scale.brief ? 3 : 6;
  const absl::Duration turn = absl::Seconds(scale.brief ? 3 : 10);
  const BrokerUnderLoad broker(cluster);
  const pid_t postmaster = broker.PostmasterPid();
  Load load(broker);
  const Pgbench pgbench = Pgbench::Capture(broker);
  load.Run(absl::Seconds(2));  // Plans, connections and caches, which pgbench does not count either.
  load.ForgetTimes();

  // By turns, so that growing tables and whatever else the machine does slow both alike.
  PgbenchResult reference;
  Work work;
  std::vector<Memory> memory;
  for (int i = 0; i < turns; ++i) {
    reference.Add(pgbench.Run(kClients, turn, postmaster));
    const Usage before = Usage::Now(broker, postmaster);
    const Instant start = Now();
    work.lifecycles += static_cast<double>(load.Run(turn));
    work.elapsed += Since(start);
    work.usage.AddDifference(before, Usage::Now(broker, postmaster));
    memory.push_back(MemoryOf(broker.pid()));
    report->Value(kBench, absl::StrCat("broker's memory after ", work.lifecycles, " lifecycles"),
                  static_cast<double>(memory.back().resident_kib) / 1024, "MiB");
  }

  const double rate = work.lifecycles / absl::ToDoubleSeconds(work.elapsed);
  report->Value(kBench, "lifecycles by 16 clients", rate, "1/s");
  report->Value(kBench, "the same transitions by pgbench, 16 clients", reference.Rate(), "1/s");
  report->AtLeast(kBench, "share of pgbench's rate", rate / reference.Rate(), kLeastShareOfPgbench);
  ReportSpending(work, reference, report);
  ReportBareCalls(broker, postmaster, turn, &load, report);
  ReportSteps(load.Times(), report);
  report->Value(kBench, "broker's memory at its peak", static_cast<double>(memory.back().peak_kib) / 1024,
                "MiB");
  const Memory& early = memory[static_cast<size_t>(turns / 3 - 1)];
  report->AtMost(kBench, "memory at the end against after the first third",
                 static_cast<double>(memory.back().resident_kib) / static_cast<double>(early.resident_kib),
                 kMostMemoryGrowth);
}

}  // namespace countersign::bench
