// Feeds whatever strangers can send as a saved plan to all of its reader, and ends the process if what is
// accepted is shown in another way the second time, leaves out a change, shows what it says it hides, or is
// larger than it may be.
//
// The first byte of the input chooses between a file and the parts of one: sizes and checksums of a zip could
// hardly be guessed. Each part but the last has its size in front of it, in two bytes.
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/digest/digest.h"
#include "core/terraform/plan_comparison.h"
#include "core/terraform/plan_file.h"
#include "core/terraform/plan_view.h"
#include "core/terraform/strict_zip.h"
#include "tests/fuzz/require.h"
#include "tests/unit/terraform/zip_builder.h"

namespace countersign::terraform {
namespace {

using fuzz::Require;

// Small, so that the ends of them are seen.
ViewOptions Options(std::string_view salt) {
  ViewOptions options;
  options.salt = salt;
  options.limits.file_bytes = 1u << 20;
  options.limits.total_bytes = 1u << 20;
  options.limits.value_nodes = 10'000;
  options.limits.attribute_changes = 20;
  options.limits.shown_text_bytes = 40;
  options.limits.shown_path_bytes = 200;
  options.limits.differing_names = 5;
  options.limits.detail_bytes = 4000;
  options.limits.view_bytes = 20'000;
  return options;
}

std::string_view TakePart(std::string_view* input) {
  if (input->size() < 2) return std::exchange(*input, {});
  const size_t size =
      static_cast<uint8_t>((*input)[0]) | static_cast<size_t>(static_cast<uint8_t>((*input)[1])) << 8;
  const std::string_view part = input->substr(2, size);
  input->remove_prefix(2 + part.size());
  return part;
}

std::string Assemble(std::string_view input) {
  testing::Zip zip = testing::SmallestPlan();
  zip.Set("tfplan", TakePart(&input));
  zip.Set("tfstate", TakePart(&input));
  zip.Set("tfstate-prev", TakePart(&input));
  zip.Set("tfconfig/m-/main.tf", TakePart(&input));
  zip.Set(".terraform.lock.hcl", input);
  zip.Set("tfconfig/modules.json", R"([{"Key":"","Source":"","Version":"","Dir":"."}])");
  return zip.Bytes();
}

void CheckAttributes(const google::protobuf::RepeatedPtrField<v1::AttributeChange>& changes,
                     const Limits& limits) {
  Require(static_cast<size_t>(changes.size()) <= limits.attribute_changes);
  for (const v1::AttributeChange& change : changes) {
    const bool hidden = change.before_json().empty() && change.after_json().empty();
    const bool digested = !change.before_digest().empty() || !change.after_digest().empty();
    Require(change.masked() ? hidden && !change.cut() : !digested);
    Require(!change.sensitivity_added() || change.masked());
    Require(std::max(change.before_json().size(), change.after_json().size()) <= limits.shown_text_bytes);
    Require(!hidden || digested || change.after_unknown());
    for (const std::string& digest : {change.before_digest(), change.after_digest()}) {
      Require(digest.empty() || digest::IsSha256(digest));
    }
  }
}

// Nothing that the plan changes is missing.
void CheckCompleteness(const v1::PlanView& view, std::string_view bytes, const Limits& limits) {
  const auto zip = StrictZip::Open(bytes, limits);
  Require(zip.ok());
  const auto content = zip->Read(*zip->Find("tfplan"));
  Require(content.ok());
  const auto plan = ParsePlanFile(*content, limits);
  Require(plan.ok());
  int shown = 0;
  for (const plan_file::ResourceInstanceChange& change : plan->resource_changes()) {
    const bool forgotten_data =
        change.change().action() == kActionDelete && change.addr().find("data.") != std::string::npos;
    if (shown < view.resource_changes_size() && view.resource_changes(shown).address() == change.addr() &&
        view.resource_changes(shown).deposed() == change.deposed_key()) {
      ++shown;
    } else {
      Require(forgotten_data);
    }
  }
  Require(shown == view.resource_changes_size());
  Require(view.output_changes_size() == plan->output_changes_size());
  Require(view.variables_size() == plan->variables_size());
}

void CheckView(const v1::PlanView& view, const Limits& limits) {
  Require(view.ByteSizeLong() <= limits.view_bytes);
  Require(digest::IsSha256(view.fingerprint()) && view.mode() != v1::PLAN_MODE_UNSPECIFIED);
  int64_t omitted = 0;
  for (const auto* const list : {&view.resource_changes(), &view.resource_drift()}) {
    for (const v1::ResourceChange& change : *list) {
      CheckAttributes(change.attribute_changes(), limits);
      Require(!change.address().empty() && !change.type().empty() && change.actions_size() > 0);
      omitted += change.attribute_changes_omitted();
    }
  }
  for (const v1::OutputChange& output : view.output_changes()) {
    CheckAttributes(output.attribute_changes(), limits);
    Require(!output.sensitive() ||
            std::all_of(output.attribute_changes().begin(), output.attribute_changes().end(),
                        [](const v1::AttributeChange& change) { return change.masked(); }));
  }
  const PlanComparison comparison = ComparePlans(view, view);
  Require(comparison.same == comparison.differences.empty());
  Require(!comparison.same || comparison.subset);
  // Only what is left out can make a plan differ from itself.
  Require(comparison.same || omitted > 0 || view.masked_change_count() > 0);
  std::string json;
  Require(google::protobuf::util::MessageToJsonString(view, &json).ok());
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const bool parts = (input.front() & 1) != 0;
  const std::string bytes = parts ? Assemble(input.substr(1)) : std::string(input.substr(1));
  const ViewOptions options = Options("sixteen bytes...");
  const auto view = ReadPlan(bytes, options);
  const auto again = ReadPlan(bytes, options);
  Require(view.status() == again.status());
  if (!view.ok()) return;
  Require(google::protobuf::util::MessageDifferencer::Equals(*view, *again));
  const auto salted = ReadPlan(bytes, Options("another salt of more bytes"));
  Require(salted.ok() && salted->fingerprint() == view->fingerprint());
  CheckView(*view, options.limits);
  CheckCompleteness(*view, bytes, options.limits);
}

}  // namespace
}  // namespace countersign::terraform

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  countersign::terraform::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
