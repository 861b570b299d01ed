// Feeds whatever strangers can send as a value, and ends the process if one is accepted that is not the same
// when it is decoded again, that another reader of JSON does not take although it has its numbers, or that
// costs more than its size allows.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/terraform/msgpack.h"
#include "core/terraform/utf8.h"
#include "core/terraform/value.h"
#include "tests/fuzz/require.h"

namespace countersign::fuzz {
namespace {

using terraform::Value;

// Small, so that the ends of them are seen.
terraform::Limits LimitsForFuzzing() {
  terraform::Limits limits;
  limits.value_depth = 12;
  limits.value_nodes = 2000;
  limits.value_text_bytes = 4000;
  return limits;
}

// Terraform's numbers have no largest one; those of most readers of JSON have.
bool IsDouble(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNumber:
      return std::isfinite(std::strtod(std::string(value.text()).c_str(), nullptr));
    case Value::Kind::kSequence:
      return std::ranges::all_of(value.elements(), IsDouble);
    case Value::Kind::kMapping:
      return std::ranges::all_of(value.members(),
                                 [](const terraform::Member& member) { return IsDouble(member.value); });
    default:
      return true;
  }
}

void CheckNode(const Value& value, size_t depth, const terraform::Limits& limits) {
  Require(depth <= limits.value_depth);
  switch (value.kind()) {
    case Value::Kind::kNumber:
      Require(terraform::IsNumberText(value.text()) &&
              terraform::CanonicalNumber(value.text()) == value.text());
      break;
    case Value::Kind::kString:
      Require(terraform::FirstInvalidUtf8(value.text()) == std::string_view::npos);
      break;
    case Value::Kind::kSequence:
      for (const Value& element : value.elements()) CheckNode(element, depth + 1, limits);
      break;
    case Value::Kind::kMapping:
      for (size_t i = 0; i < value.members().size(); ++i) {
        const terraform::Member& member = value.members()[i];
        Require(i == 0 || value.members()[i - 1].name < member.name);
        Require(value.Find(member.name) == &member.value);
        CheckNode(member.value, depth + 1, limits);
      }
      break;
    case Value::Kind::kNull:
    case Value::Kind::kUnknown:
    case Value::Kind::kBoolean:
      break;
  }
}

void Decode(std::string_view input) {
  const terraform::Limits limits = LimitsForFuzzing();
  terraform::ValueArena arena(limits);
  const auto value = terraform::DecodeMsgpack(input, &arena, limits, "here");
  if (!value.ok()) return;
  CheckNode(*value, 1, limits);

  terraform::ValueArena other_arena(limits);
  const auto again = terraform::DecodeMsgpack(input, &other_arena, limits, "here");
  Require(again.ok() && terraform::IsSame(*value, *again));
  Require(arena.nodes_left() == other_arena.nodes_left());

  std::string json;
  terraform::WriteJson(*value, &json);
  // Six for each byte of a text; numbers grow by a factor that their longest canonical form bounds.
  Require(json.size() <= 100 * input.size());
  Require(!nlohmann::json::parse(json, nullptr, false).is_discarded() || !IsDouble(*value));
}

}  // namespace
}  // namespace countersign::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  countersign::fuzz::Decode({reinterpret_cast<const char*>(data), size});
  return 0;
}
