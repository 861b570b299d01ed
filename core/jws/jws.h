// Signed tokens: the compact form of JSON Web Signatures (RFC 7515), ES256 only, and nothing negotiable. The
// header has exactly the members alg, kid and typ, so a token can bring neither its own key nor another
// algorithm.
#ifndef COUNTERSIGN_CORE_JWS_JWS_H_
#define COUNTERSIGN_CORE_JWS_JWS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/jws/key_set.h"
#include "core/jws/signing_key.h"

namespace countersign::jws {

// Longer tokens are neither made nor looked at.
inline constexpr size_t kMaxTokenBytes = 16 << 10;

// Signs `payload_json` as a token of `type` (the header's `typ`). The payload is signed as it is, unparsed.
// INVALID_FIELD when the token would be over kMaxTokenBytes; INTERNAL when OpenSSL fails.
absl::StatusOr<std::string> Sign(const SigningKey& key, std::string_view type, std::string_view payload_json);

// The payload of `compact`, which a key of `keys` signed as a token of exactly this `type`. Nothing of the
// token is looked at before its size and shape, and nothing of its payload before its signature. The payload
// is not parsed. TOKEN_INVALID otherwise, with a text that says which check failed and repeats nothing of the
// token.
absl::StatusOr<std::string> Verify(std::string_view compact, const KeySet& keys, std::string_view type);

}  // namespace countersign::jws

#endif  // COUNTERSIGN_CORE_JWS_JWS_H_
