// The data tables are right, and a mistake in one is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/finding/access_rules.h"
#include "core/finding/attribute_values.h"
#include "core/finding/command_table.h"
#include "core/finding/embedded_data.h"
#include "core/finding/resource_types.h"
#include "core/finding/sql_text.h"
#include "core/finding/wording.h"
#include "tests/support/status_matchers.h"

namespace countersign::finding {
namespace {

using countersign::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(TablesTest, AllOfThemCanBeRead) {
  EXPECT_THAT(ResourceTypes::Parse(ResourceTypesText()), IsOk());
  EXPECT_THAT(AccessRules::Parse(AccessRulesText()), IsOk());
  EXPECT_THAT(CommandTable::Parse(CommandsText()), IsOk());
}

TEST(TablesTest, CoverTheTypesThatHoldData) {
  for (const char* type : {"aws_db_instance",
                           "aws_rds_cluster",
                           "aws_dynamodb_table",
                           "aws_elasticache_replication_group",
                           "aws_redshift_cluster",
                           "aws_docdb_cluster",
                           "aws_neptune_cluster",
                           "aws_opensearch_domain",
                           "aws_efs_file_system",
                           "aws_ebs_volume",
                           "aws_s3_bucket",
                           "aws_secretsmanager_secret",
                           "google_sql_database_instance",
                           "google_spanner_database",
                           "google_bigquery_dataset",
                           "google_bigtable_instance",
                           "google_firestore_database",
                           "google_storage_bucket",
                           "google_compute_disk",
                           "google_filestore_instance",
                           "azurerm_mssql_database",
                           "azurerm_postgresql_flexible_server",
                           "azurerm_mysql_flexible_server",
                           "azurerm_cosmosdb_account",
                           "azurerm_storage_account",
                           "azurerm_storage_container",
                           "azurerm_managed_disk",
                           "postgresql_database",
                           "kubernetes_persistent_volume_claim",
                           "kubernetes_namespace",
                           "helm_release",
                           "aws_directory_service_directory",
                           "aws_connect_instance",
                           "aws_workmail_organization",
                           "aws_healthlake_fhir_datastore",
                           "aws_kendra_index",
                           "aws_prometheus_workspace",
                           "google_secret_manager_regional_secret",
                           "google_healthcare_dicom_store",
                           "google_lustre_instance",
                           "azurerm_netapp_pool",
                           "azurerm_redis_enterprise_cluster",
                           "azurerm_private_dns_zone",
                           "azurerm_eventhub_namespace"}) {
    const ResourceType* found = ResourceTypes::Get().Find(type);
    ASSERT_NE(found, nullptr) << type;
    EXPECT_EQ(found->holds, ResourceType::Holds::kData) << type;
  }
  for (const char* type : {"aws_kms_key", "google_kms_crypto_key", "azurerm_key_vault",
                           "azurerm_dedicated_hardware_security_module"}) {
    ASSERT_NE(ResourceTypes::Get().Find(type), nullptr) << type;
    EXPECT_EQ(ResourceTypes::Get().Find(type)->holds, ResourceType::Holds::kKey) << type;
  }
  EXPECT_EQ(ResourceTypes::Get().Find("azurerm_recovery_services_vault")->holds,
            ResourceType::Holds::kBackup);
}

TEST(TablesTest, FindWhatIsWrongInTypes) {
  const auto types = [](const std::string& type) {
    return ResourceTypes::Parse("{\"types\": [" + type + "]}");
  };
  EXPECT_THAT(types(R"({"type": "a", "what": "b", "holds": "data"})"), IsOk());
  for (const char* wrong :
       {R"({"type": "a", "what": "b"})", R"({"type": "a", "what": "b", "holds": "gold"})",
        R"({"type": "a", "what": "b", "holds": "data", "colour": "red"})",
        R"({"type": "a", "what": "b", "holds": "data", "severity": "low"})",
        R"({"type": "a", "what": "b", "holds": "data", "final_snapshot": {"attribute": "c"}})",
        R"({"type": "a", "what": "b", "holds": "data", "protections": [{"attribute": "c"}]})",
        R"({"type": "a", "what": "b", "holds": "data",
            "protections": [{"attribute": "c", "scope": true, "rules": true}]})",
        R"({"type": "a", "what": "b", "holds": "data"}, {"type": "a", "what": "b", "holds": "data"})", "7"}) {
    EXPECT_THAT(types(wrong), Not(IsOk())) << wrong;
  }
  EXPECT_THAT(ResourceTypes::Parse("{"), Not(IsOk()));
  EXPECT_THAT(ResourceTypes::Parse("[]"), Not(IsOk()));
}

