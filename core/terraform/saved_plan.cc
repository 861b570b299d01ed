#include "core/terraform/saved_plan.h"

#include <algorithm>
#include <cstdint>
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

// One entry from a position on.
class EntryTail {
 public:
  EntryTail(const StrictZip& zip, const StrictZip::Entry& entry, uint64_t position)
      : reader_(zip.Stream(entry)), skip_(position) {}

  // The next bytes, as many as there are at once; none at the end.
  absl::StatusOr<std::string_view> Peek() {
    while (rest_.empty()) {
      const auto chunk = reader_.Next();
      if (!chunk.ok() || chunk->empty()) return chunk;
      rest_ = chunk->substr(std::min<uint64_t>(skip_, chunk->size()));
      skip_ -= chunk->size() - rest_.size();
    }
    return rest_;
  }
  void Drop(size_t bytes) { rest_.remove_prefix(bytes); }

 private:
  StrictZip::Reader reader_;
  uint64_t skip_;
  std::string_view rest_;
};

absl::StatusOr<bool> AreSame(EntryTail left, EntryTail right) {
  for (;;) {
    const auto one = left.Peek();
    if (!one.ok()) return one.status();
    const auto other = right.Peek();
    if (!other.ok()) return other.status();
    const size_t bytes = std::min(one->size(), other->size());
    if (one->substr(0, bytes) != other->substr(0, bytes)) return false;
    if (bytes == 0) return one->size() == other->size();
    left.Drop(bytes);
    right.Drop(bytes);
  }
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

// Most of the time refreshing has changed nothing, and comparing is cheaper than reading.
absl::Status SavedPlan::ReadPreviousState(const StrictZip& zip) {
  const StrictZip::Entry& entry = *zip.Find(kPreviousStateEntry);
  StrictZip::Reader reader = zip.Stream(entry);
  const auto head = ReadStateHead([&reader] { return reader.Next(); }, limits_, kPreviousStateEntry);
  if (!head.ok()) return head.status();
  if (head->head_bytes > 0 && state_.head_bytes > 0) {
    const auto same = AreSame(EntryTail(zip, entry, head->head_bytes),
                              EntryTail(zip, *zip.Find(kStateEntry), state_.head_bytes));
    if (!same.ok()) return same.status();
    refreshed_ = !*same;
  }
  if (!refreshed_) return absl::OkStatus();
  return ReadStateEntry(zip, kPreviousStateEntry, limits_, &arena_, &previous_state_);
}

absl::Status SavedPlan::Read(std::string_view bytes) {
  const auto zip = StrictZip::Open(bytes, limits_);
  if (!zip.ok()) return zip.status();
  absl::Status status = ReadPlanEntry(*zip, limits_, &plan_);
  if (status.ok()) status = ReadStateEntry(*zip, kStateEntry, limits_, &arena_, &state_);
  if (status.ok()) status = ReadPreviousState(*zip);
  if (status.ok()) status = ReadConfigurationEntries(*zip, limits_, &configuration_);
  return status;
}

}  // namespace countersign::terraform
