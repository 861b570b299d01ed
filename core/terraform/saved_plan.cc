#include "core/terraform/saved_plan.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/terraform/strict_zip.h"

namespace countersign::terraform {
namespace {

constexpr std::string_view kPlanEntry = "tfplan";
constexpr std::string_view kStateEntry = "tfstate";
constexpr std::string_view kPreviousStateEntry = "tfstate-prev";

bool IsState(std::string_view name) { return name == kStateEntry || name == kPreviousStateEntry; }

absl::Status ReadStateEntry(const StrictZip& zip, std::string_view name, const Limits& limits,
                            ValueArena* arena, StateFile* state) {
  StrictZip::Reader reader = zip.Stream(*zip.Find(name));
  auto read = ReadState([&reader] { return reader.Next(); }, arena, limits, name);
  if (!read.ok()) return read.status();
  *state = *std::move(read);
  return absl::OkStatus();
}

absl::Status ReadPlanEntry(const StrictZip& zip, const Limits& limits, plan_file::Plan* plan) {
  const auto content = zip.Read(*zip.Find(kPlanEntry));
  if (!content.ok()) return content.status();
  auto read = ParsePlanFile(*content, limits);
  if (!read.ok()) return read.status();
  *plan = *std::move(read);
  return absl::OkStatus();
}

// Everything that is neither the plan nor a state.
absl::Status ReadConfigurationEntries(const StrictZip& zip, const Limits& limits,
                                      Configuration* configuration) {
  std::deque<std::string> contents;
  std::vector<NamedFile> files;
  for (const StrictZip::Entry& entry : zip.entries()) {
    if (entry.name == kPlanEntry || IsState(entry.name)) continue;
    auto content = zip.Read(entry);
    if (!content.ok()) return content.status();
    files.push_back({entry.name, contents.emplace_back(*std::move(content))});
  }
  auto read = ReadConfiguration(files, limits);
  if (!read.ok()) return read.status();
  *configuration = *std::move(read);
  return absl::OkStatus();
}

}  // namespace

absl::Status SavedPlan::Read(std::string_view bytes) {
  const auto zip = StrictZip::Open(bytes, limits_);
  if (!zip.ok()) return zip.status();
  absl::Status status = ReadPlanEntry(*zip, limits_, &plan_);
  if (status.ok()) status = ReadStateEntry(*zip, kStateEntry, limits_, &arena_, &state_);
  if (status.ok()) status = ReadStateEntry(*zip, kPreviousStateEntry, limits_, &arena_, &previous_state_);
  if (status.ok()) status = ReadConfigurationEntries(*zip, limits_, &configuration_);
  return status;
}

}  // namespace countersign::terraform
