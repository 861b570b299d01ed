// The approved bytes on the runner's disk.
#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_APPROVED_FILES_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_APPROVED_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/exec/private_directory.h"
#include "client/cli/exec/turn.h"

namespace countersign::cli {

// A private directory for one execution.
absl::StatusOr<PrivateDirectory> MakePrivateDirectory(Session& session);

// Brings the artifact from the broker into the directory, as `file_name`, and hashes what is on disk
// afterwards. DATA_CORRUPTED when that is not what was approved.
absl::Status BringArtifact(const ExecutionContext& context, const v1::Proposal& proposal,
                           const v1::ArtifactReference& artifact, const std::string& file_name,
                           PrivateDirectory* directory);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_APPROVED_FILES_H_
