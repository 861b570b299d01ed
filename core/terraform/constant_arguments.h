// The arguments of resources and data sources that a configuration sets to constants. Nothing is evaluated.
#ifndef COUNTERSIGN_CORE_TERRAFORM_CONSTANT_ARGUMENTS_H_
#define COUNTERSIGN_CORE_TERRAFORM_CONSTANT_ARGUMENTS_H_

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "core/terraform/configuration_source.h"
#include "core/terraform/constant_reader.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// A resource or a data source of the configuration, whatever the number of its instances.
struct ResourceName {
  std::string module;  // The key of its module; empty for the root.
  bool data = false;
  std::string type;
  std::string name;

  bool operator==(const ResourceName&) const = default;
  bool operator<(const ResourceName& other) const {
    return std::tie(module, data, type, name) < std::tie(other.module, other.data, other.type, other.name);
  }
};

// An argument that every object at its place sets, to what is certainly known while planning; or blocks of a
// type of which there is at least one in each of them, and which have such arguments. A plain value.
struct ConstantArgument {
  std::string name;
  std::vector<ConstantArgument> members;  // Of its objects, sorted by name.

  bool operator==(const ConstantArgument&) const = default;
};

// Sorted by name.
using ConstantArguments = std::vector<ConstantArgument>;

// Collects them from all files of a configuration. Borrows the limits. Not thread-safe.
class ConstantCollector {
 public:
  explicit ConstantCollector(const Limits& limits) : nodes_(limits) {}

  // `module` is the key of the file's module. An override file changes the arguments that others set. Errors:
  // PLAN_UNREADABLE at `path` when all files together have more arguments than the limits allow.
  absl::Status AddFile(const ConfigurationSource& source, std::string_view module, std::string_view path,
                       bool is_override);
  // To be called once, at the end. Nothing of what has none.
  std::map<ResourceName, ConstantArguments> Finish();

 private:
  using Roots = std::map<ResourceName, ArgumentNode*>;

  ArgumentNodes nodes_;
  Roots originals_;
  Roots overrides_;  // What all override files say of a resource together.
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CONSTANT_ARGUMENTS_H_
