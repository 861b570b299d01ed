#include "core/policy/quorum.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_join.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::policy {
namespace {

bool InAnyGroup(const Configuration& configuration, const v1::Quorum& quorum, std::string_view principal) {
  return quorum.groups().empty() ||
         std::any_of(quorum.groups().begin(), quorum.groups().end(),
                     [&](const std::string& group) { return configuration.IsMember(principal, group); });
}

// A person and the quorums (by index) that one of their eligible identities could count for.
using Candidates = std::map<std::string, std::set<int>>;

// Assigns every person to at most one quorum so that as many places as possible are filled: a bipartite
// matching by augmenting paths, because a greedy choice can miss an assignment that exists.
class Assignment {
 public:
  Assignment(const v1::Requirement& requirement, const Candidates& candidates) : candidates_(candidates) {
    for (int quorum = 0; quorum < requirement.quorums_size(); ++quorum) {
      open_.push_back(requirement.quorums(quorum).count());
    }
    holders_.resize(open_.size());
    for (const auto& [person, unused] : candidates_) {
      std::set<int> visited;
      Place(person, &visited);
    }
  }
  // Places of each quorum that nobody fills.
  const std::vector<int>& open() const { return open_; }

 private:
  bool Place(const std::string& person, std::set<int>* visited) {
    for (const int quorum : candidates_.at(person)) {
      if (!visited->insert(quorum).second) continue;
      if (open_[quorum] > 0) {
        --open_[quorum];
        holders_[quorum].push_back(person);
        return true;
      }
      for (std::string& holder : holders_[quorum]) {
        if (Place(holder, visited)) {
          holder = person;
          return true;
        }
      }
    }
    return false;
  }

  const Candidates& candidates_;
  std::vector<int> open_;
  std::vector<std::vector<std::string>> holders_;
};

void AddCandidate(const Configuration& configuration, const v1::Requirement& requirement,
                  std::string_view requester, const v1::Principal& principal, Candidates* candidates) {
  if (!CheckEligible(configuration, requirement, requester, principal.id()).ok()) return;
  for (int i = 0; i < requirement.quorums_size(); ++i) {
    if (InAnyGroup(configuration, requirement.quorums(i), principal.id())) {
      (*candidates)[Configuration::PersonOf(principal)].insert(i);
    }
  }
}

std::string Groups(const v1::Quorum& quorum) {
  if (quorum.groups().empty()) return "any human but the requester";
  return text::Concat(quorum.groups_size() == 1 ? "group " : "groups ",
                      absl::StrJoin(quorum.groups(), " or "));
}

}  // namespace

absl::Status CheckEligible(const Configuration& configuration, const v1::Requirement& requirement,
                           std::string_view requester, std::string_view decider) {
  if (decider == requester) {
    return error::Make(v1::SELF_APPROVAL_FORBIDDEN,
                       "you submitted this proposal; somebody else has to decide");
  }
  const v1::Principal* principal = configuration.FindActivePrincipal(decider);
  if (principal == nullptr || Configuration::KindOf(*principal) != PrincipalKind::kHuman) {
    return error::Make(v1::APPROVER_NOT_ELIGIBLE, "only active humans of the directory decide");
  }
  const std::string person = Configuration::PersonOf(*principal);
  const v1::Principal* asker = configuration.FindPrincipal(requester);
  if (asker != nullptr && Configuration::KindOf(*asker) == PrincipalKind::kHuman &&
      Configuration::PersonOf(*asker) == person) {
    return error::Make(v1::SELF_APPROVAL_FORBIDDEN,
                       "another identity of yours submitted this proposal; somebody else has to decide");
  }
  if (requirement.owner_excluded() && asker != nullptr && !asker->owner().empty() &&
      asker->owner() == person) {
    return error::Make(v1::SELF_APPROVAL_FORBIDDEN,
                       "policy wants somebody other than the owner of the agent to decide");
  }
  for (const v1::Quorum& quorum : requirement.quorums()) {
    if (InAnyGroup(configuration, quorum, decider)) return absl::OkStatus();
  }
  return error::Make(v1::APPROVER_NOT_ELIGIBLE, "you are in none of the groups that policy asks for");
}

std::vector<std::string> MissingApprovals(const Configuration& configuration,
                                          const v1::Requirement& requirement, std::string_view requester,
                                          const std::vector<std::string>& approvers) {
  Candidates candidates;
  for (const std::string& approver : approvers) {
    const v1::Principal* principal = configuration.FindActivePrincipal(approver);
    if (principal != nullptr) AddCandidate(configuration, requirement, requester, *principal, &candidates);
  }
  const Assignment assignment(requirement, candidates);
  std::vector<std::string> missing;
  for (int i = 0; i < requirement.quorums_size(); ++i) {
    const int open = assignment.open()[i];
    if (open == 0) continue;
    missing.push_back(
        text::Concat(open, open == 1 ? " approval" : " approvals", " from ", Groups(requirement.quorums(i))));
  }
  return missing;
}

absl::Status CheckReachable(const Configuration& configuration, const v1::Requirement& requirement,
                            std::string_view requester) {
  std::vector<std::string> everybody;
  for (const v1::Principal& principal : configuration.principals()) everybody.push_back(principal.id());
  const auto missing = MissingApprovals(configuration, requirement, requester, everybody);
  if (missing.empty()) return absl::OkStatus();
  return error::Make(
      v1::QUORUM_IMPOSSIBLE,
      text::Concat("nobody could ever approve this: the directory lacks ", absl::StrJoin(missing, " and "),
                   "; add people to the directory or change policy rule \"", requirement.rule(), "\""));
}

std::string OnlyTheOwner(const Configuration& configuration, const v1::Requirement& requirement,
                         std::string_view requester) {
  const v1::Principal* const asker = configuration.FindPrincipal(requester);
  if (asker == nullptr || asker->owner().empty()) return "";
  v1::Requirement by_others = requirement;
  by_others.set_owner_excluded(true);
  const auto& all = configuration.principals();
  const bool others = std::any_of(all.begin(), all.end(), [&](const v1::Principal& principal) {
    return CheckEligible(configuration, by_others, requester, principal.id()).ok();
  });
  return others ? "" : asker->owner();
}

}  // namespace countersign::policy
