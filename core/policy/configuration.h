#ifndef COUNTERSIGN_CORE_POLICY_CONFIGURATION_H_
#define COUNTERSIGN_CORE_POLICY_CONFIGURATION_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/policy/principal.h"
#include "countersign/v1/config.pb.h"

namespace countersign::policy {

inline constexpr std::string_view kAdminGroup = "admin";

// The documents of one version, unindexed.
struct Documents {
  int64_t version = 0;
  v1::Directory directory;
  v1::Policy policy;
  std::vector<v1::Target> targets;
  // Document name to the digest of its text.
  std::map<std::string, std::string> digests;
};

// One consistent, validated version of directory, policy and targets. Immutable after Create(), hence
// thread-safe. Pointers that it returns live as long as it does.
class Configuration {
 public:
  // INVALID_FIELD with the path of the first thing that is wrong, for example
  // "Directory.groups[2].members[0]".
  static absl::StatusOr<Configuration> Create(Documents documents);

  int64_t version() const { return documents_.version; }
  const v1::Policy& policy() const { return documents_.policy; }
  // Empty when no such document was applied.
  std::string DigestOf(std::string_view document) const;

  const v1::Principal* FindPrincipal(std::string_view id) const;
  // nullptr also for a principal that is revoked: whoever decides or runs must be known and not revoked.
  const v1::Principal* FindActivePrincipal(std::string_view id) const;
  const v1::Target* FindTarget(std::string_view name) const;
  bool IsMember(std::string_view principal, std::string_view group) const;
  std::vector<std::string> GroupsOf(std::string_view principal) const;
  const std::vector<v1::Principal>& principals() const { return principals_; }
  const std::vector<v1::Target>& targets() const { return documents_.targets; }

  // The person behind a principal: the human's `person`, or the id itself where none is named.
  static std::string PersonOf(const v1::Principal& principal);
  static PrincipalKind KindOf(const v1::Principal& principal);

 private:
  explicit Configuration(Documents documents) : documents_(std::move(documents)) {}
  absl::Status IndexPrincipals();
  absl::Status IndexGroups();
  absl::Status IndexTargets();
  absl::Status CheckPolicy() const;

  Documents documents_;
  std::vector<v1::Principal> principals_;
  std::map<std::string, size_t, std::less<>> principal_index_;
  std::map<std::string, size_t, std::less<>> target_index_;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> members_;
};

// 1 to 64 of a-z, 0-9 and '-', starting with a letter: names of groups, environments and rules.
bool IsPlainName(std::string_view text);

// Format: targets/{plain name}.
bool IsTargetName(std::string_view text);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_CORE_POLICY_CONFIGURATION_H_