TEST(AccessRulesTest, KnowNetworksThatAreTooLargeToBeAnybodys) {
  for (const char* wide : {"0.0.0.0/0", "1.2.3.4/0", "0.0.0.0/00", "0.0.0.0/1", "64.0.0.0/2", "128.0.0.0/07",
                           "::/0", "0:0::0/0", "fd00::/0", "2000::/3", "2000::/12"}) {
    EXPECT_TRUE(IsWideNetwork(wide)) << wide;
  }
  for (const char* narrow : {"", "/", "0.0.0.0", "10.0.0.0/8", "192.0.2.1/32", "fc00::/7", "FD00::/8",
                             "fe80::/10", "2001:db8::/32", "10.0.0.0/-1", "10.0.0.0/1x", "10.0.0.0/ 1"}) {
    EXPECT_FALSE(IsWideNetwork(narrow)) << narrow;
  }
}

TEST(AccessRulesTest, KnowPoliciesThatAllowEverythingInOtherWords) {
  const auto verdict_of = [](const std::string& action, const std::string& resource) {
    return JudgePolicyDocument(R"({"Statement":{"Effect":"Allow","Action":)" + action + R"(,"Resource":")" +
                               resource + "\"}}");
  };
  for (const char* wide : {R"("*")", R"("?*")", R"(["x:y","**"])", R"("*:?*")", R"("IAM:*?")", R"("s3:**")",
                           R"("iam:Put*")", R"("iam:*Policy")"}) {
    EXPECT_EQ(verdict_of(wide, "?*"), PolicyVerdict::kWide) << wide;
  }
  for (const char* narrow : {R"("?")", R"("s3:Get*")", R"("iam:Get*")", R"("iam:PassRole")", R"("?:?")"}) {
    EXPECT_EQ(verdict_of(narrow, "*"), PolicyVerdict::kNarrow) << narrow;
  }
  EXPECT_EQ(verdict_of(R"("iam:Put*")", "arn:aws:iam::1:role/x"), PolicyVerdict::kNarrow);
}

TEST(TablesTest, FindWhatIsWrongInAccessRules) {
  const auto rules = [](const std::string& rule) {
    return AccessRules::Parse("{\"rules\": [" + rule + "]}");
  };
  EXPECT_THAT(rules(R"({"code": "public-bucket", "types": ["a"], "attribute": "b", "values": ["c"]})"),
              IsOk());
  for (
      const char* wrong :
      {R"({"code": "no-such", "types": ["a"], "attribute": "b", "values": ["c"]})",
       R"({"code": "public-bucket", "attribute": "b", "values": ["c"]})",
       R"({"code": "public-bucket", "types": ["a"], "attribute": "b"})",
       R"({"code": "public-bucket", "types": ["a"], "values": ["c"]})",
       R"({"code": "public-bucket", "types": ["a"], "attribute": "b", "values": ["c"], "only_when": "d"})"}) {
    EXPECT_THAT(rules(wrong), Not(IsOk())) << wrong;
  }
}

