#ifndef COUNTERSIGN_SERVER_PROPOSAL_RESOURCE_NAME_H_
#define COUNTERSIGN_SERVER_PROPOSAL_RESOURCE_NAME_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace countersign::proposal {

// 1 to 24 of a-z and 2-7.
bool IsIdPrefix(std::string_view text);

std::string ProposalName(std::string_view id);

// The id of "proposals/{24 of a-z and 2-7}". INVALID_FIELD, naming `field`, for anything else.
absl::StatusOr<std::string> ParseProposalName(std::string_view name, std::string_view field);

}  // namespace countersign::proposal

#endif  // COUNTERSIGN_SERVER_PROPOSAL_RESOURCE_NAME_H_
