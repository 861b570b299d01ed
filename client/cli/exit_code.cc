#include "client/cli/exit_code.h"

#include <string>

#include "countersign/error.h"

namespace countersign::cli {
namespace {

constexpr char kUsagePayload[] = "countersign/usage";

}  // namespace

int ExitCodeOf(v1::Proposal::State state) {
  switch (state) {
    case v1::Proposal::APPROVED:
    case v1::Proposal::EXECUTING:
    case v1::Proposal::SUCCEEDED:
      return kDone;
    case v1::Proposal::PENDING:
      return kStillPending;
    case v1::Proposal::DENIED:
      return kDenied;
    case v1::Proposal::EXPIRED:
    case v1::Proposal::CANCELLED:
    case v1::Proposal::SUPERSEDED:
    case v1::Proposal::REVOKED:
      return kOver;
    case v1::Proposal::FAILED:
    case v1::Proposal::AMBIGUOUS:
    case v1::Proposal::STATE_UNSPECIFIED:
    case v1::Proposal_State_Proposal_State_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::Proposal_State_Proposal_State_INT_MAX_SENTINEL_DO_NOT_USE_:
      return kError;
  }
  return kError;  // A state that this version does not know is not success.
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kDone;
  if (status.GetPayload(kUsagePayload).has_value()) return kUsage;
  switch (ReasonOf(status)) {
    case v1::TOKEN_INVALID:
    case v1::TOKEN_EXPIRED:
    case v1::TOKEN_WRONG_HOLDER:
    case v1::DIGEST_MISMATCH:
    case v1::DATA_CORRUPTED:
      return kVerificationFailed;
    case v1::APPROVAL_EXPIRED:
      return kOver;
    default:
      break;
  }
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kNotPermitted;
    default:
      return kError;
  }
}

absl::Status UsageError(const std::string& message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

}  // namespace countersign::cli
