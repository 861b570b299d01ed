#include "server/storage/sealing.h"

#include <gmock/gmock.h>

#include "core/digest/digest.h"
#include "core/text/text.h"
#include "tests/support/fake_random.h"
#include "tests/support/status_matchers.h"

namespace countersign::storage {
namespace {

using ::countersign::testing::FakeRandom;
using ::countersign::testing::HasReason;
using ::countersign::testing::NamesField;
using ::testing::HasSubstr;

constexpr char kOld[] = "old AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
constexpr char kNew[] = "new BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=\n";

class SealingTest : public ::testing::Test {
 protected:
  SealedArtifact Sealed(const MasterKeys& keys) {
    auto sealed = Seal(keys, random_, digest::Sha256(bytes_), bytes_);
    EXPECT_OK(sealed);
    return *std::move(sealed);
  }

  FakeRandom random_;
  const std::string bytes_ = "the plan with its password";
  const MasterKeys keys_ = *MasterKeys::Parse(kOld);
};

TEST_F(SealingTest, OpensWhatItSealed) {
  const auto opened = Open(keys_, Sealed(keys_));
  ASSERT_OK(opened);
  EXPECT_EQ(*opened, bytes_);
}

TEST_F(SealingTest, HidesTheBytes) {
  EXPECT_EQ(Sealed(keys_).ciphertext.find("password"), std::string::npos);
}

TEST_F(SealingTest, NeverSealsTwiceAlike) { EXPECT_NE(Sealed(keys_).ciphertext, Sealed(keys_).ciphertext); }

TEST_F(SealingTest, RefusesEveryChangedByte) {
  const SealedArtifact sealed = Sealed(keys_);
  for (size_t i = 0; i < sealed.ciphertext.size(); ++i) {
    SealedArtifact changed = sealed;
    changed.ciphertext[i] ^= 1;
    EXPECT_THAT(Open(keys_, changed), HasReason(v1::DATA_CORRUPTED)) << i;
  }
  for (size_t i = 0; i < sealed.wrapped_key.size(); ++i) {
    SealedArtifact changed = sealed;
    changed.wrapped_key[i] ^= 1;
    EXPECT_THAT(Open(keys_, changed), HasReason(v1::DATA_CORRUPTED)) << i;
  }
}

TEST_F(SealingTest, RefusesACiphertextMovedToAnotherDigest) {
  SealedArtifact moved = Sealed(keys_);
  moved.digest = digest::Sha256("something harmless");
  EXPECT_THAT(Open(keys_, moved), HasReason(v1::DATA_CORRUPTED));
}

TEST_F(SealingTest, RefusesACiphertextMovedToAnotherKeyId) {
  const auto both = MasterKeys::Parse(text::Concat(kOld, "twin ", std::string_view(kOld).substr(4)));
  ASSERT_OK(both);
  SealedArtifact moved = Sealed(keys_);
  moved.key_id = "twin";
  EXPECT_THAT(Open(*both, moved), HasReason(v1::DATA_CORRUPTED));
}

TEST_F(SealingTest, RefusesBytesThatWereSealedUnderAnotherDigest) {
  const auto sealed = Seal(keys_, random_, digest::Sha256("something harmless"), bytes_);
  ASSERT_OK(sealed);
  EXPECT_THAT(Open(keys_, *sealed), HasReason(v1::DATA_CORRUPTED));
}

TEST_F(SealingTest, RotatesByAddingAKey) {
  const auto both = MasterKeys::Parse(std::string(kOld) + kNew);
  ASSERT_OK(both);
  EXPECT_EQ(both->active_id(), "new");
  EXPECT_OK(Open(*both, Sealed(keys_)));
  EXPECT_THAT(Open(keys_, Sealed(*both)), HasReason(v1::DATA_CORRUPTED));
}

TEST_F(SealingTest, RefusesAnotherKeyOfTheSameId) {
  const auto other = MasterKeys::Parse("old BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=");
  EXPECT_THAT(Open(*other, Sealed(keys_)), HasReason(v1::DATA_CORRUPTED));
}

TEST_F(SealingTest, ChecksThatTheKeysAreThoseThatArtifactsWereSealedWith) {
  SealedArtifact sealed = Sealed(keys_);
  sealed.ciphertext.clear();
  EXPECT_OK(CheckHolds(*MasterKeys::Parse(std::string(kOld) + kNew), "keys.txt", sealed));

  const absl::Status missing = CheckHolds(*MasterKeys::Parse(kNew), "keys.txt", sealed);
  EXPECT_THAT(missing, NamesField("artifact.master_key_file"));
  EXPECT_THAT(std::string(missing.message()),
              HasSubstr("artifacts were sealed with key \"old\", which keys.txt does not have"));

  const auto other = MasterKeys::Parse("old BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=");
  const absl::Status wrong = CheckHolds(*other, "keys.txt", sealed);
  EXPECT_THAT(wrong, NamesField("artifact.master_key_file"));
  EXPECT_THAT(std::string(wrong.message()),
              HasSubstr("key \"old\" in keys.txt is not the one that artifacts were sealed with"));
}

TEST_F(SealingTest, NamesTheLineOfABadKeyFileAndNotTheKey) {
  const auto status = MasterKeys::Parse(std::string(kOld) + "short c2VjcmV0\n").status();
  EXPECT_THAT(status, HasReason(v1::INVALID_FIELD));
  EXPECT_NE(std::string(status.message()).find("line 2"), std::string::npos);
  EXPECT_EQ(std::string(status.message()).find("c2VjcmV0"), std::string::npos);
  EXPECT_THAT(MasterKeys::Parse(""), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(MasterKeys::Parse(std::string(kOld) + kOld), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::storage
