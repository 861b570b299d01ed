#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/benches.h"
#include "tests/bench/broker_under_load.h"
#include "tests/bench/steps.h"
#include "tests/integration/hostile_plans.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

constexpr char kBench[] = "plan_flood";
// More than the broker reads at one time, so that its readers never rest.
constexpr int kAtOnce = 4;
// A reader's 25 seconds, after as many of those that came before.
constexpr double kMostSeconds = 60;
// Two readers on two cores would take half of them from others if they were not the least urgent.
constexpr double kMostSlowdown = 2;

// What other callers notice.
struct Notice {
  Samples get;
  Samples approve;
};

void RunOther(const Caller& agent, const Caller& human, int round, Notice* notice) {
  const v1::Proposal proposal = Submit(agent, round % BrokerUnderLoad::kTargets);
  v1::GetProposalRequest request;
  request.set_name(proposal.name());
  Context context;
  v1::Proposal shown;
  Instant start = Now();
  Check(human.proposals->GetProposal(&context, request, &shown), "get");
  notice->get.Add(Since(start));
  start = Now();
  Approve(human, shown);
  notice->approve.Add(Since(start));
}

// Ends the process unless the broker says that this is no plan. How long it took to say so.
absl::Duration BeRefused(const Caller& attacker, const std::string& digest) {
  v1::Proposal proposal;
  const Instant start = Now();
  const grpc::Status status = TryToSubmitWithArtifact(attacker, v1::TERRAFORM_PLAN, 0, digest, &proposal);
  const absl::Duration elapsed = Since(start);
  if (status.ok() || !absl::StrContains(status.error_details(), "PLAN_UNREADABLE")) {
    testing::Fatal(absl::StrCat("a hostile plan is not refused as one: ",
                                static_cast<int>(status.error_code()), " ", status.error_message()));
  }
  return elapsed;
}

// `count` submissions of the artifacts in turn, by one agent; running from construction on.
class Flood {
 public:
  Flood(const std::vector<Caller>& attackers, const std::vector<std::string>& digests, int count)
      : times_(attackers.size()) {
    for (size_t thread = 0; thread < attackers.size(); ++thread) {
      threads_.emplace_back([this, &attacker = attackers[thread], &digests, thread, count] {
        for (int i; (i = next_++) < count;) {
          times_[thread].Add(BeRefused(attacker, digests[static_cast<size_t>(i) % digests.size()]));
        }
        ended_ = true;
      });
    }
  }
  // Until the first of its threads has nothing left to send.
  bool running() const { return !ended_; }
  void Join(Samples* refusals) {
    for (std::thread& thread : threads_) thread.join();
    for (const Samples& times : times_) refusals->Add(times);
  }

 private:
  std::atomic<int> next_ = 0;
  std::atomic<bool> ended_ = false;
  std::vector<Samples> times_;
  std::vector<std::thread> threads_;
};

// One at a time, each as bad as can be.
void MeasureWorst(const BrokerUnderLoad& broker, Report* report) {
  const Caller attacker = broker.Agent();
  for (const testing::HostilePlan& plan : testing::WorstPlans()) {
    const absl::Duration one = BeRefused(attacker, Upload(attacker, plan.bytes));
    report->Most(kBench, absl::StrCat("the worst alone, ", plan.what, ": refused after"),
                 absl::ToDoubleSeconds(one), "s", kMostSeconds);
  }
}

void ReportNotice(const std::string& call, const Samples& quiet, const Samples& flooded, Report* report) {
  for (const auto& [name, quantile] : {std::pair("median", 0.5), std::pair("p99", 0.99)}) {
    report->Time(kBench, absl::StrCat(call, " without the flood, ", name), quiet.Quantile(quantile));
    report->Time(kBench, absl::StrCat(call, " during the flood, ", name), flooded.Quantile(quantile));
  }
  report->AtMost(kBench, absl::StrCat(call, " during the flood against without, median"),
                 absl::FDivDuration(flooded.Quantile(0.5), quiet.Quantile(0.5)), kMostSlowdown);
}

}  // namespace

void BenchPlanFlood(testing::PostgresCluster& cluster, const Scale& scale, Report* report) {
  const int windows = scale.brief ? 5 : 20;
  const int hostile = scale.brief ? 10 : 50;  // In each.
  const int quiet_rounds = 60;
  const BrokerUnderLoad broker(cluster);
  const Caller agent = broker.Agent();
  const Caller human = broker.Human();
  std::vector<Caller> attackers;
  for (int i = 0; i < kAtOnce; ++i) attackers.push_back(broker.Agent());
  std::vector<std::string> digests;
  for (const testing::HostilePlan& plan : testing::HostilePlans())
    digests.push_back(Upload(agent, plan.bytes));
  int round = 0;
  Notice ignored;
  Notice quiet;
  Notice flooded;
  Samples refusals;
  absl::Duration flooding;
  while (round < 50) RunOther(agent, human, round++, &ignored);
  // In turn, because what a commit takes changes from minute to minute on a machine that is not alone.
  for (int window = 0; window < windows; ++window) {
    for (int i = 0; i < quiet_rounds; ++i) RunOther(agent, human, round++, &quiet);
    Flood flood(attackers, digests, hostile);
    const Instant start = Now();
    while (flood.running()) RunOther(agent, human, round++, &flooded);
    flood.Join(&refusals);
    flooding += Since(start);
  }

  report->Value(kBench, "hostile plans submitted by one agent, all refused",
                static_cast<double>(refusals.size()), "");
  report->Time(kBench, "of the flood's time, for each", flooding / static_cast<int64_t>(refusals.size()));
  report->Time(kBench, absl::StrCat("refused after, ", kAtOnce, " being sent at once, median"),
               refusals.Quantile(0.5));
  report->Most(kBench, "refused after, most", absl::ToDoubleSeconds(refusals.Quantile(1)), "s", kMostSeconds);
  report->Value(kBench, "calls of others during the flood, of each kind",
                static_cast<double>(flooded.get.size()), "");
  ReportNotice("GetProposal", quiet.get, flooded.get, report);
  ReportNotice("ApproveProposal", quiet.approve, flooded.approve, report);
  MeasureWorst(broker, report);
}

}  // namespace countersign::bench
