#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_LEASE_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_LEASE_H_

#include <functional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "client/src/environment.h"
#include "countersign/client.h"

namespace countersign::cli {

// Keeps an execution's lease alive on a thread of its own until destruction. Borrows client and environment.
// A lost lease is told once through `on_lost`, on that thread; the program runs on, because stopping it half
// way is no safer, and the report settles the matter.
class Lease {
 public:
  Lease(Client& client, Environment& environment, v1::HeartbeatRequest request, absl::Duration interval,
        std::function<void(const absl::Status&)> on_lost);

 private:
  std::jthread thread_;  // Requests a stop and joins on destruction.
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_LEASE_H_
