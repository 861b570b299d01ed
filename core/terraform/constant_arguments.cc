#include "core/terraform/constant_arguments.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "core/terraform/block_rules.h"
#include "core/terraform/json_tree.h"
#include "core/terraform/unreadable.h"

namespace countersign::terraform {
namespace {

// Terraform's own, which no plan has in its values. Its blocks are among the block rules.
constexpr std::array<std::string_view, 4> kMetaArguments = {"count", "depends_on", "for_each", "provider"};

constexpr std::string_view kDynamic = "dynamic";

// Takes what one file says.
class FileReader {
 public:
  FileReader(const ConfigurationSource& source, std::string_view module, ArgumentNodes* nodes,
             std::map<ResourceName, ArgumentNode*>* roots)
      : source_(source), module_(module), nodes_(*nodes), roots_(*roots) {}

  void Read() {
    nodes_of_.resize(source_.blocks.size());
    for (uint32_t block = 1; block < source_.blocks.size(); ++block) nodes_of_[block] = NodeOf(block);
    for (const SourceAttribute& attribute : source_.attributes) {
      if (nodes_of_[attribute.block] != nullptr) Take(attribute, nodes_of_[attribute.block]);
    }
  }

 private:
  // Data sources stand in checks, too.
  bool IsResource(const SourceBlock& block) const {
    const bool outermost = block.depth == 1 && (block.type == "resource" || block.type == "data");
    const bool checked =
        block.depth == 2 && block.type == "data" && source_.blocks[block.parent].type == "check";
    return (outermost || checked) && block.labels.size() == 2;
  }

  // Null pointer for what is no part of a resource, or Terraform's own.
  ArgumentNode* NodeOf(uint32_t index) {
    const SourceBlock& block = source_.blocks[index];
    if (IsResource(block)) return RootOf(block);
    ArgumentNode* const around = nodes_of_[block.parent];
    if (around == nullptr || FindBlockRule(source_.blocks[block.parent].type, block.type) != nullptr) {
      return nullptr;
    }
    if (block.type == kDynamic) {
      if (!block.labels.empty()) nodes_.Member(around, block.labels[0])->constant = false;
      return nullptr;
    }
    ArgumentNode* const node = nodes_.Member(around, block.type);
    node->is_block = true;
    node->objects += 1;
    if (std::exchange(node->set_last, block.parent) != block.parent) node->settings += 1;
    return node;
  }

  ArgumentNode* RootOf(const SourceBlock& block) {
    const ResourceName name = {std::string(module_), block.type == "data", std::string(block.labels[0]),
                               std::string(block.labels[1])};
    ArgumentNode*& root = roots_[name];
    if (root == nullptr) root = nodes_.New();
    root->objects += 1;
    return root;
  }

  void Take(const SourceAttribute& attribute, ArgumentNode* around) {
    const bool outermost = IsResource(source_.blocks[attribute.block]);
    const bool meta =
        std::find(kMetaArguments.begin(), kMetaArguments.end(), attribute.name) != kMetaArguments.end();
    if (outermost && meta) return;
    if (outermost && source_.json && attribute.name == kDynamic) return TakeDynamic(attribute, around);
    ArgumentNode* const node = nodes_.Member(around, attribute.name);
    node->settings += 1;
    if (!ReadConstant(source_, attribute, &nodes_, node)) node->constant = false;
  }

  // In JSON the types of dynamic blocks are the names in an object, or in the objects of an array.
  void TakeDynamic(const SourceAttribute& attribute, ArgumentNode* around) {
    JsonTree tree;
    const Limits& limits = nodes_.limits();
    const JsonLimits json = {limits.configuration_values, limits.bracket_depth};
    if (!ParseJson(attribute.expression, "", json, &tree).ok()) return;
    const bool array = tree.nodes[0].kind == JsonNode::Kind::kArray;
    for (const JsonNode& node : tree.nodes) {
      if (node.name == nullptr || node.parent == JsonNode::kNone) continue;
      const bool type = array ? tree.nodes[node.parent].parent == 0 : node.parent == 0;
      if (type) nodes_.Member(around, *node.name)->constant = false;
    }
  }

  const ConfigurationSource& source_;
  std::string_view module_;
  ArgumentNodes& nodes_;
  std::map<ResourceName, ArgumentNode*>& roots_;
  std::vector<ArgumentNode*> nodes_of_;  // By block.
};

// Of the objects of `node`. Recurses as deep as blocks and brackets are nested.
ConstantArguments ConstantsOf(const ArgumentNode& node) {
  ConstantArguments constants;
  for (const auto& [name, member] : node.members) {
    if (!member->constant || member->settings < node.objects) continue;
    ConstantArgument argument = {name, ConstantsOf(*member)};
    if (!member->is_block || !argument.members.empty()) constants.push_back(std::move(argument));
  }
  return constants;
}

// What is left of `constants`, those of `original`, after the override files. An argument there stands for
// the original one as a whole, so that nothing can be said of what is in it; a block there for some of the
// original ones.
ConstantArguments Overridden(ConstantArguments constants, const ArgumentNode& original,
                             const ArgumentNode& by) {
  std::map<std::string_view, ConstantArgument*> left;
  for (ConstantArgument& each : constants) left[each.name] = &each;
  ConstantArguments overridden;
  for (const auto& [name, argument] : by.members) {
    const bool was_constant = left.erase(name) > 0;
    const auto before = original.members.find(name);
    const bool was_set = before != original.members.end();
    const bool block = argument->is_block || (was_set && before->second->is_block);
    if (argument->constant && !block && (was_constant || !was_set)) overridden.push_back({name, {}});
  }
  for (const auto& [name, each] : left) overridden.push_back(std::move(*each));
  std::sort(overridden.begin(), overridden.end(),
            [](const ConstantArgument& a, const ConstantArgument& b) { return a.name < b.name; });
  return overridden;
}

}  // namespace

absl::Status ConstantCollector::AddFile(const ConfigurationSource& source, std::string_view module,
                                        std::string_view path, bool is_override) {
  FileReader(source, module, &nodes_, is_override ? &overrides_ : &originals_).Read();
  if (!nodes_.full()) return absl::OkStatus();
  return Unreadable(path, "there are more arguments in the configuration than can be compared");
}

std::map<ResourceName, ConstantArguments> ConstantCollector::Finish() {
  std::map<ResourceName, ConstantArguments> all;
  for (const auto& [name, node] : originals_) all[name] = ConstantsOf(*node);
  for (const auto& [name, node] : overrides_) {
    const auto original = originals_.find(name);
    if (original == originals_.end()) continue;  // Terraform refuses it.
    ConstantArguments& constants = all[name];
    constants = Overridden(std::move(constants), *original->second, *node);
  }
  std::erase_if(all, [](const auto& each) { return each.second.empty(); });
  return all;
}

}  // namespace countersign::terraform
