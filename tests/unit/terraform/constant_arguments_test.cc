#include "core/terraform/constant_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/terraform/configuration.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Files = std::map<std::string, std::string>;

absl::StatusOr<Configuration> TryRead(const Files& root, const Limits& limits = {}) {
  std::vector<NamedFile> named = {{"tfconfig/modules.json", R"([{"Key": "", "Dir": "."}])"},
                                  {".terraform.lock.hcl", ""}};
  std::vector<std::string> names;
  for (const auto& [name, content] : root) names.push_back(text::Concat("tfconfig/m-/", name));
  size_t at = 0;
  for (const auto& [name, content] : root) named.push_back({names[at++], content});
  return ReadConfiguration(named, limits);
}

// "type.name", "data.type.name".
std::string NameOf(const ResourceName& name) {
  return text::Concat(name.data ? "data." : "", name.type, ".", name.name);
}

void AddPaths(const ConstantArguments& arguments, const std::string& around,
              std::vector<std::string>* paths) {
  for (const ConstantArgument& argument : arguments) {
    const std::string path = around + (around.empty() ? "" : ".") + argument.name;
    paths->push_back(path);
    AddPaths(argument.members, path, paths);
  }
}

// The paths of the constants by the names of their resources.
std::map<std::string, std::vector<std::string>> ConstantsIn(const Files& root) {
  const absl::StatusOr<Configuration> configuration = TryRead(root);
  EXPECT_THAT(configuration, IsOk());
  std::map<std::string, std::vector<std::string>> all;
  if (!configuration.ok()) return all;
  for (const auto& [name, arguments] : configuration->constants) AddPaths(arguments, "", &all[NameOf(name)]);
  return all;
}

// Of the resource a.b with this body.
std::vector<std::string> Constants(const std::string& body) {
  return ConstantsIn({{"main.tf", "resource \"a\" \"b\" {\n" + body + "\n}\n"}})["a.b"];
}

std::vector<std::string> JsonConstants(const std::string& body) {
  return ConstantsIn({{"main.tf.json", R"({"resource": {"a": {"b": )" + body + "}}}"}})["a.b"];
}

TEST(ConstantArgumentsTest, TakesWhatIsKnownAsItIsWritten) {
  for (const std::string_view expression :
       {"1", "-1.5e3", "0", "true", "false", "\"text\"", "\"a \\\"b\\\" $${c} %%{d} \\u00e9\"", "[1, \"a\"]",
        "[\n  1, # one\n  2,\n]", "[[true]]", "{ c = 1 }", "{ \"c\" : \"d\", }", "<<EOT\ntext\nEOT",
        "<<-EOT\n  text $${c}\n  EOT", "[<<EOT\ntext\nEOT\n, 1]", "{\n  c = <<EOT\ntext\nEOT\n}"}) {
    EXPECT_THAT(Constants(text::Concat("x = ", expression)), ::testing::Contains("x")) << expression;
  }
}

TEST(ConstantArgumentsTest, LeavesOutWhatMayNotBeKnown) {
  for (const std::string_view expression : {"null",
                                            "var.x",
                                            "local.x.y",
                                            "aws_vpc.a.id",
                                            "file(\"x\")",
                                            "\"${var.x}\"",
                                            "\"a ${1}\"",
                                            "\"%{ if true }a%{ endif }\"",
                                            "1 + 1",
                                            "-var.x",
                                            "-\"a\"",
                                            "!true",
                                            "(1)",
                                            "\"a\" == \"b\"",
                                            "true ? 1 : 2",
                                            "[1, var.x]",
                                            "[1, null]",
                                            "[for x in [1] : x]",
                                            "[1][0]",
                                            "{ a = 1 }.a",
                                            "{ a = var.x }",
                                            "{ a = null }",
                                            "{ (var.x) = 1 }",
                                            "{ \"${var.x}\" = 1 }",
                                            "{ for x in [1] : x => x }",
                                            "<<EOT\n${var.x}\nEOT"}) {
    EXPECT_THAT(Constants(text::Concat("x = ", expression)), IsEmpty()) << expression;
  }
}

