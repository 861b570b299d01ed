#include "core/jws/key_set.h"

#include <optional>
#include <utility>

#include "core/digest/canonical_json.h"
#include "core/error/error.h"
#include "core/jws/base64url.h"
#include "core/jws/strict_json.h"

namespace countersign::jws {
namespace {

using digest::CanonicalJson;
using nlohmann::json;

absl::Status Refuse(std::string_view what) { return error::InvalidField("jwks", what); }

// A member that is absent leaves the question open, so it does not make the key one of another kind.
bool IsAbsentOr(const json& key, const char* name, std::string_view wanted) {
  if (!key.contains(name)) return true;
  const std::string* value = StringMember(key, name);
  return value != nullptr && *value == wanted;
}

bool Is(const json& key, const char* name, std::string_view wanted) {
  return key.contains(name) && IsAbsentOr(key, name, wanted);
}

bool IsSignatureKey(const json& key) {
  return Is(key, "kty", "EC") && Is(key, "crv", "P-256") && IsAbsentOr(key, "use", "sig") &&
         IsAbsentOr(key, "alg", "ES256");
}

absl::StatusOr<PublicKey> ParseKey(const json& key) {
  if (key.contains("d")) return Refuse("a key carries its private half; publish public keys only");
  const std::string* const x = StringMember(key, "x");
  const std::string* const y = StringMember(key, "y");
  if (x == nullptr || y == nullptr) return Refuse("a key lacks a coordinate");
  const auto x_bytes = Base64UrlDecode(*x);
  const auto y_bytes = Base64UrlDecode(*y);
  if (!x_bytes.ok() || !y_bytes.ok()) return Refuse("a coordinate is not base64url");
  auto parsed = PublicKey::FromCoordinates(*x_bytes, *y_bytes);
  if (!parsed.ok()) return Refuse("a key is not a point of the curve P-256");
  if (!Is(key, "kid", parsed->key_id())) return Refuse("a key's kid is not its RFC 7638 thumbprint");
  return parsed;
}

}  // namespace

KeySet::KeySet(const std::vector<SigningKey>& keys) {
  for (const SigningKey& key : keys) keys_.emplace(key.key_id(), key.public_key());
}

absl::StatusOr<KeySet> KeySet::FromJwks(std::string_view text) {
  const std::optional<json> document = ParseStrictObject(text, kMaxJwksBytes);
  if (!document.has_value())
    return Refuse("is not a JSON object of at most 64 KiB without duplicate members");
  const auto keys = document->find("keys");
  if (keys == document->end() || !keys->is_array()) return Refuse("lacks the array \"keys\"");
  KeySet set;
  for (const json& key : *keys) {
    if (!key.is_object()) return Refuse("a key is not an object");
    if (!IsSignatureKey(key)) continue;
    auto parsed = ParseKey(key);
    if (!parsed.ok()) return parsed.status();
    const std::string key_id = parsed->key_id();
    if (!set.keys_.emplace(key_id, *std::move(parsed)).second) return Refuse("a key comes twice");
  }
  if (set.keys_.empty()) return Refuse("holds no P-256 signature key");
  return set;
}

std::string KeySet::ToJwks() const {
  CanonicalJson keys = CanonicalJson::Array();
  for (const auto& [key_id, key] : keys_) {
    keys.Append(CanonicalJson::Object({{"alg", CanonicalJson::String("ES256")},
                                       {"crv", CanonicalJson::String("P-256")},
                                       {"kid", CanonicalJson::String(key_id)},
                                       {"kty", CanonicalJson::String("EC")},
                                       {"use", CanonicalJson::String("sig")},
                                       {"x", CanonicalJson::String(key.x())},
                                       {"y", CanonicalJson::String(key.y())}}));
  }
  // Only ASCII that we wrote ourselves is in there, so it cannot fail.
  return *CanonicalJson::Object({{"keys", keys}}).Write();
}

const PublicKey* KeySet::Find(std::string_view key_id) const {
  const auto found = keys_.find(key_id);
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace countersign::jws
