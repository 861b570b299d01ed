#ifndef COUNTERSIGN_SERVER_HTTP_PROBE_H_
#define COUNTERSIGN_SERVER_HTTP_PROBE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace countersign::http {

struct ProbeOptions {
  std::string host;
  int port = 0;
  // The listener speaks TLS. Its certificate is not checked: the probe asks its own machine and sends
  // nothing.
  bool tls = false;
  absl::Duration timeout = absl::Seconds(3);
};

struct ProbeAnswer {
  bool ready = false;
  std::string body;
};

// Asks /readyz. UNAVAILABLE when nothing answers in time.
absl::StatusOr<ProbeAnswer> ProbeReadiness(const ProbeOptions& options);

}  // namespace countersign::http

#endif  // COUNTERSIGN_SERVER_HTTP_PROBE_H_
