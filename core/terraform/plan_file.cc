#include "core/terraform/plan_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/terraform/address.h"
#include "core/terraform/path.h"
#include "core/terraform/place.h"
#include "core/terraform/plan_wire.h"
#include "core/terraform/unreadable.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

constexpr uint64_t kFormatVersion = 3;
constexpr int kOldestMinor = 8;
constexpr int kNewestMinor = 16;
constexpr size_t kMostVersionBytes = 64;
constexpr size_t kMostTimestampBytes = 64;

constexpr int32_t kLastMode = kModeRefreshOnly;
constexpr int32_t kLastStatus = 3;
constexpr int32_t kLastDeferredReason = 7;
constexpr int32_t kLastTriggerEvent = 7;
constexpr int32_t kLastOnFailure = 2;

// Which of a change's values is the one before, and which the one after.
struct ActionRow {
  int32_t action;
  int values;
  std::optional<int> before;
  std::optional<int> after;
  std::array<std::string_view, 2> words;
};

constexpr ActionRow kActions[] = {
    {kActionNoOp, 1, 0, 0, {"no-op"}},
    {kActionCreate, 1, std::nullopt, 0, {"create"}},
    {kActionRead, 2, 0, 1, {"read"}},
    {kActionUpdate, 2, 0, 1, {"update"}},
    {kActionDelete, 1, 0, std::nullopt, {"delete"}},
    {kActionDeleteThenCreate, 2, 0, 1, {"delete", "create"}},
    {kActionCreateThenDelete, 2, 0, 1, {"create", "delete"}},
    {kActionForget, 1, 0, std::nullopt, {"forget"}},
    {kActionCreateThenForget, 2, 0, 1, {"create", "forget"}},
};

constexpr std::string_view kReasons[] = {
    "",
    "replace_because_tainted",
    "replace_by_request",
    "replace_because_cannot_update",
    "delete_because_no_resource_config",
    "delete_because_wrong_repetition",
    "delete_because_count_index",
    "delete_because_each_key",
    "delete_because_no_module",
    "replace_by_triggers",
    "read_because_config_unknown",
    "read_because_dependency_pending",
    "delete_because_no_move_target",
    "read_because_check_nested",
};

// What a check's `kind` is the position of. Resources have addresses of their own.
constexpr std::string_view kCheckKeywords[] = {"", "", "output", "check", "var"};
constexpr int32_t kCheckOfResource = 1;

// Which addresses may stand in a place.
constexpr Address::Mode kResources[] = {Address::Mode::kManaged, Address::Mode::kData,
                                        Address::Mode::kEphemeral};
constexpr Address::Mode kChangeable[] = {Address::Mode::kManaged, Address::Mode::kData};
constexpr Address::Mode kManagedOnly[] = {Address::Mode::kManaged};
constexpr Address::Mode kActionsOnly[] = {Address::Mode::kAction};

const ActionRow* RowOf(int32_t action) {
  const auto* const row = std::find_if(std::begin(kActions), std::end(kActions),
                                       [action](const ActionRow& each) { return each.action == action; });
  return row == std::end(kActions) ? nullptr : row;
}

const std::string* ValueAt(const plan_file::Change& change, std::optional<int> position) {
  if (!position.has_value() || *position >= change.values_size()) return nullptr;
  return &change.values(*position).msgpack();
}

absl::Status Refused(const Place& place, std::string_view what) { return Unreadable(place.Text(), what); }

bool IsWithin(int32_t value, int32_t first, int32_t last) { return value >= first && value <= last; }

absl::Status CheckRange(int32_t value, int32_t first, int32_t last, const Place& place) {
  if (IsWithin(value, first, last)) return absl::OkStatus();
  return Refused(place, absl::StrCat("is ", value, ", which this version does not know"));
}

bool IsName(std::string_view text) { return ConsumeName(&text) && text.empty(); }

