#include "core/terraform/code_finder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>

#include "core/digest/digest.h"
#include "core/terraform/block_rules.h"
#include "core/terraform/secret_names.h"
#include "core/terraform/unreadable.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

constexpr std::string_view kComputed = "computed";

// Beside all that begin with "file". The template functions can call all the others.
constexpr std::array<std::string_view, 4> kRunnerFunctions = {"abspath", "pathexpand", "templatefile",
                                                              "templatestring"};

bool ReadsRunner(std::string_view function) {
  return function.starts_with("file") ||
         std::find(kRunnerFunctions.begin(), kRunnerFunctions.end(), function) != kRunnerFunctions.end();
}

// The arguments of provisioners that say what runs, and none of those that carry content or secrets.
constexpr std::array<std::string_view, 10> kProvisionerArguments = {
    "command", "inline", "interpreter", "script",     "scripts",
    "source",  "when",   "destination", "on_failure", "working_dir"};

// What providers get their credentials and connections from: exec of kubernetes and helm, ssh_opts of docker.
bool RunsProgram(std::string_view name) {
  return name == "exec" || name == "credential_process" || name == "ssh_opts";
}

// Whether an expression has a member of such a name: `{ exec = {...} }`, `{"exec": ...}`.
bool HoldsProgram(std::string_view expression) {
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (size_t at = 0; at < expression.size(); ++at) {
    if (!is_word(expression[at])) continue;
    const size_t begin = at;
    while (at < expression.size() && is_word(expression[at])) ++at;
    if (!RunsProgram(expression.substr(begin, at - begin))) continue;
    const size_t next = expression.find_first_not_of("\" \t\r\n", at);
    if (next != std::string_view::npos && (expression[next] == '=' || expression[next] == ':')) return true;
  }
  return false;
}

class Finder {
 public:
  Finder(const ConfigurationSource& source, const FilePlace& place, const Limits& limits, FoundCode* found)
      : source_(source), place_(place), limits_(limits), found_(*found) {}

  absl::Status Find() {
    if (const uint32_t stray = source_.blocks[0].first_attribute; stray != SourceBlock::kNone) {
      return Refuse(source_.attributes[stray].line, "an argument stands outside of a block");
    }
    const size_t before = found_.blocks.size();
    rules_.resize(source_.blocks.size());
    outermost_.resize(source_.blocks.size());
    for (uint32_t block = 1; block < source_.blocks.size(); ++block) {
      if (absl::Status taken = TakeBlock(block); !taken.ok()) return taken;
    }
    for (const SourceAttribute& attribute : source_.attributes) TakeAttribute(attribute);
    for (const SourceCall& call : source_.calls) TakeCall(call);
    for (const SourcePath& path : source_.paths) TakePath(path);
    std::stable_sort(found_.blocks.begin() + static_cast<std::ptrdiff_t>(before), found_.blocks.end(),
                     [](const FoundBlock& a, const FoundBlock& b) { return a.block.line < b.block.line; });
    return overflow_;
  }

 private:
  using Kind = CodeBlock::Kind;

  absl::Status Refuse(int line, std::string_view what) const {
    return Unreadable(text::Concat(place_.path, ":", line), what);
  }

  absl::Status TakeBlock(uint32_t index) {
    const SourceBlock& block = source_.blocks[index];
    const bool in_file = block.parent == SourceBlock::kRoot;
    outermost_[index] = in_file ? index : outermost_[block.parent];
    const bool parent_known = in_file || rules_[block.parent] != nullptr;
    const std::string_view parent = source_.blocks[block.parent].type;
    rules_[index] = parent_known ? FindBlockRule(parent, block.type) : nullptr;
    if (rules_[index] == nullptr) {
      if (in_file || (parent_known && parent == "terraform")) {
        return Refuse(block.line, "a block of this type is not known here");
      }
      // A provider may define a block of this name. That is rare, and this is not to be missed.
      if (block.type == "provisioner") TakeProvisioner(index);
      if (block.type == "connection") TakeConnection(index);
      if (InProvider(index) && (RunsProgram(block.type) || IsDynamicProgram(block))) {
        Add(Kind::kExternalData, block, In(Name(block), index), Arguments(index, {"command", "args"}));
      }
      return absl::OkStatus();
    }
    if (block.labels.size() != rules_[index]->labels) {
      return Refuse(block.line, "a block has the wrong number of labels");
    }
    Count(block);
    return TakeKnown(index);
  }

  void Count(const SourceBlock& block) {
    if (place_.is_override) return;
    if (block.type == "resource") ++found_.counts.resources;
    if (block.type == "data") ++found_.counts.data_sources;
    if (block.type == "module") ++found_.counts.modules;
    if (block.type == "output") ++found_.counts.outputs;
    if (block.type == "variable") ++found_.counts.variables;
  }

