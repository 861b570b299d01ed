#include "client/cli/hint.h"

#include "countersign/error.h"

namespace countersign::cli {
namespace {

std::string HintForReason(v1::Reason reason) {
  switch (reason) {
    case v1::NOT_FOUND:
      return "`countersign list` shows what you may see";
    case v1::TARGET_UNKNOWN:
      return "check its name; an admin lists the targets with `countersign get documents` and adds one with "
             "`countersign apply -f`";
    case v1::WRONG_STATE:
      return "`countersign show ID` shows its state and how it came there";
    case v1::ETAG_MISMATCH:
      return "it changed since it was shown; look at it again and decide anew";
    case v1::DIGEST_MISMATCH:
      return "what was presented is not what was proposed; do not run it, and look at `countersign show ID`";
    case v1::SELF_APPROVAL_FORBIDDEN:
      return "somebody else has to decide";
    case v1::APPROVER_NOT_ELIGIBLE:
      return "`countersign show ID` names the groups that may decide; `countersign whoami` names yours";
    case v1::QUORUM_IMPOSSIBLE:
      return "an admin must add people to the groups that policy asks for, or change the policy";
    case v1::POLICY_DENIED:
      return "`countersign show ID` says which finding it is and what to do about it";
    case v1::PLAN_UNREADABLE:
      return "make it anew with `terraform plan -out=FILE` (1.8 or newer) and give that file itself, not "
             "what "
             "`terraform show` prints";
    case v1::STATE_MISSING:
    case v1::STATE_LINEAGE_CHANGED:
    case v1::STATE_SERIAL_REGRESSED:
      return "plan again where the target's state is; if the state was moved on purpose, an admin adopts it "
             "with `countersign target adopt`";
    case v1::PLAN_STALE:
      return "plan again and submit the new plan";
    case v1::APPROVAL_EXPIRED:
    case v1::POLICY_CHANGED:
      return "submit it again to have it decided anew";
    case v1::TARGET_BUSY:
      return "wait until the other execution on this target has ended; `countersign list --target` shows it";
    case v1::TOKEN_EXPIRED:
      return "claim again for a fresh token";
    case v1::TOKEN_ALREADY_REDEEMED:
      return "a token runs one thing, once; submit again if it must run again";
    case v1::TOKEN_WRONG_HOLDER:
      return "the token belongs to another certificate; claim your own";
    case v1::PRINCIPAL_UNKNOWN:
    case v1::PRINCIPAL_REVOKED:
      return "an admin keeps the directory; show them the URI in your certificate";
    case v1::NOT_PERMITTED:
      return "`countersign whoami` says who the broker takes you for";
    case v1::DATABASE_UNAVAILABLE:
    case v1::OVERLOADED:
    case v1::RATE_LIMITED:
    case v1::CONCURRENT_UPDATE:
    case v1::DATABASE_TIMEOUT:
      return "try again in a moment; nothing was lost";
    case v1::COMMIT_IN_DOUBT:
      return "it may or may not have happened; look with `countersign show ID` before trying again";
    case v1::INTERNAL:
      return "this is a defect of the broker; its log has the details";
    default:
      return "";
  }
}

}  // namespace

std::string HintFor(const absl::Status& status) {
  const std::string hint = HintForReason(ReasonOf(status));
  if (!hint.empty() || ReasonOf(status) != v1::REASON_UNSPECIFIED) return hint;
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return "is the broker running, and do COUNTERSIGN_SERVER and the CA file of your profile belong to it?";
    default:
      return "";
  }
}

}  // namespace countersign::cli
