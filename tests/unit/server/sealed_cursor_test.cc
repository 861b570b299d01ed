#include "server/base/sealed_cursor.h"

#include <gmock/gmock.h>

namespace countersign::base {
namespace {

using ::testing::Optional;

constexpr char kKey[] = "0123456789abcdef0123456789abcdef";
constexpr size_t kMaxBytes = 100;

std::string Seal(std::string_view bound_to = "list", std::string_view cursor = "17 proposals/a") {
  return SealCursor(kKey, "page", bound_to, cursor);
}

TEST(SealedCursorTest, GivesBackTheCursor) {
  EXPECT_THAT(OpenCursor(kKey, "page", "list", Seal(), kMaxBytes), Optional(std::string("17 proposals/a")));
}

TEST(SealedCursorTest, KeepsItsFormSoThatTokensOutliveAnUpgrade) {
  EXPECT_EQ(Seal(), "AOg5gFZzevj-eP0sXNbeFzE3IHByb3Bvc2Fscy9h");
  EXPECT_EQ(SealCursor(kKey, "watch", "targets/db", "1763000000000000|a"),
            "_EZYLaa4-yb0WZcmIIDoyjE3NjMwMDAwMDAwMDAwMDB8YQ");
}

TEST(SealedCursorTest, DoesNotOpenForWhatItIsNotBoundTo) {
  EXPECT_EQ(OpenCursor(kKey, "page", "list b", Seal("list a"), kMaxBytes), std::nullopt);
}

TEST(SealedCursorTest, DoesNotOpenForAnotherPurpose) {
  EXPECT_EQ(OpenCursor(kKey, "watch", "list", Seal(), kMaxBytes), std::nullopt);
}

TEST(SealedCursorTest, DoesNotOpenWithAnotherKey) {
  EXPECT_EQ(OpenCursor("another key of the same length..", "page", "list", Seal(), kMaxBytes), std::nullopt);
}

TEST(SealedCursorTest, DoesNotConfuseWhatItIsBoundToAndTheCursor) {
  EXPECT_EQ(OpenCursor(kKey, "page", "lis", Seal("list", "17"), kMaxBytes), std::nullopt);
}

TEST(SealedCursorTest, DoesNotOpenWithAnyCharacterChanged) {
  const std::string token = Seal();
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(OpenCursor(kKey, "page", "list", changed, kMaxBytes), std::nullopt) << i;
  }
}

TEST(SealedCursorTest, DoesNotOpenWhenShorterThanItsTag) {
  EXPECT_EQ(OpenCursor(kKey, "page", "list", "", kMaxBytes), std::nullopt);
  EXPECT_EQ(OpenCursor(kKey, "page", "list", Seal("list", "").substr(0, 20), kMaxBytes), std::nullopt);
}

TEST(SealedCursorTest, OpensUpToItsBoundAndNotOverIt) {
  const std::string token = Seal();
  EXPECT_TRUE(OpenCursor(kKey, "page", "list", token, token.size()).has_value());
  EXPECT_EQ(OpenCursor(kKey, "page", "list", token, token.size() - 1), std::nullopt);
}

}  // namespace
}  // namespace countersign::base
