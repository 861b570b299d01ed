#include "core/terraform/masking.h"

#include <initializer_list>

#include "absl/strings/escaping.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

// {name = "DB_PASSWORD", value = "…"}
bool IsNamedSecretIn(const Value& mapping) {
  for (const std::string_view label : {"name", "key"}) {
    const Value* const name = mapping.Find(label);
    if (name != nullptr && name->kind() == Kind::kString && IsSecretName(name->text())) return true;
  }
  return false;
}

bool CarriesValue(std::string_view name) {
  return name == "value" || name == "default_value" || name == "default";
}

// What base64encode() has made `text` of; empty where it has not.
std::string FromBase64(std::string_view text) {
  constexpr size_t kShortest = 12;
  std::string decoded;
  if (text.size() < kShortest || text.size() % 4 != 0) return decoded;
  return absl::Base64Unescape(text::ToAbsl(text), &decoded) ? decoded : std::string();
}

const PathTrie::Node* Marks(const PathTrie::Node* node) {
  return node != nullptr && HasMark(*node) ? node : nullptr;
}

template <typename Step>
const PathTrie::Node* Child(const PathTrie::Node* node, Step step) {
  return node == nullptr ? nullptr : Marks(node->Child(step));
}

}  // namespace

Mask::Mask(const Limits& limits, std::string_view place, std::string_view resource_type,
           KnownSecrets* secrets)
    : before_(limits, place), after_(limits, place), resource_type_(resource_type), secrets_(secrets) {
  if (secrets->attributes != nullptr) listed_ = secrets->attributes->Of(resource_type);
}

absl::Status Mask::MarkAllBefore(std::span<const Path> paths) {
  for (const Path& path : paths) {
    if (const absl::Status status = MarkBefore(path); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void Mask::SetName(std::string_view name) { named_ = secrets_->names.IsSecret(name); }

Mask::Cursor Mask::root() const {
  Cursor cursor;
  cursor.mask_ = this;
  cursor.named_ = named_;
  cursor = cursor.Below(Marks(before_.root()), Marks(after_.root()));
  cursor.depth_ = 0;
  return cursor;
}

Mask::Cursor Mask::Cursor::Below(const PathTrie::Node* before, const PathTrie::Node* after) const {
  Cursor below = *this;
  below.before_ = before;
  below.after_ = after;
  below.marked_before_ = marked_before_ || (before != nullptr && before->marked());
  below.marked_after_ = marked_after_ || (after != nullptr && after->marked());
  ++below.depth_;
  return below;
}

Mask::Cursor Mask::Cursor::Member(std::string_view name, const Value& before, const Value& after) const {
  Cursor member = Below(Child(before_, name), Child(after_, name));
  // As if it had always been marked.
  if (depth_ == 0 && mask_->listed_ != nullptr && mask_->listed_->contains(name))
    member.marked_before_ = true;
  if (named_ || member.marked()) return member;
  member.named_ = mask_->secrets_->names.IsSecret(name) ||
                  (depth_ == 0 && IsSecretOfType(mask_->resource_type_, name)) ||
                  (CarriesValue(name) && (IsNamedSecretIn(before) || IsNamedSecretIn(after)));
  return member;
}

Mask::Cursor Mask::Cursor::Element(size_t index) const {
  const auto step = static_cast<int64_t>(index);
  return Below(Child(before_, step), Child(after_, step));
}

bool Mask::Cursor::Hides(const Value& value) const {
  if (marked()) return true;
  if (value.kind() == Kind::kNumber) return named_;
  if (value.kind() != Kind::kString) return false;
  const auto tells = [this](std::string_view text) {
    return mask_->copies_.contains(text) || mask_->secrets_->texts.AreIn(text) || HoldsSecret(text);
  };
  return named_ || tells(value.text()) || tells(FromBase64(value.text()));
}

void Mask::Learn(const Value& before, const Value& after) {
  Learn(before, root(), false);
  Learn(after, root(), false);
}

void Mask::Learn(const Value& value, const Cursor& cursor, bool hidden) {
  hidden = hidden || cursor.marked() || cursor.named_;
  switch (value.kind()) {
    case Kind::kString:
      if (hidden && value.text().size() >= kShortestCopy) copies_.insert(value.text());
      return;
    case Kind::kSequence:
      for (size_t i = 0; i < value.elements().size(); ++i) {
        Learn(value.elements()[i], cursor.Element(i), hidden);
      }
      return;
    case Kind::kMapping:
      for (const ::countersign::terraform::Member& member : value.members()) {
        Learn(member.value, cursor.Member(member.name, value, Value()), hidden);
      }
      return;
    default:
      return;
  }
}

}  // namespace countersign::terraform