TEST(TablesTest, FindWhatIsWrongInCommands) {
  const auto program = [](const std::string& rule) {
    return CommandTable::Parse(R"({"programs": [{"names": ["a"], "rules": [)" + rule + "]}]}");
  };
  EXPECT_THAT(program(R"({"is": "reads", "words": "b c"})"), IsOk());
  for (const char* wrong : {R"({"words": "b"})", R"({"is": "nice"})", R"({"is": "destroys"})",
                            R"({"is": "reads", "options": []})", R"({"is": "reads", "words": 7})"}) {
    EXPECT_THAT(program(wrong), Not(IsOk())) << wrong;
  }
  EXPECT_THAT(CommandTable::Parse(R"({"wrappers": [{"skips": 1}]})"), Not(IsOk()));
  EXPECT_THAT(CommandTable::Parse(R"({"programs": [{"rules": []}]})"), Not(IsOk()));
}

TEST(AttributeValuesTest, LeavesIndexesOut) {
  EXPECT_EQ(WithoutIndexes("ingress[0].cidr_blocks[12]"), "ingress.cidr_blocks");
  EXPECT_EQ(WithoutIndexes("module.a[\"x.y]\\\"\"].b"), "module.a.b");
  EXPECT_EQ(WithoutIndexes("a[\"b"), "a");
}

TEST(AttributeValuesTest, LooksIntoLists) {
  v1::AttributeChange attribute;
  attribute.set_path("settings");
  attribute.set_before_json(R"([{"backup":[{"days":[7,30]},{"days":null}]}])");
  ASSERT_TRUE(TellsAbout(attribute, "settings.backup.days"));
  EXPECT_THAT(ValuesIn(attribute, "settings.backup.days", Side::kBefore).texts, ElementsAre("7", "30"));
  EXPECT_FALSE(TellsAbout(attribute, "settings_other"));
  EXPECT_FALSE(TellsAbout(attribute, "other"));
  attribute.set_before_json("[{");
  EXPECT_FALSE(ValuesIn(attribute, "settings.backup.days", Side::kBefore).known);
}

TEST(WordingTest, MatchesPatterns) {
  EXPECT_TRUE(Matches("delete-*", "delete-table"));
  EXPECT_TRUE(Matches("*-b-*", "a-b-b-c"));
  EXPECT_TRUE(Matches("*", ""));
  EXPECT_FALSE(Matches("delete-*", "undelete-table"));
  EXPECT_FALSE(Matches("a*b", "abc"));
}

TEST(WordingTest, ListsAndCounts) {
  EXPECT_EQ(ListOf({"a"}, 1), "a");
  EXPECT_EQ(ListOf({"a", "b"}, 2), "a and b");
  EXPECT_EQ(ListOf({"a", "b", "c"}, 3), "a, b and c");
  EXPECT_EQ(ListOf({"a", "b", "c"}, 9), "a, b and 7 more");
  EXPECT_EQ(CountOf(1, "resource"), "1 resource");
  EXPECT_EQ(CountOf(0, "resource"), "0 resources");
}

TEST(WordingTest, CutsBetweenCharacters) {
  EXPECT_EQ(Cut("abcdef", 6), "abcdef");
  EXPECT_EQ(Cut("abcdefg", 6), "abc...");
  EXPECT_EQ(Cut("ab\xC3\xA9xyz", 6), "ab...");
  EXPECT_EQ(OneLine("a\r\n\tb\xC2\x85\xE2\x80\xA9"
                    "c"),
            "a b c");
}

TEST(SqlTextTest, TellsReadingFromChanging) {
  EXPECT_EQ(JudgeSql("SELECT 1; select count(*) from a").does, SqlVerdict::Does::kReads);
  EXPECT_EQ(JudgeSql("insert into a values (1)").does, SqlVerdict::Does::kChanges);
  EXPECT_EQ(JudgeSql("update a set b = 1 where c = 2").does, SqlVerdict::Does::kChanges);
  EXPECT_EQ(JudgeSql("update a set b = 1").does, SqlVerdict::Does::kDestroys);
  EXPECT_EQ(JudgeSql("DO $$ begin end $$").does, SqlVerdict::Does::kOpaque);
  EXPECT_EQ(JudgeSql("with x as (delete from a returning 1) select 1").does, SqlVerdict::Does::kDestroys);
  EXPECT_EQ(JudgeSql("alter table a drop column b").what, "destroys data with DROP COLUMN");
}

}  // namespace
}  // namespace countersign::finding
