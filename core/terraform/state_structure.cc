#include "core/terraform/state_structure.h"

#include <algorithm>
#include <cstddef>

#include "core/terraform/address.h"
#include "core/terraform/path.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

constexpr size_t kMostVersionBytes = 64;
constexpr size_t kMostLineageBytes = 256;
constexpr size_t kDeposedKeyBytes = 8;

constexpr StateMember kStateFields[] = {
    {"version", StateField::kVersion, true},
    {"terraform_version", StateField::kTerraformVersion, true},
    {"serial", StateField::kSerial, true},
    {"lineage", StateField::kLineage, true},
    {"outputs", StateField::kOutputs, true},
    {"resources", StateField::kResources, true},
    {"check_results", StateField::kCheckResults, false},
};
constexpr StateMember kOutputFields[] = {
    {"value", StateField::kOutputValue, true},
    {"type", StateField::kOutputType, true},
    {"sensitive", StateField::kOutputSensitive, false},
};
constexpr StateMember kResourceFields[] = {
    {"module", StateField::kModule, false},      {"mode", StateField::kMode, true},
    {"type", StateField::kType, true},           {"name", StateField::kName, true},
    {"each", StateField::kEach, false},          {"provider", StateField::kProvider, true},
    {"instances", StateField::kInstances, true},
};
constexpr StateMember kInstanceFields[] = {
    {"index_key", StateField::kIndexKey, false},
    {"status", StateField::kStatus, false},
    {"deposed", StateField::kDeposed, false},
    {"schema_version", StateField::kSchemaVersion, true},
    {"attributes", StateField::kAttributes, true},
    {"attributes_flat", StateField::kAttributesFlat, false},
    {"sensitive_attributes", StateField::kSensitiveAttributes, false},
    {"identity_schema_version", StateField::kIdentitySchemaVersion, false},
    {"identity", StateField::kIdentity, false},
    {"private", StateField::kPrivate, false},
    {"dependencies", StateField::kDependencies, false},
    {"create_before_destroy", StateField::kCreateBeforeDestroy, false},
};

}  // namespace

StateLevel Above(StateLevel level) {
  switch (level) {
    case StateLevel::kOutputs:
    case StateLevel::kResources:
      return StateLevel::kState;
    case StateLevel::kOutput:
      return StateLevel::kOutputs;
    case StateLevel::kResource:
      return StateLevel::kResources;
    case StateLevel::kInstances:
      return StateLevel::kResource;
    case StateLevel::kInstance:
      return StateLevel::kInstances;
    case StateLevel::kStart:
    case StateLevel::kState:
    case StateLevel::kEnd:
      break;
  }
  return StateLevel::kEnd;
}

std::span<const StateMember> FieldsOf(StateLevel level) {
  switch (level) {
    case StateLevel::kState:
      return kStateFields;
    case StateLevel::kOutput:
      return kOutputFields;
    case StateLevel::kResource:
      return kResourceFields;
    case StateLevel::kInstance:
      return kInstanceFields;
    case StateLevel::kStart:
    case StateLevel::kOutputs:
    case StateLevel::kResources:
    case StateLevel::kInstances:
    case StateLevel::kEnd:
      break;
  }
  return {};
}

std::string_view NameOf(StateLevel level, StateField field) {
  for (const StateMember& known : FieldsOf(level)) {
    if (known.field == field) return known.name;
  }
  return {};
}

std::optional<StateContainer> ContainerAt(StateLevel level, StateField field) {
  constexpr std::string_view kObject = "must be an object";
  constexpr std::string_view kObjects = "must hold objects only";
  constexpr std::string_view kArray = "must be an array";
  if (level == StateLevel::kStart) return StateContainer{StateLevel::kState, true, kObject};
  if (level == StateLevel::kOutputs) return StateContainer{StateLevel::kOutput, true, kObjects};
  if (level == StateLevel::kResources) return StateContainer{StateLevel::kResource, true, kObjects};
  if (level == StateLevel::kInstances) return StateContainer{StateLevel::kInstance, true, kObjects};
  if (field == StateField::kOutputs) return StateContainer{StateLevel::kOutputs, true, kObject};
  if (field == StateField::kResources) return StateContainer{StateLevel::kResources, false, kArray};
  if (field == StateField::kInstances) return StateContainer{StateLevel::kInstances, false, kArray};
  return std::nullopt;
}

bool IsName(std::string_view text) { return ConsumeName(&text) && text.empty(); }

bool IsVersion(std::string_view text) {
  return !text.empty() && text.size() <= kMostVersionBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '+' || c == '-';
         });
}

bool IsLineage(std::string_view text) {
  return text.size() <= kMostLineageBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool IsDeposedKey(std::string_view text) {
  return text.size() == kDeposedKeyBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool IsModule(std::string_view text) {
  const auto address = ParseAddress(text::Concat(text, ".type.name"));
  return address.ok() && !text.empty() && address->module == text;
}

bool IsProvider(std::string_view text) { return ParseProviderAddress(text).ok(); }

}  // namespace countersign::terraform
