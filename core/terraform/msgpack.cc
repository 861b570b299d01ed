#include "core/terraform/msgpack.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/terraform/unreadable.h"
#include "core/terraform/utf8.h"
#include "core/terraform/value_type.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

constexpr int8_t kUnknown = 0;
constexpr int8_t kRefinedUnknown = 12;

constexpr const char* kNotOfItsType = "is not of the type that it comes with";
constexpr const char* kTooMany = "has more values than are read of one plan";

enum class HeadKind : uint8_t {
  kNil,
  kBoolean,
  kInteger,
  kUnsigned,
  kFloat,
  kText,
  kBinary,
  kArray,
  kMap,
  kExtension
};

// What stands in front of each value.
struct Head {
  HeadKind kind = HeadKind::kNil;
  bool boolean = false;
  int64_t integer = 0;
  uint64_t unsigned_integer = 0;
  double floating = 0;
  size_t size = 0;  // Bytes of content, elements, or members.
  int8_t extension = 0;
};

// Every function that answers bool answers false after it has called Fail().
class Decoder {
 public:
  Decoder(std::string_view bytes, ValueArena* arena, const Limits& limits)
      : bytes_(bytes), rest_(bytes), arena_(arena), depth_limit_(limits.value_depth) {}

  bool DecodeAll(Value* value);
  const char* what() const { return what_; }
  size_t position() const { return static_cast<size_t>(rest_.data() - bytes_.data()); }

 private:
  bool Fail(const char* what);

  bool ReadBytes(size_t size, std::string_view* content);
  bool ReadUnsigned(size_t size, uint64_t* value);
  bool ReadSize(size_t size_bytes, size_t least_each, Head* head);
  bool ReadHead(Head* head);
  bool ReadLongHead(unsigned char first, Head* head);
  bool ReadExtensionHead(size_t size, Head* head);

  // `type` is null where a value does not come with its type.
  bool Decode(const ValueType* type, size_t depth, Value* value);
  bool DecodePlain(const Head& head, const ValueType* type, Value* value);
  bool DecodeText(const Head& head, const ValueType* type, Value* value);
  bool DecodeSequence(const Head& head, const ValueType* type, size_t depth, Value* value);
  bool DecodeMapping(const Head& head, const ValueType* type, size_t depth, Value* value);
  bool DecodeMember(const ValueType* type, size_t depth, Member* member);
  bool DecodeWithType(size_t depth, Value* value);
  bool DecodeUnknown(const Head& head, Value* value);
  bool Skip(size_t depth);

  bool ReadText(const Head& head, std::string_view* content);
  bool MakeNumber(std::string_view text, Value* value);
  bool LooksLikeType(std::string_view text);
  static bool Allows(const ValueType* type, ValueType::Kind kind);
  bool NextIsBinary() const;

  const std::string_view bytes_;
  std::string_view rest_;
  ValueArena* const arena_;
  const size_t depth_limit_;
  const char* what_ = nullptr;
};

bool Decoder::Fail(const char* what) {
  what_ = what;
  return false;
}

