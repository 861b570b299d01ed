#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_CHILD_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_CHILD_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/exec/program.h"
#include "client/cli/exec/signal_relay.h"

namespace countersign::cli {

// What to run, exactly.
struct Command {
  const Program& program;
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  int directory;    // An open one, where it is started. Borrowed.
  int output = -1;  // Where its standard output goes; -1 is ours. Borrowed.
  int kept = -1;    // The one descriptor that it gets besides its standard ones; -1 is none. Borrowed.
};

// How it ended.
struct Outcome {
  int exit_code;        // 128 + n when signal n ended it; 126 or 127 when it could not be started.
  std::string problem;  // Why it could not be started.
};

// Starts the command in this terminal session with an empty standard input, our standard error, the output
// that it names and no other descriptor, umask 077, default signal handling and nothing blocked; relays
// signals; waits for its end.
Outcome RunCommand(const Command& command, SignalRelay& relay);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_CHILD_H_
