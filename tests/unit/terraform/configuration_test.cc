#include "core/terraform/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest/digest.h"
#include "core/terraform/configuration_view.h"
#include "core/terraform/module_manifest.h"
#include "core/terraform/strict_zip.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kLock = "# This file is maintained automatically by \"terraform init\".\n";
constexpr std::string_view kRootOnly = R"([{"Key": "", "Dir": "."}])";

using Files = std::map<std::string, std::string>;

absl::StatusOr<Configuration> ReadFiles(const Files& files, const Limits& limits = {}) {
  std::vector<NamedFile> named;
  for (const auto& [name, content] : files) named.push_back({name, content});
  return ReadConfiguration(named, limits);
}

// A configuration with a root module alone.
Files Root(std::string_view content, const std::string& name = "main.tf") {
  return {{"tfconfig/modules.json", std::string(kRootOnly)},
          {"tfconfig/m-/" + name, std::string(content)},
          {".terraform.lock.hcl", std::string(kLock)}};
}

// A root that calls "a", which calls "b".
Files Nested() {
  return {{"tfconfig/modules.json", R"([{"Key": "", "Dir": "."},
                                        {"Key": "a", "Source": "./a", "Dir": "a"},
                                        {"Key": "a.b", "Source": "x/y/z", "Version": "1.2.3", "Dir": "c"}])"},
          {"tfconfig/m-/main.tf", "module \"a\" {\n  source = \"./a\"\n}\n"},
          {"tfconfig/m-a/main.tf", "module \"b\" {\n  source = \"x/y/z\"\n}\n"},
          {"tfconfig/m-a.b/main.tf", "output \"o\" {\n  value = 1\n}\n"},
          {".terraform.lock.hcl", std::string(kLock)}};
}

Configuration Read(const Files& files, const Limits& limits = {}) {
  absl::StatusOr<Configuration> configuration = ReadFiles(files, limits);
  EXPECT_THAT(configuration, IsOk());
  return configuration.ok() ? *std::move(configuration) : Configuration();
}

std::string RefusalOf(const Files& files, const Limits& limits = {}) {
  const absl::StatusOr<Configuration> configuration = ReadFiles(files, limits);
  EXPECT_THAT(configuration, HasReason(v1::PLAN_UNREADABLE));
  return std::string(configuration.status().message());
}

using Kind = CodeBlock::Kind;

// "line what: detail" of each block of a kind.
std::vector<std::string> Found(const Configuration& configuration, Kind kind) {
  std::vector<std::string> found;
  for (const CodeBlock& block : configuration.blocks) {
    if (block.kind == kind) found.push_back(text::Concat(block.line, " ", block.what, ": ", block.detail));
  }
  return found;
}

std::vector<std::string> FoundInRoot(std::string_view content, Kind kind,
                                     const std::string& name = "main.tf") {
  return Found(Read(Root(content, name)), kind);
}

Configuration ReadPlan(const std::string& name) {
  std::ifstream file(std::string(COUNTERSIGN_TEST_PLANS) + "/" + name, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  const absl::StatusOr<StrictZip> zip = StrictZip::Open(bytes, {});
  EXPECT_THAT(zip, IsOk());
  Files files;
  for (const StrictZip::Entry& entry : zip->entries()) {
    if (entry.name.starts_with("tfconfig/") || entry.name == ".terraform.lock.hcl") {
      files[entry.name] = *zip->Read(entry);
    }
  }
  return Read(files);
}

TEST(ConfigurationTest, ReadsTheConfigurationOfARealPlan) {
  const Configuration configuration = ReadPlan("create.tfplan");
  ASSERT_THAT(configuration.files, SizeIs(2));
  EXPECT_EQ(configuration.files[0].path, "tfconfig/m-/main.tf");
  EXPECT_EQ(configuration.files[0].size, 935u);
  EXPECT_EQ(configuration.files[1].path, "tfconfig/m-inner/main.tf");
  EXPECT_EQ(configuration.files[1].module, "inner");
  ASSERT_THAT(configuration.modules, SizeIs(2));
  EXPECT_EQ(configuration.modules[1].key, "inner");
  EXPECT_EQ(configuration.modules[1].source, "./inner");
  EXPECT_EQ(configuration.modules[1].directory, "inner");
  EXPECT_EQ(configuration.counts, (BlockCounts{.resources = 6, .modules = 1, .outputs = 3, .variables = 3}));
  EXPECT_EQ(configuration.lock_writer, LockWriter::kTerraform);
  EXPECT_THAT(configuration.lock, IsEmpty());
  EXPECT_THAT(Found(configuration, Kind::kModule), ElementsAre("34 module \"inner\": ./inner"));
  EXPECT_THAT(Found(configuration, Kind::kCheck), ElementsAre("48 check \"size\": "));
}

TEST(ConfigurationTest, PlansOfOneConfigurationHaveOneDigest) {
  const std::string digest = ReadPlan("create.tfplan").digest;
  EXPECT_EQ(ReadPlan("mixed.tfplan").digest, digest);
  EXPECT_EQ(ReadPlan("destroy.tfplan").digest, digest);
}

TEST(ConfigurationTest, DigestsNameEverythingButTheOrder) {
  const Configuration before = Read(Nested());
  std::vector<NamedFile> reversed;
  const Files files = Nested();
  for (auto file = files.rbegin(); file != files.rend(); ++file)
    reversed.push_back({file->first, file->second});
  const absl::StatusOr<Configuration> again = ReadConfiguration(reversed, {});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->digest, before.digest);

  Files changed = Nested();
  changed["tfconfig/m-a/main.tf"] += "\n";
  const Configuration after = Read(changed);
  EXPECT_NE(after.digest, before.digest);
  EXPECT_EQ(after.modules[0].digest, before.modules[0].digest);
  EXPECT_NE(after.modules[1].digest, before.modules[1].digest);
  EXPECT_EQ(after.modules[2].digest, before.modules[2].digest);
  EXPECT_EQ(after.files[2].digest, digest::Sha256(changed["tfconfig/m-a/main.tf"]));

  for (const auto& [from, to] :
       std::map<std::string, std::string>{{R"("Version": "1.2.3")", R"("Version": "1.2.4")"},
                                          {R"("Dir": "c")", R"("Dir": "d")"},
                                          {R"("Source": "./a")", R"("Source": "./b")"}}) {
    Files other = Nested();
    std::string& manifest = other["tfconfig/modules.json"];
    manifest.replace(manifest.find(from), from.size(), to);
    EXPECT_NE(Read(other).digest, before.digest) << to;
  }
  Files renamed = Nested();
  renamed["tfconfig/m-a/other.tf"] = renamed["tfconfig/m-a/main.tf"];
  renamed.erase("tfconfig/m-a/main.tf");
  EXPECT_NE(Read(renamed).digest, before.digest);
  Files locked = Nested();
  locked[".terraform.lock.hcl"] += "\n";
  EXPECT_EQ(Read(locked).digest, before.digest);
  EXPECT_NE(Read(locked).lock_digest, before.lock_digest);
}

