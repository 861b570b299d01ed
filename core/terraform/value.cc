#include "core/terraform/value.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace countersign::terraform {
namespace {

constexpr int64_t kMostPlainDigits = 40;

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20; }

// How many bytes there are before the first that JSON writes in another way. Looks at eight at once, as
// digesting a state is mostly this: the subtraction sets the high bit of a byte only where the byte, or one
// that it borrows for, is less than the limit.
size_t PlainBytes(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighBits = kOnes << 7;
  const auto has_below = [](uint64_t bytes, uint64_t limit) {
    return ((bytes - kOnes * limit) & ~bytes & kHighBits) != 0;
  };
  size_t count = 0;
  for (uint64_t bytes = 0; count + sizeof bytes <= text.size(); count += sizeof bytes) {
    std::memcpy(&bytes, text.data() + count, sizeof bytes);
    if (has_below(bytes, 0x20) || has_below(bytes ^ (kOnes * '"'), 1) || has_below(bytes ^ (kOnes * '\\'), 1))
      break;
  }
  while (count < text.size() && !IsControl(text[count]) && text[count] != '"' && text[count] != '\\') ++count;
  return count;
}

void WriteText(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  for (size_t plain = PlainBytes(text); plain < text.size(); plain = PlainBytes(text)) {
    const char c = text[plain];
    out->append(text.substr(0, plain));
    text.remove_prefix(plain + 1);
    if (IsControl(c)) {
      out->append("\\u00");
      out->push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out->push_back(kHex[static_cast<unsigned char>(c) & 15]);
    } else {
      out->push_back('\\');
      out->push_back(c);
    }
  }
  out->append(text);
  out->push_back('"');
}

bool IsNumberOrString(const Value& value) {
  return value.kind() == Value::Kind::kNumber || value.kind() == Value::Kind::kString;
}

// A number whose type only the schema tells stands in a plan as a string.
bool IsSameText(const Value& left, const Value& right) {
  if (left.text() == right.text()) return true;
  if (left.kind() == right.kind()) return false;
  const bool number_first = left.kind() == Value::Kind::kNumber;
  const std::string_view number = number_first ? left.text() : right.text();
  const std::string_view spelling = number_first ? right.text() : left.text();
  return IsNumberText(spelling) && CanonicalNumber(spelling) == number;
}

// Takes the digits off the front and says how many there were.
size_t TakeDigits(std::string_view* text) {
  const size_t count = std::min(text->find_first_not_of("0123456789"), text->size());
  text->remove_prefix(count);
  return count;
}

}  // namespace

Value Value::Boolean(bool value) {
  Value result(Kind::kBoolean, 0);
  result.boolean_ = value;
  return result;
}

Value Value::Number(std::string_view text) {
  Value result(Kind::kNumber, static_cast<uint32_t>(text.size()));
  result.text_ = text.data();
  return result;
}

Value Value::String(std::string_view text) {
  Value result(Kind::kString, static_cast<uint32_t>(text.size()));
  result.text_ = text.data();
  return result;
}

Value Value::Sequence(std::span<const Value> elements) {
  Value result(Kind::kSequence, static_cast<uint32_t>(elements.size()));
  result.elements_ = elements.data();
  return result;
}

Value Value::Mapping(std::span<const Member> members) {
  Value result(Kind::kMapping, static_cast<uint32_t>(members.size()));
  result.members_ = members.data();
  return result;
}

const Value* Value::Find(std::string_view name) const {
  if (kind_ != Kind::kMapping) return nullptr;
  const auto all = members();
  const auto found =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const Member& member, std::string_view key) { return member.name < key; });
  return found != all.end() && found->name == name ? &found->value : nullptr;
}

bool IsSame(const Value& left, const Value& right) {
  if (IsNumberOrString(left) && IsNumberOrString(right)) return IsSameText(left, right);
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Value::Kind::kNull:
    case Value::Kind::kUnknown:
      return true;
    case Value::Kind::kBoolean:
      return left.boolean() == right.boolean();
    case Value::Kind::kNumber:
    case Value::Kind::kString:
      return IsSameText(left, right);
    case Value::Kind::kSequence: {
      const auto a = left.elements();
      const auto b = right.elements();
      return std::equal(a.begin(), a.end(), b.begin(), b.end(), IsSame);
    }
    case Value::Kind::kMapping: {
      const auto a = left.members();
      const auto b = right.members();
      return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Member& one, const Member& other) {
        return one.name == other.name && IsSame(one.value, other.value);
      });
    }
  }
  return false;
}

