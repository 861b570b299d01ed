#include "core/terraform/msgpack.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOk;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A value with what it borrows from.
class Decoded {
 public:
  explicit Decoded(std::string bytes, const Limits& limits = Limits())
      : bytes_(std::move(bytes)),
        arena_(std::make_unique<ValueArena>(limits)),
        value_(DecodeMsgpack(bytes_, arena_.get(), limits, "tfplan: here")) {}

  const absl::Status& status() const { return value_.status(); }
  const Value& value() const { return *value_; }
  const ValueArena& arena() const { return *arena_; }
  std::string Json() const {
    if (!value_.ok()) return text::MessageOf(status());
    std::string json;
    WriteJson(*value_, &json);
    return json;
  }

 private:
  std::string bytes_;
  std::unique_ptr<ValueArena> arena_;
  absl::StatusOr<Value> value_;
};

// Hexadecimal digits in groups, with text between quotes as it is: "82 a1'a' c0".
std::string Bytes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (text::ConsumePrefix(&text, " ")) continue;
    if (text::ConsumePrefix(&text, "'")) {
      bytes.append(text.substr(0, text.find('\'')));
      text.remove_prefix(text.find('\'') + 1);
      continue;
    }
    bytes += absl::HexStringToBytes(text::ToAbsl(text.substr(0, 2)));
    text.remove_prefix(2);
  }
  return bytes;
}

// `value` with its type, as cty wraps it.
std::string Typed(std::string_view type, std::string_view value) {
  std::string bytes = "\x92\xc4";
  bytes.push_back(static_cast<char>(type.size()));
  return bytes.append(type).append(Bytes(value));
}

std::string JsonOf(std::string_view bytes) { return Decoded(Bytes(bytes)).Json(); }
std::string JsonOfTyped(std::string_view type, std::string_view value) {
  return Decoded(Typed(type, value)).Json();
}

void ExpectRefused(const std::string& bytes, std::string_view what) {
  const Decoded decoded(bytes);
  EXPECT_THAT(decoded.status(), HasReason(v1::PLAN_UNREADABLE)) << absl::BytesToHexString(bytes);
  EXPECT_THAT(decoded.status().message(), AllOf(HasSubstr("tfplan: here"), HasSubstr(std::string(what))))
      << absl::BytesToHexString(bytes);
}

TEST(MsgpackTest, DecodesWhatCtyWrites) {
  EXPECT_EQ(JsonOf("c0"), "null");
  EXPECT_EQ(JsonOf("c2"), "false");
  EXPECT_EQ(JsonOf("c3"), "true");
  EXPECT_EQ(JsonOf("a4'text'"), R"("text")");
  EXPECT_EQ(JsonOf("d9 05'texts'"), R"("texts")");
  EXPECT_EQ(JsonOf("90"), "[]");
  EXPECT_EQ(JsonOf("93 01 a1'b' c0"), R"([1,"b",null])");
  EXPECT_EQ(JsonOf("80"), "{}");
  EXPECT_EQ(JsonOf("82 a1'b' 01 a1'a' 02"), R"({"a":2,"b":1})");
  EXPECT_EQ(JsonOf("de 0001 a1'b' dc 0001 c3"), R"({"b":[true]})");
}

TEST(MsgpackTest, DecodesEveryFormOfANumber) {
  EXPECT_EQ(JsonOf("00"), "0");
  EXPECT_EQ(JsonOf("7f"), "127");
  EXPECT_EQ(JsonOf("e0"), "-32");
  EXPECT_EQ(JsonOf("ff"), "-1");
  EXPECT_EQ(JsonOf("cc ff"), "255");
  EXPECT_EQ(JsonOf("cd ffff"), "65535");
  EXPECT_EQ(JsonOf("ce ffffffff"), "4294967295");
  EXPECT_EQ(JsonOf("cf ffffffffffffffff"), "18446744073709551615");
  EXPECT_EQ(JsonOf("d0 80"), "-128");
  EXPECT_EQ(JsonOf("d1 8000"), "-32768");
  EXPECT_EQ(JsonOf("d2 80000000"), "-2147483648");
  EXPECT_EQ(JsonOf("d3 8000000000000000"), "-9223372036854775808");
  EXPECT_EQ(JsonOf("d3 7fffffffffffffff"), "9223372036854775807");
  EXPECT_EQ(JsonOf("ca 40200000"), "2.5");
  EXPECT_EQ(JsonOf("cb 4004000000000000"), "2.5");
  EXPECT_EQ(JsonOf("cb 43e0000000000000"), "9223372036854775808");
  EXPECT_EQ(JsonOf("cb 8000000000000000"), "0");
}

