#include "core/digest/known_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace countersign::digest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// What protobuf itself parses; deeper messages can only have been built by hand.
constexpr int kMaxDepth = 100;

bool HoldsMessages(const FieldDescriptor& field) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return false;
  return !field.is_map() || field.message_type()->map_value()->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

// `path` is the message's own; empty for the outermost.
absl::Status Check(const Message& message, const std::string& path, int depth) {
  const auto refuse = [&](std::string_view what) {
    return error::InvalidField(path.empty() ? message.GetDescriptor()->name() : path, what);
  };
  if (depth > kMaxDepth) return refuse("is nested too deeply");
  const Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  if (!unknown.empty()) {
    return refuse(
        absl::StrCat("holds field ", unknown.field(0).number(),
                     ", which is not known here; leave it out or use the same version on both sides"));
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (!HoldsMessages(*field)) continue;
    const std::string name = path.empty() ? field->name() : absl::StrCat(path, ".", field->name());
    if (!field->is_repeated()) {
      const absl::Status status = Check(reflection.GetMessage(message, field), name, depth + 1);
      if (!status.ok()) return status;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      const absl::Status status =
          Check(reflection.GetRepeatedMessage(message, field, i), absl::StrCat(name, "[", i, "]"), depth + 1);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckKnownFields(const Message& message, std::string_view path) {
  return Check(message, std::string(path), 0);
}

}  // namespace countersign::digest
