// Feeds whatever strangers can send as a state, and ends the process if what is accepted is read in another
// way when it comes in other pieces, is not what another parser says it is, or does not survive being written
// again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/terraform/address.h"
#include "core/terraform/state_file.h"
#include "tests/fuzz/require.h"

namespace countersign::terraform {
namespace {

using fuzz::Require;

Limits SmallLimits() {
  Limits limits;
  limits.value_nodes = 100'000;
  limits.state_note_nodes = 10'000;
  return limits;
}

absl::StatusOr<StateFile> ReadPieces(std::string_view text, size_t piece_bytes, ValueArena* arena) {
  return ReadState(
      [&]() -> absl::StatusOr<std::string_view> {
        const std::string_view piece = text.substr(0, piece_bytes);
        text.remove_prefix(piece.size());
        return piece;
      },
      arena, SmallLimits(), "tfstate");
}

// The content as a parser reads it that knows nothing of states.
void RequireAgreement(const StateFile& state, std::string_view input) {
  const auto json = nlohmann::json::parse(input, nullptr, /*allow_exceptions=*/false);
  Require(json.is_object() && json["version"] == 4 && json["serial"] == state.serial);
  Require(json["lineage"] == state.lineage && json["outputs"].size() == state.outputs.size());
  size_t position = 0;
  for (const auto& resource : json["resources"]) {
    for (const auto& instance : resource["instances"]) {
      Require(position < state.objects.size());
      const StateObject& object = state.objects[position++];
      Require(resource["type"] == std::string(object.type) && resource["name"] == std::string(object.name));
      const auto address = ParseAddress(object.address);
      Require(address.ok() && address->module == object.module && address->type == object.type);
      Require(address->name == object.name && address->index.has_value() == object.has_index());
      std::string attributes;
      WriteJson(object.attributes, &attributes);
      Require(nlohmann::json::parse(attributes).size() == instance["attributes"].size());
      Require(state.Find(object.address, object.deposed) == &object);
      Require(IsSameAsStored(object.attributes, object.attributes));
    }
  }
  Require(position == state.objects.size());
}

void RequireSame(const StateFile& left, const StateFile& right) {
  Require(left.digest == right.digest && left.serial == right.serial && left.lineage == right.lineage);
  Require(left.terraform_version == right.terraform_version);
  Require(left.managed_objects == right.managed_objects && left.outputs.size() == right.outputs.size());
  Require(left.objects.size() == right.objects.size());
  for (size_t i = 0; i < left.objects.size(); ++i) {
    const StateObject& one = left.objects[i];
    const StateObject& other = right.objects[i];
    Require(one.address == other.address && one.deposed == other.deposed && one.managed == other.managed);
    Require(one.provider == other.provider && one.sensitive_paths == other.sensitive_paths);
    Require(IsSame(one.attributes, other.attributes) && IsSame(one.index, other.index));
  }
}

bool HasFraction(const nlohmann::json& json) {
  if (!json.is_structured()) return json.is_number_float();
  return std::any_of(json.begin(), json.end(), HasFraction);
}

void Run(std::string_view input) {
  ValueArena arena(SmallLimits());
  const auto state = ReadPieces(input, std::max<size_t>(input.size(), 1), &arena);
  ValueArena other_arena(SmallLimits());
  const auto other = ReadPieces(input, 1, &other_arena);
  Require(state.status() == other.status());
  if (!state.ok()) return;
  RequireSame(*state, *other);
  RequireAgreement(*state, input);

  // The same with all members sorted. What that parser cannot hold exactly it makes a fraction.
  const auto json = nlohmann::json::parse(input);
  if (HasFraction(json)) return;
  ValueArena sorted_arena(SmallLimits());
  const std::string text = json.dump();
  const auto sorted = ReadPieces(text, 7, &sorted_arena);
  Require(sorted.ok() && sorted->digest == state->digest);
}

}  // namespace
}  // namespace countersign::terraform

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  countersign::terraform::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
