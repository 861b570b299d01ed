#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "server/postgres/pool.h"
#include "tests/integration/postgres_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/tcp_gate.h"

namespace countersign::postgres {
namespace {

using ::countersign::testing::HasReason;
using testing::TcpGate;

constexpr Statement kOne = {"one", "SELECT 1::int8"};
constexpr Statement kInsert = {"insert_row", "INSERT INTO t VALUES ($1::int8)"};

class PoolTest : public PostgresTest {
 protected:
  PoolTest() : gate_(cluster_.port()) { cluster_.Run(database_, "CREATE TABLE t (id int8 PRIMARY KEY)"); }

  PoolOptions Sized(size_t size) {
    PoolOptions options;
    options.connect = OptionsThrough(gate_.port());
    options.size = size;
    options.statements = {kOne, kInsert};
    return options;
  }
  static absl::Status Use(Pool& pool, absl::Duration patience = absl::Seconds(20)) {
    const absl::Time deadline = In(patience);
    auto lease = pool.Acquire(deadline);
    if (!lease.ok()) return lease.status();
    return (*lease)->Execute(kOne, {}, deadline).status();
  }

  TcpGate gate_;
  testing::FakeRandom random_;
};

TEST_F(PoolTest, ConnectsWhenFirstNeededAndThenReuses) {
  Pool pool(Sized(4), &random_);
  EXPECT_EQ(pool.statistics().connected, 0u);
  for (int i = 0; i < 10; ++i) ASSERT_OK(Use(pool));
  const PoolStatistics statistics = pool.statistics();
  EXPECT_EQ(statistics.connected, 1u);
  EXPECT_EQ(statistics.idle, 1u);
  EXPECT_EQ(statistics.in_use, 0u);
  EXPECT_EQ(statistics.size, 4u);
}

TEST_F(PoolTest, WaitingCountsAgainstTheDeadline) {
  Pool pool(Sized(1), &random_);
  const auto lease = pool.Acquire(Soon());
  ASSERT_OK(lease);
  const auto second = pool.Acquire(In(absl::Milliseconds(100)));
  EXPECT_THAT(second, HasReason(v1::OVERLOADED));
  EXPECT_EQ(DeliveryOf(second.status()), Delivery::kNotSent);
  EXPECT_EQ(pool.statistics().waiting, 0u);
}

TEST_F(PoolTest, FirstComeFirstServed) {
  Pool pool(Sized(1), &random_);
  auto held = std::make_optional(*pool.Acquire(Soon()));
  base::Mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&, i] {
      const auto lease = pool.Acquire(Soon());
      ASSERT_OK(lease);
      base::MutexLock lock(&mutex);
      order.push_back(i);
    });
    ASSERT_TRUE(Eventually([&] { return pool.statistics().waiting == static_cast<size_t>(i) + 1; }));
  }
  held.reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(PoolTest, ConnectionLeftInsideATransactionIsNotKept) {
  Pool pool(Sized(1), &random_);
  {
    auto lease = pool.Acquire(Soon());
    ASSERT_OK(lease);
    ASSERT_OK((*lease)->Script("BEGIN; INSERT INTO t VALUES (1)", Soon()));
  }
  EXPECT_EQ(pool.statistics().idle, 0u);
  ASSERT_OK(Use(pool));
  EXPECT_EQ(Count("t"), 0);
}

TEST_F(PoolTest, RestartOfTheServerCostsTheNextCallersNothing) {
  Pool pool(Sized(3), &random_);
  {
    const auto a = pool.Acquire(Soon());
    const auto b = pool.Acquire(Soon());
    const auto c = pool.Acquire(Soon());
    ASSERT_OK(c);
  }
  ASSERT_EQ(pool.statistics().idle, 3u);
  cluster_.Restart();
  for (int i = 0; i < 5; ++i) EXPECT_OK(Use(pool)) << log_.text();
  cluster_.Kill9();
  cluster_.Start();
  for (int i = 0; i < 5; ++i) EXPECT_OK(Use(pool)) << log_.text();
}

