#include "core/terraform/sensitive_attributes.h"

#include "core/terraform/path.h"

namespace countersign::terraform {

bool SensitiveAttributes::Add(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view type = name.substr(0, dot);
  const std::string_view attribute = name.substr(dot + 1);
  for (std::string_view part : {type, attribute}) {
    if (!ConsumeName(&part) || !part.empty()) return false;
  }
  by_type_[std::string(type)].emplace(attribute);
  return true;
}

const std::set<std::string, std::less<>>* SensitiveAttributes::Of(std::string_view type) const {
  const auto found = by_type_.find(type);
  return found == by_type_.end() ? nullptr : &found->second;
}

}  // namespace countersign::terraform
