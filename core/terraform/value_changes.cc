#include "core/terraform/value_changes.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/terraform/path.h"
#include "core/terraform/shown_json.h"

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

// What a change costs beside its texts.
constexpr size_t kChangeBytes = 32;

bool IsContainer(const Value& value) {
  return value.kind() == Kind::kSequence || value.kind() == Kind::kMapping;
}

bool IsEmpty(const Value& value) {
  return value.kind() == Kind::kSequence ? value.elements().empty() : value.members().empty();
}

bool HasUnknown(const Value& value) {
  switch (value.kind()) {
    case Kind::kUnknown:
      return true;
    case Kind::kSequence:
      return std::any_of(value.elements().begin(), value.elements().end(), HasUnknown);
    case Kind::kMapping:
      return std::any_of(value.members().begin(), value.members().end(),
                         [](const Member& member) { return HasUnknown(member.value); });
    default:
      return false;
  }
}

// What stands where `value` would have a member or an element: nothing, or what nobody knows.
Value Nothing(const Value& value) { return value.kind() == Kind::kUnknown ? Value::Unknown() : Value(); }

Value ElementOf(const Value& value, size_t index) {
  const bool there = value.kind() == Kind::kSequence && index < value.elements().size();
  return there ? value.elements()[index] : Nothing(value);
}

// The members of both in the order of their names, with null for the one that is not there.
template <typename Visit>
void ForEachMember(const Value& before, const Value& after, Visit visit) {
  const auto members = [](const Value& value) {
    return value.kind() == Kind::kMapping ? value.members() : std::span<const Member>();
  };
  const auto left = members(before);
  const auto right = members(after);
  for (size_t i = 0, j = 0; i < left.size() || j < right.size();) {
    const bool from_left = j == right.size() || (i < left.size() && left[i].name <= right[j].name);
    const bool from_right = i == left.size() || (j < right.size() && right[j].name <= left[i].name);
    const std::string_view name = from_left ? left[i].name : right[j].name;
    visit(name, from_left ? left[i++].value : Nothing(before),
          from_right ? right[j++].value : Nothing(after));
  }
}

class Finder {
 public:
  Finder(const SaltedDigest& salted, const Limits& limits, ContentHasher* fingerprint, size_t* bytes_left)
      : salted_(salted), limits_(limits), fingerprint_(*fingerprint), bytes_left_(*bytes_left) {}

  void Compare(const Value& before, const Value& after, const Mask::Cursor& mask);
  ValueChanges Finish() { return std::move(found_); }

 private:
  void CompareMembers(const Value& before, const Value& after, const Mask::Cursor& mask);
  void CompareElements(const Value& before, const Value& after, const Mask::Cursor& mask);
  void FindHidden(const Value& before, const Value& after, const Mask::Cursor& mask);
  void Leaf(const Value& before, const Value& after, const Mask::Cursor& mask);
  void Fingerprint(const Value& before, const Value& after, const Mask::Cursor& mask, bool masked);
  void Add(const Value& before, const Value& after, const Mask::Cursor& mask, bool masked);
  void Keep(v1::AttributeChange change);

  template <typename Visit>
  void Below(const PathStep& step, Visit visit) {
    path_.push_back(step);
    path_bytes_ += step.name.size() + 1;
    visit();
    path_bytes_ -= step.name.size() + 1;
    path_.pop_back();
    path_in_fingerprint_ = std::min(path_in_fingerprint_, path_.size());
  }

  const SaltedDigest& salted_;
  const Limits& limits_;
  ContentHasher& fingerprint_;
  size_t& bytes_left_;
  ValueChanges found_;
  Path path_;
  size_t path_bytes_ = 0;
  size_t path_in_fingerprint_ = 0;  // How many steps are those of the change before.
};

void Finder::Compare(const Value& before, const Value& after, const Mask::Cursor& mask) {
  if (mask.marked()) return Leaf(before, after, mask);
  const bool one_sided = before.is_null() || after.is_null();
  const Value& there = before.is_null() ? after : before;
  if (!IsContainer(there) || (!one_sided && before.kind() != after.kind())) return Leaf(before, after, mask);
  if (one_sided && IsEmpty(there)) return Leaf(before, after, mask);
  if (there.kind() == Kind::kMapping) return CompareMembers(before, after, mask);
  if (!one_sided && before.elements().size() != after.elements().size()) return Leaf(before, after, mask);
  CompareElements(before, after, mask);
}

void Finder::CompareMembers(const Value& before, const Value& after, const Mask::Cursor& mask) {
  ForEachMember(before, after, [&](std::string_view name, const Value& one, const Value& other) {
    Below(PathStep::Attribute(name), [&] { Compare(one, other, mask.Member(name, before, after)); });
  });
}

