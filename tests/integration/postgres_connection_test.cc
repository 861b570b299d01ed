#include "server/postgres/connection.h"
#include "tests/integration/postgres_fixture.h"

namespace countersign::postgres {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using ConnectionTest = PostgresTest;

TEST_F(ConnectionTest, ReadsBackEveryTypeItSends) {
  Connection connection = Connected();
  const absl::Time time = absl::FromUnixMicros(1795230600123456);
  const std::vector<std::string> texts = {"", "a,b", "quote\" back\\slash", "NULL", "{}", "füß"};
  const std::vector<int64_t> numbers = {-1, 0, INT64_MAX};
  const std::vector<std::string> digests = {std::string("\0\xff\\x", 4), ""};
  const auto rows = connection.Query(
      "SELECT $1::text, $2::int8, $3::bool, $4::bytea, $5::timestamptz, (extract(epoch FROM $5::timestamptz) "
      "* 1000000)::int8,"
      " $6::text, $7::text[], ($8::int8[])[3], ($9::bytea[])[1], $10::timestamptz, 7::int2, -7::int4",
      Parameters()
          .Text("'; DROP TABLE x; --")
          .Int64(INT64_MIN)
          .Bool(true)
          .Bytes(std::string_view("\0\x01'\\\xff", 5))
          .Time(time + absl::Nanoseconds(999))
          .Null()
          .TextArray(texts)
          .Int64Array(numbers)
          .BytesArray(digests)
          .Time(absl::InfiniteFuture()),
      Soon());
  ASSERT_OK(rows) << log_.text();
  EXPECT_EQ(rows->Text(0, 0), "'; DROP TABLE x; --");
  EXPECT_EQ(rows->Int64(0, 1), INT64_MIN);
  EXPECT_TRUE(rows->Bool(0, 2));
  EXPECT_EQ(rows->Bytes(0, 3), std::string_view("\0\x01'\\\xff", 5));
  EXPECT_EQ(rows->Time(0, 4), time);
  EXPECT_EQ(rows->Time(0, 5), time);
  EXPECT_TRUE(rows->IsNull(0, 6));
  EXPECT_EQ(rows->OptionalText(0, 6), std::nullopt);
  EXPECT_EQ(rows->TextArray(0, 7), texts);
  EXPECT_EQ(rows->Int64(0, 8), INT64_MAX);
  EXPECT_EQ(rows->Bytes(0, 9), digests[0]);
  EXPECT_EQ(rows->Time(0, 10), absl::InfiniteFuture());
  EXPECT_EQ(rows->Int64(0, 11), 7);
  EXPECT_EQ(rows->Int64(0, 12), -7);
  EXPECT_OK(rows->status());
}

TEST_F(ConnectionTest, TimesBefore1970RoundDown) {
  Connection connection = Connected();
  const auto rows =
      connection.Query("SELECT $1::timestamptz", Parameters().Time(absl::FromUnixNanos(-1)), Soon());
  ASSERT_OK(rows);
  EXPECT_EQ(rows->Time(0, 0), absl::FromUnixMicros(-1));
}

TEST_F(ConnectionTest, CellsThatCannotBeReadAsAskedAreRemembered) {
  Connection connection = Connected();
  const auto query = [&] {
    return connection.Query("SELECT NULL::text AS a, 'x' AS b, 1::int8 AS c", {}, Soon());
  };
  const auto null = query();
  EXPECT_EQ(null->Text(0, 0), "");
  EXPECT_THAT(null->status(), HasReason(v1::DATA_CORRUPTED));
  EXPECT_THAT(std::string(null->status().message()), HasSubstr("column 0 (a)"));
  const auto other_type = query();
  EXPECT_EQ(other_type->Int64(0, 1), 0);
  EXPECT_THAT(other_type->status(), HasReason(v1::DATA_CORRUPTED));
  const auto no_such_row = query();
  EXPECT_EQ(no_such_row->Int64(1, 2), 0);
  EXPECT_THAT(no_such_row->status(), HasReason(v1::DATA_CORRUPTED));
  EXPECT_OK(query()->status());
}

TEST_F(ConnectionTest, SixtyFourMebibytesTravelBothWays) {
  Connection connection = Connected();
  ASSERT_OK(connection.Script("CREATE TABLE artifacts (content bytea)", Soon()));
  std::string content(64 << 20, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 2654435761u >> 24);
  const auto inserted = connection.Query("INSERT INTO artifacts VALUES ($1::bytea)",
                                         Parameters().Bytes(content), In(absl::Seconds(60)));
  ASSERT_OK(inserted) << log_.text();
  EXPECT_EQ(inserted->affected_rows(), 1);
  const auto read = connection.Query("SELECT content FROM artifacts", {}, In(absl::Seconds(60)));
  ASSERT_OK(read);
  EXPECT_TRUE(read->Bytes(0, 0) == content);
  EXPECT_FALSE(connection.Reusable())
      << "libpq keeps buffers of that size for as long as the connection lives";
}

TEST_F(ConnectionTest, TextWithANulIsRefusedInsteadOfCut) {
  Connection connection = Connected();
  const auto result =
      connection.Query("SELECT $1::text", Parameters().Text(std::string_view("a\0b", 3)), Soon());
  EXPECT_THAT(result, HasReason(v1::INTERNAL));
  EXPECT_EQ(DeliveryOf(result.status()), Delivery::kNotSent);
  EXPECT_TRUE(connection.Reusable());
}

TEST_F(ConnectionTest, ViolatedConstraintsAreNamedAndValuesAreNot) {
  Connection connection = Connected();
  ASSERT_OK(connection.Script(
      "CREATE TABLE t (id text CONSTRAINT t_one_id PRIMARY KEY); INSERT INTO t VALUES ('s3cret')", Soon()));
  const auto result =
      connection.Query("INSERT INTO t VALUES ($1::text)", Parameters().Text("s3cret"), Soon());
  ASSERT_THAT(result, HasReason(v1::INTERNAL));
  EXPECT_EQ(SqlstateOf(result.status()), kUniqueViolation);
  EXPECT_EQ(ConstraintOf(result.status()), "t_one_id");
  EXPECT_EQ(DeliveryOf(result.status()), Delivery::kAnswered);
  EXPECT_THAT(result.status().ToString(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(log_.text(), Not(HasSubstr("s3cret")));
  EXPECT_TRUE(connection.Reusable());
}

TEST_F(ConnectionTest, DriverTextGoesToTheLogOnly) {
  Connection connection = Connected();
  const auto result = connection.Query("SELECT * FROM no_such_table", {}, Soon());
  EXPECT_THAT(result, HasReason(v1::INTERNAL));
  EXPECT_THAT(result.status().ToString(), Not(HasSubstr("no_such_table")));
  EXPECT_THAT(log_.text(), HasSubstr("no_such_table"));
}

TEST_F(ConnectionTest, PreparedStatementsAreExecutedByName) {
  static constexpr Statement kStatements[] = {{"add", "SELECT $1::int8 + $2::int8"},
                                              {"one", "SELECT 1::int8"}};
  Connection connection = Connected();
  ASSERT_OK(connection.Prepare(kStatements, Soon()));
  const auto sum = connection.Execute(kStatements[0], Parameters().Int64(2).Int64(3), Soon());
  ASSERT_OK(sum);
  EXPECT_EQ(sum->Int64(0, 0), 5);
  const auto one = connection.Execute(kStatements[1], {}, Soon());
  ASSERT_OK(one);
  EXPECT_EQ(one->Int64(0, 0), 1);
}

TEST_F(ConnectionTest, ErrorsThatComeAfterTheRowsUndoThem) {
  Connection connection = Connected();
  ASSERT_OK(connection.Script(
      "CREATE TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO t VALUES (1)", Soon()));
  const auto result = connection.Query("INSERT INTO t VALUES (1) RETURNING id", {}, Soon());
  EXPECT_EQ(SqlstateOf(result.status()), kUniqueViolation);
  EXPECT_EQ(Count("t"), 1);
}

TEST_F(ConnectionTest, DeadlineEndsTheStatementOnTheServerToo) {
  Connection connection = Connected();
  const auto result = connection.Query("SELECT pg_sleep(50)", {}, In(absl::Milliseconds(100)));
  EXPECT_THAT(result, HasReason(v1::DATABASE_TIMEOUT));
  EXPECT_EQ(DeliveryOf(result.status()), Delivery::kInDoubt);
  EXPECT_FALSE(connection.Reusable());
  EXPECT_THAT(connection.Query("SELECT 1", {}, Soon()), HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_TRUE(Eventually([&] { return Count("pg_stat_activity WHERE query = 'SELECT pg_sleep(50)'") == 0; }));
}

TEST_F(ConnectionTest, NothingIsSentAfterTheDeadline) {
  Connection connection = Connected();
  const auto result = connection.Query("SELECT 1", {}, In(-absl::Milliseconds(1)));
  EXPECT_THAT(result, HasReason(v1::DATABASE_TIMEOUT));
  EXPECT_EQ(DeliveryOf(result.status()), Delivery::kNotSent);
  EXPECT_TRUE(connection.Reusable());
}

TEST_F(ConnectionTest, ServersOwnTimeoutIsAnAnswer) {
  ConnectOptions options = Options();
  options.statement_timeout = absl::Milliseconds(50);
  Connection connection = Connected(options);
  const auto result = connection.Query("SELECT pg_sleep(50)", {}, Soon());
  EXPECT_THAT(result, HasReason(v1::DATABASE_TIMEOUT));
  EXPECT_EQ(DeliveryOf(result.status()), Delivery::kAnswered);
  EXPECT_TRUE(connection.Reusable());
}

TEST_F(ConnectionTest, CommitsAreOnDiskWhenTheyAreAnswered) {
  for (const auto& [configured, used] :
       {std::pair("off", "on"), std::pair("local", "local"), std::pair("remote_apply", "remote_apply")}) {
    ConnectOptions options = Options();
    options.dsn += std::string(" options='-c synchronous_commit=") + configured + "'";
    Connection connection = Connected(options);
    const auto result = connection.Query("SHOW synchronous_commit", {}, Soon());
    ASSERT_OK(result);
    EXPECT_EQ(result->Text(0, 0), used);
  }
}

TEST_F(ConnectionTest, OpenTransactionsAreNotReusable) {
  Connection connection = Connected();
  ASSERT_OK(connection.Script("BEGIN", Soon()));
  EXPECT_TRUE(connection.InTransaction());
  EXPECT_FALSE(connection.Reusable());
  ASSERT_OK(connection.Script("COMMIT", Soon()));
  EXPECT_TRUE(connection.Reusable());
}

TEST_F(ConnectionTest, CopyIsRefusedAndClosesTheConnection) {
  Connection connection = Connected();
  EXPECT_THAT(connection.Script("COPY (SELECT 1) TO STDOUT", Soon()),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(connection.Reusable());
}

TEST_F(ConnectionTest, FailureToConnectDoesNotShowThePassword) {
  ConnectOptions options = Options();
  options.dsn = "host=127.0.0.1 port=1 user=app password=hunter2";
  EXPECT_THAT(Connection::Connect(options), HasReason(v1::DATABASE_UNAVAILABLE));
  EXPECT_THAT(log_.text(), HasSubstr("port=1"));
  options.dsn = "password hunter2";
  const auto unreadable = Connection::Connect(options);
  EXPECT_THAT(unreadable, HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(unreadable.status().ToString() + log_.text(), Not(HasSubstr("hunter2")));
}

TEST_F(ConnectionTest, SeesThatTheServerHasGoneWithoutARoundTrip) {
  Connection connection = Connected();
  EXPECT_TRUE(connection.Alive());
  cluster_.Run(database_, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                              database_ + "' AND pid <> pg_backend_pid()");
  EXPECT_TRUE(Eventually([&] { return !connection.Alive(); }));
  EXPECT_FALSE(connection.Reusable());
}

TEST_F(ConnectionTest, NotificationsArrive) {
  Connection listener = Connected();
  ASSERT_OK(listener.Script("LISTEN news", Soon()));
  cluster_.Run(database_, "NOTIFY news, 'a,b'");
  std::vector<Notification> heard;
  EXPECT_TRUE(Eventually([&] {
    EXPECT_OK(listener.WaitReadable(absl::Seconds(1)));
    heard = listener.TakeNotifications();
    return !heard.empty();
  }));
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].channel, "news");
  EXPECT_EQ(heard[0].payload, "a,b");
  EXPECT_THAT(listener.TakeNotifications(), IsEmpty());
}

}  // namespace
}  // namespace countersign::postgres