TEST(ConfigurationTest, FindsProvisionersAndTheirConnections) {
  constexpr std::string_view kText = R"(resource "aws_instance" "web" {
  connection {
    host     = "h"
    password = "secret"
  }
  provisioner "local-exec" {
    command     = "rm -rf /"
    environment = { TOKEN = "secret" }
    when        = destroy
  }
  provisioner remote-exec {
    inline = ["a"]
    connection { host = self.ip }
  }
}
removed {
  from = aws_instance.old
  provisioner "local-exec" { command = "b" }
}
)";
  EXPECT_THAT(
      FoundInRoot(kText, Kind::kLocalExec),
      ElementsAre("6 provisioner \"local-exec\" in resource aws_instance.web: command = \"rm -rf /\"\nwhen = "
                  "destroy",
                  "18 provisioner \"local-exec\" in removed: command = \"b\""));
  EXPECT_THAT(FoundInRoot(kText, Kind::kProvisioner),
              ElementsAre("11 provisioner \"remote-exec\" in resource aws_instance.web: inline = [\"a\"]"));
  EXPECT_THAT(FoundInRoot(kText, Kind::kConnection),
              ElementsAre("2 connection in resource aws_instance.web: host = \"h\"",
                          "13 connection in resource aws_instance.web: host = self.ip"));
  EXPECT_THAT(FoundInRoot(kText, Kind::kRemoved), ElementsAre("16 removed: from = aws_instance.old"));
}

TEST(ConfigurationTest, FindsProvisionersBehindEscapes) {
  EXPECT_THAT(
      FoundInRoot("resource \"a\" \"b\" {\n  provisioner \"local\\u002dexec\" { command = \"c\" }\n}\n",
                  Kind::kLocalExec),
      ElementsAre("2 provisioner \"local-exec\" in resource a.b: command = \"c\""));
}

TEST(ConfigurationTest, FindsProvisionersInJson) {
  constexpr std::string_view kText = R"({"resource": {"a": {"b": [{
  "provisioner": [{"local-exec": [{"command": "c"},
    {"command": "${d}"}]}],
  "connection": {"host": "h"}}]}},
  "removed": [{"from": "a.c", "provisioner": {"file": {"destination": "/x"}}}]})";
  EXPECT_THAT(FoundInRoot(kText, Kind::kLocalExec, "main.tf.json"),
              ElementsAre("2 provisioner \"local-exec\" in resource a.b: command = \"c\"",
                          "2 provisioner \"local-exec\" in resource a.b: command = \"${d}\""));
  EXPECT_THAT(FoundInRoot(kText, Kind::kProvisioner, "main.tf.json"),
              ElementsAre("5 provisioner \"file\" in removed: destination = \"/x\""));
  EXPECT_THAT(FoundInRoot(kText, Kind::kConnection, "main.tf.json"), SizeIs(1));
}

TEST(ConfigurationTest, FindsProvisionersEvenWhereAProviderMayMeanThem) {
  constexpr std::string_view kText =
      "resource \"a\" \"b\" {\n  dynamic \"c\" {\n    content {\n      provisioner \"local-exec\" {\n      "
      "}\n"
      "      connection {\n      }\n    }\n  }\n}\n";
  EXPECT_THAT(FoundInRoot(kText, Kind::kLocalExec), SizeIs(1));
  EXPECT_THAT(FoundInRoot(kText, Kind::kConnection), SizeIs(1));
}

TEST(ConfigurationTest, FindsDataSourcesThatRunOrReachOut) {
  constexpr std::string_view kText = R"(data "external" "a" {
  program = ["sh"]
}
check "b" {
  data http "c" { url = "http://d/${e}" }
}
data "terraform_remote_state" "f" {
  backend = "s3"
  config  = { secret_key = "secret" }
}
data "aws_ami" "g" {
}
)";
  const Configuration configuration = Read(Root(kText));
  EXPECT_THAT(Found(configuration, Kind::kExternalData),
              ElementsAre("1 data \"external\" \"a\": program = [\"sh\"]"));
  EXPECT_THAT(Found(configuration, Kind::kHttpData),
              ElementsAre("5 data \"http\" \"c\" in check \"b\": url = \"http://d/${e}\""));
  EXPECT_THAT(Found(configuration, Kind::kRemoteState),
              ElementsAre("7 data \"terraform_remote_state\" \"f\": backend = \"s3\""));
  EXPECT_THAT(Found(configuration, Kind::kCheck), SizeIs(1));
  EXPECT_EQ(configuration.counts.data_sources, 4u);

  constexpr std::string_view kJson =
      R"({"data": [{"external": {"a": {"program": ["sh"]}}}, {"http": {"b": {}}}],
  "check": {"c": {"data": {"terraform_remote_state": {"d": {"backend": "s3"}}}}}})";
  const Configuration json = Read(Root(kJson, "main.tf.json"));
  EXPECT_THAT(Found(json, Kind::kExternalData), ElementsAre("1 data \"external\" \"a\": program = [\"sh\"]"));
  EXPECT_THAT(Found(json, Kind::kHttpData), SizeIs(1));
  EXPECT_THAT(Found(json, Kind::kRemoteState), SizeIs(1));
}

