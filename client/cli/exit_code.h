// The exit codes of every verb but exec, which passes its program's code through and refuses with kRefused.
#ifndef COUNTERSIGN_CLIENT_CLI_EXIT_CODE_H_
#define COUNTERSIGN_CLIENT_CLI_EXIT_CODE_H_

#include "absl/status/status.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::cli {

inline constexpr int kDone = 0;
inline constexpr int kError = 1;
inline constexpr int kUsage = 2;
inline constexpr int kDenied = 3;
inline constexpr int kOver = 4;  // Expired, cancelled, superseded or revoked.
inline constexpr int kStillPending = 5;
inline constexpr int kNotPermitted = 6;
inline constexpr int kVerificationFailed = 7;
inline constexpr int kRefused = 125;

// What a waiter learns from a proposal's state: kDone only for what was approved.
int ExitCodeOf(v1::Proposal::State state);

// For a call that failed.
int ExitCodeOf(const absl::Status& status);

// A status that means "used wrongly": kUsage.
absl::Status UsageError(const std::string& message);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXIT_CODE_H_
