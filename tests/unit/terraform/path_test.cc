#include "core/terraform/path.h"

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/terraform/value.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOk;
using ::testing::HasSubstr;

std::string Quoted(std::string_view key) {
  std::string text;
  AppendQuotedKey(key, &text);
  return text;
}

TEST(QuotedKeyTest, IsWhatTerraformWrites) {
  // Each pair as `terraform state list` of 1.11.4 prints the key.
  const std::pair<std::string_view, std::string_view> keys[] = {
      {"", R"("")"},
      {"a b", R"("a b")"},
      {"a/b", R"("a/b")"},
      {"<&>", R"("<&>")"},
      {"q\"uote", R"("q\"uote")"},
      {"back\\slash", R"("back\\slash")"},
      {"line\nend", R"("line\nend")"},
      {"tab\t", R"("tab\t")"},
      {"cr\r", R"("cr\r")"},
      {"\x01", R"("\u0001")"},
      {"\x7f", R"("\u007f")"},
      {"\xc2\x85", R"("\u0085")"},
      {"\xc2\xa0", R"("\u00a0")"},
      {"\xc2\xad", R"("\u00ad")"},
      {"\xe2\x80\x8b", R"("\u200b")"},
      {"\xe2\x80\xa8", R"("\u2028")"},
      {"\xe2\x80\xae", R"("\u202e")"},
      {"\xee\x80\x80", R"("\ue000")"},
      {"\xf3\xa0\x81\x81", R"("\U000e0041")"},
      {"\xf4\x8f\xbf\xbf", R"("\U0010ffff")"},
      {"ключ", R"("ключ")"},
      {"e\xcc\x81", "\"e\xcc\x81\""},
      {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
      {"\xf0\x9f\xab\xa8", "\"\xf0\x9f\xab\xa8\""},
      {"$", R"("$")"},
      {"$$", R"("$$")"},
      {"%", R"("%")"},
      {"a${x}", R"("a$${x}")"},
      {"a%{x}", R"("a%%{x}")"},
      {"$${", R"("$$${")"},
      {"$x{", R"("$x{")"},
  };
  for (const auto& [key, text] : keys) EXPECT_EQ(Quoted(key), text);
}

TEST(QuotedKeyTest, ShowsBytesThatAreNoTextAsReplacements) {
  EXPECT_EQ(Quoted("a\xff"), R"("a\ufffd")");
  EXPECT_EQ(Quoted("\xc0\x80"), R"("\ufffd\ufffd")");
  EXPECT_EQ(Quoted("\xe2\x80"), R"("\ufffd\ufffd")");
  EXPECT_EQ(Quoted("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Quoted("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Quoted("\xef\xbf\xbd"), "\"\xef\xbf\xbd\"") << "a replacement character that was there";
}

TEST(QuotedKeyTest, IsReadBack) {
  for (const std::string_view key :
       {"", "a b", "q\"\\\n\r\t\x01", "${x}%{y}$$${", "ключ", "\xe2\x80\xae", "$", "%"}) {
    const std::string quoted = Quoted(key);
    std::string_view rest = quoted;
    EXPECT_TRUE(ConsumeQuotedKey(&rest)) << quoted;
    EXPECT_EQ(rest, "");
    const std::string longer = quoted + "] x";
    rest = longer;
    EXPECT_TRUE(ConsumeQuotedKey(&rest)) << quoted;
    EXPECT_EQ(rest, "] x");
  }
}

TEST(QuotedKeyTest, IsReadInNoOtherSpelling) {
  for (const std::string_view text : {"",
                                      "a",
                                      R"(")",
                                      R"("a)",
                                      R"("\")",
                                      R"("a\x")",
                                      R"("\u0061")",
                                      R"("\u000a")",
                                      R"("\u007F")",
                                      R"("\u12")",
                                      R"("\ud800")",
                                      R"("\U00000061")",
                                      R"("\U0000e000")",
                                      R"("\U00110000")",
                                      R"("${a}")",
                                      R"("%{a}")",
                                      "\"\n\"",
                                      "\"\xe2\x80\xae\"",
                                      "\"\xff\"",
                                      "\"\xed\xa0\x80\""}) {
    std::string_view rest = text;
    EXPECT_FALSE(ConsumeQuotedKey(&rest)) << text;
    EXPECT_EQ(rest, text);
  }
}

TEST(QuotedKeyTest, MayEscapeWhatOtherVersionsOfUnicodeKnow) {
  for (const std::string_view text : {R"("\u0378")", R"("\U0001fadf")", R"("\u007f")"}) {
    std::string_view rest = text;
    EXPECT_TRUE(ConsumeQuotedKey(&rest)) << text;
  }
}

TEST(NameTest, EndsWhereNoNameGoesOn) {
  const std::pair<std::string_view, std::string_view> names[] = {
      {"a", ""}, {"_a-1.b", ".b"}, {"Z9[0]", "[0]"}, {"имя-1 x", " x"}, {"a\xe2\x80\xae", "\xe2\x80\xae"}};
  for (const auto& [text, rest_wanted] : names) {
    std::string_view rest = text;
    EXPECT_TRUE(ConsumeName(&rest)) << text;
    EXPECT_EQ(rest, rest_wanted);
  }
  for (const std::string_view text : {"", "1a", "-a", ".", "\"a\"", "\xff", " a"}) {
    std::string_view rest = text;
    EXPECT_FALSE(ConsumeName(&rest)) << text;
    EXPECT_EQ(rest, text);
  }
}

TEST(PathTextTest, ReadsLikeTheConfiguration) {
  EXPECT_EQ(ToText({}), "");
  EXPECT_EQ(ToText(Path{PathStep::Attribute("id")}), "id");
  EXPECT_EQ(
      ToText(Path{PathStep::Attribute("ingress"), PathStep::Index(0), PathStep::Attribute("cidr_blocks")}),
      "ingress[0].cidr_blocks");
  EXPECT_EQ(ToText(Path{PathStep::Attribute("tags"), PathStep::Key("a b")}), R"(tags["a b"])");
  EXPECT_EQ(ToText(Path{PathStep::Attribute("tags"), PathStep::Key("plain")}), R"(tags["plain"])");
}

TEST(PathTextTest, QuotesAttributesThatAreNoPlainNames) {
  EXPECT_EQ(ToText(Path{PathStep::Attribute("input"), PathStep::Attribute("a b")}), R"(input["a b"])");
  EXPECT_EQ(ToText(Path{PathStep::Attribute("0"), PathStep::Attribute("")}), R"(["0"][""])");
  EXPECT_EQ(ToText(Path{PathStep::Attribute("\x1b[2J")}), R"(["\u001b[2J"])");
}

TEST(PathTrieTest, IsEmptyAtFirst) {
  const PathTrie trie(Limits(), "paths");
  EXPECT_FALSE(trie.root()->marked());
  EXPECT_FALSE(HasMark(*trie.root()));
  EXPECT_EQ(trie.root()->Child("a"), nullptr);
  EXPECT_EQ(trie.root()->Child(0), nullptr);
}

TEST(PathTrieTest, LeadsToWhatWasMarked) {
  PathTrie trie(Limits(), "paths");
  ASSERT_OK(
      trie.Insert(Path{PathStep::Attribute("list"), PathStep::Index(1), PathStep::Attribute("secret")}));
  ASSERT_OK(trie.Insert(Path{PathStep::Attribute("tags"), PathStep::Key("k")}));
  const PathTrie::Node* const list = trie.root()->Child("list");
  ASSERT_NE(list, nullptr);
  EXPECT_FALSE(list->marked());
  EXPECT_TRUE(HasMark(*list));
  EXPECT_EQ(list->Child(0), nullptr);
  EXPECT_EQ(list->Child("1"), nullptr) << "an index is no key";
  const PathTrie::Node* const secret = list->Child(1)->Child("secret");
  ASSERT_NE(secret, nullptr);
  EXPECT_TRUE(secret->marked());
  EXPECT_TRUE(HasMark(*secret));
  EXPECT_TRUE(trie.root()->Child("tags")->Child("k")->marked());
}

TEST(PathTrieTest, TakesAttributesAndKeysOfOneNameForTheSame) {
  PathTrie trie(Limits(), "paths");
  ASSERT_OK(trie.Insert(Path{PathStep::Attribute("a"), PathStep::Key("b")}));
  ASSERT_OK(trie.Insert(Path{PathStep::Key("a"), PathStep::Attribute("c")}));
  EXPECT_TRUE(trie.root()->Child("a")->Child("b")->marked());
  EXPECT_TRUE(trie.root()->Child("a")->Child("c")->marked());
}

TEST(PathTrieTest, KeepsBothAMarkAndTheMarksBelowIt) {
  PathTrie trie(Limits(), "paths");
  ASSERT_OK(trie.Insert(Path{PathStep::Attribute("a"), PathStep::Attribute("b")}));
  ASSERT_OK(trie.Insert(Path{PathStep::Attribute("a")}));
  EXPECT_TRUE(trie.root()->Child("a")->marked());
  EXPECT_TRUE(trie.root()->Child("a")->Child("b")->marked());
  ASSERT_OK(trie.Insert({}));
  EXPECT_TRUE(trie.root()->marked());
}

TEST(PathTrieTest, OutlivesTheNamesAndSurvivesAMove) {
  PathTrie trie(Limits(), "paths");
  {
    const std::string name(100, 'x');
    ASSERT_OK(trie.Insert(Path{PathStep::Attribute(name)}));
  }
  const PathTrie moved = std::move(trie);
  EXPECT_TRUE(moved.root()->Child(std::string(100, 'x'))->marked());
}

TEST(PathTrieTest, HoldsAsManyStepsAsTheLimit) {
  Limits limits;
  limits.path_steps = 3;
  PathTrie trie(limits, "tfplan: resource_changes[3]");
  EXPECT_OK(trie.Insert(Path{PathStep::Attribute("a"), PathStep::Index(0)}));
  EXPECT_OK(trie.Insert(Path{PathStep::Attribute("a")}));
  const absl::Status refused = trie.Insert(Path{PathStep::Attribute("b")});
  EXPECT_THAT(refused, HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("tfplan: resource_changes[3]: "));
  EXPECT_EQ(trie.root()->Child("b"), nullptr);
}

TEST(PathTrieTest, HoldsPathsAsLongAsTheLimit) {
  Limits limits;
  limits.value_depth = 5;
  PathTrie trie(limits, "paths");
  EXPECT_OK(trie.Insert(Path(5, PathStep::Index(0))));
  EXPECT_THAT(trie.Insert(Path(6, PathStep::Index(0))), HasReason(v1::PLAN_UNREADABLE));
}

// Comparing each path with each attribute would be 400 million steps, some seconds.
TEST(PathTrieTest, WalksManyPathsAndManyAttributesAtOnce) {
  constexpr int kCount = 20'000;
  const auto start = std::chrono::steady_clock::now();
  PathTrie trie(Limits(), "paths");
  for (int i = 0; i < kCount; ++i) {
    ASSERT_THAT(trie.Insert(Path{PathStep::Attribute("root"), PathStep::Key(absl::StrCat("attribute", i))}),
                IsOk());
  }
  int marked = 0;
  const PathTrie::Node* const root = trie.root()->Child("root");
  for (int i = 0; i < 2 * kCount; ++i) {
    const PathTrie::Node* const child = root->Child(absl::StrCat("attribute", i));
    if (child != nullptr && child->marked()) ++marked;
  }
  EXPECT_EQ(marked, kCount);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace countersign::terraform
