#ifndef COUNTERSIGN_CORE_DIGEST_KNOWN_FIELDS_H_
#define COUNTERSIGN_CORE_DIGEST_KNOWN_FIELDS_H_

#include <google/protobuf/message.h>

#include <string_view>

#include "absl/status/status.h"

namespace countersign::digest {

// protobuf keeps fields that it has no name for, and passes them on: such a field would be stored and sent
// without anybody having read it, and without being part of any digest.
//
// INVALID_FIELD when `message`, or a message anywhere inside it, holds one; the error names that message by
// its path from `path` (empty: by the type of `message`) and the field by its number. Pure.
absl::Status CheckKnownFields(const google::protobuf::Message& message, std::string_view path);

}  // namespace countersign::digest

#endif  // COUNTERSIGN_CORE_DIGEST_KNOWN_FIELDS_H_
