// Errors with a stable reason: an absl::Status that carries a countersign.v1.Reason as a payload.
// The server turns it into google.rpc.ErrorInfo at its edge, the client turns that back into the same
// status, so both sides branch on ReasonOf() and never on text.
#ifndef COUNTERSIGN_CORE_ERROR_ERROR_H_
#define COUNTERSIGN_CORE_ERROR_ERROR_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "countersign/v1/reason.pb.h"

namespace countersign::error {

// The gRPC code that `reason` always has; the table in reason.proto, as code.
absl::StatusCode CodeOf(v1::Reason reason);

// A status with the reason's code. `message` says what is wrong and what to do next, and holds no secret.
absl::Status Make(v1::Reason reason, std::string_view message);

// INVALID_FIELD for `field`, a path from the request such as "action.argv[2]".
absl::Status InvalidField(std::string_view field, std::string_view description);

// Adds the time after which the same call may be tried again.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// REASON_UNSPECIFIED for an OK status and for one that no reason was given to.
v1::Reason ReasonOf(const absl::Status& status);

// The field that an INVALID_FIELD status names, if any.
std::optional<std::string> FieldOf(const absl::Status& status);

// What WithRetryDelay() said, if anything.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace countersign::error

#endif  // COUNTERSIGN_CORE_ERROR_ERROR_H_
