#include "core/jws/jws.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/jws/base64url.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/core/test_keys.h"

namespace countersign::jws {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOkAndHolds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kType[] = "exec+jwt";
constexpr char kPayload[] = R"({"iss":"https://example"})";

// Made with Python's cryptography package; the second has the other of the two valid s.
constexpr char kForeignInput[] =
    "eyJ0eXAiOiAiZXhlYytqd3QiLCAiYWxnIjogIkVTMjU2IiwgImtpZCI6ICJvS0l5d3ZHVXBUVlR5eE1RM2J3SUllUVV1ZGZyX0NrTE1q"
    "Q0UxOUVD"
    "RC1VIn0.eyJpc3MiOiJodHRwczovL2V4YW1wbGUifQ.";
constexpr char kForeignSignature[] =
    "QAqffINA8xlfqS_3LSgn9lyuXzIcuejuqklQNDobEemny4aSSpBxY0a48mNyPBqaopShNEIEEICprUyUHNfwXA";
constexpr char kForeignSignatureOtherS[] =
    "QAqffINA8xlfqS_3LSgn9lyuXzIcuejuqklQNDobEelYNHlstW-OnblHDZyNw-VlGlJZeWUTjgRKDH4u34s09Q";

class JwsTest : public ::testing::Test {
 protected:
  // A token with this header text, properly signed: only the header can be what is wrong with it.
  std::string WithHeader(const std::string& header) const {
    const std::string input = absl::StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(kPayload));
    return absl::StrCat(input, ".", Base64UrlEncode(*key_.SignBytes(input)));
  }
  std::string Header(const std::string& members) const {
    return absl::StrCat(R"({"kid":")", key_.key_id(), "\"", members, "}");
  }
  std::string Token() const { return *Sign(key_, kType, kPayload); }
  absl::StatusOr<std::string> Check(const std::string& token) const { return Verify(token, keys_, kType); }

  const SigningKey key_ = *SigningKey::FromPem(kRfcKeyPem);
  const KeySet keys_{{key_}};
};

TEST_F(JwsTest, VerifiesWhatItSigned) {
  EXPECT_THAT(Check(Token()), IsOkAndHolds(kPayload));
  const std::vector<std::string> parts = absl::StrSplit(Token(), '.');
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_THAT(Base64UrlDecode(parts[0]),
              IsOkAndHolds(absl::StrCat(R"({"alg":"ES256","kid":")", kRfcKeyId, R"(","typ":"exec+jwt"})")));
}

TEST_F(JwsTest, VerifiesWhatAnotherLibrarySigned) {
  EXPECT_THAT(Check(absl::StrCat(kForeignInput, kForeignSignature)), IsOkAndHolds(kPayload));
  EXPECT_THAT(Check(absl::StrCat(kForeignInput, kForeignSignatureOtherS)), IsOkAndHolds(kPayload));
}

TEST_F(JwsTest, TakesEveryKeyOfTheSetButNoOther) {
  ASSERT_OK_AND_ASSIGN(const SigningKey next, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const std::string token, Sign(next, kType, kPayload));
  EXPECT_THAT(Verify(token, KeySet({key_, next}), kType), IsOkAndHolds(kPayload));
  EXPECT_THAT(Check(token), HasReason(v1::TOKEN_INVALID));
  EXPECT_THAT(Verify(token, KeySet(), kType), HasReason(v1::TOKEN_INVALID));
}

TEST_F(JwsTest, RefusesAKeyIdThatNamesAnotherKeyOfTheSet) {
  ASSERT_OK_AND_ASSIGN(const SigningKey next, SigningKey::Generate());
  const std::string input = absl::StrCat(Base64UrlEncode(Header(R"(,"alg":"ES256","typ":"exec+jwt")")), ".",
                                         Base64UrlEncode(kPayload));
  EXPECT_THAT(
      Verify(absl::StrCat(input, ".", Base64UrlEncode(*next.SignBytes(input))), KeySet({key_, next}), kType),
      HasReason(v1::TOKEN_INVALID));
}

TEST_F(JwsTest, RefusesAnAlteredByteInEachPart) {
  const std::string token = Token();
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'A', 'B', '_', '.', '=', ' ', '\0', '\xff'}) {
      if (token[i] == c) continue;
      std::string altered = token;
      altered[i] = c;
      ASSERT_THAT(Check(altered), HasReason(v1::TOKEN_INVALID))
          << "byte " << i << " as " << static_cast<int>(c);
    }
  }
}