TEST(MsgpackTest, RefusesNumbersThatAreNotFinite) {
  ExpectRefused(Bytes("cb 7ff0000000000000"), "not finite");
  ExpectRefused(Bytes("cb fff0000000000000"), "not finite");
  ExpectRefused(Bytes("cb 7ff8000000000000"), "not finite");
  ExpectRefused(Bytes("ca 7f800000"), "not finite");
  ExpectRefused(Typed(R"("number")", "cb 7ff0000000000000"), "not finite");
}

TEST(MsgpackTest, KnowsUnknownValues) {
  EXPECT_EQ(Decoded(Bytes("d4 00 00")).value().kind(), Value::Kind::kUnknown);
  EXPECT_EQ(Decoded(Bytes("c7 03 0c 81 01 c2")).value().kind(), Value::Kind::kUnknown);
  EXPECT_EQ(Decoded(Bytes("c7 07 0c 82 01 c2 02 a2'ab'")).value().kind(), Value::Kind::kUnknown);
  EXPECT_EQ(Decoded(Bytes("c7 01 0c 80")).value().kind(), Value::Kind::kUnknown);
  EXPECT_EQ(Decoded(Bytes("c8 0001 0c 80")).value().kind(), Value::Kind::kUnknown);
  EXPECT_EQ(Decoded(Bytes("c9 00000001 0c 80")).value().kind(), Value::Kind::kUnknown);
  EXPECT_EQ(Decoded(Bytes("d4 0c 80")).value().kind(), Value::Kind::kUnknown);
  EXPECT_EQ(Decoded(Typed(R"("string")", "d4 00 00")).value().kind(), Value::Kind::kUnknown);
  EXPECT_EQ(Decoded(Typed(R"(["object",{"a":"number"}])", "c7 03 0c 81 01 c2")).value().kind(),
            Value::Kind::kUnknown);
  EXPECT_EQ(JsonOf("93 d4 00 00 c7 03 0c 81 01 c2 01"), "[null,null,1]");
}

TEST(MsgpackTest, RefusesEveryOtherExtension) {
  ExpectRefused(Bytes("d4 00 01"), "extension");
  ExpectRefused(Bytes("d4 01 00"), "extension");
  ExpectRefused(Bytes("d4 0d 80"), "extension");
  ExpectRefused(Bytes("d4 ff 00"), "extension");
  ExpectRefused(Bytes("d5 00 0000"), "extension");
  ExpectRefused(Bytes("d6 ff 00000000"), "extension");
  ExpectRefused(Bytes("d7 ff 0000000000000000"), "extension");
  ExpectRefused(Bytes("d8 02 00000000000000000000000000000000"), "extension");
  ExpectRefused(Bytes("c7 00 00"), "extension");
}

TEST(MsgpackTest, RefusesRefinementsThatAreNoMap) {
  ExpectRefused(Bytes("c7 01 0c c0"), "refinement that is no map");
  ExpectRefused(Bytes("c7 00 0c"), "ends too early");
  ExpectRefused(Bytes("c7 02 0c 80 80"), "goes on after its end");
  ExpectRefused(Bytes("c7 03 0c 82 01 c2"), "ends too early");
  ExpectRefused(Bytes("c7 03 0c 81 01 c1"), "begins no value");
  // What is missing in the map follows it.
  ExpectRefused(Bytes("92 c7 02 0c 81 01 c2"), "ends too early");
}

