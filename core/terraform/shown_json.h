// Values as texts for people. Included by this folder's sources and tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_SHOWN_JSON_H_
#define COUNTERSIGN_CORE_TERRAFORM_SHOWN_JSON_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "core/terraform/masking.h"
#include "core/terraform/value.h"

namespace countersign::terraform {

// What stands where a value within another one is hidden.
inline constexpr std::string_view kHidden = "(sensitive value)";

struct ShownJson {
  std::string text;
  bool cut = false;  // There would be more.
};

// `value` as JSON, unknown as null, and what `cursor`, which stands at the value, hides as kHidden. At most
// `most_bytes` long, ending between two characters; costs no more than that, however large the value.
ShownJson ShowJson(const Value& value, const Mask::Cursor& cursor, size_t most_bytes);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_SHOWN_JSON_H_
