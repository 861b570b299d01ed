#ifndef COUNTERSIGN_CORE_JWS_PUBLIC_KEY_H_
#define COUNTERSIGN_CORE_JWS_PUBLIC_KEY_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct evp_pkey_st;

namespace countersign::jws {

// A point on P-256 that verifies ES256 signatures. Immutable, so thread-safe; copies share the key.
class PublicKey {
 public:
  // From the coordinates as 32 big-endian bytes each. INVALID_FIELD unless they are a point of the curve.
  static absl::StatusOr<PublicKey> FromCoordinates(std::string_view x, std::string_view y);

  // The RFC 7638 thumbprint: base64url of the SHA-256 of the key as JSON. Two keys never share one.
  const std::string& key_id() const { return key_id_; }
  // Base64url, as JSON Web Keys have them.
  const std::string& x() const { return x_; }
  const std::string& y() const { return y_; }

  // Whether `signature`, r and s in 32 bytes each, is this key's ES256 signature of `input`.
  bool Verifies(std::string_view input, std::string_view signature) const;

 private:
  PublicKey() = default;

  std::shared_ptr<evp_pkey_st> key_;
  std::string key_id_;
  std::string x_;
  std::string y_;
};

}  // namespace countersign::jws

#endif  // COUNTERSIGN_CORE_JWS_PUBLIC_KEY_H_
