#include "server/proposal/resource_name.h"

#include <algorithm>

#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::proposal {
namespace {

constexpr size_t kIdLength = 24;

}  // namespace

bool IsIdPrefix(std::string_view text) {
  return !text.empty() && text.size() <= kIdLength && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
  });
}

std::string ProposalName(std::string_view id) { return text::Concat("proposals/", id); }

absl::StatusOr<std::string> ParseProposalName(std::string_view name, std::string_view field) {
  std::string_view id = name;
  if (!text::ConsumePrefix(&id, "proposals/") || id.size() != kIdLength || !IsIdPrefix(id)) {
    return error::InvalidField(field, "must be proposals/ and 24 of a-z and 2-7");
  }
  return std::string(id);
}

}  // namespace countersign::proposal
