#include "server/token/issue.h"

#include <algorithm>

#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "server/base/timestamps.h"
#include "server/decision/standing.h"

namespace countersign::token {

std::string AudienceOf(const v1::Target& target, const std::string& issuer) {
  return target.audience().empty() ? issuer : target.audience();
}

jws::ExecutionClaims ClaimsFor(const v1::Proposal& proposal, const policy::Configuration& configuration,
                               const v1::Target& target, const std::string& issuer,
                               const std::string& token_id, const std::string& holder_thumbprint,
                               absl::Time now) {
  const absl::Time start = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  const std::string kind(digest::KindName(proposal.action().kind()));
  jws::ExecutionClaims claims;
  claims.issuer = issuer;
  claims.subject = jws::SubjectOf(proposal.environment(), proposal.action().target(), kind);
  claims.audience = AudienceOf(target, issuer);
  claims.issue_time = start;
  claims.not_before_time = start;
  claims.expire_time = std::min(start + base::ToDuration(proposal.requirement().token_lifetime()),
                                base::ToTime(proposal.approval_expire_time()));
  claims.expire_time = absl::FromUnixSeconds(absl::ToUnixSeconds(claims.expire_time));
  claims.token_id = token_id;
  claims.actor = proposal.requester();
  claims.holder_thumbprint = holder_thumbprint;
  claims.proposal = proposal.name();
  claims.action_digest = proposal.action_digest();
  for (const v1::ArtifactReference& artifact : proposal.action().artifacts())
    claims.artifacts.push_back(artifact.digest());
  claims.target = proposal.action().target();
  claims.environment = proposal.environment();
  claims.kind = kind;
  claims.approvers = decision::Approvers(proposal);
  // Where no policy document was ever applied, the built-in default stands for the empty document.
  const std::string policy_digest = configuration.DigestOf("policy");
  claims.policy_digest = policy_digest.empty() ? digest::Sha256("") : policy_digest;
  if (proposal.has_plan()) {
    claims.state = jws::ExecutionClaims::State{proposal.plan().lineage(), proposal.plan().serial()};
  }
  return claims;
}

}  // namespace countersign::token
