#include "core/error/error.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace countersign::error {
namespace {

constexpr char kReasonPayload[] = "countersign/reason";
constexpr char kFieldPayload[] = "countersign/field";
constexpr char kRetryPayload[] = "countersign/retry_delay_milliseconds";

// Debian's Abseil has a string_view of its own, which std::string_view does not convert to.
absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

std::optional<std::string> Payload(const absl::Status& status, const char* key) {
  const auto payload = status.GetPayload(key);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

}  // namespace

absl::StatusCode CodeOf(v1::Reason reason) {
  switch (reason) {
    case v1::INVALID_FIELD:
    case v1::REQUEST_ID_REUSED:
    case v1::PLAN_UNREADABLE:
    case v1::ARTIFACT_TOO_LARGE:
      return absl::StatusCode::kInvalidArgument;
    case v1::NOT_FOUND:
    case v1::TARGET_UNKNOWN:
      return absl::StatusCode::kNotFound;
    case v1::ETAG_MISMATCH:
    case v1::CONCURRENT_UPDATE:
      return absl::StatusCode::kAborted;
    case v1::SELF_APPROVAL_FORBIDDEN:
    case v1::APPROVER_NOT_ELIGIBLE:
    case v1::POLICY_DENIED:
    case v1::TOKEN_WRONG_HOLDER:
    case v1::TOKEN_INVALID:
    case v1::NOT_PERMITTED:
      return absl::StatusCode::kPermissionDenied;
    case v1::ALREADY_DECIDED:
      return absl::StatusCode::kAlreadyExists;
    case v1::WRONG_STATE:
    case v1::DIGEST_MISMATCH:
    case v1::QUORUM_IMPOSSIBLE:
    case v1::APPROVAL_EXPIRED:
    case v1::POLICY_CHANGED:
    case v1::STATE_MISSING:
    case v1::STATE_LINEAGE_CHANGED:
    case v1::STATE_SERIAL_REGRESSED:
    case v1::PLAN_STALE:
    case v1::TARGET_BUSY:
    case v1::TOKEN_EXPIRED:
    case v1::TOKEN_ALREADY_REDEEMED:
    case v1::EVIDENCE_MISSING:
    case v1::OUTSIDE_WINDOW:
      return absl::StatusCode::kFailedPrecondition;
    case v1::RATE_LIMITED:
      return absl::StatusCode::kResourceExhausted;
    case v1::DATABASE_UNAVAILABLE:
    case v1::OVERLOADED:
      return absl::StatusCode::kUnavailable;
    case v1::COMMIT_IN_DOUBT:
      return absl::StatusCode::kUnknown;
    case v1::PRINCIPAL_UNKNOWN:
    case v1::PRINCIPAL_REVOKED:
      return absl::StatusCode::kUnauthenticated;
    case v1::DATABASE_TIMEOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case v1::DATA_CORRUPTED:
      return absl::StatusCode::kDataLoss;
    case v1::INTERNAL:
    case v1::REASON_UNSPECIFIED:
    case v1::Reason_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::Reason_INT_MAX_SENTINEL_DO_NOT_USE_:
      return absl::StatusCode::kInternal;
  }
  return absl::StatusCode::kInternal;
}

absl::Status Make(v1::Reason reason, std::string_view message) {
  absl::Status status(CodeOf(reason), ToAbsl(message));
  status.SetPayload(kReasonPayload, absl::Cord(absl::StrCat(static_cast<int>(reason))));
  return status;
}

absl::Status InvalidField(std::string_view field, std::string_view description) {
  absl::Status status = Make(v1::INVALID_FIELD, absl::StrCat(ToAbsl(field), ": ", ToAbsl(description)));
  status.SetPayload(kFieldPayload, absl::Cord(ToAbsl(field)));
  return status;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  status.SetPayload(kRetryPayload, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(delay))));
  return status;
}

v1::Reason ReasonOf(const absl::Status& status) {
  int number = 0;
  const auto payload = Payload(status, kReasonPayload);
  if (!payload.has_value() || !absl::SimpleAtoi(*payload, &number) || !v1::Reason_IsValid(number)) {
    return v1::REASON_UNSPECIFIED;
  }
  return static_cast<v1::Reason>(number);
}

std::optional<std::string> FieldOf(const absl::Status& status) { return Payload(status, kFieldPayload); }

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  int64_t milliseconds = 0;
  const auto payload = Payload(status, kRetryPayload);
  if (!payload.has_value() || !absl::SimpleAtoi(*payload, &milliseconds)) return std::nullopt;
  return absl::Milliseconds(milliseconds);
}

}  // namespace countersign::error
