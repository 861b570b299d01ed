#ifndef COUNTERSIGN_SERVER_STORAGE_SEALING_H_
#define COUNTERSIGN_SERVER_STORAGE_SEALING_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/base/random.h"
#include "server/storage/store.h"

namespace countersign::storage {

// The keys that wrap the data keys of artifacts. Immutable, hence thread-safe. Never printed.
class MasterKeys {
 public:
  // One key per line, "{id} {base64 of 32 bytes}"; '#' starts a comment. The last one wraps new artifacts,
  // the others only unwrap: a key is rotated by adding a line. INVALID_FIELD names the line, never the key.
  static absl::StatusOr<MasterKeys> Parse(std::string_view text);

  const std::string& active_id() const { return active_id_; }
  bool Has(std::string_view id) const { return keys_.contains(std::string(id)); }

 private:
  friend absl::StatusOr<SealedArtifact> Seal(const MasterKeys&, base::RandomSource&, std::string_view,
                                             std::string_view);
  friend absl::StatusOr<std::string> Open(const MasterKeys&, const SealedArtifact&);
  friend absl::Status CheckHolds(const MasterKeys&, std::string_view, const SealedArtifact&);

  std::map<std::string, std::string> keys_;
  std::string active_id_;
};

// Encrypts with AES-256-GCM under a fresh data key, which is wrapped likewise under the active master key.
// The artifact's digest and key id are authenticated with it, so ciphertexts cannot be swapped between rows.
absl::StatusOr<SealedArtifact> Seal(const MasterKeys& keys, base::RandomSource& random,
                                    std::string_view digest, std::string_view bytes);

// DATA_CORRUPTED when the key is not there, or anything was changed, or the bytes do not have the digest.
absl::StatusOr<std::string> Open(const MasterKeys& keys, const SealedArtifact& sealed);

// INVALID_FIELD, naming the key, unless `keys`, which were read from `file`, unwrap the data key of `sealed`.
// Does not look at its ciphertext.
absl::Status CheckHolds(const MasterKeys& keys, std::string_view file, const SealedArtifact& sealed);

}  // namespace countersign::storage

#endif  // COUNTERSIGN_SERVER_STORAGE_SEALING_H_
