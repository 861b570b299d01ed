#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/bench/benches.h"
#include "tests/bench/broker_under_load.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/steps.h"

namespace countersign::bench {
namespace {

constexpr char kBench[] = "waiting";
constexpr int kApprovers = 16;

// Runs `work(thread, i)` for each i below `count` on as many threads as there are approvers.
template <typename Work>
void InParallel(size_t count, const Work& work) {
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kApprovers; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t i; (i = next++) < count;) work(thread, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

std::vector<Caller> Callers(size_t count, const std::function<Caller()>& make) {
  std::vector<Caller> callers;
  for (size_t i = 0; i < count; ++i) callers.push_back(make());
  return callers;
}

}  // namespace

void BenchWaiting(testing::PostgresCluster& cluster, const Scale& scale, Report* report) {
  const size_t waiting = scale.brief ? 2000 : 10000;
  const size_t connections = scale.brief ? 20 : 100;
  const BrokerUnderLoad broker(cluster);
  const std::vector<Caller> agents = Callers(kApprovers, [&] { return broker.Agent(); });
  const std::vector<Caller> humans = Callers(kApprovers, [&] { return broker.Human(); });
  const std::vector<Caller> jobs = Callers(connections, [&] { return broker.Workload(); });
  std::vector<v1::Proposal> proposals(waiting);
  InParallel(waiting, [&](size_t thread, size_t i) {
    proposals[i] = Submit(agents[thread], static_cast<int>(i % BrokerUnderLoad::kTargets));
  });

  const Memory before = MemoryOf(broker.pid());
  std::vector<std::unique_ptr<Waiter>> waiters;
  const Instant waiting_start = Now();
  for (size_t i = 0; i < waiting; ++i) {
    waiters.push_back(std::make_unique<Waiter>(jobs[i % connections], proposals[i].name()));
  }
  waiters.back()->AnsweredWithin(absl::Seconds(3));  // The broker has taken them all by then.
  const Memory with_waiters = MemoryOf(broker.pid());
  const absl::Duration processor_before = ProcessorTimeOf(broker.pid());
  waiters.back()->AnsweredWithin(absl::Seconds(scale.brief ? 2 : 5));
  const absl::Duration idle = ProcessorTimeOf(broker.pid()) - processor_before;

  std::vector<Instant> approved(waiting);
  const Instant start = Now();
  InParallel(waiting, [&](size_t thread, size_t i) {
    Approve(humans[thread], proposals[i]);
    approved[i] = Now();
  });
  const Instant last_approval = *std::max_element(approved.begin(), approved.end());
  Instant last_answer = start;
  Samples lag;
  for (size_t i = 0; i < waiting; ++i) {
    const Instant answer = waiters[i]->AwaitApproval();
    last_answer = std::max(last_answer, answer);
    lag.Add(absl::FromChrono(answer - approved[i]));
  }

  report->Value(kBench, "waiting jobs", static_cast<double>(waiting), "");
  report->Value(kBench, "connections", static_cast<double>(connections), "");
  report->Value(
      kBench, "broker's memory per waiting job",
      static_cast<double>(with_waiters.resident_kib - before.resident_kib) / static_cast<double>(waiting),
      "KiB");
  report->Value(kBench, "broker's memory with all of them",
                static_cast<double>(with_waiters.resident_kib) / 1024, "MiB");
  report->Value(kBench, "broker's processor time while nothing happens",
                absl::FDivDuration(idle, absl::Seconds(scale.brief ? 2 : 5)) * 100, "% of a core");
  report->Time(kBench, "they began to wait this long before", absl::FromChrono(start - waiting_start));
  report->Time(kBench, "approving all of them, by 16 humans", absl::FromChrono(last_approval - start));
  report->Time(kBench, "from the first approval to the last answer", absl::FromChrono(last_answer - start));
  report->Time(kBench, "answer behind its own approval's answer, median", lag.Quantile(0.5));
  report->Time(kBench, "answer behind its own approval's answer, p99", lag.Quantile(0.99));
  report->Time(kBench, "answer behind its own approval's answer, most", lag.Quantile(1));
}

}  // namespace countersign::bench
