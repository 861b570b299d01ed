// What the names in a configuration stand for, as text: nothing is evaluated. Included by this folder's
// sources and tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_DEFINITIONS_H_
#define COUNTERSIGN_CORE_TERRAFORM_DEFINITIONS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/terraform/configuration_source.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// A part of a file. Borrows the file's text.
struct CodeText {
  std::string_view text;  // In JSON one whole value.
  bool json = false;
};

CodeText TextOf(const ConfigurationSource& source, const SourceBlock& block);
CodeText TextOf(const ConfigurationSource& source, const SourceAttribute& attribute);

// The locals, the variables, the outputs of modules and the objects that a text mentions: "local.command",
// "var.region", "module.network" for any of its outputs, "resource.aws_instance.web", "data.aws_ami.a". What
// only looks like a resource is among them. Nothing when one of the first three is mentioned in another way
// than by its name.
std::optional<std::vector<std::string>> ReferencesIn(CodeText text);

// What a text and all that it refers to say, but for the values that variables of the root are given.
struct Meaning {
  std::string digest;
  std::vector<std::string> variables;  // Of the root: those that it refers to, each once.
  bool any_variable = false;           // It may refer to any of them.
};

// The definitions of a whole configuration. Borrows the texts of its files. Not thread-safe.
class Definitions {
 public:
  explicit Definitions(const Limits& limits);

  // Those of one file of the module with the key `module`.
  void AddFile(const ConfigurationSource& source, std::string_view module);
  // The digest of a module and of its files, which is that of its outputs too.
  void AddModule(const std::string& key, const std::string& digest) { modules_[key] = digest; }
  // Of a text in the module `module`. Where it cannot be told what it refers to, that is everything:
  // `configuration_digest` then stands for it.
  Meaning MeaningOf(CodeText text, const std::string& module, std::string_view configuration_digest);

 private:
  using Name = std::pair<std::string, std::string>;  // The module's key, and what ReferencesIn() returns.
  struct Definition {
    std::vector<CodeText> texts;  // More than one where an override file changes it.
    std::string digest;           // Empty until something refers to it.
    std::optional<std::vector<std::string>> references;
  };
  struct Walk;

  void Define(std::string_view module, std::string name, CodeText text);
  void DefineVariable(const ConfigurationSource& source, uint32_t block, std::string_view module);
  void DefineCall(const ConfigurationSource& source, uint32_t block, std::string_view module);
  bool Spend(size_t bytes);
  bool Read(Definition* definition);
  bool Follow(const Name& name, Walk* walk);
  bool FollowModule(const std::string& key, Walk* walk);

  std::map<Name, Definition> definitions_;
  std::map<std::string, std::string> modules_;  // Digests by key.
  size_t room_;                                 // For how many more definitions.
  uint64_t bytes_left_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_DEFINITIONS_H_
