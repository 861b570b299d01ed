#include "client/cli/exec/state_check.h"

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_join.h"
#include "core/error/error.h"
#include "core/terraform/strict_zip.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

using terraform::Member;
using terraform::StateFile;
using terraform::StateObject;
using terraform::Value;

constexpr size_t kMostNamed = 5;

// Where the objects of the plan's state are in the state here, which the plan has not moved yet.
class Moves {
 public:
  explicit Moves(const v1::PlanView& plan) {
    for (const auto* const changes : {&plan.resource_changes(), &plan.resource_drift()}) {
      for (const v1::ResourceChange& change : *changes) {
        if (change.previous_address().empty()) continue;
        before_.emplace(change.address(), change.previous_address());
        after_.emplace(change.previous_address(), change.address());
      }
    }
  }
  // Empty where there is none.
  std::string_view Before(std::string_view address) const { return Other(address, before_, after_); }
  std::string_view After(std::string_view address) const { return Other(address, after_, before_); }

 private:
  using Addresses = std::map<std::string, std::string, std::less<>>;

  static std::string_view Other(std::string_view address, const Addresses& there, const Addresses& back) {
    if (const auto found = there.find(address); found != there.end()) return found->second;
    return back.contains(address) ? std::string_view() : address;
  }

  Addresses before_;  // By the address after.
  Addresses after_;   // By the address before.
};

bool IsSameUpToNulls(const Value& left, const Value& right);

// A member that is null and one that is not there are the same: newer providers add attributes so.
bool AreSameUpToNulls(std::span<const Member> left, std::span<const Member> right) {
  auto one = left.begin(), other = right.begin();
  while (one != left.end() || other != right.end()) {
    if (one != left.end() && one->value.is_null()) {
      ++one;
    } else if (other != right.end() && other->value.is_null()) {
      ++other;
    } else if (one == left.end() || other == right.end() || one->name != other->name ||
               !IsSameUpToNulls(one->value, other->value)) {
      return false;
    } else {
      ++one, ++other;
    }
  }
  return true;
}

bool IsSameUpToNulls(const Value& left, const Value& right) {
  if (left.kind() == Value::Kind::kMapping && right.kind() == Value::Kind::kMapping) {
    return AreSameUpToNulls(left.members(), right.members());
  }
  if (left.kind() == Value::Kind::kSequence && right.kind() == Value::Kind::kSequence) {
    return std::equal(left.elements().begin(), left.elements().end(), right.elements().begin(),
                      right.elements().end(), IsSameUpToNulls);
  }
  return terraform::IsSame(left, right);
}

bool IsSameObject(const StateObject& planned, const StateObject& current) {
  if (planned.schema_version == current.schema_version) {
    return IsSameUpToNulls(planned.attributes, current.attributes);
  }
  // Planning brought it to the provider's newer schema. It still is what its id says.
  const Value* const ours = planned.attributes.Find("id");
  const Value* const theirs = current.attributes.Find("id");
  return ours != nullptr && theirs != nullptr && terraform::IsSame(*ours, *theirs);
}

using Counterpart = std::function<std::string_view(std::string_view address)>;

// Addresses of managed objects of `left` that `right` does not have where `counterpart` says, or, if
// `look_inside`, has otherwise.
std::vector<std::string> Missing(const StateFile& left, const StateFile& right,
                                 const Counterpart& counterpart, bool look_inside) {
  std::vector<std::string> missing;
  for (const StateObject& object : left.objects) {
    if (!object.managed) continue;
    const StateObject* const other = right.Find(counterpart(object.address), object.deposed);
    if (other != nullptr && other->managed && (!look_inside || IsSameObject(object, *other))) continue;
    missing.push_back(std::string(object.address));
  }
  return missing;
}

absl::Status OtherContent(const StateFile& current, std::string_view what) {
  return error::Make(v1::PLAN_STALE,
                     text::Concat("the state here (", current.lineage, ", serial ", current.serial,
                                  ") does not hold what the plan was made on: ", what,
                                  "; applying the plan would overwrite that, so plan again"));
}

std::string Names(std::vector<std::string> addresses) {
  const size_t count = addresses.size();
  if (count > kMostNamed) addresses.resize(kMostNamed);
  return text::Concat(absl::StrJoin(addresses, ", "),
                      count > kMostNamed ? text::Concat(" and ", count - kMostNamed, " more") : "");
}

absl::Status CompareObjects(const StateFile& planned, const StateFile& current, const Moves& moves) {
  const Counterpart before = [&moves](std::string_view address) { return moves.Before(address); };
  const Counterpart after = [&moves](std::string_view address) { return moves.After(address); };
  const auto gone = Missing(planned, current, before, /*look_inside=*/false);
  if (!gone.empty()) return OtherContent(current, text::Concat("it lacks ", Names(gone)));
  const auto added = Missing(current, planned, after, /*look_inside=*/false);
  if (!added.empty()) return OtherContent(current, text::Concat("the plan knows nothing of ", Names(added)));
  const auto changed = Missing(planned, current, before, /*look_inside=*/true);
  if (!changed.empty()) return OtherContent(current, text::Concat(Names(changed), " changed in it"));
  return absl::OkStatus();
}

std::string Described(const v1::PlanState& state) {
  return text::Concat(state.lineage(), " at serial ", state.serial());
}

}  // namespace

absl::Status CheckVersion(const v1::PlanState& planned, const StateFile* current) {
  const bool planned_without = planned.lineage().empty() && planned.serial() == 0;
  if (current == nullptr && planned_without) return absl::OkStatus();
  if (current == nullptr) {
    return error::Make(v1::STATE_MISSING,
                       text::Concat("the plan was made on the state ", Described(planned), " with ",
                                    planned.resource_count(), " resources, and there is no state here"));
  }
  const std::string here = text::Concat(current->lineage, " at serial ", current->serial);
  if (planned_without) {
    return error::Make(v1::PLAN_STALE,
                       text::Concat("the plan was made without a state, and there is one here: ", here,
                                    " with ", current->managed_objects, " resources"));
  }
  if (current->lineage != planned.lineage()) {
    return error::Make(v1::STATE_LINEAGE_CHANGED,
                       text::Concat("the plan was made on the state ", Described(planned),
                                    ", and the one here is another: ", here));
  }
  if (current->serial < planned.serial()) {
    return error::Make(v1::STATE_SERIAL_REGRESSED,
                       text::Concat("the plan was made on the state ", Described(planned),
                                    ", and the one here is older: ", here));
  }
  if (current->serial > planned.serial()) {
    return error::Make(v1::PLAN_STALE, text::Concat("the plan was made on the state ", Described(planned),
                                                    ", which has moved on since: ", here));
  }
  return absl::OkStatus();
}

absl::Status CheckState(const v1::PlanView& plan, std::string_view bytes, const StateFile* current) {
  const absl::Status version = CheckVersion(plan.state(), current);
  if (!version.ok() || current == nullptr) return version;
  if (current->digest == plan.state().previous_content_digest()) return absl::OkStatus();
  constexpr std::string_view kEntry = "tfstate-prev";
  const terraform::Limits limits;
  const auto zip = terraform::StrictZip::Open(bytes, limits);
  if (!zip.ok()) return zip.status();
  terraform::StrictZip::Reader reader = zip->Stream(*zip->Find(kEntry));
  terraform::ValueArena arena(limits);
  const auto planned = terraform::ReadState([&reader] { return reader.Next(); }, &arena, limits, kEntry);
  if (!planned.ok()) return planned.status();
  return CompareObjects(*planned, *current, Moves(plan));
}

}  // namespace countersign::cli
