// Makes values from the events of a JSON parser. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_VALUE_BUILDER_H_
#define COUNTERSIGN_CORE_TERRAFORM_VALUE_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "core/terraform/value.h"

namespace countersign::terraform {

// Makes one array or object after another. What is not finished yet waits outside the arena, but is never
// more than the arena has left. Keeps no reference to an arena once its value is complete. Not thread-safe.
class ValueBuilder {
 public:
  enum class Result : uint8_t {
    kOpen,
    kComplete,   // The value that was begun is there.
    kDuplicate,  // An object has two members of one name. Nothing more may be called, as after kFull.
    kFull,
  };

  // Whether a value has begun and is not complete. Only then is everything but Begin() allowed.
  bool active() const { return !frames_.empty(); }
  ValueArena* arena() const { return arena_; }
  // The last that was completed.
  const Value& value() const { return value_; }

  // A value that is an array or an object begins, and goes to `arena`.
  Result Begin(ValueArena* arena, bool object);
  // One within begins.
  Result Open(bool object);
  // The name of the member that follows, which is copied.
  Result Name(std::string_view name);
  // A value that is neither an array nor an object; its text must live as long as the arena.
  Result Add(const Value& value);
  // The array or the object that began last ends.
  Result Close();

 private:
  struct Frame {
    bool object;
    size_t first;           // In the list of its kind.
    std::string_view name;  // Of the value itself, where it is a member.
  };

  Result CloseArray(const Frame& frame, Value* value);
  Result CloseObject(const Frame& frame, Value* value);

  ValueArena* arena_ = nullptr;
  std::vector<Frame> frames_;
  std::deque<Value> elements_;  // A deque, because it grows without a second copy of itself.
  std::deque<Member> members_;
  std::string_view name_;
  Value value_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_VALUE_BUILDER_H_
