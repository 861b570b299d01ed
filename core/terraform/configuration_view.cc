#include "core/terraform/configuration_view.h"

#include <string>

#include "core/terraform/secret_parts.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

std::string_view KindOf(CodeBlock::Kind kind) {
  using Kind = CodeBlock::Kind;
  switch (kind) {
    case Kind::kAction:
      return "action";
    case Kind::kBackend:
      return "backend";
    case Kind::kCheck:
      return "check";
    case Kind::kCloud:
      return "cloud";
    case Kind::kConnection:
      return "connection";
    case Kind::kEncryption:
      return "encryption";
    case Kind::kEphemeral:
      return "ephemeral";
    case Kind::kExternalData:
      return "external";
    case Kind::kFileFunction:
      return "file_function";
    case Kind::kHttpData:
      return "http";
    case Kind::kImport:
      return "import";
    case Kind::kLocalExec:
      return "local_exec";
    case Kind::kModule:
      return "module";
    case Kind::kMoved:
      return "moved";
    case Kind::kPathReference:
      return "path_reference";
    case Kind::kProvider:
      return "provider";
    case Kind::kProviderFunction:
      return "provider_function";
    case Kind::kProvisioner:
      return "provisioner";
    case Kind::kRemoteState:
      return "remote_state";
    case Kind::kRemoved:
      return "removed";
    case Kind::kRequiredProvider:
      return "required_provider";
    case Kind::kStateStore:
      return "state_store";
    case Kind::kWriteOnly:
      return "write_only";
  }
  return "";
}

using VariableDigests = std::map<std::string, std::string>;

// The names and the values of all variables.
std::string TextOf(const VariableDigests& variables) {
  std::string text;
  for (const auto& [name, digest] : variables) text += text::Concat("\n", name, " ", digest);
  return text;
}

// What a block says with the values that the variables are given.
std::string TextOf(const CodeBlock& block, const VariableDigests& variables) {
  std::string text = block.digest;
  for (const std::string& name : block.variables) {
    const auto given = variables.find(name);
    if (given != variables.end()) text += text::Concat("\n", name, " ", given->second);
  }
  return text;
}

void Show(const CodeBlock& block, v1::CodeBlock* shown) {
  shown->set_kind(std::string(KindOf(block.kind)));
  shown->set_module(block.module);
  shown->set_file(block.file);
  shown->set_line(block.line);
  shown->set_what(block.what);
  shown->set_detail(WithoutSecrets(block.detail));
}

void Show(const ConfigurationFile& file, v1::ConfigurationFile* shown) {
  shown->set_module(file.module);
  shown->set_path(file.path);
  shown->set_digest(file.digest);
  shown->set_size_bytes(static_cast<int64_t>(file.size));
}

void Show(const Module& module, v1::ModuleCall* shown) {
  shown->set_key(module.key);
  shown->set_source(WithoutSecrets(module.source));
  shown->set_version(module.version);
  shown->set_digest(module.digest);
}

void Show(const ProviderLock& lock, v1::ProviderLock* shown) {
  shown->set_source(lock.source);
  shown->set_version(lock.version);
  for (const std::string& hash : lock.hashes) shown->add_hashes(hash);
}

}  // namespace

v1::PlanConfiguration ShowConfiguration(const Configuration& configuration, const VariableDigests& variables,
                                        const SaltedDigest& salted) {
  v1::PlanConfiguration shown;
  shown.set_digest(configuration.digest);
  shown.set_lock_file_digest(configuration.lock_digest);
  for (const ConfigurationFile& file : configuration.files) Show(file, shown.add_files());
  for (const Module& module : configuration.modules) Show(module, shown.add_modules());
  const std::string all_variables = TextOf(variables);
  for (const CodeBlock& block : configuration.blocks) {
    Show(block, shown.add_code_blocks());
    const std::string text = block.any_variable ? block.digest + all_variables : TextOf(block, variables);
    shown.mutable_code_blocks()->rbegin()->set_digest(salted.Of(text));
  }
  for (const ProviderLock& lock : configuration.lock) Show(lock, shown.add_providers());
  for (const ProtectedResource& each : configuration.protected_resources) {
    shown.add_protected_resources(
        text::Concat(each.module, each.module.empty() ? "" : ".", each.type, ".", each.name));
  }
  return shown;
}

std::string_view EngineOf(const Configuration& configuration) {
  switch (configuration.lock_writer) {
    case LockWriter::kTerraform:
      return "terraform";
    case LockWriter::kOpenTofu:
      return "tofu";
    case LockWriter::kUnknown:
      break;
  }
  return "";
}

}  // namespace countersign::terraform