TEST_F(PoolTest, CallersOfADatabaseThatIsDownAreToldSoonAndWhenToComeBack) {
  gate_.Refuse(true);
  PoolOptions options = Sized(2);
  options.outage_patience = absl::Milliseconds(200);
  Pool pool(std::move(options), &random_);
  const absl::Time start = base::SystemClock().Now();
  const absl::Status status = Use(pool, absl::Seconds(60));
  EXPECT_THAT(status, HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_TRUE(error::RetryDelayOf(status).has_value());
  EXPECT_LT(base::SystemClock().Now() - start, absl::Seconds(5));
  EXPECT_EQ(pool.statistics().in_use, 0u);
  gate_.Refuse(false);
  EXPECT_TRUE(Eventually([&] { return Use(pool).ok(); }));
}

TEST_F(PoolTest, CallerWithTimeLeftRidesOutAShortOutage) {
  gate_.Refuse(true);
  PoolOptions options = Sized(2);
  options.outage_patience = absl::Seconds(20);
  Pool pool(std::move(options), &random_);
  absl::Status status;
  std::thread caller([&] { status = Use(pool); });
  EXPECT_TRUE(Eventually([&] { return pool.statistics().connect_failures >= 3; }));
  gate_.Refuse(false);
  caller.join();
  EXPECT_OK(status);
}

TEST_F(PoolTest, OnlyOneCallerAtATimeTriesADatabaseThatIsDown) {
  gate_.Refuse(true);
  PoolOptions options = Sized(8);
  options.outage_patience = absl::Milliseconds(500);
  options.backoff = {.first = absl::Milliseconds(100), .cap = absl::Milliseconds(100)};
  Pool pool(std::move(options), &random_);
  EXPECT_FALSE(Use(pool).ok());  // From here on it is known to be down.
  const int before = gate_.counters().accepted;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_FALSE(Use(pool).ok()); });
  for (std::thread& thread : threads) thread.join();
  // 500 ms in steps of at least 50 ms.
  EXPECT_LE(gate_.counters().accepted - before, 11);
}

TEST_F(PoolTest, ShortDeadlineOfOneCallerIsNotAnOutageForTheOthers) {
  Pool pool(Sized(2), &random_);
  gate_.Drop();
  EXPECT_FALSE(Use(pool, absl::Milliseconds(50)).ok());
  gate_.Pass();
  EXPECT_OK(Use(pool));
}

TEST_F(PoolTest, StatementsThatCannotBePreparedAreNotAnOutage) {
  PoolOptions options = Sized(1);
  options.statements.push_back({"wrong", "SELECT no_such_column FROM t"});
  Pool pool(std::move(options), &random_);
  EXPECT_THAT(pool.Acquire(Soon()), HasReason(v1::INTERNAL));
}

// Many callers, few connections, and a network that keeps breaking: every insert that was acknowledged is
// there, none that certainly failed is, and the pool is whole afterwards.
TEST_F(PoolTest, AcknowledgedWritesSurviveANetworkThatKeepsBreaking) {
  Pool pool(Sized(4), &random_);
  constexpr int kCallers = 8;
  constexpr int kWrites = 60;
  base::Mutex mutex;
  std::vector<int64_t> acknowledged;
  std::vector<int64_t> failed;
  std::atomic<int> running = kCallers;
  std::vector<std::thread> threads;
  for (int caller = 0; caller < kCallers; ++caller) {
    threads.emplace_back([&, caller] {
      for (int64_t i = 0; i < kWrites; ++i) {
        const int64_t id = caller * 1000 + i;
        const absl::Time deadline = Soon();
        auto lease = pool.Acquire(deadline);
        if (!lease.ok()) continue;
        const absl::Status status = (*lease)->Execute(kInsert, Parameters().Int64(id), deadline).status();
        base::MutexLock lock(&mutex);
        if (status.ok()) acknowledged.push_back(id);
        if (!status.ok() && DeliveryOf(status) != Delivery::kInDoubt) failed.push_back(id);
      }
      running.fetch_sub(1);
    });
  }
  const auto writes = [&] {
    base::MutexLock lock(&mutex);
    return acknowledged.size();
  };
  for (int cut = 0; running > 0; ++cut) {
    if (cut % 3 == 0) gate_.CutOnMarker("insert_row", TcpGate::CutPoint::kBeforeAnswer);
    if (cut % 3 == 1) gate_.CutAfter(TcpGate::Direction::kToClient, 300);
    if (cut % 3 == 2) gate_.CutAll();
    // Not so often that nothing could ever succeed.
    const size_t before = writes();
    EXPECT_TRUE(Eventually([&] { return writes() >= before + 3 || running == 0; }));
  }
  for (std::thread& thread : threads) thread.join();
  gate_.Pass();
  EXPECT_FALSE(acknowledged.empty());
  EXPECT_GT(gate_.counters().cuts, 0);
  for (const int64_t id : acknowledged) EXPECT_EQ(Count("t WHERE id = " + std::to_string(id)), 1) << id;
  for (const int64_t id : failed) EXPECT_EQ(Count("t WHERE id = " + std::to_string(id)), 0) << id;
  EXPECT_EQ(pool.statistics().in_use, 0u);
  EXPECT_TRUE(Eventually([&] { return Use(pool).ok(); }));
}

}  // namespace
}  // namespace countersign::postgres
