// Values of Terraform's type system, as plans (msgpack) and states (JSON) hold them.
#ifndef COUNTERSIGN_CORE_TERRAFORM_VALUE_H_
#define COUNTERSIGN_CORE_TERRAFORM_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

#include "core/terraform/limits.h"

namespace countersign::terraform {

struct Member;

// One node of a tree in a ValueArena, or a part of one: cheap to copy, valid as long as the arena and, for
// texts that were not copied, the bytes that were decoded. Immutable once built.
//
// Neither format tells lists, sets and tuples apart, nor maps and objects, nor, in some places, a number from
// its text; so there is one kind for each group, and IsSame() treats a number and its text as the same.
class Value {
 public:
  enum class Kind : uint8_t { kNull, kUnknown, kBoolean, kNumber, kString, kSequence, kMapping };

  Value() = default;  // null
  static Value Unknown() { return Value(Kind::kUnknown, 0); }
  static Value Boolean(bool value);
  // The decimal text of a number as RFC 8259 writes it, in the canonical form of CanonicalNumber(). Borrowed.
  static Value Number(std::string_view text);
  static Value String(std::string_view text);              // Borrowed.
  static Value Sequence(std::span<const Value> elements);  // Borrowed.
  // Sorted by name, no name twice. Borrowed.
  static Value Mapping(std::span<const Member> members);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool boolean() const { return boolean_; }                               // Of kBoolean.
  std::string_view text() const { return {text_, size_}; }                // Of kNumber and kString.
  std::span<const Value> elements() const { return {elements_, size_}; }  // Of kSequence.
  std::span<const Member> members() const;                                // Of kMapping.
  // The value of a member of kMapping; null pointer when there is none or this is no mapping.
  const Value* Find(std::string_view name) const;

 private:
  Value(Kind kind, uint32_t size) : kind_(kind), size_(size) {}

  Kind kind_ = Kind::kNull;
  uint32_t size_ = 0;
  union {
    bool boolean_;
    const char* text_ = nullptr;
    const Value* elements_;
    const Member* members_;
  };
};

struct Member {
  std::string_view name;
  Value value;
};

inline std::span<const Member> Value::members() const { return {members_, size_}; }

// Whether two values are the same to Terraform as far as the formats can tell: unknown equals only unknown, a
// number equals a string that spells the same number in any way, everything else by content. Recurses as deep
// as the shallower of the two, which those who build values bound.
bool IsSame(const Value& left, const Value& right);

// JSON, members in order of their names; unknown values as null. Appends to `out`.
void WriteJson(const Value& value, std::string* out);

// Whether `text` is a number as RFC 8259 writes it.
bool IsNumberText(std::string_view text);

// A number's text with one form for each value: no exponent where 40 digits suffice, no leading plus, no
// trailing zeros after the point, "-0" as "0". `text` must be a number as RFC 8259 writes it; one whose
// exponent is beyond a million stays as it is.
std::string CanonicalNumber(std::string_view text);
// The same for a double, which must be finite, with all the digits of the value that it holds: what is stored
// as a double has no shorter decimal form.
std::string CanonicalNumber(double value);

// Owns the nodes and the copied texts of any number of trees. Charges what is allocated against the limits
// first: when it is used up, Allocate…() answer null and nothing more is given out. Not thread-safe.
class ValueArena {
 public:
  // Borrows nothing; keeps a copy of what it needs of `limits`.
  explicit ValueArena(const Limits& limits);
  ValueArena(const ValueArena&) = delete;
  ValueArena& operator=(const ValueArena&) = delete;

  // Uninitialised storage is never seen: elements start as null, members as empty. Null when over the limit;
  // a count of 0 gives a pointer that is not null.
  Value* AllocateElements(size_t count);
  Member* AllocateMembers(size_t count);
  // A copy of `text`; null data() when over the limit.
  std::string_view CopyText(std::string_view text);
  // Charges for nodes that are kept elsewhere. False when over the limit.
  bool Charge(uint64_t nodes);

  uint64_t nodes_left() const { return nodes_left_; }

 private:
  std::pmr::monotonic_buffer_resource memory_;
  uint64_t nodes_left_;
  uint64_t text_bytes_left_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_VALUE_H_
