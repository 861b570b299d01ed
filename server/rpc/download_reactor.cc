#include "server/rpc/download_reactor.h"

#include <algorithm>
#include <utility>

#include "core/error/error.h"

namespace countersign::rpc {
namespace {

constexpr size_t kChunkBytes = 256 << 10;

}  // namespace

DownloadReactor::DownloadReactor(Edge* edge, grpc::CallbackServerContext* context,
                                 const v1::DownloadArtifactRequest* request)
    : context_(context),
      call_(edge, context, broker::Method::kDownloadArtifact),
      request_(request),
      handle_(std::make_shared<ReactorHandle<DownloadReactor>>()),
      pace_(edge->limits, call_.start()) {
  base::MutexLock lock(&handle_->mutex);
  handle_->reactor = this;
}

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* DownloadReactor::Start(
    Edge* edge, grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request) {
  auto* const reactor = new DownloadReactor(edge, context, request);
  reactor->call_.NoteProposal(request->proposal());
  absl::Status admitted = reactor->call_.CheckSize(request->ByteSizeLong());
  if (admitted.ok()) admitted = reactor->call_.Admit(Call::Load::kWork);
  if (!admitted.ok()) {
    reactor->End(admitted);
    return reactor;
  }
  {
    base::MutexLock lock(&reactor->handle_->mutex);
    reactor->WatchPace();
  }
  if (!edge->executor->TrySubmit([reactor] { reactor->Read(); })) reactor->End(AtConcurrencyLimit());
  return reactor;
}

void DownloadReactor::Read() {
  const absl::Status read =
      context_->IsCancelled() ? absl::CancelledError("the caller went away") : ReadArtifact();
  if (!read.ok()) {
    End(read);
  } else {
    SendNext();
  }
}

absl::Status DownloadReactor::ReadArtifact() {
  broker::Broker* const broker = call_.edge()->broker;
  v1::GetProposalRequest get;
  get.set_name(request_->proposal());
  const auto proposal = broker->GetProposal(call_.caller(), get, call_.deadline());
  if (!proposal.ok()) {
    const bool names_field = error::FieldOf(proposal.status()) == "name";
    return names_field ? error::InvalidField("proposal", "must be proposals/{proposal}") : proposal.status();
  }
  const auto& artifacts = proposal->action().artifacts();
  const auto found = std::find_if(
      artifacts.begin(), artifacts.end(),
      [this](const v1::ArtifactReference& artifact) { return artifact.digest() == request_->digest(); });
  if (found == artifacts.end()) {
    return error::Make(v1::NOT_FOUND, "the proposal refers to no artifact of this digest");
  }
  if (absl::Status status = call_.Reserve(found->size_bytes()); !status.ok()) return status;
  absl::StatusOr<std::string> bytes = broker->ReadArtifact(call_.caller(), *request_, call_.deadline());
  if (!bytes.ok()) return bytes.status();
  bytes_ = *std::move(bytes);
  return absl::OkStatus();
}

void DownloadReactor::SendNext() {
  if (sent_ == bytes_.size()) {
    End(absl::OkStatus());
    return;
  }
  const size_t size = std::min(kChunkBytes, bytes_.size() - sent_);
  response_.set_chunk(bytes_.data() + sent_, size);
  sent_ += size;
  StartWrite(&response_);  // The last touch here: OnWriteDone() may run already.
}

void DownloadReactor::OnWriteDone(bool ok) {
  if (!ok) {
    End(absl::CancelledError("the caller went away"));
  } else {
    SendNext();
  }
}

void DownloadReactor::WatchPace() {
  timer_ = call_.edge()->timers.Add(pace_.next_check(), [handle = handle_] {
    base::MutexLock lock(&handle->mutex);
    if (handle->reactor != nullptr) handle->reactor->CheckPace();
  });
}

void DownloadReactor::CheckPace() {
  if (pace_.Check(std::chrono::steady_clock::now(), static_cast<int64_t>(sent_)).ok()) {
    WatchPace();
  } else {
    context_->TryCancel();  // A write may be under way, so it cannot be finished from here.
  }
}

void DownloadReactor::OnDone() {
  {
    base::MutexLock lock(&handle_->mutex);
    call_.edge()->timers.Cancel(timer_);
    handle_->reactor = nullptr;
  }
  delete this;
}

void DownloadReactor::End(const absl::Status& status) {
  const grpc::Status last = call_.Conclude(status);
  Finish(last);  // The last touch.
}

}  // namespace countersign::rpc