void WriteJson(const Value& value, std::string* out) {
  switch (value.kind()) {
    case Value::Kind::kNull:
    case Value::Kind::kUnknown:
      out->append("null");
      return;
    case Value::Kind::kBoolean:
      out->append(value.boolean() ? "true" : "false");
      return;
    case Value::Kind::kNumber:
      out->append(value.text());
      return;
    case Value::Kind::kString:
      WriteText(value.text(), out);
      return;
    case Value::Kind::kSequence:
    case Value::Kind::kMapping:
      break;
  }
  const bool sequence = value.kind() == Value::Kind::kSequence;
  out->push_back(sequence ? '[' : '{');
  std::string_view separator;
  if (sequence) {
    for (const Value& element : value.elements()) {
      out->append(std::exchange(separator, ","));
      WriteJson(element, out);
    }
  } else {
    for (const Member& member : value.members()) {
      out->append(std::exchange(separator, ","));
      WriteText(member.name, out);
      out->push_back(':');
      WriteJson(member.value, out);
    }
  }
  out->push_back(sequence ? ']' : '}');
}

bool IsNumberText(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const size_t whole = TakeDigits(&text);
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (TakeDigits(&text) == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (TakeDigits(&text) == 0) return false;
  }
  return text.empty();
}

std::string CanonicalNumber(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int64_t exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    // An exponent of this size is written as it came: it is nobody's number.
    if (parsed.ec != std::errc() || exponent > 1'000'000 || exponent < -1'000'000) {
      return absl::StrCat(negative ? "-" : "", std::string(text));
    }
    text = text.substr(0, e);
  }
  // All digits without the point; the value is 0.DIGITS times ten to the `exponent`.
  std::string digits;
  const size_t point = text.find('.');
  exponent += static_cast<int64_t>(point == std::string_view::npos ? text.size() : point);
  for (const char c : text) {
    if (c != '.') digits.push_back(c);
  }
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return "0";
  digits.erase(0, first);
  exponent -= static_cast<int64_t>(first);
  digits.erase(digits.find_last_not_of('0') + 1);

  const auto count = static_cast<int64_t>(digits.size());
  std::string out = negative ? "-" : "";
  if (exponent >= count && exponent <= kMostPlainDigits) {
    return out.append(digits).append(static_cast<size_t>(exponent - count), '0');
  }
  if (exponent > 0 && exponent < count) {
    return out.append(digits, 0, static_cast<size_t>(exponent))
        .append(".")
        .append(digits, static_cast<size_t>(exponent));
  }
  if (exponent <= 0 && count - exponent <= kMostPlainDigits) {
    return out.append("0.").append(static_cast<size_t>(-exponent), '0').append(digits);
  }
  out.append(digits, 0, 1);
  if (count > 1) out.append(".").append(digits, 1);
  return absl::StrCat(out, "e", exponent - 1);
}

std::string CanonicalNumber(double value) {
  // No double has more digits than these after the first one.
  constexpr int kMostDigits = 766;
  char buffer[kMostDigits + 16];
  const auto written =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific, kMostDigits);
  return CanonicalNumber(std::string_view(buffer, static_cast<size_t>(written.ptr - buffer)));
}

ValueArena::ValueArena(const Limits& limits)
    : nodes_left_(limits.value_nodes), text_bytes_left_(limits.value_text_bytes) {}

bool ValueArena::Charge(uint64_t nodes) {
  if (nodes > nodes_left_) {
    nodes_left_ = 0;
    return false;
  }
  nodes_left_ -= nodes;
  return true;
}

Value* ValueArena::AllocateElements(size_t count) {
  if (!Charge(count)) return nullptr;
  void* const memory = memory_.allocate(std::max<size_t>(count, 1) * sizeof(Value), alignof(Value));
  auto* const elements = static_cast<Value*>(memory);
  std::uninitialized_default_construct_n(elements, count);
  return elements;
}

Member* ValueArena::AllocateMembers(size_t count) {
  if (!Charge(count)) return nullptr;
  void* const memory = memory_.allocate(std::max<size_t>(count, 1) * sizeof(Member), alignof(Member));
  auto* const members = static_cast<Member*>(memory);
  std::uninitialized_default_construct_n(members, count);
  return members;
}

std::string_view ValueArena::CopyText(std::string_view text) {
  if (text.size() > text_bytes_left_) {
    text_bytes_left_ = 0;
    return {};
  }
  text_bytes_left_ -= text.size();
  auto* const copy = static_cast<char*>(memory_.allocate(std::max<size_t>(text.size(), 1), 1));
  std::copy(text.begin(), text.end(), copy);
  return {copy, text.size()};
}

}  // namespace countersign::terraform
