// What lets people and programs in: read from data/access_rules.json, which can be extended without touching
// code.
#ifndef COUNTERSIGN_CORE_FINDING_ACCESS_RULES_H_
#define COUNTERSIGN_CORE_FINDING_ACCESS_RULES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

namespace countersign::finding {

// A value of an attribute that lets in more than it should. Applies to what is created and changed.
struct AccessRule {
  std::string code;                 // iam-wildcard, public-ingress or public-bucket
  std::string attribute;            // Without indexes; empty for rules about deletions.
  std::vector<std::string> values;  // Any of these. * stands for any characters, alone for itself.
  bool networks = false;            // Or any network that is too large to be anybody's.
  bool policy_document = false;     // It is an IAM policy in JSON, to be read.
  bool deletion = false;            // Deleting the resource does it.
  std::string only_when;            // An attribute that must have one of `only_values`, as far as is known.
  std::vector<std::string> only_values;
};

// Immutable, hence thread-safe.
class AccessRules {
 public:
  // Errors: INVALID_ARGUMENT, with the place of the first mistake.
  static absl::StatusOr<AccessRules> Parse(std::string_view text);
  // The embedded table.
  static const AccessRules& Get();

  // Of one type of resource.
  const std::vector<AccessRule>& Of(const std::string& type) const;

 private:
  absl::flat_hash_map<std::string, std::vector<AccessRule>> rules_;
};

// Whether a network in CIDR notation (RFC 4632, RFC 4291) is too large to be anybody's own: then a few of
// them are all addresses there are. Unique local and link-local addresses of IPv6 are nobody's from outside.
bool IsWideNetwork(std::string_view network);

// Whether an IAM policy document allows everything, or everybody.
enum class PolicyVerdict { kNarrow, kWide, kPublic, kUnreadable };
PolicyVerdict JudgePolicyDocument(std::string_view json);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_ACCESS_RULES_H_
