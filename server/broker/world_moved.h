#ifndef COUNTERSIGN_SERVER_BROKER_WORLD_MOVED_H_
#define COUNTERSIGN_SERVER_BROKER_WORLD_MOVED_H_

#include "absl/status/status.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::broker {

// Whether a proposal does not stand any more because policy, people or target have changed, so that it is
// superseded. Anything else, such as a database that does not answer, says nothing about the proposal.
inline bool IsWorldMoved(const absl::Status& standing) {
  const v1::Reason reason = error::ReasonOf(standing);
  return reason == v1::POLICY_CHANGED || reason == v1::APPROVER_NOT_ELIGIBLE || reason == v1::PLAN_STALE;
}

// Why a plan that was judged against another memory of its target than there is now does not stand.
inline absl::Status Overtaken(const v1::Proposal& proposal) {
  return error::Make(v1::PLAN_STALE,
                     text::Concat("the state of ", proposal.action().target(),
                                  " moved since this was submitted; plan again and submit that"));
}

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_WORLD_MOVED_H_
