#ifndef COUNTERSIGN_CORE_TERRAFORM_CODE_BLOCK_H_
#define COUNTERSIGN_CORE_TERRAFORM_CODE_BLOCK_H_

#include <cstdint>
#include <string>
#include <vector>

namespace countersign::terraform {

// One place in a configuration that runs a program, reaches out of the plan, or decides where what it does
// ends up. The texts are the configuration's: to be escaped, and where they are long cut, by who shows them.
struct CodeBlock {
  enum class Kind : uint8_t {
    kAction,         // An `action`, or a trigger of one.
    kBackend,        // Where the state is kept.
    kCheck,          // A `check`.
    kCloud,          // HCP Terraform instead of a backend.
    kConnection,     // How a provisioner gets to a machine.
    kEncryption,     // OpenTofu's; it can run a program to get a key.
    kEphemeral,      // An ephemeral resource: opened in every run, recorded nowhere.
    kExternalData,   // data "external", or a provider that runs a program, as for credentials.
    kFileFunction,   // A function that reads the runner's files or environment, or renders what it is given.
    kHttpData,       // data "http".
    kImport,         // Takes an object over.
    kLocalExec,      // provisioner "local-exec": runs a command on the runner.
    kModule,         // A module and where it comes from.
    kMoved,          // Renames an object.
    kPathReference,  // path.cwd: where the runner runs.
    kProvider,       // How a provider is configured. `detail` is a digest of it.
    kProviderFunction,  // A function that a provider brings.
    kProvisioner,       // Any other provisioner.
    kRemoteState,       // data "terraform_remote_state": reads another state.
    kRemoved,           // Lets go of an object, or deletes it.
    kRequiredProvider,  // Which provider a name stands for.
    kStateStore,        // A provider as the place where the state is kept.
    kWriteOnly,         // An argument that is sent to the provider and recorded nowhere, by its name.
  };
  Kind kind = Kind::kModule;
  std::string module;  // The key of the module that it stands in; empty for the root.
  std::string file;    // The name within the module.
  int line = 0;
  std::string what;    // provisioner "local-exec" in resource aws_instance.web
  std::string detail;  // What tells most about it, as written, or "computed"; empty when there is nothing.
  // Of all of its text and of what the locals, variables and modules in it stand for, but for the values that
  // variables of the root are given.
  std::string digest;
  std::vector<std::string> variables;  // Of the root: those that it refers to, sorted.
  bool any_variable = false;           // Which of them cannot be told.
};

// How many blocks of the kinds that `terraform show -json` lists. Those of override files are changes to
// others, and not counted.
struct BlockCounts {
  uint64_t resources = 0;
  uint64_t data_sources = 0;  // Those within checks too.
  uint64_t modules = 0;
  uint64_t outputs = 0;
  uint64_t variables = 0;

  bool operator==(const BlockCounts&) const = default;
};

// A resource whose configuration says `prevent_destroy` and does not say false.
struct ProtectedResource {
  std::string module;
  std::string type;
  std::string name;
  bool literal = false;  // It says true, not something that is computed.

  bool operator==(const ProtectedResource&) const = default;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CODE_BLOCK_H_
