// A cursor that a stranger keeps for us: opaque text, bound by an HMAC to what it was made for.
#ifndef COUNTERSIGN_SERVER_BASE_SEALED_CURSOR_H_
#define COUNTERSIGN_SERVER_BASE_SEALED_CURSOR_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::base {

// `cursor`, signed with `key` and bound to `purpose` (which kind of cursor it is, one word of ours) and to
// `bound_to` (method, caller, filter: what it must not be used without). Signed, not encrypted: whoever holds
// it can read the cursor. base64url.
std::string SealCursor(std::string_view key, std::string_view purpose, std::string_view bound_to,
                       std::string_view cursor);

// The cursor; nothing when `token` is malformed, was made with another key or for something else, or has more
// than `max_bytes`, in which case it is not looked at.
std::optional<std::string> OpenCursor(std::string_view key, std::string_view purpose,
                                      std::string_view bound_to, std::string_view token, size_t max_bytes);

}  // namespace countersign::base

#endif  // COUNTERSIGN_SERVER_BASE_SEALED_CURSOR_H_
