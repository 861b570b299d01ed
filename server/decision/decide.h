#ifndef COUNTERSIGN_SERVER_DECISION_DECIDE_H_
#define COUNTERSIGN_SERVER_DECISION_DECIDE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/policy/configuration.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::decision {

// What a human sends: the verdict, and what they were shown.
struct Ballot {
  std::string principal;
  v1::Decision::Verdict verdict = v1::Decision::VERDICT_UNSPECIFIED;
  std::string etag;
  std::string action_digest;
  std::string comment;
};

// Records `ballot` in `proposal`, a copy of what is stored: adds the decision and moves the state. Pure; the
// caller commits by compare-and-set, and has asked CheckStanding().
// WRONG_STATE, APPROVAL_EXPIRED (at expire_time and later), DIGEST_MISMATCH, ETAG_MISMATCH,
// SELF_APPROVAL_FORBIDDEN, APPROVER_NOT_ELIGIBLE, ALREADY_DECIDED; `proposal` is untouched then.
absl::Status Decide(const policy::Configuration& configuration, const Ballot& ballot, absl::Time now,
                    v1::Proposal* proposal);

// Moves to APPROVED at `now` and starts the time to use it.
void MarkApproved(absl::Time now, v1::Proposal* proposal);

// Sets `blocked_by` from the decisions so far.
void UpdateBlockedBy(const policy::Configuration& configuration, v1::Proposal* proposal);

}  // namespace countersign::decision

#endif  // COUNTERSIGN_SERVER_DECISION_DECIDE_H_
