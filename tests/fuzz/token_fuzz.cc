// Feeds whatever strangers can send as a token, a key set or base64url, and ends the process if anything
// verifies that was not signed. The first byte of the input chooses what the rest is taken for, so that the
// fuzzer also gets behind the signature, which it could never make itself.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "core/jws/base64url.h"
#include "core/jws/certificate.h"
#include "core/jws/execution_token.h"
#include "core/jws/jws.h"
#include "core/jws/key_set.h"
#include "core/jws/signing_key.h"
#include "tests/fuzz/require.h"

namespace countersign::jws {
namespace {

using fuzz::Require;

const SigningKey& Key() {
  static const SigningKey* const key = new SigningKey(*SigningKey::Generate());
  return *key;
}

const KeySet& Keys() {
  static const KeySet* const keys = new KeySet({Key()});
  return *keys;
}

Expectation Expected() {
  Expectation expectation;
  expectation.issuer = "i";
  expectation.audience = "a";
  expectation.now = absl::FromUnixSeconds(1700000000);
  return expectation;
}

// Nobody but us has the key, so nothing that comes from outside may verify.
void AsToken(std::string_view input) {
  Require(!Verify(input, Keys(), kExecutionTokenType).ok());
  Require(!VerifyExecutionToken(input, Keys(), Expected()).ok());
}

// What does decode is spelled as we would have spelled it.
void AsBase64Url(std::string_view input) {
  const auto bytes = Base64UrlDecode(input);
  if (bytes.ok()) Require(Base64UrlEncode(*bytes) == input);
  Require(*Base64UrlDecode(Base64UrlEncode(input)) == input);
}

// A key set that is accepted survives being published again.
void AsKeySet(std::string_view input) {
  const auto keys = KeySet::FromJwks(input);
  if (!keys.ok()) return;
  const auto again = KeySet::FromJwks(keys->ToJwks());
  Require(again.ok() && again->size() == keys->size() && again->ToJwks() == keys->ToJwks());
}

// Signed header or payload: what verifies is exactly what was signed, and claims that are read can be issued
// again.
void AsSignedPayload(std::string_view input) {
  const auto token = Sign(Key(), kExecutionTokenType, input);
  if (!token.ok()) return;
  const auto payload = Verify(*token, Keys(), kExecutionTokenType);
  Require(payload.ok() && *payload == input);
  const auto claims = VerifyExecutionToken(*token, Keys(), Expected());
  if (claims.ok()) Require(IssueExecutionToken(Key(), *claims).ok());
}

void AsSignedHeader(std::string_view input) {
  const std::string signed_input = Base64UrlEncode(input) + "." + Base64UrlEncode("{}");
  const auto signature = Key().SignBytes(signed_input);
  Require(signature.ok());
  const auto payload = Verify(signed_input + "." + Base64UrlEncode(*signature), Keys(), kExecutionTokenType);
  if (!payload.ok()) return;
  Require(*payload == "{}");
}

// A good token with the input's bytes written over it. A changed s can be the other valid one, which leaves
// the payload as it was; no change may leave another payload.
void AsChangesOfAToken(std::string_view input) {
  static const std::string* const good = new std::string(*Sign(Key(), kExecutionTokenType, R"({"iss":"i"})"));
  std::string token = *good;
  for (size_t i = 0; i + 1 < input.size(); i += 2) {
    token[static_cast<unsigned char>(input[i]) % token.size()] = input[i + 1];
  }
  const auto payload = Verify(token, Keys(), kExecutionTokenType);
  if (payload.ok()) Require(*payload == R"({"iss":"i"})");
  if (token == *good) Require(payload.ok());
}

void AsPem(std::string_view input) {
  const auto key = SigningKey::FromPem(input);
  if (key.ok()) Require(SigningKey::FromPem(key->ToPem()).ok());
  const auto thumbprint = CertificateThumbprint(input);
  if (thumbprint.ok()) Require(thumbprint->size() == 43);
}

}  // namespace
}  // namespace countersign::jws

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::jws;  // NOLINT(google-build-using-namespace): the entry point must be outside
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      AsToken(input);
      break;
    case 1:
      AsBase64Url(input);
      break;
    case 2:
      AsKeySet(input);
      break;
    case 3:
      AsSignedPayload(input);
      break;
    case 4:
      AsSignedHeader(input);
      break;
    case 5:
      AsChangesOfAToken(input);
      break;
    case 6:
      AsPem(input);
      break;
  }
  return 0;
}
