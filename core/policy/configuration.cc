#include "core/policy/configuration.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::policy {
namespace {

constexpr int kMaxPrincipals = 10000;
constexpr int kMaxGroups = 1000;
constexpr int kMaxRules = 1000;
constexpr int kMaxQuorumCount = 100;
constexpr int64_t kMinute = 60;
constexpr int64_t kDay = 86400;

template <typename... Parts>
std::string Path(const Parts&... parts) {
  return text::Concat(parts...);
}

absl::Status CheckPrincipal(const v1::Principal& principal, const std::string& path) {
  const auto id = ParsePrincipalId(principal.id());
  if (!id.ok())
    return error::InvalidField(Path(path, ".id"), "must be spiffe://{trust domain}/{kind}/{name}");
  const bool human = id->kind == PrincipalKind::kHuman;
  if (!human && !principal.person().empty()) {
    return error::InvalidField(Path(path, ".person"), "is for humans; use `owner` for agents and workloads");
  }
  if (human && !principal.owner().empty()) {
    return error::InvalidField(Path(path, ".owner"), "is for agents and workloads; use `person` for humans");
  }
  if (principal.person().size() > 128 || principal.owner().size() > 128) {
    return error::InvalidField(path, "person and owner are at most 128 bytes");
  }
  return absl::OkStatus();
}

// `seconds` only: lifetimes are whole seconds so that every client can show and sign them.
absl::Status CheckLifetime(bool present, const google::protobuf::Duration& value, int64_t low, int64_t high,
                           const std::string& path) {
  if (!present) return absl::OkStatus();
  if (value.nanos() != 0 || value.seconds() < low || value.seconds() > high) {
    return error::InvalidField(path, text::Concat("must be whole seconds from ", low, "s to ", high, "s"));
  }
  return absl::OkStatus();
}

absl::Status CheckLifetimes(const v1::PolicyRule& rule, const std::string& path) {
  absl::Status status = CheckLifetime(rule.has_pending_lifetime(), rule.pending_lifetime(), kMinute,
                                      30 * kDay, Path(path, ".pending_lifetime"));
  status.Update(CheckLifetime(rule.has_approval_lifetime(), rule.approval_lifetime(), kMinute, 7 * kDay,
                              Path(path, ".approval_lifetime")));
  status.Update(CheckLifetime(rule.has_token_lifetime(), rule.token_lifetime(), 60, 300,
                              Path(path, ".token_lifetime")));
  status.Update(CheckLifetime(rule.has_lease_lifetime(), rule.lease_lifetime(), 15, 3600,
                              Path(path, ".lease_lifetime")));
  status.Update(CheckLifetime(rule.has_max_plan_age(), rule.max_plan_age(), kMinute, 30 * kDay,
                              Path(path, ".max_plan_age")));
  return status;
}

absl::Status CheckFindings(int count, const std::string& path) {
  return count > 100 ? error::InvalidField(path, "at most 100") : absl::OkStatus();
}

absl::Status CheckVerdict(const v1::PolicyRule& rule, const std::string& path) {
  const bool needs_quorum = rule.verdict() == v1::Requirement::REQUIRE_APPROVAL;
  if (rule.verdict() == v1::Requirement::VERDICT_UNSPECIFIED) {
    return error::InvalidField(Path(path, ".verdict"), "must be ALLOW, DENY or REQUIRE_APPROVAL");
  }
  if (needs_quorum && rule.quorums().empty()) {
    return error::InvalidField(Path(path, ".quorums"), "REQUIRE_APPROVAL asks for at least one");
  }
  if (!needs_quorum && !rule.quorums().empty()) {
    return error::InvalidField(Path(path, ".quorums"), "only REQUIRE_APPROVAL has quorums");
  }
  if (rule.quorums_size() > 16) return error::InvalidField(Path(path, ".quorums"), "at most 16");
  return absl::OkStatus();
}

}  // namespace

