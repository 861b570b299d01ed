#include "core/digest/canonical_json.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/text/utf8.h"

namespace countersign::digest {
namespace {

absl::Status Refuse(std::string_view what) { return error::InvalidField("json", what); }

// What RFC 8785 sorts member names by. Differs from the order of the UTF-8 bytes where a name holds a
// character above U+FFFF.
std::optional<std::u16string> ToUtf16(std::string_view text) {
  std::u16string units;
  while (!text.empty()) {
    const auto point = text::TakeCodePoint(&text);
    if (!point.has_value()) return std::nullopt;
    if (*point < 0x10000) {
      units.push_back(static_cast<char16_t>(*point));
    } else {
      units.push_back(static_cast<char16_t>(0xD800 + ((*point - 0x10000) >> 10)));
      units.push_back(static_cast<char16_t>(0xDC00 + ((*point - 0x10000) & 0x3FF)));
    }
  }
  return units;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    if (!text::TakeCodePoint(&text).has_value()) return false;
  }
  return true;
}

void WriteCharacter(char c, std::string* out) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\b':
      out->append("\\b");
      return;
    case '\t':
      out->append("\\t");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\f':
      out->append("\\f");
      return;
    case '\r':
      out->append("\\r");
      return;
    default:
      break;
  }
  if (static_cast<unsigned char>(c) < 0x20) {
    absl::StrAppend(out, "\\u00", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
  } else {
    out->push_back(c);
  }
}

absl::Status WriteString(std::string_view text, std::string* out) {
  if (!IsUtf8(text)) return Refuse("a string is not valid UTF-8");
  out->push_back('"');
  for (const char c : text) WriteCharacter(c, out);
  out->push_back('"');
  return absl::OkStatus();
}

absl::Status WriteInteger(int64_t value, std::string* out) {
  if (value > kMaxCanonicalInteger || value < -kMaxCanonicalInteger) {
    return Refuse("an integer must stay below 2^53 in magnitude");
  }
  absl::StrAppend(out, value);
  return absl::OkStatus();
}

}  // namespace

CanonicalJson::CanonicalJson(Value value) : value_(std::move(value)) {}

CanonicalJson CanonicalJson::String(std::string_view text) { return CanonicalJson(Value(std::string(text))); }
CanonicalJson CanonicalJson::Boolean(bool value) { return CanonicalJson(Value(value)); }
CanonicalJson CanonicalJson::Integer(int64_t value) { return CanonicalJson(Value(value)); }
CanonicalJson CanonicalJson::Array() { return CanonicalJson(Value(Elements())); }
CanonicalJson CanonicalJson::Object() { return CanonicalJson(Value(Members())); }
CanonicalJson CanonicalJson::Object(std::initializer_list<Member> members) {
  return CanonicalJson(Value(Members(members)));
}

void CanonicalJson::Append(CanonicalJson element) {
  std::get<Elements>(value_).push_back(std::move(element));
}

void CanonicalJson::Set(std::string_view name, CanonicalJson value) {
  std::get<Members>(value_).push_back({std::string(name), std::move(value)});
}

absl::StatusOr<std::string> CanonicalJson::Write() const {
  std::string out;
  if (absl::Status status = WriteTo(0, &out); !status.ok()) return status;
  return out;
}

absl::Status CanonicalJson::WriteTo(size_t depth, std::string* out) const {
  if (depth > kMaxCanonicalDepth) return Refuse("values are nested too deeply");
  if (const auto* text = std::get_if<std::string>(&value_)) return WriteString(*text, out);
  if (const auto* integer = std::get_if<int64_t>(&value_)) return WriteInteger(*integer, out);
  if (const auto* elements = std::get_if<Elements>(&value_)) return WriteElements(*elements, depth, out);
  if (const auto* members = std::get_if<Members>(&value_)) return WriteMembers(*members, depth, out);
  out->append(std::get<bool>(value_) ? "true" : "false");
  return absl::OkStatus();
}

absl::Status CanonicalJson::WriteElements(const Elements& elements, size_t depth, std::string* out) {
  std::string_view separator = "[";
  for (const CanonicalJson& element : elements) {
    out->append(separator);
    if (absl::Status status = element.WriteTo(depth + 1, out); !status.ok()) return status;
    separator = ",";
  }
  out->append(elements.empty() ? "[]" : "]");
  return absl::OkStatus();
}

absl::Status CanonicalJson::WriteMembers(const Members& members, size_t depth, std::string* out) {
  std::vector<std::pair<std::u16string, const Member*>> sorted;
  for (const Member& member : members) {
    auto units = ToUtf16(member.name);
    if (!units.has_value()) return Refuse("a member's name is not valid UTF-8");
    sorted.emplace_back(*std::move(units), &member);
  }
  std::sort(sorted.begin(), sorted.end());
  std::string_view separator = "{";
  const std::u16string* previous = nullptr;
  for (const auto& [units, member] : sorted) {
    if (previous != nullptr && *previous == units) return Refuse("an object has two members of one name");
    previous = &units;
    out->append(separator);
    if (absl::Status status = WriteString(member->name, out); !status.ok()) return status;
    out->push_back(':');
    if (absl::Status status = member->value.WriteTo(depth + 1, out); !status.ok()) return status;
    separator = ",";
  }
  out->append(members.empty() ? "{}" : "}");
  return absl::OkStatus();
}

}  // namespace countersign::digest
