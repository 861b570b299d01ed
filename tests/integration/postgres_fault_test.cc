// What a connection says about a write when the network fails at every possible place, against what the
// database then holds. Acceptance 7: a commit whose answer was lost is settled, not repeated.
#include "server/postgres/connection.h"
#include "tests/integration/postgres_fixture.h"
#include "tests/support/tcp_gate.h"

namespace countersign::postgres {
namespace {

using ::countersign::testing::HasReason;
using testing::TcpGate;

constexpr Statement kStatements[] = {
    {"insert_row", "INSERT INTO t VALUES ($1::int8, $2::bytea) RETURNING id"}};
constexpr const Statement& kInsert = kStatements[0];

class FaultTest : public PostgresTest {
 protected:
  FaultTest() : gate_(cluster_.port()) {
    cluster_.Run(database_, "CREATE TABLE t (id int8 PRIMARY KEY, content bytea)");
  }

  Connection Prepared() {
    Connection connection = Connected(OptionsThrough(gate_.port()));
    EXPECT_OK(connection.Prepare(kStatements, Soon()));
    return connection;
  }
  absl::Status Insert(Connection& connection, int64_t id, std::string_view content = "x",
                      absl::Duration patience = absl::Seconds(20)) {
    return connection.Execute(kInsert, Parameters().Int64(id).Bytes(content), In(patience)).status();
  }
  bool IsThere(int64_t id) { return Count("t WHERE id = " + std::to_string(id)) == 1; }