TEST(MsgpackTest, TakesTheTypeOffValuesThatComeWithIt) {
  EXPECT_EQ(JsonOfTyped(R"("string")", "a2'20'"), R"("20")");
  EXPECT_EQ(JsonOfTyped(R"("number")", "0a"), "10");
  EXPECT_EQ(JsonOfTyped(R"("bool")", "c3"), "true");
  EXPECT_EQ(JsonOfTyped(R"("number")", "c0"), "null");
  EXPECT_EQ(JsonOfTyped(R"(["list","string"])", "92 a1'a' a1'b'"), R"(["a","b"])");
  EXPECT_EQ(JsonOfTyped(R"(["set","bool"])", "91 c2"), "[false]");
  EXPECT_EQ(JsonOfTyped(R"(["map","number"])", "81 a1'a' a3'0.1'"), R"({"a":0.1})");
  EXPECT_EQ(JsonOfTyped(R"(["tuple",[]])", "90"), "[]");
  EXPECT_EQ(JsonOfTyped(R"(["object",{}])", "80"), "{}");
  EXPECT_EQ(JsonOfTyped(R"(["object",{"a":"string","b":["tuple",["number","string","dynamic"]]}])",
                        "82 a1'b' 93 a3'1.5' a3'1.5' c0 a1'a' a1'x'"),
            R"({"a":"x","b":[1.5,"1.5",null]})");
  EXPECT_EQ(JsonOfTyped(R"(["list",["map",["set","number"]]])", "91 81 a1'k' 91 a3'1e2'"),
            R"([{"k":[100]}])");
  // The attribute of a resource.
  EXPECT_EQ(Decoded(Bytes("82 a2'id' a1'x' a5'input'") + Typed(R"("number")", "a3'0.1'")).Json(),
            R"({"id":"x","input":0.1})");
}

TEST(MsgpackTest, MakesOneNumberOfAllItsSpellings) {
  const std::string zeros(30, '0');
  EXPECT_EQ(JsonOfTyped(R"("number")", "be '123456789012345678901234567890'"),
            "123456789012345678901234567890");
  EXPECT_EQ(JsonOfTyped(R"("number")", "a5'1e300'"), "1e300");
  EXPECT_EQ(JsonOfTyped(R"("number")", "d9 20'10" + zeros + "'"), "1" + zeros + "0");
  EXPECT_EQ(JsonOfTyped(R"("number")", "a4'0.10'"), "0.1");
  // Without a type nobody knows that it is a number.
  EXPECT_EQ(JsonOf("a4'0.10'"), R"("0.10")");
}

TEST(MsgpackTest, FindsAttributesByNamesThatAreEscaped) {
  EXPECT_EQ(JsonOfTyped(R"(["object",{"\"\\\/\b\f\n\r\t":"number"}])", "81 a8'\"\\/\b\f\n\r\t' 01"),
            "{\"\\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009\":1}");
  EXPECT_EQ(
      JsonOfTyped(R"(["object",{"\u003ca\u003E\ud83d\ude00":"number"}])", "81 a7'<a>\xf0\x9f\x98\x80' 01"),
      "{\"<a>\xf0\x9f\x98\x80\":1}");
}

TEST(MsgpackTest, RefusesValuesThatAreNotOfTheirType) {
  constexpr const char* kWhat = "not of the type";
  for (const std::string_view value : {"01", "c3", "90", "80", "cb 4004000000000000"}) {
    ExpectRefused(Typed(R"("string")", value), kWhat);
  }
  for (const std::string_view value :
       {"c3", "a1'x'", "a0", "a2'01'", "a3'0x1'", "a8'Infinity'", "a2'+1'", "90"}) {
    ExpectRefused(Typed(R"("number")", value), kWhat);
  }
  ExpectRefused(Typed(R"("bool")", "01"), kWhat);
  ExpectRefused(Typed(R"("bool")", "a4'true'"), kWhat);
  ExpectRefused(Typed(R"(["list","string"])", "80"), kWhat);
  ExpectRefused(Typed(R"(["list","string"])", "a1'a'"), kWhat);
  ExpectRefused(Typed(R"(["list","string"])", "92 a1'a' 01"), kWhat);
  ExpectRefused(Typed(R"(["map","string"])", "90"), kWhat);
  ExpectRefused(Typed(R"(["map","string"])", "81 a1'a' 01"), kWhat);
  ExpectRefused(Typed(R"(["tuple",["string"]])", "90"), kWhat);
  ExpectRefused(Typed(R"(["tuple",["string"]])", "92 a1'a' a1'b'"), kWhat);
  ExpectRefused(Typed(R"(["object",{"a":"string"}])", "80"), kWhat);
  ExpectRefused(Typed(R"(["object",{"a":"string"}])", "81 a1'b' a1'x'"), kWhat);
  ExpectRefused(Typed(R"(["object",{"a":"string"}])", "82 a1'a' a1'x' a1'b' a1'x'"), kWhat);
  ExpectRefused(Typed(R"(["tuple",["dynamic"]])", "91 01"), kWhat);
  ExpectRefused(Typed(R"(["tuple",["dynamic"]])", "91 92 01 02"), kWhat);
}