TEST_F(JwsTest, RefusesEveryAlteredBitOfTheDecodedParts) {
  const std::vector<std::string> parts = absl::StrSplit(Token(), '.');
  for (size_t part = 0; part < 3; ++part) {
    const std::string bytes = *Base64UrlDecode(parts[part]);
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string altered = bytes;
      altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << bit % 8));
      std::vector<std::string> token = parts;
      token[part] = Base64UrlEncode(altered);
      ASSERT_THAT(Check(absl::StrJoin(token, ".")), HasReason(v1::TOKEN_INVALID)) << part << ", bit " << bit;
    }
  }
}

TEST_F(JwsTest, RefusesTruncationAndExtension) {
  const std::string token = Token();
  for (size_t size = 0; size < token.size(); ++size) {
    ASSERT_THAT(Check(token.substr(0, size)), HasReason(v1::TOKEN_INVALID)) << size;
  }
  for (const char* tail : {".", "A", "=", " ", "\n", "..", ".AAAA"}) {
    EXPECT_THAT(Check(token + tail), HasReason(v1::TOKEN_INVALID)) << tail;
    EXPECT_THAT(Check(tail + token), HasReason(v1::TOKEN_INVALID)) << tail;
  }
}

TEST_F(JwsTest, RejectsAlgorithmNone) {
  for (const char* algorithm : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string header =
        Base64UrlEncode(Header(absl::StrCat(R"(,"typ":"exec+jwt","alg":")", algorithm, "\"")));
    const std::string payload = Base64UrlEncode(kPayload);
    EXPECT_THAT(Check(absl::StrCat(header, ".", payload, ".")), HasReason(v1::TOKEN_INVALID));
    EXPECT_THAT(Check(absl::StrCat(header, ".", payload)), HasReason(v1::TOKEN_INVALID));
    EXPECT_THAT(Check(WithHeader(Header(absl::StrCat(R"(,"typ":"exec+jwt","alg":")", algorithm, "\"")))),
                HasReason(v1::TOKEN_INVALID));
  }
}

TEST_F(JwsTest, RejectsAnHmacWithThePublicKeyAsItsSecret) {
  const std::string point = "\x04" + *Base64UrlDecode(kRfcKeyX) + *Base64UrlDecode(kRfcKeyY);
  for (const std::string& secret : {point, keys_.ToJwks(), std::string(kRfcKeyX), std::string(kRfcKeyId)}) {
    for (const char* algorithm : {"HS256", "ES256"}) {
      const std::string input =
          absl::StrCat(Base64UrlEncode(Header(absl::StrCat(R"(,"typ":"exec+jwt","alg":")", algorithm, "\""))),
                       ".", Base64UrlEncode(kPayload));
      unsigned char mac[EVP_MAX_MD_SIZE];
      unsigned int size = 0;
      ASSERT_NE(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                     reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac, &size),
                nullptr);
      const std::string signature(reinterpret_cast<char*>(mac), size);
      EXPECT_THAT(Check(absl::StrCat(input, ".", Base64UrlEncode(signature))), HasReason(v1::TOKEN_INVALID));
      EXPECT_THAT(Check(absl::StrCat(input, ".", Base64UrlEncode(signature + signature))),
                  HasReason(v1::TOKEN_INVALID));
    }
  }
}

TEST_F(JwsTest, RejectsOtherAlgorithmsEvenWithAGoodSignature) {
  for (const char* algorithm : {"ES384", "ES256K", "RS256", "PS256", "EdDSA", "HS256", "es256", "ES256 "}) {
    EXPECT_THAT(Check(WithHeader(Header(absl::StrCat(R"(,"typ":"exec+jwt","alg":")", algorithm, "\"")))),
                HasReason(v1::TOKEN_INVALID))
        << algorithm;
  }
}

TEST_F(JwsTest, RejectsAnotherType) {
  EXPECT_THAT(Verify(Token(), keys_, "at+jwt"), HasReason(v1::TOKEN_INVALID));
  for (const char* type : {"JWT", "EXEC+JWT", "application/exec+jwt", "exec+jwt ", ""}) {
    ASSERT_OK_AND_ASSIGN(const std::string token, Sign(key_, type, kPayload));
    EXPECT_THAT(Check(token), HasReason(v1::TOKEN_INVALID)) << type;
  }
}

