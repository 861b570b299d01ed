#include "core/terraform/hcl_scanner.h"

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
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// "line type label label", two blanks of indent for each block around it.
std::vector<std::string> BlocksIn(const ConfigurationSource& source) {
  std::vector<std::string> lines;
  for (size_t i = 1; i < source.blocks.size(); ++i) {
    const SourceBlock& block = source.blocks[i];
    std::string line = std::string(2 * (block.depth - 1), ' ') + std::to_string(block.line) + " ";
    line += block.type;
    for (const std::string_view label : block.labels) line += text::Concat(" ", label);
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::pair<std::string, std::string>> ArgumentsIn(const ConfigurationSource& source) {
  std::vector<std::pair<std::string, std::string>> arguments;
  for (const SourceAttribute& attribute : source.attributes) {
    arguments.emplace_back(attribute.name, attribute.expression);
  }
  return arguments;
}

std::vector<std::string> CallsIn(const ConfigurationSource& source) {
  std::vector<std::string> calls;
  for (const SourceCall& call : source.calls) {
    calls.push_back(text::Concat(call.line, " ", call.function));
  }
  return calls;
}

// Of a text that must be readable; empty when it is not, after the failure was said.
ConfigurationSource Scan(std::string_view text, const Limits& limits = {}) {
  absl::StatusOr<ConfigurationSource> source = ScanHcl(text, "main.tf", limits);
  EXPECT_THAT(source, IsOk()) << text;
  if (source.ok()) return *std::move(source);
  ConfigurationSource none;
  none.blocks.emplace_back();
  return none;
}

std::string RefusalOf(std::string_view text, const Limits& limits = {}) {
  const absl::StatusOr<ConfigurationSource> source = ScanHcl(text, "main.tf", limits);
  EXPECT_THAT(source, HasReason(v1::PLAN_UNREADABLE)) << text;
  return std::string(source.status().message());
}

TEST(HclScannerTest, FindsBlocksWithTheirLabelsAndLines) {
  EXPECT_THAT(BlocksIn(Scan("terraform {\n"
                            "  required_providers {\n"
                            "  }\n"
                            "}\n"
                            "\n"
                            "resource \"a\" \"b\" {\n"
                            "  lifecycle { prevent_destroy = true }\n"
                            "}\n"
                            "resource c d {}")),
              ElementsAre("1 terraform", "  2 required_providers", "6 resource a b", "  7 lifecycle",
                          "9 resource c d"));
}

TEST(HclScannerTest, FindsArgumentsWithTheTextOfTheirExpression) {
  EXPECT_THAT(ArgumentsIn(Scan("a = 1 # one\n"
                               "b = { c = 2,\n"
                               "  d : [3] } // three\n"
                               "e = x ? y : z /* four */\n"
                               "f {\n"
                               "  g = (1 +\n"
                               "    2)\n"
                               "}\n"
                               "h = [for k, v in { x = [for y in z : y => \"${y}\"] } : k\n]\n")),
              ElementsAre(Pair("a", "1"), Pair("b", "{ c = 2,\n  d : [3] }"), Pair("e", "x ? y : z"),
                          Pair("g", "(1 +\n    2)"),
                          Pair("h", "[for k, v in { x = [for y in z : y => \"${y}\"] } : k\n]")));
}

TEST(HclScannerTest, KeepsTheTextOfABlock) {
  const ConfigurationSource source = Scan("provider \"a\" { b = 1 }\nprovider \"c\" {\n  d {}\n}\n");
  EXPECT_EQ(source.blocks[1].body, " b = 1 ");
  EXPECT_EQ(source.blocks[2].body, "\n  d {}\n");
}

TEST(HclScannerTest, GivesTheArgumentsOfOneBlock) {
  const ConfigurationSource source = Scan("a {\n x = 1\n b {\n  x = 2\n }\n y = \"3\"\n}\n");
  ASSERT_NE(source.Find(1, "x"), nullptr);
  EXPECT_EQ(source.Find(1, "x")->expression, "1");
  EXPECT_EQ(source.Find(2, "x")->expression, "2");
  ASSERT_NE(source.Find(1, "y"), nullptr);
  EXPECT_EQ(source.LiteralOf(*source.Find(1, "y")), "3");
  EXPECT_EQ(source.LiteralOf(*source.Find(1, "x")), std::nullopt);
  EXPECT_EQ(source.Find(2, "y"), nullptr);
}

TEST(HclScannerTest, UndoesEscapesInLabelsAndLiterals) {
  const ConfigurationSource source =
      Scan("a \"local\\u002dexec\" \"\\U0001F600\\\"$${x}\" {\n b = \"\\tc\\\\%%{\"\n}\n");
  EXPECT_THAT(source.blocks[1].labels, ElementsAre("local-exec", "\U0001F600\"${x}"));
  EXPECT_EQ(source.LiteralOf(source.attributes[0]), "\tc\\%{");
}

TEST(HclScannerTest, DoesNotTakeBracesInTemplatesForBraces) {
  EXPECT_THAT(BlocksIn(Scan("a {\n  b = \"${\"}\"}\"\n}\nc {}\n")), ElementsAre("1 a", "4 c"));
  EXPECT_THAT(BlocksIn(Scan("a {\n  b = \"${ { x = \"}\" }[\"x\"] } { [ ( \"\n}\nc {}\n")),
              ElementsAre("1 a", "4 c"));
  EXPECT_THAT(BlocksIn(Scan("a {\n  b = \"%{ if x ~}}%{ endif }\"\n}\nc {}\n")), ElementsAre("1 a", "4 c"));
  EXPECT_THAT(BlocksIn(Scan("a {\n  b = \"$${ %%{ $ % $$ $\"\n}\nc {}\n")), ElementsAre("1 a", "4 c"));
  EXPECT_THAT(BlocksIn(Scan("a {\n  b = \"$$${ {\"\n}\nc {}\n")), ElementsAre("1 a", "4 c"));
  EXPECT_THAT(BlocksIn(Scan("a {\n  b = \"%${ \"{\" }\"\n}\nc {}\n")), ElementsAre("1 a", "4 c"));
}

TEST(HclScannerTest, LetsAHeredocEndOnlyWithItsMarkerAloneOnALine) {
  EXPECT_THAT(
      ArgumentsIn(Scan("a = <<EOT\n\" } ${\"}\"\n} $${ %%{ EOT\nx EOT\nEOTx\n\tEOT \nb = 1\n")),
      ElementsAre(Pair("a", "<<EOT\n\" } ${\"}\"\n} $${ %%{ EOT\nx EOT\nEOTx\n\tEOT "), Pair("b", "1")));
  // Behind a template sequence it is no longer the beginning of the line.
  EXPECT_THAT(ArgumentsIn(Scan("a = <<-E\n${x}E\nE\nb = 1\n")), SizeIs(2));
  // What Unicode calls white space does not keep the marker from ending it.
  EXPECT_THAT(ArgumentsIn(Scan("a = <<E\n\u00a0E\u2003\nb = 1\n")), SizeIs(2));
  EXPECT_THAT(ArgumentsIn(Scan("a = [<<E\nx\nE\n, <<E\ny\nE\n]\nb = 1\n")), SizeIs(2));
  EXPECT_THAT(ArgumentsIn(Scan("a = <<E\n${<<F\nE\nF\n}\nE\nb = 1\n")), SizeIs(2));
  EXPECT_THAT(ArgumentsIn(Scan("a = <<E\n$\n%\nE\nb = 1\n")), SizeIs(2));
  EXPECT_THAT(RefusalOf("a = <<E\nx\n E"), HasSubstr("main.tf:3: a heredoc does not end"));
  EXPECT_THAT(RefusalOf("a = <<E \nx\nE\n"), HasSubstr("main.tf:1: a heredoc does not begin"));
}

TEST(HclScannerTest, TakesCommentsWhereTerraformDoes) {
  EXPECT_THAT(
      BlocksIn(
          Scan("# a {\n// b {\n/* c {\n}*/ d /* e */ \"f\" /* { */ { # {\n  g = 1 /* \n */\n} // }\nh {}")),
      ElementsAre("4 d f", "8 h"));
  EXPECT_THAT(ArgumentsIn(Scan("a = \"${ 1 # }\"\n}\"\nb = 2\n")), SizeIs(2));
  EXPECT_THAT(ArgumentsIn(Scan("a = \"${ /* } */ 1 }\"\nb = \"/* # //\"\n")), SizeIs(2));
  EXPECT_THAT(RefusalOf("a = 1 /* b\n = 2"), HasSubstr("a comment does not end"));
}

TEST(HclScannerTest, ReadsLinesThatEndLikeThoseOfWindows) {
  const ConfigurationSource source = Scan(
      "\xef\xbb\xbf"
      "a = <<E\r\nx\r\nE\r\nb {\r\n  c = 1 # d\r\n}\r\n");
  EXPECT_THAT(BlocksIn(source), ElementsAre("4 b"));
  EXPECT_THAT(ArgumentsIn(source), ElementsAre(Pair("a", "<<E\r\nx\r\nE"), Pair("c", "1")));
}

TEST(HclScannerTest, ReadsNamesInAllLanguages) {
  EXPECT_THAT(BlocksIn(Scan("größe \"日本\" {\n  é-1 = ñ.ö\n}\n")), ElementsAre("1 größe 日本"));
}

TEST(HclScannerTest, FindsCallsWhereverAnExpressionIs) {
  EXPECT_THAT(CallsIn(Scan("a = file(\"x\")\n"
                           "b = [for x in f(1) : g(h(x))]\n"
                           "c = \"${i()} $${no()} %{ if j() }%{ endif } no()\"\n"
                           "d = <<E\n${k(\n)}\nno()\nE\n"
                           "e = core :: file /* no() */ (\n1)\n"
                           "f = provider::p::l()\n"
                           "m { n = { o(1) = 2 } } # no()\n")),
              ElementsAre("1 file", "2 f", "2 g", "2 h", "3 i", "3 j", "5 k", "9 core :: file",
                          "11 provider::p::l", "12 o"));
}

TEST(HclScannerTest, GivesTheFirstArgumentOfACallWhenItIsAText) {
  const ConfigurationSource source = Scan(
      "a = file(\"x\\\"y\")\nb = file(\n  /* c */ \"z\" # d\n  , 1)\ne = file(\"${f}\")\ng = file(\"h\" + "
      "i)\n"
      "j = \"${file(\"k\")}\"\nl = file()\n");
  std::vector<std::optional<std::string>> arguments;
  for (const SourceCall& call : source.calls) arguments.push_back(FirstLiteralArgument(call));
  EXPECT_THAT(arguments, ElementsAre("x\"y", "z", std::nullopt, std::nullopt, "k", std::nullopt));
}

TEST(HclScannerTest, FindsReferencesToPaths) {
  const ConfigurationSource source =
      Scan("a = path.cwd\nb = \"${path . module}/x\"\nc = self.path.root\nd = { path = e.f }\n");
  std::vector<std::string_view> names;
  for (const SourcePath& path : source.paths) names.push_back(path.name);
  EXPECT_THAT(names, ElementsAre("cwd", "module"));
}

TEST(HclScannerTest, RefusesWhatDoesNotBalance) {
  EXPECT_THAT(RefusalOf("a {\n"), HasSubstr("main.tf:2: a bracket is not closed"));
  EXPECT_THAT(RefusalOf("a {}\n}\n"), HasSubstr("main.tf:2: a bracket closes that was not opened"));
  EXPECT_THAT(RefusalOf("a {\n b = 1 }\n"), HasSubstr("main.tf:2: an argument does not end where its line"));
  EXPECT_THAT(RefusalOf("a = (]\n"), HasSubstr("main.tf:1: a bracket closes that was not opened"));
  EXPECT_THAT(RefusalOf("a = \"${(}\"\n"), HasSubstr("a bracket closes"));
  EXPECT_THAT(RefusalOf("a = [1\n"), HasSubstr("a bracket is not closed"));
  EXPECT_THAT(RefusalOf("a = \"x\n\"\n"), HasSubstr("main.tf:1: a string goes over the end of its line"));
  EXPECT_THAT(RefusalOf("a = \"x"), HasSubstr("a string does not end"));
  EXPECT_THAT(RefusalOf("a = \"${x"), HasSubstr("a bracket is not closed"));
}

TEST(HclScannerTest, RefusesWhatIsNoArgumentAndNoBlock) {
  for (const std::string_view text : {"a\n",
                                      "a b\n",
                                      "\"a\" = 1\n",
                                      "a \"b\"\n{\n}\n",
                                      "a {} b {}\n",
                                      "a = 1 }\n",
                                      "a = \"x",
                                      "a =\n",
                                      "a = # b\n",
                                      "a { b {} }\n",
                                      "a { b = 1\n}\n",
                                      "= 1\n",
                                      "1 = 1\n",
                                      "a = 1; b = 2\n",
                                      "a = 'b'\n",
                                      "a = ~1\n",
                                      "a = b & c\n",
                                      "a \"${b}\" {}\n",
                                      "a = \"\\x\"\n",
                                      "a = \"\\u12\"\n",
                                      "a \"\\ud800\" {}\n",
                                      "(a) = 1\n",
                                      "a = 1\rb = 2\n",
                                      "a = \x01\n",
                                      "\x0b"
                                      "a = 1\n"}) {
    EXPECT_THAT(RefusalOf(text), HasSubstr("main.tf:1: ")) << text;
  }
}

TEST(HclScannerTest, RefusesWhatIsNotPlainUtf8) {
  for (const std::string_view text :
       {std::string_view("\n# \xff\n"), std::string_view("\n# \xc0\xaf\n"),
        std::string_view("\n# \xed\xa0\x80\n"), std::string_view("\n# \xf4\x90\x80\x80\n"),
        std::string_view("\n# \0\n", 5), std::string_view("\n# \xef\xbb\xbf\n"),
        std::string_view("\n\xe2\x82")}) {
    EXPECT_THAT(RefusalOf(text), HasSubstr("main.tf:2: is not plain UTF-8 text"));
  }
}

TEST(HclScannerTest, TakesNestingUpToItsLimit) {
  Limits limits;
  limits.bracket_depth = 10;
  const auto nested = [](int depth) {
    return "a = " + std::string(depth, '[') + std::string(depth, ']') + "\n";
  };
  Scan(nested(10), limits);
  EXPECT_THAT(RefusalOf(nested(11), limits), HasSubstr("nested too deeply"));
  limits = {};
  limits.block_depth = 2;
  Scan("a {\n b {\n }\n}\n", limits);
  EXPECT_THAT(RefusalOf("a {\n b {\n c {\n }\n }\n}\n", limits),
              HasSubstr("main.tf:3: blocks are nested too deeply"));
}

TEST(HclScannerTest, TakesAsManyBlocksValuesAndLettersAsItsLimits) {
  Limits limits;
  limits.blocks = 2;
  Scan("a {}\nb {}\n", limits);
  EXPECT_THAT(RefusalOf("a {}\nb {}\nc {}\n", limits), HasSubstr("main.tf:3: there are too many blocks"));
  limits = {};
  limits.configuration_values = 3;
  Scan("a = f()\nb = 1\n", limits);
  EXPECT_THAT(RefusalOf("a = f()\nb = g()\n", limits), HasSubstr("main.tf:2: there are too many values"));
  limits = {};
  limits.label_bytes = 3;
  Scan("a \"bcd\" {}\n", limits);
  EXPECT_THAT(RefusalOf("a \"bcde\" {}\n", limits), HasSubstr("main.tf:1: the label of a block is too long"));
}

// Each takes a moment when the time is linear, and minutes when it is not.
TEST(HclScannerTest, AnswersHostileTextsSoon) {
  const auto repeat = [](std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  for (const std::string_view opening : {"[", "{", "(", "\"${", "<<E\n${", "\"%{", "f(", "a {\n"}) {
    EXPECT_THAT(RefusalOf("a = " + repeat(opening, 100'000)), HasSubstr("main.tf:"));
  }
  for (const std::string_view text : {"${", "$", "\\\"", "$${", "%%{", " "}) {
    ScanHcl("a = \"" + repeat(text, 1'000'000), "main.tf", {}).IgnoreError();
    ScanHcl("a = <<E\n" + repeat(text, 1'000'000), "main.tf", {}).IgnoreError();
  }
  for (const std::string_view text :
       {"/*", "/**/", "<", "<<E\n", "#\n", "f(", "x.", "::", "a::", "file(\"", "-", "\n"}) {
    ScanHcl("a = " + repeat(text, 1'000'000), "main.tf", {}).IgnoreError();
    ScanHcl("a = [" + repeat(text, 1'000'000), "main.tf", {}).IgnoreError();
  }
  ScanHcl("a = <<E\n" + repeat("\u2003", 1'000'000), "main.tf", {}).IgnoreError();
  ScanHcl("a = <<E\n" + repeat("\u2003\n", 1'000'000), "main.tf", {}).IgnoreError();
}

TEST(HclScannerTest, TakesTheEmptyFile) {
  for (const std::string_view text : {"", "\n", "# a", "/* a */", "\r\n"}) {
    const ConfigurationSource source = Scan(text);
    EXPECT_THAT(source.blocks, SizeIs(1));
    EXPECT_THAT(source.attributes, IsEmpty());
  }
}

}  // namespace
}  // namespace countersign::terraform
