// What a request may bring, checked once, at the edge. Every refusal is INVALID_FIELD with the field's path.
#ifndef COUNTERSIGN_SERVER_PROPOSAL_VALIDATE_H_
#define COUNTERSIGN_SERVER_PROPOSAL_VALIDATE_H_

#include <string_view>

#include "absl/status/status.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::proposal {

// The limits and formats that resource.proto states for Action. Does not look whether target or artifacts
// exist.
absl::Status ValidateAction(const v1::Action& action);

// A text by a person or an agent: `required` or not, at most 4 KiB, only characters that CheckCharacters()
// lets through.
absl::Status ValidateText(std::string_view text, std::string_view field, bool required);

// Empty, or 1 to 64 of [A-Za-z0-9._-].
absl::Status ValidateRequestId(std::string_view request_id);

}  // namespace countersign::proposal

#endif  // COUNTERSIGN_SERVER_PROPOSAL_VALIDATE_H_
