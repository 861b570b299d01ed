#include "client/src/rpc_status.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error/error.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace countersign {
namespace {

absl::Status WithField(const absl::Status& status, const google::rpc::BadRequest& bad_request) {
  if (error::ReasonOf(status) != v1::INVALID_FIELD || bad_request.field_violations().empty()) return status;
  const auto& violation = bad_request.field_violations(0);
  // The description may repeat the field, as the message does.
  const std::string prefix = absl::StrCat(violation.field(), ": ");
  return error::InvalidField(violation.field(),
                             std::string(absl::StripPrefix(violation.description(), prefix)));
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return result;

  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
  google::rpc::RetryInfo retry;
  bool has_retry = false;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info) || detail.UnpackTo(&bad_request)) continue;
    has_retry = detail.UnpackTo(&retry) || has_retry;
  }
  v1::Reason reason = v1::REASON_UNSPECIFIED;
  if (info.domain() == "countersign" && v1::Reason_Parse(info.reason(), &reason)) {
    result = WithField(error::Make(reason, status.error_message()), bad_request);
  }
  if (has_retry) {
    result = error::WithRetryDelay(result, absl::Seconds(retry.retry_delay().seconds()) +
                                               absl::Nanoseconds(retry.retry_delay().nanos()));
  }
  return result;
}

}  // namespace countersign
