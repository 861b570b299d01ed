// What a state consists of: which members its objects have, and how the texts in them are written. Included
// by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_STATE_STRUCTURE_H_
#define COUNTERSIGN_CORE_TERRAFORM_STATE_STRUCTURE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace countersign::terraform {

// The objects and arrays that every state has, from the outside to the inside.
enum class StateLevel : uint8_t {
  kStart,
  kState,
  kOutputs,
  kOutput,
  kResources,
  kResource,
  kInstances,
  kInstance,
  kEnd,
};

// The one around `level`; kEnd where there is none.
StateLevel Above(StateLevel level);

// The members that those objects have.
enum class StateField : uint8_t {
  kNone,
  kVersion,
  kTerraformVersion,
  kSerial,
  kLineage,
  kOutputs,
  kResources,
  kCheckResults,
  kOutputValue,
  kOutputType,
  kOutputSensitive,
  kModule,
  kMode,
  kType,
  kName,
  kEach,
  kProvider,
  kInstances,
  kIndexKey,
  kStatus,
  kDeposed,
  kSchemaVersion,
  kAttributes,
  kAttributesFlat,
  kSensitiveAttributes,
  kIdentitySchemaVersion,
  kIdentity,
  kPrivate,
  kDependencies,
  kCreateBeforeDestroy,
};

struct StateMember {
  std::string_view name;
  StateField field;
  bool required;
};

// The members of the object at `level`; none where it has members of any name, or is an array.
std::span<const StateMember> FieldsOf(StateLevel level);
// Empty when it is not one of them.
std::string_view NameOf(StateLevel level, StateField field);

// What stands in the structure where the parser is: another level of it, or a value.
struct StateContainer {
  StateLevel level;
  bool object;
  std::string_view otherwise;  // What is wrong with anything else.
};

// Nothing where a value stands. `field` is the member of the object at `level`.
std::optional<StateContainer> ContainerAt(StateLevel level, StateField field);

// Whether texts are what Terraform writes.
bool IsName(std::string_view text);
bool IsVersion(std::string_view text);
bool IsLineage(std::string_view text);
bool IsDeposedKey(std::string_view text);
bool IsModule(std::string_view text);
bool IsProvider(std::string_view text);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_STATE_STRUCTURE_H_
