#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stop_token>

#include "client/src/grpc_client.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign {
namespace {

constexpr size_t kPieceBytes = 256 << 10;
constexpr int64_t kMostBytes = int64_t{64} << 20;

absl::Status CheckSize(int64_t size) {
  if (size == 0)
    return error::Make(v1::INVALID_FIELD, "an artifact must not be empty; give a file that holds something");
  if (size > kMostBytes) {
    return error::Make(v1::ARTIFACT_TOO_LARGE,
                       text::Concat("an artifact may have at most 64 MiB, this has ", size, " bytes"));
  }
  return absl::OkStatus();
}

// A file as a source of pieces. Not thread-safe.
class FilePieces {
 public:
  explicit FilePieces(const std::string& path) : path_(path), stream_(path, std::ios::binary) {}

  absl::StatusOr<int64_t> Size() {
    struct stat facts;
    if (!stream_ || stat(path_.c_str(), &facts) != 0) return Unreadable();
    if (!S_ISREG(facts.st_mode))
      return absl::InvalidArgumentError(text::Concat(path_, " is not a regular file"));
    return facts.st_size;
  }

  absl::StatusOr<std::string> Read(int64_t offset, size_t size) {
    std::string piece(size, '\0');
    stream_.clear();
    stream_.seekg(offset);
    stream_.read(piece.data(), static_cast<std::streamsize>(size));
    if (stream_.bad()) return Unreadable();
    piece.resize(static_cast<size_t>(stream_.gcount()));
    return piece;
  }

 private:
  absl::Status Unreadable() const {
    return absl::NotFoundError(text::Concat("cannot read the file ", path_));
  }

  std::string path_;
  std::ifstream stream_;
};

}  // namespace

absl::StatusOr<v1::Artifact> GrpcClient::Upload(int64_t size, const std::string& digest,
                                                const ReadPiece& read, const CallOptions& options) {
  v1::Artifact artifact;
  const auto attempt = [&](absl::Duration timeout) -> absl::Status {
    grpc::ClientContext context;
    SetTimeout(context, timeout);
    const std::stop_callback cancel(options.stop, [&context] { context.TryCancel(); });
    auto writer = proposals_->UploadArtifact(&context, &artifact);
    v1::UploadArtifactRequest message;
    message.mutable_header()->set_size_bytes(size);
    message.mutable_header()->set_digest(digest);
    bool open = writer->Write(message);
    for (int64_t offset = 0; open && offset < size; offset += static_cast<int64_t>(message.chunk().size())) {
      auto piece = read(offset, std::min<size_t>(kPieceBytes, static_cast<size_t>(size - offset)));
      if (!piece.ok() || piece->empty()) {
        context.TryCancel();
        (void)writer->Finish();
        return piece.ok() ? absl::FailedPreconditionError("the file became shorter while it was read")
                          : piece.status();
      }
      message.set_chunk(*std::move(piece));
      open = writer->Write(message);
    }
    writer->WritesDone();
    return FromGrpc(writer->Finish());  // The broker may well have refused before everything was sent.
  };
  // An artifact is stored under its digest, so sending it again changes nothing. Large ones take longer than
  // the attempts of other calls may, hence the whole timeout for each.
  absl::Status status = absl::OkStatus();
  const absl::Duration start = environment_.Uptime();
  status = RetryLoop(environment_, options, [&](absl::Duration) {
    return attempt(options.timeout - (environment_.Uptime() - start));
  });
  if (!status.ok()) return status;
  if (artifact.digest() != digest) {
    return error::Make(v1::DATA_CORRUPTED, "the broker stored other bytes than were sent; upload them again");
  }
  return artifact;
}

absl::StatusOr<v1::Artifact> GrpcClient::UploadArtifact(std::string_view bytes, const CallOptions& options) {
  const auto size = static_cast<int64_t>(bytes.size());
  if (const auto status = CheckSize(size); !status.ok()) return status;
  return Upload(
      size, digest::Sha256(bytes),
      [bytes](int64_t offset, size_t count) -> absl::StatusOr<std::string> {
        return std::string(bytes.substr(static_cast<size_t>(offset), count));
      },
      options);
}

absl::StatusOr<v1::Artifact> GrpcClient::UploadArtifactFile(const std::string& path,
                                                            const CallOptions& options) {
  FilePieces file(path);
  const auto size = file.Size();
  if (!size.ok()) return size.status();
  if (const auto status = CheckSize(*size); !status.ok()) return status;
  digest::Sha256Hasher hasher;
  for (int64_t offset = 0; offset < *size;) {
    const auto piece = file.Read(offset, kPieceBytes);
    if (!piece.ok()) return piece.status();
    if (piece->empty())
      return absl::FailedPreconditionError(text::Concat(path, " became shorter while it was read"));
    hasher.Update(*piece);
    offset += static_cast<int64_t>(piece->size());
  }
  return Upload(
      *size, hasher.Finish(), [&file](int64_t offset, size_t count) { return file.Read(offset, count); },
      options);
}

absl::Status GrpcClient::DownloadArtifact(const std::string& proposal, const std::string& digest,
                                          const std::function<absl::Status(std::string_view)>& sink,
                                          const CallOptions& options) {
  v1::DownloadArtifactRequest request;
  request.set_proposal(proposal);
  request.set_digest(digest);
  digest::Sha256Hasher hasher;
  size_t passed_on = 0;  // A repetition starts from the beginning; what the sink has is skipped.
  absl::Status sink_status;
  const absl::Duration start = environment_.Uptime();
  const absl::Status status = RetryLoop(environment_, options, [&](absl::Duration) {
    grpc::ClientContext context;
    SetTimeout(context, options.timeout - (environment_.Uptime() - start));
    const std::stop_callback cancel(options.stop, [&context] { context.TryCancel(); });
    auto reader = proposals_->DownloadArtifact(&context, request);
    v1::DownloadArtifactResponse message;
    size_t received = 0;
    while (sink_status.ok() && reader->Read(&message)) {
      std::string_view piece = message.chunk();
      received += piece.size();
      if (received > static_cast<size_t>(kMostBytes)) sink_status = CheckSize(static_cast<int64_t>(received));
      if (received <= passed_on || !sink_status.ok()) continue;
      piece.remove_prefix(piece.size() - std::min(piece.size(), received - passed_on));
      hasher.Update(piece);
      passed_on = received;
      sink_status = sink(piece);
    }
    if (!sink_status.ok()) context.TryCancel();
    const absl::Status finished = FromGrpc(reader->Finish());
    return sink_status.ok() ? finished : absl::OkStatus();  // The sink's error is not worth another attempt.
  });
  if (!sink_status.ok()) return sink_status;
  if (!status.ok()) return status;
  if (hasher.Finish() != digest) {
    return error::Make(v1::DATA_CORRUPTED, text::Concat("the bytes that came are not ", digest));
  }
  return absl::OkStatus();
}

}  // namespace countersign
