#ifndef COUNTERSIGN_SERVER_RPC_SERVER_H_
#define COUNTERSIGN_SERVER_RPC_SERVER_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/broker/broker.h"
#include "server/rpc/limits.h"
#include "server/rpc/request_observer.h"
#include "server/watch/hub.h"
#include "server/watch/watchers.h"

namespace countersign::rpc {

// The gRPC server: mutual TLS, the six services, health, and reflection where wanted. Handlers translate,
// authorise and delegate; no work is done on gRPC's threads. Thread-safe.
class Server {
 public:
  struct Options {
    // host:port; port 0 takes a free one. An IPv6 host stands in brackets.
    std::string listen_address = "127.0.0.1:0";
    // PEM files, read again every `certificate_refresh`: a renewed certificate serves new connections.
    std::string certificate_file;
    std::string key_file;
    // Who signs the certificates of callers. No other caller gets past the handshake.
    std::string client_ca_file;
    std::chrono::seconds certificate_refresh{2};
    // Before it has shown its certificate anybody may hold a connection, so not for long.
    std::chrono::milliseconds handshake_timeout{10'000};
    // A connection that has said nothing for `ping` is asked whether it is still there, and closed when no
    // answer comes within `ping_timeout`.
    std::chrono::milliseconds ping{30'000};
    std::chrono::milliseconds ping_timeout{20'000};
    bool enable_reflection = false;
    Limits limits;
  };

  // Borrowed; all outlive the server. The executor must still run while the server is drained.
  struct Parts {
    broker::Broker* broker = nullptr;
    watch::Hub* hub = nullptr;
    watch::Watchers* watchers = nullptr;
    base::Executor* executor = nullptr;
    // For CreateProposal with a plan; as many threads as plans are read at one time.
    base::Executor* plan_executor = nullptr;
    const base::Clock* clock = nullptr;
    base::RandomSource* random = nullptr;
    // May be null.
    RequestLog* log = nullptr;
    RequestObserver* observer = nullptr;
  };

  // Listens and serves at once; health says NOT_SERVING until SetServing(true). INVALID_ARGUMENT when a file
  // cannot be read or key and certificate do not belong together; UNAVAILABLE when the address cannot be
  // used.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options, const Parts& parts);

  // Drain() without grace.
  virtual ~Server() = default;

  virtual int port() const = 0;

  // What grpc.health.v1 answers, for the server and each service.
  virtual void SetServing(bool serving) = 0;

  // Says NOT_SERVING, answers waiters and watchers with OVERLOADED, takes no new calls, gives running ones
  // `grace` to end, cancels the rest, and returns when none is left. Shuts the hub and the watchers down.
  virtual void Drain(absl::Duration grace) = 0;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_SERVER_H_
