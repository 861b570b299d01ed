// The provider behind the real terraform, with real databases.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/postgres/connection.h"
#include "tests/provider/rows.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/subprocess.h"
#include "tests/support/terraform.h"

namespace countersign::provider {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PostgresCluster;
using testing::TerraformResult;
using testing::TerraformWorkspace;

constexpr int kChanges = 2;  // What `plan -detailed-exitcode` ends with when there are any.

MATCHER(Succeeds, "") {
  *result_listener << "exit code " << arg.exit_code << "\n" << arg.out << arg.err;
  return arg.ok();
}

// Terraform breaks lines where its box is full; `text` should be short.
MATCHER_P(FailsSaying, text, "") {
  *result_listener << "exit code " << arg.exit_code << "\n" << arg.out << arg.err;
  return !arg.ok() && arg.err.find(text) != std::string::npos;
}

std::string One(const std::string& database, const std::string& sql) {
  auto connection = postgres::Connection::Connect({.dsn = PostgresCluster::Shared().Dsn(database)});
  if (!connection.ok()) return "no connection";
  const auto result = connection->Query(sql, {}, absl::InfiniteFuture());
  return result.ok() && result->rows() == 1 ? std::string(result->Text(0, 0)) : "no single row";
}

bool DatabaseExists(const std::string& name) {
  return One("postgres",
             absl::StrCat("SELECT count(*)::text FROM pg_database WHERE datname = '", name, "'")) == "1";
}

std::vector<std::string> FilesIn(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, missing)) {
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(directory));
  }
  return names;
}

// A database called `name`, with further attributes.
std::string Database(const std::string& name, const std::string& attributes) {
  return absl::StrCat("resource \"aws_db_instance\" \"", name, "\" {\n  identifier = \"", name,
                      "\"\n  engine = \"postgres\"\n", attributes, "\n}\n");
}

class ProviderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::FindTerraform().has_value()) GTEST_SKIP() << testing::kNoTerraform;
    terraform_.emplace(testing::TerraformWorkspaceOptions{.endpoint = PostgresCluster::Shared().Dsn()});
  }

  TerraformResult Apply(const std::string& configuration) {
    terraform_->WriteFile("main.tf", configuration);
    const TerraformResult initialized = terraform_->Init();
    return initialized.ok() ? terraform_->Apply() : initialized;
  }

  std::optional<TerraformWorkspace> terraform_;
};

TEST_F(ProviderTest, ApplyCreatesADatabaseAndDestroyDropsItWithItsAutomatedBackups) {
  ASSERT_THAT(Apply(Database("incident", "skip_final_snapshot = true\n backup_retention_period = 7")),
              Succeeds());
  EXPECT_TRUE(DatabaseExists("incident"));
  EXPECT_THAT(FilesIn(terraform_->backups()), ElementsAre("automated/incident/first.sql"));

  EXPECT_THAT(terraform_->Destroy(), Succeeds());
  EXPECT_FALSE(DatabaseExists("incident"));
  EXPECT_THAT(FilesIn(terraform_->backups()), IsEmpty());
}

TEST_F(ProviderTest, AutomatedBackupsStayWhereTheirDeletionIsTurnedOff) {
  ASSERT_THAT(Apply(Database("kept",
                             "skip_final_snapshot = true\n backup_retention_period = 7\n"
                             "delete_automated_backups = false")),
              Succeeds());
  EXPECT_THAT(terraform_->Destroy(), Succeeds());
  EXPECT_FALSE(DatabaseExists("kept"));
  EXPECT_THAT(FilesIn(terraform_->backups()), ElementsAre("automated/kept/first.sql"));
}

TEST_F(ProviderTest, AFinalSnapshotHoldsTheRowsAndOutlivesTheDatabase) {
  ASSERT_THAT(Apply(Database("students", "final_snapshot_identifier = \"last\"")), Succeeds());
  PostgresCluster::Shared().Run("students",
                                "CREATE TABLE answers (text text); INSERT INTO answers VALUES ('forty-two')");
  EXPECT_THAT(terraform_->Destroy(), Succeeds());
  EXPECT_FALSE(DatabaseExists("students"));
  EXPECT_THAT(testing::ReadFile(terraform_->backups() / "manual/last.sql"),
              AllOf(HasSubstr("CREATE TABLE public.answers"), HasSubstr("forty-two")));
}

TEST_F(ProviderTest, WithoutAFinalSnapshotOrAWordThatNoneIsWantedNothingIsDeleted) {
  ASSERT_THAT(Apply(Database("undecided", "")), Succeeds());
  EXPECT_THAT(terraform_->Destroy(), FailsSaying("final_snapshot_identifier is required"));
  EXPECT_TRUE(DatabaseExists("undecided"));
}

