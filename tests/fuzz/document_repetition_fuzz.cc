// Looks for YAML that takes more than its share of time, memory or stack: a small piece is repeated until the
// text is large, between two other pieces. The fuzzer's own time limit finds what does not grow linearly.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/text/text.h"
#include "server/base/document.h"

namespace countersign::fuzz {
namespace {

constexpr size_t kTextBytes = 64 << 10;
constexpr size_t kMaxPieceBytes = 48;

}  // namespace
}  // namespace countersign::fuzz

// The input is {before}\0{piece}\0{after}.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign;  // NOLINT(google-build-using-namespace): the entry point must be outside
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string_view> parts = text::Split(input, '\0');
  if (parts.size() != 3 || parts[1].empty() || size > fuzz::kMaxPieceBytes) return 0;
  std::string yaml(parts[0]);
  while (yaml.size() + parts[1].size() < fuzz::kTextBytes) yaml += parts[1];
  yaml += parts[2];
  static_cast<void>(base::ParseYaml(yaml));
  return 0;
}
