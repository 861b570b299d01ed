#include "server/broker/page_token.h"

#include <gtest/gtest.h>

#include "server/base/sealed_cursor.h"
#include "tests/support/status_matchers.h"

namespace countersign::broker {
namespace {

using ::countersign::testing::IsOkAndHolds;
using ::countersign::testing::NamesField;

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";

TEST(PageTokenTest, GivesBackTheCursor) {
  EXPECT_THAT(OpenPageToken(kKey, "list", SealPageToken(kKey, "list", "17 proposals/a")),
              IsOkAndHolds(std::string("17 proposals/a")));
}

TEST(PageTokenTest, SaysWhichFieldItRefuses) {
  EXPECT_THAT(OpenPageToken(kKey, "list b", SealPageToken(kKey, "list a", "17")), NamesField("page_token"));
  EXPECT_THAT(OpenPageToken(kKey, "list", SealPageToken(kKey, "list", std::string(2000, 'A'))),
              NamesField("page_token"));
}

TEST(PageTokenTest, RefusesTheTokenOfAWatch) {
  EXPECT_THAT(OpenPageToken(kKey, "list", base::SealCursor(kKey, "watch", "list", "17")),
              NamesField("page_token"));
}

}  // namespace
}  // namespace countersign::broker
