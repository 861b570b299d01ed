#include "tests/bench/benches.h"
#include "tests/bench/broker_under_load.h"
#include "tests/bench/steps.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

constexpr char kBench[] = "latency";
constexpr double kMostRatio = 5;

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
  for (int i = -warm_up; i < rounds; ++i) {
    const v1::Proposal proposal = Submit(agent, i < 0 ? 0 : i % BrokerUnderLoad::kTargets);
    Waiter waiter(workload, proposal.name());
    if (waiter.AnsweredWithin(absl::Milliseconds(20))) testing::Fatal("answered before anybody approved");
    const Instant start = Now();
    Approve(human, proposal);
    const Instant woken = waiter.AwaitApproval();
    Claim(workload, proposal.name());
    const absl::Duration until_token = Since(start);
    const absl::Duration one_commit = commits.Measure();
    const absl::Duration one_round_trip = MeasureRoundTrip(workload);
    if (i < 0) continue;
    token.Add(until_token);
    wake.Add(absl::FromChrono(woken - start));
    commit.Add(one_commit);
    round_trip.Add(one_round_trip);
  }
  ReportQuantiles("from sending the approval to holding the token", token, report);
  ReportQuantiles("of it, until the waiting job is told", wake, report);
  ReportQuantiles("one commit", commit, report);
  ReportQuantiles("one bare unary round trip", round_trip, report);
  const absl::Duration floor = commit.Quantile(0.5) + round_trip.Quantile(0.5);
  report->AtMost(kBench, "approval to token against a commit and a round trip",
                 absl::FDivDuration(token.Quantile(0.5), floor), kMostRatio);
}

}  // namespace countersign::bench