TEST(ConfigurationTest, FindsProgramsThatProvidersRun) {
  constexpr std::string_view kText = R"(provider "kubernetes" {
  exec {
    command = "sh"
    env     = { TOKEN = "secret" }
  }
}
provider "helm" {
  kubernetes {
    dynamic "exec" {
      for_each = [1]
      content { command = "sh" }
    }
  }
}
provider "helm" {
  alias      = "b"
  kubernetes = { host = "a", "exec" = { command = "sh" } }
}
provider "docker" {
  ssh_opts = ["-o", "ProxyCommand=sh"]
}
provider "aws" {
  execution = "x"
  comment   = "exec"
}
resource "a" "b" {
  exec { command = "sh" }
}
)";
  EXPECT_THAT(Found(Read(Root(kText)), Kind::kExternalData),
              ElementsAre("2 exec in provider \"kubernetes\": command = \"sh\"",
                          "9 dynamic \"exec\" in provider \"helm\": ", "17 kubernetes in provider \"helm\": ",
                          "20 ssh_opts in provider \"docker\": "));
  constexpr std::string_view kJson = R"({"provider": {"kubernetes": {"exec": [{"command": "sh"}]}}})";
  EXPECT_THAT(Found(Read(Root(kJson, "main.tf.json")), Kind::kExternalData),
              ElementsAre("1 exec in provider \"kubernetes\": "));
}

TEST(ConfigurationTest, FindsProvidersWithADigestOfTheirBody) {
  const auto provider = [](std::string_view body) {
    return FoundInRoot(text::Concat("provider \"aws\" {", body, "}\n"), Kind::kProvider);
  };
  EXPECT_THAT(provider("\n  alias = \"x\"\n  secret_key = \"secret\"\n"),
              ElementsAre("1 provider \"aws\" with alias \"x\": " +
                          digest::Sha256("\n  alias = \"x\"\n  secret_key = \"secret\"\n")));
  EXPECT_NE(provider(""), provider(" endpoint = \"y\" "));
  EXPECT_THAT(
      FoundInRoot(R"({"provider": {"aws": [{"alias": "x"}, {"alias": "y"}]}})", Kind::kProvider, "a.tf.json"),
      ElementsAre("1 provider \"aws\" with alias \"x\": " + digest::Sha256("\"alias\": \"x\""),
                  "1 provider \"aws\" with alias \"y\": " + digest::Sha256("\"alias\": \"y\"")));
}

TEST(ConfigurationTest, FindsTheSettingsOfTerraform) {
  constexpr std::string_view kText = R"(terraform {
  required_version = ">= 1"
  backend "s3" {
    secret_key = "secret"
  }
  required_providers {
    aws  = { source = "evil/aws" }
    null = ">= 1"
  }
}
terraform {
  cloud {
    workspaces {
    }
  }
}
terraform {
  encryption {
    key_provider "external" "x" {
      command = ["y"]
    }
  }
  state_store "a_b" {
    provider "a" {}
  }
}
)";
  const Configuration configuration = Read(Root(kText));
  EXPECT_THAT(Found(configuration, Kind::kBackend), ElementsAre("3 backend \"s3\": "));
  EXPECT_THAT(Found(configuration, Kind::kCloud), ElementsAre("12 cloud: "));
  EXPECT_THAT(Found(configuration, Kind::kEncryption), ElementsAre("18 encryption: "));
  EXPECT_THAT(Found(configuration, Kind::kStateStore), ElementsAre("23 state_store \"a_b\": "));
  EXPECT_THAT(Found(configuration, Kind::kRequiredProvider),
              ElementsAre("7 required provider \"aws\": { source = \"evil/aws\" }",
                          "8 required provider \"null\": \">= 1\""));
  constexpr std::string_view kJson =
      R"({"terraform": [{"backend": {"s3": {}}}, {"cloud": {}}, {"encryption": {}},
  {"required_providers": [{"aws": {"source": "evil/aws"}}]}, {"state_store": {"a_b": {}}}]})";
  const Configuration json = Read(Root(kJson, "main.tf.json"));
  for (const Kind kind :
       {Kind::kBackend, Kind::kCloud, Kind::kEncryption, Kind::kStateStore, Kind::kRequiredProvider}) {
    EXPECT_THAT(Found(json, kind), SizeIs(1)) << static_cast<int>(kind);
  }
}

TEST(ConfigurationTest, FindsBlocksThatTakeOverLetGoOrAct) {
  constexpr std::string_view kText = R"(import {
  to = a.b
  id = "c"
}
moved {
  from = a.d
  to   = a.e
}
ephemeral "f" "g" {
}
action "h" "i" {
  config {
  }
}
resource "j" "k" {
  password_wo = ephemeral.f.g.x
  nested {
    other_wo = 1
  }
  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.h.i]
    }
  }
}
)";
  const Configuration configuration = Read(Root(kText));
  EXPECT_THAT(Found(configuration, Kind::kImport), ElementsAre("1 import: to = a.b\nid = \"c\""));
  EXPECT_THAT(Found(configuration, Kind::kMoved), ElementsAre("5 moved: from = a.d\nto = a.e"));
  EXPECT_THAT(Found(configuration, Kind::kEphemeral), ElementsAre("9 ephemeral \"f\" \"g\": "));
  EXPECT_THAT(Found(configuration, Kind::kAction),
              ElementsAre("11 action \"h\" \"i\": ",
                          "21 action_trigger in resource j.k: events = [after_create]\n"
                          "actions = [action.h.i]"));
  EXPECT_THAT(Found(configuration, Kind::kWriteOnly),
              ElementsAre("16 password_wo in resource j.k: ", "18 other_wo in resource j.k: "));
  constexpr std::string_view kJson =
      R"({"import": {"to": "a.b", "id": "c"}, "moved": [{"from": "a.d", "to": "a.e"}],
  "ephemeral": {"f": {"g": {}}}, "action": {"h": {"i": {}}},
  "resource": {"j": {"k": {"p_wo": 1, "lifecycle": {"action_trigger": [{"events": []}]}}}}})";
  const Configuration json = Read(Root(kJson, "main.tf.json"));
  for (const Kind kind : {Kind::kImport, Kind::kMoved, Kind::kEphemeral, Kind::kWriteOnly}) {
    EXPECT_THAT(Found(json, kind), SizeIs(1)) << static_cast<int>(kind);
  }
  EXPECT_THAT(Found(json, Kind::kAction), SizeIs(2));
}