// Of an argument that is optional and computed, providers on the older library make it unknown.
TEST(ConstantArgumentsTest, LeavesOutWhatIsEmpty) {
  for (const std::string_view expression : {"\"\"", "[]", "{}", "<<EOT\nEOT", "[\"\"]", "{ a = [] }"}) {
    EXPECT_THAT(Constants(text::Concat("x = ", expression)), IsEmpty()) << expression;
  }
  for (const std::string_view value : {R"("")", "[]", "{}", R"([""])", R"({"a": []})"}) {
    EXPECT_THAT(JsonConstants(text::Concat(R"({"x": )", value, "}")), IsEmpty()) << value;
  }
}

TEST(ConstantArgumentsTest, LeavesOutWhatIsTerraformsOwn) {
  EXPECT_THAT(
      Constants("count = 1\nfor_each = { c = 1 }\nprovider = \"aws\"\ndepends_on = [\"c\"]\n"
                "lifecycle {\n  prevent_destroy = true\n}\n"
                "connection {\n  host = \"c\"\n}\n"
                "provisioner \"local-exec\" {\n  command = \"id\"\n  connection {\n    port = 1\n  }\n}"),
      IsEmpty());
  EXPECT_THAT(Constants("c {\n  count = 1\n}"), ElementsAre("c", "c.count"));
  EXPECT_THAT(JsonConstants(R"({"count": 1, "provider": "aws", "depends_on": ["c"], "//": "a comment",
                                "lifecycle": {"prevent_destroy": true}})"),
              IsEmpty());
}

TEST(ConstantArgumentsTest, NamesWhatIsInValues) {
  EXPECT_THAT(Constants("x = { c = 1, d = { e = [true] } }"), ElementsAre("x", "x.c", "x.d", "x.d.e"));
  // What not all of them set is no constant of them all.
  EXPECT_THAT(Constants("x = [{ c = 1, d = 1 }, { c = 2 }]"), ElementsAre("x", "x.c"));
  EXPECT_THAT(JsonConstants(R"({"x": [{"c": 1, "d": 1}, {"c": "${var.x}"}]})"), IsEmpty());
  EXPECT_THAT(JsonConstants(R"({"x": [{"c": 1, "d": 1}, {"c": 2}]})"), ElementsAre("x", "x.c"));
}

TEST(ConstantArgumentsTest, ReadsJsonAsTerraformDoes) {
  EXPECT_THAT(JsonConstants(R"({"n": 1, "t": true, "s": "text", "z": null, "i": "${var.x}",
                                "d": "%{ if true }a%{ endif }", "u": "\u0024{var.x}",
                                "l": ["a", null], "o": {"${var.x}": 1}})"),
              ElementsAre("n", "s", "t"));
  EXPECT_THAT(JsonConstants(R"([{"n": 1}])"), ElementsAre("n"));
}

TEST(ConstantArgumentsTest, NamesBlocksAndWhatEachOfThemSets) {
  EXPECT_THAT(Constants("versioning {\n  enabled = true\n  status  = var.x\n}"),
              ElementsAre("versioning", "versioning.enabled"));
  EXPECT_THAT(Constants("c {\n  d {\n    e = 1\n  }\n}"), ElementsAre("c", "c.d", "c.d.e"));
  EXPECT_THAT(Constants("c {\n  d = 1\n  e = 1\n}\nc {\n  d = 2\n}"), ElementsAre("c", "c.d"));
  EXPECT_THAT(Constants("c {\n  d = 1\n}\nc {\n  d = var.x\n}"), IsEmpty());
  EXPECT_THAT(Constants("c {\n}"), IsEmpty());
  // The first of two has two of them, the second none.
  EXPECT_THAT(Constants("c {\n  d {\n    e = 1\n  }\n  d {\n    e = 1\n  }\n}\nc {\n}"), IsEmpty());
}

