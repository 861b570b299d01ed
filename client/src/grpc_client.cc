#include "client/src/grpc_client.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <filesystem>
#include <stop_token>
#include <system_error>
#include <utility>

#include "client/src/channel.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "countersign/connect.h"

namespace countersign {
namespace {

// Reading a large plan takes the broker seconds, and its view is up to 64 MiB on a line that may be thin.
constexpr absl::Duration kLongestPlanAttempt = absl::Seconds(60);

// An empty file is what is left of a plan that could not be made: nobody needs the broker to learn that.
absl::Status CheckPlan(const v1::Action& action, const std::string& path) {
  std::error_code missing;
  if (action.kind() != v1::TERRAFORM_PLAN || std::filesystem::file_size(path, missing) != 0 || missing) {
    return absl::OkStatus();
  }
  return error::Make(
      v1::PLAN_UNREADABLE,
      text::Concat("the plan cannot be read: ", path, " is empty; write it with `terraform plan -out=FILE`"));
}

}  // namespace

void SetTimeout(grpc::ClientContext& context, absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return;
  const int64_t milliseconds = std::max<int64_t>(1, absl::ToInt64Milliseconds(timeout));
  context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(milliseconds, GPR_TIMESPAN)));
}

GrpcClient::GrpcClient(std::shared_ptr<grpc::Channel> channel, Environment& environment)
    : environment_(channel, environment),
      proposals_(v1::ProposalService::NewStub(channel)),
      decisions_(v1::DecisionService::NewStub(channel)),
      executions_(v1::ExecutionService::NewStub(channel)),
      targets_(v1::TargetService::NewStub(channel)),
      configuration_(v1::ConfigService::NewStub(channel)),
      audit_(v1::AuditService::NewStub(channel)) {}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> GrpcClient::Call(
    Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request, const CallOptions& options, absl::Duration longest_attempt) {
  Response response;
  const auto attempt = [&](absl::Duration timeout) {
    grpc::ClientContext context;
    SetTimeout(context, timeout);
    const std::stop_callback cancel(options.stop, [&context] { context.TryCancel(); });
    response.Clear();
    return FromGrpc((stub.*method)(&context, request, &response));
  };
  const absl::Status status = RetryLoop(environment_, options, attempt, longest_attempt);
  if (!status.ok()) return status;
  return response;
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> GrpcClient::Write(
    Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    Request request, const CallOptions& options, absl::Duration longest_attempt) {
  // Once per logical call: every repetition carries the same id.
  if (request.request_id().empty()) request.set_request_id(environment_.NewRequestId());
  return Call(stub, method, request, options, longest_attempt);
}

absl::StatusOr<v1::Proposal> GrpcClient::Submit(const Submission& submission, const CallOptions& options) {
  v1::CreateProposalRequest request;
  *request.mutable_action() = submission.action;
  request.set_reason(submission.reason);
  request.set_request_id(submission.request_id);
  for (const LocalFile& file : submission.files) {
    if (const auto status = CheckPlan(submission.action, file.path); !status.ok()) return status;
    const auto artifact = UploadArtifactFile(file.path, options);
    if (!artifact.ok()) return artifact.status();
    v1::ArtifactReference* reference = request.mutable_action()->add_artifacts();
    reference->set_digest(artifact->digest());
    reference->set_file_name(file.file_name);
  }
  const bool is_plan = request.action().kind() == v1::TERRAFORM_PLAN;
  return Write(*proposals_, &v1::ProposalService::StubInterface::CreateProposal, std::move(request), options,
               is_plan ? kLongestPlanAttempt : kLongestAttempt);
}

absl::StatusOr<v1::Proposal> GrpcClient::GetProposal(const std::string& name, const CallOptions& options) {
  v1::GetProposalRequest request;
  request.set_name(name);
  return Call(*proposals_, &v1::ProposalService::StubInterface::GetProposal, request, options);
}

absl::StatusOr<v1::PlanView> GrpcClient::GetPlanView(const std::string& name, const CallOptions& options) {
  v1::GetPlanViewRequest request;
  request.set_name(name);
  return Call(*proposals_, &v1::ProposalService::StubInterface::GetPlanView, request, options,
              kLongestPlanAttempt);
}

absl::StatusOr<v1::ListProposalsResponse> GrpcClient::ListProposals(const v1::ListProposalsRequest& request,
                                                                    const CallOptions& options) {
  return Call(*proposals_, &v1::ProposalService::StubInterface::ListProposals, request, options);
}

absl::StatusOr<v1::Proposal> GrpcClient::Cancel(const v1::CancelProposalRequest& request,
                                                const CallOptions& options) {
  return Write(*proposals_, &v1::ProposalService::StubInterface::CancelProposal, request, options);
}

absl::StatusOr<v1::Proposal> GrpcClient::Approve(const v1::ApproveProposalRequest& request,
                                                 const CallOptions& options) {
  return Write(*decisions_, &v1::DecisionService::StubInterface::ApproveProposal, request, options);
}

absl::StatusOr<v1::Proposal> GrpcClient::Deny(const v1::DenyProposalRequest& request,
                                              const CallOptions& options) {
  return Write(*decisions_, &v1::DecisionService::StubInterface::DenyProposal, request, options);
}

absl::StatusOr<v1::Proposal> GrpcClient::Revoke(const v1::RevokeProposalRequest& request,
                                                const CallOptions& options) {
  return Write(*decisions_, &v1::DecisionService::StubInterface::RevokeProposal, request, options);
}

absl::StatusOr<v1::Proposal> GrpcClient::Resolve(const v1::ResolveProposalRequest& request,
                                                 const CallOptions& options) {
  return Write(*decisions_, &v1::DecisionService::StubInterface::ResolveProposal, request, options);
}

absl::StatusOr<v1::ClaimProposalResponse> GrpcClient::Claim(const v1::ClaimProposalRequest& request,
                                                            const CallOptions& options) {
  return Write(*executions_, &v1::ExecutionService::StubInterface::ClaimProposal, request, options);
}

absl::StatusOr<v1::RedeemTokenResponse> GrpcClient::Redeem(const v1::RedeemTokenRequest& request,
                                                           const CallOptions& options) {
  return Write(*executions_, &v1::ExecutionService::StubInterface::RedeemToken, request, options);
}

absl::StatusOr<v1::HeartbeatResponse> GrpcClient::Heartbeat(const v1::HeartbeatRequest& request,
                                                            const CallOptions& options) {
  return Call(*executions_, &v1::ExecutionService::StubInterface::Heartbeat, request, options);
}

absl::StatusOr<v1::Proposal> GrpcClient::Report(const v1::ReportExecutionRequest& request,
                                                const CallOptions& options) {
  return Write(*executions_, &v1::ExecutionService::StubInterface::ReportExecution, request, options);
}

absl::StatusOr<v1::TargetMemory> GrpcClient::GetTargetMemory(const std::string& target,
                                                             const CallOptions& options) {
  v1::GetTargetMemoryRequest request;
  request.set_target(target);
  return Call(*targets_, &v1::TargetService::StubInterface::GetTargetMemory, request, options,
              kLongestPlanAttempt);
}

absl::StatusOr<v1::TargetMemory> GrpcClient::AdoptState(const v1::AdoptStateRequest& request,
                                                        const CallOptions& options) {
  return Write(*targets_, &v1::TargetService::StubInterface::AdoptState, request, options,
               kLongestPlanAttempt);
}

absl::StatusOr<v1::ApplyDocumentsResponse> GrpcClient::ApplyDocuments(
    const v1::ApplyDocumentsRequest& request, const CallOptions& options) {
  return Write(*configuration_, &v1::ConfigService::StubInterface::ApplyDocuments, request, options);
}

absl::StatusOr<v1::Document> GrpcClient::GetDocument(const v1::GetDocumentRequest& request,
                                                     const CallOptions& options) {
  return Call(*configuration_, &v1::ConfigService::StubInterface::GetDocument, request, options);
}

absl::StatusOr<v1::ListDocumentsResponse> GrpcClient::ListDocuments(const CallOptions& options) {
  return Call(*configuration_, &v1::ConfigService::StubInterface::ListDocuments, v1::ListDocumentsRequest(),
              options);
}

absl::StatusOr<v1::ListDocumentVersionsResponse> GrpcClient::ListDocumentVersions(
    const std::string& name, const CallOptions& options) {
  v1::ListDocumentVersionsRequest request;
  request.set_name(name);
  return Call(*configuration_, &v1::ConfigService::StubInterface::ListDocumentVersions, request, options);
}

absl::StatusOr<v1::Caller> GrpcClient::GetCaller(const CallOptions& options) {
  return Call(*configuration_, &v1::ConfigService::StubInterface::GetCaller, v1::GetCallerRequest(), options);
}

absl::StatusOr<v1::ListAuditEventsResponse> GrpcClient::ListAuditEvents(
    const v1::ListAuditEventsRequest& request, const CallOptions& options) {
  return Call(*audit_, &v1::AuditService::StubInterface::ListAuditEvents, request, options);
}

absl::StatusOr<std::unique_ptr<Client>> Connect(const ConnectOptions& options) {
  auto channel = MakeChannel(options);
  if (!channel.ok()) return channel.status();
  return std::make_unique<GrpcClient>(*std::move(channel), RealEnvironment());
}

}  // namespace countersign
