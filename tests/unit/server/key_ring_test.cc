#include "server/token/key_ring.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace countersign::token {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::TemporaryDirectory;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);  // 2026-09-21T14:13:20Z

class KeyRingTest : public ::testing::Test {
 protected:
  std::string Add(const std::string& name) {
    const auto key = jws::SigningKey::Generate();
    EXPECT_OK(key);
    directory_.Write(name, key->ToPem());
    return key->key_id();
  }

  TemporaryDirectory directory_;
  KeyRing ring_{directory_.path()};
};

TEST_F(KeyRingTest, SignsWithTheYoungestKeyWhoseTimeHasCome) {
  Add("20250101T000000Z.pem");
  const std::string current = Add("20260101T000000Z.pem");
  Add("20270101T000000Z.pem");
  ASSERT_OK(ring_.Reload());
  const auto key = ring_.ActiveKey(kNow);
  ASSERT_OK(key);
  EXPECT_EQ((*key)->key_id(), current);
}

TEST_F(KeyRingTest, ChangesKeysExactlyAtTheNamedTime) {
  const std::string before = Add("20250101T000000Z.pem");
  const std::string after = Add("20260921T141320Z.pem");
  ASSERT_OK(ring_.Reload());
  EXPECT_EQ((*ring_.ActiveKey(kNow - absl::Nanoseconds(1)))->key_id(), before);
  EXPECT_EQ((*ring_.ActiveKey(kNow))->key_id(), after);
}

TEST_F(KeyRingTest, PublishesAKeyBeforeItSigns) {
  Add("20250101T000000Z.pem");
  const std::string next = Add("20990101T000000Z.pem");
  ASSERT_OK(ring_.Reload());
  EXPECT_NE(ring_.PublicKeys()->Find(next), nullptr);
}

TEST_F(KeyRingTest, SignsWithNothingBeforeTheFirstKeysTime) {
  Add("20990101T000000Z.pem");
  ASSERT_OK(ring_.Reload());
  EXPECT_FALSE(ring_.ActiveKey(kNow).ok());
}

TEST_F(KeyRingTest, TakesUpAndDropsKeysWithoutARestart) {
  const std::string first = Add("20250101T000000Z.pem");
  ASSERT_OK(ring_.Reload());
  const std::string second = Add("20260101T000000Z.pem");
  ASSERT_OK(ring_.Reload());
  EXPECT_EQ((*ring_.ActiveKey(kNow))->key_id(), second);
  std::filesystem::remove(directory_.path() / "20250101T000000Z.pem");
  ASSERT_OK(ring_.Reload());
  EXPECT_EQ(ring_.PublicKeys()->Find(first), nullptr);
}

TEST_F(KeyRingTest, KeepsItsKeysWhenTheDirectoryBecomesUnreadable) {
  const std::string key = Add("20250101T000000Z.pem");
  ASSERT_OK(ring_.Reload());
  directory_.Write("20260101T000000Z.pem", "not a key");
  EXPECT_THAT(ring_.Reload(), HasReason(v1::INVALID_FIELD));
  EXPECT_EQ((*ring_.ActiveKey(kNow))->key_id(), key);
}

TEST_F(KeyRingTest, RefusesAnEmptyDirectoryAndANameThatSaysNoTime) {
  EXPECT_THAT(ring_.Reload(), HasReason(v1::INVALID_FIELD));
  Add("signing.pem");
  EXPECT_THAT(ring_.Reload(), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::token