TEST_F(JwsTest, RejectsEveryHeaderMemberThatIsNotOurs) {
  EXPECT_THAT(Check(WithHeader(Header(R"(,"alg":"ES256","typ":"exec+jwt")"))), IsOkAndHolds(kPayload));
  for (const char* member :
       {R"("crit":["exp"])", R"("crit":[])", R"("b64":false,"crit":["b64"])", R"("b64":true)",
        R"("jwk":{"kty":"EC"})", R"("jku":"https://evil")", R"("x5u":"https://evil")", R"("x5c":["AAAA"])",
        R"("x5t":"AAAA")", R"("cty":"JWT")", R"("zip":"DEF")", R"("":"")"}) {
    EXPECT_THAT(Check(WithHeader(Header(absl::StrCat(R"(,"alg":"ES256","typ":"exec+jwt",)", member)))),
                HasReason(v1::TOKEN_INVALID))
        << member;
  }
}

TEST_F(JwsTest, RejectsHeadersThatParsersReadDifferently) {
  for (const std::string& header :
       {Header(R"(,"alg":"ES256","typ":"exec+jwt","alg":"ES256")"),
        Header(R"(,"alg":"none","typ":"exec+jwt","\u0061lg":"ES256")"),
        Header(R"(,"alg":["ES256"],"typ":"exec+jwt")"), Header(R"(,"alg":"ES256","typ":null)"),
        Header(R"(,"alg":"ES256")"), Header(R"(,"typ":"exec+jwt")"),
        Header(R"(,"alg":"ES256","typ":"exec+jwt",)"), Header(R"(,"alg":"ES256","typ":"exec+jwt"/**/)"),
        Header(R"(,"alg":"ES256","typ":"exec+jwt")") + "x",
        "\xef\xbb\xbf" + Header(R"(,"alg":"ES256","typ":"a"))"),
        std::string(R"({"alg":"ES256","typ":"exec+jwt"})"),
        std::string(R"({"alg":"ES256","kid":7,"typ":"exec+jwt"})"), std::string("[]"), std::string("null"),
        std::string(5000, '['), std::string()}) {
    EXPECT_THAT(Check(WithHeader(header)), HasReason(v1::TOKEN_INVALID)) << header;
  }
}

TEST_F(JwsTest, RejectsSignaturesOfAnotherForm) {
  const std::string input = Token().substr(0, Token().rfind('.') + 1);
  const std::string raw = *Base64UrlDecode(Token().substr(input.size()));
  const std::string der = "\x30\x44\x02\x20" + raw.substr(0, 32) + "\x02\x20" + raw.substr(32);
  for (const std::string& signature :
       {std::string(), raw.substr(1), raw + '\0', der, raw + raw, std::string(64, '\0'),
        std::string(64, '\xff'), raw.substr(32) + raw.substr(0, 32)}) {
    EXPECT_THAT(Check(input + Base64UrlEncode(signature)), HasReason(v1::TOKEN_INVALID));
  }
}

TEST_F(JwsTest, TakesTokensUpToTheLimit) {
  const size_t overhead = Token().size() - Base64UrlEncode(kPayload).size();
  const std::string largest((kMaxTokenBytes - overhead) / 4 * 3, ' ');
  ASSERT_OK_AND_ASSIGN(const std::string token, Sign(key_, kType, largest));
  EXPECT_THAT(Check(token), IsOkAndHolds(largest));
  EXPECT_THAT(Sign(key_, kType, largest + "   "), HasReason(v1::INVALID_FIELD));
  const std::string input =
      absl::StrCat(token.substr(0, token.find('.') + 1), Base64UrlEncode(largest + "   "));
  EXPECT_THAT(Check(absl::StrCat(input, ".", Base64UrlEncode(*key_.SignBytes(input)))),
              HasReason(v1::TOKEN_INVALID));
  EXPECT_THAT(Check(std::string(kMaxTokenBytes + 1, 'A')), HasReason(v1::TOKEN_INVALID));
  EXPECT_THAT(Check(std::string(kMaxTokenBytes, '.')), HasReason(v1::TOKEN_INVALID));
}

TEST_F(JwsTest, ErrorsRepeatNothingOfTheToken) {
  const std::string marked = Header(R"(,"alg":"SECRETALGORITHM","typ":"exec+jwt")");
  for (const std::string& token : {WithHeader(marked), Token() + "secret", Token() + ".secret"}) {
    const auto result = Check(token);
    ASSERT_THAT(result, HasReason(v1::TOKEN_INVALID));
    const std::string message(result.status().message());
    EXPECT_THAT(message, Not(HasSubstr("SECRET")));
    EXPECT_THAT(message, Not(HasSubstr("secret")));
    EXPECT_THAT(message, Not(HasSubstr(Token().substr(0, 10))));
  }
}

}  // namespace
}  // namespace countersign::jws