TEST_F(ProviderTest, WhatIsProtectedIsNotDeletedUntilProtectionIsTakenOff) {
  const std::string database = "skip_final_snapshot = true\n deletion_protection = ";
  ASSERT_THAT(Apply(Database("guarded", database + "true")), Succeeds());
  EXPECT_THAT(terraform_->Destroy(), FailsSaying("deletion_protection is on"));
  EXPECT_TRUE(DatabaseExists("guarded"));

  ASSERT_THAT(Apply(Database("guarded", database + "false")), Succeeds());
  EXPECT_THAT(terraform_->Destroy(), Succeeds());
  EXPECT_FALSE(DatabaseExists("guarded"));
}

TEST_F(ProviderTest, ASnapshotIsABackupThatGoesWithItsResource) {
  const std::string snapshot = R"(
resource "aws_db_snapshot" "nightly" {
  db_instance_identifier = aws_db_instance.source.identifier
  db_snapshot_identifier = "nightly"
}
)";
  const std::string source = Database("source", "skip_final_snapshot = true");
  ASSERT_THAT(Apply(source + snapshot), Succeeds());
  EXPECT_THAT(FilesIn(terraform_->backups()), ElementsAre("manual/nightly.sql"));
  ASSERT_THAT(Apply(source), Succeeds());
  EXPECT_THAT(FilesIn(terraform_->backups()), IsEmpty());
}

TEST_F(ProviderTest, ASecondPlanHasNoChanges) {
  ASSERT_THAT(Apply(Database("stable",
                             "skip_final_snapshot = true\n password = \"secret\"\n"
                             "allocated_storage = 123456789012345678901234567890")),
              Succeeds());
  EXPECT_THAT(terraform_->Plan("again", {"-detailed-exitcode"}), Succeeds());
}

TEST_F(ProviderTest, AnUpdateLeavesTheDatabaseInPlace) {
  ASSERT_THAT(Apply(Database("grown", "skip_final_snapshot = true\n allocated_storage = 1")), Succeeds());
  PostgresCluster::Shared().Run("grown", "CREATE TABLE kept ()");
  ASSERT_THAT(Apply(Database("grown", "skip_final_snapshot = true\n allocated_storage = 2")), Succeeds());
  EXPECT_EQ(One("grown", "SELECT count(*)::text FROM pg_tables WHERE tablename = 'kept'"), "1");
}

TEST_F(ProviderTest, ADatabaseThatSomebodyDroppedIsDrift) {
  ASSERT_THAT(Apply(Database("dropped", "skip_final_snapshot = true")), Succeeds());
  PostgresCluster::Shared().DropDatabase("dropped");
  const TerraformResult planned = terraform_->Plan("repair", {"-detailed-exitcode"});
  EXPECT_EQ(planned.exit_code, kChanges);
  EXPECT_THAT(planned.out, HasSubstr("aws_db_instance.dropped will be created"));
}

TEST_F(ProviderTest, AReplacementThatFailsHalfWayLeavesADeposedObject) {
  const auto database = [](const std::string& identifier) {
    return absl::StrCat("resource \"aws_db_instance\" \"a\" {\n identifier = \"", identifier,
                        "\"\n engine = \"postgres\"\n skip_final_snapshot = true\n deletion_protection = ",
                        identifier == "old" ? "true" : "false",
                        "\n lifecycle {\n create_before_destroy = true\n }\n}\n");
  };
  ASSERT_THAT(Apply(database("old")), Succeeds());
  EXPECT_THAT(Apply(database("new")), FailsSaying("deletion_protection is on"));
  EXPECT_TRUE(DatabaseExists("old"));
  EXPECT_TRUE(DatabaseExists("new"));
  const auto state = nlohmann::json::parse(terraform_->StatePull().out);
  EXPECT_TRUE(state["resources"][0]["instances"][1].contains("deposed"));
}

TEST_F(ProviderTest, WhatExistsIsImportedById) {
  ASSERT_THAT(Apply(Database("imported", "skip_final_snapshot = true")), Succeeds());
  ASSERT_THAT(terraform_->Run({"state", "rm", "aws_db_instance.imported"}), Succeeds());
  EXPECT_THAT(terraform_->Run({"import", "-input=false", "aws_db_instance.imported", "none"}),
              FailsSaying("non-existent remote object"));
  EXPECT_THAT(terraform_->Run({"import", "-input=false", "aws_db_instance.imported", "imported"}),
              Succeeds());
  EXPECT_THAT(terraform_->Plan("same", {"-detailed-exitcode"}), Succeeds());
}

