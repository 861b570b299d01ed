// Feeds whatever strangers can send as the entry `tfplan`, and ends the process if one is accepted that holds
// anything the reader does not know, that could be encoded in fewer bytes, or whose addresses and values are
// not what is promised.
#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/terraform/address.h"
#include "core/terraform/msgpack.h"
#include "core/terraform/plan_file.h"
#include "core/terraform/value.h"
#include "tests/fuzz/require.h"

namespace countersign::fuzz {
namespace {

// Small, so that the ends of them are seen.
terraform::Limits LimitsForFuzzing() {
  terraform::Limits limits;
  limits.resource_changes = 20;
  limits.messages = 400;
  limits.address_bytes = 200;
  return limits;
}

void CheckChange(const terraform::plan_file::ResourceInstanceChange& change,
                 const terraform::Limits& limits) {
  const auto address = terraform::ParseAddress(change.addr());
  Require(address.ok() && terraform::Format(*address) == change.addr());
  Require(change.addr().size() <= limits.address_bytes);
  const auto provider = terraform::ParseProviderAddress(change.provider());
  Require(provider.ok() && terraform::Format(*provider) == change.provider());
  Require(!terraform::ActionWords(change.change().action()).empty());
  const std::string* const before = terraform::BeforeOf(change.change());
  const std::string* const after = terraform::AfterOf(change.change());
  Require(before != nullptr || after != nullptr);
  terraform::ValueArena arena(limits);
  for (const std::string* const value : {before, after}) {
    Require(value == nullptr || !value->empty());
    if (value != nullptr) (void)terraform::DecodeMsgpack(*value, &arena, limits, "here");
  }
}

void Parse(const std::string& input) {
  const terraform::Limits limits = LimitsForFuzzing();
  const auto plan = terraform::ParsePlanFile(input, limits);
  if (!plan.ok()) return;
  // What is unknown would be written again, and what is there twice would not.
  Require(plan->ByteSizeLong() == input.size());
  const std::string written = plan->SerializeAsString();
  const auto again = terraform::ParsePlanFile(written, limits);
  Require(again.ok() && again->SerializeAsString() == written);
  Require(plan->version() == 3 && !plan->backend().type().empty());
  Require(plan->resource_changes_size() <= 20 && plan->resource_drift_size() <= 20);
  for (const auto& change : plan->resource_changes()) CheckChange(change, limits);
  for (const auto& change : plan->resource_drift()) CheckChange(change, limits);
  for (const auto& deferred : plan->deferred_changes()) CheckChange(deferred.change(), limits);
}

}  // namespace
}  // namespace countersign::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  countersign::fuzz::Parse(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