bool Decoder::ReadBytes(size_t size, std::string_view* content) {
  if (size > rest_.size()) return Fail("ends too early");
  *content = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

// The most significant byte comes first.
bool Decoder::ReadUnsigned(size_t size, uint64_t* value) {
  std::string_view content;
  if (!ReadBytes(size, &content)) return false;
  *value = 0;
  for (const char c : content) *value = *value << 8 | static_cast<unsigned char>(c);
  return true;
}

// Reads how much follows, of which each takes `least_each` bytes at least. What is not there is not believed.
bool Decoder::ReadSize(size_t size_bytes, size_t least_each, Head* head) {
  uint64_t size = 0;
  if (!ReadUnsigned(size_bytes, &size)) return false;
  head->size = size;
  return size <= rest_.size() / least_each || Fail("ends too early");
}

bool Decoder::ReadHead(Head* head) {
  std::string_view content;
  if (!ReadBytes(1, &content)) return false;
  const auto first = static_cast<unsigned char>(content[0]);
  if (first >= 0xc0 && first < 0xe0) return ReadLongHead(first, head);
  if (first < 0x80 || first >= 0xe0) {
    head->kind = HeadKind::kInteger;
    head->integer = first < 0x80 ? first : first - 0x100;
    return true;
  }
  size_t least_each = 1;
  if (first >= 0xa0) {
    head->kind = HeadKind::kText;
    head->size = first & 0x1f;
  } else {
    head->kind = first >= 0x90 ? HeadKind::kArray : HeadKind::kMap;
    head->size = first & 0x0f;
    least_each = first >= 0x90 ? 1 : 2;
  }
  return head->size <= rest_.size() / least_each || Fail("ends too early");
}

bool Decoder::ReadLongHead(unsigned char first, Head* head) {
  uint64_t number = 0;
  // In each of these rows the size doubles from one to the next.
  const auto size_from = [first](unsigned char base) { return size_t{1} << (first - base); };
  switch (first) {
    case 0xc0:
      return true;
    case 0xc2:
    case 0xc3:
      head->kind = HeadKind::kBoolean;
      head->boolean = first == 0xc3;
      return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      head->kind = HeadKind::kBinary;
      return ReadSize(size_from(0xc4), 1, head);
    case 0xc7:
    case 0xc8:
    case 0xc9:
      return ReadSize(size_from(0xc7), 1, head) && ReadExtensionHead(head->size, head);
    case 0xca:
      head->kind = HeadKind::kFloat;
      if (!ReadUnsigned(sizeof(float), &number)) return false;
      head->floating = std::bit_cast<float>(static_cast<uint32_t>(number));
      return true;
    case 0xcb:
      head->kind = HeadKind::kFloat;
      if (!ReadUnsigned(sizeof(double), &number)) return false;
      head->floating = std::bit_cast<double>(number);
      return true;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      head->kind = HeadKind::kUnsigned;
      return ReadUnsigned(size_from(0xcc), &head->unsigned_integer);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
      head->kind = HeadKind::kInteger;
      if (!ReadUnsigned(size_from(0xd0), &number)) return false;
      // The sign bit moves to the top and back.
      const auto unused = static_cast<int>(64 - 8 * size_from(0xd0));
      head->integer = static_cast<int64_t>(number << unused) >> unused;
      return true;
    }
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return ReadExtensionHead(size_from(0xd4), head);
    case 0xd9:
    case 0xda:
    case 0xdb:
      head->kind = HeadKind::kText;
      return ReadSize(size_from(0xd9), 1, head);
    case 0xdc:
    case 0xdd:
      head->kind = HeadKind::kArray;
      return ReadSize(2 * size_from(0xdc), 1, head);
    case 0xde:
    case 0xdf:
      head->kind = HeadKind::kMap;
      return ReadSize(2 * size_from(0xde), 2, head);
    default:
      return Fail("has a byte that begins no value");
  }
}

bool Decoder::ReadExtensionHead(size_t size, Head* head) {
  std::string_view type;
  if (!ReadBytes(1, &type)) return false;
  head->kind = HeadKind::kExtension;
  head->extension = static_cast<int8_t>(type[0]);
  head->size = size;
  return size <= rest_.size() || Fail("ends too early");
}

bool Decoder::DecodeAll(Value* value) {
  if (!Decode(nullptr, 1, value)) return false;
  return rest_.empty() || Fail("goes on after its end");
}

bool Decoder::Allows(const ValueType* type, ValueType::Kind kind) {
  return type == nullptr || type->kind == kind;
}

bool Decoder::NextIsBinary() const {
  return rest_.starts_with('\xc4') || rest_.starts_with('\xc5') || rest_.starts_with('\xc6');
}

