// Values of Terraform's type system as JSON: an object's attributes by name, sets as arrays, unknown values
// as a mark of their own, and numbers that a double cannot hold exactly as decimal text.
#ifndef COUNTERSIGN_TESTS_PROVIDER_VALUE_H_
#define COUNTERSIGN_TESTS_PROVIDER_VALUE_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace countersign::provider {

using Json = nlohmann::json;

// What will be known after apply only.
Json Unknown();
bool IsUnknown(const Json& value);

// INVALID_ARGUMENT if it cannot be read. Terraform wrote it, so nothing is done against hostile depth or
// size.
absl::StatusOr<Json> DecodeMessagePack(const std::string& bytes);
std::string EncodeMessagePack(const Json& value);

// JSON text whose numbers keep all their digits: those that are no 64-bit integers become texts.
absl::StatusOr<Json> DecodeJson(const std::string& text);

// The attribute, or null where the value is null or has no such attribute.
const Json& Attribute(const Json& object, const std::string& name);
// The text, or `otherwise` where it is no text.
std::string TextOr(const Json& object, const std::string& name, const std::string& otherwise = {});
bool BoolOr(const Json& object, const std::string& name, bool otherwise);

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_VALUE_H_
