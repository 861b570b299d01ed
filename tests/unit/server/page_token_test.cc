#include "server/broker/page_token.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace countersign::broker {
namespace {

using ::countersign::testing::HasReason;

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";

TEST(PageTokenTest, GivesBackTheCursor) {
  const auto cursor = OpenPageToken(kKey, "list", SealPageToken(kKey, "list", "17 proposals/a"));
  ASSERT_OK(cursor);
  EXPECT_EQ(*cursor, "17 proposals/a");
}

TEST(PageTokenTest, RefusesAnotherFilter) {
  EXPECT_THAT(OpenPageToken(kKey, "list b", SealPageToken(kKey, "list a", "17")),
              HasReason(v1::INVALID_FIELD));
}

TEST(PageTokenTest, DoesNotConfuseFilterAndCursor) {
  EXPECT_THAT(OpenPageToken(kKey, "lis", SealPageToken(kKey, "list", "17")), HasReason(v1::INVALID_FIELD));
}

TEST(PageTokenTest, RefusesEveryChangedCharacter) {
  const std::string token = SealPageToken(kKey, "list", "17 proposals/a");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(OpenPageToken(kKey, "list", changed).ok()) << i;
  }
}

TEST(PageTokenTest, RefusesAnotherBrokersKey) {
  EXPECT_THAT(OpenPageToken("another key of the same length..", "list", SealPageToken(kKey, "list", "17")),
              HasReason(v1::INVALID_FIELD));
}

TEST(PageTokenTest, RefusesWhatIsTooLong) {
  EXPECT_THAT(OpenPageToken(kKey, "list", std::string(5000, 'A')), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::broker
