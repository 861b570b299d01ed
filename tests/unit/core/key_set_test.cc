#include "core/jws/key_set.h"

#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/jws/base64url.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/core/test_keys.h"

namespace countersign::jws {
namespace {

using ::countersign::testing::HasReason;

const std::string& RfcJwk() {
  static const std::string* const jwk = new std::string(
      absl::StrCat(R"({"alg":"ES256","crv":"P-256","kid":")", kRfcKeyId, R"(","kty":"EC","use":"sig","x":")",
                   kRfcKeyX, R"(","y":")", kRfcKeyY, R"("})"));
  return *jwk;
}

std::string Jwks(const std::string& keys) { return absl::StrCat(R"({"keys":[)", keys, "]}"); }

std::string Changed(const std::string& from, const std::string& to) {
  const std::string changed = absl::StrReplaceAll(RfcJwk(), {{from, to}});
  EXPECT_NE(changed, RfcJwk()) << "nothing to change: " << from;
  return changed;
}

TEST(KeySetTest, PublishesKeysAsJwks) {
  ASSERT_OK_AND_ASSIGN(const SigningKey key, SigningKey::FromPem(kRfcKeyPem));
  EXPECT_EQ(KeySet({key}).ToJwks(), Jwks(RfcJwk()));
  EXPECT_EQ(KeySet().ToJwks(), R"({"keys":[]})");
}

TEST(KeySetTest, ReadsWhatItPublishes) {
  ASSERT_OK_AND_ASSIGN(const SigningKey one, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const SigningKey two, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const KeySet set, KeySet::FromJwks(KeySet({one, two, one}).ToJwks()));
  EXPECT_EQ(set.size(), 2u);
  ASSERT_NE(set.Find(one.key_id()), nullptr);
  ASSERT_NE(set.Find(two.key_id()), nullptr);
  EXPECT_EQ(set.Find("another"), nullptr);
  EXPECT_EQ(set.ToJwks(), KeySet({two, one}).ToJwks());
  ASSERT_OK_AND_ASSIGN(const std::string signature, one.SignBytes("input"));
  EXPECT_TRUE(set.Find(one.key_id())->Verifies("input", signature));
  EXPECT_FALSE(set.Find(two.key_id())->Verifies("input", signature));
}

TEST(KeySetTest, TakesForeignSpellingsOfTheSameKey) {
  const std::string spaced = Changed("\"kty\"", " \n\"kty\"");
  const std::string bare =
      absl::StrReplaceAll(RfcJwk(), {{R"("alg":"ES256",)", ""}, {R"("use":"sig",)", ""}});
  const std::string more = Changed("\"use\"", R"("key_ops":["verify"],"x5c":["AAAA"],"use")");
  for (const std::string& key : {spaced, bare, more}) {
    SCOPED_TRACE(key);
    ASSERT_OK_AND_ASSIGN(const KeySet set, KeySet::FromJwks(Jwks(key)));
    EXPECT_NE(set.Find(kRfcKeyId), nullptr);
  }
}

TEST(KeySetTest, SkipsKeysOfOtherKinds) {
  const std::string others =
      R"({"kty":"RSA","n":"AQAB","e":"AQAB","kid":"rsa"},{"kty":"OKP","crv":"Ed25519","x":"AA"},)"
      R"({"kty":"oct","k":"c2VjcmV0"},{"kty":"EC","crv":"P-384","x":"AA","y":"AA"},{"kty":7},{},)" +
      Changed("\"sig\"", "\"enc\"") + "," + Changed("\"ES256\"", "\"ECDH-ES\"");
  ASSERT_OK_AND_ASSIGN(const KeySet set, KeySet::FromJwks(Jwks(others + "," + RfcJwk())));
  EXPECT_EQ(set.size(), 1u);
  EXPECT_THAT(KeySet::FromJwks(Jwks(others)), HasReason(v1::INVALID_FIELD));
}

TEST(KeySetTest, RefusesAKeyIdThatIsNotTheThumbprint) {
  EXPECT_THAT(KeySet::FromJwks(Jwks(Changed(kRfcKeyId, "mine"))), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(KeySet::FromJwks(Jwks(Changed("\"kid\"", "\"kit\""))), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(KeySet::FromJwks(Jwks(Changed(absl::StrCat("\"", kRfcKeyId, "\""), "7"))),
              HasReason(v1::INVALID_FIELD));
}

TEST(KeySetTest, RefusesPointsOffTheCurve) {
  const std::string zero = Base64UrlEncode(std::string(32, '\0'));
  const std::string huge = Base64UrlEncode(std::string(32, '\xff'));
  for (const std::string& key :
       {Changed(kRfcKeyY, kRfcKeyX), Changed(kRfcKeyX, kRfcKeyY), Changed(kRfcKeyX, zero),
        Changed(kRfcKeyY, huge), absl::StrReplaceAll(RfcJwk(), {{kRfcKeyX, zero}, {kRfcKeyY, zero}})}) {
    EXPECT_THAT(KeySet::FromJwks(Jwks(key)), HasReason(v1::INVALID_FIELD));
  }
}

TEST(KeySetTest, RefusesMalformedCoordinates) {
  const std::string x = kRfcKeyX;
  for (const std::string& coordinate :
       {std::string(), x + "=", x.substr(0, 42), "AAAA" + x, x.substr(0, 42) + "V"}) {
    SCOPED_TRACE(coordinate);
    EXPECT_THAT(KeySet::FromJwks(Jwks(Changed(x, coordinate))), HasReason(v1::INVALID_FIELD));
  }
  EXPECT_THAT(KeySet::FromJwks(Jwks(Changed("\"x\"", "\"z\""))), HasReason(v1::INVALID_FIELD));
}

TEST(KeySetTest, RefusesDuplicates) {
  EXPECT_THAT(KeySet::FromJwks(Jwks(RfcJwk() + "," + RfcJwk())), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(KeySet::FromJwks(Jwks(Changed("\"kty\":\"EC\"", R"("kty":"EC","kt\u0079":"EC")"))),
              HasReason(v1::INVALID_FIELD));
}

TEST(KeySetTest, RefusesPrivateKeys) {
  EXPECT_THAT(KeySet::FromJwks(
                  Jwks(Changed("\"use\"", R"("d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","use")"))),
              HasReason(v1::INVALID_FIELD));
}

TEST(KeySetTest, RefusesWhatIsNoKeySet) {
  const std::string deep(100000, '[');
  for (const std::string& text :
       {std::string(), std::string("nonsense"), std::string("[]"), std::string("{}"),
        std::string(R"({"keys":{}})"), std::string(R"({"keys":[7]})"), std::string(R"({"keys":[]})"),
        Jwks(RfcJwk()) + "x", Jwks(RfcJwk() + ","), deep, R"({"keys":)" + std::string(1000, '['),
        Jwks("\"\xff\""), Jwks(R"("\ud800")"), Jwks("1e999"),
        Jwks(RfcJwk()) + std::string(kMaxJwksBytes, ' ')}) {
    SCOPED_TRACE(text.substr(0, 100));
    EXPECT_THAT(KeySet::FromJwks(text), HasReason(v1::INVALID_FIELD));
  }
}

}  // namespace
}  // namespace countersign::jws
