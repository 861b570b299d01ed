// Which kind of principal may make which call: the whole table, in one place.
#ifndef COUNTERSIGN_SERVER_BROKER_AUTHORIZATION_H_
#define COUNTERSIGN_SERVER_BROKER_AUTHORIZATION_H_

#include <string_view>

#include "absl/status/status.h"
#include "core/policy/configuration.h"
#include "server/broker/caller.h"

namespace countersign::broker {

enum class Method {
  kUploadArtifact,
  kDownloadArtifact,
  kCreateProposal,
  kGetProposal,
  kGetPlanView,
  kListProposals,
  kWaitProposal,
  kWatchProposals,
  kCancelProposal,
  kApproveProposal,
  kDenyProposal,
  kRevokeProposal,
  kResolveProposal,
  kClaimProposal,
  kRedeemToken,
  kHeartbeat,
  kReportExecution,
  kGetTargetMemory,
  kAdoptState,
  kApplyDocuments,
  kGetDocument,
  kListDocuments,
  kListDocumentVersions,
  kGetCaller,
  kListAuditEvents,
};

// The RPC's name, for example "ApproveProposal".
std::string_view MethodName(Method method);

// OK when the table lets this principal make this call at all; what depends on the proposal (its requester,
// its target's executors, its quorum) is checked where the proposal is known. PRINCIPAL_UNKNOWN,
// PRINCIPAL_REVOKED, NOT_PERMITTED. Pure.
absl::Status Authorize(const policy::Configuration& configuration, Method method, const Caller& caller);

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_AUTHORIZATION_H_
