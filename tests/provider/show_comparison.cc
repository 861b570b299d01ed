#include "tests/provider/show_comparison.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/terraform/path.h"
#include "tests/provider/value.h"

namespace countersign::provider {
namespace {

using terraform::PathStep;

const Json& Null() {
  static const Json* const null = new Json();
  return *null;
}

// Collects differences; `where` says what of.
class Differences {
 public:
  void Add(std::string line) { lines_.push_back(std::move(line)); }
  template <typename Ours, typename Theirs>
  void Same(const std::string& where, const Ours& ours, const Theirs& theirs) {
    if (ours == theirs) return;
    Add(absl::StrCat(where, ": we say ", Json(ours).dump(), ", Terraform ", Json(theirs).dump()));
  }
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

template <typename Repeated>
std::vector<std::string> Texts(const Repeated& texts) {
  return {texts.begin(), texts.end()};
}

std::vector<std::string> TextsOf(const Json& array) {
  return array.is_array() ? array.get<std::vector<std::string>>() : std::vector<std::string>();
}

// A decimal number as digits and a power of ten, so that 1e3 and 1000 are the same; nothing for other texts.
std::optional<std::pair<std::string, int64_t>> Decimal(const std::string& text) {
  std::string digits;
  int64_t exponent = 0;
  size_t i = !text.empty() && text[0] == '-' ? 1 : 0;
  bool fraction = false;
  for (; i < text.size() && (std::isdigit(static_cast<unsigned char>(text[i])) || text[i] == '.'); ++i) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    digits += text[i];
    exponent -= fraction ? 1 : 0;
  }
  if (digits.empty()) return std::nullopt;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    int64_t power = 0;
    if (!absl::SimpleAtoi(absl::StripPrefix(text.substr(i + 1), "+"), &power)) return std::nullopt;
    exponent += power;
    i = text.size();
  }
  if (i != text.size()) return std::nullopt;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  for (; !digits.empty() && digits.back() == '0'; digits.pop_back()) ++exponent;
  if (digits.empty()) return std::pair("0", 0);
  return std::pair((text[0] == '-' ? "-" : "") + digits, exponent);
}

// What we write in place of a part of a value that is named like something secret. Terraform shows it.
constexpr char kHidden[] = "(sensitive value)";

// The same value, written differently perhaps: the bytes of a plan do not tell a number that no double holds
// from a text. `a` may be ours, with parts hidden.
bool SameValue(const Json& a, const Json& b) {
  if (a == b || a == kHidden) return true;
  if (a.is_array() && b.is_array()) return std::equal(a.begin(), a.end(), b.begin(), b.end(), SameValue);
  if (a.is_object() && b.is_object()) {
    std::set<std::string> names;
    for (const Json* const side : {&a, &b}) {
      for (const auto& [name, value] : side->items()) names.insert(name);
    }
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return SameValue(Attribute(a, name), Attribute(b, name));
    });
  }
  const auto text = [](const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.is_number() ? value.dump() : "";
  };
  const auto ours = Decimal(text(a));
  return ours.has_value() && ours == Decimal(text(b));
}

// A place in a change as Terraform shows it.
struct Node {
  const Json* before = &Null();
  const Json* after = &Null();
  const Json* unknown = &Null();
  const Json* before_sensitive = &Null();
  const Json* after_sensitive = &Null();

  bool Leaf() const { return !Container(*before) && !Container(*after) && !Container(*unknown); }
  static bool Container(const Json& value) { return value.is_structured() && !value.empty(); }
};

// Whether a tree of marks has one at its top or below.
bool HasMark(const Json& marks) {
  if (marks.is_boolean()) return marks.get<bool>();
  return marks.is_structured() && std::any_of(marks.begin(), marks.end(), HasMark);
}

bool IsMark(const Json& marks) { return marks.is_boolean() && marks.get<bool>(); }

// A mark is for everything below it.
const Json& Below(const Json& marks, const Json& key) {
  if (IsMark(marks)) return marks;
  if (key.is_string()) return Attribute(marks, key);
  const auto place = key.get<size_t>();
  return marks.is_array() && place < marks.size() ? marks[place] : Null();
}

std::set<Json> KeysOf(const Node& node) {
  std::set<Json> keys;
  for (const Json* const value : {node.before, node.after, node.unknown}) {
    if (value->is_object()) {
      for (const auto& [name, ignored] : value->items()) keys.insert(name);
    } else if (value->is_array()) {
      for (size_t i = 0; i < value->size(); ++i) keys.insert(i);
    }
  }
  return keys;
}

