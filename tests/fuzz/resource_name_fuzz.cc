// Feeds whatever strangers can send as a name of a proposal, a target or a principal, and ends the process if
// one is accepted that could be spelled otherwise, or that holds a byte which has a meaning in a path, a URL,
// a terminal or SQL.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/policy/configuration.h"
#include "core/policy/principal.h"
#include "core/text/text.h"
#include "server/proposal/resource_name.h"
#include "tests/fuzz/require.h"

namespace countersign::fuzz {
namespace {

bool IsHarmless(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/' || c == ':';
  });
}

void AsProposalName(std::string_view input) {
  const auto id = proposal::ParseProposalName(input, "name");
  if (!id.ok()) return;
  Require(proposal::ProposalName(*id) == input);
  Require(id->size() == 24 && IsHarmless(input) && id->find('/') == std::string::npos);
  for (size_t length = 1; length <= id->size(); ++length) {
    Require(proposal::IsIdPrefix(std::string_view(*id).substr(0, length)));
  }
}

void AsIdPrefix(std::string_view input) {
  if (!proposal::IsIdPrefix(input)) return;
  const std::string padded = text::Concat(input, std::string(24 - input.size(), 'a'));
  const auto id = proposal::ParseProposalName(proposal::ProposalName(padded), "name");
  Require(id.ok() && *id == padded);
}

void AsPrincipal(std::string_view input) {
  const auto id = policy::ParsePrincipalId(input);
  if (!id.ok()) return;
  const std::string spelled =
      text::Concat("spiffe://", id->trust_domain, "/", policy::KindName(id->kind), "/", id->name);
  Require(spelled == input && input.size() <= 512 && IsHarmless(input));
  Require(id->name != "." && id->name != ".." && id->name.find('/') == std::string::npos);
}

void AsTarget(std::string_view input) {
  if (!policy::IsTargetName(input)) return;
  const std::string_view name = input.substr(std::string_view("targets/").size());
  Require(policy::IsPlainName(name) && IsHarmless(name) && name.find('/') == std::string_view::npos);
  Require(!policy::IsTargetName(name));
}

}  // namespace
}  // namespace countersign::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::fuzz;  // NOLINT(google-build-using-namespace): the entry point must be outside
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  AsProposalName(input);
  AsIdPrefix(input);
  AsPrincipal(input);
  AsTarget(input);
  return 0;
}
