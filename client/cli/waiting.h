#ifndef COUNTERSIGN_CLIENT_CLI_WAITING_H_
#define COUNTERSIGN_CLIENT_CLI_WAITING_H_

#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/session.h"

namespace countersign::cli {

// Empty means for ever.
absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text);

// Waits while the proposal is PENDING, with a progress line. Errors as Client::Wait().
absl::StatusOr<v1::Proposal> WaitForDecision(Session& session, const std::string& name,
                                             absl::Duration timeout, const std::stop_token& stop = {});

// Waits and prints the outcome; the exit code says which it was.
absl::StatusOr<int> WaitAndTell(Session& session, const std::string& name, absl::Duration timeout);

// Prints the state after a change: "k3vq… is APPROVED". 0.
absl::StatusOr<int> TellState(Session& session, const v1::Proposal& proposal);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_WAITING_H_
