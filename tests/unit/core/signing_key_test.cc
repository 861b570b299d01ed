#include "core/jws/signing_key.h"

#include <gmock/gmock.h>
#include <openssl/err.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/unit/core/test_keys.h"

namespace countersign::jws {
namespace {

using ::countersign::testing::HasReason;
using ::testing::HasSubstr;

TEST(SigningKeyTest, ReadsBothPemForms) {
  for (const char* pem : {kRfcKeyPem, kRfcKeySec1Pem}) {
    ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::FromPem(pem));
    EXPECT_EQ(key.key_id(), kRfcKeyId);
    EXPECT_EQ(key.public_key().x(), kRfcKeyX);
    EXPECT_EQ(key.public_key().y(), kRfcKeyY);
    EXPECT_EQ(key.ToPem(), kRfcKeyPem);
  }
}

TEST(SigningKeyTest, GeneratesKeysThatDiffer) {
  ASSERT_OK_AND_ASSIGN(const SigningKey one, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const SigningKey other, SigningKey::Generate());
  EXPECT_NE(one.key_id(), other.key_id());
  EXPECT_EQ(one.key_id().size(), 43u);
}

TEST(SigningKeyTest, SurvivesStorage) {
  ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const SigningKey stored, SigningKey::FromPem(key.ToPem()));
  EXPECT_EQ(stored.key_id(), key.key_id());
  ASSERT_OK_AND_ASSIGN(const std::string signature, stored.SignBytes("input"));
  EXPECT_TRUE(key.public_key().Verifies("input", signature));
}

TEST(SigningKeyTest, RefusesKeysOfOtherKinds) {
  for (const char* pem : {kP384KeyPem, kSecp256k1KeyPem, kEd25519KeyPem}) {
    const auto key = SigningKey::FromPem(pem);
    EXPECT_THAT(key, HasReason(v1::INVALID_FIELD));
    EXPECT_THAT(std::string(key.status().message()), HasSubstr("P-256"));
  }
}

TEST(SigningKeyTest, RefusesHalvesThatDoNotMatch) {
  EXPECT_THAT(SigningKey::FromPem(kMismatchedKeyPem), HasReason(v1::INVALID_FIELD));
}

TEST(SigningKeyTest, RefusesWhatIsNoReadableKey) {
  const std::string cut = std::string(kRfcKeyPem).erase(60, 10);
  for (const std::string& pem : {std::string(), std::string("nonsense"), std::string(kCertificatePem),
                                 std::string(kEncryptedKeyPem), cut}) {
    EXPECT_THAT(SigningKey::FromPem(pem), HasReason(v1::INVALID_FIELD));
  }
}

TEST(SigningKeyTest, SignaturesHaveAFixedSizeAndVerify) {
  ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::Generate());
  // Enough rounds for an r or s with a leading zero byte, which DER leaves out, to come by.
  for (int round = 0; round < 1000; ++round) {
    const std::string input = std::to_string(round);
    ASSERT_OK_AND_ASSIGN(const std::string signature, key.SignBytes(input));
    ASSERT_EQ(signature.size(), 64u);
    ASSERT_TRUE(key.public_key().Verifies(input, signature));
    ASSERT_FALSE(key.public_key().Verifies(input + "x", signature));
  }
}

TEST(SigningKeyTest, AKeyDoesNotVerifyForAnother) {
  ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const SigningKey other, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const std::string signature, key.SignBytes("input"));
  EXPECT_FALSE(other.public_key().Verifies("input", signature));
}

TEST(SigningKeyTest, NumbersOutOfRangeAreNoSignature) {
  ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const std::string signature, key.SignBytes("input"));
  const std::string zero(32, '\0');
  const std::string huge(32, '\xff');
  for (const std::string& wrong :
       {std::string(), zero + zero, huge + huge, signature.substr(0, 32) + zero, zero + signature.substr(32),
        signature.substr(0, 63), signature + '\0', signature.substr(32) + signature.substr(0, 32)}) {
    EXPECT_FALSE(key.public_key().Verifies("input", wrong));
  }
}

TEST(SigningKeyTest, ManyThreadsMaySign) {
  ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::Generate());
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([key, i] {
      for (int round = 0; round < 50; ++round) {
        const std::string input = std::to_string(i * 100 + round);
        const auto signature = key.SignBytes(input);
        EXPECT_OK(signature);
        EXPECT_TRUE(key.public_key().Verifies(input, signature.value_or("")));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// What OpenSSL leaves in the thread's queue would fail the next TLS read of this thread.
TEST(SigningKeyTest, FailuresLeaveNoErrorBehind) {
  ERR_clear_error();
  EXPECT_THAT(SigningKey::FromPem(kEncryptedKeyPem), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(SigningKey::FromPem("nonsense"), HasReason(v1::INVALID_FIELD));
  ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::FromPem(kRfcKeyPem));
  EXPECT_FALSE(key.public_key().Verifies("input", std::string(64, '\xff')));
  EXPECT_THAT(PublicKey::FromCoordinates(std::string(32, 'x'), std::string(32, 'y')),
              HasReason(v1::INVALID_FIELD));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace countersign::jws
