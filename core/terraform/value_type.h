// Types of Terraform's type system, as JSON. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_VALUE_TYPE_H_
#define COUNTERSIGN_CORE_TERRAFORM_VALUE_TYPE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/terraform/value.h"

namespace countersign::terraform {

// A plain value; the names are borrowed from the text or live in the arena that it was parsed with.
struct ValueType {
  // Lists and sets are one kind, as in Value. kDynamic is any type, to be told by the value.
  enum class Kind : uint8_t { kDynamic, kString, kNumber, kBoolean, kList, kMap, kTuple, kObject };

  // The position of an attribute of kObject; the number of attributes when there is none of that name.
  size_t Find(std::string_view name) const;

  Kind kind = Kind::kDynamic;
  std::vector<ValueType> parts;         // One for kList and kMap, else as many as there are.
  std::vector<std::string_view> names;  // Of the parts of kObject; ascending.
};

enum class TypeError : uint8_t { kNone, kMalformed, kTooDeep, kTooLarge };

// Reads `"number"`, `["list","string"]`, `["object",{"a":"bool"}]`: exactly what cty writes, so no white
// space, attributes in ascending order, no optional ones. Charges each type to `arena`, as a few nodes,
// before it is allocated. `depth` is how many levels it may have.
TypeError ParseValueType(std::string_view json, ValueArena* arena, size_t depth, ValueType* type);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_VALUE_TYPE_H_