Node Child(const Node& node, const Json& key) {
  return {.before = &Below(*node.before, key),
          .after = &Below(*node.after, key),
          .unknown = &Below(*node.unknown, key),
          .before_sensitive = &Below(*node.before_sensitive, key),
          .after_sensitive = &Below(*node.after_sensitive, key)};
}

// Compares the values that change.
class ValueComparison {
 public:
  ValueComparison(std::string where, Differences* differences)
      : where_(std::move(where)), differences_(*differences) {}

  template <typename Changes>
  void Compare(const Changes& changes, const Json& change) {
    for (const v1::AttributeChange& attribute : changes) {
      if (!changes_.emplace(attribute.path(), &attribute).second) Tell(attribute.path(), "is told twice");
    }
    Walk({.before = &Attribute(change, "before"),
          .after = &Attribute(change, "after"),
          .unknown = &Attribute(change, "after_unknown"),
          .before_sensitive = &Attribute(change, "before_sensitive"),
          .after_sensitive = &Attribute(change, "after_sensitive")},
         false);
    for (const auto& [path, attribute] : changes_) {
      if (!seen_.contains(path)) Tell(path, "is no path that Terraform knows");
    }
  }

 private:
  void Tell(const std::string& path, const std::string& what) {
    differences_.Add(absl::StrCat(where_, ", ", path, ": ", what));
  }

  void Walk(const Node& node, bool covered) {
    const std::string path = terraform::ToText(steps_);
    if (const auto found = changes_.find(path); found != changes_.end()) {
      seen_.insert(path);
      covered = true;
      CompareChange(*found->second, node);
    }
    if (node.Leaf()) {
      const bool differs = !SameValue(*node.before, *node.after) || IsMark(*node.unknown);
      if (differs && !covered)
        Tell(path, absl::StrCat("changes, and we do not say so: ", node.before->dump(), " to ",
                                node.after->dump()));
      return;
    }
    for (const Json& key : KeysOf(node)) {
      const std::string name = key.is_string() ? key.get<std::string>() : "";
      steps_.push_back(key.is_string() ? PathStep::Attribute(name) : PathStep::Index(key));
      Walk(Child(node, key), covered);
      steps_.pop_back();
    }
  }

  void CompareChange(const v1::AttributeChange& ours, const Node& theirs) {
    const bool sensitive = HasMark(*theirs.before_sensitive) || HasMark(*theirs.after_sensitive);
    if (sensitive && !ours.masked()) Tell(ours.path(), "is sensitive, and not masked");
    if (ours.masked()) {
      if (!ours.before_json().empty() || !ours.after_json().empty()) Tell(ours.path(), "is masked and shown");
      return;
    }
    if (ours.after_unknown() != HasMark(*theirs.unknown)) Tell(ours.path(), "is not equally unknown");
    CompareText(ours, "before", ours.before_json(), *theirs.before);
    if (!HasMark(*theirs.unknown)) CompareText(ours, "after", ours.after_json(), *theirs.after);
    if (ours.before_json() == ours.after_json() && !ours.after_unknown() && !ours.cut()) {
      Tell(ours.path(), "does not change");
    }
  }

  void CompareText(const v1::AttributeChange& ours, const std::string& side, const std::string& text,
                   const Json& theirs) {
    if (ours.cut()) return;
    if (text.empty()) {
      if (!theirs.is_null())
        Tell(ours.path(), absl::StrCat(side, ": we say nothing, Terraform ", theirs.dump()));
      return;
    }
    const auto value = DecodeJson(text);
    if (!value.ok() || !SameValue(*value, theirs)) {
      Tell(ours.path(), absl::StrCat(side, ": we say ", text, ", Terraform ", theirs.dump()));
    }
  }

  const std::string where_;
  Differences& differences_;
  std::map<std::string, const v1::AttributeChange*> changes_;
  std::set<std::string> seen_;
  std::vector<PathStep> steps_;
};

