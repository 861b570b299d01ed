#ifndef COUNTERSIGN_TESTS_SUPPORT_MIGRATED_DATABASE_H_
#define COUNTERSIGN_TESTS_SUPPORT_MIGRATED_DATABASE_H_

#include <memory>
#include <string>

#include "server/base/random.h"
#include "server/postgres/pool.h"
#include "server/postgres/store.h"
#include "tests/support/postgres_cluster.h"

namespace countersign::testing {

// A fresh database with the current schema, copied from a template that is migrated once per cluster. Its
// tables belong to the role test_owner; brokers log in as test_broker, a member of countersign_server that
// owns nothing. Dropped on destruction. Borrows the cluster. Thread-safe but for its destruction.
class MigratedDatabase {
 public:
  explicit MigratedDatabase(PostgresCluster& cluster = PostgresCluster::Shared());
  ~MigratedDatabase();
  MigratedDatabase(const MigratedDatabase&) = delete;
  MigratedDatabase& operator=(const MigratedDatabase&) = delete;

  PostgresCluster& cluster() const { return cluster_; }
  const std::string& name() const { return name_; }
  std::string SuperuserDsn() const { return cluster_.Dsn(name_); }
  std::string OwnerDsn() const { return cluster_.Dsn(name_, "test_owner"); }
  std::string BrokerDsn() const { return cluster_.Dsn(name_, "test_broker"); }
  std::string BrokerDsnThrough(int gate_port) const {
    return cluster_.DsnThrough(gate_port, name_, "test_broker");
  }
  // A connection as the superuser, with no limit on its statements.
  postgres::Connection Connect() const;
  // The first cell of a query's only row, as the superuser.
  int64_t Int64(const std::string& sql) const;

 private:
  PostgresCluster& cluster_;
  const std::string name_;
};

// The store with a pool of its own, as a broker has it.
class StoreOnPostgres {
 public:
  explicit StoreOnPostgres(const std::string& dsn, size_t pool_size = 16, postgres::Log log = {});

  postgres::PostgresStore& operator*() { return store_; }
  postgres::PostgresStore* operator->() { return &store_; }
  postgres::Pool& pool() { return pool_; }

 private:
  base::SystemRandom random_;
  postgres::Pool pool_;
  postgres::PostgresStore store_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_MIGRATED_DATABASE_H_