bool IsDeposedKey(std::string_view text) {
  constexpr size_t kDigits = 8;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Calls `check(element, place)` for each of a list until one is not OK.
template <typename List, typename Check>
absl::Status CheckEach(const List& list, const Place& above, std::string_view name, Check check) {
  size_t index = 0;
  for (const auto& element : list) {
    if (const absl::Status status = check(element, Place(above, name, index++)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// The first that is not OK, or OK. All have been looked at by then.
template <typename... Statuses>
absl::Status FirstOf(absl::Status first, const Statuses&... others) {
  ((first.ok() ? void(first = others) : void()), ...);
  return first;
}

// `1.MINOR.PATCH`, perhaps with something after `-` or `+`.
std::optional<int> MinorOf(std::string_view version) {
  if (version.size() > kMostVersionBytes) return std::nullopt;
  const std::string_view numbers = version.substr(0, version.find_first_of("-+"));
  const std::string_view rest = version.substr(numbers.size());
  constexpr std::string_view kAllowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-+";
  if (rest.size() == 1 || rest.find_first_not_of(kAllowed) != std::string_view::npos) return std::nullopt;
  const std::vector<std::string_view> parts = text::Split(numbers, '.');
  if (parts.size() != 3) return std::nullopt;
  int values[3];
  for (size_t i = 0; i < 3; ++i) {
    const char* const end = parts[i].data() + parts[i].size();
    const auto parsed = std::from_chars(parts[i].data(), end, values[i]);
    if (parsed.ec != std::errc() || parsed.ptr != end || values[i] < 0) return std::nullopt;
    if (parts[i].size() > 1 && parts[i].starts_with('0')) return std::nullopt;
  }
  // Others are older than the first or newer than the last that is read, whatever their second number.
  return values[0] == 1 ? values[1] : values[0] == 0 ? 0 : kNewestMinor + 1;
}

bool IsTimestamp(const std::string& text) {
  google::protobuf::Timestamp ignored;
  return text.size() <= kMostTimestampBytes && google::protobuf::util::TimeUtil::FromString(text, &ignored);
}

// Checks what CheckPlanWire() cannot see. Borrows the limits.
class Checker {
 public:
  explicit Checker(const Limits& limits) : limits_(limits) {}

  absl::Status Plan(const plan_file::Plan& plan, const NewestField& newest) const;

 private:
  static absl::Status Origin(const plan_file::Plan& plan, const NewestField& newest, const Place& place);
  static absl::Status Backend(const plan_file::Plan& plan, const Place& place);
  static absl::Status Variables(const plan_file::Plan& plan, const Place& place);
  absl::Status Changes(const plan_file::Plan& plan, const Place& place) const;
  absl::Status Outputs(const plan_file::Plan& plan, const Place& place) const;
  absl::Status Options(const plan_file::Plan& plan, const Place& place) const;
  absl::Status Actions(const plan_file::Plan& plan, const Place& place) const;

  absl::Status ResourceChange(const plan_file::ResourceInstanceChange& change, const Place& place) const;
  absl::Status ChangesOnce(const google::protobuf::RepeatedPtrField<plan_file::ResourceInstanceChange>& list,
                           const Place& place, std::string_view name) const;
  absl::Status CheckResult(const plan_file::CheckResults& result, const Place& place) const;
  absl::Status Invocation(const plan_file::ActionInvocationInstance& invocation, const Place& place) const;
  absl::Status Trigger(const plan_file::ResourceActionTrigger& trigger, const Place& place) const;

  absl::Status ResourceAddress(const std::string& text, std::span<const Address::Mode> modes,
                               const Place& place) const;
  absl::Status Provider(const std::string& text, const Place& place) const;

  static absl::Status Change(const plan_file::Change& change, const Place& place);
  static absl::Status Value(const plan_file::DynamicValue& value, const Place& place);
  static absl::Status Path(const plan_file::Path& path, const Place& place);

  const Limits& limits_;
};

absl::Status Checker::Plan(const plan_file::Plan& plan, const NewestField& newest) const {
  const Place place("tfplan");
  // The origin first: what another version wrote can fail everywhere else too.
  if (const absl::Status status = Origin(plan, newest, place); !status.ok()) return status;
  if (const absl::Status status = Backend(plan, place); !status.ok()) return status;
  if (const absl::Status status = Variables(plan, place); !status.ok()) return status;
  if (const absl::Status status = Changes(plan, place); !status.ok()) return status;
  if (const absl::Status status = Outputs(plan, place); !status.ok()) return status;
  if (const absl::Status status = Options(plan, place); !status.ok()) return status;
  return Actions(plan, place);
}

absl::Status Checker::Origin(const plan_file::Plan& plan, const NewestField& newest, const Place& place) {
  if (plan.version() != kFormatVersion) {
    return Refused(place, absl::StrCat("is of format version ", plan.version(), ", not ", kFormatVersion));
  }
  const Place version(place, "terraform_version");
  const std::optional<int> minor = MinorOf(plan.terraform_version());
  if (!minor.has_value()) return Refused(version, "is not the version of a release");
  if (*minor < kOldestMinor || *minor > kNewestMinor) {
    return Refused(version, absl::StrCat("is ", plan.terraform_version(), "; plans of 1.", kOldestMinor,
                                         " to 1.", kNewestMinor, " are read: plan again with one of those"));
  }
  if (newest.since > *minor) {
    return Unreadable(newest.place, absl::StrCat("is not known before Terraform 1.", newest.since,
                                                 ", and the plan says that 1.", *minor, " wrote it"));
  }
  if (!IsTimestamp(plan.timestamp())) return Refused(Place(place, "timestamp"), "is not a time");
  return CheckRange(plan.ui_mode(), kModeNormal, kLastMode, Place(place, "ui_mode"));
}

absl::Status Checker::Backend(const plan_file::Plan& plan, const Place& place) {
  if (plan.has_state_store()) {
    return Refused(Place(place, "state_store"), "is not supported: keep the state in a backend");
  }
  const Place here(place, "backend");
  if (!plan.has_backend() || plan.backend().type().empty()) return Refused(here, "is missing");
  if (!IsName(plan.backend().type())) return Refused(Place(here, "type"), "is not a name");
  if (plan.backend().workspace().empty()) return Refused(Place(here, "workspace"), "is missing");
  return Value(plan.backend().config(), Place(here, "config"));
}

absl::Status Checker::Variables(const plan_file::Plan& plan, const Place& place) {
  std::set<std::string_view> names;
  const auto check = [&names](const plan_file::Variable& variable, const Place& here) {
    if (!IsName(variable.name())) return Refused(Place(here, "name"), "is not a name");
    if (!names.insert(variable.name()).second) return Refused(here, "is given a second time");
    return Value(variable.value(), Place(here, "value"));
  };
  if (const absl::Status status = CheckEach(plan.variables(), place, "variables", check); !status.ok()) {
    return status;
  }
  return CheckEach(plan.apply_time_variables(), place, "apply_time_variables",
                   [](const std::string& name, const Place& here) {
                     return IsName(name) ? absl::OkStatus() : Refused(here, "is not a name");
                   });
}

absl::Status Checker::Changes(const plan_file::Plan& plan, const Place& place) const {
  const absl::Status status = ChangesOnce(plan.resource_changes(), place, "resource_changes");
  if (!status.ok()) return status;
  const absl::Status drift = ChangesOnce(plan.resource_drift(), place, "resource_drift");
  if (!drift.ok()) return drift;
  return CheckEach(plan.deferred_changes(), place, "deferred_changes",
                   [this](const plan_file::DeferredResourceInstanceChange& deferred, const Place& here) {
                     return FirstOf(CheckRange(deferred.deferred().reason(), 1, kLastDeferredReason,
                                               Place(Place(here, "deferred"), "reason")),
                                    ResourceChange(deferred.change(), Place(here, "change")));
                   });
}

absl::Status Checker::ChangesOnce(
    const google::protobuf::RepeatedPtrField<plan_file::ResourceInstanceChange>& list, const Place& place,
    std::string_view name) const {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  return CheckEach(list, place, name,
                   [this, &seen](const plan_file::ResourceInstanceChange& change, const Place& here) {
                     const absl::Status status = ResourceChange(change, here);
                     if (!status.ok() || seen.emplace(change.addr(), change.deposed_key()).second)
                       return status;
                     return Refused(here, "is a second change of the same object");
                   });
}

absl::Status Checker::ResourceChange(const plan_file::ResourceInstanceChange& change,
                                     const Place& place) const {
  const absl::Status address = ResourceAddress(change.addr(), kChangeable, Place(place, "addr"));
  if (!address.ok()) return address;
  if (!change.prev_run_addr().empty()) {
    const absl::Status moved =
        ResourceAddress(change.prev_run_addr(), kChangeable, Place(place, "prev_run_addr"));
    if (!moved.ok()) return moved;
  }
  if (!change.deposed_key().empty() && !IsDeposedKey(change.deposed_key())) {
    return Refused(Place(place, "deposed_key"), "is not eight hexadecimal digits");
  }
  const absl::Status provider = Provider(change.provider(), Place(place, "provider"));
  if (!provider.ok()) return provider;
  if (!change.has_change()) return Refused(Place(place, "change"), "is missing");
  constexpr auto kLastReason = static_cast<int32_t>(std::size(kReasons)) - 1;
  return FirstOf(CheckRange(change.action_reason(), 0, kLastReason, Place(place, "action_reason")),
                 CheckEach(change.required_replace(), place, "required_replace", Path),
                 Change(change.change(), Place(place, "change")));
}

absl::Status Checker::Change(const plan_file::Change& change, const Place& place) {
  const ActionRow* const row = RowOf(change.action());
  if (row == nullptr) {
    return Refused(Place(place, "action"),
                   absl::StrCat("is ", change.action(), ", which this version does not know"));
  }
  if (change.values_size() != row->values) {
    return Refused(Place(place, "values"), absl::StrCat("are ", change.values_size(), ", and the action ",
                                                        change.action(), " takes ", row->values));
  }
  absl::Status status =
      FirstOf(CheckEach(change.values(), place, "values", Value),
              CheckEach(change.before_sensitive_paths(), place, "before_sensitive_paths", Path),
              CheckEach(change.after_sensitive_paths(), place, "after_sensitive_paths", Path));
  if (change.has_before_identity() && status.ok()) {
    status = Value(change.before_identity(), Place(place, "before_identity"));
  }
  if (change.has_after_identity() && status.ok()) {
    status = Value(change.after_identity(), Place(place, "after_identity"));
  }
  if (change.importing().has_identity() && status.ok()) {
    status = Value(change.importing().identity(), Place(Place(place, "importing"), "identity"));
  }
  return status;
}

absl::Status Checker::Value(const plan_file::DynamicValue& value, const Place& place) {
  return value.msgpack().empty() ? Refused(place, "is missing") : absl::OkStatus();
}

absl::Status Checker::Path(const plan_file::Path& path, const Place& place) {
  return CheckEach(path.steps(), place, "steps", [](const plan_file::PathStep& step, const Place& here) {
    switch (step.selector_case()) {
      case plan_file::PathStep::kAttributeName:
        return absl::OkStatus();
      case plan_file::PathStep::kElementKey:
        return Value(step.element_key(), Place(here, "element_key"));
      case plan_file::PathStep::SELECTOR_NOT_SET:
        break;
    }
    return Refused(here, "leads nowhere");
  });
}

absl::Status Checker::ResourceAddress(const std::string& text, std::span<const Address::Mode> modes,
                                      const Place& place) const {
  const auto address = ParseAddress(text, "", limits_);
  if (!address.ok()) return ParseAddress(text, place.Text(), limits_).status();
  if (std::find(modes.begin(), modes.end(), address->mode) != modes.end()) return absl::OkStatus();
  return Refused(place, "is of a kind that has no place there");
}

absl::Status Checker::Provider(const std::string& text, const Place& place) const {
  if (ParseProviderAddress(text, "", limits_).ok()) return absl::OkStatus();
  return ParseProviderAddress(text, place.Text(), limits_).status();
}

absl::Status Checker::Outputs(const plan_file::Plan& plan, const Place& place) const {
  std::set<std::string_view> names;
  const auto output = [&names](const plan_file::OutputChange& change, const Place& here) {
    if (!IsName(change.name())) return Refused(Place(here, "name"), "is not a name");
    if (!names.insert(change.name()).second) return Refused(here, "is a second change of the same output");
    if (!change.has_change()) return Refused(Place(here, "change"), "is missing");
    return Change(change.change(), Place(here, "change"));
  };
  const auto check = [this](const plan_file::CheckResults& result, const Place& here) {
    return CheckResult(result, here);
  };
  return FirstOf(CheckEach(plan.output_changes(), place, "output_changes", output),
                 CheckEach(plan.check_results(), place, "check_results", check));
}

absl::Status Checker::CheckResult(const plan_file::CheckResults& result, const Place& place) const {
  constexpr auto kLastKind = static_cast<int32_t>(std::size(kCheckKeywords)) - 1;
  const absl::Status kind = FirstOf(CheckRange(result.kind(), 1, kLastKind, Place(place, "kind")),
                                    CheckRange(result.status(), 0, kLastStatus, Place(place, "status")));
  if (!kind.ok()) return kind;
  const auto address = [this, &result](const std::string& text, const Place& here) {
    if (result.kind() != kCheckOfResource) {
      return CheckNamedObject(text, kCheckKeywords[result.kind()], here.Text(), limits_);
    }
    return ResourceAddress(text, kResources, here);
  };
  const absl::Status configured = address(result.config_addr(), Place(place, "config_addr"));
  if (!configured.ok()) return configured;
  return CheckEach(result.objects(), place, "objects",
                   [&address](const plan_file::CheckObject& object, const Place& here) {
                     return FirstOf(CheckRange(object.status(), 0, kLastStatus, Place(here, "status")),
                                    address(object.object_addr(), Place(here, "object_addr")));
                   });
}

absl::Status Checker::Options(const plan_file::Plan& plan, const Place& place) const {
  const auto target = [this](const std::string& text, const Place& here) {
    return CheckTarget(text, here.Text(), limits_);
  };
  const auto replaced = [this](const std::string& text, const Place& here) {
    return ResourceAddress(text, kManagedOnly, here);
  };
  const auto invoked = [this](const std::string& text, const Place& here) {
    return ResourceAddress(text, kActionsOnly, here);
  };
  const auto relevant = [this](const plan_file::RelevantAttribute& attribute, const Place& here) {
    return FirstOf(ResourceAddress(attribute.resource(), kResources, Place(here, "resource")),
                   Path(attribute.attr(), Place(here, "attr")));
  };
  return FirstOf(CheckEach(plan.target_addrs(), place, "target_addrs", target),
                 CheckEach(plan.force_replace_addrs(), place, "force_replace_addrs", replaced),
                 CheckEach(plan.action_target_addrs(), place, "action_target_addrs", invoked),
                 CheckEach(plan.relevant_attributes(), place, "relevant_attributes", relevant));
}

absl::Status Checker::Actions(const plan_file::Plan& plan, const Place& place) const {
  const auto planned = [this](const plan_file::ActionInvocationInstance& invocation, const Place& here) {
    return Invocation(invocation, here);
  };
  const auto deferred = [this](const plan_file::DeferredActionInvocation& invocation, const Place& here) {
    return FirstOf(CheckRange(invocation.deferred().reason(), 1, kLastDeferredReason,
                              Place(Place(here, "deferred"), "reason")),
                   Invocation(invocation.action_invocation(), Place(here, "action_invocation")));
  };
  return FirstOf(
      CheckEach(plan.action_invocations(), place, "action_invocations", planned),
      CheckEach(plan.deferred_action_invocations(), place, "deferred_action_invocations", deferred));
}

absl::Status Checker::Invocation(const plan_file::ActionInvocationInstance& invocation,
                                 const Place& place) const {
  absl::Status status =
      FirstOf(ResourceAddress(invocation.addr(), kActionsOnly, Place(place, "addr")),
              Provider(invocation.provider(), Place(place, "provider")),
              CheckEach(invocation.sensitive_config_paths(), place, "sensitive_config_paths", Path));
  if (status.ok() && invocation.has_config_value()) {
    status = Value(invocation.config_value(), Place(place, "config_value"));
  }
  if (!status.ok()) return status;
  switch (invocation.trigger_case()) {
    case plan_file::ActionInvocationInstance::kResourceActionTrigger:
      return Trigger(invocation.resource_action_trigger(), Place(place, "resource_action_trigger"));
    case plan_file::ActionInvocationInstance::kInvokeActionTrigger: {
      const std::string& caller = invocation.invoke_action_trigger().calling_resource_addr();
      const Place here(place, "invoke_action_trigger");
      if (caller.empty()) return absl::OkStatus();
      return ResourceAddress(caller, kManagedOnly, Place(here, "calling_resource_addr"));
    }
    case plan_file::ActionInvocationInstance::TRIGGER_NOT_SET:
      break;
  }
  return Refused(place, "does not say what triggers it");
}

absl::Status Checker::Trigger(const plan_file::ResourceActionTrigger& trigger, const Place& place) const {
  if (trigger.action_trigger_block_index() < 0 || trigger.actions_list_index() < 0) {
    return Refused(place, "has a position below zero");
  }
  return FirstOf(ResourceAddress(trigger.triggering_resource_addr(), kManagedOnly,
                                 Place(place, "triggering_resource_addr")),
                 CheckRange(trigger.trigger_event(), 1, kLastTriggerEvent, Place(place, "trigger_event")),
                 CheckRange(trigger.on_failure(), 0, kLastOnFailure, Place(place, "on_failure")));
}

}  // namespace

absl::StatusOr<plan_file::Plan> ParsePlanFile(const std::string& bytes, const Limits& limits) {
  // Protobuf counts bytes in an int.
  if (bytes.size() > limits.plan_bytes || bytes.size() > std::numeric_limits<int>::max()) {
    return Unreadable("tfplan", absl::StrCat("is over ", limits.plan_bytes, " bytes long"));
  }
  const auto newest = CheckPlanWire(bytes, limits);
  if (!newest.ok()) return newest.status();
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(static_cast<int>(limits.message_depth));
  plan_file::Plan plan;
  if (!plan.ParseFromCodedStream(&stream)) return Unreadable("tfplan", "is not well-formed");
  const absl::Status status = Checker(limits).Plan(plan, *newest);
  if (!status.ok()) return status;
  return plan;
}

const std::string* BeforeOf(const plan_file::Change& change) {
  const ActionRow* const row = RowOf(change.action());
  return row == nullptr ? nullptr : ValueAt(change, row->before);
}

const std::string* AfterOf(const plan_file::Change& change) {
  const ActionRow* const row = RowOf(change.action());
  return row == nullptr ? nullptr : ValueAt(change, row->after);
}

std::vector<std::string_view> ActionWords(int32_t action) {
  const ActionRow* const row = RowOf(action);
  if (row == nullptr) return {};
  std::vector<std::string_view> words(row->words.begin(), row->words.end());
  std::erase(words, std::string_view());
  return words;
}

std::string_view ActionReasonWord(int32_t reason) {
  return reason > 0 && reason < static_cast<int32_t>(std::size(kReasons)) ? kReasons[reason] : "";
}

}  // namespace countersign::terraform
