#include "core/terraform/value_type.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/terraform/utf8.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

constexpr std::pair<std::string_view, ValueType::Kind> kPlain[] = {
    {R"("string")", ValueType::Kind::kString},
    {R"("number")", ValueType::Kind::kNumber},
    {R"("bool")", ValueType::Kind::kBoolean},
    {R"("dynamic")", ValueType::Kind::kDynamic},
};

constexpr std::pair<std::string_view, ValueType::Kind> kCollections[] = {
    {R"(["list",)", ValueType::Kind::kList},
    {R"(["set",)", ValueType::Kind::kList},
    {R"(["map",)", ValueType::Kind::kMap},
};

// What one type costs more than a node of a value does.
constexpr uint64_t kNodesPerType = 4;

class Parser {
 public:
  Parser(std::string_view json, ValueArena* arena) : rest_(json), arena_(arena) {}

  TypeError Type(size_t depth, ValueType* type);
  bool AtEnd() const { return rest_.empty(); }

 private:
  bool Take(std::string_view token) { return text::ConsumePrefix(&rest_, token); }
  TypeError Tuple(size_t depth, ValueType* type);
  TypeError Object(size_t depth, ValueType* type);
  TypeError Part(size_t depth, ValueType* type);
  TypeError Name(std::string_view* name);
  bool Escape(std::string* out);
  bool Hex(uint32_t* code);

  std::string_view rest_;
  ValueArena* const arena_;
};

TypeError Parser::Type(size_t depth, ValueType* type) {
  if (depth == 0) return TypeError::kTooDeep;
  for (const auto& [token, kind] : kPlain) {
    type->kind = kind;
    if (Take(token)) return TypeError::kNone;
  }
  for (const auto& [token, kind] : kCollections) {
    type->kind = kind;
    if (!Take(token)) continue;
    if (const TypeError error = Part(depth - 1, type); error != TypeError::kNone) return error;
    return Take("]") ? TypeError::kNone : TypeError::kMalformed;
  }
  if (Take(R"(["tuple",[)")) return Tuple(depth, type);
  if (Take(R"(["object",{)")) return Object(depth, type);
  return TypeError::kMalformed;
}

// Reads one more of the types that `type` is made of.
TypeError Parser::Part(size_t depth, ValueType* type) {
  if (!arena_->Charge(kNodesPerType)) return TypeError::kTooLarge;
  return Type(depth, &type->parts.emplace_back());
}

TypeError Parser::Tuple(size_t depth, ValueType* type) {
  type->kind = ValueType::Kind::kTuple;
  if (Take("]]")) return TypeError::kNone;
  do {
    if (const TypeError error = Part(depth - 1, type); error != TypeError::kNone) return error;
  } while (Take(","));
  return Take("]]") ? TypeError::kNone : TypeError::kMalformed;
}

TypeError Parser::Object(size_t depth, ValueType* type) {
  type->kind = ValueType::Kind::kObject;
  if (Take("}]")) return TypeError::kNone;
  do {
    std::string_view name;
    if (const TypeError error = Name(&name); error != TypeError::kNone) return error;
    if (!type->names.empty() && name <= type->names.back()) return TypeError::kMalformed;
    type->names.push_back(name);
    if (!Take(":")) return TypeError::kMalformed;
    if (const TypeError error = Part(depth - 1, type); error != TypeError::kNone) return error;
  } while (Take(","));
  return Take("}]") ? TypeError::kNone : TypeError::kMalformed;
}

TypeError Parser::Name(std::string_view* name) {
  if (!Take("\"")) return TypeError::kMalformed;
  const std::string_view raw = rest_;
  std::string unescaped;
  bool escaped = false;
  while (!rest_.starts_with('"')) {
    if (rest_.empty() || static_cast<unsigned char>(rest_.front()) < 0x20) return TypeError::kMalformed;
    if (Take("\\")) {
      escaped = true;
      if (!Escape(&unescaped)) return TypeError::kMalformed;
    } else {
      unescaped.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
  }
  if (FirstInvalidUtf8(unescaped) != std::string_view::npos) return TypeError::kMalformed;
  *name = escaped ? arena_->CopyText(unescaped) : raw.substr(0, raw.size() - rest_.size());
  rest_.remove_prefix(1);
  return name->data() == nullptr ? TypeError::kTooLarge : TypeError::kNone;
}

// Takes what follows a backslash.
bool Parser::Escape(std::string* out) {
  constexpr std::pair<char, char> kShort[] = {{'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'b', '\b'},
                                              {'f', '\f'}, {'n', '\n'},  {'r', '\r'}, {'t', '\t'}};
  for (const auto& [letter, meaning] : kShort) {
    if (!rest_.starts_with(letter)) continue;
    rest_.remove_prefix(1);
    out->push_back(meaning);
    return true;
  }
  uint32_t code = 0;
  if (!Hex(&code)) return false;
  if (code >= 0xd800 && code <= 0xdbff) {
    uint32_t low = 0;
    if (!Take("\\") || !Hex(&low) || low < 0xdc00 || low > 0xdfff) return false;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  return AppendUtf8(code, out);
}

// Takes `u` and four digits.
bool Parser::Hex(uint32_t* code) {
  constexpr size_t kDigits = 4;
  if (!Take("u") || rest_.size() < kDigits) return false;
  for (const char c : rest_.substr(0, kDigits)) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const size_t digit = kHex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    if (digit == std::string_view::npos) return false;
    *code = *code << 4 | static_cast<uint32_t>(digit);
  }
  rest_.remove_prefix(kDigits);
  return true;
}

}  // namespace

size_t ValueType::Find(std::string_view name) const {
  const auto found = std::lower_bound(names.begin(), names.end(), name);
  const bool there = found != names.end() && *found == name;
  return there ? static_cast<size_t>(found - names.begin()) : names.size();
}

TypeError ParseValueType(std::string_view json, ValueArena* arena, size_t depth, ValueType* type) {
  if (!arena->Charge(kNodesPerType)) return TypeError::kTooLarge;
  Parser parser(json, arena);
  const TypeError error = parser.Type(depth, type);
  return error == TypeError::kNone && !parser.AtEnd() ? TypeError::kMalformed : error;
}

}  // namespace countersign::terraform
