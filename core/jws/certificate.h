#ifndef COUNTERSIGN_CORE_JWS_CERTIFICATE_H_
#define COUNTERSIGN_CORE_JWS_CERTIFICATE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace countersign::jws {

// The `x5t#S256` (RFC 8705) of the first certificate in `pem`: base64url of the SHA-256 of its DER, 43
// characters. It is what binds a token to its holder. INVALID_FIELD when there is no readable certificate.
absl::StatusOr<std::string> CertificateThumbprint(std::string_view pem);

}  // namespace countersign::jws

#endif  // COUNTERSIGN_CORE_JWS_CERTIFICATE_H_
