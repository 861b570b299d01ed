#ifndef COUNTERSIGN_TESTS_BENCH_BROKER_UNDER_LOAD_H_
#define COUNTERSIGN_TESTS_BENCH_BROKER_UNDER_LOAD_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "countersign/v1/config_service.grpc.pb.h"
#include "countersign/v1/decision_service.grpc.pb.h"
#include "countersign/v1/execution_service.grpc.pb.h"
#include "countersign/v1/proposal_service.grpc.pb.h"
#include "tests/support/broker_process.h"
#include "tests/support/migrated_database.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/test_ca.h"

namespace countersign::bench {

// One connection to the broker as one principal. Thread-safe as stubs are.
struct Caller {
  explicit Caller(const std::shared_ptr<grpc::Channel>& channel);

  std::unique_ptr<v1::ProposalService::Stub> proposals;
  std::unique_ptr<v1::DecisionService::Stub> decisions;
  std::unique_ptr<v1::ExecutionService::Stub> executions;
  std::unique_ptr<v1::ConfigService::Stub> configurations;
};

// A `countersignd serve` process, the one beside this program, on a fresh database of `cluster`, with mutual
// TLS and signing as in production; only its rate limits are out of the way. It knows an agent, a human, a
// workload and the targets targets/bench-0 and on. Ends the process when it cannot be started. Borrows the
// cluster. Thread-safe after construction.
class BrokerUnderLoad {
 public:
  static constexpr int kTargets = 64;

  explicit BrokerUnderLoad(testing::PostgresCluster& cluster);
  ~BrokerUnderLoad();

  // Each call makes a connection of its own.
  Caller Agent() const { return Caller(Connect(agent_)); }
  Caller Human() const { return Caller(Connect(human_)); }
  Caller Workload() const { return Caller(Connect(workload_)); }

  pid_t pid() const { return process_.pid(); }
  const testing::MigratedDatabase& database() const { return database_; }
  // Of the database's server; its sessions are its children.
  pid_t PostmasterPid() const;

 private:
  std::shared_ptr<grpc::Channel> Connect(const testing::Certificate& certificate) const;

  testing::MigratedDatabase database_;
  testing::BrokerSite site_;
  const testing::Certificate& agent_;
  const testing::Certificate& human_;
  const testing::Certificate& workload_;
  testing::BrokerProcess process_;
};

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_BROKER_UNDER_LOAD_H_