TEST(MsgpackTest, RefusesTypesThatCtyDoesNotWrite) {
  for (const std::string_view type : {
           "",
           "string",
           "\"strin\"",
           "\"string\" ",
           " \"string\"",
           "\"string\"\"string\"",
           "\"any\"",
           "\"String\"",
           "null",
           "{}",
           "[]",
           R"(["list"])",
           R"(["list",])",
           R"(["list","string")",
           R"(["list", "string"])",
           R"(["list","string","string"])",
           R"(["capsule","x"])",
           R"(["tuple","string"])",
           R"(["tuple",["string",]])",
           R"(["tuple",[,"string"]])",
           R"(["tuple",["string"])",
           R"(["object",{"a"}])",
           R"(["object",{"a":}])",
           R"(["object",{"a":"string",}])",
           R"(["object",{"a":"string"},["a"]])",
           R"(["object",{a:"string"}])",
           R"(["object",{"a":"string","a":"string"}])",
           R"(["object",{"b":"string","a":"string"}])",
           R"(["object",{"a)",
           R"(["object",{"a\)",
           R"(["object",{"\x":"string"}])",
           R"(["object",{"\u00":"string"}])",
           R"(["object",{"\ud800":"string"}])",
           R"(["object",{"\udc00":"string"}])",
           R"(["object",{"\ud800\u0041":"string"}])",
           "[\"object\",{\"\n\":\"string\"}]",
           "[\"object\",{\"\\t\x01\":\"string\"}]",
           "[\"object\",{\"\xff\":\"string\"}]",
       }) {
    ExpectRefused(Typed(type, "c0"), "a type that is none");
  }
}

TEST(MsgpackTest, RefusesBinaryDataThatIsNoType) {
  ExpectRefused(Bytes("c4 01 00"), "binary data");
  ExpectRefused(Bytes("c5 0001 00"), "binary data");
  ExpectRefused(Bytes("c6 00000001 00"), "binary data");
  ExpectRefused(Bytes("91 c4 08 '\"string\"'"), "binary data");
  ExpectRefused(Bytes("93 c4 08 '\"string\"' a1'x' a1'y'"), "binary data");
  ExpectRefused(Bytes("92 a1'x' c4 08 '\"string\"'"), "binary data");
  ExpectRefused(Bytes("81 c4 01'a' c0"), "name is not a text");
  ExpectRefused(Typed(R"("string")", "c4 01'a'"), "binary data");
  ExpectRefused(Typed(R"(["list","string"])", "92 c4 08 '\"string\"' a1'x'"), "binary data");
}

// Terraform's decoder takes a string for binary data, so to it this may be a value with its type.
TEST(MsgpackTest, RefusesAListThatCouldBeAValueWithItsType) {
  ExpectRefused(Bytes("92 a8'\"string\"' a1'x'"), "could be taken for");
  ExpectRefused(Bytes("92 b1 '[\"list\",\"string\"]' 90"), "could be taken for");
  EXPECT_EQ(JsonOf("92 a6'string' a1'x'"), R"(["string","x"])");
  EXPECT_EQ(JsonOf("92 a1'\"' a1'x'"), R"(["\"","x"])");
  EXPECT_EQ(JsonOf("93 a8'\"string\"' a1'x' a1'y'"), R"(["\"string\"","x","y"])");
  EXPECT_EQ(JsonOfTyped(R"(["list","string"])", "92 a8'\"string\"' a1'x'"), R"(["\"string\"","x"])");
}

