#include "core/terraform/definitions.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/digest/digest.h"
#include "core/terraform/hcl_lexer.h"
#include "core/terraform/json_tree.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

using Kind = HclToken::Kind;

// What was read with limits of its own before.
constexpr size_t kAnyNumber = UINT32_MAX;

// What following one reference costs, beside the texts that it leads to.
constexpr size_t kStepBytes = 128;

constexpr std::array<std::string_view, 3> kScopes = {"local", "module", "var"};

// Of the arguments of a variable those that its value depends on.
constexpr std::array<std::string_view, 3> kValueArguments = {"default", "nullable", "type"};

// What stands before the type of an object.
constexpr std::array<std::string_view, 3> kObjects = {"data", "ephemeral", "resource"};

template <size_t kSize>
bool IsOneOf(std::string_view text, const std::array<std::string_view, kSize>& all) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

// Finds references in a row of tokens.
class ReferenceFinder {
 public:
  // False when something cannot be told.
  bool FindIn(HclLexer lexer) {
    name_.clear();
    after_dot_ = false;
    HclToken token;
    while (lexer.Next(&token)) {
      if (token.kind == Kind::kEnd) return !(IsScopeAlone() && after_dot_);
      if (token.kind != Kind::kNewline && !Take(token)) return false;
    }
    return false;
  }

  std::vector<std::string> TakeFound() { return std::move(found_); }

 private:
  bool Take(const HclToken& token) {
    const bool after_dot = std::exchange(after_dot_, false);
    if (token.kind == Kind::kIdentifier) {
      // Behind the dot of something else, such as a call, it is only a member.
      if (after_dot && name_.empty()) return true;
      if (!after_dot) name_.clear();
      name_.push_back(token.text);
      Find();
      return true;
    }
    const bool scope_alone = IsScopeAlone();
    if (scope_alone && (after_dot || token.Is(Kind::kOpen, "["))) return false;
    after_dot_ = token.Is(Kind::kOperator, ".");
    if (!after_dot_) name_.clear();
    return true;
  }

  bool IsScopeAlone() const { return name_.size() == 1 && IsOneOf(name_[0], kScopes); }

  void Find() {
    const bool object = IsOneOf(name_[0], kObjects);
    if (name_.size() == 2 && IsOneOf(name_[0], kScopes)) {
      found_.push_back(text::Concat(name_[0], ".", name_[1]));
    } else if (name_.size() == 2 && !object) {
      found_.push_back(text::Concat("resource.", name_[0], ".", name_[1]));
    } else if (name_.size() == 3 && object) {
      found_.push_back(text::Concat(name_[0], ".", name_[1], ".", name_[2]));
    }
  }

  std::vector<std::string_view> name_;  // The words that dots join.
  bool after_dot_ = false;
  std::vector<std::string> found_;
};

// Every string and every name of a JSON value is a template.
bool FindInJson(std::string_view text, ReferenceFinder* finder) {
  JsonTree tree;
  if (!ParseJson(text, "", {kAnyNumber, kAnyNumber}, &tree).ok()) return false;
  return std::all_of(tree.texts.begin(), tree.texts.end(), [finder](const std::string& one) {
    return finder->FindIn(HclLexer(one, HclLexer::Language::kTemplate, kAnyNumber, 1));
  });
}

// Of what may be an object's name and nothing else: `each.key` looks like one.
bool IsObjectName(std::string_view reference) {
  return IsOneOf(reference.substr(0, reference.find('.')), kObjects);
}

std::string ArgumentName(std::string_view call, std::string_view argument) {
  return text::Concat("argument ", call, ".", argument);
}

}  // namespace

CodeText TextOf(const ConfigurationSource& source, const SourceBlock& block) {
  if (!source.json) return {block.body, false};
  return {std::string_view(block.body.data() - 1, block.body.size() + 2), true};  // With its braces.
}

CodeText TextOf(const ConfigurationSource& source, const SourceAttribute& attribute) {
  return {attribute.expression, source.json};
}

std::optional<std::vector<std::string>> ReferencesIn(CodeText text) {
  ReferenceFinder finder;
  const bool told = text.json ? FindInJson(text.text, &finder)
                              : finder.FindIn(HclLexer(text.text, HclLexer::Language::kBody, kAnyNumber, 1));
  if (!told) return std::nullopt;
  return finder.TakeFound();
}

// What one text leads to.
struct Definitions::Walk {
  void Add(const std::string& module, const std::vector<std::string>& references) {
    for (const std::string& reference : references) {
      if (seen.emplace(module, reference).second) open.emplace_back(module, reference);
    }
  }

  digest::Sha256Hasher hasher;
  std::set<Name> seen;
  std::vector<Name> open;  // In the order in which they were found.
  std::vector<std::string> variables;
};

Definitions::Definitions(const Limits& limits)
    : room_(limits.definitions), bytes_left_(limits.definition_bytes) {}

