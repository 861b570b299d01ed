// Attributes that are sensitive because somebody who knows the provider says so.
#ifndef COUNTERSIGN_CORE_TERRAFORM_SENSITIVE_ATTRIBUTES_H_
#define COUNTERSIGN_CORE_TERRAFORM_SENSITIVE_ATTRIBUTES_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace countersign::terraform {

// Attributes of resources and data sources, by their types. A plain value.
class SensitiveAttributes {
 public:
  // `name` is TYPE.ATTRIBUTE, such as aws_thing.content. False for what is not, and nothing is added then.
  bool Add(std::string_view name);
  // Whether attributes of this type are among them: those, else a null pointer. Lives as long as this.
  const std::set<std::string, std::less<>>* Of(std::string_view type) const;

 private:
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> by_type_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_SENSITIVE_ATTRIBUTES_H_