TEST(MsgpackTest, RefusesMembersWhoseNamesAreTwiceThereOrNoText) {
  ExpectRefused(Bytes("82 a1'a' 01 a1'a' 01"), "a member twice");
  ExpectRefused(Bytes("83 a1'a' 01 a1'b' 01 d9 01'a' 02"), "a member twice");
  ExpectRefused(Typed(R"(["map","number"])", "82 a1'a' 01 a1'a' 01"), "a member twice");
  ExpectRefused(Typed(R"(["object",{"a":"number","b":"number"}])", "82 a1'a' 01 a1'a' 01"), "a member twice");
  ExpectRefused(Bytes("81 01 01"), "name is not a text");
  ExpectRefused(Bytes("81 c0 01"), "name is not a text");
}

TEST(MsgpackTest, RefusesTextsThatAreNotUtf8) {
  ExpectRefused(Bytes("a1 ff"), "not UTF-8");
  ExpectRefused(Bytes("a2 c080"), "not UTF-8");
  ExpectRefused(Bytes("a3 eda080"), "not UTF-8");
  ExpectRefused(Bytes("81 a1 80 01"), "not UTF-8");
}

TEST(MsgpackTest, RefusesWhatEndsTooEarlyOrLate) {
  for (const std::string_view bytes : {"",
                                       "a1",
                                       "a2'a'",
                                       "d9",
                                       "d9 01",
                                       "da 00",
                                       "db 000001",
                                       "91",
                                       "92 01",
                                       "81",
                                       "81 a1'a'",
                                       "dc",
                                       "dc 0001",
                                       "dd ffffffff",
                                       "de ffff",
                                       "df ffffffff",
                                       "ca 000000",
                                       "cb",
                                       "cc",
                                       "cf 00000000000000",
                                       "d0",
                                       "d3 00",
                                       "d4",
                                       "d4 00",
                                       "d8 00 00",
                                       "c7",
                                       "c7 01",
                                       "c7 01 00",
                                       "c7 02 0c 80",
                                       "c8 00",
                                       "c9 ffffffff 0c",
                                       "c4 01",
                                       "db ffffffff 00"}) {
    ExpectRefused(Bytes(bytes), "ends too early");
  }
  ExpectRefused(Bytes("c0 c0"), "goes on after its end");
  ExpectRefused(Bytes("90 00"), "goes on after its end");
  ExpectRefused(Typed(R"("number")", "01 01"), "goes on after its end");
  ExpectRefused(Bytes("c1"), "begins no value");
}

TEST(MsgpackTest, SaysAtWhichByte) {
  ExpectRefused(Bytes("93 01 02 c1"), "at byte 4");
  ExpectRefused(Bytes("92 01 c7 02 0c 81 01"), "at byte 6");
}

