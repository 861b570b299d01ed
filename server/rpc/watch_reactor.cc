#include "server/rpc/watch_reactor.h"

#include <chrono>
#include <utility>

#include "core/error/error.h"
#include "core/policy/configuration.h"

namespace countersign::rpc {
namespace {

// A reader that is cut off, and does not even read that, loses its stream after this.
constexpr std::chrono::seconds kLastWords{10};

}  // namespace

WatchReactor::WatchReactor(Edge* edge, grpc::CallbackServerContext* context)
    : context_(context),
      call_(edge, context, broker::Method::kWatchProposals),
      handle_(std::make_shared<ReactorHandle<WatchReactor>>()) {
  base::MutexLock lock(&handle_->mutex);
  handle_->reactor = this;
}

grpc::ServerWriteReactor<v1::WatchProposalsResponse>* WatchReactor::Start(
    Edge* edge, grpc::CallbackServerContext* context, const v1::WatchProposalsRequest* request) {
  auto* const reactor = new WatchReactor(edge, context);
  const absl::Status opened = reactor->Open(*request);
  if (!opened.ok()) reactor->Finish(opened);
  return reactor;
}

absl::Status WatchReactor::Open(const v1::WatchProposalsRequest& request) {
  if (absl::Status status = call_.CheckRequest(request); !status.ok()) return status;
  if (!request.target().empty() && !policy::IsTargetName(request.target())) {
    return error::InvalidField("target", "must be targets/{target}");
  }
  if (absl::Status status = call_.Admit(Call::Load::kWatch); !status.ok()) return status;
  StartSendInitialMetadata();  // So that the caller knows at once that it is watching.

  broker::Broker* const broker = call_.edge()->broker;
  const auto may_see = [broker, peer = call_.peer()](const v1::Proposal& proposal) {
    return broker->MaySee(peer->caller, proposal);
  };
  const auto permitted = [broker, peer = call_.peer()] {
    return broker->Authorize(broker::Method::kWatchProposals, peer->caller);
  };
  auto session =
      call_.edge()->watchers->Watch(request.resume_token(), request.target(), may_see, permitted, this);
  if (!session.ok()) return session.status();
  session_ = *std::move(session);
  return absl::OkStatus();
}

void WatchReactor::OnWriteDone(bool ok) { session_->OnWritten(ok); }

void WatchReactor::OnCancel() {
  if (session_ != nullptr) session_->Finish(absl::CancelledError("the caller went away"));
}

void WatchReactor::OnDone() {
  if (session_ != nullptr) session_->Detach();
  {
    base::MutexLock lock(&handle_->mutex);
    handle_->reactor = nullptr;
  }
  delete this;
}

void WatchReactor::Write(const watch::Event& event) {
  response_.Clear();
  if (event.record != nullptr) *response_.mutable_proposal() = event.record->proposal;
  response_.set_resume_token(event.resume_token);
  StartWrite(&response_);
}

void WatchReactor::Finish(absl::Status status) {
  if (!absl::IsCancelled(status)) {
    call_.edge()->timers.Add(std::chrono::steady_clock::now() + kLastWords, [handle = handle_] {
      base::MutexLock lock(&handle->mutex);
      if (handle->reactor != nullptr) handle->reactor->context_->TryCancel();
    });
  }
  grpc::ServerWriteReactor<v1::WatchProposalsResponse>::Finish(call_.Conclude(status));
}

}  // namespace countersign::rpc
