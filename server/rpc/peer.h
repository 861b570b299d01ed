#ifndef COUNTERSIGN_SERVER_RPC_PEER_H_
#define COUNTERSIGN_SERVER_RPC_PEER_H_

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/mutex.h"
#include "server/broker/caller.h"

namespace countersign::rpc {

// What a client certificate says. Immutable.
struct Peer {
  broker::Caller caller;
  // A connection may outlive its certificate; calls on it then do not.
  absl::Time not_after;
};

// Reads a leaf certificate in PEM: its one URI SAN is the principal. PRINCIPAL_UNKNOWN when it has none,
// several, or one that is not a principal's, and for a certificate that may sign others. Trusts the handshake
// to have checked the signature.
absl::StatusOr<Peer> ReadPeer(std::string_view certificate_pem);

// Remembers the peers of the last `capacity` certificates, so that a call does not parse one. Thread-safe.
class PeerCache {
 public:
  explicit PeerCache(size_t capacity) : capacity_(capacity) {}

  absl::StatusOr<std::shared_ptr<const Peer>> Find(std::string_view certificate_pem)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    std::string pem;
    std::shared_ptr<const Peer> peer;
  };
  const size_t capacity_;
  base::Mutex mutex_;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // Most recently used first.
  // The keys are views of the entries' texts.
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_PEER_H_
