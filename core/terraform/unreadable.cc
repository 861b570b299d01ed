#include "core/terraform/unreadable.h"

#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::terraform {

absl::Status Unreadable(std::string_view place, std::string_view what) {
  return error::Make(v1::PLAN_UNREADABLE, text::Concat("the plan cannot be read: ", place, ": ", what));
}

}  // namespace countersign::terraform