bool Decoder::Decode(const ValueType* type, size_t depth, Value* value) {
  if (depth > depth_limit_) return Fail("is nested too deeply");
  Head head;
  if (!ReadHead(&head)) return false;
  switch (head.kind) {
    case HeadKind::kNil:
      *value = Value();
      return true;
    case HeadKind::kExtension:
      return DecodeUnknown(head, value);
    case HeadKind::kArray: {
      const bool any = type == nullptr || type->kind == ValueType::Kind::kDynamic;
      if (any && head.size == 2 && NextIsBinary()) return DecodeWithType(depth, value);
      return DecodeSequence(head, type, depth, value);
    }
    case HeadKind::kMap:
      return DecodeMapping(head, type, depth, value);
    default:
      return DecodePlain(head, type, value);
  }
}

bool Decoder::DecodePlain(const Head& head, const ValueType* type, Value* value) {
  switch (head.kind) {
    case HeadKind::kText:
      return DecodeText(head, type, value);
    case HeadKind::kBoolean:
      *value = Value::Boolean(head.boolean);
      return Allows(type, ValueType::Kind::kBoolean) || Fail(kNotOfItsType);
    case HeadKind::kBinary:
      return Fail("has binary data");
    default:
      break;
  }
  if (!Allows(type, ValueType::Kind::kNumber)) return Fail(kNotOfItsType);
  if (head.kind == HeadKind::kFloat) {
    if (!std::isfinite(head.floating)) return Fail("has a number that is not finite");
    return MakeNumber(CanonicalNumber(head.floating), value);
  }
  return head.kind == HeadKind::kInteger ? MakeNumber(absl::StrCat(head.integer), value)
                                         : MakeNumber(absl::StrCat(head.unsigned_integer), value);
}

bool Decoder::MakeNumber(std::string_view text, Value* value) {
  const std::string_view copy = arena_->CopyText(text);
  *value = Value::Number(copy);
  return copy.data() != nullptr || Fail(kTooMany);
}

bool Decoder::ReadText(const Head& head, std::string_view* content) {
  if (!ReadBytes(head.size, content)) return false;
  return FirstInvalidUtf8(*content) == std::string_view::npos || Fail("has a text that is not UTF-8");
}

bool Decoder::DecodeText(const Head& head, const ValueType* type, Value* value) {
  std::string_view content;
  if (!ReadText(head, &content)) return false;
  if (Allows(type, ValueType::Kind::kString)) {
    *value = Value::String(content);
    return true;
  }
  if (type->kind != ValueType::Kind::kNumber || !IsNumberText(content)) return Fail(kNotOfItsType);
  return MakeNumber(CanonicalNumber(content), value);
}

// Whether Terraform could take an array that begins with `text` for a value that comes with its type.
bool Decoder::LooksLikeType(std::string_view text) {
  ValueType ignored;
  return (text.starts_with('"') || text.starts_with('[')) &&
         ParseValueType(text, arena_, depth_limit_, &ignored) != TypeError::kMalformed;
}

bool Decoder::DecodeSequence(const Head& head, const ValueType* type, size_t depth, Value* value) {
  const bool tuple = type != nullptr && type->kind == ValueType::Kind::kTuple;
  if (!tuple && !Allows(type, ValueType::Kind::kList)) return Fail(kNotOfItsType);
  if (tuple && type->parts.size() != head.size) return Fail(kNotOfItsType);
  Value* const elements = arena_->AllocateElements(head.size);
  if (elements == nullptr) return Fail(kTooMany);
  for (size_t i = 0; i < head.size; ++i) {
    const ValueType* const part = type == nullptr ? nullptr : &type->parts[tuple ? i : 0];
    if (!Decode(part, depth + 1, &elements[i])) return false;
  }
  if (type == nullptr && head.size == 2 && elements[0].kind() == Value::Kind::kString &&
      LooksLikeType(elements[0].text())) {
    return Fail("has a list that could be taken for a value with its type");
  }
  *value = Value::Sequence({elements, head.size});
  return true;
}

