#include "core/terraform/constant_reader.h"

#include <vector>

#include "core/terraform/hcl_lexer.h"
#include "core/terraform/json_tree.h"

namespace countersign::terraform {
namespace {

using Kind = HclToken::Kind;

// One expression of the native syntax. Recurses as deep as brackets are nested, which the scanner bounds.
class HclReader {
 public:
  HclReader(std::string_view expression, ArgumentNodes* nodes)
      : nodes_(*nodes), lexer_(expression, HclLexer::Language::kBody, nodes->limits().bracket_depth, 1) {}

  bool Read(ArgumentNode* node) { return Next() && ReadValue(node) && token_.kind == Kind::kEnd; }

 private:
  // Where newlines mean something, what follows them is another element or what Terraform refuses.
  bool Next() {
    do {
      if (!lexer_.Next(&token_)) return false;
    } while (token_.kind == Kind::kNewline);
    return true;
  }

  // From its first token to the one behind it.
  bool ReadValue(ArgumentNode* node) {
    if (token_.Is(Kind::kOperator, "-")) return Next() && token_.kind == Kind::kNumber && Next();
    if (token_.kind == Kind::kNumber) return Next();
    if (token_.kind == Kind::kIdentifier) return (token_.text == "true" || token_.text == "false") && Next();
    if (token_.kind == Kind::kQuote) return ReadText(Kind::kQuoteEnd);
    if (token_.kind == Kind::kHeredoc) return ReadText(Kind::kHeredocEnd);
    if (token_.Is(Kind::kOpen, "[")) return ReadTuple(node);
    if (token_.Is(Kind::kOpen, "{")) return ReadObject(node);
    return false;
  }

  bool ReadText(Kind end) {
    bool empty = true;
    while (lexer_.Next(&token_) && token_.kind == Kind::kLiteral) empty = false;
    return token_.kind == end && !empty && Next();
  }

  bool ReadTuple(ArgumentNode* node) {
    if (!Next() || token_.kind == Kind::kClose) return false;
    while (token_.kind != Kind::kClose) {
      if (!ReadValue(node) || !SkipComma()) return false;
    }
    return Next();
  }

  bool ReadObject(ArgumentNode* node) {
    if (!Next() || token_.kind == Kind::kClose) return false;
    node->objects += 1;
    while (token_.kind != Kind::kClose) {
      std::string name;
      if (!ReadName(&name) || !Next()) return false;
      ArgumentNode* const member = nodes_.Member(node, name);
      member->settings += 1;
      if (!ReadValue(member) || !SkipComma()) return false;
    }
    return Next();
  }

  // Up to the sign behind it.
  bool ReadName(std::string* name) {
    if (token_.kind == Kind::kIdentifier) {
      *name = token_.text;
    } else if (token_.kind == Kind::kQuote) {
      while (lexer_.Next(&token_) && token_.kind == Kind::kLiteral) {
        if (!AppendUnescaped(token_.text, true, name)) return false;
      }
      if (token_.kind != Kind::kQuoteEnd) return false;
    } else {
      return false;
    }
    return Next() && (token_.Is(Kind::kOperator, "=") || token_.Is(Kind::kOperator, ":"));
  }

  bool SkipComma() { return !token_.Is(Kind::kOperator, ",") || Next(); }

  ArgumentNodes& nodes_;
  HclLexer lexer_;
  HclToken token_;
};

bool HasTemplate(std::string_view text) {
  return text.find("${") != std::string_view::npos || text.find("%{") != std::string_view::npos;
}

bool IsConstant(const JsonNode& node) {
  switch (node.kind) {
    case JsonNode::Kind::kNull:
      return false;
    case JsonNode::Kind::kBoolean:
    case JsonNode::Kind::kNumber:
      return true;
    case JsonNode::Kind::kString:
      return !node.text->empty() && !HasTemplate(*node.text);
    case JsonNode::Kind::kArray:
    case JsonNode::Kind::kObject:
      return node.first_child != JsonNode::kNone;
  }
  return false;
}

bool ReadJson(std::string_view expression, ArgumentNodes* nodes, ArgumentNode* node) {
  const Limits& limits = nodes->limits();
  JsonTree tree;
  // It was read before, as a part of its file.
  const JsonLimits json = {limits.configuration_values, limits.bracket_depth};
  if (!ParseJson(expression, "", json, &tree).ok()) return false;
  std::vector<ArgumentNode*> places;  // By node of the tree, in which parents stand first.
  for (const JsonNode& value : tree.nodes) {
    ArgumentNode* place = value.parent == JsonNode::kNone ? node : places[value.parent];
    const bool member =
        value.parent != JsonNode::kNone && tree.nodes[value.parent].kind == JsonNode::Kind::kObject;
    if (!IsConstant(value) || (member && HasTemplate(*value.name))) return false;
    if (member) {
      place = nodes->Member(place, *value.name);
      place->settings += 1;
    }
    if (value.kind == JsonNode::Kind::kObject) place->objects += 1;
    places.push_back(place);
  }
  return true;
}

}  // namespace

ArgumentNode* ArgumentNodes::New() {
  full_ = full_ || nodes_.size() >= limits_.resource_arguments;
  return full_ ? &spare_ : &nodes_.emplace_back();
}

ArgumentNode* ArgumentNodes::Member(ArgumentNode* around, std::string_view name) {
  const auto found = around->members.find(name);
  if (found != around->members.end()) return found->second;
  ArgumentNode* const member = New();
  if (!full_) around->members.emplace(name, member);
  return member;
}

bool ReadConstant(const ConfigurationSource& source, const SourceAttribute& attribute, ArgumentNodes* nodes,
                  ArgumentNode* node) {
  if (source.json) return ReadJson(attribute.expression, nodes, node);
  // A heredoc ends with the end of a line, which is no part of the expression.
  if (!attribute.expression.starts_with("<<")) return HclReader(attribute.expression, nodes).Read(node);
  const std::string whole = std::string(attribute.expression) + "\n";
  return HclReader(whole, nodes).Read(node);
}

}  // namespace countersign::terraform