TEST_F(ProviderTest, ABucketThatIsNotEmptyIsOnlyDeletedByForce) {
  const auto bucket = [](const std::string& force) {
    return absl::StrCat("resource \"aws_s3_bucket\" \"a\" {\n bucket = \"full\"\n force_destroy = ", force,
                        "\n}\n");
  };
  ASSERT_THAT(Apply(bucket("false")), Succeeds());
  std::filesystem::create_directories(terraform_->rows() / "objects/full");
  std::ofstream(terraform_->rows() / "objects/full/photo") << "bytes";
  EXPECT_THAT(terraform_->Destroy(), FailsSaying("it is not empty"));
  ASSERT_THAT(Apply(bucket("true")), Succeeds());
  EXPECT_THAT(terraform_->Destroy(), Succeeds());
  EXPECT_THAT(FilesIn(terraform_->rows() / "objects"), IsEmpty());
}

TEST_F(ProviderTest, TheConfigurationSaysWhereThingsAre) {
  const std::string directory = terraform_->path() / "elsewhere";
  const std::string provider =
      absl::StrCat("provider \"aws\" {\n region = \"mars-1\"\n directory = \"", directory,
                   "\"\n backups_directory = \"", directory, "/b\"\n endpoint = \"host=/none\"\n}\n");
  EXPECT_THAT(Apply(provider + Database("nowhere", "skip_final_snapshot = true")), FailsSaying("/none"));
  EXPECT_FALSE(DatabaseExists("nowhere"));
  ASSERT_THAT(
      Apply(provider + "resource \"aws_kms_key\" \"k\" {}\noutput \"arn\" { value = aws_kms_key.k.arn }\n"),
      Succeeds());
  EXPECT_THAT(FilesIn(directory + "/aws_kms_key"), ElementsAre("key-0000000000000001.json"));
  EXPECT_THAT(terraform_->Run({"output", "arn"}).out, HasSubstr(":mars-1:"));
}

TEST_F(ProviderTest, WithoutAPlaceToKeepThingsItSaysWhatToDo) {
  terraform_->WriteFile("main.tf", "resource \"aws_kms_key\" \"k\" {}\n");
  ASSERT_THAT(terraform_->Init(), Succeeds());
  EXPECT_THAT(terraform_->Run({"plan", "-input=false"}, {{"AWS_DATA_DIRECTORY", ""}}),
              FailsSaying("AWS_DATA_DIRECTORY"));
}

TEST(ProviderProgramTest, IsNotForPeople) {
  const testing::Completed run = testing::RunToEnd({.argv = {COUNTERSIGN_PROVIDER}});
  EXPECT_EQ(run.exit.code, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("Terraform starts it"));
}

// A terraform that is killed cannot tell its plugins to stop.
TEST(ProviderProgramTest, DoesNotOutliveWhoStartedIt) {
  testing::Subprocess shell(
      {.argv = {"sh", "-c", absl::StrCat("'", COUNTERSIGN_PROVIDER, "' & echo pid $!; wait")},
       .environment = {
           {"TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"}}});
  ASSERT_TRUE(shell.WaitForOutput("|grpc|\n", absl::Seconds(30)));
  shell.Signal(SIGKILL);
  // Its end closes the pipe, which is what Wait() waits for, but not for ever.
  ASSERT_TRUE(shell.Wait(absl::Seconds(30)).has_value());
  const std::string pid = shell.Stdout().substr(4, shell.Stdout().find('\n') - 4);
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, std::stoi(pid), 0));
  if (pidfd < 0) return;  // It has ended already.
  pollfd end = {pidfd, POLLIN, 0};
  EXPECT_EQ(poll(&end, 1, 30'000), 1);
  close(pidfd);
}

TEST(RowsTest, AnIdBecomesAFileNameThatStaysInItsDirectory) {
  EXPECT_EQ(FileName("db-1.prod_A"), "db-1.prod_A");
  EXPECT_EQ(FileName("../a b/\xc3\xa4"), "%2e.%2fa%20b%2f%c3%a4");
}

TEST(RowsTest, AnIdIsGivenOutOnce) {
  const testing::TemporaryDirectory directory;
  EXPECT_EQ(*Rows(directory.path()).NextId("vpc-"), "vpc-0000000000000001");
  EXPECT_EQ(*Rows(directory.path()).NextId("vpc-"), "vpc-0000000000000002");
  EXPECT_EQ(*Rows(directory.path()).NextId("sg-"), "sg-0000000000000001");
}

}  // namespace
}  // namespace countersign::provider
