#include "core/terraform/unknown_constants.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/terraform/address.h"
#include "core/terraform/path.h"

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

constexpr std::string_view kWholeObject = ".";

// Goes down a value and the arguments that it was made of at once. Elements of lists have no names there.
class Finder {
 public:
  Finder(const Limits& limits, v1::ResourceChange* view) : limits_(limits), view_(*view) {}

  void Find(const Value& value, const ConstantArguments& arguments) {
    if (value.kind() == Kind::kUnknown) return Add();
    if (value.kind() == Kind::kSequence) return FindInElements(value, arguments);
    if (value.kind() != Kind::kMapping || arguments.empty()) return;
    for (const Member& member : value.members()) {
      if (!CanBeUnknown(member.value)) continue;
      const auto found = std::lower_bound(
          arguments.begin(), arguments.end(), member.name,
          [](const ConstantArgument& argument, std::string_view name) { return argument.name < name; });
      if (found == arguments.end() || found->name != member.name) continue;
      Below(PathStep::Attribute(member.name), member.value, found->members);
    }
  }

 private:
  static bool CanBeUnknown(const Value& value) {
    return value.kind() == Kind::kUnknown || value.kind() == Kind::kSequence ||
           value.kind() == Kind::kMapping;
  }

  void FindInElements(const Value& value, const ConstantArguments& arguments) {
    for (size_t i = 0; i < value.elements().size(); ++i) {
      if (!CanBeUnknown(value.elements()[i])) continue;
      Below(PathStep::Index(static_cast<int64_t>(i)), value.elements()[i], arguments);
    }
  }

  void Below(const PathStep& step, const Value& value, const ConstantArguments& arguments) {
    path_.push_back(step);
    Find(value, arguments);
    path_.pop_back();
  }

  // A path that is too long to be shown ends where it still fits.
  void Add() {
    if (static_cast<size_t>(view_.unknown_constants_size()) >= limits_.differing_names) return;
    size_t bytes = 0;
    size_t steps = 0;
    for (; steps < path_.size(); ++steps) {
      bytes += path_[steps].name.size() + 1;
      if (bytes > limits_.shown_path_bytes) break;
    }
    std::string path = ToText(std::span(path_).first(steps));
    view_.add_unknown_constants(path.empty() ? std::string(kWholeObject) : std::move(path));
  }

  const Limits& limits_;
  v1::ResourceChange& view_;
  Path path_;
};

}  // namespace

void AddUnknownConstants(const Configuration& configuration, const Value& after, const Limits& limits,
                         v1::ResourceChange* view) {
  if (after.is_null() || configuration.constants.empty()) return;
  const ResourceName name = {ModuleKey(view->module_address()), view->mode() == "data", view->type(),
                             view->name()};
  const auto constants = configuration.constants.find(name);
  if (constants != configuration.constants.end()) Finder(limits, view).Find(after, constants->second);
}

}  // namespace countersign::terraform
