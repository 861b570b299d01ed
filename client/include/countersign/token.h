// Verifying execution tokens without the broker, and computing what they are bound to.
#ifndef COUNTERSIGN_CLIENT_TOKEN_H_
#define COUNTERSIGN_CLIENT_TOKEN_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "countersign/v1/resource.pb.h"

namespace countersign {

// What a verified token says; see the claims of the same names in the documentation of tokens.
struct VerifiedToken {
  std::string issuer;
  std::string subject;  // For example env:production:target:prod-courses:kind:command
  std::string audience;
  absl::Time issue_time;
  absl::Time not_before_time;  // First moment at which it is valid.
  absl::Time expire_time;      // First moment at which it is not any more.
  std::string token_id;
  std::string actor;                   // The agent that proposed.
  std::string holder_thumbprint;       // The certificate that may redeem it.
  std::string proposal;                // proposals/{proposal}
  std::string action_digest;           // sha256:{hex}
  std::vector<std::string> artifacts;  // sha256:{hex}
  std::string target;                  // targets/{target}
  std::string environment;
  std::string kind;  // command or terraform_plan
  std::vector<std::string> approvers;
  std::string policy_digest;
};

// What the verifier knows by itself.
struct TokenExpectation {
  std::string issuer = {};                             // Required.
  std::string audience = {};                           // Empty means the issuer.
  std::optional<std::string> holder_certificate = {};  // PEM. Whose token it must be, if that is known.
  std::optional<absl::Time> now = {};                  // Unset: the machine's clock.
  absl::Duration leeway = absl::Seconds(30);  // How far the clocks of broker and verifier may differ.
};

// The claims of a token that is authentic under the key set, meant for the expectation, and alive. Does not
// say that it is unspent: only redeeming does. Errors: TOKEN_INVALID, TOKEN_WRONG_HOLDER, TOKEN_EXPIRED;
// INVALID_FIELD when the key set or the certificate is malformed.
absl::StatusOr<VerifiedToken> VerifyToken(std::string_view token, std::string_view jwks_json,
                                          const TokenExpectation& expectation);

// The digest that decisions and tokens are bound to. Compute it from what you are about to run.
absl::StatusOr<std::string> ComputeActionDigest(const v1::Action& action);

// sha256:{hex} of `bytes`.
std::string ComputeDigest(std::string_view bytes);

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_TOKEN_H_