TEST(ConfigurationTest, FindsFunctionsThatReadTheRunner) {
  for (const std::string_view function :
       {"file", "filebase64", "fileexists", "filemd5", "filesha1", "filesha256", "filesha512",
        "filebase64sha256", "filebase64sha512", "fileset", "templatefile", "templatestring", "pathexpand",
        "abspath", "core::file"}) {
    const std::string name(function.substr(function.find_last_of(':') + 1));
    EXPECT_THAT(
        FoundInRoot(text::Concat("locals {\n  a = ", function, "(\"/etc/x\")\n}\n"), Kind::kFileFunction),
        ElementsAre("2 " + name + "() in locals: /etc/x"));
  }
  EXPECT_THAT(FoundInRoot("locals {\n  a = profile(1) + jsonencode(1) + var.file + basename(\"/etc/x\")\n}\n",
                          Kind::kFileFunction),
              IsEmpty());
}

TEST(ConfigurationTest, FindsFunctionsWhereverTheyHide) {
  const std::vector<std::pair<std::string_view, std::string>> texts = {
      {"output \"o\" {\n  value = file(var.x)\n}\n", "2 file() in output \"o\": computed"},
      {"output \"o\" {\n  value = \"a${upper(\"${file(\"/b\")}\")}\"\n}\n", "2 file() in output \"o\": /b"},
      {"resource \"a\" \"b\" {\n  c = <<-EOT\n    }\n    ${file(\"/d\")}\n  EOT\n}\n",
       "4 file() in resource a.b: /d"},
      {"resource \"a\" \"b\" {\n  dynamic \"c\" {\n    content {\n      d = [for e in [file(\"/f\")] : e]\n  "
       "  }\n  }\n}\n",
       "4 file() in resource a.b: /f"},
      {"data \"a\" \"b\" {\n  c = \"%{ if true }${ file /* d */ (\n  \"/e\") }%{ endif }\"\n}\n",
       "2 file() in data a.b: /e"},
      {"variable \"a\" {\n  validation { condition = fileexists(\"b\") }\n}\n",
       "2 fileexists() in variable \"a\": b"},
      {"module \"m\" {\n  source = \"./m\"\n  x = { (file(\"/y\")) = 1 }\n}\n",
       "3 file() in module \"m\": /y"},
  };
  for (const auto& [text, found] : texts) {
    Files files = Root(text);
    files["tfconfig/m-m/main.tf"] = "";
    if (text.starts_with("module")) {
      files["tfconfig/modules.json"] = R"([{"Key": "", "Dir": "."}, {"Key": "m", "Dir": "m"}])";
    } else {
      files.erase("tfconfig/m-m/main.tf");
    }
    EXPECT_THAT(Found(Read(files), Kind::kFileFunction), ElementsAre(found));
  }
  EXPECT_THAT(
      FoundInRoot("{\"output\": {\"o\": {\"value\":\n{\"${file(\\\"/a\\\")}\": [\"\\u0024{file(b)}\"]}}}}",
                  Kind::kFileFunction, "main.tf.json"),
      ElementsAre("2 file() in output \"o\": /a", "2 file() in output \"o\": computed"));
}

TEST(ConfigurationTest, FindsFunctionsOfProvidersAndTheWorkingDirectory) {
  constexpr std::string_view kText =
      "locals {\n  a = provider::b::c(\"d\")\n  e = \"${path.cwd}/${path.module}${path.root}\"\n}\n";
  EXPECT_THAT(FoundInRoot(kText, Kind::kProviderFunction), ElementsAre("2 provider::b::c() in locals: d"));
  EXPECT_THAT(FoundInRoot(kText, Kind::kPathReference), ElementsAre("3 path.cwd in locals: "));
}

TEST(ConfigurationTest, FindsModulesAndWhereTheyComeFrom) {
  const Configuration configuration = Read(Nested());
  EXPECT_THAT(Found(configuration, Kind::kModule),
              ElementsAre("1 module \"a\": ./a", "1 module \"b\": x/y/z"));
  EXPECT_EQ(configuration.blocks[1].module, "a");
  EXPECT_EQ(configuration.blocks[1].file, "main.tf");
  ASSERT_THAT(configuration.modules, SizeIs(3));
  EXPECT_EQ(configuration.modules[2].key, "a.b");
  EXPECT_EQ(configuration.modules[2].source, "x/y/z");
  EXPECT_EQ(configuration.modules[2].version, "1.2.3");
}

TEST(ConfigurationTest, NotesOverridesAndReadsThemToo) {
  Files files = Root("resource \"a\" \"b\" {\n}\n");
  files["tfconfig/m-/override.tf"] =
      "resource \"a\" \"b\" {\n  provisioner \"local-exec\" { command = \"c\" }\n}\n";
  files["tfconfig/m-/x_override.tf.json"] = R"({"provider": {"d": {}}})";
  files["tfconfig/m-/override_not.tf"] = "";
  const Configuration configuration = Read(files);
  EXPECT_THAT(Found(configuration, Kind::kLocalExec), SizeIs(1));
  EXPECT_THAT(Found(configuration, Kind::kProvider), SizeIs(1));
  EXPECT_EQ(configuration.counts.resources, 1u);
  std::vector<std::string> overrides;
  for (const ConfigurationFile& file : configuration.files) {
    if (file.is_override) overrides.push_back(file.path);
  }
  EXPECT_THAT(overrides, ElementsAre("tfconfig/m-/override.tf", "tfconfig/m-/x_override.tf.json"));
  EXPECT_TRUE(configuration.files[3].is_json);
}

