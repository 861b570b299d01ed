#include "countersign/token.h"

#include "client/src/environment.h"
#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "core/jws/certificate.h"
#include "core/jws/execution_token.h"
#include "core/jws/key_set.h"

namespace countersign {

absl::StatusOr<VerifiedToken> VerifyToken(std::string_view token, std::string_view jwks_json,
                                          const TokenExpectation& expectation) {
  const auto keys = jws::KeySet::FromJwks(jwks_json);
  if (!keys.ok()) return keys.status();
  jws::Expectation expected;
  expected.issuer = expectation.issuer;
  expected.audience = expectation.audience.empty() ? expectation.issuer : expectation.audience;
  expected.now = expectation.now.has_value() ? *expectation.now : RealEnvironment().Now();
  expected.leeway = expectation.leeway;
  if (expectation.holder_certificate.has_value()) {
    const auto thumbprint = jws::CertificateThumbprint(*expectation.holder_certificate);
    if (!thumbprint.ok()) return thumbprint.status();
    expected.holder_thumbprint = *thumbprint;
  }
  auto claims = jws::VerifyExecutionToken(token, *keys, expected);
  if (!claims.ok()) return claims.status();
  return VerifiedToken{.issuer = claims->issuer,
                       .subject = claims->subject,
                       .audience = claims->audience,
                       .issue_time = claims->issue_time,
                       .not_before_time = claims->not_before_time,
                       .expire_time = claims->expire_time,
                       .token_id = claims->token_id,
                       .actor = claims->actor,
                       .holder_thumbprint = claims->holder_thumbprint,
                       .proposal = claims->proposal,
                       .action_digest = claims->action_digest,
                       .artifacts = claims->artifacts,
                       .target = claims->target,
                       .environment = claims->environment,
                       .kind = claims->kind,
                       .approvers = claims->approvers,
                       .policy_digest = claims->policy_digest};
}

absl::StatusOr<std::string> ComputeActionDigest(const v1::Action& action) {
  return digest::ActionDigest(action);
}
std::string ComputeDigest(std::string_view bytes) { return digest::Sha256(bytes); }

}  // namespace countersign
