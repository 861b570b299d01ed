#include "server/rpc/plan_view_reactor.h"

#include <string>
#include <utility>

#include "core/error/error.h"
#include "countersign/v1/proposal_service.grpc.pb.h"

namespace countersign::rpc {
namespace {

// Without a copy.
grpc::ByteBuffer BufferOf(std::string bytes) {
  auto* const kept = new std::string(std::move(bytes));
  const grpc::Slice slice(
      kept->data(), kept->size(), [](void* each) { delete static_cast<std::string*>(each); }, kept);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

PlanViewReactor::PlanViewReactor(Edge* edge, grpc::CallbackServerContext* context, grpc::ByteBuffer* response)
    : context_(context),
      response_(response),
      call_(edge, context, broker::Method::kGetPlanView),
      handle_(std::make_shared<ReactorHandle<PlanViewReactor>>()) {
  base::MutexLock lock(&handle_->mutex);
  handle_->reactor = this;
  timer_ = edge->timers.Add(call_.start() + absl::ToChronoNanoseconds(edge->limits.max_call_duration),
                            [handle = handle_] {
                              base::MutexLock held(&handle->mutex);
                              if (handle->reactor != nullptr) handle->reactor->context_->TryCancel();
                            });
}

grpc::ServerUnaryReactor* PlanViewReactor::Start(Edge* edge, grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  auto* const reactor = new PlanViewReactor(edge, context, response);
  if (const absl::Status begun = reactor->Begin(*request); !begun.ok()) {
    reactor->End(begun);
  } else if (!edge->executor->TrySubmit([reactor] { reactor->Read(); })) {
    reactor->End(AtConcurrencyLimit());
  }
  return reactor;
}

absl::Status PlanViewReactor::Begin(const grpc::ByteBuffer& request) {
  if (absl::Status status = call_.CheckSize(request.Length()); !status.ok()) return status;
  grpc::ByteBuffer bytes(request);  // Reading uses it up.
  if (!grpc::SerializationTraits<v1::GetPlanViewRequest>::Deserialize(&bytes, &request_).ok()) {
    return error::InvalidField("request", "is not a GetPlanViewRequest");
  }
  call_.NoteProposal(request_.name());
  if (absl::Status status = call_.CheckRequest(request_); !status.ok()) return status;
  return call_.Admit(Call::Load::kWork);
}

void PlanViewReactor::Read() {
  End(context_->IsCancelled() ? absl::CancelledError("the caller went away") : ReadView());
}

absl::Status PlanViewReactor::ReadView() {
  auto bytes = call_.edge()->broker->ReadPlanView(
      call_.caller(), request_, [this](int64_t size) { return Reserve(size); }, call_.deadline());
  if (!bytes.ok()) return bytes.status();
  *response_ = BufferOf(*std::move(bytes));
  return absl::OkStatus();
}

// Not the call's, which ends before its answer is sent.
absl::Status PlanViewReactor::Reserve(int64_t bytes) {
  absl::Status status = call_.edge()->principal_limits.ReserveBytes(
      call_.caller().principal, PrincipalLimits::Transfer::kDownload, bytes);
  if (status.ok()) reserved_bytes_ = bytes;
  return status;
}

void PlanViewReactor::End(const absl::Status& status) {
  const grpc::Status last = call_.Conclude(status);
  Finish(last);  // The last touch.
}

void PlanViewReactor::OnDone() {
  {
    base::MutexLock lock(&handle_->mutex);
    call_.edge()->timers.Cancel(timer_);
    handle_->reactor = nullptr;
  }
  if (reserved_bytes_ > 0) {
    call_.edge()->principal_limits.ReleaseBytes(call_.caller().principal,
                                                PrincipalLimits::Transfer::kDownload, reserved_bytes_);
  }
  delete this;
}

}  // namespace countersign::rpc
