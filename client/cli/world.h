// Everything outside that the command line touches, so that tests can stand in for it.
#ifndef COUNTERSIGN_CLIENT_CLI_WORLD_H_
#define COUNTERSIGN_CLIENT_CLI_WORLD_H_

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/src/environment.h"
#include "countersign/client.h"
#include "countersign/connect.h"

namespace countersign::cli {

// The human at the controlling terminal. A pipe cannot play it.
class Terminal {
 public:
  virtual ~Terminal() = default;
  // Shows the question and returns the line that was typed after it. UNAVAILABLE when there is no terminal.
  virtual absl::StatusOr<std::string> Ask(const std::string& question) = 0;
};

// /dev/tty. What was typed before the question was shown is discarded.
class ControllingTerminal final : public Terminal {
 public:
  absl::StatusOr<std::string> Ask(const std::string& question) override;
};

// Borrows all it refers to.
struct World {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  size_t columns = 80;  // Of the terminal.
  Terminal& terminal;
  Environment& environment;
  std::function<absl::StatusOr<std::unique_ptr<Client>>(const ConnectOptions&)> connect;
  std::function<const char*(const char*)> variable;  // Like getenv.
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_WORLD_H_
