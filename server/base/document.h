// YAML documents into protobuf messages, for the server's configuration and for what `apply` brings.
#ifndef COUNTERSIGN_SERVER_BASE_DOCUMENT_H_
#define COUNTERSIGN_SERVER_BASE_DOCUMENT_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace countersign::base {

// Limits of one YAML text, because documents come from callers.
inline constexpr size_t kMaxDocumentBytes = 1 << 20;
inline constexpr size_t kMaxDocumentDepth = 32;

// One YAML document as the JSON of protobuf's mapping: every scalar but null becomes a string, which that
// mapping accepts for every field type.
struct JsonDocument {
  std::string json;
  int line = 0;  // Where the document starts in the text, counted from 1.
};

// Splits a YAML text into its documents. Pure, so thread-safe. Empty documents are left out.
// INVALID_FIELD on syntax errors, duplicate keys, anchors, aliases, tags, invalid UTF-8, and over the limits;
// the text says line and column.
absl::StatusOr<std::vector<JsonDocument>> ParseYaml(std::string_view text);

// Fills `message` from one document. Unknown fields are refused, and so are values of another type; one value
// may stand for a list of one, as protobuf's own parser has it. Fields are written as in the .proto file
// (`token_lifetime`), not in protobuf's other spelling (`tokenLifetime`).
absl::Status FromJson(std::string_view json, google::protobuf::Message* message);

}  // namespace countersign::base

#endif  // COUNTERSIGN_SERVER_BASE_DOCUMENT_H_