  TcpGate gate_;
};

TEST_F(FaultTest, LostAnswerIsInDoubtAndTheRowIsThere) {
  Connection connection = Prepared();
  gate_.CutOnMarker("insert_row", TcpGate::CutPoint::kBeforeAnswer);
  const absl::Status status = Insert(connection, 1);
  EXPECT_THAT(status, HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_EQ(DeliveryOf(status), Delivery::kInDoubt);
  EXPECT_EQ(SqlstateOf(status), "");
  EXPECT_FALSE(connection.Reusable());
  EXPECT_TRUE(IsThere(1));
}

TEST_F(FaultTest, LostStatementIsInDoubtAndTheRowIsNotThere) {
  Connection connection = Prepared();
  gate_.CutOnMarker("insert_row", TcpGate::CutPoint::kBeforeForwarding);
  EXPECT_EQ(DeliveryOf(Insert(connection, 1)), Delivery::kInDoubt);
  EXPECT_FALSE(IsThere(1));
}

TEST_F(FaultTest, LostCommitIsInDoubt) {
  Connection connection = Prepared();
  ASSERT_OK(connection.Script("BEGIN", Soon()));
  ASSERT_OK(Insert(connection, 1));
  gate_.CutOnMarker("COMMIT", TcpGate::CutPoint::kBeforeAnswer);
  EXPECT_EQ(DeliveryOf(connection.Script("COMMIT", Soon())), Delivery::kInDoubt);
  EXPECT_TRUE(IsThere(1));
}

TEST_F(FaultTest, StatementThatNeverLeftWholeIsNotSent) {
  Connection connection = Prepared();
  gate_.CutAfter(TcpGate::Direction::kToServer, 1 << 20);
  const absl::Status status = Insert(connection, 1, std::string(64 << 20, 'x'));
  EXPECT_THAT(status, HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_NE(DeliveryOf(status), Delivery::kAnswered);
  EXPECT_FALSE(IsThere(1));
}

TEST_F(FaultTest, DeadlineWhileSendingIsNotSent) {
  Connection connection = Prepared();
  gate_.Delay(absl::Hours(1));  // The gate fills up, and then the sockets.
  const absl::Status status = Insert(connection, 1, std::string(64 << 20, 'x'), absl::Seconds(1));
  EXPECT_THAT(status, HasReason(v1::DATABASE_TIMEOUT));
  EXPECT_EQ(DeliveryOf(status), Delivery::kNotSent);
  EXPECT_FALSE(IsThere(1));
}

TEST_F(FaultTest, BlackHoleEndsAtTheDeadlineInDoubt) {
  Connection connection = Prepared();
  gate_.Drop();
  const absl::Time start = base::SystemClock().Now();
  const absl::Status status = Insert(connection, 1, "x", absl::Milliseconds(300));
  EXPECT_THAT(status, HasReason(v1::DATABASE_TIMEOUT));
  EXPECT_EQ(DeliveryOf(status), Delivery::kInDoubt);
  EXPECT_LT(base::SystemClock().Now() - start, absl::Seconds(5));
  EXPECT_FALSE(IsThere(1));
}

TEST_F(FaultTest, AnswerIntoABlackHoleIsInDoubtAndTheRowIsThere) {
  Connection connection = Prepared();
  gate_.Drop(TcpGate::Direction::kToClient);
  EXPECT_EQ(DeliveryOf(Insert(connection, 1, "x", absl::Milliseconds(300))), Delivery::kInDoubt);
  EXPECT_TRUE(Eventually([&] { return IsThere(1); }));
}

TEST_F(FaultTest, ConnectingThroughABlackHoleEndsAtTheTimeout) {
  gate_.Drop();
  ConnectOptions options = OptionsThrough(gate_.port());
  options.connect_timeout = absl::Milliseconds(200);
  EXPECT_THAT(Connection::Connect(options), HasReason(v1::DATABASE_UNAVAILABLE));
}

TEST_F(FaultTest, DelayedAnswersAreStillAnswers) {
  Connection connection = Prepared();
  gate_.Delay(absl::Milliseconds(50));
  EXPECT_OK(Insert(connection, 1));
  EXPECT_TRUE(IsThere(1));
}

TEST_F(FaultTest, TerminatedBackendIsInDoubt) {
  Connection connection = Prepared();
  const auto pid = connection.Query("SELECT pg_backend_pid()", {}, Soon());
  ASSERT_OK(pid);
  const std::string terminate = "SELECT pg_terminate_backend(" + std::to_string(pid->Int64(0, 0)) + ")";
  const auto result = connection.Query(terminate, {}, Soon());
  EXPECT_THAT(result, HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_EQ(DeliveryOf(result.status()), Delivery::kInDoubt);
}

// Cuts after every byte of the statement, and after every byte of the answer: OK means that the row is there,
// not sent and answered mean that it is not, in doubt may be either.
class EveryByteTest : public FaultTest, public ::testing::WithParamInterface<TcpGate::Direction> {};

TEST_P(EveryByteTest, NeverClaimsWhatIsNotTrue) {
  Connection direct = Connected();
  int in_doubt_and_there = 0;
  for (int64_t bytes = 0;; ++bytes) {
    SCOPED_TRACE(bytes);
    ASSERT_LT(bytes, 1000) << "the statement never succeeded";
    Connection connection = Prepared();
    gate_.CutAfter(GetParam(), static_cast<size_t>(bytes));
    const absl::Status status = Insert(connection, bytes);
    gate_.Pass();
    // The server may still be at it, after an answer that was lost; then it holds the row's lock.
    const auto mark =
        direct.Query("INSERT INTO t VALUES ($1::int8, 'probe') ON CONFLICT DO NOTHING RETURNING 1",
                     Parameters().Int64(bytes), Soon());
    ASSERT_OK(mark);
    const bool there = mark->empty();
    if (status.ok()) {
      EXPECT_TRUE(there);
      break;
    }
    if (DeliveryOf(status) == Delivery::kInDoubt) {
      in_doubt_and_there += there ? 1 : 0;
    } else {
      EXPECT_FALSE(there);
    }
  }
  if (GetParam() == TcpGate::Direction::kToClient) {
    EXPECT_GT(in_doubt_and_there, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(ToServer, EveryByteTest, ::testing::Values(TcpGate::Direction::kToServer));
INSTANTIATE_TEST_SUITE_P(ToClient, EveryByteTest, ::testing::Values(TcpGate::Direction::kToClient));

}  // namespace
}  // namespace countersign::postgres
