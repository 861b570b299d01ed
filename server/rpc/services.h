// The services: each method is a line that says which use case answers it.
#ifndef COUNTERSIGN_SERVER_RPC_SERVICES_H_
#define COUNTERSIGN_SERVER_RPC_SERVICES_H_

#include "countersign/v1/audit_service.grpc.pb.h"
#include "countersign/v1/config_service.grpc.pb.h"
#include "countersign/v1/decision_service.grpc.pb.h"
#include "countersign/v1/execution_service.grpc.pb.h"
#include "countersign/v1/proposal_service.grpc.pb.h"
#include "countersign/v1/target_service.grpc.pb.h"
#include "server/rpc/call.h"

namespace countersign::rpc {

class ProposalService final
    : public v1::ProposalService::WithRawCallbackMethod_GetPlanView<v1::ProposalService::CallbackService> {
 public:
  explicit ProposalService(Edge* edge) : edge_(edge) {}

  grpc::ServerReadReactor<v1::UploadArtifactRequest>* UploadArtifact(grpc::CallbackServerContext* context,
                                                                     v1::Artifact* response) override;
  grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* DownloadArtifact(
      grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request) override;
  grpc::ServerUnaryReactor* CreateProposal(grpc::CallbackServerContext* context,
                                           const v1::CreateProposalRequest* request,
                                           v1::Proposal* response) override;
  grpc::ServerUnaryReactor* GetProposal(grpc::CallbackServerContext* context,
                                        const v1::GetProposalRequest* request,
                                        v1::Proposal* response) override;
  // In bytes: what is stored is what is sent.
  grpc::ServerUnaryReactor* GetPlanView(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListProposals(grpc::CallbackServerContext* context,
                                          const v1::ListProposalsRequest* request,
                                          v1::ListProposalsResponse* response) override;
  grpc::ServerUnaryReactor* WaitProposal(grpc::CallbackServerContext* context,
                                         const v1::WaitProposalRequest* request,
                                         v1::Proposal* response) override;
  grpc::ServerWriteReactor<v1::WatchProposalsResponse>* WatchProposals(
      grpc::CallbackServerContext* context, const v1::WatchProposalsRequest* request) override;
  grpc::ServerUnaryReactor* CancelProposal(grpc::CallbackServerContext* context,
                                           const v1::CancelProposalRequest* request,
                                           v1::Proposal* response) override;

 private:
  Edge* const edge_;
};

class DecisionService final : public v1::DecisionService::CallbackService {
 public:
  explicit DecisionService(Edge* edge) : edge_(edge) {}

  grpc::ServerUnaryReactor* ApproveProposal(grpc::CallbackServerContext* context,
                                            const v1::ApproveProposalRequest* request,
                                            v1::Proposal* response) override;
  grpc::ServerUnaryReactor* DenyProposal(grpc::CallbackServerContext* context,
                                         const v1::DenyProposalRequest* request,
                                         v1::Proposal* response) override;
  grpc::ServerUnaryReactor* RevokeProposal(grpc::CallbackServerContext* context,
                                           const v1::RevokeProposalRequest* request,
                                           v1::Proposal* response) override;
  grpc::ServerUnaryReactor* ResolveProposal(grpc::CallbackServerContext* context,
                                            const v1::ResolveProposalRequest* request,
                                            v1::Proposal* response) override;

 private:
  Edge* const edge_;
};

class ExecutionService final : public v1::ExecutionService::CallbackService {
 public:
  explicit ExecutionService(Edge* edge) : edge_(edge) {}

  grpc::ServerUnaryReactor* ClaimProposal(grpc::CallbackServerContext* context,
                                          const v1::ClaimProposalRequest* request,
                                          v1::ClaimProposalResponse* response) override;
  grpc::ServerUnaryReactor* RedeemToken(grpc::CallbackServerContext* context,
                                        const v1::RedeemTokenRequest* request,
                                        v1::RedeemTokenResponse* response) override;
  grpc::ServerUnaryReactor* Heartbeat(grpc::CallbackServerContext* context,
                                      const v1::HeartbeatRequest* request,
                                      v1::HeartbeatResponse* response) override;
  grpc::ServerUnaryReactor* ReportExecution(grpc::CallbackServerContext* context,
                                            const v1::ReportExecutionRequest* request,
                                            v1::Proposal* response) override;

 private:
  Edge* const edge_;
};

class TargetService final : public v1::TargetService::CallbackService {
 public:
  explicit TargetService(Edge* edge) : edge_(edge) {}

  grpc::ServerUnaryReactor* GetTargetMemory(grpc::CallbackServerContext* context,
                                            const v1::GetTargetMemoryRequest* request,
                                            v1::TargetMemory* response) override;
  grpc::ServerUnaryReactor* AdoptState(grpc::CallbackServerContext* context,
                                       const v1::AdoptStateRequest* request,
                                       v1::TargetMemory* response) override;

 private:
  Edge* const edge_;
};

class ConfigService final : public v1::ConfigService::CallbackService {
 public:
  explicit ConfigService(Edge* edge) : edge_(edge) {}

  grpc::ServerUnaryReactor* ApplyDocuments(grpc::CallbackServerContext* context,
                                           const v1::ApplyDocumentsRequest* request,
                                           v1::ApplyDocumentsResponse* response) override;
  grpc::ServerUnaryReactor* GetDocument(grpc::CallbackServerContext* context,
                                        const v1::GetDocumentRequest* request,
                                        v1::Document* response) override;
  grpc::ServerUnaryReactor* ListDocuments(grpc::CallbackServerContext* context,
                                          const v1::ListDocumentsRequest* request,
                                          v1::ListDocumentsResponse* response) override;
  grpc::ServerUnaryReactor* ListDocumentVersions(grpc::CallbackServerContext* context,
                                                 const v1::ListDocumentVersionsRequest* request,
                                                 v1::ListDocumentVersionsResponse* response) override;
  grpc::ServerUnaryReactor* GetCaller(grpc::CallbackServerContext* context,
                                      const v1::GetCallerRequest* request, v1::Caller* response) override;

 private:
  Edge* const edge_;
};

class AuditService final : public v1::AuditService::CallbackService {
 public:
  explicit AuditService(Edge* edge) : edge_(edge) {}

  grpc::ServerUnaryReactor* ListAuditEvents(grpc::CallbackServerContext* context,
                                            const v1::ListAuditEventsRequest* request,
                                            v1::ListAuditEventsResponse* response) override;

 private:
  Edge* const edge_;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_SERVICES_H_
