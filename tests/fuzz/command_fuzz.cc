// Feeds whatever an agent can send as the arguments of a command, and ends the process if what is said of
// them could not be shown to a person: shells, SQL and scripts are read in the broker's own process.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/finding/judge.h"
#include "core/text/text.h"
#include "countersign/v1/finding.pb.h"
#include "countersign/v1/resource.pb.h"
#include "tests/fuzz/require.h"

namespace countersign::fuzz {
namespace {

constexpr size_t kMostVerdictBytes = 300;

bool IsOneLine(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

void AsArguments(std::string_view input) {
  v1::Action action;
  action.set_kind(v1::COMMAND);
  // The unit separator of ASCII stands in no seed otherwise.
  for (const std::string_view argument : text::Split(input, '\x1f')) action.add_argv(std::string(argument));
  const auto findings = finding::JudgeCommand(action);
  for (const v1::Finding& finding : findings) {
    Require(!finding.code().empty() && !finding.sentence().empty() && !finding.resolution().empty());
    Require(finding.severity() != v1::Finding::SEVERITY_UNSPECIFIED);
  }
  const std::string verdict = finding::VerdictLine(action, findings);
  Require(!verdict.empty() && verdict.size() <= kMostVerdictBytes && IsOneLine(verdict));
}

}  // namespace
}  // namespace countersign::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  countersign::fuzz::AsArguments(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
