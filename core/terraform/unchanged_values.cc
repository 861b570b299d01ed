#include "core/terraform/unchanged_values.h"

#include <utility>

#include "core/terraform/path.h"
#include "core/terraform/shown_json.h"

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

// What a value costs beside its texts.
constexpr size_t kValueBytes = 32;

class Finder {
 public:
  Finder(const Limits& limits, size_t* bytes_left) : limits_(limits), bytes_left_(*bytes_left) {}

  void Compare(const Value& before, const Value& after, const Mask::Cursor& mask);
  UnchangedValues Finish() { return std::move(found_); }

 private:
  void CompareMembers(const Value& before, const Value& after, const Mask::Cursor& mask);
  void CompareElements(const Value& before, const Value& after, const Mask::Cursor& mask);
  void Add(const Value& value, const Mask::Cursor& mask);

  const Limits& limits_;
  size_t& bytes_left_;
  UnchangedValues found_;
  Path path_;
  size_t path_bytes_ = 0;
};

void Finder::Compare(const Value& before, const Value& after, const Mask::Cursor& mask) {
  // What is newly marked is a change.
  if (before.is_null() || after.is_null() || mask.marked_after_only()) return;
  if (!mask.marked() && before.kind() == after.kind()) {
    if (before.kind() == Kind::kMapping) return CompareMembers(before, after, mask);
    if (before.kind() == Kind::kSequence) return CompareElements(before, after, mask);
  }
  if (after.kind() != Kind::kUnknown && IsSame(before, after)) Add(before, mask);
}

void Finder::CompareMembers(const Value& before, const Value& after, const Mask::Cursor& mask) {
  const auto right = after.members();
  size_t at = 0;
  for (const Member& member : before.members()) {
    while (at < right.size() && right[at].name < member.name) ++at;
    if (at == right.size()) return;
    if (right[at].name != member.name) continue;
    path_.push_back(PathStep::Attribute(member.name));
    path_bytes_ += member.name.size() + 1;
    Compare(member.value, right[at].value, mask.Member(member.name, before, after));
    path_bytes_ -= member.name.size() + 1;
    path_.pop_back();
  }
}

// Lists of two lengths are a change as a whole.
void Finder::CompareElements(const Value& before, const Value& after, const Mask::Cursor& mask) {
  if (before.elements().size() != after.elements().size()) return;
  for (size_t i = 0; i < before.elements().size(); ++i) {
    path_.push_back(PathStep::Index(static_cast<int64_t>(i)));
    Compare(before.elements()[i], after.elements()[i], mask.Element(i));
    path_.pop_back();
  }
}

void Finder::Add(const Value& value, const Mask::Cursor& mask) {
  const bool full = static_cast<size_t>(found_.values.size()) >= limits_.unchanged_attributes;
  if (full || path_bytes_ > limits_.shown_path_bytes || bytes_left_ == 0) {
    ++found_.omitted;
    return;
  }
  v1::UnchangedAttribute attribute;
  attribute.set_path(ToText(path_));
  if (!mask.Hides(value)) {
    ShownJson shown = ShowJson(value, mask, limits_.unchanged_text_bytes);
    if (!shown.cut) attribute.set_json(std::move(shown.text));
  }
  const size_t bytes = attribute.ByteSizeLong() + kValueBytes;
  if (bytes > bytes_left_) {
    bytes_left_ = 0;
    ++found_.omitted;
    return;
  }
  bytes_left_ -= bytes;
  *found_.values.Add() = std::move(attribute);
}

}  // namespace

UnchangedValues FindUnchanged(const Value& before, const Value& after, const Mask::Cursor& mask,
                              const Limits& limits, size_t* bytes_left) {
  Finder finder(limits, bytes_left);
  finder.Compare(before, after, mask);
  return finder.Finish();
}

}  // namespace countersign::terraform
