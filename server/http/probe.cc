#include "server/http/probe.h"

#include <httplib.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace countersign::http {

absl::StatusOr<ProbeAnswer> ProbeReadiness(const ProbeOptions& options) {
  const std::string host =
      absl::StrContains(options.host, ':') ? absl::StrCat("[", options.host, "]") : options.host;
  httplib::Client client(absl::StrCat(options.tls ? "https" : "http", "://", host, ":", options.port));
  client.enable_server_certificate_verification(false);
  const auto timeout = absl::ToChronoMilliseconds(options.timeout);
  client.set_connection_timeout(timeout);
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  const auto answer = client.Get("/readyz");
  if (!answer) {
    return absl::UnavailableError(absl::StrCat("nothing answers at ", host, ":", options.port, ": ",
                                               httplib::to_string(answer.error())));
  }
  return ProbeAnswer{.ready = answer->status == 200, .body = answer->body};
}

}  // namespace countersign::http
