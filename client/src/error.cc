#include "countersign/error.h"

#include "core/error/error.h"

namespace countersign {

v1::Reason ReasonOf(const absl::Status& status) { return error::ReasonOf(status); }
std::optional<std::string> FieldOf(const absl::Status& status) { return error::FieldOf(status); }
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) { return error::RetryDelayOf(status); }

}  // namespace countersign
