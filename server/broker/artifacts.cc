// Bytes in and out.
#include <algorithm>

#include "core/digest/digest.h"
#include "core/error/error.h"
#include "server/base/timestamps.h"
#include "server/broker/broker.h"

namespace countersign::broker {

absl::StatusOr<v1::Artifact> Broker::StoreArtifact(const Caller&, std::string_view bytes,
                                                   absl::Time deadline) {
  if (bytes.empty()) return error::InvalidField("chunk", "an artifact has at least one byte");
  auto sealed = storage::Seal(*master_keys_, *random_, digest::Sha256(bytes), bytes);
  if (!sealed.ok()) return sealed.status();
  sealed->create_time = clock_->Now();
  const auto create_time = store_->PutArtifact(*sealed, deadline);
  if (!create_time.ok()) return create_time.status();
  v1::Artifact artifact;
  artifact.set_digest(sealed->digest);
  artifact.set_size_bytes(sealed->size_bytes);
  *artifact.mutable_create_time() = base::ToTimestamp(*create_time);
  return artifact;
}

absl::StatusOr<std::string> Broker::ReadArtifact(const Caller& caller,
                                                 const v1::DownloadArtifactRequest& request,
                                                 absl::Time deadline) {
  const auto record = LoadVisible(caller, request.proposal(), deadline);
  if (!record.ok()) return record.status();
  const auto& artifacts = record->proposal.action().artifacts();
  const bool referenced = std::any_of(
      artifacts.begin(), artifacts.end(),
      [&](const v1::ArtifactReference& artifact) { return artifact.digest() == request.digest(); });
  if (!referenced) return error::Make(v1::NOT_FOUND, "the proposal has no such artifact");
  const auto sealed = store_->GetArtifact(request.digest(), deadline);
  if (!sealed.ok()) return sealed.status();
  return storage::Open(*master_keys_, *sealed);
}

}  // namespace countersign::broker