bool Decoder::DecodeMapping(const Head& head, const ValueType* type, size_t depth, Value* value) {
  const bool object = type != nullptr && type->kind == ValueType::Kind::kObject;
  if (!object && !Allows(type, ValueType::Kind::kMap)) return Fail(kNotOfItsType);
  if (object && type->parts.size() != head.size) return Fail(kNotOfItsType);
  Member* const members = arena_->AllocateMembers(head.size);
  if (members == nullptr) return Fail(kTooMany);
  Member* const end = members + head.size;
  for (Member* member = members; member != end; ++member) {
    if (!DecodeMember(type, depth, member)) return false;
  }
  const auto by_name = [](const Member& left, const Member& right) { return left.name < right.name; };
  if (!std::is_sorted(members, end, by_name)) std::sort(members, end, by_name);
  const auto same_name = [](const Member& left, const Member& right) { return left.name == right.name; };
  if (std::adjacent_find(members, end, same_name) != end) return Fail("has a member twice");
  *value = Value::Mapping({members, head.size});
  return true;
}

bool Decoder::DecodeMember(const ValueType* type, size_t depth, Member* member) {
  Head head;
  if (!ReadHead(&head)) return false;
  if (head.kind != HeadKind::kText) return Fail("has a member whose name is not a text");
  if (!ReadText(head, &member->name)) return false;
  const ValueType* part = nullptr;
  if (type != nullptr) {
    const size_t position = type->kind == ValueType::Kind::kObject ? type->Find(member->name) : 0;
    if (position == type->parts.size()) return Fail(kNotOfItsType);
    part = &type->parts[position];
  }
  return Decode(part, depth + 1, &member->value);
}

// Reads what follows the head of the array: a type, and a value of it.
bool Decoder::DecodeWithType(size_t depth, Value* value) {
  Head head;
  std::string_view json;
  if (!ReadHead(&head) || !ReadBytes(head.size, &json)) return false;
  ValueType type;
  switch (ParseValueType(json, arena_, depth_limit_, &type)) {
    case TypeError::kNone:
      return Decode(&type, depth + 1, value);
    case TypeError::kMalformed:
      return Fail("comes with a type that is none");
    case TypeError::kTooDeep:
      return Fail("comes with a type that is nested too deeply");
    case TypeError::kTooLarge:
      break;
  }
  return Fail(kTooMany);
}

bool Decoder::DecodeUnknown(const Head& head, Value* value) {
  *value = Value::Unknown();
  if (head.extension == kUnknown && head.size == 1) {
    std::string_view content;
    if (!ReadBytes(1, &content)) return false;
    return content[0] == '\0' || Fail("has an extension that this version does not know");
  }
  if (head.extension != kRefinedUnknown) return Fail("has an extension that this version does not know");
  // What is said about the value, well-formed and nothing else.
  const std::string_view after = rest_.substr(head.size);
  rest_ = rest_.substr(0, head.size);
  Head map;
  const std::string_view content = rest_;
  if (!ReadHead(&map)) return false;
  if (map.kind != HeadKind::kMap) return Fail("has a refinement that is no map");
  rest_ = content;
  if (!Skip(1)) return false;
  if (!rest_.empty()) return Fail("has a refinement that goes on after its end");
  rest_ = after;
  return true;
}

bool Decoder::Skip(size_t depth) {
  if (depth > depth_limit_) return Fail("is nested too deeply");
  Head head;
  if (!ReadHead(&head)) return false;
  std::string_view content;
  switch (head.kind) {
    case HeadKind::kText:
    case HeadKind::kBinary:
    case HeadKind::kExtension:
      return ReadBytes(head.size, &content);
    case HeadKind::kArray:
    case HeadKind::kMap: {
      const size_t count = head.kind == HeadKind::kMap ? 2 * head.size : head.size;
      for (size_t i = 0; i < count; ++i) {
        if (!Skip(depth + 1)) return false;
      }
      return true;
    }
    default:
      return true;
  }
}

}  // namespace

absl::StatusOr<Value> DecodeMsgpack(std::string_view bytes, ValueArena* arena, const Limits& limits,
                                    std::string_view place) {
  Decoder decoder(bytes, arena, limits);
  Value value;
  if (decoder.DecodeAll(&value)) return value;
  return Unreadable(place, absl::StrCat(decoder.what(), ", at byte ", decoder.position()));
}

}  // namespace countersign::terraform