std::vector<std::string> ReplacePathsOf(const Json& change) {
  std::vector<std::string> texts;
  for (const Json& path : Attribute(change, "replace_paths")) {
    std::vector<PathStep> steps;
    for (const Json& step : path) {
      steps.push_back(step.is_string() ? PathStep::Attribute(step.get_ref<const std::string&>())
                                       : PathStep::Index(step));
    }
    texts.push_back(terraform::ToText(steps));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

void CompareResource(const std::string& where, const v1::ResourceChange& ours, const Json& theirs,
                     Differences* differences) {
  const Json& change = Attribute(theirs, "change");
  differences->Same(where + " mode", ours.mode(), TextOr(theirs, "mode"));
  differences->Same(where + " type", ours.type(), TextOr(theirs, "type"));
  differences->Same(where + " name", ours.name(), TextOr(theirs, "name"));
  differences->Same(where + " module", ours.module_address(), TextOr(theirs, "module_address"));
  differences->Same(where + " provider", ours.provider_name(), TextOr(theirs, "provider_name"));
  differences->Same(where + " previous address", ours.previous_address(), TextOr(theirs, "previous_address"));
  differences->Same(where + " actions", Texts(ours.actions()), TextsOf(Attribute(change, "actions")));
  differences->Same(where + " reason", ours.action_reason(), TextOr(theirs, "action_reason"));
  std::vector<std::string> paths = Texts(ours.replace_paths());
  std::sort(paths.begin(), paths.end());
  differences->Same(where + " replace paths", paths, ReplacePathsOf(change));
  differences->Same(where + " importing", ours.has_importing(), change.contains("importing"));
  differences->Same(where + " import id", ours.importing().id(),
                    TextOr(Attribute(change, "importing"), "id"));
  ValueComparison(where, differences).Compare(ours.attribute_changes(), change);
}

// What `terraform show -json` leaves out: reads of data sources that are given up, and drift that is only a
// move.
bool Hidden(const v1::ResourceChange& change, bool drift) {
  const std::vector<std::string> actions = Texts(change.actions());
  if (drift) return actions == std::vector<std::string>{"no-op"};
  return change.mode() == "data" && actions == std::vector<std::string>{"delete"};
}

template <typename Changes>
void CompareResources(const std::string& what, bool drift, const Changes& ours, const Json& theirs,
                      Differences* differences) {
  std::map<std::string, const Json*> expected;
  const auto name = [&](const std::string& address, const std::string& deposed) {
    return absl::StrCat(what, address, deposed.empty() ? "" : " deposed ", deposed);
  };
  for (const Json& change : theirs)
    expected[name(TextOr(change, "address"), TextOr(change, "deposed"))] = &change;
  for (const v1::ResourceChange& change : ours) {
    const std::string where = name(change.address(), change.deposed());
    const auto found = expected.find(where);
    if (found != expected.end()) {
      CompareResource(where, change, *found->second, differences);
      expected.erase(found);
    } else if (!Hidden(change, drift)) {
      differences->Add(where + ": only we say that it changes");
    }
  }
  for (const auto& [where, change] : expected)
    differences->Add(where + ": only Terraform says that it changes");
}

void CompareOutputs(const v1::PlanView& view, const Json& theirs, Differences* differences) {
  std::set<std::string> names;
  for (const v1::OutputChange& output : view.output_changes()) {
    const std::string where = "output " + output.name();
    const Json& change = Attribute(theirs, output.name());
    names.insert(output.name());
    differences->Same(where + " actions", Texts(output.actions()), TextsOf(Attribute(change, "actions")));
    const bool sensitive =
        HasMark(Attribute(change, "before_sensitive")) || HasMark(Attribute(change, "after_sensitive"));
    differences->Same(where + " sensitive", output.sensitive(), sensitive);
    ValueComparison(where, differences).Compare(output.attribute_changes(), change);
  }
  for (const auto& [name, change] : theirs.items()) {
    if (!names.contains(name)) differences->Add(absl::StrCat("output ", name, ": only Terraform has it"));
  }
}

void CompareChecks(const v1::PlanView& view, const Json& theirs, Differences* differences) {
  // Address to kind, status and messages.
  using Told = std::map<std::string, std::vector<std::string>>;
  Told ours;
  Told expected;
  for (const v1::Check& check : view.checks()) {
    std::vector<std::string>& told = ours[check.address()];
    told = Texts(check.problems());
    std::sort(told.begin(), told.end());
    told.insert(told.end(), {check.kind(), check.status()});
  }
  for (const Json& check : theirs) {
    const Json& address = Attribute(check, "address");
    std::vector<std::string>& told = expected[TextOr(address, "to_display")];
    for (const Json& instance : Attribute(check, "instances")) {
      for (const Json& problem : Attribute(instance, "problems")) told.push_back(TextOr(problem, "message"));
    }
    std::sort(told.begin(), told.end());
    told.insert(told.end(), {TextOr(address, "kind"), TextOr(check, "status")});
  }
  differences->Same("checks", ours, expected);
}

// Managed objects of a module and of those in it: address and deposed key, and id.
void CollectResources(const Json& module, std::map<std::string, std::string>* resources) {
  for (const Json& resource : Attribute(module, "resources")) {
    if (TextOr(resource, "mode") != "managed") continue;
    const std::string key = absl::StrCat(TextOr(resource, "address"), " ", TextOr(resource, "deposed_key"));
    const bool sensitive = HasMark(Attribute(Attribute(resource, "sensitive_values"), "id"));
    (*resources)[key] = sensitive ? "" : TextOr(Attribute(resource, "values"), "id");
  }
  for (const Json& child : Attribute(module, "child_modules")) CollectResources(child, resources);
}

// How many managed objects, and reads.
void CompareCounts(const v1::ChangeCounts& counts, const Json& changes, Differences* differences) {
  std::map<std::string, int64_t> theirs;
  for (const Json& resource : changes) {
    const Json& change = Attribute(resource, "change");
    const std::vector<std::string> actions = TextsOf(Attribute(change, "actions"));
    if (TextOr(resource, "mode") != "managed") {
      theirs["read"] += actions == std::vector<std::string>{"read"} ? 1 : 0;
      continue;
    }
    ++theirs[actions.size() == 2 ? "replace" : actions.at(0)];
    theirs["import"] += change.contains("importing") ? 1 : 0;
    theirs["move"] += resource.contains("previous_address") ? 1 : 0;
  }
  const std::pair<const char*, int64_t> ours[] = {
      {"create", counts.create()},  {"update", counts.update()}, {"replace", counts.replace()},
      {"delete", counts.delete_()}, {"forget", counts.forget()}, {"no-op", counts.no_op()},
      {"import", counts.import()},  {"move", counts.move()},     {"read", counts.read()}};
  for (const auto& [what, count] : ours) {
    differences->Same(absl::StrCat("count of ", what), count, theirs[what]);
  }
}

void CompareVariables(const v1::PlanView& view, const Json& theirs, Differences* differences) {
  // Terraform tells those with their default values too.
  for (const std::string& name : view.variables()) {
    if (!theirs.contains(name)) differences->Add(absl::StrCat("variable ", name, ": only we have it"));
  }
}

void CompareState(const v1::PlanView& view, const Json& shown, const std::string& pulled,
                  Differences* differences) {
  std::map<std::string, std::string> theirs;
  CollectResources(Attribute(Attribute(Attribute(shown, "prior_state"), "values"), "root_module"), &theirs);
  std::map<std::string, std::string> ours;
  for (const v1::StateResource& resource : view.state().resources()) {
    ours[absl::StrCat(resource.address(), " ", resource.deposed())] = resource.id();
  }
  differences->Same("state's resources", ours, theirs);
  differences->Same("state's count", static_cast<size_t>(view.state().resource_count()), theirs.size());
  const Json state = pulled.empty() ? Json::object() : Json::parse(pulled, nullptr, false);
  differences->Same("lineage", view.state().lineage(), TextOr(state, "lineage"));
  differences->Same("serial", view.state().serial(), state.value("serial", uint64_t{0}));
}

}  // namespace

std::vector<std::string> DifferencesFromShow(const v1::PlanView& view, const ScenarioPlan& plan) {
  const auto shown = DecodeJson(plan.show_json);
  if (!shown.ok()) return {"terraform show -json is not JSON"};
  Differences differences;
  differences.Same("version", view.terraform_version(), TextOr(*shown, "terraform_version"));
  differences.Same("errored", view.errored(), BoolOr(*shown, "errored", false));
  differences.Same("applyable", view.applyable(), BoolOr(*shown, "applyable", false));
  differences.Same("complete", view.complete(), BoolOr(*shown, "complete", false));
  CompareResources("", false, view.resource_changes(), Attribute(*shown, "resource_changes"), &differences);
  CompareResources("drift of ", true, view.resource_drift(), Attribute(*shown, "resource_drift"),
                   &differences);
  CompareOutputs(view, Attribute(*shown, "output_changes"), &differences);
  CompareChecks(view, Attribute(*shown, "checks"), &differences);
  CompareCounts(view.counts(), Attribute(*shown, "resource_changes"), &differences);
  CompareVariables(view, Attribute(*shown, "variables"), &differences);
  CompareState(view, *shown, plan.state, &differences);
  return differences.Take();
}

}  // namespace countersign::provider
