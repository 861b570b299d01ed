// The execution token: leave to run one approved action, once, for one holder, within minutes.
#ifndef COUNTERSIGN_CORE_JWS_EXECUTION_TOKEN_H_
#define COUNTERSIGN_CORE_JWS_EXECUTION_TOKEN_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/jws/key_set.h"
#include "core/jws/signing_key.h"

namespace countersign::jws {

inline constexpr std::string_view kExecutionTokenType = "exec+jwt";

// What a token says. Every text is required and not empty, lists may be empty. In parentheses the claim's
// name where it is another.
struct ExecutionClaims {
  std::string issuer;    // (iss) The broker's URL.
  std::string subject;   // (sub) Exactly SubjectOf(environment, target, kind); what clouds match on.
  std::string audience;  // (aud) One string, never a list.
  // Whole seconds; rounded down when a token is issued. expire_time is after the other two.
  absl::Time issue_time;               // (iat)
  absl::Time not_before_time;          // (nbf) First moment at which the token is valid.
  absl::Time expire_time;              // (exp) First moment at which it is not any more.
  std::string token_id;                // (jti) What is redeemed once.
  std::string actor;                   // (act.sub) The agent that proposed (RFC 8693).
  std::string holder_thumbprint;       // (cnf."x5t#S256") The claimer's certificate (RFC 8705).
  std::string proposal;                // proposals/{proposal}
  std::string action_digest;           // sha256:{hex}; see core/digest/action_digest.h.
  std::vector<std::string> artifacts;  // Digests, sha256:{hex}, in the action's order.
  std::string target;                  // targets/{target}
  std::string environment;             // For example production.
  std::string kind;                    // command or terraform_plan.
  std::vector<std::string> approvers;  // Principals, in the order in which they approved.
  std::string policy_digest;           // sha256:{hex} of the policy that asked for them.
  // (state) For plans: which state the plan was made on; a plan without a state has an empty lineage.
  struct State {
    std::string lineage;
    uint64_t serial = 0;
    bool operator==(const State&) const = default;
  };
  std::optional<State> state;
};

// What the verifier knows before it sees the token. All of it is the verifier's own, none from the token.
struct Expectation {
  std::string issuer;
  std::string audience;
  absl::Time now;
  // How far the two clocks may be apart. Widens nbf and exp; the broker's own redeem needs none.
  absl::Duration leeway = absl::ZeroDuration();
  // The thumbprint of the certificate that presents the token; unset where the presenter is not known.
  std::optional<std::string> holder_thumbprint;
};

// For example "env:production:target:prod-courses:kind:terraform_plan" for the target "targets/prod-courses".
std::string SubjectOf(std::string_view environment, std::string_view target, std::string_view kind);

// Signs the claims. Whatever verification would refuse as malformed is not signed: INTERNAL, naming the
// claim. INVALID_FIELD when the token would be over kMaxTokenBytes.
absl::StatusOr<std::string> IssueExecutionToken(const SigningKey& key, const ExecutionClaims& claims);

// The two halves of VerifyExecutionToken(), for the broker, which learns the audience from the proposal that
// the token names. ReadExecutionToken() says only that the token is authentic and well-formed, else
// TOKEN_INVALID; whoever calls it must call CheckClaims() before it acts on the claims.
absl::StatusOr<ExecutionClaims> ReadExecutionToken(std::string_view compact, const KeySet& keys);
absl::Status CheckClaims(const ExecutionClaims& claims, const Expectation& expectation);

// The claims of a token that is authentic, meant for the expectation, and alive. Claims that are not listed
// above are ignored, so that later brokers may add some. This does not say that the token is unspent: only
// redeeming does. Errors: TOKEN_INVALID when anything is malformed or missing, or issuer, audience, type or
// nbf do not fit; TOKEN_WRONG_HOLDER when another certificate presents it; TOKEN_EXPIRED from expire_time on.
// The texts repeat nothing of the token.
absl::StatusOr<ExecutionClaims> VerifyExecutionToken(std::string_view compact, const KeySet& keys,
                                                     const Expectation& expectation);

}  // namespace countersign::jws

#endif  // COUNTERSIGN_CORE_JWS_EXECUTION_TOKEN_H_
