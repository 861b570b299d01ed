// Addresses as saved plans write them: of resources, of what checks look at, of providers.
#ifndef COUNTERSIGN_CORE_TERRAFORM_ADDRESS_H_
#define COUNTERSIGN_CORE_TERRAFORM_ADDRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// Of one instance of a resource or an action, or of all its instances: `module.m["a"].data.T.N[0]`. A plain
// value. Two addresses mean the same thing exactly when their texts are the same.
struct Address {
  enum class Mode : uint8_t { kManaged, kData, kEphemeral, kAction };

  std::string module;  // `module.m["a"].module.inner`, as addresses write it; empty for the root module.
  Mode mode = Mode::kManaged;
  std::string type;
  std::string name;
  // A number from `count` or a key, without quotes and escapes, from `for_each`. None for a single instance
  // and for all of them.
  std::optional<std::variant<int64_t, std::string>> index;

  friend bool operator==(const Address&, const Address&) = default;
};

// Accepts only what Format() writes, so nothing has two addresses. Outside ASCII a name may hold whatever can
// be seen, which is more than Terraform allows and takes no table of Unicode; a key that holds a code point
// which Terraform's version of Unicode does not know is refused.
// `place` says in errors whose address it is. Errors: PLAN_UNREADABLE.
absl::StatusOr<Address> ParseAddress(std::string_view text, std::string_view place = "address",
                                     const Limits& limits = Limits());

// Takes time linear in the text's length.
std::string Format(const Address& address);

// The key that the configuration has for the module of an Address: `m.inner` for
// `module.m["a"].module.inner`.
std::string ModuleKey(std::string_view module);

// What `-target` takes: a resource, one of its instances, or everything in a module. Errors: PLAN_UNREADABLE.
absl::Status CheckTarget(std::string_view text, std::string_view place = "address",
                         const Limits& limits = Limits());

// `module.m["a"].KEYWORD.NAME`, as checks name outputs, variables and check blocks. Errors: PLAN_UNREADABLE.
absl::Status CheckNamedObject(std::string_view text, std::string_view keyword,
                              std::string_view place = "address", const Limits& limits = Limits());

// Of one configuration of a provider: `module.m.provider["registry.terraform.io/hashicorp/aws"].west`.
struct ProviderAddress {
  std::string module;  // Without keys: all instances of a module share its providers.
  std::string source;  // Host, namespace and type, with slashes between them. Small letters, ASCII.
  std::string alias;   // Empty for the default configuration.

  friend bool operator==(const ProviderAddress&, const ProviderAddress&) = default;
};

// Errors: PLAN_UNREADABLE.
absl::StatusOr<ProviderAddress> ParseProviderAddress(std::string_view text,
                                                     std::string_view place = "address",
                                                     const Limits& limits = Limits());

std::string Format(const ProviderAddress& address);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_ADDRESS_H_
