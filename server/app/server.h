#ifndef COUNTERSIGN_SERVER_APP_SERVER_H_
#define COUNTERSIGN_SERVER_APP_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/app/config.h"
#include "server/app/log.h"
#include "server/app/signals.h"

namespace countersign::app {

// One broker with everything it needs, wired. Thread-safe.
class Server {
 public:
  // Waits for the database and its schema for as long as the configuration allows; meanwhile the HTTP
  // listener says on /readyz what is missing. Then serves. INVALID_FIELD for what the configuration has
  // wrong; WRONG_STATE for a schema or a role that must not be served from; CANCELLED when the end was asked
  // for meanwhile. Borrows `log` and `signals`.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config, Log* log,
                                                       Signals* signals);

  // Drains first, if that was not done.
  virtual ~Server() = default;

  virtual int grpc_port() const = 0;
  virtual int http_port() const = 0;

  // Reads keys and configuration again, now.
  virtual void Reload() = 0;

  // Takes no new calls, lets running ones finish within the configured grace, and stops.
  virtual void Drain() = 0;
};

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_SERVER_H_
