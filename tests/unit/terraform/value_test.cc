#include "core/terraform/value.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/terraform/utf8.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

std::string Json(const Value& value) {
  std::string json;
  WriteJson(value, &json);
  return json;
}

TEST(CanonicalNumberTest, GivesEverySpellingOfANumberTheSameText) {
  const std::pair<std::string_view, std::string_view> kRows[] = {
      {"0", "0"},
      {"-0", "0"},
      {"0.000", "0"},
      {"0e5", "0"},
      {"1", "1"},
      {"-1", "-1"},
      {"1.0", "1"},
      {"10e-1", "1"},
      {"0.1e+1", "1"},
      {"1E2", "100"},
      {"0.10", "0.1"},
      {"-2.50", "-2.5"},
      {"1e-3", "0.001"},
      {"123456789012345678901234567890", "123456789012345678901234567890"},
      {"1e39", "1000000000000000000000000000000000000000"},
      {"1e40", "1e40"},
      {"1e300", "1e300"},
      {"100e298", "1e300"},
      {"1.5e300", "1.5e300"},
      {"1e-300", "1e-300"},
      {"0.1e-299", "1e-300"},
  };
  for (const auto& [text, canonical] : kRows) {
    EXPECT_EQ(CanonicalNumber(text), canonical) << text;
    EXPECT_EQ(CanonicalNumber(CanonicalNumber(text)), canonical) << text;
  }
  EXPECT_EQ(CanonicalNumber("1" + std::string(300, '0')), "1e300");
}

TEST(CanonicalNumberTest, LeavesAnExponentThatNobodyHasAsItIs) {
  EXPECT_EQ(CanonicalNumber("1e1000000"), "1e1000000");
  EXPECT_EQ(CanonicalNumber("-10e1000001"), "-10e1000001");
  EXPECT_EQ(CanonicalNumber("1e99999999999999999999"), "1e99999999999999999999");
}

TEST(CanonicalNumberTest, HasAllTheDigitsThatADoubleHolds) {
  EXPECT_EQ(CanonicalNumber(0.0), "0");
  EXPECT_EQ(CanonicalNumber(-0.0), "0");
  EXPECT_EQ(CanonicalNumber(2.5), "2.5");
  EXPECT_EQ(CanonicalNumber(-1e15), "-1000000000000000");
  EXPECT_EQ(CanonicalNumber(9223372036854775808.0), "9223372036854775808");
  EXPECT_EQ(CanonicalNumber(0.1), "1.000000000000000055511151231257827021181583404541015625e-1");
  EXPECT_EQ(CanonicalNumber(std::ldexp(1, -60)), "8.67361737988403547205962240695953369140625e-19");
  const std::string least = CanonicalNumber(std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(least.size(), 1 + 1 + 750 + std::string_view("e-324").size());
  EXPECT_TRUE(IsNumberText(CanonicalNumber(std::numeric_limits<double>::max())));
}

TEST(IsNumberTextTest, AcceptsWhatRfc8259Does) {
  for (const std::string_view text : {"0", "-0", "10", "0.5", "-1.25e10", "1E+2", "1e-2", "0e0"}) {
    EXPECT_TRUE(IsNumberText(text)) << text;
  }
  for (const std::string_view text : {"", "-", "+1", "01", "-01", ".5", "1.", "1e", "1e+", "1 ", " 1", "0x1",
                                      "Infinity", "NaN", "1_000", "1.2.3", "1e2.5", "--1"}) {
    EXPECT_FALSE(IsNumberText(text)) << text;
  }
}

TEST(IsSameTest, ComparesByContent) {
  const Value one[] = {Value::Number("1"), Value::String("a")};
  const Value other[] = {Value::Number("1"), Value::String("b")};
  const Member members[] = {{"a", Value::Boolean(true)}, {"b", Value::Unknown()}};
  const Member renamed[] = {{"a", Value::Boolean(true)}, {"c", Value::Unknown()}};
  EXPECT_TRUE(IsSame(Value(), Value()));
  EXPECT_TRUE(IsSame(Value::Unknown(), Value::Unknown()));
  EXPECT_FALSE(IsSame(Value::Unknown(), Value()));
  EXPECT_FALSE(IsSame(Value::Boolean(true), Value::Boolean(false)));
  EXPECT_TRUE(IsSame(Value::Sequence(one), Value::Sequence(one)));
  EXPECT_FALSE(IsSame(Value::Sequence(one), Value::Sequence(other)));
  EXPECT_FALSE(IsSame(Value::Sequence(one), Value::Sequence({one, 1})));
  EXPECT_TRUE(IsSame(Value::Mapping(members), Value::Mapping(members)));
  EXPECT_FALSE(IsSame(Value::Mapping(members), Value::Mapping(renamed)));
  EXPECT_FALSE(IsSame(Value::Mapping({}), Value::Sequence({})));
}

TEST(IsSameTest, TakesAStringForTheNumberThatItSpells) {
  const std::string plain = "1" + std::string(300, '0');
  EXPECT_TRUE(IsSame(Value::Number("1e300"), Value::String("1e300")));
  EXPECT_TRUE(IsSame(Value::Number("1e300"), Value::String(plain)));
  EXPECT_TRUE(IsSame(Value::String("1e+300"), Value::Number("1e300")));
  EXPECT_TRUE(IsSame(Value::Number("0.1"), Value::String("0.10")));
  EXPECT_FALSE(IsSame(Value::Number("0.1"), Value::String("0.11")));
  EXPECT_FALSE(IsSame(Value::Number("0"), Value::String("")));
  EXPECT_FALSE(IsSame(Value::Number("1"), Value::String("01")));
}

TEST(IsSameTest, TakesNoStringForAnotherString) {
  EXPECT_TRUE(IsSame(Value::String("1.0"), Value::String("1.0")));
  EXPECT_FALSE(IsSame(Value::String("1.0"), Value::String("1")));
}

TEST(WriteJsonTest, EscapesWhatJsonCannotHold) {
  EXPECT_EQ(Json(Value::String("a\"b\\c\n\x01 \xd0\xba")), "\"a\\\"b\\\\c\\u000a\\u0001 \xd0\xba\"");
  const Member members[] = {{"a\"", Value::Number("1e300")}, {"b", Value::Unknown()}};
  EXPECT_EQ(Json(Value::Mapping(members)), R"({"a\"":1e300,"b":null})");
  const Value elements[] = {Value(), Value::Boolean(false), Value::Sequence({})};
  EXPECT_EQ(Json(Value::Sequence(elements)), "[null,false,[]]");
}

