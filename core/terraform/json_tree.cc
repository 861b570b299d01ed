#include "core/terraform/json_tree.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/terraform/unreadable.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

// Walks over the text for the parser, and lets us see how far it is.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    const Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

// What the parser calls for each token.
class Builder {
 public:
  Builder(std::string_view text, JsonLimits limits, JsonTree* tree)
      : text_(text), limits_(limits), tree_(*tree), seen_(text.data()), counted_(text.data()) {}

  const char** seen() { return &seen_; }
  std::string_view problem() const { return problem_; }

  // Of what was read last. The parser is at most one character ahead of it.
  int Line() {
    line_ += static_cast<int>(std::count(counted_, seen_, '\n'));
    counted_ = seen_;
    return line_;
  }

  // The names are the parser's. NOLINTBEGIN(readability-identifier-naming)
  bool null() { return AddScalar(JsonNode::Kind::kNull); }
  bool boolean(bool) { return AddScalar(JsonNode::Kind::kBoolean); }
  bool number_integer(int64_t) { return AddScalar(JsonNode::Kind::kNumber); }
  bool number_unsigned(uint64_t) { return AddScalar(JsonNode::Kind::kNumber); }
  bool number_float(double, const std::string&) { return AddScalar(JsonNode::Kind::kNumber); }
  bool binary(std::vector<uint8_t>&) { return false; }
  bool string(std::string& text) {
    if (!AddScalar(JsonNode::Kind::kString)) return false;
    tree_.nodes.back().text = Keep(&text);
    return true;
  }
  bool start_object(size_t) { return Open(JsonNode::Kind::kObject); }
  bool start_array(size_t) { return Open(JsonNode::Kind::kArray); }
  bool end_object() { return HasNamesOnce() && Close(); }
  bool end_array() { return Close(); }
  bool key(std::string& name) {
    name_ = Keep(&name);
    name_line_ = Line();
    value_from_ = Offset();
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) {
    return Fail("is not JSON");
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  size_t Offset() const { return static_cast<size_t>(seen_ - text_.data()); }

  const std::string* Keep(std::string* text) {
    tree_.texts.push_back(std::move(*text));
    return &tree_.texts.back();
  }

  bool Add(JsonNode::Kind kind) {
    if (tree_.nodes.size() >= limits_.values) return Fail("there are too many values");
    JsonNode node;
    node.kind = kind;
    node.name = std::exchange(name_, nullptr);
    node.line = node.name == nullptr ? Line() : name_line_;
    const auto index = static_cast<uint32_t>(tree_.nodes.size());
    if (!open_.empty()) {
      node.parent = open_.back().node;
      uint32_t& last = open_.back().last_child;
      (last == JsonNode::kNone ? tree_.nodes[node.parent].first_child : tree_.nodes[last].next) = index;
      last = index;
    }
    tree_.nodes.push_back(node);
    return true;
  }

  bool AddScalar(JsonNode::Kind kind) {
    const size_t from = value_from_;
    if (!Add(kind)) return false;
    // After a number the parser has seen one character more.
    SetSource(&tree_.nodes.back(), from, Offset() - (kind == JsonNode::Kind::kNumber ? 1 : 0));
    value_from_ = Offset();
    return true;
  }

  // Between two values stand blanks, colons and commas only.
  void SetSource(JsonNode* node, size_t from, size_t to) {
    from = std::min(text_.find_first_not_of(" \t\r\n:,", from), to);
    node->source = text_.substr(from, to - from);
  }

  bool Open(JsonNode::Kind kind) {
    if (open_.size() >= limits_.depth) return Fail("values are nested too deeply");
    if (!Add(kind)) return false;
    const auto index = static_cast<uint32_t>(tree_.nodes.size() - 1);
    open_.push_back({index, JsonNode::kNone, Offset() - 1});
    value_from_ = Offset();
    return true;
  }

  bool Close() {
    JsonNode& node = tree_.nodes[open_.back().node];
    node.source = text_.substr(open_.back().begin, Offset() - open_.back().begin);
    open_.pop_back();
    value_from_ = Offset();
    return true;
  }

  bool HasNamesOnce() {
    std::vector<std::string_view> names;
    for (uint32_t at = tree_.nodes[open_.back().node].first_child; at != JsonNode::kNone;
         at = tree_.nodes[at].next) {
      names.push_back(*tree_.nodes[at].name);
    }
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) == names.end()) return true;
    return Fail("an object names a member twice");
  }

  bool Fail(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
    return false;
  }

  struct OpenValue {
    uint32_t node;
    uint32_t last_child;
    size_t begin;
  };

  std::string_view text_;
  JsonLimits limits_;
  JsonTree& tree_;
  const char* seen_;
  const char* counted_;
  int line_ = 1;
  std::vector<OpenValue> open_;
  const std::string* name_ = nullptr;
  int name_line_ = 0;
  size_t value_from_ = 0;
  std::string_view problem_;
};

}  // namespace

absl::Status ParseJson(std::string_view text, std::string_view file, JsonLimits limits, JsonTree* tree) {
  Builder builder(text, limits, tree);
  const Cursor begin(text.data(), builder.seen());
  const Cursor end(text.data() + text.size(), builder.seen());
  if (nlohmann::json::sax_parse(begin, end, &builder)) return absl::OkStatus();
  const std::string_view problem = builder.problem();
  return Unreadable(text::Concat(file, ":", builder.Line()), problem.empty() ? "is not JSON" : problem);
}

}  // namespace countersign::terraform
