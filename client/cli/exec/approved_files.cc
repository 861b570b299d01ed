#include "client/cli/exec/approved_files.h"

#include "client/cli/exec/leftovers.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::cli {

absl::StatusOr<PrivateDirectory> MakePrivateDirectory(Session& session) {
  return PrivateDirectory::Create(BaseDirectory(session.world().variable),
                                  text::Concat(kPrivatePrefix, session.environment().NewRequestId()));
}

absl::Status BringArtifact(const ExecutionContext& context, const v1::Proposal& proposal,
                           const v1::ArtifactReference& artifact, const std::string& file_name,
                           PrivateDirectory* directory) {
  absl::Status status = directory->Write(file_name, [&](const auto& sink) {
    return context.client.DownloadArtifact(proposal.name(), artifact.digest(), sink,
                                           {.timeout = absl::Minutes(5), .stop = context.relay.stop()});
  });
  if (!status.ok()) return status;
  const auto found = directory->DigestOf(file_name);
  if (!found.ok()) return found.status();
  if (*found == artifact.digest()) return absl::OkStatus();
  return error::Make(v1::DATA_CORRUPTED, text::Concat(file_name, " on disk is not what was approved"));
}

}  // namespace countersign::cli