TEST(WriteJsonTest, EscapesAtEveryPlaceOfATextAndNothingElse) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    std::string escaped(1, c);
    if (byte < 0x20) escaped = absl::StrCat("\\u00", absl::Hex(byte, absl::kZeroPad2));
    if (c == '"' || c == '\\') escaped.insert(0, 1, '\\');
    for (size_t at = 0; at < 20; ++at) {
      std::string text(20, '\x7f');
      text[at] = c;
      const std::string expected = text::Concat(text.substr(0, at), escaped, text.substr(at + 1));
      EXPECT_EQ(Json(Value::String(text)), text::Concat("\"", expected, "\""));
    }
  }
}

TEST(FirstInvalidUtf8Test, SaysWhereWhateverStandsBefore) {
  const std::string wrong[] = {"\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xd0"};
  for (size_t before = 0; before < 20; ++before) {
    for (const std::string& bytes : wrong) {
      EXPECT_EQ(FirstInvalidUtf8(text::Concat(std::string(before, 'x'), bytes, "yyyyyyyyyy")), before);
      EXPECT_EQ(FirstInvalidUtf8(text::Concat(std::string(before, 'x'), bytes)), before);
    }
    const std::string valid = text::Concat(std::string(before, 'x'), "\xd0\xba", "yyyyyyyyyy");
    EXPECT_EQ(FirstInvalidUtf8(valid), std::string_view::npos);
  }
}

TEST(ValueTest, FindsMembersByName) {
  const Member members[] = {{"a", Value::Number("1")}, {"b", Value::Number("2")}};
  const Value mapping = Value::Mapping(members);
  ASSERT_NE(mapping.Find("b"), nullptr);
  EXPECT_EQ(mapping.Find("b")->text(), "2");
  EXPECT_EQ(mapping.Find("c"), nullptr);
  EXPECT_EQ(Value::String("a").Find("a"), nullptr);
}

TEST(ValueArenaTest, GivesOutAsManyNodesAsTheLimitAndNoMore) {
  Limits limits;
  limits.value_nodes = 5;
  ValueArena arena(limits);
  EXPECT_NE(arena.AllocateElements(2), nullptr);
  EXPECT_NE(arena.AllocateMembers(2), nullptr);
  EXPECT_TRUE(arena.Charge(1));
  EXPECT_NE(arena.AllocateElements(0), nullptr);
  EXPECT_EQ(arena.nodes_left(), 0u);
  EXPECT_FALSE(arena.Charge(1));
  EXPECT_EQ(arena.AllocateElements(1), nullptr);
}

TEST(ValueArenaTest, GivesOutNothingMoreOnceItWasAskedForTooMuch) {
  Limits limits;
  limits.value_nodes = 5;
  ValueArena arena(limits);
  EXPECT_EQ(arena.AllocateMembers(6), nullptr);
  EXPECT_EQ(arena.AllocateElements(1), nullptr);
}

TEST(ValueArenaTest, CopiesAsMuchTextAsTheLimitAndNoMore) {
  Limits limits;
  limits.value_text_bytes = 4;
  ValueArena arena(limits);
  EXPECT_EQ(arena.CopyText("abcd"), "abcd");
  EXPECT_NE(arena.CopyText("").data(), nullptr);
  EXPECT_EQ(arena.CopyText("e").data(), nullptr);
}

}  // namespace
}  // namespace countersign::terraform
