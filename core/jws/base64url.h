// Base64url without padding (RFC 7515, section 2), in its one canonical spelling.
#ifndef COUNTERSIGN_CORE_JWS_BASE64URL_H_
#define COUNTERSIGN_CORE_JWS_BASE64URL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace countersign::jws {

std::string Base64UrlEncode(std::string_view bytes);

// INVALID_FIELD for everything that Base64UrlEncode() does not write: padding, white space, the characters of
// plain base64, impossible lengths, and bits set after the last byte. The error does not repeat the text.
absl::StatusOr<std::string> Base64UrlDecode(std::string_view text);

}  // namespace countersign::jws

#endif  // COUNTERSIGN_CORE_JWS_BASE64URL_H_
