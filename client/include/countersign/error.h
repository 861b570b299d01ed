// What a failed call says beyond its code. Branch on the reason, never on the text.
#ifndef COUNTERSIGN_CLIENT_ERROR_H_
#define COUNTERSIGN_CLIENT_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "countersign/v1/reason.pb.h"

namespace countersign {

// REASON_UNSPECIFIED for OK, and for what the broker did not say itself, such as a broken connection.
v1::Reason ReasonOf(const absl::Status& status);

// For INVALID_FIELD: the path of the field, for example "action.argv[2]".
std::optional<std::string> FieldOf(const absl::Status& status);

// When the same call may be tried again, if the broker said so.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_ERROR_H_
