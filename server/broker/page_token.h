#ifndef COUNTERSIGN_SERVER_BROKER_PAGE_TOKEN_H_
#define COUNTERSIGN_SERVER_BROKER_PAGE_TOKEN_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace countersign::broker {

// Makes an opaque token of a cursor, bound to what it was made for (method, caller, filter) by an HMAC, so
// that it can neither be made up nor used with another filter. base64url.
std::string SealPageToken(std::string_view key, std::string_view bound_to, std::string_view cursor);

// The cursor. INVALID_FIELD "page_token" when it is malformed or was made for something else.
absl::StatusOr<std::string> OpenPageToken(std::string_view key, std::string_view bound_to,
                                          std::string_view token);

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_PAGE_TOKEN_H_