  absl::Status TakeKnown(uint32_t index) {
    const SourceBlock& block = source_.blocks[index];
    const std::string_view type = block.type;
    if (type == "action") Add(Kind::kAction, block, Name(block), "");
    if (type == "action_trigger") {
      Add(Kind::kAction, block, In("action_trigger", index), Arguments(index, {"events", "actions"}));
    }
    if (type == "backend") Add(Kind::kBackend, block, Name(block), "");
    if (type == "check") Add(Kind::kCheck, block, Name(block), "");
    if (type == "cloud") Add(Kind::kCloud, block, Name(block), "");
    if (type == "connection") TakeConnection(index);
    if (type == "data") TakeData(index);
    if (type == "encryption") Add(Kind::kEncryption, block, Name(block), "");
    if (type == "ephemeral") Add(Kind::kEphemeral, block, Name(block), "");
    if (type == "import") Add(Kind::kImport, block, Name(block), Arguments(index, {"to", "id", "identity"}));
    if (type == "lifecycle") TakeLifecycle(index);
    if (type == "module") return TakeModule(index);
    if (type == "moved") Add(Kind::kMoved, block, Name(block), Arguments(index, {"from", "to"}));
    if (type == "provider") TakeProvider(index);
    if (type == "provisioner") TakeProvisioner(index);
    if (type == "removed") Add(Kind::kRemoved, block, Name(block), Arguments(index, {"from"}));
    if (type == "required_providers") TakeRequiredProviders(index);
    if (type == "state_store") Add(Kind::kStateStore, block, Name(block), "");
    if (type == "variable") TakeVariable(index);
    return absl::OkStatus();
  }

  void TakeData(uint32_t index) {
    const SourceBlock& block = source_.blocks[index];
    const std::string what = block.depth == 1 ? Name(block) : In(Name(block), index);
    if (block.labels[0] == "external") {
      Add(Kind::kExternalData, block, what, Arguments(index, {"program", "working_dir"}));
    }
    if (block.labels[0] == "http") Add(Kind::kHttpData, block, what, Arguments(index, {"method", "url"}));
    if (block.labels[0] == "terraform_remote_state") {
      Add(Kind::kRemoteState, block, what, Arguments(index, {"backend", "workspace"}));
    }
  }

  absl::Status TakeModule(uint32_t index) {
    const SourceBlock& block = source_.blocks[index];
    const std::string_view name = block.labels[0];
    if (name.empty() || name.find('.') != std::string_view::npos) {
      return Refuse(block.line, "a module has no proper name");
    }
    found_.called_modules.push_back(place_.module.empty() ? std::string(name)
                                                          : text::Concat(place_.module, ".", name));
    const SourceAttribute* const from = source_.Find(index, "source");
    Add(Kind::kModule, block, Name(block), from == nullptr ? "" : LiteralOrComputed(*from));
    return absl::OkStatus();
  }

  void TakeProvider(uint32_t index) {
    const SourceBlock& block = source_.blocks[index];
    const SourceAttribute* const alias = source_.Find(index, "alias");
    const std::string with =
        alias == nullptr ? "" : text::Concat(" with alias ", Quoted(LiteralOrComputed(*alias)));
    Add(Kind::kProvider, block, Name(block) + with, digest::Sha256(block.body));
  }

  void TakeProvisioner(uint32_t index) {
    const SourceBlock& block = source_.blocks[index];
    const bool local = !block.labels.empty() && block.labels[0] == "local-exec";
    Add(local ? Kind::kLocalExec : Kind::kProvisioner, block, In(Name(block), index),
        Arguments(index, kProvisionerArguments));
  }

  void TakeConnection(uint32_t index) {
    Add(Kind::kConnection, source_.blocks[index], In("connection", index),
        Arguments(index, {"type", "host"}));
  }

  void TakeRequiredProviders(uint32_t index) {
    const SourceBlock& block = source_.blocks[index];
    for (uint32_t at = block.first_attribute; at != SourceBlock::kNone; at = source_.attributes[at].next) {
      const SourceAttribute& attribute = source_.attributes[at];
      Add(Kind::kRequiredProvider, attribute.line, text::Concat("required provider ", Quoted(attribute.name)),
          attribute.expression, TextOf(source_, attribute));
    }
  }

  void TakeLifecycle(uint32_t index) {
    const SourceBlock& resource = source_.blocks[source_.blocks[index].parent];
    const SourceAttribute* const prevent = source_.Find(index, "prevent_destroy");
    if (prevent == nullptr || resource.type != "resource") return;
    const std::string value = source_.LiteralOf(*prevent).value_or(std::string(prevent->expression));
    if (value == "false") return;
    found_.protected_resources.push_back({std::string(place_.module), std::string(resource.labels[0]),
                                          std::string(resource.labels[1]), value == "true"});
  }

  void TakeVariable(uint32_t index) {
    const SourceAttribute* const mark = source_.Find(index, "sensitive");
    const bool sensitive =
        mark != nullptr && source_.LiteralOf(*mark).value_or(std::string(mark->expression)) != "false";
    const std::string_view name = source_.blocks[index].labels[0];
    if (sensitive && place_.module.empty()) found_.sensitive_variables.emplace_back(name);
    const SourceAttribute* const value = source_.Find(index, "default");
    if (value == nullptr || (!sensitive && !IsSecretName(name))) return;
    if (auto literal = source_.LiteralOf(*value); literal.has_value()) {
      found_.secret_defaults.push_back(*std::move(literal));
    }
  }

