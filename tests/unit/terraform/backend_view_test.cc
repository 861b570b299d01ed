#include "core/terraform/backend_view.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/digest/digest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/terraform/plan_builder.h"

namespace countersign::terraform {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOk;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

absl::StatusOr<v1::Backend> TryShow(const std::string& type, const json& settings) {
  plan_file::Backend backend;
  backend.set_type(type);
  backend.set_workspace("default");
  backend.mutable_config()->set_msgpack(countersign::testing::Encode(settings));
  KnownSecrets secrets;
  return ShowBackend(backend, SaltedDigest("0123456789abcdef"), Limits(), &secrets);
}

v1::Backend Show(const std::string& type, const json& settings) {
  const auto shown = TryShow(type, settings);
  EXPECT_THAT(shown, IsOk());
  return *shown;
}

TEST(BackendViewTest, ShowsWhereTheStateIs) {
  const v1::Backend shown = Show("s3", {{"bucket", "states"},
                                        {"key", "prod/terraform.tfstate"},
                                        {"region", "eu-west-1"},
                                        {"encrypt", true},
                                        {"access_key", "AKIA"},
                                        {"secret_key", "hunter2"},
                                        {"token", nullptr},
                                        {"assume_role", {{"role_arn", "x"}}}});
  EXPECT_THAT(shown.settings(),
              UnorderedElementsAre(Pair("bucket", "\"states\""), Pair("key", "\"prod/terraform.tfstate\""),
                                   Pair("region", "\"eu-west-1\""), Pair("encrypt", "true")));
  EXPECT_THAT(shown.masked_settings(), ElementsAre("access_key", "assume_role", "secret_key"));
  EXPECT_TRUE(digest::IsSha256(shown.settings_digest()));
}

TEST(BackendViewTest, TakesAKeyForANameOnlyWhereItIsOne) {
  EXPECT_THAT(Show("azurerm", {{"key", "a"}}).masked_settings(), IsEmpty());
  EXPECT_THAT(Show("artifactory", {{"key", "a"}}).masked_settings(), ElementsAre("key"));
}

TEST(BackendViewTest, HidesUrlsThatCarryMoreThanAPlace) {
  EXPECT_THAT(Show("http", {{"address", "https://states.example.com/prod"}}).masked_settings(), IsEmpty());
  for (const char* const url : {"https://user:hunter2@example.com/", "https://user@example.com/",
                                "https://example.com/?token=hunter2", "password=hunter2 host=db"}) {
    EXPECT_THAT(Show("http", {{"address", url}}).masked_settings(), ElementsAre("address")) << url;
  }
  EXPECT_THAT(Show("pg", {{"conn_str", "postgres://db/x"}, {"schema_name", "s"}}).masked_settings(),
              ElementsAre("conn_str"));
  EXPECT_THAT(Show("remote", {{"workspaces", {{{"name", "x"}, {"token", "y"}}}}}).masked_settings(),
              ElementsAre("workspaces"));
}

TEST(BackendViewTest, DigestsAllSettings) {
  const std::string digest = Show("pg", {{"conn_str", "one"}}).settings_digest();
  EXPECT_EQ(Show("pg", {{"conn_str", "one"}}).settings_digest(), digest);
  EXPECT_NE(Show("pg", {{"conn_str", "two"}}).settings_digest(), digest);
  EXPECT_NE(Show("consul", {{"conn_str", "one"}}).settings_digest(), digest);
}

TEST(BackendViewTest, RefusesWhatIsNoObject) {
  EXPECT_THAT(TryShow("pg", nullptr), IsOk());
  EXPECT_THAT(TryShow("pg", {1, 2}), HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(TryShow("pg", "text"), HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(TryShow("pg", {{std::string(4096, 'a'), 1}}), IsOk());
  EXPECT_THAT(TryShow("pg", {{std::string(4097, 'a'), 1}}), HasReason(v1::PLAN_UNREADABLE));
}

}  // namespace
}  // namespace countersign::terraform
