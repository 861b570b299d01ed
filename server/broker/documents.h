#ifndef COUNTERSIGN_SERVER_BROKER_DOCUMENTS_H_
#define COUNTERSIGN_SERVER_BROKER_DOCUMENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/policy/configuration.h"
#include "countersign/v1/config_service.pb.h"

namespace countersign::broker {

// One document of a YAML text: its name ("directory", "policy", "targets/x") and its own text.
struct NamedDocument {
  std::string name;
  std::string content;
};

// Splits what `apply` was given. INVALID_FIELD on syntax errors, a missing or unknown `document` line, fields
// that the document does not have, and one document given twice.
absl::StatusOr<std::vector<NamedDocument>> SplitDocuments(std::string_view text);

// The validated configuration that `documents` make together.
absl::StatusOr<policy::Configuration> BuildConfiguration(int64_t version,
                                                         const std::vector<v1::Document>& documents);

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_DOCUMENTS_H_
