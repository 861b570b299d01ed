#include "core/digest/digest.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>

namespace countersign::digest {
namespace {

// The published test vectors of SHA-256.
constexpr char kOfNothing[] = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kOfAbc[] = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kOfAMillionTimesA[] =
    "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(DigestTest, AgreesWithThePublishedVectors) {
  EXPECT_EQ(Sha256(""), kOfNothing);
  EXPECT_EQ(Sha256("abc"), kOfAbc);
  EXPECT_EQ(Sha256(std::string(1000000, 'a')), kOfAMillionTimesA);
}

TEST(DigestTest, RawBytesAreWhatTheHexSays) {
  EXPECT_EQ(Sha256Bytes("abc").size(), 32u);
  EXPECT_EQ(Sha256Bytes("abc").substr(0, 4), "\xba\x78\x16\xbf");
}

TEST(DigestTest, PiecesGiveTheDigestOfTheWhole) {
  Sha256Hasher hasher;
  for (int i = 0; i < 1000; ++i) hasher.Update(std::string(1000, 'a'));
  EXPECT_EQ(hasher.Finish(), kOfAMillionTimesA);
}

TEST(DigestTest, AHasherStartsAnewAfterItFinished) {
  Sha256Hasher hasher;
  hasher.Update("something else");
  hasher.Finish();
  EXPECT_EQ(hasher.Finish(), kOfNothing);
  hasher.Update("a");
  hasher.Update("");
  Sha256Hasher moved = std::move(hasher);
  moved.Update("bc");
  EXPECT_EQ(moved.Finish(), kOfAbc);
}

TEST(DigestTest, RecognisesOnlyItsOwnSpelling) {
  const std::string hex(64, 'a');
  EXPECT_TRUE(IsSha256(kOfAbc));
  EXPECT_TRUE(IsSha256("sha256:" + hex));
  for (const std::string& text :
       {std::string(), std::string("sha256:"), hex, "sha512:" + hex, "SHA256:" + hex, "sha256:" + hex + "a",
        "sha256:" + hex.substr(1), "sha256:" + hex.substr(1) + "A", "sha256:" + hex.substr(1) + "g",
        " sha256:" + hex, "sha256:" + hex + "\n", "sha256:" + hex.substr(1) + std::string(1, '\0')}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(IsSha256(text));
  }
}

TEST(DigestTest, EqualComparesEveryByte) {
  const std::string digest = kOfAbc;
  EXPECT_TRUE(Equal(digest, kOfAbc));
  EXPECT_TRUE(Equal("", ""));
  EXPECT_FALSE(Equal(digest, digest.substr(1)));
  EXPECT_FALSE(Equal(digest, ""));
  for (size_t i = 0; i < digest.size(); ++i) {
    std::string other = digest;
    other[i] ^= 1;
    EXPECT_FALSE(Equal(digest, other)) << "at " << i;
  }
}

}  // namespace
}  // namespace countersign::digest