TEST(MsgpackTest, DecodesAsDeepAsTheLimitAndNoDeeper) {
  Limits limits;
  limits.value_depth = 5;
  EXPECT_THAT(Decoded(Bytes("91 91 91 91 01"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Bytes("91 91 91 91 91 01"), limits).status().message(), HasSubstr("nested too deeply"));
  EXPECT_THAT(Decoded(Bytes("81 a0 81 a0 81 a0 81 a0 c0"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Bytes("81 a0 81 a0 81 a0 81 a0 81 a0 c0"), limits).status().message(),
              HasSubstr("nested too deeply"));
  // A type, and what is said about an unknown value.
  EXPECT_THAT(Decoded(Typed(R"(["list",["list",["list",["list","bool"]]]])", "c0"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Typed(R"(["list",["list",["list",["list",["list","bool"]]]]])", "c0"), limits)
                  .status()
                  .message(),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(Decoded(Bytes("c7 06 0c 81 01 91 91 91 01"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Bytes("c7 07 0c 81 01 91 91 91 91 01"), limits).status().message(),
              HasSubstr("nested too deeply"));
  // A value with its type stands one deeper than without.
  EXPECT_THAT(Decoded(Typed(R"(["list",["list",["list","bool"]]])", "91 91 91 c2"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Typed(R"(["list",["list",["list",["list","bool"]]]])", "91 91 91 91 c2"), limits)
                  .status()
                  .message(),
              HasSubstr("nested too deeply"));
}

TEST(MsgpackTest, RefusesDepthBombsOfEveryKind) {
  for (const std::string_view level : {"91", "81 a0", "92 c4 09'\"dynamic\"'", "92 01"}) {
    std::string bomb;
    const std::string bytes = Bytes(level);
    while (bomb.size() < (2u << 20)) bomb += bytes;
    EXPECT_THAT(Decoded(bomb).status(), HasReason(v1::PLAN_UNREADABLE)) << level;
  }
  std::string type;
  for (int i = 0; i < 200'000; ++i) type += R"(["list",)";
  std::string bytes = Bytes("92 c6");
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(type.size() >> shift));
  EXPECT_THAT(Decoded(bytes + type + "\xc0").status().message(), HasSubstr("nested too deeply"));
}

TEST(MsgpackTest, ChargesNodesBeforeItAllocatesThem) {
  Limits limits;
  limits.value_nodes = 5;
  EXPECT_THAT(Decoded(Bytes("95 01 02 03 04 05"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Bytes("96 01 02 03 04 05 06"), limits).status().message(), HasSubstr("more values"));
  EXPECT_THAT(Decoded(Bytes("82 a1'a' 92 01 02 a1'b' 91 01"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Bytes("82 a1'a' 92 01 02 a1'b' 92 01 02"), limits).status().message(),
              HasSubstr("more values"));
  // A type costs nodes too.
  limits.value_nodes = 8;
  EXPECT_THAT(Decoded(Typed(R"(["list","bool"])", "90"), limits).status(), IsOk());
  limits.value_nodes = 7;
  EXPECT_THAT(Decoded(Typed(R"(["list","bool"])", "90"), limits).status().message(),
              HasSubstr("more values"));
}

TEST(MsgpackTest, ChargesTheTextsThatItCopies) {
  Limits limits;
  limits.value_text_bytes = 3;
  EXPECT_THAT(Decoded(Bytes("91 cc ff"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Bytes("91 cd ffff"), limits).status().message(), HasSubstr("more values"));
  EXPECT_THAT(Decoded(Bytes("a4'text'"), limits).status(), IsOk());
  EXPECT_THAT(Decoded(Typed(R"(["object",{"\u0061bc":"bool"}])", "81 a3'abc' c3"), limits).status(), IsOk());
  EXPECT_THAT(
      Decoded(Typed(R"(["object",{"\u0061bcd":"bool"}])", "81 a4'abcd' c3"), limits).status().message(),
      HasSubstr("more values"));
}

TEST(MsgpackTest, BelievesNoLengthThatIsNotThere) {
  const Limits limits;
  const Decoded decoded(Bytes("dd 00ffffff 01"), limits);
  EXPECT_THAT(decoded.status(), HasReason(v1::PLAN_UNREADABLE));
  EXPECT_EQ(decoded.arena().nodes_left(), limits.value_nodes);
}

TEST(MsgpackTest, BorrowsTextsFromTheBytes) {
  const std::string bytes = Bytes("81 a1'a' a4'text'");
  ValueArena arena{Limits()};
  const auto value = DecodeMsgpack(bytes, &arena, Limits(), "here");
  ASSERT_THAT(value, IsOk());
  EXPECT_EQ(value->Find("a")->text().data(), bytes.data() + 4);
}

TEST(MsgpackTest, SortsManyMembersInLittleTime) {
  std::string bytes = Bytes("df 00030d40");
  for (int i = 200'000; i > 0; --i) {
    const std::string name = absl::StrCat(1'000'000'000 + i * 7919 % 1'000'003);
    bytes += "\xaa" + name + "\x01";
  }
  const Decoded decoded(bytes);
  ASSERT_THAT(decoded.status(), IsOk());
  EXPECT_EQ(decoded.value().members().size(), 200'000u);
}

}  // namespace
}  // namespace countersign::terraform
