#include "core/terraform/json_scanner.h"

#include <string>
#include <utility>
#include <vector>

#include "core/terraform/block_rules.h"
#include "core/terraform/hcl_scanner.h"
#include "core/terraform/json_tree.h"

namespace countersign::terraform {
namespace {

using Kind = HclToken::Kind;

constexpr std::string_view kComment = "//";

// Turns one tree into blocks and arguments. Goes through it with lists of its own, not by recursion.
class Scanner {
 public:
  Scanner(std::string_view file, const Limits& limits, const JsonTree& tree, ConfigurationSource* source)
      : tree_(tree), source_(*source), builder_(file, limits, source) {}

  absl::Status Scan() {
    bodies_.push_back({0, SourceBlock::kRoot});
    if (tree_.nodes[0].kind == JsonNode::Kind::kArray) bodies_ = ChildBodies(0);
    for (size_t i = 0; i < bodies_.size(); ++i) {  // Grows.
      if (absl::Status scanned = ScanBody(bodies_[i]); !scanned.ok()) return scanned;
    }
    return absl::OkStatus();
  }

 private:
  struct Body {
    uint32_t node;
    uint32_t block;
  };
  // A value on the way from the name of a block to its bodies.
  struct Head {
    uint32_t node;
    uint32_t parent;
    const BlockRule* rule;
    std::vector<std::string_view> labels;
  };

  std::vector<uint32_t> ChildrenOf(uint32_t node) const {
    std::vector<uint32_t> children;
    for (uint32_t at = tree_.nodes[node].first_child; at != JsonNode::kNone; at = tree_.nodes[at].next) {
      children.push_back(at);
    }
    return children;
  }

  std::vector<Body> ChildBodies(uint32_t node) const {
    std::vector<Body> bodies;
    for (const uint32_t child : ChildrenOf(node)) bodies.push_back({child, SourceBlock::kRoot});
    return bodies;
  }

  absl::Status ScanBody(Body body) {
    if (tree_.nodes[body.node].kind != JsonNode::Kind::kObject) {
      return builder_.Refuse(tree_.nodes[body.node].line, "an object was expected");
    }
    for (const uint32_t member : ChildrenOf(body.node)) {
      const std::string_view name = *tree_.nodes[member].name;
      if (name == kComment) continue;
      const BlockRule* const rule = FindBlockRule(source_.blocks[body.block].type, name);
      absl::Status added =
          rule == nullptr ? AddArgument(body.block, member) : AddBlocks({member, body.block, rule, {}});
      if (!added.ok()) return added;
    }
    return absl::OkStatus();
  }

  // Labels are the names of members, one object within the other; each of them may be an array of objects.
  absl::Status AddBlocks(Head first) {
    std::vector<Head> heads = {std::move(first)};
    for (size_t i = 0; i < heads.size(); ++i) {  // Grows.
      const Head head = heads[i];
      for (const uint32_t object : ObjectsIn(head.node)) {
        const JsonNode& node = tree_.nodes[object];
        if (node.kind != JsonNode::Kind::kObject) return builder_.Refuse(node.line, "a block was expected");
        if (head.labels.size() == head.rule->labels) {
          if (absl::Status added = AddBlock(head, object); !added.ok()) return added;
          continue;
        }
        for (const uint32_t member : ChildrenOf(object)) {
          heads.push_back({member, head.parent, head.rule, head.labels});
          heads.back().labels.push_back(*tree_.nodes[member].name);
        }
      }
    }
    return absl::OkStatus();
  }

  // None for null, which stands for no block.
  std::vector<uint32_t> ObjectsIn(uint32_t node) const {
    if (tree_.nodes[node].kind == JsonNode::Kind::kNull) return {};
    if (tree_.nodes[node].kind == JsonNode::Kind::kArray) return ChildrenOf(node);
    return {node};
  }

  absl::Status AddBlock(const Head& head, uint32_t object) {
    SourceBlock block;
    block.parent = head.parent;
    block.line = tree_.nodes[head.node].line;
    block.type = head.rule->type;
    block.labels = head.labels;
    block.body = tree_.nodes[object].source;
    block.body = block.body.substr(1, block.body.size() - 2);
    if (absl::Status added = builder_.AddBlock(std::move(block)); !added.ok()) return added;
    bodies_.push_back({object, builder_.last_block()});
    return absl::OkStatus();
  }

  absl::Status AddArgument(uint32_t block, uint32_t member) {
    const JsonNode& node = tree_.nodes[member];
    if (absl::Status added = builder_.AddAttribute(block, node.line, *node.name); !added.ok()) return added;
    builder_.attribute(builder_.last_attribute()).expression = node.source;
    builder_.attribute(builder_.last_attribute()).text = node.text;
    std::vector<uint32_t> nodes = {member};
    for (size_t i = 0; i < nodes.size(); ++i) {  // Grows.
      const JsonNode& inner = tree_.nodes[nodes[i]];
      // The names within an object are templates like its values.
      if (i > 0 && inner.name != nullptr) {
        if (absl::Status scanned = ScanTemplate(*inner.name, inner.line); !scanned.ok()) return scanned;
      }
      if (inner.text != nullptr) {
        if (absl::Status scanned = ScanTemplate(*inner.text, inner.line); !scanned.ok()) return scanned;
      }
      for (const uint32_t child : ChildrenOf(nodes[i])) nodes.push_back(child);
    }
    return absl::OkStatus();
  }

  absl::Status ScanTemplate(const std::string& text, int line) {
    HclLexer lexer(text, HclLexer::Language::kTemplate, builder_.limits().bracket_depth, line);
    builder_.BeginExpression(text);
    HclToken token;
    while (lexer.Next(&token)) {
      if (token.kind == Kind::kEnd) return absl::OkStatus();
      token.line = line;  // An escaped end of line is none in the file.
      if (absl::Status added = builder_.AddToken(token); !added.ok()) return added;
    }
    return builder_.Refuse(line, lexer.problem());
  }

  const JsonTree& tree_;
  ConfigurationSource& source_;
  SourceBuilder builder_;
  std::vector<Body> bodies_;
};

}  // namespace

absl::StatusOr<ConfigurationSource> ScanJson(std::string_view text, std::string_view file,
                                             const Limits& limits) {
  if (absl::Status checked = CheckText(text, file); !checked.ok()) return checked;
  JsonTree tree;
  absl::Status parsed = ParseJson(text, file, {limits.configuration_values, limits.bracket_depth}, &tree);
  if (!parsed.ok()) return parsed;
  ConfigurationSource source;
  source.json = true;
  if (absl::Status scanned = Scanner(file, limits, tree, &source).Scan(); !scanned.ok()) return scanned;
  source.blocks[SourceBlock::kRoot].body = text;
  source.texts = std::move(tree.texts);
  return source;
}

}  // namespace countersign::terraform
