// From "approved" to "may run": claim a token, verify it, spend it, when the target is free.
#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_TURN_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_TURN_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cli/exec/signal_relay.h"
#include "client/cli/session.h"
#include "countersign/client.h"

namespace countersign::cli {

// What the runner trusts before it asks the broker for anything.
struct Trust {
  std::string jwks;
  std::string certificate;
  std::string issuer;
  std::string audience;
};

absl::StatusOr<Trust> LoadTrust(Session& session);

// What every step of one execution needs. Borrows everything.
struct ExecutionContext {
  Session& session;
  Client& client;
  const Trust& trust;
  SignalRelay& relay;
  absl::Duration give_up_at;  // On the environment's uptime: until when the target may be waited for.
};

// Spends a token as soon as no other execution holds the target, which gives leave to run what `digest`
// stands for, once. Each try has a token of its own, because tokens live shorter than executions; before each
// claim `prepare` looks whether what was approved still fits the world, and its error ends the matter.
// TARGET_BUSY when the context gives up first.
absl::StatusOr<v1::RedeemTokenResponse> TakeTurn(const ExecutionContext& context,
                                                 const v1::Proposal& proposal, const std::string& digest,
                                                 const std::function<absl::Status()>& prepare);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_TURN_H_
