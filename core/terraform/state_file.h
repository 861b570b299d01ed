// Terraform's state in its JSON form, version 4, as saved plans hold it and `terraform state pull` prints it.
#ifndef COUNTERSIGN_CORE_TERRAFORM_STATE_FILE_H_
#define COUNTERSIGN_CORE_TERRAFORM_STATE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/terraform/limits.h"
#include "core/terraform/path.h"
#include "core/terraform/value.h"

namespace countersign::terraform {

// One object of a resource instance. A plain value whose texts and values live in the arena.
struct StateObject {
  // As plans write it: `module.x.data.T.N["k"]`. Its parts have been checked to be names and keys.
  std::string_view address;
  std::string_view deposed;  // Eight hex digits, or empty for the current object.
  bool managed = true;       // Else it is what a data source read.
  std::string_view module;   // `module.x["k"].module.y`, or empty for the root.
  std::string_view type;
  std::string_view name;
  std::string_view provider;  // `provider["registry.terraform.io/hashicorp/aws"].alias`
  Value index;                // A number from `count`, a string from `for_each`, else null.
  // An object. An attribute that may be of any type stands in it as an object of `value` and `type`, see
  // IsSameAsStored().
  Value attributes;
  // What is sensitive in `attributes`, without the step `value` of such attributes: as in plans.
  std::vector<Path> sensitive_paths;
  bool tainted = false;
  bool create_before_destroy = false;
  uint64_t schema_version = 0;
  size_t dependencies = 0;  // How many.

  bool has_index() const { return !index.is_null(); }
};

struct StateOutput {
  Value value;
  bool sensitive = false;
};

// What a state holds. Immutable after ReadState(), hence thread-safe; valid as long as the arena.
struct StateFile {
  std::string terraform_version;  // Letters, digits, dots, plus and minus signs only.
  std::string lineage;            // Visible ASCII only; empty before the first write.
  uint64_t serial = 0;
  std::vector<StateObject> objects;  // As they stand in the file. No two have one address and deposed key.
  std::map<std::string, StateOutput, std::less<>> outputs;
  size_t managed_objects = 0;
  // The same for any two states whose objects have the same addresses, deposed keys and attributes, whatever
  // their order, and nothing else goes into it: not lineage, serial or outputs.
  std::string digest;
  // Positions in `objects`, sorted by address and deposed key.
  std::vector<uint32_t> by_address;
  // How many bytes the head has: `version`, `terraform_version`, `serial`, `lineage` and the name `outputs`.
  // The rest of the text says everything else, and says the same behind any other head. 0 where the members
  // stand in another order than Terraform's.
  uint64_t head_bytes = 0;

  // Null pointer when there is none.
  const StateObject* Find(std::string_view address, std::string_view deposed = {}) const;
};

// The next piece of the input, of any size; valid until the next call. Empty at the end.
using NextChunk = std::function<absl::StatusOr<std::string_view>()>;

// Reads all of `next_chunk`. Values go to `arena`, which must outlive the result; what else is held at one
// time is bounded by `limits`. `place` begins the place of every refusal: "tfstate".
//
// Refuses, beyond what is no JSON in UTF-8, whatever Terraform would read in another way than it looks: a
// member twice, a member that is not known or known in another case, a byte order mark, half of a surrogate
// pair, something after the end. So also what is older than Terraform 0.12, and a number that no double can
// come near. Errors: PLAN_UNREADABLE, and those of `next_chunk` as they are.
absl::StatusOr<StateFile> ReadState(const NextChunk& next_chunk, ValueArena* arena, const Limits& limits,
                                    std::string_view place);

// As ReadState(), but only the head, with nothing behind it read: `head_bytes` and what it is about are set.
absl::StatusOr<StateFile> ReadStateHead(const NextChunk& next_chunk, const Limits& limits,
                                        std::string_view place);

// The address that an object counts under; nothing where it does not count. The text must live on.
using AddressOf = std::function<std::optional<std::string_view>(const StateObject&)>;

// As `digest`, of the objects that count, as if they had these addresses.
std::string DigestOf(const StateFile& state, const AddressOf& address_of);

// Whether a value of a plan is the one that a state holds. As IsSame(), but for how states write values:
// where an attribute may be of any type, the value is wrapped as {"value": …, "type": …}; and a number that
// is text in the plan can be the same number in another form.
bool IsSameAsStored(const Value& planned, const Value& stored);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_STATE_FILE_H_
