// Where in a file something stands. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_PLACE_H_
#define COUNTERSIGN_CORE_TERRAFORM_PLACE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/text/text.h"

namespace countersign::terraform {

// One step to a place, below another one: "tfplan: resource_changes[3].change". Costs nothing until the text
// is asked for, which only a refusal does. Borrows the name and the place above it.
class Place {
 public:
  explicit Place(std::string_view file) : name_(file) {}
  Place(const Place& above, std::string_view name, std::optional<size_t> index = std::nullopt)
      : above_(&above), name_(name), index_(index) {}

  std::string Text() const {
    if (above_ == nullptr) return std::string(name_);
    const std::string name = index_.has_value() ? text::Concat(name_, "[", *index_, "]") : std::string(name_);
    return text::Concat(above_->Text(), above_->above_ == nullptr ? ": " : ".", name);
  }

 private:
  const Place* above_ = nullptr;
  std::string_view name_;
  std::optional<size_t> index_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_PLACE_H_
