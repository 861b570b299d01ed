#include "server/rpc/services.h"

#include "server/rpc/download_reactor.h"
#include "server/rpc/plan_view_reactor.h"
#include "server/rpc/upload_reactor.h"
#include "server/rpc/wait_reactor.h"
#include "server/rpc/watch_reactor.h"

namespace countersign::rpc {
namespace {

using broker::Broker;
using broker::Method;

// A use case of the broker as a handler.
template <typename Request, typename Response>
auto Use(Edge* edge,
         absl::StatusOr<Response> (Broker::*use_case)(const broker::Caller&, const Request&, absl::Time)) {
  return [edge, use_case](const broker::Caller& caller, const Request& request, absl::Time deadline) {
    return (edge->broker->*use_case)(caller, request, deadline);
  };
}

}  // namespace

grpc::ServerReadReactor<v1::UploadArtifactRequest>* ProposalService::UploadArtifact(
    grpc::CallbackServerContext* context, v1::Artifact* response) {
  return UploadReactor::Start(edge_, context, response);
}

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* ProposalService::DownloadArtifact(
    grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request) {
  return DownloadReactor::Start(edge_, context, request);
}

grpc::ServerUnaryReactor* ProposalService::WaitProposal(grpc::CallbackServerContext* context,
                                                        const v1::WaitProposalRequest* request,
                                                        v1::Proposal* response) {
  return WaitReactor::Start(edge_, context, request, response);
}

grpc::ServerWriteReactor<v1::WatchProposalsResponse>* ProposalService::WatchProposals(
    grpc::CallbackServerContext* context, const v1::WatchProposalsRequest* request) {
  return WatchReactor::Start(edge_, context, request);
}

grpc::ServerUnaryReactor* ProposalService::CreateProposal(grpc::CallbackServerContext* context,
                                                          const v1::CreateProposalRequest* request,
                                                          v1::Proposal* response) {
  // Reading a plan takes a while, and whoever submits none does not wait for it.
  const bool plan = request->action().kind() == v1::TERRAFORM_PLAN;
  return Unary(edge_, context, Method::kCreateProposal, request, response,
               Use(edge_, &Broker::CreateProposal), plan ? edge_->plan_executor : edge_->executor);
}

grpc::ServerUnaryReactor* ProposalService::GetProposal(grpc::CallbackServerContext* context,
                                                       const v1::GetProposalRequest* request,
                                                       v1::Proposal* response) {
  return Unary(edge_, context, Method::kGetProposal, request, response, Use(edge_, &Broker::GetProposal));
}

grpc::ServerUnaryReactor* ProposalService::GetPlanView(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return PlanViewReactor::Start(edge_, context, request, response);
}

grpc::ServerUnaryReactor* ProposalService::ListProposals(grpc::CallbackServerContext* context,
                                                         const v1::ListProposalsRequest* request,
                                                         v1::ListProposalsResponse* response) {
  return Unary(edge_, context, Method::kListProposals, request, response, Use(edge_, &Broker::ListProposals));
}

grpc::ServerUnaryReactor* ProposalService::CancelProposal(grpc::CallbackServerContext* context,
                                                          const v1::CancelProposalRequest* request,
                                                          v1::Proposal* response) {
  return Unary(edge_, context, Method::kCancelProposal, request, response,
               Use(edge_, &Broker::CancelProposal));
}

grpc::ServerUnaryReactor* DecisionService::ApproveProposal(grpc::CallbackServerContext* context,
                                                           const v1::ApproveProposalRequest* request,
                                                           v1::Proposal* response) {
  return Unary(edge_, context, Method::kApproveProposal, request, response,
               Use(edge_, &Broker::ApproveProposal));
}

grpc::ServerUnaryReactor* DecisionService::DenyProposal(grpc::CallbackServerContext* context,
                                                        const v1::DenyProposalRequest* request,
                                                        v1::Proposal* response) {
  return Unary(edge_, context, Method::kDenyProposal, request, response, Use(edge_, &Broker::DenyProposal));
}

grpc::ServerUnaryReactor* DecisionService::RevokeProposal(grpc::CallbackServerContext* context,
                                                          const v1::RevokeProposalRequest* request,
                                                          v1::Proposal* response) {
  return Unary(edge_, context, Method::kRevokeProposal, request, response,
               Use(edge_, &Broker::RevokeProposal));
}

grpc::ServerUnaryReactor* DecisionService::ResolveProposal(grpc::CallbackServerContext* context,
                                                           const v1::ResolveProposalRequest* request,
                                                           v1::Proposal* response) {
  return Unary(edge_, context, Method::kResolveProposal, request, response,
               Use(edge_, &Broker::ResolveProposal));
}

grpc::ServerUnaryReactor* ExecutionService::ClaimProposal(grpc::CallbackServerContext* context,
                                                          const v1::ClaimProposalRequest* request,
                                                          v1::ClaimProposalResponse* response) {
  return Unary(edge_, context, Method::kClaimProposal, request, response, Use(edge_, &Broker::ClaimProposal));
}

grpc::ServerUnaryReactor* ExecutionService::RedeemToken(grpc::CallbackServerContext* context,
                                                        const v1::RedeemTokenRequest* request,
                                                        v1::RedeemTokenResponse* response) {
  return Unary(edge_, context, Method::kRedeemToken, request, response, Use(edge_, &Broker::RedeemToken));
}

grpc::ServerUnaryReactor* ExecutionService::Heartbeat(grpc::CallbackServerContext* context,
                                                      const v1::HeartbeatRequest* request,
                                                      v1::HeartbeatResponse* response) {
  return Unary(edge_, context, Method::kHeartbeat, request, response, Use(edge_, &Broker::Heartbeat));
}

grpc::ServerUnaryReactor* ExecutionService::ReportExecution(grpc::CallbackServerContext* context,
                                                            const v1::ReportExecutionRequest* request,
                                                            v1::Proposal* response) {
  return Unary(edge_, context, Method::kReportExecution, request, response,
               Use(edge_, &Broker::ReportExecution));
}

grpc::ServerUnaryReactor* TargetService::GetTargetMemory(grpc::CallbackServerContext* context,
                                                         const v1::GetTargetMemoryRequest* request,
                                                         v1::TargetMemory* response) {
  return Unary(edge_, context, Method::kGetTargetMemory, request, response,
               Use(edge_, &Broker::GetTargetMemory));
}

grpc::ServerUnaryReactor* TargetService::AdoptState(grpc::CallbackServerContext* context,
                                                    const v1::AdoptStateRequest* request,
                                                    v1::TargetMemory* response) {
  return Unary(edge_, context, Method::kAdoptState, request, response, Use(edge_, &Broker::AdoptState));
}

grpc::ServerUnaryReactor* ConfigService::ApplyDocuments(grpc::CallbackServerContext* context,
                                                        const v1::ApplyDocumentsRequest* request,
                                                        v1::ApplyDocumentsResponse* response) {
  return Unary(edge_, context, Method::kApplyDocuments, request, response,
               Use(edge_, &Broker::ApplyDocuments));
}

grpc::ServerUnaryReactor* ConfigService::GetDocument(grpc::CallbackServerContext* context,
                                                     const v1::GetDocumentRequest* request,
                                                     v1::Document* response) {
  return Unary(edge_, context, Method::kGetDocument, request, response, Use(edge_, &Broker::GetDocument));
}

grpc::ServerUnaryReactor* ConfigService::ListDocuments(grpc::CallbackServerContext* context,
                                                       const v1::ListDocumentsRequest* request,
                                                       v1::ListDocumentsResponse* response) {
  return Unary(edge_, context, Method::kListDocuments, request, response, Use(edge_, &Broker::ListDocuments));
}

grpc::ServerUnaryReactor* ConfigService::ListDocumentVersions(grpc::CallbackServerContext* context,
                                                              const v1::ListDocumentVersionsRequest* request,
                                                              v1::ListDocumentVersionsResponse* response) {
  return Unary(edge_, context, Method::kListDocumentVersions, request, response,
               Use(edge_, &Broker::ListDocumentVersions));
}

grpc::ServerUnaryReactor* ConfigService::GetCaller(grpc::CallbackServerContext* context,
                                                   const v1::GetCallerRequest* request,
                                                   v1::Caller* response) {
  const auto get_caller = [edge = edge_](const broker::Caller& caller, const v1::GetCallerRequest&,
                                         absl::Time) { return edge->broker->GetCaller(caller); };
  return Unary(edge_, context, Method::kGetCaller, request, response, get_caller);
}

grpc::ServerUnaryReactor* AuditService::ListAuditEvents(grpc::CallbackServerContext* context,
                                                        const v1::ListAuditEventsRequest* request,
                                                        v1::ListAuditEventsResponse* response) {
  return Unary(edge_, context, Method::kListAuditEvents, request, response,
               Use(edge_, &Broker::ListAuditEvents));
}

}  // namespace countersign::rpc
