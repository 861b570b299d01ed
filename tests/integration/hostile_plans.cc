#include "tests/integration/hostile_plans.h"

#include "absl/strings/str_cat.h"
#include "tests/unit/terraform/plan_builder.h"

namespace countersign::testing {
namespace {

// A plan that is good but for the state, which breaks off after `text` within the first output.
std::string WithUnfinishedState(std::string_view text) {
  const std::string good = SmallPlan().Bytes();
  return EditEntry(
      good, "tfstate",
      absl::StrCat(
          R"({"version":4,"terraform_version":"1.11.4","serial":7,)",
          R"("lineage":"7023ba3d-a29d-7470-cd9c-223296787fe1","outputs":{"a":{"type":"dynamic","value":)",
          std::string(text)));
}

std::string Repeat(std::string_view text, size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string Values(size_t count) { return WithUnfinishedState("[" + Repeat("1,", count)); }

// Each gap stays below what one may be.
std::string Gaps(size_t mebibytes) {
  constexpr size_t kGap = 32;
  return WithUnfinishedState("[" + Repeat("1," + std::string(kGap << 20, ' '), mebibytes / kGap));
}

std::string Objects(size_t count) { return WithUnfinishedState("[" + Repeat(R"({"a":{}},)", count)); }

}  // namespace

std::vector<HostilePlan> HostilePlans() {
  return {{"many values", Values(2'000'000)}, {"many objects", Objects(700'000)}, {"long gaps", Gaps(256)}};
}

std::vector<HostilePlan> WorstPlans() {
  // The longest state that is read at all.
  return {{"values", Values(200'000'000)}, {"objects", Objects(50'000'000)}, {"gaps", Gaps(480)}};
}

}  // namespace countersign::testing