TEST(ConfigurationTest, FindsResourcesThatMustNotBeDestroyed) {
  constexpr std::string_view kText = R"(resource "a" "literal" {
  lifecycle {
    prevent_destroy = true # really
  }
}
resource "a" "text" {
  lifecycle { prevent_destroy = "true" }
}
resource "a" "computed" {
  lifecycle { prevent_destroy = !false }
}
resource "a" "not" {
  lifecycle { prevent_destroy = false }
}
resource "a" "elsewhere" {
  nested {
    lifecycle { prevent_destroy = true }
  }
}
)";
  EXPECT_THAT(
      Read(Root(kText)).protected_resources,
      ElementsAre(ProtectedResource{"", "a", "literal", true}, ProtectedResource{"", "a", "text", true},
                  ProtectedResource{"", "a", "computed", false}));
  constexpr std::string_view kJson = R"({"resource": {"a": {"b": {"lifecycle": {"prevent_destroy": true}},
  "c": {"lifecycle": [{"prevent_destroy": false}]}, "d": {"lifecycle": {"prevent_destroy": "${true}"}}}}})";
  EXPECT_THAT(Read(Root(kJson, "main.tf.json")).protected_resources,
              ElementsAre(ProtectedResource{"", "a", "b", true}, ProtectedResource{"", "a", "d", false}));
}

TEST(ConfigurationTest, RefusesWhatStandsWhereOnlyTerraformsOwnBlocksDo) {
  for (const std::string_view text :
       {"a = 1\n", "unknown {\n}\n", "resource \"a\" {\n}\n", "resource \"a\" \"b\" \"c\" {\n}\n",
        "locals \"a\" {\n}\n", "terraform {\n  unknown {\n  }\n}\n",
        "resource \"a\" \"b\" {\n  provisioner {\n  }\n}\n",
        "resource \"a\" \"b\" {\n  lifecycle \"c\" {\n  }\n}\n", "check \"a\" {\n  data \"b\" {\n  }\n}\n",
        "module \"a.b\" {\n}\n", "module \"\" {\n}\n"}) {
    EXPECT_THAT(RefusalOf(Root(text)), HasSubstr("tfconfig/m-/main.tf:")) << text;
  }
  EXPECT_THAT(RefusalOf(Root(R"({"unknown": {}})", "a.tf.json")), HasSubstr("tfconfig/m-/a.tf.json:1: "));
}

TEST(ConfigurationTest, RefusesFilesThatTerraformWouldNotLoad) {
  for (const std::string_view name :
       {"main.txt", "main.tofu", "main.tf.bak", "main.TF", "main", ".tf", ".tf.json", ".hidden.tf",
        "main.tf~", "#main.tf#", "a/main.tf", "../main.tf", "a\\main.tf", "main\n.tf", "main\x7f.tf",
        "\xff.tf", "main.tfvars", "main.tftest.hcl", ""}) {
    EXPECT_THAT(RefusalOf(Root("", std::string(name))), HasSubstr("is no file that Terraform loads")) << name;
  }
  Files other = Root("");
  other["tfconfig/x"] = "";
  EXPECT_THAT(RefusalOf(other), HasSubstr("tfconfig/x: is no known entry"));
  other = Root("");
  other["tfplan"] = "";
  EXPECT_THAT(RefusalOf(other), HasSubstr("is no known entry"));
}

TEST(ConfigurationTest, ShowsNoUnusualNameInItsErrors) {
  const std::string message = RefusalOf(Root("(", "\u202etf.niam.tf"));
  EXPECT_THAT(message, HasSubstr("an entry with an unusual name:1:"));
  EXPECT_THAT(message, Not(HasSubstr("\u202e")));
}

TEST(ConfigurationTest, RefusesWhenAnEntryIsMissingOrStandsTwice) {
  Files files = Nested();
  for (const auto& [name, content] : files) {
    Files fewer = files;
    fewer.erase(name);
    EXPECT_THAT(ReadFiles(fewer), HasReason(v1::PLAN_UNREADABLE)) << name;
    std::vector<NamedFile> twice;
    for (const auto& [other, text] : files) twice.push_back({other, text});
    twice.push_back({name, content});
    EXPECT_THAT(ReadConfiguration(twice, {}), HasReason(v1::PLAN_UNREADABLE)) << name;
  }
  files["tfconfig/m-x/main.tf"] = "";
  EXPECT_THAT(RefusalOf(files), HasSubstr("tfconfig/m-x/main.tf: belongs to no module of the plan"));
}

TEST(ConfigurationTest, RefusesModulesThatAreNotThoseThatAreCalled) {
  Files files = Nested();
  files["tfconfig/m-a/main.tf"] = "";
  EXPECT_THAT(RefusalOf(files), HasSubstr("not those that the configuration calls"));
  files = Nested();
  files["tfconfig/m-a.b/main.tf"] = "module \"c\" {\n}\n";
  EXPECT_THAT(RefusalOf(files), HasSubstr("not those that the configuration calls"));
}

TEST(ConfigurationTest, RefusesOneDirectoryWithDifferentFiles) {
  Files files = Nested();
  files["tfconfig/m-/main.tf"] += "module \"d\" {\n  source = \"./a\"\n}\n";
  std::string& manifest = files["tfconfig/modules.json"];
  manifest.insert(manifest.rfind(']'), R"(, {"Key": "d", "Source": "./a", "Dir": "./x/../a/"},
                                          {"Key": "d.b", "Source": "x/y/z", "Dir": "c"})");
  files["tfconfig/m-d.b/main.tf"] = files["tfconfig/m-a.b/main.tf"];
  files["tfconfig/m-d/main.tf"] = files["tfconfig/m-a/main.tf"];
  Read(files);
  files["tfconfig/m-d/main.tf"] += "# other\n";
  EXPECT_THAT(RefusalOf(files), HasSubstr("two modules have one directory and different files"));
  files["tfconfig/m-d/main.tf"] = files["tfconfig/m-a/main.tf"];
  files["tfconfig/m-d/more.tf"] = "";
  EXPECT_THAT(RefusalOf(files), HasSubstr("two modules have one directory and different files"));
}

