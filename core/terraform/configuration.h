// The configuration that a saved plan holds. It runs when the plan is applied, and the rest of the plan does
// not describe it: whoever approves a plan approves this too.
#ifndef COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_H_
#define COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/terraform/code_block.h"
#include "core/terraform/constant_arguments.h"
#include "core/terraform/limits.h"
#include "core/terraform/lock_file.h"

namespace countersign::terraform {

// An entry of the plan. Borrowed.
struct NamedFile {
  std::string_view name;
  std::string_view content;
};

struct ConfigurationFile {
  std::string module;  // The key of its module.
  std::string path;    // The entry's name: "tfconfig/m-network/main.tf".
  std::string digest;  // Of the content, as core/digest writes it.
  uint64_t size = 0;
  bool is_json = false;
  bool is_override = false;  // It changes blocks of the other files.
};

struct Module {
  std::string key;        // "network.subnets"; empty for the root.
  std::string source;     // Where it was taken from; empty for the root.
  std::string version;    // Empty when its source has none.
  std::string directory;  // What path.module says.
  std::string digest;     // Of all of the above, and of its files' names and contents.
};

// A plain value. The order of everything depends on the files' names and contents only.
struct Configuration {
  std::vector<ConfigurationFile> files;  // Sorted by path.
  std::vector<Module> modules;           // Sorted by key; the root is the first.
  std::vector<CodeBlock> blocks;         // As `files`, then by line.
  BlockCounts counts;
  std::vector<ProtectedResource> protected_resources;
  std::map<ResourceName, ConstantArguments> constants;  // Of resources and data sources that have any.
  std::vector<std::string> sensitive_variables;  // Of the root, sorted: those that say so of themselves.
  std::vector<std::string>
      secret_defaults;  // Texts that sensitive variables, of any module, have by default.
  LockWriter lock_writer = LockWriter::kUnknown;
  std::vector<ProviderLock> lock;
  std::string lock_digest;  // Of the lock file's content.
  std::string digest;       // Of all modules' digests.
};

// Reads all entries of a plan that begin with "tfconfig/", and its ".terraform.lock.hcl": all of them, in any
// order, and nothing else. Pure. Errors: PLAN_UNREADABLE for what Terraform would not read, for what it could
// read in two ways, and for what is not known here.
absl::StatusOr<Configuration> ReadConfiguration(std::span<const NamedFile> files, const Limits& limits);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_H_
