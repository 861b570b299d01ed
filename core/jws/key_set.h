#ifndef COUNTERSIGN_CORE_JWS_KEY_SET_H_
#define COUNTERSIGN_CORE_JWS_KEY_SET_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/jws/public_key.h"
#include "core/jws/signing_key.h"

namespace countersign::jws {

inline constexpr size_t kMaxJwksBytes = 64 << 10;

// The public keys whose signatures count, by key id. A plain value: const use from many threads is safe.
class KeySet {
 public:
  // No keys: nothing verifies.
  KeySet() = default;
  // The public halves. A key that is given twice counts once.
  explicit KeySet(const std::vector<SigningKey>& keys);

  // From a JSON Web Key Set (RFC 7517). Keys that are not P-256 signature keys are skipped. INVALID_FIELD
  // when the text is malformed or over kMaxJwksBytes, when a P-256 signature key is not a point of the curve,
  // carries its private half, has no `kid` or one that is not its RFC 7638 thumbprint, or comes twice, and
  // when none is left.
  static absl::StatusOr<KeySet> FromJwks(std::string_view json);

  // The set as canonical JSON, sorted by key id, so that equal sets have equal text.
  std::string ToJwks() const;

  // Null when unknown. The key lives as long as the set.
  const PublicKey* Find(std::string_view key_id) const;
  size_t size() const { return keys_.size(); }

 private:
  std::map<std::string, PublicKey, std::less<>> keys_;
};

}  // namespace countersign::jws

#endif  // COUNTERSIGN_CORE_JWS_KEY_SET_H_
