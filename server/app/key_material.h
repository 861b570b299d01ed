// Checks of the keys and certificates that the configuration names, so that a wrong file is found at start
// and named. The texts never hold anything of a key.
#ifndef COUNTERSIGN_SERVER_APP_KEY_MATERIAL_H_
#define COUNTERSIGN_SERVER_APP_KEY_MATERIAL_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace countersign::app {

// INVALID_FIELD under "{section}.certificate_file" or "{section}.key_file" unless both are PEM, belong
// together and the certificate is readable.
absl::Status CheckTlsFiles(const std::string& certificate_file, const std::string& key_file,
                           std::string_view section);

// At least one certificate in PEM. INVALID_FIELD under `setting`.
absl::Status CheckAuthorities(const std::string& file, std::string_view setting);

// At least one key, and one that signs already.
absl::Status CheckSigningKeys(const std::string& directory);
absl::Status CheckMasterKeys(const std::string& file);

// What page and resume tokens are signed with: 32 bytes that follow from the oldest master key, so that
// tokens outlive the adding of a key, and replicas that have it and replicas that do not yet open each
// other's.
absl::StatusOr<std::string> PageTokenKey(std::string_view master_key_text);

// What digests in plan views are salted with: 32 bytes that follow from the oldest master key, so that views
// can be compared for as long as keys are only added.
absl::StatusOr<std::string> PlanViewSalt(std::string_view master_key_text);

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_KEY_MATERIAL_H_
