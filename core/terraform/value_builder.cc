#include "core/terraform/value_builder.h"

#include <algorithm>
#include <cstddef>

namespace countersign::terraform {

ValueBuilder::Result ValueBuilder::Begin(ValueArena* arena, bool object) {
  arena_ = arena;
  return Open(object);
}

ValueBuilder::Result ValueBuilder::Open(bool object) {
  frames_.push_back({object, object ? members_.size() : elements_.size(), name_});
  return Result::kOpen;
}

ValueBuilder::Result ValueBuilder::Name(std::string_view name) {
  name_ = arena_->CopyText(name);
  return name_.data() == nullptr ? Result::kFull : Result::kOpen;
}

ValueBuilder::Result ValueBuilder::Add(const Value& value) {
  if (elements_.size() + members_.size() >= arena_->nodes_left()) return Result::kFull;
  if (frames_.back().object) {
    members_.push_back({name_, value});
  } else {
    elements_.push_back(value);
  }
  return Result::kOpen;
}

ValueBuilder::Result ValueBuilder::Close() {
  const Frame frame = frames_.back();
  Value value;
  const Result result = frame.object ? CloseObject(frame, &value) : CloseArray(frame, &value);
  if (result != Result::kOpen) return result;
  frames_.pop_back();
  name_ = frame.name;
  if (active()) return Add(value);
  value_ = value;
  return Result::kComplete;
}

ValueBuilder::Result ValueBuilder::CloseArray(const Frame& frame, Value* value) {
  const size_t count = elements_.size() - frame.first;
  Value* const elements = arena_->AllocateElements(count);
  if (elements == nullptr) return Result::kFull;
  const auto first = elements_.begin() + static_cast<std::ptrdiff_t>(frame.first);
  std::copy(first, elements_.end(), elements);
  elements_.erase(first, elements_.end());
  *value = Value::Sequence({elements, count});
  return Result::kOpen;
}

ValueBuilder::Result ValueBuilder::CloseObject(const Frame& frame, Value* value) {
  const size_t count = members_.size() - frame.first;
  Member* const members = arena_->AllocateMembers(count);
  if (members == nullptr) return Result::kFull;
  const auto first = members_.begin() + static_cast<std::ptrdiff_t>(frame.first);
  std::copy(first, members_.end(), members);
  members_.erase(first, members_.end());
  std::sort(members, members + count,
            [](const Member& left, const Member& right) { return left.name < right.name; });
  const auto* const twice =
      std::adjacent_find(members, members + count,
                         [](const Member& left, const Member& right) { return left.name == right.name; });
  if (twice != members + count) return Result::kDuplicate;
  *value = Value::Mapping({members, count});
  return Result::kOpen;
}

}  // namespace countersign::terraform
