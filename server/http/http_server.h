#ifndef COUNTERSIGN_SERVER_HTTP_HTTP_SERVER_H_
#define COUNTERSIGN_SERVER_HTTP_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace countersign::http {

// One condition of being ready.
struct Check {
  std::string name;
  absl::Status status;
};

// The listener for machines that ask rather than act: relying parties, probes, Prometheus. GET and HEAD only;
// nothing here needs a credential or tells a secret. A fixed number of threads; connections beyond them wait
// in the kernel's bounded backlog.
class HttpServer {
 public:
  struct Options {
    std::string host = "0.0.0.0";
    int port = 0;  // 0 chooses a free one.
    // PEM files, both or neither: with them it speaks TLS.
    std::string certificate_file;
    std::string key_file;
    // What OpenID discovery announces.
    std::string issuer;
    // A connection that sends nothing, or a byte now and then, holds one. Probes must get through beside
    // them.
    int threads = 32;
  };
  // Called on the listener's threads, several at a time.
  struct Sources {
    std::function<std::string()> jwks;
    std::function<std::vector<Check>()> readiness;
    std::function<std::string()> metrics;
  };

  // Listens from here on. INVALID_FIELD when address, certificate or key cannot be used.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options, const Sources& sources);
  // Reads certificate and key anew for the connections to come. INVALID_FIELD when they cannot be used; those
  // read before stay in use then. OK without TLS. From any thread.
  absl::Status ReloadCertificate();
  // Stops. What is being answered is finished first.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }

 private:
  struct Listener;
  HttpServer(std::unique_ptr<Listener> listener, int port);

  std::unique_ptr<Listener> listener_;
  const int port_;
};

}  // namespace countersign::http

#endif  // COUNTERSIGN_SERVER_HTTP_HTTP_SERVER_H_
