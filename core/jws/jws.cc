#include "core/jws/jws.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "core/digest/canonical_json.h"
#include "core/error/error.h"
#include "core/jws/base64url.h"
#include "core/jws/strict_json.h"

namespace countersign::jws {
namespace {

using digest::CanonicalJson;

constexpr std::string_view kAlgorithm = "ES256";
constexpr size_t kSignatureBytes = 64;

absl::Status Refuse(std::string_view what) { return error::Make(v1::TOKEN_INVALID, what); }

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_input;  // Header, dot, payload.
};

std::optional<Parts> Split(std::string_view compact) {
  const size_t first = compact.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return Parts{compact.substr(0, first), compact.substr(first + 1, second - first - 1),
               compact.substr(second + 1), compact.substr(0, second)};
}

// The key that the header names, if the header is exactly ours.
absl::StatusOr<const PublicKey*> CheckHeader(std::string_view encoded, const KeySet& keys,
                                             std::string_view type) {
  const auto text = Base64UrlDecode(encoded);
  if (!text.ok()) return Refuse("the token's header is not canonical base64url");
  const auto header = ParseStrictObject(*text, kMaxTokenBytes);
  if (!header.has_value()) return Refuse("the token's header is not a JSON object without duplicate members");
  const std::string* const algorithm = StringMember(*header, "alg");
  if (algorithm == nullptr || *algorithm != kAlgorithm) return Refuse("the token's algorithm is not ES256");
  const std::string* const actual_type = StringMember(*header, "typ");
  if (actual_type == nullptr || *actual_type != type) return Refuse("the token is of another type");
  const std::string* const key_id = StringMember(*header, "kid");
  if (key_id == nullptr) return Refuse("the token names no key");
  if (header->size() != 3) return Refuse("the token's header has members other than alg, kid and typ");
  const PublicKey* const key = keys.Find(*key_id);
  if (key == nullptr) return Refuse("the token names a key that is not in the key set; reload the key set");
  return key;
}

}  // namespace

absl::StatusOr<std::string> Sign(const SigningKey& key, std::string_view type,
                                 std::string_view payload_json) {
  const auto header = CanonicalJson::Object({{"alg", CanonicalJson::String(kAlgorithm)},
                                             {"kid", CanonicalJson::String(key.key_id())},
                                             {"typ", CanonicalJson::String(type)}})
                          .Write();
  if (!header.ok()) return header.status();
  const std::string input = absl::StrCat(Base64UrlEncode(*header), ".", Base64UrlEncode(payload_json));
  const auto signature = key.SignBytes(input);
  if (!signature.ok()) return signature.status();
  std::string compact = absl::StrCat(input, ".", Base64UrlEncode(*signature));
  if (compact.size() > kMaxTokenBytes) return error::InvalidField("token", "would be over 16 KiB");
  return compact;
}

absl::StatusOr<std::string> Verify(std::string_view compact, const KeySet& keys, std::string_view type) {
  if (compact.size() > kMaxTokenBytes) return Refuse("the token is over 16 KiB");
  const auto parts = Split(compact);
  if (!parts.has_value()) return Refuse("the token does not have three parts");
  const auto key = CheckHeader(parts->header, keys, type);
  if (!key.ok()) return key.status();
  const auto signature = Base64UrlDecode(parts->signature);
  if (!signature.ok()) return Refuse("the token's signature is not canonical base64url");
  if (signature->size() != kSignatureBytes) return Refuse("the token's signature is not 64 bytes long");
  if (!(*key)->Verifies(parts->signed_input, *signature)) return Refuse("the token's signature is wrong");
  const auto payload = Base64UrlDecode(parts->payload);
  if (!payload.ok()) return Refuse("the token's payload is not canonical base64url");
  return *payload;
}

}  // namespace countersign::jws
