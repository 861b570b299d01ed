#include "server/app/config.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "server/app/files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"

namespace countersign::app {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

class ConfigTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = directory_ / name;
    EXPECT_THAT(WriteFile(path, text, 0600), IsOk());
    return path;
  }
  absl::StatusOr<ServerConfig> Load(const std::string& yaml,
                                    const std::map<std::string, std::string>& environment = {},
                                    const std::map<std::string, std::string>& flags = {}) {
    return LoadConfig({.file = Write("config.yaml", yaml), .environment = environment, .flags = flags});
  }
  // A configuration with nothing wrong in it.
  ServerConfig Valid() {
    testing::Certificate certificate = authority_.IssueServer();
    ServerConfig config = *LoadConfig({});
    config.mutable_grpc()->set_certificate_file(certificate.certificate_path);
    config.mutable_grpc()->set_key_file(certificate.key_path);
    config.mutable_grpc()->set_client_ca_file(authority_.path());
    config.mutable_database()->set_url("host=/run dbname=countersign user=serve password=hidden");
    config.mutable_token()->set_issuer("https://broker.example.org");
    config.mutable_token()->set_signing_key_directory(directory_ / "keys");
    EXPECT_THAT(MakeDirectory(directory_ / "keys", 0700), IsOk());
    Write("keys/20200101T000000Z.pem", certificate.key_pem);
    config.mutable_artifact()->set_master_key_file(
        Write("master", "one AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"));
    return config;
  }

  testing::TestCa authority_;
  testing::TemporaryDirectory directory_;
};

void ExpectWrong(const absl::Status& status, const std::string& setting) {
  EXPECT_THAT(status, HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(std::string(status.message()), HasSubstr(setting));
}

TEST_F(ConfigTest, HasDefaultsForWhatIsNotSecretAndNotALocation) {
  const auto config = LoadConfig({});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->grpc().listen_address(), "0.0.0.0:7443");
  EXPECT_EQ(config->database().pool_size(), 16u);
  EXPECT_GE(config->plan().concurrent_reads(), 1u);
  EXPECT_LE(config->plan().concurrent_reads(), std::max(1u, std::thread::hardware_concurrency() - 1))
      << "a core is left to everybody else";
  EXPECT_EQ(ToDuration(config->shutdown_grace()), absl::Seconds(20));
  EXPECT_TRUE(config->database().notifications());
  EXPECT_EQ(config->limits().max_watches_per_principal(), 16u);
  EXPECT_EQ(ToDuration(config->limits().max_transfer_duration()), absl::Minutes(5));
  EXPECT_EQ(config->limits().transfer_memory_bytes(), 256u << 20);
}

TEST_F(ConfigTest, ReadsOneYamlFile) {
  const auto config = Load(
      "grpc:\n  listen_address: 127.0.0.1:1\n  reflection: true\ndatabase:\n  pool_size: 7\n"
      "shutdown_grace: 1.5s\nbootstrap:\n  documents: [a.yaml, b.yaml]\n");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->grpc().listen_address(), "127.0.0.1:1");
  EXPECT_TRUE(config->grpc().reflection());
  EXPECT_EQ(config->database().pool_size(), 7u);
  EXPECT_EQ(ToDuration(config->shutdown_grace()), absl::Milliseconds(1500));
  EXPECT_THAT(config->bootstrap().documents(), ElementsAre("a.yaml", "b.yaml"));
}

TEST_F(ConfigTest, RefusesAnUnknownKeyWithItsPathAndLine) {
  const auto config = Load("grpc:\n  listen_address: 127.0.0.1:1\n  reflexion: true\n");
  ExpectWrong(config.status(), "grpc.reflexion");
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("line 3"));
}

TEST_F(ConfigTest, RefusesAnUnknownSection) { ExpectWrong(Load("grcp:\n  a: b\n").status(), "grcp"); }

TEST_F(ConfigTest, RefusesAValueOfAnotherTypeUnderItsName) {
  const auto config = Load("database:\n  pool_size: many\n");
  ExpectWrong(config.status(), "database.pool_size");
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("line 2"));
}

TEST_F(ConfigTest, RefusesASectionThatIsNoMap) { ExpectWrong(Load("grpc: yes\n").status(), "grpc"); }

TEST_F(ConfigTest, RefusesASecondDocument) {
  ExpectWrong(Load("log: {level: info}\n---\nlog: {}\n").status(), "one document");
}

TEST_F(ConfigTest, RefusesAMissingFile) {
  ExpectWrong(LoadConfig({.file = "/nowhere/config.yaml", .environment = {}, .flags = {}}).status(),
              "/nowhere");
}

