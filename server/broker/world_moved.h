#ifndef COUNTERSIGN_SERVER_BROKER_WORLD_MOVED_H_
#define COUNTERSIGN_SERVER_BROKER_WORLD_MOVED_H_

#include "absl/status/status.h"
#include "core/error/error.h"

namespace countersign::broker {

// Whether a proposal does not stand any more because policy, people or target have changed, so that it is
// superseded. Anything else, such as a database that does not answer, says nothing about the proposal.
inline bool IsWorldMoved(const absl::Status& standing) {
  const v1::Reason reason = error::ReasonOf(standing);
  return reason == v1::POLICY_CHANGED || reason == v1::APPROVER_NOT_ELIGIBLE || reason == v1::PLAN_STALE;
}

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_WORLD_MOVED_H_
