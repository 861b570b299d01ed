#ifndef COUNTERSIGN_TESTS_INTEGRATION_POSTGRES_FIXTURE_H_
#define COUNTERSIGN_TESTS_INTEGRATION_POSTGRES_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/postgres/connection.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/status_matchers.h"

namespace countersign::postgres {

inline absl::Time In(absl::Duration time) { return base::SystemClock().Now() + time; }
inline absl::Time Soon() { return In(absl::Seconds(20)); }

// Waits until something that another thread or process does has come true.
template <typename Condition>
bool Eventually(Condition condition, absl::Duration patience = absl::Seconds(20)) {
  base::Mutex mutex;
  base::CondVar never;
  const absl::Time deadline = In(patience);
  while (!condition()) {
    if (base::SystemClock().Now() >= deadline) return false;
    base::MutexLock lock(&mutex);
    never.WaitUntil(&mutex, std::chrono::steady_clock::now() + std::chrono::milliseconds(5));
  }
  return true;
}

// What was logged, from any thread.
class LogBook {
 public:
  Log log() {
    return [this](std::string_view text) {
      base::MutexLock lock(&mutex_);
      text_ += text;
      text_ += '\n';
    };
  }
  std::string text() {
    base::MutexLock lock(&mutex_);
    return text_;
  }

 private:
  base::Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

// A fresh database on the process's cluster.
class PostgresTest : public ::testing::Test {
 protected:
  PostgresTest() : cluster_(testing::PostgresCluster::Shared()), database_(cluster_.CreateDatabase()) {}
  ~PostgresTest() override { cluster_.DropDatabase(database_); }

  ConnectOptions Options() {
    ConnectOptions options;
    options.dsn = cluster_.Dsn(database_);
    options.log = log_.log();
    return options;
  }
  ConnectOptions OptionsThrough(int gate_port) {
    ConnectOptions options = Options();
    options.dsn = cluster_.DsnThrough(gate_port, database_);
    return options;
  }
  Connection Connected(const ConnectOptions& options) {
    auto connection = Connection::Connect(options);
    EXPECT_OK(connection) << log_.text();
    return *std::move(connection);
  }
  Connection Connected() { return Connected(Options()); }
  int64_t Count(const std::string& from_where) {
    Connection connection = Connected();
    const auto rows = connection.Query("SELECT count(*) FROM " + from_where, {}, Soon());
    EXPECT_OK(rows) << log_.text();
    return rows.ok() ? rows->Int64(0, 0) : -1;
  }

  LogBook log_;
  testing::PostgresCluster& cluster_;
  const std::string database_;
};

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_TESTS_INTEGRATION_POSTGRES_FIXTURE_H_
