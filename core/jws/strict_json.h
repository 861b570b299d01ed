// JSON from strangers. Included by this folder's sources only, never by its public headers.
#ifndef COUNTERSIGN_CORE_JWS_STRICT_JSON_H_
#define COUNTERSIGN_CORE_JWS_STRICT_JSON_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::jws {

inline constexpr size_t kMaxJsonDepth = 8;

// The object that `text` holds. Nothing when it is no valid JSON, not an object, over `max_bytes`, nested
// deeper than kMaxJsonDepth, or when any object in it has two members of one name: parsers disagree on
// which of the two counts. Does not throw.
std::optional<nlohmann::json> ParseStrictObject(std::string_view text, size_t max_bytes);

// The member of `object` if it is there and a string, else null. Lives as long as `object` does.
const std::string* StringMember(const nlohmann::json& object, const char* name);

}  // namespace countersign::jws

#endif  // COUNTERSIGN_CORE_JWS_STRICT_JSON_H_
