// What `./dev bench` measures. Each bench starts a broker of its own on a fresh database of `cluster`, and
// ends the process when anything fails: a number from calls that did not work is worse than none.
#ifndef COUNTERSIGN_TESTS_BENCH_BENCHES_H_
#define COUNTERSIGN_TESTS_BENCH_BENCHES_H_

#include "tests/bench/report.h"
#include "tests/support/postgres_cluster.h"

namespace countersign::bench {

struct Scale {
  bool brief = false;  // A fraction of the real amounts, to see that it works and roughly how fast.
};

// Lifecycles per second by 16 clients against pgbench doing the same transitions; where the time goes;
// whether the broker's memory grows with what is finished.
void BenchLifecycle(testing::PostgresCluster& cluster, const Scale& scale, Report* report);

// From an approval to the token in the hands of a job that waited, against a commit and a round trip.
void BenchLatency(testing::PostgresCluster& cluster, const Scale& scale, Report* report);

// Many jobs waiting at once.
void BenchWaiting(testing::PostgresCluster& cluster, const Scale& scale, Report* report);

// The pending queue beside many finished proposals.
void BenchQueue(testing::PostgresCluster& cluster, const Scale& scale, Report* report);

// Reading a plan as the broker does against `terraform show -json`. Needs terraform; no broker.
void BenchPlanRead(testing::PostgresCluster& cluster, const Scale& scale, Report* report);

// What submitting an ordinary plan takes more than submitting bytes that nobody reads. Needs terraform.
void BenchPlanSubmit(testing::PostgresCluster& cluster, const Scale& scale, Report* report);

// What others notice while an agent submits plans that were made to keep the broker busy.
void BenchPlanFlood(testing::PostgresCluster& cluster, const Scale& scale, Report* report);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_BENCHES_H_
