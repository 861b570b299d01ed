#ifndef COUNTERSIGN_CLIENT_SRC_GRPC_CLIENT_H_
#define COUNTERSIGN_CLIENT_SRC_GRPC_CLIENT_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client/src/channel_environment.h"
#include "client/src/environment.h"
#include "client/src/retry.h"
#include "client/src/rpc_status.h"
#include "countersign/client.h"
#include "countersign/v1/audit_service.grpc.pb.h"
#include "countersign/v1/config_service.grpc.pb.h"
#include "countersign/v1/decision_service.grpc.pb.h"
#include "countersign/v1/execution_service.grpc.pb.h"
#include "countersign/v1/proposal_service.grpc.pb.h"
#include "countersign/v1/target_service.grpc.pb.h"

namespace countersign {

// The client over a gRPC channel. Thread-safe. Borrows the environment. Unary calls are in grpc_client.cc,
// bytes in artifact_transfer.cc, waiting and watching in wait.cc.
class GrpcClient final : public Client {
 public:
  GrpcClient(std::shared_ptr<grpc::Channel> channel, Environment& environment);

  absl::StatusOr<v1::Artifact> UploadArtifact(std::string_view bytes, const CallOptions& options) override;
  absl::StatusOr<v1::Artifact> UploadArtifactFile(const std::string& path,
                                                  const CallOptions& options) override;
  absl::StatusOr<v1::Proposal> Submit(const Submission& submission, const CallOptions& options) override;
  absl::StatusOr<v1::Proposal> GetProposal(const std::string& name, const CallOptions& options) override;
  absl::StatusOr<v1::PlanView> GetPlanView(const std::string& name, const CallOptions& options) override;
  absl::StatusOr<v1::ListProposalsResponse> ListProposals(const v1::ListProposalsRequest& request,
                                                          const CallOptions& options) override;
  absl::StatusOr<v1::Proposal> Wait(const std::string& name, const WaitOptions& options) override;
  absl::Status Watch(const WatchOptions& options,
                     const std::function<bool(const WatchEvent&)>& on_event) override;
  absl::StatusOr<v1::Proposal> Cancel(const v1::CancelProposalRequest& request,
                                      const CallOptions& options) override;
  absl::StatusOr<v1::Proposal> Approve(const v1::ApproveProposalRequest& request,
                                       const CallOptions& options) override;
  absl::StatusOr<v1::Proposal> Deny(const v1::DenyProposalRequest& request,
                                    const CallOptions& options) override;
  absl::StatusOr<v1::Proposal> Revoke(const v1::RevokeProposalRequest& request,
                                      const CallOptions& options) override;
  absl::StatusOr<v1::Proposal> Resolve(const v1::ResolveProposalRequest& request,
                                       const CallOptions& options) override;
  absl::StatusOr<v1::ClaimProposalResponse> Claim(const v1::ClaimProposalRequest& request,
                                                  const CallOptions& options) override;
  absl::StatusOr<v1::RedeemTokenResponse> Redeem(const v1::RedeemTokenRequest& request,
                                                 const CallOptions& options) override;
  absl::StatusOr<v1::HeartbeatResponse> Heartbeat(const v1::HeartbeatRequest& request,
                                                  const CallOptions& options) override;
  absl::StatusOr<v1::Proposal> Report(const v1::ReportExecutionRequest& request,
                                      const CallOptions& options) override;
  absl::Status DownloadArtifact(const std::string& proposal, const std::string& digest,
                                const std::function<absl::Status(std::string_view)>& sink,
                                const CallOptions& options) override;
  absl::StatusOr<v1::TargetMemory> GetTargetMemory(const std::string& target,
                                                   const CallOptions& options) override;
  absl::StatusOr<v1::TargetMemory> AdoptState(const v1::AdoptStateRequest& request,
                                              const CallOptions& options) override;
  absl::StatusOr<v1::ApplyDocumentsResponse> ApplyDocuments(const v1::ApplyDocumentsRequest& request,
                                                            const CallOptions& options) override;
  absl::StatusOr<v1::Document> GetDocument(const v1::GetDocumentRequest& request,
                                           const CallOptions& options) override;
  absl::StatusOr<v1::ListDocumentsResponse> ListDocuments(const CallOptions& options) override;
  absl::StatusOr<v1::ListDocumentVersionsResponse> ListDocumentVersions(const std::string& name,
                                                                        const CallOptions& options) override;
  absl::StatusOr<v1::Caller> GetCaller(const CallOptions& options) override;
  absl::StatusOr<v1::ListAuditEventsResponse> ListAuditEvents(const v1::ListAuditEventsRequest& request,
                                                              const CallOptions& options) override;

 private:
  // Gives the piece of an artifact that starts at `offset`, at most `size` bytes; empty only at the end.
  using ReadPiece = std::function<absl::StatusOr<std::string>(int64_t offset, size_t size)>;
  absl::StatusOr<v1::Artifact> Upload(int64_t size, const std::string& digest, const ReadPiece& read,
                                      const CallOptions& options);

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request, const CallOptions& options,
                                absl::Duration longest_attempt = kLongestAttempt);
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Write(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      Request request, const CallOptions& options, absl::Duration longest_attempt = kLongestAttempt);

  ChannelEnvironment environment_;
  std::unique_ptr<v1::ProposalService::StubInterface> proposals_;
  std::unique_ptr<v1::DecisionService::StubInterface> decisions_;
  std::unique_ptr<v1::ExecutionService::StubInterface> executions_;
  std::unique_ptr<v1::TargetService::StubInterface> targets_;
  std::unique_ptr<v1::ConfigService::StubInterface> configuration_;
  std::unique_ptr<v1::AuditService::StubInterface> audit_;
};

// Ends `context`'s call after `timeout`, by a clock that nobody sets.
void SetTimeout(grpc::ClientContext& context, absl::Duration timeout);

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_SRC_GRPC_CLIENT_H_