void Definitions::AddFile(const ConfigurationSource& source, std::string_view module) {
  for (uint32_t block = 1; block < source.blocks.size(); ++block) {
    const SourceBlock& one = source.blocks[block];
    if (one.depth != 1) continue;
    if (one.type == "variable") DefineVariable(source, block, module);
    if (one.type == "module") DefineCall(source, block, module);
    if (IsOneOf(one.type, kObjects)) {
      Define(module, text::Concat(one.type, ".", one.labels[0], ".", one.labels[1]), TextOf(source, one));
    }
    if (one.type != "locals") continue;
    for (uint32_t at = one.first_attribute; at != SourceBlock::kNone; at = source.attributes[at].next) {
      const SourceAttribute& local = source.attributes[at];
      Define(module, text::Concat("local.", local.name), TextOf(source, local));
    }
  }
}

void Definitions::DefineVariable(const ConfigurationSource& source, uint32_t block, std::string_view module) {
  const std::string name = text::Concat("var.", source.blocks[block].labels[0]);
  Define(module, name, {});
  for (const std::string_view argument : kValueArguments) {
    const SourceAttribute* const found = source.Find(block, argument);
    if (found != nullptr) Define(module, name, TextOf(source, *found));
  }
}

void Definitions::DefineCall(const ConfigurationSource& source, uint32_t block, std::string_view module) {
  const SourceBlock& call = source.blocks[block];
  Define(module, text::Concat("module.", call.labels[0]), TextOf(source, call));
  for (uint32_t at = call.first_attribute; at != SourceBlock::kNone; at = source.attributes[at].next) {
    const SourceAttribute& argument = source.attributes[at];
    Define(module, ArgumentName(call.labels[0], argument.name), TextOf(source, argument));
  }
}

void Definitions::Define(std::string_view module, std::string name, CodeText text) {
  if (room_ == 0) return;
  room_ -= 1;
  definitions_[{std::string(module), std::move(name)}].texts.push_back(text);
}

bool Definitions::Spend(size_t bytes) {
  if (bytes > bytes_left_) return false;
  bytes_left_ -= bytes;
  return true;
}

bool Definitions::Read(Definition* definition) {
  if (!definition->digest.empty()) return definition->references.has_value();
  std::string digests;
  std::vector<std::string> all;
  bool told = true;
  for (const CodeText& text : definition->texts) {
    if (!Spend(text.text.size())) return false;
    digests += digest::Sha256(text.text);
    std::optional<std::vector<std::string>> references = ReferencesIn(text);
    told = told && references.has_value();
    if (told) all.insert(all.end(), references->begin(), references->end());
  }
  definition->digest = digest::Sha256(digests);
  if (told) definition->references = std::move(all);
  return told;
}

bool Definitions::Follow(const Name& name, Walk* walk) {
  const auto& [module, reference] = name;
  const auto found = definitions_.find(name);
  if (!Spend(kStepBytes)) return false;
  if (found == definitions_.end()) return IsObjectName(reference);
  if (!Read(&found->second)) return false;
  // No part can hold NUL.
  const std::string_view nul("\0", 1);
  walk->hasher.Update(text::Concat(nul, module, nul, reference, nul, found->second.digest));
  walk->Add(module, *found->second.references);
  std::string_view rest = reference;
  if (text::ConsumePrefix(&rest, "module.")) {
    return FollowModule(module.empty() ? std::string(rest) : text::Concat(module, ".", rest), walk);
  }
  if (!text::ConsumePrefix(&rest, "var.")) return true;
  if (module.empty()) {
    walk->variables.emplace_back(rest);
    return true;
  }
  const size_t dot = module.rfind('.');
  const std::string caller = dot == std::string::npos ? "" : module.substr(0, dot);
  std::string argument = ArgumentName(std::string_view(module).substr(dot + 1), rest);
  // The default stands where a call does not give the argument.
  if (definitions_.contains({caller, argument})) walk->Add(caller, {std::move(argument)});
  return true;
}

bool Definitions::FollowModule(const std::string& key, Walk* walk) {
  const std::string inner = key + ".";
  const auto own = modules_.find(key);
  if (own == modules_.end()) return false;
  walk->hasher.Update(own->second);
  for (auto at = modules_.lower_bound(inner); at != modules_.end() && at->first.starts_with(inner); ++at) {
    if (!Spend(kStepBytes)) return false;
    walk->hasher.Update(at->second);
  }
  return true;
}

Meaning Definitions::MeaningOf(CodeText text, const std::string& module,
                               std::string_view configuration_digest) {
  const Meaning everything = {std::string(configuration_digest), {}, true};
  if (!Spend(text.text.size())) return everything;
  const std::optional<std::vector<std::string>> references = ReferencesIn(text);
  if (!references.has_value() || (room_ == 0 && !references->empty())) return everything;
  Walk walk;
  walk.hasher.Update(digest::Sha256(text.text));
  walk.Add(module, *references);
  for (size_t at = 0; at < walk.open.size(); ++at) {  // Grows.
    if (!Follow(Name(walk.open[at]), &walk)) return everything;
  }
  return {walk.hasher.Finish(), std::move(walk.variables), false};
}

}  // namespace countersign::terraform
