#include "server/rpc/upload_reactor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/digest/digest.h"
#include "core/error/error.h"

namespace countersign::rpc {
namespace {

constexpr size_t kMaxChunkBytes = 1 << 20;
constexpr int64_t kFirstReservation = 256 << 10;

absl::Status TooLarge(int64_t limit) {
  return error::Make(v1::ARTIFACT_TOO_LARGE,
                     absl::StrCat("an artifact may have at most ", limit, " bytes; send less"));
}

}  // namespace

UploadReactor::UploadReactor(Edge* edge, grpc::CallbackServerContext* context, v1::Artifact* response)
    : context_(context),
      call_(edge, context, broker::Method::kUploadArtifact),
      response_(response),
      handle_(std::make_shared<ReactorHandle<UploadReactor>>()),
      pace_(edge->limits, call_.start()) {
  base::MutexLock lock(&handle_->mutex);
  handle_->reactor = this;
}

grpc::ServerReadReactor<v1::UploadArtifactRequest>* UploadReactor::Start(Edge* edge,
                                                                         grpc::CallbackServerContext* context,
                                                                         v1::Artifact* response) {
  auto* const reactor = new UploadReactor(edge, context, response);
  base::MutexLock lock(&reactor->handle_->mutex);
  const absl::Status admitted = reactor->call_.Admit(Call::Load::kWork);
  if (!admitted.ok()) {
    reactor->Refuse(admitted);
    return reactor;
  }
  reactor->WatchPace();
  reactor->StartRead(&reactor->part_);
  return reactor;
}

void UploadReactor::OnReadDone(bool ok) {
  base::MutexLock lock(&handle_->mutex);
  if (state_ != State::kReading) return;
  if (ok) {
    const absl::Status taken = Take(part_);
    part_.Clear();
    if (taken.ok()) {
      StartRead(&part_);
    } else {
      Refuse(taken);
    }
  } else if (context_->IsCancelled()) {
    Refuse(absl::CancelledError("the caller went away"));
  } else if (const absl::Status complete = CheckComplete(); !complete.ok()) {
    Refuse(complete);
  } else {
    BeginStoring();
  }
}

void UploadReactor::WatchPace() {
  timer_ = call_.edge()->timers.Add(pace_.next_check(), [handle = handle_] {
    base::MutexLock lock(&handle->mutex);
    if (handle->reactor != nullptr) handle->reactor->CheckPace();
  });
}

void UploadReactor::CheckPace() {
  if (state_ != State::kReading) return;
  const absl::Status moving =
      pace_.Check(std::chrono::steady_clock::now(), static_cast<int64_t>(bytes_.size()));
  if (moving.ok()) {
    WatchPace();
  } else {
    Refuse(moving);
  }
}

void UploadReactor::OnDone() {
  {
    base::MutexLock lock(&handle_->mutex);
    call_.edge()->timers.Cancel(timer_);
    handle_->reactor = nullptr;
  }
  delete this;
}

void UploadReactor::Refuse(const absl::Status& status) {
  if (state_ != State::kReading) return;
  state_ = State::kFinished;
  bytes_ = std::string();
  Finish(call_.Conclude(status));
}

absl::Status UploadReactor::Take(const v1::UploadArtifactRequest& part) {
  switch (part.part_case()) {
    case v1::UploadArtifactRequest::kHeader:
      return TakeHeader(part.header());
    case v1::UploadArtifactRequest::kChunk:
      return TakeChunk(part.chunk());
    case v1::UploadArtifactRequest::PART_NOT_SET:
      break;
  }
  return error::InvalidField("part", "must be a header or a chunk");
}

absl::Status UploadReactor::TakeHeader(const v1::ArtifactHeader& header) {
  if (has_header_) return error::InvalidField("header", "must come once, in the first message");
  if (header.size_bytes() < 1) return error::InvalidField("header.size_bytes", "must be at least 1");
  const int64_t limit = call_.edge()->limits.max_artifact_bytes;
  if (header.size_bytes() > limit) return TooLarge(limit);
  if (!header.digest().empty() && !digest::IsSha256(header.digest())) {
    return error::InvalidField("header.digest", "must be sha256: and 64 lower-case hex digits");
  }
  has_header_ = true;
  header_ = header;
  return absl::OkStatus();
}

absl::Status UploadReactor::TakeChunk(const std::string& chunk) {
  if (!has_header_) return error::InvalidField("header", "must come in the first message");
  if (chunk.empty()) return error::InvalidField("chunk", "must not be empty");
  if (chunk.size() > kMaxChunkBytes) return error::InvalidField("chunk", "must have at most 1 MiB");
  const auto total = static_cast<int64_t>(bytes_.size() + chunk.size());
  const int64_t limit = call_.edge()->limits.max_artifact_bytes;
  if (total > limit) return TooLarge(limit);
  if (total > header_.size_bytes()) {
    return error::InvalidField("header.size_bytes", "announced fewer bytes than are sent");
  }
  if (total > reserved_) {
    const int64_t wanted =
        std::min(header_.size_bytes(), std::max({total, 2 * reserved_, kFirstReservation}));
    if (absl::Status status = call_.Reserve(wanted - reserved_); !status.ok()) return status;
    reserved_ = wanted;
    bytes_.reserve(static_cast<size_t>(wanted));
  }
  bytes_ += chunk;
  return absl::OkStatus();
}

absl::Status UploadReactor::CheckComplete() const {
  if (!has_header_) return error::InvalidField("header", "must come in the first message");
  if (static_cast<int64_t>(bytes_.size()) != header_.size_bytes()) {
    return error::InvalidField("header.size_bytes", absl::StrCat("announced ", header_.size_bytes(),
                                                                 " bytes, but ", bytes_.size(), " came"));
  }
  return absl::OkStatus();
}

void UploadReactor::BeginStoring() {
  state_ = State::kStoring;
  if (call_.edge()->executor->TrySubmit([this] { Store(); })) return;
  state_ = State::kReading;
  Refuse(AtConcurrencyLimit());
}

void UploadReactor::Store() {
  absl::StatusOr<v1::Artifact> stored =
      !header_.digest().empty() && digest::Sha256(bytes_) != header_.digest()
          ? absl::StatusOr<v1::Artifact>(error::Make(
                v1::DIGEST_MISMATCH, "the bytes that came have another digest than was announced"))
          : call_.edge()->broker->StoreArtifact(
                call_.caller(), bytes_, call_.DeadlineWithin(call_.edge()->limits.max_transfer_duration));
  bytes_ = std::string();
  if (stored.ok()) *response_ = std::move(*stored);
  const grpc::Status status = call_.Conclude(stored.status());
  Finish(status);  // The last touch.
}

}  // namespace countersign::rpc