TEST(ConfigurationTest, RefusesManifestsThatAreReadInTwoWays) {
  for (const std::string_view manifest :
       {"", "{}", "[", "[1]", "[]", R"([{"Key": ""}])", R"([{"Dir": "."}])", R"([{"key": "", "Dir": "."}])",
        R"([{"Key": "", "Dir": ".", "DIR": "x"}])", R"([{"Key": "", "Key": "", "Dir": "."}])",
        R"([{"Key": "", "Dir": "."}, {"Key": "", "Dir": "."}])", R"([{"Key": "", "Dir": 1}])",
        R"([{"Key": "", "Dir": "."}, {"Key": "a.", "Dir": "a"}])",
        R"([{"Key": "", "Dir": "."}, {"Key": "a/b", "Dir": "a"}])",
        R"([{"Key": "", "Dir": "."}, {"Key": "a.b", "Dir": "a"}])", R"([{"Key": "", "Dir": ".\u0000"}])",
        R"([{"Key": "", "Dir": "."}] [])", R"([{"Key": "", "Dir": ".", "Source": "\u001b[2J"}])",
        R"([{"Key": "", "Dir": null}])"}) {
    Files files = Root("");
    files["tfconfig/modules.json"] = manifest;
    EXPECT_THAT(RefusalOf(files), HasSubstr("tfconfig/modules.json")) << manifest;
  }
}

TEST(ConfigurationTest, ComparesDirectoriesAsTerraformDoes) {
  for (const auto& [directory, clean] : std::map<std::string_view, std::string_view>{{"", "."},
                                                                                     {".", "."},
                                                                                     {"./a", "a"},
                                                                                     {"a/", "a"},
                                                                                     {"a//b", "a/b"},
                                                                                     {"a/../b", "b"},
                                                                                     {"../a", "../a"},
                                                                                     {"../../a/..", "../.."},
                                                                                     {"/", "/"},
                                                                                     {"/..", "/"},
                                                                                     {"/a/./b", "/a/b"},
                                                                                     {"a/..", "."},
                                                                                     {"a\\..", "a\\.."}}) {
    EXPECT_EQ(CleanDirectory(directory), clean) << directory;
  }
}

TEST(ConfigurationTest, KeepsItsLimits) {
  Limits limits;
  limits.configuration_file_bytes = kRootOnly.size();
  const std::string full(kRootOnly.size(), '#');
  Read(Root(full), limits);
  EXPECT_THAT(RefusalOf(Root(full + "#"), limits), HasSubstr("tfconfig/m-/main.tf: is too large"));

  limits = {};
  limits.configuration_bytes = 3;
  Read(Root("#ab"), limits);
  EXPECT_THAT(RefusalOf(Root("#abc"), limits), HasSubstr("tfconfig: is too large"));

  limits = {};
  limits.modules = 3;
  Read(Nested(), limits);
  limits.modules = 2;
  EXPECT_THAT(RefusalOf(Nested(), limits), HasSubstr("there are too many modules"));

  limits = {};
  limits.blocks = 3;  // Of all files together.
  Read(Nested(), limits);
  limits.blocks = 2;
  EXPECT_THAT(RefusalOf(Nested(), limits), HasSubstr("there are too many blocks"));

  limits = {};
  limits.code_blocks = 2;
  Read(Nested(), limits);
  limits.code_blocks = 1;
  EXPECT_THAT(RefusalOf(Nested(), limits), HasSubstr("more code in the configuration than can be reviewed"));

  limits = {};
  limits.code_text_bytes = std::string_view("module \"a\"./amodule \"b\"x/y/z").size();
  Read(Nested(), limits);
  limits.code_text_bytes -= 1;
  EXPECT_THAT(RefusalOf(Nested(), limits), HasSubstr("more code in the configuration than can be reviewed"));

  limits = {};
  limits.entry_name_bytes = std::string_view("tfconfig/m-a.b/main.tf").size();
  Read(Nested(), limits);
  limits.entry_name_bytes -= 1;
  EXPECT_THAT(RefusalOf(Nested(), limits), HasSubstr("is no file that Terraform loads"));
}

// The digest of the only block of a kind.
std::string DigestIn(const Files& files, Kind kind) {
  const Configuration configuration = Read(files);
  std::vector<std::string> digests;
  for (const CodeBlock& block : configuration.blocks) {
    if (block.kind == kind) digests.push_back(block.digest);
  }
  EXPECT_THAT(digests, SizeIs(1));
  return digests.size() == 1 ? digests[0] : "";
}

std::string ProvisionerDigest(std::string_view provisioner, std::string_view others = "") {
  Files files = Root(text::Concat("resource \"null_resource\" \"a\" {\n  provisioner \"local-exec\" {\n",
                                  provisioner, "\n  }\n}\n"));
  files["tfconfig/m-/others.tf"] = others;
  return DigestIn(files, Kind::kLocalExec);
}

TEST(CodeDigestTest, CoversEveryArgumentAndNestedBlock) {
  const std::string command = "command = \"run\"\n";
  const std::string digest = ProvisionerDigest(command);
  for (const std::string more : {"environment = { PATH = \"/x\" }", "interpreter = [\"python\"]",
                                 "working_dir = \"/x\"", "connection {\n host = \"h\"\n}", "quiet = true"}) {
    EXPECT_NE(ProvisionerDigest(command + more), digest) << more;
  }
  EXPECT_EQ(ProvisionerDigest(command, "locals {\n  a = 1\n}\n"), digest);
}

TEST(CodeDigestTest, CoversLocalsThroughOthers) {
  for (const std::string command : {"command = local.a", "command = \"${local.a} x\"",
                                    "environment = { X = [for x in [1] : upper(local.a)] }",
                                    "command = <<-EOT\n  %{ if true }${ local . a }%{ endif }\n  EOT",
                                    "connection {\n host = (local\n.a)\n}", "command = local.a[0].b"}) {
    const auto with = [&command](std::string_view b) {
      return ProvisionerDigest(
          command, text::Concat("locals {\n  a = local.b\n}\nlocals {\n  b = ", b, "\n  other = 1\n}\n"));
    };
    EXPECT_NE(with("1"), with("2")) << command;
    EXPECT_EQ(with("1"), with("1\n  more = 2")) << command;
  }
}

TEST(CodeDigestTest, CoversTheObjectsThatItTakesValuesFrom) {
  for (const std::string command :
       {"command = terraform_data.x.output", "command = \"${terraform_data.x.output} y\"",
        "command = resource.terraform_data.x.output", "command = terraform_data.x[0].output",
        "command = local.a", "command = data.d.x.result", "command = upper(ephemeral.e.x.result)"}) {
    const auto with = [&command](std::string_view input) {
      return ProvisionerDigest(command, text::Concat("resource \"terraform_data\" \"x\" {\n  input = ", input,
                                                     "\n}\ndata \"d\" \"x\" {\n  a = ", input,
                                                     "\n}\nephemeral \"e\" \"x\" {\n  a = ", input,
                                                     "\n}\nlocals {\n  a = terraform_data.x.output\n}\n"));
    };
    EXPECT_NE(with("1"), with("2")) << command;
    EXPECT_EQ(with("1"), with("1\n}\nresource \"terraform_data\" \"y\" {\n  input = 3")) << command;
  }
}

TEST(CodeDigestTest, FollowsNoNamesThatAreNoReferences) {
  for (const std::string text :
       {"environment = { local = 1, module : 2, var = 3 }", "command = x.local.a", "command = x.var[\"a\"]",
        "command = \"local.a\"", "command = \"$${local.a}\"", "# local.a", "command = f().local.a",
        "command = [x][0].local.a", "command = x.r.b.c", "command = each.value.r.b", "command = self.id"}) {
    EXPECT_EQ(ProvisionerDigest(text, "locals {\n  a = 1\n}\nresource \"r\" \"b\" {\n}\n"),
              ProvisionerDigest(text, "locals {\n  a = 2\n}\nresource \"r\" \"b\" {\n  c = 1\n}\n"))
        << text;
  }
}

TEST(CodeDigestTest, CoversEverythingWhereItCannotBeTold) {
  for (const std::string text :
       {"command = local[\"a\"]", "command = var[each.key]", "command = module.*.x",
        "command = local.undefined", "command = module.undefined.x", "command = var.undefined"}) {
    EXPECT_NE(ProvisionerDigest(text, "# one"), ProvisionerDigest(text, "# two")) << text;
  }
  EXPECT_EQ(ProvisionerDigest("command = null_resource.b.id", "# one"),
            ProvisionerDigest("command = null_resource.b.id", "# two"));
}

TEST(CodeDigestTest, EndsWithLocalsThatReferToEachOther) {
  const auto with = [](std::string_view c) {
    return ProvisionerDigest(
        "command = local.a",
        text::Concat("locals {\n  a = local.b\n  b = \"${local.a}${local.c}\"\n  c = ", c, "\n}\n"));
  };
  EXPECT_EQ(with("1"), with("1"));
  EXPECT_NE(with("1"), with("2"));
}

TEST(CodeDigestTest, CoversOverridesOfWhatIsReferredTo) {
  Files files = Root("provider \"aws\" {\n  region = local.a\n}\nlocals {\n  a = 1\n}\n");
  const std::string digest = DigestIn(files, Kind::kProvider);
  files["tfconfig/m-/x_override.tf"] = "locals {\n  b = 2\n}\n";
  EXPECT_EQ(DigestIn(files, Kind::kProvider), digest);
  files["tfconfig/m-/x_override.tf"] = "locals {\n  a = 2\n}\n";
  EXPECT_NE(DigestIn(files, Kind::kProvider), digest);
}

TEST(CodeDigestTest, NamesTheVariablesOfTheRoot) {
  const auto with = [](std::string_view variable) {
    return Read(Root(text::Concat("provider \"aws\" {\n  region = local.a\n}\nlocals {\n  a = var.b\n}\n",
                                  "variable \"b\" {\n  ", variable, "\n}\nvariable \"c\" {}\n")))
        .blocks[0];
  };
  const CodeBlock block = with("default = 1");
  EXPECT_THAT(block.variables, ElementsAre("b"));
  EXPECT_FALSE(block.any_variable);
  EXPECT_NE(with("default = 2").digest, block.digest);
  EXPECT_EQ(with("default = 1\n  description = \"x\"").digest, block.digest);
  EXPECT_TRUE(with("default = 1\n}\nlocals {\n  a = local[0]").any_variable);
}

// The provisioner stands in the module "a" and refers to its variable; "a.b" gives an output.
Files WithModules() {
  Files files = Nested();
  files["tfconfig/m-/main.tf"] =
      "module \"a\" {\n  source = \"./a\"\n  x = local.x\n  y = 1\n}\nlocals {\n  x = var.z\n}\n"
      "variable \"z\" {}\n";
  files["tfconfig/m-a/main.tf"] =
      "module \"b\" {\n  source = \"x/y/z\"\n  p = 1\n}\nvariable \"x\" {}\nvariable \"y\" {}\n"
      "resource \"r\" \"r\" {\n  provisioner \"local-exec\" {\n    command = COMMAND\n  }\n}\n";
  return files;
}

std::string DigestWith(std::string_view command, const std::string& file = "", const std::string& from = "",
                       const std::string& to = "") {
  Files files = WithModules();
  std::string& module = files["tfconfig/m-a/main.tf"];
  module.replace(module.find("COMMAND"), 7, command);
  if (!file.empty()) files[file].replace(files[file].find(from), from.size(), to);
  return DigestIn(files, Kind::kLocalExec);
}

TEST(CodeDigestTest, FollowsVariablesToTheCallOfTheModule) {
  const std::string root = "tfconfig/m-/main.tf";
  const std::string digest = DigestWith("var.x");
  EXPECT_NE(DigestWith("var.x", root, "x = local.x", "x = 2"), digest);
  EXPECT_NE(DigestWith("var.x", root, "x = var.z", "x = 2"), digest);
  EXPECT_NE(DigestWith("var.x", root, "  x = local.x\n", ""), digest);
  EXPECT_NE(DigestWith("var.x", "tfconfig/m-a/main.tf", "\"x\" {}", "\"x\" { default = 1 }"), digest);
  EXPECT_EQ(DigestWith("var.x", root, "y = 1", "y = 2"), digest);
  EXPECT_EQ(DigestWith("var.x", "tfconfig/m-a.b/main.tf", "value = 1", "value = 2"), digest);

  Files files = WithModules();
  std::string& module = files["tfconfig/m-a/main.tf"];
  module.replace(module.find("COMMAND"), 7, "var.x");
  for (const CodeBlock& block : Read(files).blocks) {
    if (block.kind == Kind::kLocalExec) {
      EXPECT_THAT(block.variables, ElementsAre("z"));
    }
  }
}

TEST(CodeDigestTest, CoversAllOfAModuleWhoseOutputIsUsed) {
  const std::string digest = DigestWith("module.b.o");
  EXPECT_NE(DigestWith("module.b.o", "tfconfig/m-a.b/main.tf", "value = 1", "value = 2"), digest);
  EXPECT_NE(DigestWith("module.b.o", "tfconfig/m-a/main.tf", "p = 1", "p = 2"), digest);
  EXPECT_EQ(DigestWith("module.b.o", "tfconfig/m-/main.tf", "x = var.z", "x = 2"), digest);
}

TEST(CodeDigestTest, FollowsJson) {
  const auto with = [](std::string_view local, std::string_view more) {
    Files files =
        Root(R"({"resource": {"r": {"r": {"provisioner": {"local-exec": {"command": "${\u006cocal.a}"}}}}}})",
             "main.tf.json");
    files["tfconfig/m-/locals.tf.json"] =
        text::Concat(R"({"locals": {"a": {"${local.b}": 1}, "b": ")", local, R"(", "c": ")", more, R"("}})");
    return DigestIn(files, Kind::kLocalExec);
  };
  EXPECT_NE(with("x", ""), with("y", ""));
  EXPECT_EQ(with("x", ""), with("x", "y"));
}

TEST(CodeDigestTest, CoversTheArgumentsOfACallAlone) {
  const auto with = [](std::string_view value) {
    return DigestIn(Root(text::Concat("output \"o\" {\n  value = ", value, "\n}\nlocals {\n  a = 1\n}\n")),
                    Kind::kFileFunction);
  };
  const std::string digest = with("\"${file(join(\"/\", [\"a\", local.a]))} x\"");
  EXPECT_EQ(with("\"${file(join(\"/\", [\"a\", local.a]))} y ${local[0]}\""), digest);
  EXPECT_NE(with("\"${file(join(\"/\", [\"b\", local.a]))} x\""), digest);
  EXPECT_NE(with("\"${file(join(\"/\", [\"a\", local.a])) + 1}\""),
            with("\"${file(join(\"/\", [\"a\"]))}\""));
}

TEST(CodeDigestTest, CoversEverythingBeyondItsLimits) {
  const auto with = [](const Limits& limits, std::string_view others) {
    return Read(Root(text::Concat("provider \"aws\" {\n  region = local.a\n}\nlocals {\n  a = 1\n}\n",
                                  others)),
                limits)
        .blocks[0]
        .digest;
  };
  Limits few;
  few.definitions = 1;
  Limits small;
  small.definition_bytes = 100;
  EXPECT_EQ(with({}, "# one"), with({}, "# two"));
  EXPECT_NE(with(few, "# one"), with(few, "# two"));
  EXPECT_NE(with(small, "# one"), with(small, "# two"));
}

TEST(ConfigurationViewTest, SaltsDigestsOfCodeWithTheVariablesThatItRefersTo) {
  Configuration configuration;
  configuration.blocks.resize(2);
  configuration.blocks[0].variables = {"a"};
  configuration.blocks[1].any_variable = true;
  const auto shown = [&configuration](const std::map<std::string, std::string>& variables, size_t block) {
    return ShowConfiguration(configuration, variables, SaltedDigest("salt"))
        .code_blocks(static_cast<int>(block))
        .digest();
  };
  const std::map<std::string, std::string> before = {{"a", "sha256:1"}, {"b", "sha256:1"}};
  EXPECT_NE(shown({{"a", "sha256:2"}, {"b", "sha256:1"}}, 0), shown(before, 0));
  EXPECT_EQ(shown({{"a", "sha256:1"}, {"b", "sha256:2"}}, 0), shown(before, 0));
  EXPECT_NE(shown({{"a", "sha256:1"}, {"b", "sha256:2"}}, 1), shown(before, 1));
  EXPECT_NE(ShowConfiguration(configuration, before, SaltedDigest("other")).code_blocks(0).digest(),
            shown(before, 0));
}

TEST(ConfigurationViewTest, LeavesOutSecretsThatAreWrittenIntoCode) {
  Configuration configuration;
  configuration.blocks.resize(2);
  configuration.blocks[0].detail = "command = \"curl -u admin:hunter2 https://h && ./run\"";
  configuration.blocks[1].detail = "url = \"https://u:hunter2@h/?sig=abcdef\"";
  configuration.modules.resize(1);
  configuration.modules[0].source = "git::https://u:hunter2@h/r.git?ref=v1";
  const v1::PlanConfiguration shown = ShowConfiguration(configuration, {}, SaltedDigest("salt"));
  EXPECT_EQ(shown.code_blocks(0).detail(), "command = \"curl -u admin:(hidden) https://h && ./run\"");
  EXPECT_EQ(shown.code_blocks(1).detail(), "url = \"https://u:(hidden)@h/?sig=(hidden)\"");
  EXPECT_EQ(shown.modules(0).source(), "git::https://u:(hidden)@h/r.git?ref=v1");
}

}  // namespace
}  // namespace countersign::terraform
