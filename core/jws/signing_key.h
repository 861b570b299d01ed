#ifndef COUNTERSIGN_CORE_JWS_SIGNING_KEY_H_
#define COUNTERSIGN_CORE_JWS_SIGNING_KEY_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/jws/public_key.h"

struct evp_pkey_st;

namespace countersign::jws {

// A P-256 private key that makes ES256 signatures. Immutable, so thread-safe; copies share the key, whose
// memory is wiped with the last of them.
class SigningKey {
 public:
  // The first private key in `pem` (PKCS #8 or SEC 1). INVALID_FIELD when there is none, it is encrypted, it
  // is not on P-256, or its public half is not that of its private half. Never prompts for a passphrase.
  static absl::StatusOr<SigningKey> FromPem(std::string_view pem);

  // A new key. INTERNAL when OpenSSL has no entropy.
  static absl::StatusOr<SigningKey> Generate();

  // The secret itself, as unencrypted PKCS #8, for the one caller that stores it. Empty if memory ran out.
  std::string ToPem() const;

  const PublicKey& public_key() const { return public_key_; }
  const std::string& key_id() const { return public_key_.key_id(); }

  // The ES256 signature of `input`: r and s, 32 bytes each. INTERNAL when OpenSSL fails.
  absl::StatusOr<std::string> SignBytes(std::string_view input) const;

 private:
  SigningKey(std::shared_ptr<evp_pkey_st> key, PublicKey public_key);
  static absl::StatusOr<SigningKey> FromKey(std::shared_ptr<evp_pkey_st> key);

  std::shared_ptr<evp_pkey_st> key_;
  PublicKey public_key_;
};

}  // namespace countersign::jws

#endif  // COUNTERSIGN_CORE_JWS_SIGNING_KEY_H_