  bool InProvider(uint32_t index) const { return source_.blocks[outermost_[index]].type == "provider"; }

  static bool IsDynamicProgram(const SourceBlock& block) {
    return block.type == "dynamic" && block.labels.size() == 1 && RunsProgram(block.labels[0]);
  }

  void TakeAttribute(const SourceAttribute& attribute) {
    if (InProvider(attribute.block) && (RunsProgram(attribute.name) || HoldsProgram(attribute.expression))) {
      Add(Kind::kExternalData, attribute.line, In(attribute.name, attribute.block), "",
          TextOf(source_, attribute));
    }
    const bool in_resource = source_.blocks[outermost_[attribute.block]].type == "resource";
    if (!in_resource || !attribute.name.ends_with("_wo")) return;
    Add(Kind::kWriteOnly, attribute.line, In(attribute.name, attribute.block), "",
        TextOf(source_, attribute));
  }

  void TakeCall(const SourceCall& call) {
    const bool built_in = call.scope.empty() || call.scope == "core";
    if (built_in && !ReadsRunner(call.name)) return;
    const SourceAttribute& attribute = source_.attributes[call.attribute];
    const std::string what = In(text::Concat(built_in ? call.name : call.function, "()"), attribute.block);
    // In JSON the arguments are a part of what was unescaped.
    const CodeText text = source_.json ? TextOf(source_, attribute) : CodeText{call.arguments, false};
    Add(built_in ? Kind::kFileFunction : Kind::kProviderFunction, call.line, what,
        FirstLiteralArgument(call).value_or(std::string(kComputed)), text);
  }

  void TakePath(const SourcePath& path) {
    if (path.name == "module" || path.name == "root") return;
    const uint32_t block = source_.attributes[path.attribute].block;
    Add(Kind::kPathReference, path.line, In(text::Concat("path.", path.name), block), "", {});
  }

  // `what` and the outermost block around the block `index`.
  std::string In(std::string_view what, uint32_t index) const {
    const SourceBlock& outer = source_.blocks[outermost_[index]];
    const bool typed = outer.type == "resource" || outer.type == "data" || outer.type == "ephemeral";
    return text::Concat(
        what, " in ",
        typed ? text::Concat(outer.type, " ", outer.labels[0], ".", outer.labels[1]) : Name(outer));
  }

  static std::string Quoted(std::string_view text) { return text::Concat("\"", text, "\""); }

  static std::string Name(const SourceBlock& block) {
    std::string name(block.type);
    for (const std::string_view label : block.labels) name += " " + Quoted(label);
    return name;
  }

  std::string LiteralOrComputed(const SourceAttribute& attribute) const {
    return source_.LiteralOf(attribute).value_or(std::string(kComputed));
  }

  std::string Arguments(uint32_t index, std::initializer_list<std::string_view> names) const {
    return Arguments(index, std::span<const std::string_view>(names.begin(), names.size()));
  }

  // The named arguments of a block, in the order in which they stand there, as they are written.
  std::string Arguments(uint32_t index, std::span<const std::string_view> names) const {
    std::string all;
    const SourceBlock& block = source_.blocks[index];
    for (uint32_t at = block.first_attribute; at != SourceBlock::kNone; at = source_.attributes[at].next) {
      const SourceAttribute& attribute = source_.attributes[at];
      if (std::find(names.begin(), names.end(), attribute.name) == names.end()) continue;
      all += text::Concat(all.empty() ? "" : "\n", attribute.name, " = ", attribute.expression);
    }
    return all;
  }

  void Add(Kind kind, const SourceBlock& block, std::string_view what, std::string_view detail) {
    Add(kind, block.line, what, detail, TextOf(source_, block));
  }

  void Add(Kind kind, int line, std::string_view what, std::string_view detail, CodeText text) {
    found_.text_bytes += what.size() + detail.size();
    if (found_.blocks.size() >= limits_.code_blocks || found_.text_bytes > limits_.code_text_bytes) {
      overflow_ = Refuse(line, "there is more code in the configuration than can be reviewed");
      return;
    }
    CodeBlock block;
    block.kind = kind;
    block.module = place_.module;
    block.file = place_.name;
    block.line = line;
    block.what = what;
    block.detail = detail;
    found_.blocks.push_back({std::move(block), text});
  }

  const ConfigurationSource& source_;
  const FilePlace& place_;
  const Limits& limits_;
  FoundCode& found_;
  std::vector<const BlockRule*> rules_;  // By block.
  std::vector<uint32_t> outermost_;      // By block: the one directly in the file that it stands in.
  absl::Status overflow_;
};

}  // namespace

absl::Status FindCode(const ConfigurationSource& source, const FilePlace& place, const Limits& limits,
                      FoundCode* found) {
  return Finder(source, place, limits, found).Find();
}

}  // namespace countersign::terraform