TEST_F(ConfigTest, EveryLeafHasAnEnvironmentVariable) {
  EXPECT_THAT(Settings(), Contains(Field(&Setting::environment, "COUNTERSIGND_GRPC_LISTEN_ADDRESS")));
  EXPECT_THAT(Settings(), Contains(Field(&Setting::environment, "COUNTERSIGND_SHUTDOWN_GRACE")));
  EXPECT_THAT(Settings(), Not(Contains(Field(&Setting::path, "grpc"))));
}

TEST_F(ConfigTest, TheEnvironmentWinsOverTheFileAndFlagsOverBoth) {
  const std::string yaml =
      "grpc: {listen_address: 'file:1', client_ca_file: file}\nhttp: {listen_address: 'file:2'}\n";
  const auto config = Load(yaml,
                           {{"COUNTERSIGND_GRPC_LISTEN_ADDRESS", "environment:1"},
                            {"COUNTERSIGND_HTTP_LISTEN_ADDRESS", "environment:2"}},
                           {{"grpc.listen_address", "flag:1"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->grpc().listen_address(), "flag:1");
  EXPECT_EQ(config->http().listen_address(), "environment:2");
  EXPECT_EQ(config->grpc().client_ca_file(), "file");
}

TEST_F(ConfigTest, AnOverrideCanTurnADefaultOff) {
  const auto config = Load("", {{"COUNTERSIGND_DATABASE_NOTIFICATIONS", "false"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_FALSE(config->database().notifications());
}

TEST_F(ConfigTest, AnOverriddenDurationReplacesTheWholeOfIt) {
  const auto config =
      Load("shutdown_grace: 7.5s\n", {}, {{"database.start_patience", "0s"}, {"shutdown_grace", "3s"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(ToDuration(config->database().start_patience()), absl::ZeroDuration());
  EXPECT_EQ(ToDuration(config->shutdown_grace()), absl::Seconds(3));
}

TEST_F(ConfigTest, AnOverriddenListReplacesTheFiles) {
  const auto config =
      Load("bootstrap: {documents: [a.yaml]}\n", {}, {{"bootstrap.documents", "b.yaml,c.yaml"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->bootstrap().documents(), ElementsAre("b.yaml", "c.yaml"));
}

TEST_F(ConfigTest, TheDatabasesUrlOfAFlagReplacesTheFilesUrlFile) {
  const auto config = Load("database: {url_file: secret}\n", {}, {{"database.url", "dbname=x"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(DatabaseUrl(*config), IsOk());
}

TEST_F(ConfigTest, RefusesAWrongOverrideWithItsSource) {
  const auto config = Load("", {{"COUNTERSIGND_DATABASE_POOL_SIZE", "-1"}});
  ExpectWrong(config.status(), "database.pool_size");
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("COUNTERSIGND_DATABASE_POOL_SIZE"));
}

TEST_F(ConfigTest, RefusesAnUnknownVariableWithOurPrefix) {
  ExpectWrong(Load("", {{"COUNTERSIGND_GRPC_LISTEN", "x"}}).status(), "COUNTERSIGND_GRPC_LISTEN");
}

TEST_F(ConfigTest, IgnoresWhatKubernetesSetsForAServiceOfThisName) {
  EXPECT_THAT(Load("", {{"COUNTERSIGND_SERVICE_HOST", "10.0.0.1"},
                        {"COUNTERSIGND_PORT_7443_TCP", "tcp://10.0.0.1:7443"},
                        {"COUNTERSIGND_PORT", "tcp://10.0.0.1:7443"}}),
              IsOk());
}

TEST_F(ConfigTest, AnEmptyVariableIsUnset) {
  const auto config = Load("log: {level: error}\n", {{"COUNTERSIGND_LOG_LEVEL", ""}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->log().level(), "error");
}

TEST_F(ConfigTest, ReadsWhatElseOfPlansIsSensitive) {
  const auto config = Load("plan:\n  sensitive_attributes: [aws_thing.content]\n", {},
                           {{"plan.sensitive_attributes", "aws_thing.content,aws_other.id"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->plan().sensitive_attributes(), ElementsAre("aws_thing.content", "aws_other.id"));
  ServerConfig valid = Valid();
  *valid.mutable_plan()->mutable_sensitive_attributes() = config->plan().sensitive_attributes();
  EXPECT_THAT(ValidateForServing(valid), IsOk());
}

TEST_F(ConfigTest, AValidOneIsValid) { EXPECT_THAT(ValidateForServing(Valid()), IsOk()); }

TEST_F(ConfigTest, NamesTheSettingThatIsWrong) {
  struct Case {
    std::string setting;
    void (*spoil)(ServerConfig&);
  };
  const Case cases[] = {
      {"grpc.listen_address", [](ServerConfig& c) { c.mutable_grpc()->set_listen_address("7443"); }},
      {"grpc.listen_address", [](ServerConfig& c) { c.mutable_grpc()->set_listen_address("::1:7443"); }},
      {"grpc.listen_address", [](ServerConfig& c) { c.mutable_grpc()->set_listen_address("host:70000"); }},
      {"http.listen_address", [](ServerConfig& c) { c.mutable_http()->set_listen_address(":80"); }},
      {"grpc.certificate_file", [](ServerConfig& c) { c.mutable_grpc()->clear_certificate_file(); }},
      {"grpc.key_file", [](ServerConfig& c) { c.mutable_grpc()->set_key_file("/nowhere"); }},
      {"grpc.key_file", [](ServerConfig& c) { c.mutable_grpc()->set_key_file(c.grpc().certificate_file()); }},
      {"grpc.client_ca_file",
       [](ServerConfig& c) { c.mutable_grpc()->set_client_ca_file(c.grpc().key_file()); }},
      {"http.key_file", [](ServerConfig& c) { c.mutable_http()->set_certificate_file("x"); }},
      {"http.certificate_file", [](ServerConfig& c) { c.mutable_http()->set_key_file("x"); }},
      {"database.url", [](ServerConfig& c) { c.mutable_database()->clear_url(); }},
      {"database.url_file", [](ServerConfig& c) { c.mutable_database()->set_url_file("x"); }},
      {"database.pool_size", [](ServerConfig& c) { c.mutable_database()->set_pool_size(3); }},
      {"database.start_patience",
       [](ServerConfig& c) { c.mutable_database()->mutable_start_patience()->set_seconds(-1); }},
      {"token.issuer", [](ServerConfig& c) { c.mutable_token()->clear_issuer(); }},
      {"token.issuer", [](ServerConfig& c) { c.mutable_token()->set_issuer("http://broker.example.org"); }},
      {"token.issuer",
       [](ServerConfig& c) { c.mutable_token()->set_issuer("http://localhost.example.org"); }},
      {"token.issuer", [](ServerConfig& c) { c.mutable_token()->set_issuer("https://broker.example.org/"); }},
      {"token.signing_key_directory",
       [](ServerConfig& c) { c.mutable_token()->set_signing_key_directory("/nowhere"); }},
      {"artifact.master_key_file",
       [](ServerConfig& c) { c.mutable_artifact()->set_master_key_file("/nowhere"); }},
      {"artifact.master_key_file",
       [](ServerConfig& c) { c.mutable_artifact()->set_master_key_file(c.grpc().certificate_file()); }},
      {"artifact.max_bytes", [](ServerConfig& c) { c.mutable_artifact()->set_max_bytes((64 << 20) + 1); }},
      {"plan.sensitive_attributes",
       [](ServerConfig& c) { c.mutable_plan()->add_sensitive_attributes("aws_thing"); }},
      {"plan.sensitive_attributes",
       [](ServerConfig& c) { c.mutable_plan()->add_sensitive_attributes("aws_thing.inner.content"); }},
      {"limits.max_waiters", [](ServerConfig& c) { c.mutable_limits()->set_max_waiters(0); }},
      {"limits.max_watches_per_principal",
       [](ServerConfig& c) { c.mutable_limits()->set_max_watches_per_principal(0); }},
      {"limits.max_transfer_duration",
       [](ServerConfig& c) { c.mutable_limits()->mutable_max_transfer_duration()->set_seconds(0); }},
      {"limits.max_transfer_duration",
       [](ServerConfig& c) { c.mutable_limits()->mutable_max_transfer_duration()->set_seconds(3601); }},
      {"limits.transfer_memory_bytes",
       [](ServerConfig& c) { c.mutable_limits()->set_transfer_memory_bytes(c.artifact().max_bytes()); }},
      {"limits.transfer_memory_bytes",
       [](ServerConfig& c) { c.mutable_limits()->set_transfer_memory_bytes((uint64_t{64} << 30) + 1); }},
      {"log.level", [](ServerConfig& c) { c.mutable_log()->set_level("loud"); }},
      {"log.format", [](ServerConfig& c) { c.mutable_log()->set_format("xml"); }},
      {"bootstrap.documents", [](ServerConfig& c) { c.mutable_bootstrap()->add_documents("/nowhere"); }},
      {"bootstrap.documents",
       [](ServerConfig& c) { c.mutable_bootstrap()->add_documents(c.grpc().certificate_file()); }},
      {"database.url", [](ServerConfig& c) { c.mutable_database()->set_url("host=/run dbname"); }},
      {"database.url", [](ServerConfig& c) { c.mutable_database()->set_url("postgres://[::1/countersign"); }},
      {"plan.reader_program", [](ServerConfig& c) { c.mutable_plan()->set_reader_program("/nowhere"); }},
      {"plan.reader_program", [](ServerConfig& c) { c.mutable_plan()->set_reader_program("/usr"); }},
      {"plan.reader_program",
       [](ServerConfig& c) { c.mutable_plan()->set_reader_program(c.grpc().certificate_file()); }},
      {"shutdown_grace", [](ServerConfig& c) { c.mutable_shutdown_grace()->set_seconds(-1); }},
  };
  for (const Case& wrong : cases) {
    SCOPED_TRACE(wrong.setting);
    ServerConfig config = Valid();
    wrong.spoil(config);
    ExpectWrong(ValidateForServing(config), wrong.setting);
  }
}

TEST_F(ConfigTest, TakesDocumentsAndAProgramThatAreThere) {
  ServerConfig config = Valid();
  config.mutable_plan()->set_reader_program("/bin/true");
  config.mutable_bootstrap()->add_documents(
      Write("targets.yaml", "document: Target\nname: targets/one\n---\ndocument: Policy\n"));
  EXPECT_THAT(ValidateForServing(config), IsOk());
}

TEST_F(ConfigTest, NamesTheBootstrapFileThatHoldsNoDocument) {
  ServerConfig config = Valid();
  config.mutable_bootstrap()->add_documents(Write("good.yaml", "document: Policy\n"));
  config.mutable_bootstrap()->add_documents(Write("wrong.yaml", "document: Polizei\n"));
  ExpectWrong(ValidateForServing(config), "wrong.yaml");
}

TEST_F(ConfigTest, ShowsNothingOfADatabaseUrlThatCannotBeRead) {
  ServerConfig config = Valid();
  config.mutable_database()->clear_url();
  config.mutable_database()->set_url_file(Write("url", "hidden host=/run\n"));
  ExpectWrong(ValidateForServing(config), "database.url_file");
  EXPECT_THAT(std::string(ValidateForServing(config).message()), Not(HasSubstr("hidden")));
}

TEST_F(ConfigTest, AsksForAKeyThatSignsAlready) {
  ServerConfig config = Valid();
  MakeDirectory(directory_ / "later", 0700).IgnoreError();
  Write("later/29991231T000000Z.pem", *ReadFile(directory_ / "keys/20200101T000000Z.pem"));
  config.mutable_token()->set_signing_key_directory(directory_ / "later");
  ExpectWrong(ValidateForServing(config), "token.signing_key_directory");
  Write("later/20200101T000000Z.pem", *ReadFile(directory_ / "keys/20200101T000000Z.pem"));
  EXPECT_THAT(ValidateForServing(config), IsOk());
}

TEST_F(ConfigTest, AsksForTransferMemoryOfFourOfTheLargestTransfers) {
  ServerConfig config = Valid();
  config.mutable_limits()->set_transfer_memory_bytes(256 << 20);
  EXPECT_THAT(ValidateForServing(config), IsOk());
  config.mutable_limits()->set_transfer_memory_bytes((256 << 20) - 1);
  ExpectWrong(ValidateForServing(config), "limits.transfer_memory_bytes");
}

TEST_F(ConfigTest, AllowsAnIssuerWithoutTlsOnLoopbackOnly) {
  ServerConfig config = Valid();
  config.mutable_token()->set_issuer("http://127.0.0.1:7080");
  EXPECT_THAT(ValidateForServing(config), IsOk());
}

TEST_F(ConfigTest, ReadsTheDatabaseUrlFromAFileWithoutItsNewline) {
  ServerConfig config = Valid();
  config.mutable_database()->clear_url();
  config.mutable_database()->set_url_file(Write("url", "dbname=countersign\n"));
  const auto url = DatabaseUrl(config);
  ASSERT_THAT(url, IsOk());
  EXPECT_EQ(*url, "dbname=countersign");
}

TEST_F(ConfigTest, DescribesItselfWithoutThePassword) {
  const std::string text = Describe(Valid());
  EXPECT_THAT(text, HasSubstr("user=serve"));
  EXPECT_THAT(text, Not(HasSubstr("hidden")));
}

TEST(ParseAddressTest, TakesNamesAndBothKindsOfAddresses) {
  for (const auto& [text, host] : std::map<std::string, std::string>{
           {"localhost:1", "localhost"}, {"127.0.0.1:1", "127.0.0.1"}, {"[::1]:1", "::1"}}) {
    const auto address = ParseAddress(text, "x");
    ASSERT_THAT(address, IsOk()) << text;
    EXPECT_EQ(address->first, host);
    EXPECT_EQ(address->second, 1);
  }
}

}  // namespace
}  // namespace countersign::app