void Finder::CompareElements(const Value& before, const Value& after, const Mask::Cursor& mask) {
  const size_t count = (before.is_null() ? after : before).elements().size();
  for (size_t i = 0; i < count; ++i) {
    Below(PathStep::Index(static_cast<int64_t>(i)),
          [&] { Compare(ElementOf(before, i), ElementOf(after, i), mask.Element(i)); });
  }
}

// The masked changes within two values that are one change.
void Finder::FindHidden(const Value& before, const Value& after, const Mask::Cursor& mask) {
  if (mask.Hides(before) || mask.Hides(after)) return Leaf(before, after, mask);
  if (IsContainer(before) && IsContainer(after) && before.kind() != after.kind()) {
    FindHidden(before, Value(), mask);
    return FindHidden(Value(), after, mask);
  }
  ForEachMember(before, after, [&](std::string_view name, const Value& one, const Value& other) {
    Below(PathStep::Attribute(name), [&] { FindHidden(one, other, mask.Member(name, before, after)); });
  });
  const auto count = [](const Value& value) {
    return value.kind() == Kind::kSequence ? value.elements().size() : 0;
  };
  for (size_t i = 0; i < std::max(count(before), count(after)); ++i) {
    Below(PathStep::Index(static_cast<int64_t>(i)),
          [&] { FindHidden(ElementOf(before, i), ElementOf(after, i), mask.Element(i)); });
  }
}

void Finder::Leaf(const Value& before, const Value& after, const Mask::Cursor& mask) {
  if (before.is_null() && after.is_null()) return;
  const bool newly_marked = mask.marked_after_only() && !before.is_null();
  const bool same = IsSame(before, after);
  if (same && !newly_marked) return;
  const bool masked = mask.Hides(before) || mask.Hides(after);
  if (masked && !same) ++found_.masked;
  found_.any = true;
  Fingerprint(before, after, mask, masked);
  Add(before, after, mask, masked);
  const bool has_parts = IsContainer(before) || IsContainer(after);
  if (!masked && has_parts) FindHidden(before, after, mask);
}

// Long keys cost only once however many changes are below them.
void Finder::Fingerprint(const Value& before, const Value& after, const Mask::Cursor& mask, bool masked) {
  fingerprint_.Add(uint64_t{path_in_fingerprint_});
  fingerprint_.Add(uint64_t{path_.size()});
  for (; path_in_fingerprint_ < path_.size(); ++path_in_fingerprint_) {
    const PathStep& step = path_[path_in_fingerprint_];
    fingerprint_.Add(uint64_t{step.kind == PathStep::Kind::kIndex});
    fingerprint_.Add(step.name);
    fingerprint_.Add(static_cast<uint64_t>(step.index));
  }
  fingerprint_.Add(masked ? "masked" : "shown");
  if (masked) return;
  fingerprint_.AddShown(before, mask);
  fingerprint_.AddShown(after, mask);
}

void Finder::Add(const Value& before, const Value& after, const Mask::Cursor& mask, bool masked) {
  const bool full = static_cast<size_t>(found_.changes.size()) >= limits_.attribute_changes;
  if (full || path_bytes_ > limits_.shown_path_bytes || bytes_left_ == 0) {
    ++found_.omitted;
    return;
  }
  v1::AttributeChange change;
  change.set_path(ToText(path_));
  change.set_after_unknown(HasUnknown(after));
  change.set_masked(masked);
  change.set_sensitivity_added(mask.marked_after_only() && !before.is_null());
  const auto known = [](const Value& value) { return !value.is_null() && value.kind() != Kind::kUnknown; };
  if (masked) {
    if (known(before)) change.set_before_digest(salted_.Of(before));
    if (known(after)) change.set_after_digest(salted_.Of(after));
    return Keep(std::move(change));
  }
  const auto show = [&](const Value& value) {
    ShownJson shown = ShowJson(value, mask, limits_.shown_text_bytes);
    if (shown.cut) change.set_cut(true);
    return std::move(shown.text);
  };
  if (known(before)) change.set_before_json(show(before));
  if (known(after)) change.set_after_json(show(after));
  Keep(std::move(change));
}

void Finder::Keep(v1::AttributeChange change) {
  const size_t bytes = change.ByteSizeLong() + kChangeBytes;
  if (bytes > bytes_left_) {
    // From here on nothing is shown any more, not even what would still fit: what is left out is at the end.
    bytes_left_ = 0;
    ++found_.omitted;
    return;
  }
  bytes_left_ -= bytes;
  *found_.changes.Add() = std::move(change);
}

}  // namespace

ValueChanges FindChanges(const Value& before, const Value& after, const Mask::Cursor& mask,
                         const SaltedDigest& salted, const Limits& limits, ContentHasher* fingerprint,
                         size_t* bytes_left) {
  Finder finder(salted, limits, fingerprint, bytes_left);
  finder.Compare(before, after, mask);
  return finder.Finish();
}

}  // namespace countersign::terraform