TEST(ConstantArgumentsTest, LeavesOutBlocksThatAreMadeWhilePlanning) {
  EXPECT_THAT(Constants("c {\n  d = 1\n}\nx = 1\n"
                        "dynamic \"c\" {\n  for_each = var.x\n  content {\n    d = 2\n  }\n}"),
              ElementsAre("x"));
  EXPECT_THAT(Constants("c {\n  d = 1\n  dynamic \"e\" {\n    for_each = var.x\n    content {\n    }\n  }\n"
                        "  e {\n    f = 1\n  }\n}"),
              ElementsAre("c", "c.d"));
  EXPECT_THAT(JsonConstants(R"({"x": 1, "c": {"d": 1}, "dynamic": {"c": {"for_each": "${var.x}"}}})"),
              ElementsAre("x"));
  EXPECT_THAT(JsonConstants(R"({"x": 1, "c": {"d": 1}, "dynamic": [{"c": {"for_each": "${var.x}"}}]})"),
              ElementsAre("x"));
}

TEST(ConstantArgumentsTest, TellsResourcesApart) {
  EXPECT_THAT(ConstantsIn({{"main.tf",
                            "resource \"a\" \"b\" {\n  c = 1\n}\ndata \"a\" \"b\" {\n  d = 1\n}\n"
                            "check \"x\" {\n  data \"a\" \"c\" {\n    e = 1\n  }\n}\n"
                            "provider \"a\" {\n  f = 1\n}\nlocals {\n  g = 1\n}\n"
                            "resource \"a\" \"computed\" {\n  h = var.x\n}\n"}}),
              (std::map<std::string, std::vector<std::string>>{
                  {"a.b", {"c"}}, {"data.a.b", {"d"}}, {"data.a.c", {"e"}}}));
}

TEST(ConstantArgumentsTest, OverrideFilesTakeTheirPlace) {
  const auto overridden = [](const std::string& original, const std::string& by) {
    // Files are read in the order of their names: one of them stands before the original one.
    return ConstantsIn({{"main.tf", "resource \"a\" \"b\" {\n" + original + "\n}\n"},
                        {"a_override.tf", "resource \"a\" \"b\" {\n" + by + "\n}\n"},
                        {"z_override.tf", "resource \"a\" \"b\" {\n  z = 1\n}\n"}})["a.b"];
  };
  EXPECT_THAT(overridden("x = 1", "x = 2"), ElementsAre("x", "z"));
  EXPECT_THAT(overridden("x = 1", "x = var.x"), ElementsAre("z"));
  EXPECT_THAT(overridden("x = 1", "x = null"), ElementsAre("z"));
  EXPECT_THAT(overridden("x = var.x", "x = 1"), ElementsAre("z"));
  EXPECT_THAT(overridden("z = var.x", "x = 1"), ElementsAre("x"));
  EXPECT_THAT(overridden("x = { c = 1 }", "x = { d = 1 }"), ElementsAre("x", "z"));
  EXPECT_THAT(overridden("c {\n  d = 1\n}", "c {\n  d = 1\n}"), ElementsAre("z"));
  EXPECT_THAT(overridden("c {\n  d = 1\n}", "dynamic \"c\" {\n  for_each = []\n  content {\n  }\n}"),
              ElementsAre("z"));
  EXPECT_THAT(overridden("c {\n  d = 1\n}", "lifecycle {\n  prevent_destroy = true\n}"),
              ElementsAre("c", "c.d", "z"));
  // Terraform refuses an override of what is not there.
  EXPECT_THAT(ConstantsIn({{"override.tf", "resource \"a\" \"b\" {\n  x = 1\n}\n"}, {"main.tf", ""}}),
              IsEmpty());
}

TEST(ConstantArgumentsTest, KeepsItsLimitOfAllFilesTogether) {
  const Files files = {{"a.tf", "resource \"a\" \"b\" {\n  x = { c = 1 }\n}\n"},
                       {"b.tf", "resource \"a\" \"c\" {\n  d {\n    e = var.x\n  }\n}\n"}};
  Limits limits;
  limits.resource_arguments = 6;  // The two resources, x and c, d and e.
  EXPECT_THAT(TryRead(files, limits), IsOk());
  limits.resource_arguments = 5;
  const absl::StatusOr<Configuration> more = TryRead(files, limits);
  EXPECT_THAT(more, HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(std::string(more.status().message()), HasSubstr("tfconfig/m-/b.tf: there are more arguments"));
}

}  // namespace
}  // namespace countersign::terraform