bool IsPlainName(std::string_view text) {
  return !text.empty() && text.size() <= 64 && absl::ascii_islower(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

bool IsTargetName(std::string_view text) {
  return text::ConsumePrefix(&text, "targets/") && IsPlainName(text);
}

absl::StatusOr<Configuration> Configuration::Create(Documents documents) {
  Configuration configuration(std::move(documents));
  absl::Status status = configuration.IndexPrincipals();
  if (status.ok()) status = configuration.IndexGroups();
  if (status.ok()) status = configuration.IndexTargets();
  if (status.ok()) status = configuration.CheckPolicy();
  if (!status.ok()) return status;
  return configuration;
}

absl::Status Configuration::IndexPrincipals() {
  const auto& all = documents_.directory.principals();
  if (all.size() > kMaxPrincipals) return error::InvalidField("Directory.principals", "at most 10000");
  for (int i = 0; i < all.size(); ++i) {
    const std::string path = Path("Directory.principals[", i, "]");
    if (const absl::Status status = CheckPrincipal(all[i], path); !status.ok()) return status;
    if (!principal_index_.try_emplace(all[i].id(), principals_.size()).second) {
      return error::InvalidField(Path(path, ".id"), "is there twice");
    }
    principals_.push_back(all[i]);
  }
  return absl::OkStatus();
}

absl::Status Configuration::IndexGroups() {
  const auto& groups = documents_.directory.groups();
  if (groups.size() > kMaxGroups) return error::InvalidField("Directory.groups", "at most 1000");
  for (int i = 0; i < groups.size(); ++i) {
    const v1::Group& group = groups[i];
    const std::string path = Path("Directory.groups[", i, "]");
    if (!IsPlainName(group.name())) {
      return error::InvalidField(Path(path, ".name"),
                                 "must be 1 to 64 of a-z, 0-9, '-', starting with a letter");
    }
    const auto [entry, inserted] = members_.try_emplace(group.name());
    if (!inserted) return error::InvalidField(Path(path, ".name"), "is there twice");
    for (int j = 0; j < group.members_size(); ++j) {
      const v1::Principal* member = FindPrincipal(group.members(j));
      const std::string member_path = Path(path, ".members[", j, "]");
      if (member == nullptr) return error::InvalidField(member_path, "is not a principal of this directory");
      if (group.name() == kAdminGroup && KindOf(*member) != PrincipalKind::kHuman) {
        return error::InvalidField(member_path, "only humans can be admins");
      }
      entry->second.insert(group.members(j));
    }
  }
  return absl::OkStatus();
}

absl::Status Configuration::IndexTargets() {
  for (size_t i = 0; i < documents_.targets.size(); ++i) {
    const v1::Target& target = documents_.targets[i];
    if (!IsTargetName(target.name())) {
      return error::InvalidField("Target.name",
                                 "must be targets/{1 to 64 of a-z, 0-9, '-', starting with a letter}");
    }
    const std::string path = Path("Target ", target.name());
    if (!target_index_.try_emplace(target.name(), i).second)
      return error::InvalidField(path, "is there twice");
    if (!IsPlainName(target.environment())) {
      return error::InvalidField(Path(path, ".environment"),
                                 "must be 1 to 64 of a-z, 0-9, '-', starting with a letter");
    }
    for (int j = 0; j < target.owners_size(); ++j) {
      if (!members_.contains(target.owners(j))) {
        return error::InvalidField(Path(path, ".owners[", j, "]"), "is not a group of the directory");
      }
    }
    for (int j = 0; j < target.executors_size(); ++j) {
      const std::string executor_path = Path(path, ".executors[", j, "]");
      const v1::Principal* executor = FindPrincipal(target.executors(j));
      if (executor == nullptr)
        return error::InvalidField(executor_path, "is not a principal of the directory");
      const PrincipalKind kind = KindOf(*executor);
      if (kind != PrincipalKind::kWorkload && kind != PrincipalKind::kHuman) {
        return error::InvalidField(executor_path, "must be a workload or a human");
      }
    }
    if (target.audience().size() > 512)
      return error::InvalidField(Path(path, ".audience"), "at most 512 bytes");
    if (!target.engine().empty() && target.engine() != "terraform" && target.engine() != "tofu") {
      return error::InvalidField(Path(path, ".engine"),
                                 "must be terraform or tofu, or be left out for either");
    }
  }
  return absl::OkStatus();
}

absl::Status Configuration::CheckPolicy() const {
  const auto& rules = documents_.policy.rules();
  if (rules.size() > kMaxRules) return error::InvalidField("Policy.rules", "at most 1000");
  std::set<std::string> names;
  for (int i = 0; i < rules.size(); ++i) {
    const v1::PolicyRule& rule = rules[i];
    const std::string path = Path("Policy.rules[", i, "]");
    if (!IsPlainName(rule.name()) || rule.name() == "default" || !names.insert(rule.name()).second) {
      return error::InvalidField(Path(path, ".name"),
                                 "must be unique, of a-z, 0-9, '-', and not \"default\"");
    }
    for (int j = 0; j < rule.targets_size(); ++j) {
      if (!IsTargetName(rule.targets(j)))
        return error::InvalidField(Path(path, ".targets[", j, "]"), "must be targets/{target}");
    }
    for (int j = 0; j < rule.environments_size(); ++j) {
      if (!IsPlainName(rule.environments(j)))
        return error::InvalidField(Path(path, ".environments[", j, "]"), "must be a plain name");
    }
    for (int j = 0; j < rule.kinds_size(); ++j) {
      if (!v1::Kind_IsValid(rule.kinds(j)) || rule.kinds(j) == v1::KIND_UNSPECIFIED) {
        return error::InvalidField(Path(path, ".kinds[", j, "]"), "must be TERRAFORM_PLAN or COMMAND");
      }
    }
    absl::Status status = CheckVerdict(rule, path);
    status.Update(CheckFindings(rule.forbidden_findings_size(), Path(path, ".forbidden_findings")));
    status.Update(CheckFindings(rule.permitted_findings_size(), Path(path, ".permitted_findings")));
    status.Update(CheckLifetimes(rule, path));
    if (!status.ok()) return status;
    for (int j = 0; j < rule.quorums_size(); ++j) {
      const v1::Quorum& quorum = rule.quorums(j);
      const std::string quorum_path = Path(path, ".quorums[", j, "]");
      if (quorum.count() < 1 || quorum.count() > kMaxQuorumCount) {
        return error::InvalidField(Path(quorum_path, ".count"), "must be 1 to 100");
      }
      for (int k = 0; k < quorum.groups_size(); ++k) {
        if (!members_.contains(quorum.groups(k))) {
          return error::InvalidField(Path(quorum_path, ".groups[", k, "]"),
                                     "is not a group of the directory");
        }
      }
    }
  }
  return absl::OkStatus();
}

std::string Configuration::DigestOf(std::string_view document) const {
  const auto found = documents_.digests.find(std::string(document));
  return found == documents_.digests.end() ? "" : found->second;
}

const v1::Principal* Configuration::FindPrincipal(std::string_view id) const {
  const auto found = principal_index_.find(id);
  return found == principal_index_.end() ? nullptr : &principals_[found->second];
}

const v1::Principal* Configuration::FindActivePrincipal(std::string_view id) const {
  const v1::Principal* principal = FindPrincipal(id);
  return principal == nullptr || principal->revoked() ? nullptr : principal;
}

const v1::Target* Configuration::FindTarget(std::string_view name) const {
  const auto found = target_index_.find(name);
  return found == target_index_.end() ? nullptr : &documents_.targets[found->second];
}

bool Configuration::IsMember(std::string_view principal, std::string_view group) const {
  const auto found = members_.find(group);
  return found != members_.end() && found->second.contains(principal);
}

std::vector<std::string> Configuration::GroupsOf(std::string_view principal) const {
  std::vector<std::string> groups;
  for (const auto& [name, members] : members_) {
    if (members.contains(principal)) groups.push_back(name);
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

std::string Configuration::PersonOf(const v1::Principal& principal) {
  return principal.person().empty() ? principal.id() : principal.person();
}

PrincipalKind Configuration::KindOf(const v1::Principal& principal) {
  // Create() has parsed every id; were one unreadable, the kind with the fewest powers is the safe answer.
  const auto id = ParsePrincipalId(principal.id());
  return id.ok() ? id->kind : PrincipalKind::kAgent;
}

}  // namespace countersign::policy
