#include <filesystem>
#include <set>
#include <thread>

#include "server/postgres/migrate.h"
#include "tests/integration/postgres_fixture.h"

namespace countersign::postgres {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOkAndHolds;
using ::countersign::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Kind = SchemaState::Kind;

std::vector<Migration> TwoSteps() {
  return {{.version = "0001", .name = "0001_first.sql", .sql_up = "CREATE TABLE first (id int);"},
          {.version = "0002",
           .name = "0002_second.sql",
           .sql_up = "CREATE TABLE second (id int); INSERT INTO first VALUES (1);"}};
}

class MigrateTest : public PostgresTest {
 protected:
  absl::StatusOr<std::vector<std::string>> Run(const std::vector<Migration>& migrations) {
    Connection connection = Connected();
    return Migrate(connection, migrations, log_.log(), Soon());
  }
  SchemaState Check(const std::vector<Migration>& migrations) {
    Connection connection = Connected();
    const auto state = CheckSchema(connection, migrations, Soon());
    EXPECT_OK(state);
    return state.ok() ? *state : SchemaState();
  }
};

TEST(CheckServerVersionTest, RefusesWhatIsOlderThanPostgreSql13) {
  for (const int version : {130000, 130014, 150004, 180001})
    EXPECT_OK(CheckServerVersion(version)) << version;
  for (const int version : {90624, 120022, 129999}) {
    EXPECT_THAT(CheckServerVersion(version), StatusIs(absl::StatusCode::kUnimplemented)) << version;
  }
  EXPECT_THAT(std::string(CheckServerVersion(120022).message()),
              HasSubstr("is PostgreSQL 12, which is too old; use PostgreSQL 13 or newer"));
}

TEST(ParseMigrationTest, TakesWhatStandsBetweenUpAndDown) {
  const auto migration =
      ParseMigration("0042_add_it.sql", "-- why\n--migrate:up\nSELECT 1;\n\n-- migrate:down\nSELECT 2;\n");
  ASSERT_OK(migration);
  EXPECT_EQ(migration->version, "0042");
  EXPECT_EQ(migration->sql_up, "SELECT 1;\n\n");
  EXPECT_TRUE(migration->transaction);
  EXPECT_FALSE(ParseMigration("1_x.sql", "-- migrate:up transaction:false\nSELECT 1")->transaction);
}

TEST(ParseMigrationTest, RefusesOtherFormats) {
  EXPECT_THAT(ParseMigration("0001_x.sql", "SELECT 1;"), StatusIs(absl::StatusCode::kInvalidArgument));
  for (const char* name : {"x.sql", "_x.sql", "0001.sql", "0001", "v1_x.sql"}) {
    EXPECT_THAT(ParseMigration(name, "-- migrate:up\n"), StatusIs(absl::StatusCode::kInvalidArgument))
        << name;
  }
}

TEST(EmbeddedMigrationsTest, AreTheFilesOfTheFolderInOrder) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(COUNTERSIGN_MIGRATIONS_DIRECTORY)) {
    if (entry.path().extension() == ".sql") files.insert(entry.path().filename());
  }
  std::vector<std::string> embedded;
  for (const Migration& migration : EmbeddedMigrations()) embedded.push_back(migration.name);
  EXPECT_EQ(embedded, std::vector<std::string>(files.begin(), files.end()));
}

TEST_F(MigrateTest, EmbeddedMigrationsApplyToAnEmptyDatabase) {
  ASSERT_OK(Run(EmbeddedMigrations())) << log_.text();
  EXPECT_EQ(Check(EmbeddedMigrations()).kind, Kind::kCurrent);
}

