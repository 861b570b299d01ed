#include "server/rpc/status.h"

#include <string>

#include "core/error/error.h"
#include "core/text/text.h"
#include "core/text/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/base/timestamps.h"

namespace countersign::rpc {
namespace {

constexpr char kDomain[] = "countersign";
// Clients accept 8 KiB of trailers. The text is in them three times, once with three bytes for each.
constexpr size_t kMaxMessageBytes = 1000;

std::string Shortened(std::string_view message) {
  if (message.size() <= kMaxMessageBytes) return std::string(message);
  return text::Concat(text::CutText(message, kMaxMessageBytes), "...");
}

std::string PublicText(const absl::Status& status, v1::Reason reason, std::string_view request_id) {
  if (reason != v1::INTERNAL) return Shortened(text::ToStd(status.message()));
  return text::Concat("the broker failed; its log has the details under request id ", request_id);
}

}  // namespace

v1::Reason PublicReason(const absl::Status& status) {
  if (status.ok() || absl::IsCancelled(status)) return v1::REASON_UNSPECIFIED;
  const v1::Reason reason = error::ReasonOf(status);
  return reason == v1::REASON_UNSPECIFIED ? v1::INTERNAL : reason;
}

grpc::Status ToGrpc(const absl::Status& status, std::string_view request_id) {
  if (status.ok()) return grpc::Status::OK;
  const v1::Reason reason = PublicReason(status);
  if (reason == v1::REASON_UNSPECIFIED) {
    return grpc::Status(grpc::StatusCode::CANCELLED, std::string(status.message()));
  }
  // The codes of absl and gRPC are the same numbers.
  const auto code = static_cast<grpc::StatusCode>(error::CodeOf(reason));
  const std::string message = PublicText(status, reason, request_id);
  google::rpc::Status details;
  details.set_code(static_cast<int>(code));
  details.set_message(message);

  google::rpc::ErrorInfo info;
  info.set_reason(v1::Reason_Name(reason));
  info.set_domain(kDomain);
  if (!request_id.empty()) (*info.mutable_metadata())["request_id"] = std::string(request_id);
  details.add_details()->PackFrom(info);
  if (const auto delay = error::RetryDelayOf(status); delay.has_value()) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() = base::ToProtoDuration(*delay);
    details.add_details()->PackFrom(retry);
  }
  if (const auto field = error::FieldOf(status); field.has_value()) {
    google::rpc::BadRequest bad_request;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(Shortened(*field));
    violation->set_description(message);
    details.add_details()->PackFrom(bad_request);
  }
  return grpc::Status(code, message, details.SerializeAsString());
}

}  // namespace countersign::rpc
