#include "core/terraform/plan_wire.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/terraform/place.h"
#include "core/terraform/plan_file.pb.h"
#include "core/terraform/unreadable.h"
#include "core/terraform/utf8.h"

namespace countersign::terraform {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr uint64_t kVarint = 0;
constexpr uint64_t kDelimited = 2;
// No message has more fields.
constexpr size_t kMostFields = 40;

// Takes a base-128 number off the front; false when it does not end, does not fit or is longer than needed.
bool TakeVarint(std::string_view* bytes, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    if (shift == 63 && byte > 1) return false;
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return byte != 0 || shift == 0;
  }
  return false;
}

bool IsNumber(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
         field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
}

// Whether a number, on the wire, is one of the field's type.
bool Fits(const FieldDescriptor& field, uint64_t value) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return value <= 1;
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto number = static_cast<int64_t>(value);
      return number >= std::numeric_limits<int32_t>::min() && number <= std::numeric_limits<int32_t>::max();
    }
    default:
      return true;
  }
}

// Lists that Limits::resource_changes is about, action invocations with them.
bool IsListOfChanges(const FieldDescriptor& field) {
  return field.message_type() == plan_file::ResourceInstanceChange::descriptor() ||
         field.message_type() == plan_file::DeferredResourceInstanceChange::descriptor() ||
         field.message_type() == plan_file::ActionInvocationInstance::descriptor() ||
         field.message_type() == plan_file::DeferredActionInvocation::descriptor();
}

class Checker {
 public:
  explicit Checker(const Limits& limits) : limits_(limits), messages_left_(limits.messages) {}

  absl::Status Message(std::string_view bytes, const Descriptor& type, size_t depth, const Place& place);
  NewestField TakeNewest() { return std::move(newest_); }

 private:
  // How often each field of a message was there, by its index.
  using Counts = std::array<uint32_t, kMostFields>;

  absl::Status Field(std::string_view* bytes, const FieldDescriptor& field, size_t depth, const Place& place);
  absl::Status Number(std::string_view* bytes, const FieldDescriptor& field, const Place& place) const;
  static absl::Status CountOne(const FieldDescriptor& field, Counts* counts, const Place& message);
  absl::Status Charge(const FieldDescriptor& field, size_t index, const Place& place);
  void Remember(const FieldDescriptor& field, const Place& place);

  const Limits& limits_;
  size_t messages_left_;
  NewestField newest_;
};

absl::Status Checker::Message(std::string_view bytes, const Descriptor& type, size_t depth,
                              const Place& place) {
  if (depth > limits_.message_depth) return Unreadable(place.Text(), "is nested too deeply");
  Counts counts{};
  while (!bytes.empty()) {
    uint64_t tag = 0;
    if (!TakeVarint(&bytes, &tag)) return Unreadable(place.Text(), "is not well-formed");
    const uint64_t number = tag >> 3;
    const FieldDescriptor* const field =
        number <= FieldDescriptor::kMaxNumber ? type.FindFieldByNumber(static_cast<int>(number)) : nullptr;
    if (field == nullptr) {
      return Unreadable(place.Text(),
                        absl::StrCat("has the field ", number, ", which this version does not know"));
    }
    if (const absl::Status status = CountOne(*field, &counts, place); !status.ok()) return status;
    const size_t index = counts[static_cast<size_t>(field->index())] - 1;
    const Place here(place, field->name(), field->is_repeated() ? std::optional(index) : std::nullopt);
    if ((tag & 7) != (IsNumber(*field) ? kVarint : kDelimited)) {
      return Unreadable(here.Text(), "is of another type on the wire than this version knows");
    }
    if (const absl::Status status = Charge(*field, index, here); !status.ok()) return status;
    Remember(*field, here);
    if (const absl::Status status = Field(&bytes, *field, depth, here); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Checker::CountOne(const FieldDescriptor& field, Counts* counts, const Place& message) {
  ++counts->at(static_cast<size_t>(field.index()));
  if (field.is_repeated()) return absl::OkStatus();
  uint32_t total = counts->at(static_cast<size_t>(field.index()));
  if (const auto* const oneof = field.real_containing_oneof()) {
    total = 0;
    for (int i = 0; i < oneof->field_count(); ++i) {
      total += counts->at(static_cast<size_t>(oneof->field(i)->index()));
    }
  }
  if (total == 1) return absl::OkStatus();
  return Unreadable(message.Text(), absl::StrCat("has more than one of the field ", field.name()));
}

absl::Status Checker::Charge(const FieldDescriptor& field, size_t index, const Place& place) {
  if (IsListOfChanges(field) && field.is_repeated() && index >= limits_.resource_changes) {
    return Unreadable(place.Text(), absl::StrCat("is one over the limit of ", limits_.resource_changes));
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE && !field.is_repeated()) return absl::OkStatus();
  if (messages_left_ == 0) {
    return Unreadable(place.Text(),
                      absl::StrCat("is one over the limit of ", limits_.messages, " messages and texts"));
  }
  --messages_left_;
  return absl::OkStatus();
}

void Checker::Remember(const FieldDescriptor& field, const Place& place) {
  const int since = field.options().GetExtension(plan_file::since);
  if (since > newest_.since) newest_ = {since, place.Text()};
}

absl::Status Checker::Number(std::string_view* bytes, const FieldDescriptor& field,
                             const Place& place) const {
  uint64_t value = 0;
  if (!TakeVarint(bytes, &value)) return Unreadable(place.Text(), "is not well-formed");
  if (!Fits(field, value)) return Unreadable(place.Text(), "is out of range");
  if (value == 0) return Unreadable(place.Text(), "is written although it has its default");
  return absl::OkStatus();
}

absl::Status Checker::Field(std::string_view* bytes, const FieldDescriptor& field, size_t depth,
                            const Place& place) {
  if (IsNumber(field)) return Number(bytes, field, place);
  uint64_t size = 0;
  if (!TakeVarint(bytes, &size) || size > bytes->size())
    return Unreadable(place.Text(), "is not well-formed");
  const std::string_view content = bytes->substr(0, size);
  bytes->remove_prefix(size);
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return Message(content, *field.message_type(), depth + 1, place);
  }
  if (content.empty() && !field.is_repeated() && !field.has_presence()) {
    return Unreadable(place.Text(), "is written although it has its default");
  }
  if (field.type() == FieldDescriptor::TYPE_STRING && FirstInvalidUtf8(content) != std::string_view::npos) {
    return Unreadable(place.Text(), "is not UTF-8");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NewestField> CheckPlanWire(std::string_view bytes, const Limits& limits) {
  Checker checker(limits);
  const absl::Status status = checker.Message(bytes, *plan_file::Plan::descriptor(), 1, Place("tfplan"));
  if (!status.ok()) return status;
  return checker.TakeNewest();
}

}  // namespace countersign::terraform
