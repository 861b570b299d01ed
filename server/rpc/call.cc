#include "server/rpc/call.h"

#include <grpc/grpc_security_constants.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/digest/known_fields.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "server/proposal/resource_name.h"
#include "server/rpc/status.h"

namespace countersign::rpc {
namespace {

constexpr char kRequestIdKey[] = "x-request-id";
constexpr size_t kMaxRequestIdBytes = 64;

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestIdBytes &&
         std::all_of(text.begin(), text.end(), [](unsigned char character) {
           return absl::ascii_isalnum(character) || character == '.' || character == '_' || character == '-';
         });
}

std::string RequestIdOf(const grpc::CallbackServerContext& context, base::RandomSource* random) {
  const auto& metadata = context.client_metadata();
  if (metadata.count(kRequestIdKey) == 1) {
    const grpc::string_ref given = metadata.find(kRequestIdKey)->second;
    const std::string_view text(given.data(), given.size());
    if (IsRequestId(text)) return std::string(text);
  }
  return base::NewId(*random);
}

bool IsSubmission(broker::Method method) {
  return method == broker::Method::kCreateProposal || method == broker::Method::kUploadArtifact;
}

PrincipalLimits::Transfer TransferOf(broker::Method method) {
  return method == broker::Method::kUploadArtifact ? PrincipalLimits::Transfer::kUpload
                                                   : PrincipalLimits::Transfer::kDownload;
}

}  // namespace

absl::Status AtConcurrencyLimit() {
  return error::WithRetryDelay(
      error::Make(v1::OVERLOADED, "the broker works on as many calls as it can; try again"),
      absl::Milliseconds(250));
}

Call::Call(Edge* edge, grpc::CallbackServerContext* context, broker::Method method)
    : edge_(edge),
      context_(context),
      method_(method),
      start_(std::chrono::steady_clock::now()),
      start_time_(edge->clock->Now()),
      request_id_(RequestIdOf(*context, edge->random)) {
  context_->AddInitialMetadata(kRequestIdKey, request_id_);
}

Call::~Call() { Release(); }

absl::Status Call::Identify() {
  const std::shared_ptr<const grpc::AuthContext> connection = context_->auth_context();
  if (connection == nullptr || !connection->IsPeerAuthenticated()) {
    return error::Make(v1::PRINCIPAL_UNKNOWN, "the connection has no client certificate");
  }
  const std::vector<grpc::string_ref> certificates =
      connection->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (certificates.size() != 1) {
    return error::Make(v1::PRINCIPAL_UNKNOWN, "the connection has no client certificate");
  }
  auto peer = edge_->peers.Find(std::string_view(certificates[0].data(), certificates[0].size()));
  if (!peer.ok()) return peer.status();
  if (start_time_ > (*peer)->not_after) {
    return error::Make(v1::PRINCIPAL_UNKNOWN, "the client certificate has expired; connect with a new one");
  }
  peer_ = *std::move(peer);
  return absl::OkStatus();
}

absl::Status Call::Admit(Load load) {
  if (absl::Status status = Identify(); !status.ok()) return status;
  if (absl::Status status = StillPermitted(); !status.ok()) return status;
  if (IsSubmission(method_)) {
    absl::Status status = edge_->principal_limits.TakeSubmission(caller().principal, start_);
    if (!status.ok()) return status;
  }
  absl::Status status;
  switch (load) {
    case Load::kWork:
      status = edge_->principal_limits.BeginCall(caller().principal);
      break;
    case Load::kWatch:
      status = edge_->principal_limits.BeginWatch(caller().principal);
      break;
    case Load::kNone:
      break;
  }
  if (status.ok()) taken_ = load;
  return status;
}

absl::Status Call::CheckSize(size_t request_bytes) const {
  const size_t limit = method_ == broker::Method::kReportExecution ? edge_->limits.max_report_bytes
                                                                   : edge_->limits.max_request_bytes;
  if (request_bytes <= limit) return absl::OkStatus();
  return error::InvalidField("request",
                             absl::StrCat("has ", request_bytes, " bytes; at most ", limit, " are allowed"));
}

absl::Status Call::CheckRequest(const google::protobuf::Message& request) const {
  if (absl::Status status = CheckSize(request.ByteSizeLong()); !status.ok()) return status;
  return digest::CheckKnownFields(request, "");
}

absl::Status Call::Reserve(int64_t bytes) {
  absl::Status status = edge_->principal_limits.ReserveBytes(caller().principal, TransferOf(method_), bytes);
  if (status.ok()) reserved_bytes_ += bytes;
  return status;
}

absl::Status Call::StillPermitted() const { return edge_->broker->Authorize(method_, caller()); }

absl::Time Call::DeadlineWithin(absl::Duration limit) const {
  return std::min(absl::FromChrono(context_->deadline()), start_time_ + limit);
}

void Call::NoteProposal(std::string_view name) {
  if (proposal::ParseProposalName(name, "name").ok()) proposal_ = std::string(name);
}

grpc::Status Call::Conclude(const absl::Status& status) {
  Release();
  const v1::Reason reason = PublicReason(status);
  const absl::Duration duration = absl::FromChrono(std::chrono::steady_clock::now() - start_);
  if (edge_->observer != nullptr) edge_->observer->OnRequest(broker::MethodName(method_), reason, duration);
  if (edge_->log != nullptr) {
    RequestLine line;
    line.method = broker::MethodName(method_);
    if (peer_ != nullptr) line.principal = caller().principal;
    line.request_id = request_id_;
    line.proposal = proposal_;
    const std::string& name = v1::Reason_Name(reason);
    line.reason = status.ok()                        ? "OK"
                  : reason == v1::REASON_UNSPECIFIED ? "CANCELLED"
                                                     : std::string_view(name);
    if (reason == v1::INTERNAL) line.detail = text::ToStd(status.message());
    line.duration = duration;
    edge_->log->Write(line);
  }
  return ToGrpc(status, request_id_);
}

void Call::Release() {
  if (reserved_bytes_ > 0)
    edge_->principal_limits.ReleaseBytes(caller().principal, TransferOf(method_), reserved_bytes_);
  reserved_bytes_ = 0;
  if (taken_ == Load::kWork) edge_->principal_limits.EndCall(caller().principal);
  if (taken_ == Load::kWatch) edge_->principal_limits.EndWatch(caller().principal);
  taken_ = Load::kNone;
}

}  // namespace countersign::rpc
