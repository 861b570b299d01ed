#ifndef COUNTERSIGN_SERVER_TOKEN_ISSUE_H_
#define COUNTERSIGN_SERVER_TOKEN_ISSUE_H_

#include <string>

#include "absl/time/time.h"
#include "core/jws/execution_token.h"
#include "core/policy/configuration.h"
#include "countersign/v1/config.pb.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::token {

// The `aud` of tokens for `target`.
std::string AudienceOf(const v1::Target& target, const std::string& issuer);

// The claims of a token for an approved proposal. It lives for the requirement's token lifetime, but never
// longer than the approval. Pure.
jws::ExecutionClaims ClaimsFor(const v1::Proposal& proposal, const policy::Configuration& configuration,
                               const v1::Target& target, const std::string& issuer,
                               const std::string& token_id, const std::string& holder_thumbprint,
                               absl::Time now);

}  // namespace countersign::token

#endif  // COUNTERSIGN_SERVER_TOKEN_ISSUE_H_
