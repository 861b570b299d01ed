#ifndef COUNTERSIGN_CLIENT_CLI_HINT_H_
#define COUNTERSIGN_CLIENT_CLI_HINT_H_

#include <string>

#include "absl/status/status.h"

namespace countersign::cli {

// What to do next about a failed call, one sentence; empty where the error says it all.
std::string HintFor(const absl::Status& status);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_HINT_H_
