#include "core/terraform/json_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/terraform/configuration_source.h"
#include "core/terraform/limits.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::vector<std::string> BlocksIn(const ConfigurationSource& source) {
  std::vector<std::string> lines;
  for (size_t i = 1; i < source.blocks.size(); ++i) {
    const SourceBlock& block = source.blocks[i];
    std::string line = text::Concat(block.line, " ", source.blocks[block.parent].type, "/", block.type);
    for (const std::string_view label : block.labels) line += text::Concat(" ", label);
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> CallsIn(const ConfigurationSource& source) {
  std::vector<std::string> calls;
  for (const SourceCall& call : source.calls) calls.push_back(text::Concat(call.line, " ", call.function));
  return calls;
}

ConfigurationSource Scan(std::string_view text, const Limits& limits = {}) {
  absl::StatusOr<ConfigurationSource> source = ScanJson(text, "main.tf.json", limits);
  EXPECT_THAT(source, IsOk()) << text;
  if (source.ok()) return *std::move(source);
  ConfigurationSource none;
  none.blocks.emplace_back();
  return none;
}

std::string RefusalOf(std::string_view text, const Limits& limits = {}) {
  const absl::StatusOr<ConfigurationSource> source = ScanJson(text, "main.tf.json", limits);
  EXPECT_THAT(source, HasReason(v1::PLAN_UNREADABLE)) << text;
  return std::string(source.status().message());
}

TEST(JsonScannerTest, TakesTheNamesOfMembersForLabels) {
  EXPECT_THAT(BlocksIn(Scan(R"({
  "resource": {
    "a": {
      "b": {"x": 1},
      "c": {"provisioner": {"local-exec": {"command": "d"}}}
    }
  },
  "locals": {"e": 2}
})")),
              UnorderedElementsAre("4 /resource a b", "5 /resource a c", "8 /locals",
                                   "5 resource/provisioner local-exec"));
}

TEST(JsonScannerTest, TakesArraysForSeveralBlocksAtEveryStep) {
  EXPECT_THAT(BlocksIn(Scan(R"([
{"provider": {"a": [{"alias": "x"}, {"alias": "y"}]}},
{"resource": [{"b": [{"c": [{}]}]}, {"d": {"e": {}}}]},
{"data": {"f": {"g": null}}}
])")),
              UnorderedElementsAre("2 /provider a", "2 /provider a", "3 /resource b c", "3 /resource d e"));
}

TEST(JsonScannerTest, PassesOverCommentsInBodiesOnly) {
  const ConfigurationSource source =
      Scan(R"({"//": "${", "locals": {"//": {"a": "%{"}, "b": {"//": "${f()}"}}})");
  EXPECT_THAT(source.attributes, SizeIs(1));
  EXPECT_THAT(CallsIn(source), ElementsAre("1 f"));
  // Where a label is due it is a label.
  EXPECT_THAT(BlocksIn(Scan(R"({"provider": {"//": {}}})")), ElementsAre("1 /provider //"));
}

TEST(JsonScannerTest, FindsCallsInEveryString) {
  EXPECT_THAT(CallsIn(Scan("{\"locals\": {\n"
                           "\"a\": \"${f()} g() $${no()}\",\n"
                           "\"b\": [{\"c\": [\"%{ if h(1) }%{ endif }\"],\n"
                           "\"${i()}\": \"\\u0024{j(\\\"k\\\")}\\n${l(1)}\"}]\n"
                           "}}")),
              UnorderedElementsAre("2 f", "3 h", "4 i", "4 j", "4 l"));
}

TEST(JsonScannerTest, GivesLiteralsAndTheTextOfValues) {
  const ConfigurationSource source = Scan(
      R"({"locals": {"a": "b\u0063\\n$${d}", "e": "${f}", "g": true, "h": 12.5 ,
                                           "i": {"j": [1,2]}, "k":-1}})");
  EXPECT_EQ(source.LiteralOf(*source.Find(1, "a")), "bc\\n${d}");
  EXPECT_EQ(source.LiteralOf(*source.Find(1, "e")), std::nullopt);
  EXPECT_EQ(source.LiteralOf(*source.Find(1, "g")), std::nullopt);
  EXPECT_EQ(source.Find(1, "e")->expression, R"("${f}")");
  EXPECT_EQ(source.Find(1, "g")->expression, "true");
  EXPECT_EQ(source.Find(1, "h")->expression, "12.5");
  EXPECT_EQ(source.Find(1, "i")->expression, R"({"j": [1,2]})");
  EXPECT_EQ(source.Find(1, "k")->expression, "-1");
  EXPECT_EQ(Scan(R"({"provider": {"a": {"b": 1} }})").blocks[1].body, R"("b": 1)");
}

TEST(JsonScannerTest, GivesTheFirstArgumentOfACallWhenItIsAText) {
  const ConfigurationSource source = Scan(R"({"locals": {"a": "${file(\"x\\\"y\")} ${file(b)}"}})");
  ASSERT_THAT(source.calls, SizeIs(2));
  EXPECT_EQ(FirstLiteralArgument(source.calls[0]), "x\"y");
  EXPECT_EQ(FirstLiteralArgument(source.calls[1]), std::nullopt);
}

TEST(JsonScannerTest, RefusesWhatIsNotStrictJson) {
  for (const std::string_view text :
       {"", "{", "{}{}", "{} x", "{\"a\": 1,}", "{'a': 1}", "{\"a\": NaN}", "// a\n{}",
        "{\"a\": \"\\ud800\"}", "{\"a\": 1e999}", "{\"a\": \"\n\"}", "\xef\xbb\xbf{}", "{\"a\": \"\xff\"}"}) {
    EXPECT_THAT(RefusalOf(text), HasSubstr("main.tf.json:")) << text;
  }
  EXPECT_THAT(RefusalOf(std::string_view("{}\0x", 4)), HasSubstr("is not plain UTF-8 text"));
}

TEST(JsonScannerTest, RefusesTwoMembersOfOneName) {
  EXPECT_THAT(RefusalOf("{\"locals\": {},\n\"loc\\u0061ls\": {}}"),
              HasSubstr("main.tf.json:2: an object names a member twice"));
  EXPECT_THAT(RefusalOf(R"({"locals": {"a": {"//": 1, "//": 2}}})"), HasSubstr("twice"));
}

TEST(JsonScannerTest, RefusesBlocksThatAreNoObjects) {
  for (const std::string_view text :
       {"1", "null", "[1]", "[[{}]]", R"({"locals": 1})", R"({"locals": [[{}]]})",
        R"({"resource": {"a": "b"}})", R"({"resource": {"a": {"b": [null]}}})",
        R"({"provider": {"//": "a"}})"}) {
    EXPECT_THAT(RefusalOf(text), HasSubstr("main.tf.json:1: ")) << text;
  }
}

TEST(JsonScannerTest, RefusesBrokenTemplates) {
  EXPECT_THAT(RefusalOf("{\"locals\": {\"a\":\n\"${\"}}"),
              HasSubstr("main.tf.json:1: a bracket is not closed"));
  EXPECT_THAT(RefusalOf(R"({"locals": {"a": "${)}"}})"), HasSubstr("a bracket closes"));
}

TEST(JsonScannerTest, KeepsItsLimits) {
  Limits limits;
  limits.bracket_depth = 4;
  Scan(R"({"locals": {"a": [[]]}})", limits);
  EXPECT_THAT(RefusalOf(R"({"locals": {"a": [[[]]]}})", limits), HasSubstr("nested too deeply"));
  limits = {};
  limits.configuration_values = 4;
  Scan(R"({"locals": {"a": 1, "b": 2}})", limits);
  EXPECT_THAT(RefusalOf(R"({"locals": {"a": 1, "b": 2, "c": 3}})", limits), HasSubstr("too many values"));
  limits = {};
  limits.blocks = 1;
  Scan(R"({"locals": {}})", limits);
  EXPECT_THAT(RefusalOf(R"({"locals": [{}, {}]})", limits), HasSubstr("too many blocks"));
  limits = {};
  limits.label_bytes = 2;
  Scan(R"({"provider": {"ab": {}}})", limits);
  EXPECT_THAT(RefusalOf(R"({"provider": {"abc": {}}})", limits), HasSubstr("label of a block is too long"));
}

TEST(JsonScannerTest, AnswersHostileTextsSoon) {
  EXPECT_THAT(RefusalOf(std::string(100'000, '[')), HasSubstr("nested too deeply"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(RefusalOf(objects), HasSubstr("nested too deeply"));
  std::string members = "{\"provider\": {\"" + std::string(200, 'x') + "0\": [";
  for (int i = 0; i < 150'000; ++i) members += "{},";
  ScanJson(members + "{}]}}", "main.tf.json", {}).IgnoreError();
  std::string sequences;
  for (int i = 0; i < 100'000; ++i) sequences += "${f(\\\"";
  ScanJson("{\"locals\": {\"a\": \"" + sequences + "\"}}", "main.tf.json", {}).IgnoreError();
}

}  // namespace
}  // namespace countersign::terraform
