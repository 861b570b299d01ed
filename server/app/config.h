// The server's configuration: defaults, one YAML file, the environment, flags, in rising order of precedence.
#ifndef COUNTERSIGN_SERVER_APP_CONFIG_H_
#define COUNTERSIGN_SERVER_APP_CONFIG_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/config.pb.h"

namespace countersign::app {

// One leaf of ServerConfig, found by reflection.
struct Setting {
  std::string path;         // grpc.listen_address; the flag is "--" + path.
  std::string environment;  // COUNTERSIGND_GRPC_LISTEN_ADDRESS
};
const std::vector<Setting>& Settings();

struct ConfigSources {
  std::string file;  // "" for none.
  // All of the process's; only names with the prefix COUNTERSIGND_ are looked at, and empty values are unset.
  std::map<std::string, std::string> environment;
  // Path to text.
  std::map<std::string, std::string> flags;
};

// What the sources say together, over the defaults. Not validated. INVALID_FIELD names the setting and where
// the wrong value came from; for the file the line, too.
absl::StatusOr<ServerConfig> LoadConfig(const ConfigSources& sources);

// LoadConfig() for a text instead of a file. `file` is for messages.
absl::StatusOr<ServerConfig> ParseConfig(std::string_view text, std::string_view file);

// Everything that can be known without a database: required settings, ranges, files that can be read and hold
// what they should. INVALID_FIELD names the first setting that is wrong.
absl::Status ValidateForServing(const ServerConfig& config);

// The connection string, from database.url or database.url_file.
absl::StatusOr<std::string> DatabaseUrl(const ServerConfig& config);

// "host:port", "[::1]:port". INVALID_FIELD under the name `setting`.
absl::StatusOr<std::pair<std::string, int>> ParseAddress(std::string_view address, std::string_view setting);

absl::Duration ToDuration(const google::protobuf::Duration& duration);

// For people: the configuration as "path: value" lines, without secrets.
std::string Describe(const ServerConfig& config);

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_CONFIG_H_
