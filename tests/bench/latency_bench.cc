#include <thread>

#include "tests/bench/benches.h"
#include "tests/bench/broker_under_load.h"
#include "tests/bench/steps.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

constexpr char kBench[] = "latency";
constexpr double kMostRatio = 5;
// A person's approval finds an idle machine, and so does what it is compared with: the processor has gone to
// sleep before each of them.
constexpr absl::Duration kIdle = absl::Milliseconds(20);

// A row of the size of a small proposal, committed.
class Commits {
 public:
  explicit Commits(const testing::MigratedDatabase& database) : connection_(database.Connect()) {
    const absl::Status status = connection_.Script(
        "CREATE TABLE bench_commits (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content bytea NOT "
        "NULL)",
        absl::InfiniteFuture());
    if (!status.ok()) testing::Fatal("no table for commits");
    const postgres::Statement statements[] = {kInsert};
    if (!connection_.Prepare(statements, absl::InfiniteFuture()).ok())
      testing::Fatal("no statement for commits");
  }

  absl::Duration Measure() {
    const std::string content(1000, 'x');
    postgres::Parameters parameters;
    parameters.Bytes(content);
    const Instant start = Now();
    if (!connection_.Execute(kInsert, parameters, absl::InfiniteFuture()).ok()) testing::Fatal("no commit");
    return Since(start);
  }

 private:
  static constexpr postgres::Statement kInsert = {"bench_commit",
                                                  "INSERT INTO bench_commits (content) VALUES ($1::bytea)"};
  postgres::Connection connection_;
};

absl::Duration MeasureRoundTrip(const Caller& workload) {
  Context context;
  v1::Caller caller;
  const Instant start = Now();
  Check(workload.configurations->GetCaller(&context, {}, &caller), "get caller");
  return Since(start);
}

void Idle() { std::this_thread::sleep_for(absl::ToChronoNanoseconds(kIdle)); }

void ReportQuantiles(const std::string& name, const Samples& samples, Report* report) {
  report->Time(kBench, name + ", median", samples.Quantile(0.5));
  report->Time(kBench, name + ", p99", samples.Quantile(0.99));
}

}  // namespace

void BenchLatency(testing::PostgresCluster& cluster, const Scale& scale, Report* report) {
  const int rounds = scale.brief ? 200 : 1000;
  const int warm_up = 20;
  const BrokerUnderLoad broker(cluster);
  const Caller agent = broker.Agent();
  const Caller human = broker.Human();
  const Caller workload = broker.Workload();
  Commits commits(broker.database());
  Samples token;
  Samples wake;
  Samples commit;
  Samples round_trip;
  Samples busy_reference;
  for (int i = -warm_up; i < rounds; ++i) {
    const v1::Proposal proposal = Submit(agent, i < 0 ? 0 : i % BrokerUnderLoad::kTargets);
    Waiter waiter(workload, proposal.name());
    if (waiter.AnsweredWithin(kIdle)) testing::Fatal("answered before anybody approved");
    const Instant start = Now();
    Approve(human, proposal);
    const Instant woken = waiter.AwaitApproval();
    Claim(workload, proposal.name());
    const absl::Duration until_token = Since(start);
    const absl::Duration one_busy_reference = commits.Measure() + MeasureRoundTrip(workload);
    Idle();
    const absl::Duration one_commit = commits.Measure();
    Idle();
    const absl::Duration one_round_trip = MeasureRoundTrip(workload);
    if (i < 0) continue;
    busy_reference.Add(one_busy_reference);
    token.Add(until_token);
    wake.Add(absl::FromChrono(woken - start));
    commit.Add(one_commit);
    round_trip.Add(one_round_trip);
  }
  ReportQuantiles("from sending the approval to holding the token", token, report);
  ReportQuantiles("of it, until the waiting job is told", wake, report);
  ReportQuantiles("one commit", commit, report);
  ReportQuantiles("one bare unary round trip", round_trip, report);
  ReportQuantiles("both at once after it, on a processor that is awake", busy_reference, report);
  const absl::Duration floor = commit.Quantile(0.5) + round_trip.Quantile(0.5);
  report->AtMost(kBench, "approval to token against a commit and a round trip",
                 absl::FDivDuration(token.Quantile(0.5), floor), kMostRatio);
  report->Value(kBench, "the same against both on a processor that is awake",
                absl::FDivDuration(token.Quantile(0.5), busy_reference.Quantile(0.5)), "x");
}

}  // namespace countersign::bench
