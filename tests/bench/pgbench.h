#ifndef COUNTERSIGN_TESTS_BENCH_PGBENCH_H_
#define COUNTERSIGN_TESTS_BENCH_PGBENCH_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/broker_under_load.h"

namespace countersign::bench {

struct PgbenchResult {
  int64_t lifecycles = 0;
  absl::Duration elapsed;
  absl::Duration database_time;  // Processor time of PostgreSQL.
  absl::Duration client_time;    // Processor time of pgbench.

  double Rate() const { return static_cast<double>(lifecycles) / absl::ToDoubleSeconds(elapsed); }
  void Add(const PgbenchResult& other);
};

// The five transitions of a lifecycle as a pgbench script: the broker's own statements with the parameters
// that the broker sent for one real lifecycle, so that both write the same rows of the same size. Ids differ
// per run and client, as they must. Borrows nothing of the broker but its database, which must live as long.
class Pgbench {
 public:
  // Runs a lifecycle and reads from the server's log what it sent.
  static Pgbench Capture(const BrokerUnderLoad& broker);

  // Prepared statements, a connection per client. Ends the process if a single transition did not happen.
  PgbenchResult Run(int clients, absl::Duration duration, pid_t postmaster) const;

 private:
  explicit Pgbench(const testing::MigratedDatabase& database) : database_(database) {}

  const testing::MigratedDatabase& database_;
  std::string script_;
  std::vector<std::string> definitions_;  // NAME=VALUE
};

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_PGBENCH_H_
