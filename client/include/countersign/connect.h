// How to reach a broker, and as whom.
#ifndef COUNTERSIGN_CLIENT_CONNECT_H_
#define COUNTERSIGN_CLIENT_CONNECT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "countersign/client.h"

namespace countersign {

// Files are PEM, and are read again while the client lives, so certificates can be renewed under it. Replace
// certificate and key together (a renamed directory or a switched symbolic link).
struct ConnectOptions {
  std::string server = {};   // Required. host:port
  std::string ca_file = {};  // Required. The only authority that the broker's certificate may come from.
  std::string certificate_file = {};  // Required. Says who the caller is.
  std::string key_file = {};          // Required. Of that certificate.
  std::string server_name =
      {};  // The name in the broker's certificate, where it is not the host in `server`.
};

// Opens no connection yet: a broker that is down is the first call's error, and the connection is made anew
// whenever it breaks. INVALID_ARGUMENT, saying which, when an option is missing or a file cannot be read.
absl::StatusOr<std::unique_ptr<Client>> Connect(const ConnectOptions& options);

// What one user or job needs to know about one broker.
struct Profile {
  std::string name = {};
  ConnectOptions connect = {};
  std::string jwks_file = {};  // The broker's public keys, pinned, for verifying tokens offline.
  std::string issuer = {};     // Who must have issued tokens.
  std::string audience = {};   // For whom they must be; empty means the issuer, as where a target names none.
};

// Where profiles come from. Empty fields have the defaults of the comments.
struct ProfileSource {
  std::string name = {};  // COUNTERSIGN_PROFILE, else "default".
  std::string
      config_file;  // COUNTERSIGN_CONFIG, else countersign/config.yaml under XDG_CONFIG_HOME or ~/.config.
  // How environment variables are read; null when unset. Default: getenv.
  std::function<const char*(const char*)> environment = {};
};

// Reads a profile. The file, if there is one, looks so; relative paths are relative to it:
//
//   profiles:
//     default:
//       server: broker.example.org:7400
//       ca_file: ca.pem
//       certificate_file: alice.pem
//       key_file: alice.key
//       jwks_file: jwks.json
//       issuer: https://broker.example.org
//
// Environment variables win over it: COUNTERSIGN_SERVER, COUNTERSIGN_SERVER_NAME, COUNTERSIGN_CA_FILE,
// COUNTERSIGN_CERTIFICATE_FILE, COUNTERSIGN_KEY_FILE, COUNTERSIGN_JWKS_FILE, COUNTERSIGN_ISSUER,
// COUNTERSIGN_AUDIENCE. Whether the result suffices is not checked. NOT_FOUND when a file or profile that was
// asked for does not exist; INVALID_ARGUMENT when the file is malformed or has a key that is not known.
absl::StatusOr<Profile> LoadProfile(const ProfileSource& source = {});

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_CONNECT_H_
