#include "core/jws/base64url.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace countersign::jws {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOkAndHolds;

TEST(Base64UrlTest, AgreesWithTheRfcs) {
  EXPECT_EQ(Base64UrlEncode(""), "");
  EXPECT_EQ(Base64UrlEncode("f"), "Zg");
  EXPECT_EQ(Base64UrlEncode("fo"), "Zm8");
  EXPECT_EQ(Base64UrlEncode("foo"), "Zm9v");
  EXPECT_EQ(Base64UrlEncode("\x03\xec\xff\xe0\xc1"), "A-z_4ME");  // RFC 7515, appendix C
}

TEST(Base64UrlTest, DecodesWhatItEncodes) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_THAT(Base64UrlDecode(Base64UrlEncode(bytes)), IsOkAndHolds(bytes));
    bytes.push_back(static_cast<char>(i));
  }
}

TEST(Base64UrlTest, RefusesEveryOtherSpelling) {
  for (const char* text : {"Zg==",    "Zg=",        "Zm8=",    "Zg.",  "Zg..",            // padding
                           " Zg",     "Zg ",        "Z g",     "Zg\n", "Z\tg", "Zm9v\r",  // white space
                           "A+z/4ME", "A-z/4ME",                                          // plain base64
                           "Z",       "Zm9vZ",                  // impossible lengths
                           "Zh",      "Zm9",        "A-z_4MF",  // bits after the last byte
                           "Z*",      "Zm\xc3\xa9", "=",       "."}) {
    SCOPED_TRACE(text);
    EXPECT_THAT(Base64UrlDecode(text), HasReason(v1::INVALID_FIELD));
  }
  EXPECT_THAT(Base64UrlDecode(std::string("Zg\0", 3)), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::jws
