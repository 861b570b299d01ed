#include "core/jws/base64url.h"

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "core/error/error.h"

namespace countersign::jws {

std::string Base64UrlEncode(std::string_view bytes) {
  return absl::WebSafeBase64Escape(absl::string_view(bytes.data(), bytes.size()));
}

absl::StatusOr<std::string> Base64UrlDecode(std::string_view text) {
  std::string bytes;
  // The library decodes leniently; what it took is canonical only if it is also what we would have written.
  if (!absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &bytes) ||
      Base64UrlEncode(bytes) != text) {
    return error::InvalidField("base64url", "is not canonical base64url without padding");
  }
  return bytes;
}

}  // namespace countersign::jws