TEST_F(MigrateTest, AppliesWhatIsMissingAndNothingTwice) {
  const std::vector<Migration> steps = TwoSteps();
  EXPECT_EQ(Check(steps).kind, Kind::kBehind);
  EXPECT_THAT(Run({steps[0]}), IsOkAndHolds(ElementsAre("0001")));
  const SchemaState behind = Check(steps);
  EXPECT_EQ(behind.kind, Kind::kBehind);
  EXPECT_THAT(behind.missing, ElementsAre("0002"));
  EXPECT_THAT(Run(steps), IsOkAndHolds(ElementsAre("0002")));
  EXPECT_THAT(Run(steps), IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(Check(steps).kind, Kind::kCurrent);
  EXPECT_EQ(Count("first"), 1);
}

TEST_F(MigrateTest, GoesOnWhereDbmateLeftOff) {
  const std::vector<Migration> steps = TwoSteps();
  cluster_.Run(database_, "CREATE TABLE public.schema_migrations (version varchar(128) PRIMARY KEY);" +
                              steps[0].sql_up + "INSERT INTO schema_migrations VALUES ('0001')");
  EXPECT_THAT(Run(steps), IsOkAndHolds(ElementsAre("0002")));
}

TEST_F(MigrateTest, TwoAtOnceApplyEverythingOnce) {
  std::vector<Migration> steps = TwoSteps();
  steps[0].sql_up += "SELECT pg_sleep(0.5);";
  std::vector<size_t> applied(4);
  std::vector<std::thread> threads;
  for (size_t& count : applied) {
    threads.emplace_back([&] {
      const auto result = Run(steps);
      EXPECT_OK(result) << log_.text();
      if (result.ok()) count = result->size();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(applied, ::testing::UnorderedElementsAre(2, 0, 0, 0));
  EXPECT_THAT(log_.text(), HasSubstr("another migration of this database is running"));
  EXPECT_EQ(Count("first"), 1);
}

TEST_F(MigrateTest, SchemaOfANewerProgramIsRefused) {
  const std::vector<Migration> steps = TwoSteps();
  ASSERT_OK(Run(steps));
  const std::vector<Migration> older = {steps[0]};
  const SchemaState state = Check(older);
  EXPECT_EQ(state.kind, Kind::kUnknownNewer);
  EXPECT_THAT(state.unknown, ElementsAre("0002"));
  EXPECT_THAT(Run(older), HasReason(v1::WRONG_STATE));
}

TEST_F(MigrateTest, StepThatWasPassedOverIsRefused) {
  const std::vector<Migration> steps = TwoSteps();
  ASSERT_OK(Run({steps[0]}));
  std::vector<Migration> more = steps;
  more.insert(more.begin(), {.version = "0000", .name = "0000_late.sql", .sql_up = "SELECT 1"});
  EXPECT_THAT(Run(more), HasReason(v1::WRONG_STATE));
}

TEST_F(MigrateTest, FailedStepLeavesNothingAndTheStepsBeforeItStay) {
  std::vector<Migration> steps = TwoSteps();
  steps[1].sql_up += "SELECT 1/0;";
  EXPECT_THAT(Run(steps), HasReason(v1::INTERNAL));
  EXPECT_THAT(log_.text(), HasSubstr("division by zero"));
  EXPECT_THAT(Check(steps).missing, ElementsAre("0002"));
  EXPECT_EQ(Count("pg_class WHERE relname = 'second'"), 0);
  EXPECT_THAT(Run(TwoSteps()), IsOkAndHolds(ElementsAre("0002")));
}

TEST_F(MigrateTest, StepThatEndsItsOwnTransactionIsRefused) {
  std::vector<Migration> steps = TwoSteps();
  steps[0].sql_up += "COMMIT;";
  EXPECT_THAT(Run({steps[0]}), HasReason(v1::INTERNAL));
  EXPECT_EQ(Count("schema_migrations"), 0);
}

TEST_F(MigrateTest, ConcurrentIndexesAreBuiltOutsideATransaction) {
  std::vector<Migration> steps = TwoSteps();
  steps.push_back({.version = "0003",
                   .name = "0003_index.sql",
                   .sql_up = "CREATE INDEX CONCURRENTLY IF NOT EXISTS first_id ON first (id)",
                   .transaction = false});
  std::vector<std::thread> threads;  // One waits for the lock while the other builds.
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { EXPECT_OK(Run(steps)) << log_.text(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Check(steps).kind, Kind::kCurrent);
}

}  // namespace
}  // namespace countersign::postgres
