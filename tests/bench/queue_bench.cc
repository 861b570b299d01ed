#include "absl/strings/str_cat.h"
#include "tests/bench/benches.h"
#include "tests/bench/broker_under_load.h"
#include "tests/bench/steps.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

constexpr char kBench[] = "queue";
constexpr int kPending = 200;
constexpr int kFewFinished = 1000;
constexpr double kMostRatio = 2;

// Copies of one finished proposal under other ids and at other times, some of them newer than all that is
// pending. Nobody reads what they say: their names are not those of their rows.
void AddFinished(const testing::MigratedDatabase& database, const std::string& name, int first, int count) {
  const std::string id = name.substr(std::string_view("proposals/").size());
  postgres::Connection connection = database.Connect();
  const std::string sql = absl::StrCat(
      "INSERT INTO proposals (id, version, state, target, requester, create_time, update_time, resource) ",
      "SELECT translate(lpad(n::text, 24, '0'), '0123456789', 'abcdefghij'), version, state, ",
      "  'targets/bench-' || n % 64, requester, ",
      "  create_time + (n - 1000) * interval '1 second', update_time + (n - 1000) * interval '1 second', "
      "resource ",
      "FROM proposals, generate_series(", first, ", ", first + count - 1, ") AS n WHERE id = '", id, "'");
  absl::Status status = connection.Script(sql, absl::InfiniteFuture());
  if (status.ok()) status = connection.Script("VACUUM ANALYZE proposals", absl::InfiniteFuture());
  if (status.ok()) status = connection.Script("CHECKPOINT", absl::InfiniteFuture());
  if (!status.ok()) testing::Fatal("the table cannot be filled");
}

Samples MeasureList(const Caller& human, int rounds) {
  v1::ListProposalsRequest request;
  request.add_states(v1::Proposal::PENDING);
  request.set_page_size(50);
  Samples samples;
  for (int i = -20; i < rounds; ++i) {
    Context context;
    v1::ListProposalsResponse response;
    const Instant start = Now();
    Check(human.proposals->ListProposals(&context, request, &response), "list");
    if (i >= 0) samples.Add(Since(start));
    if (response.proposals_size() != 50) testing::Fatal("the queue should have been longer");
  }
  return samples;
}

}  // namespace

void BenchQueue(testing::PostgresCluster& cluster, const Scale& scale, Report* report) {
  const int many_finished = scale.brief ? 100'000 : 1'000'000;
  const int rounds = scale.brief ? 300 : 1000;
  const BrokerUnderLoad broker(cluster);
  const Caller agent = broker.Agent();
  const Caller human = broker.Human();
  StepTimes times;
  const std::string finished = RunLifecycle(agent, human, broker.Workload(), 0, &times);
  for (int i = 0; i < kPending; ++i) Submit(agent, i % BrokerUnderLoad::kTargets);

  AddFinished(broker.database(), finished, 0, kFewFinished);
  const Samples few = MeasureList(human, rounds);
  const Instant start = Now();
  AddFinished(broker.database(), finished, kFewFinished, many_finished - kFewFinished);
  const absl::Duration filling = Since(start);
  const Samples many = MeasureList(human, rounds);

  report->Time(kBench, absl::StrCat("list beside ", kFewFinished, " finished, median"), few.Quantile(0.5));
  report->Time(kBench, absl::StrCat("list beside ", many_finished, " finished, median"), many.Quantile(0.5));
  report->Time(kBench, absl::StrCat("list beside ", many_finished, " finished, p99"), many.Quantile(0.99));
  report->Time(kBench, "filling the table", filling);
  report->AtMost(kBench, "list beside many finished against few",
                 absl::FDivDuration(many.Quantile(0.5), few.Quantile(0.5)), kMostRatio);
}

}  // namespace countersign::bench
