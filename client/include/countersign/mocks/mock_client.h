// A gmock of the client, for tests of programs that use it. Needs GoogleTest's gmock, which this package does
// not bring along.
#ifndef COUNTERSIGN_CLIENT_MOCKS_MOCK_CLIENT_H_
#define COUNTERSIGN_CLIENT_MOCKS_MOCK_CLIENT_H_

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <string_view>

#include "countersign/client.h"

namespace countersign {

class MockClient : public Client {
 public:
  MOCK_METHOD(absl::StatusOr<v1::Artifact>, UploadArtifact, (std::string_view, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Artifact>, UploadArtifactFile, (const std::string&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, Submit, (const Submission&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, GetProposal, (const std::string&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::PlanView>, GetPlanView, (const std::string&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListProposalsResponse>, ListProposals,
              (const v1::ListProposalsRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, Wait, (const std::string&, const WaitOptions&), (override));
  MOCK_METHOD(absl::Status, Watch, (const WatchOptions&, const std::function<bool(const WatchEvent&)>&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, Cancel, (const v1::CancelProposalRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, Approve, (const v1::ApproveProposalRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, Deny, (const v1::DenyProposalRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, Revoke, (const v1::RevokeProposalRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, Resolve, (const v1::ResolveProposalRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ClaimProposalResponse>, Claim,
              (const v1::ClaimProposalRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::RedeemTokenResponse>, Redeem,
              (const v1::RedeemTokenRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::HeartbeatResponse>, Heartbeat,
              (const v1::HeartbeatRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Proposal>, Report, (const v1::ReportExecutionRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::Status, DownloadArtifact,
              (const std::string&, const std::string&, const std::function<absl::Status(std::string_view)>&,
               const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::TargetMemory>, GetTargetMemory, (const std::string&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::TargetMemory>, AdoptState,
              (const v1::AdoptStateRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ApplyDocumentsResponse>, ApplyDocuments,
              (const v1::ApplyDocumentsRequest&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Document>, GetDocument, (const v1::GetDocumentRequest&, const CallOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::ListDocumentsResponse>, ListDocuments, (const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListDocumentVersionsResponse>, ListDocumentVersions,
              (const std::string&, const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Caller>, GetCaller, (const CallOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::ListAuditEventsResponse>, ListAuditEvents,
              (const v1::ListAuditEventsRequest&, const CallOptions&), (override));
};

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_MOCKS_MOCK_CLIENT_H_
