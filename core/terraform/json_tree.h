#ifndef COUNTERSIGN_CORE_TERRAFORM_JSON_TREE_H_
#define COUNTERSIGN_CORE_TERRAFORM_JSON_TREE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace countersign::terraform {

// One value of a JSON text, with the place where it stands.
struct JsonNode {
  enum class Kind : uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };
  static constexpr uint32_t kNone = UINT32_MAX;

  Kind kind = Kind::kNull;
  int line = 0;                       // Of the name of a member, else of the value's end.
  const std::string* name = nullptr;  // Of a member of an object, unescaped.
  const std::string* text = nullptr;  // Of a string, unescaped.
  std::string_view source;            // The value as it stands in the text.
  uint32_t parent = kNone;
  uint32_t first_child = kNone;
  uint32_t next = kNone;  // The next child of the same parent.
};

// A whole JSON text. nodes[0] is the value itself; a parent stands before its children.
struct JsonTree {
  std::vector<JsonNode> nodes;
  std::deque<std::string> texts;  // Names and strings.
};

struct JsonLimits {
  size_t values = 0;
  size_t depth = 0;
};

// Reads exactly one value by RFC 8259, and refuses objects that name a member twice. `text` must be UTF-8
// without NUL, and outlive the tree. Errors: PLAN_UNREADABLE at "{file}:{line}".
absl::Status ParseJson(std::string_view text, std::string_view file, JsonLimits limits, JsonTree* tree);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_JSON_TREE_H_
