#ifndef COUNTERSIGN_SERVER_TOKEN_KEY_RING_H_
#define COUNTERSIGN_SERVER_TOKEN_KEY_RING_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/jws/jws.h"
#include "server/base/mutex.h"

namespace countersign::token {

// The signing keys in a directory of PEM files, one P-256 private key each. A file's name is the time from
// which it signs, in UTC: 20261121T000000Z.pem. The youngest key whose time has come signs; every key,
// also a future one, is published and verifies, so that relying parties know a key before its first token and
// until its file is removed. Thread-safe.
class KeyRing {
 public:
  // The directory must hold at least one key when loaded; other names than *.pem are ignored.
  explicit KeyRing(std::string directory) : directory_(std::move(directory)) {}

  // Reads the directory again. On failure the keys that were there stay in use.
  absl::Status Reload();

  // FAILED_PRECONDITION when no key's time has come.
  absl::StatusOr<std::shared_ptr<const jws::SigningKey>> ActiveKey(absl::Time now) const;
  std::shared_ptr<const jws::KeySet> PublicKeys() const;

 private:
  struct Entry {
    absl::Time start_time;
    std::shared_ptr<const jws::SigningKey> key;
  };
  const std::string directory_;
  mutable base::Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // Ascending by start_time.
  std::shared_ptr<const jws::KeySet> public_keys_ ABSL_GUARDED_BY(mutex_) = std::make_shared<jws::KeySet>();
};

}  // namespace countersign::token

#endif  // COUNTERSIGN_SERVER_TOKEN_KEY_RING_H_
