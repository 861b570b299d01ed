#ifndef COUNTERSIGN_CORE_POLICY_PRINCIPAL_H_
#define COUNTERSIGN_CORE_POLICY_PRINCIPAL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace countersign::policy {

// What a principal may ever be: said by its URI, and therefore by the authority that signed its certificate,
// so that no document can turn an agent into a human.
enum class PrincipalKind { kAgent, kHuman, kWorkload, kAuditor };

std::string_view KindName(PrincipalKind kind);

// A SPIFFE ID of our shape: spiffe://{trust domain}/{kind}/{name}.
struct PrincipalId {
  std::string trust_domain;
  PrincipalKind kind = PrincipalKind::kAgent;
  std::string name;
};

// Strict: lower-case trust domain of [a-z0-9.-], one of the four kinds, a name of [A-Za-z0-9._-] with at most
// 128 characters that is neither "." nor "..", nothing percent-encoded, no query, at most 512 bytes.
// Source of the outer form: SPIFFE-ID, section 2. INVALID_FIELD otherwise.
absl::StatusOr<PrincipalId> ParsePrincipalId(std::string_view uri);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_CORE_POLICY_PRINCIPAL_H_
