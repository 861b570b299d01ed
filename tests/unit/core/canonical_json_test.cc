#include "core/digest/canonical_json.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace countersign::digest {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOkAndHolds;

absl::StatusOr<std::string> WriteString(std::string_view text) { return CanonicalJson::String(text).Write(); }

TEST(CanonicalJsonTest, WritesEveryKindOfValueWithoutWhiteSpace) {
  CanonicalJson list = CanonicalJson::Strings(std::vector<std::string>{"a", "b"});
  list.Append(CanonicalJson::Boolean(true));
  list.Append(CanonicalJson::Boolean(false));
  list.Append(CanonicalJson::Array());
  list.Append(CanonicalJson::Object());
  EXPECT_THAT(CanonicalJson::Object({{"n", CanonicalJson::Integer(-3)}, {"list", list}}).Write(),
              IsOkAndHolds(R"({"list":["a","b",true,false,[],{}],"n":-3})"));
}

TEST(CanonicalJsonTest, EscapesWhatItMustAndNothingElse) {
  EXPECT_THAT(WriteString("\"\\/\b\t\n\f\r"), IsOkAndHolds(R"("\"\\/\b\t\n\f\r")"));
  EXPECT_THAT(WriteString(std::string("\0\x01\x0b\x1f", 4)), IsOkAndHolds(R"("\u0000\u0001\u000b\u001f")"));
  EXPECT_THAT(WriteString("\x7f é \u2028 \U0001F600 <>&'"),
              IsOkAndHolds("\"\x7f é \u2028 \U0001F600 <>&'\""));
}

// The example of RFC 8785, section 3.2.3: the emoji (a surrogate pair, D83D DE00) comes before U+FB33,
// although its UTF-8 bytes and its code point come after.
TEST(CanonicalJsonTest, SortsNamesByUtf16CodeUnits) {
  CanonicalJson object = CanonicalJson::Object();
  for (const char* name : {"\u20ac", "\r", "\ufb33", "1", "\U0001F600", "\u0080", "\u00f6"}) {
    object.Set(name, CanonicalJson::Boolean(true));
  }
  EXPECT_THAT(object.Write(),
              IsOkAndHolds("{\"\\r\":true,\"1\":true,\"\u0080\":true,\"\u00f6\":true,\"\u20ac\":true,"
                           "\"\U0001F600\":true,\"\ufb33\":true}"));
}

TEST(CanonicalJsonTest, SortsThePlanesAboveTheBasicOneByTheirSurrogates) {
  EXPECT_THAT(CanonicalJson::Object({{"\ue000", CanonicalJson::Integer(4)},
                                     {"\U0010FFFF", CanonicalJson::Integer(3)},
                                     {"\U00010001", CanonicalJson::Integer(2)},
                                     {"\ud7ff", CanonicalJson::Integer(1)}})
                  .Write(),
              IsOkAndHolds("{\"\ud7ff\":1,\"\U00010001\":2,\"\U0010FFFF\":3,\"\ue000\":4}"));
}

TEST(CanonicalJsonTest, APrefixSortsBeforeTheLongerName) {
  EXPECT_THAT(CanonicalJson::Object({{"ab", CanonicalJson::Integer(2)},
                                     {"a", CanonicalJson::Integer(1)},
                                     {"", CanonicalJson::Integer(0)}})
                  .Write(),
              IsOkAndHolds(R"({"":0,"a":1,"ab":2})"));
}

TEST(CanonicalJsonTest, TakesIntegersUpToTheEdge) {
  EXPECT_THAT(CanonicalJson::Integer(0).Write(), IsOkAndHolds("0"));
  EXPECT_THAT(CanonicalJson::Integer(9007199254740991).Write(), IsOkAndHolds("9007199254740991"));
  EXPECT_THAT(CanonicalJson::Integer(-9007199254740991).Write(), IsOkAndHolds("-9007199254740991"));
  EXPECT_THAT(CanonicalJson::Integer(9007199254740992).Write(), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(CanonicalJson::Integer(-9007199254740992).Write(), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(CanonicalJson::Integer(INT64_MIN).Write(), HasReason(v1::INVALID_FIELD));
}

TEST(CanonicalJsonTest, RefusesInvalidUtf8InValuesAndNames) {
  for (const std::string& bytes : {std::string("\x80"),              // continuation without a lead
                                   std::string("a\xC3"),             // truncated
                                   std::string("\xC3("),             // lead without a continuation
                                   std::string("\xC0\xAF"),          // overlong slash
                                   std::string("\xE0\x80\xAF"),      // overlong slash, three bytes
                                   std::string("\xF0\x80\x80\xAF"),  // overlong slash, four bytes
                                   std::string("\xED\xA0\x80"),      // lone surrogate
                                   std::string("\xF4\x90\x80\x80"),  // above U+10FFFF
                                   std::string("\xF8\x88\x80\x80\x80"), std::string("\xFF")}) {
    SCOPED_TRACE(::testing::PrintToString(bytes));
    EXPECT_THAT(WriteString(bytes), HasReason(v1::INVALID_FIELD));
    EXPECT_THAT(CanonicalJson::Object({{bytes, CanonicalJson::Boolean(true)}}).Write(),
                HasReason(v1::INVALID_FIELD));
  }
}

TEST(CanonicalJsonTest, TakesTheEdgesOfUtf8) {
  for (const char* text :
       {"\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010FFFF"}) {
    EXPECT_THAT(WriteString(text), IsOkAndHolds("\"" + std::string(text) + "\""));
  }
}

TEST(CanonicalJsonTest, RefusesTwoMembersOfOneName) {
  EXPECT_THAT(
      CanonicalJson::Object({{"a", CanonicalJson::Integer(1)}, {"a", CanonicalJson::Integer(1)}}).Write(),
      HasReason(v1::INVALID_FIELD));
}

TEST(CanonicalJsonTest, RefusesDeepNesting) {
  CanonicalJson value = CanonicalJson::Array();
  for (size_t depth = 0; depth < kMaxCanonicalDepth; ++depth) {
    CanonicalJson outer = CanonicalJson::Array();
    outer.Append(value);
    value = outer;
  }
  EXPECT_OK(value.Write());
  CanonicalJson outer = CanonicalJson::Array();
  outer.Append(value);
  EXPECT_THAT(outer.Write(), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::digest
