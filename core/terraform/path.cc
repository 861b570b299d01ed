#include "core/terraform/path.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/terraform/unreadable.h"
#include "core/text/text.h"
#include "core/text/utf8.h"

namespace countersign::terraform {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// Unicode 15.0: control, format, private use and all separators but the space; and what will never be a
// character, or lies in a plane without any.
constexpr Range kInvisible[] = {
    {0x0, 0x1f},        {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},      {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},      {0x1680, 0x1680},
    {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},    {0x3000, 0x3000},
    {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},   {0xfff0, 0xfffb},    {0xfffe, 0xffff},
    {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},  {0x1d173, 0x1d17a},
    {0x1fffe, 0x1ffff}, {0x2fffe, 0x2ffff}, {0x323b0, 0xe00ff}, {0xe01f0, 0x10ffff},
};

bool IsVisible(uint32_t code_point) {
  const auto* const after =
      std::upper_bound(std::begin(kInvisible), std::end(kInvisible), code_point,
                       [](uint32_t value, const Range& range) { return value < range.first; });
  return after == std::begin(kInvisible) || code_point > std::prev(after)->last;
}

void AppendEscaped(uint32_t code_point, std::string* out) {
  if (code_point == '\n' || code_point == '\r' || code_point == '\t') {
    out->append(code_point == '\n' ? "\\n" : code_point == '\r' ? "\\r" : "\\t");
  } else if (code_point < 0x10000) {
    absl::StrAppend(out, "\\u", absl::Hex(code_point, absl::kZeroPad4));
  } else {
    absl::StrAppend(out, "\\U", absl::Hex(code_point, absl::kZeroPad8));
  }
}

bool IsLetter(uint32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigitOrDash(uint32_t c) { return (c >= '0' && c <= '9') || c == '-'; }

bool IsPlainName(std::string_view name) { return ConsumeName(&name) && name.empty(); }

// Takes one code point off the front of `text`, which is not empty, or a byte that is no text, for which a
// replacement character stands.
bool TakeVisible(std::string_view* text, uint32_t* code_point) {
  const auto taken = text::TakeCodePoint(text);
  if (!taken.has_value()) text->remove_prefix(1);
  *code_point = taken.value_or(0xfffd);
  return taken.has_value() && IsVisible(*code_point);
}

// Takes what follows the backslash. What can be written plainly must not be escaped, else one key would have
// two texts; outside ASCII that depends on the version of Unicode.
bool TakeEscape(std::string_view* text) {
  if (text->empty()) return false;
  const char kind = text->front();
  text->remove_prefix(1);
  if (std::string_view("nrt\"\\").find(kind) != std::string_view::npos) return true;
  const size_t digits = kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits == 0 || text->size() < digits) return false;
  uint32_t value = 0;
  for (const char c : text->substr(0, digits)) {
    const bool decimal = c >= '0' && c <= '9';
    if (!decimal && (c < 'a' || c > 'f')) return false;
    value = value << 4 | static_cast<uint32_t>(decimal ? c - '0' : c - 'a' + 10);
  }
  text->remove_prefix(digits);
  if (value >= 0xd800 && value <= 0xdfff) return false;
  if (kind == 'U') return value >= 0x10000 && value <= 0x10ffff;
  return value >= 0x80 || (!IsVisible(value) && value != '\n' && value != '\r' && value != '\t');
}

}  // namespace

void AppendQuotedKey(std::string_view key, std::string* out) {
  out->push_back('"');
  while (!key.empty()) {
    const std::string_view before = key;
    uint32_t code_point = 0;
    const bool visible = TakeVisible(&key, &code_point);
    const std::string_view bytes = before.substr(0, before.size() - key.size());
    if (!visible) {
      AppendEscaped(code_point, out);
      continue;
    }
    if (code_point == '"' || code_point == '\\') out->push_back('\\');
    // A template in Terraform's language, hence doubled.
    if ((code_point == '$' || code_point == '%') && key.starts_with('{')) out->append(bytes);
    out->append(bytes);
  }
  out->push_back('"');
}

bool ConsumeQuotedKey(std::string_view* text) {
  std::string_view rest = *text;
  if (!text::ConsumePrefix(&rest, "\"")) return false;
  while (!rest.empty()) {
    if (text::ConsumePrefix(&rest, "\"")) {
      *text = rest;
      return true;
    }
    if (text::ConsumePrefix(&rest, "$${") || text::ConsumePrefix(&rest, "%%{")) continue;
    if (rest.starts_with("${") || rest.starts_with("%{")) return false;
    if (text::ConsumePrefix(&rest, "\\")) {
      if (!TakeEscape(&rest)) return false;
      continue;
    }
    uint32_t code_point = 0;
    if (!TakeVisible(&rest, &code_point)) return false;
  }
  return false;
}

bool ConsumeName(std::string_view* text) {
  std::string_view rest = *text;
  while (!rest.empty()) {
    std::string_view after = rest;
    uint32_t code_point = 0;
    if (!TakeVisible(&after, &code_point)) break;
    const bool first = rest.size() == text->size();
    if (!IsLetter(code_point) && code_point < 0x80 && (first || !IsDigitOrDash(code_point))) break;
    rest = after;
  }
  if (rest.size() == text->size()) return false;
  *text = rest;
  return true;
}

std::string ToText(std::span<const PathStep> path) {
  std::string text;
  for (const PathStep& step : path) {
    if (step.kind == PathStep::Kind::kIndex) {
      absl::StrAppend(&text, "[", step.index, "]");
    } else if (step.kind == PathStep::Kind::kAttribute && IsPlainName(step.name)) {
      if (!text.empty()) text.push_back('.');
      text.append(step.name);
    } else {
      text.push_back('[');
      AppendQuotedKey(step.name, &text);
      text.push_back(']');
    }
  }
  return text;
}

const PathTrie::Node* PathTrie::Node::Child(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

const PathTrie::Node* PathTrie::Node::Child(int64_t index) const {
  const auto found = indexes_.find(index);
  return found == indexes_.end() ? nullptr : found->second;
}

PathTrie::PathTrie(const Limits& limits, std::string_view place)
    : nodes_(1), steps_left_(limits.path_steps), depth_(limits.value_depth), place_(place) {}

absl::Status PathTrie::Insert(std::span<const Step> path) {
  if (path.size() > depth_) {
    return Unreadable(place_, text::Concat("a path has more than ", depth_, " steps"));
  }
  if (path.size() > steps_left_) return Unreadable(place_, "the paths together have too many steps");
  steps_left_ -= path.size();
  Node* node = &nodes_.front();
  for (const Step& step : path) node = Descend(node, step);
  node->marked_ = true;
  return absl::OkStatus();
}

PathTrie::Node* PathTrie::Descend(Node* from, const Step& step) {
  if (step.kind == PathStep::Kind::kIndex) {
    Node*& child = from->indexes_[step.index];
    if (child == nullptr) child = &nodes_.emplace_back();
    return child;
  }
  const auto found = from->names_.lower_bound(step.name);
  if (found != from->names_.end() && found->first == step.name) return found->second;
  return from->names_.emplace_hint(found, step.name, &nodes_.emplace_back())->second;
}

// Every node but the root is there because a path ends at it or below it.
bool HasMark(const PathTrie::Node& node) {
  return node.marked_ || !node.names_.empty() || !node.indexes_.empty();
}

}  // namespace countersign::terraform
