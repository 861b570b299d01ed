#include "tests/bench/report.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace countersign::bench {

absl::Duration Samples::Quantile(double quantile) const {
  if (samples_.empty()) return absl::ZeroDuration();
  std::vector<absl::Duration> sorted = samples_;
  std::sort(sorted.begin(), sorted.end());
  const auto index = static_cast<size_t>(quantile * static_cast<double>(sorted.size()));
  return sorted[std::min(index, sorted.size() - 1)];
}

absl::Duration Samples::Mean() const {
  if (samples_.empty()) return absl::ZeroDuration();
  return std::accumulate(samples_.begin(), samples_.end(), absl::ZeroDuration()) / samples_.size();
}

void Report::Value(const std::string& bench, const std::string& name, double value, const std::string& unit) {
  rows_.push_back({.bench = bench, .name = name, .value = value, .unit = unit, .bound = "", .kept = true});
}

void Report::Time(const std::string& bench, const std::string& name, absl::Duration value) {
  Value(bench, name, absl::ToDoubleMilliseconds(value), "ms");
}

void Report::AtLeast(const std::string& bench, const std::string& name, double ratio, double bound) {
  rows_.push_back({bench, name, ratio, "x", absl::StrCat(">= ", bound), ratio >= bound});
}

void Report::AtMost(const std::string& bench, const std::string& name, double ratio, double bound) {
  rows_.push_back({bench, name, ratio, "x", absl::StrCat("<= ", bound), ratio <= bound});
}

void Report::Most(const std::string& bench, const std::string& name, double value, const std::string& unit,
                  double bound) {
  rows_.push_back({bench, name, value, unit, absl::StrCat("<= ", bound), value <= bound});
}

std::string Report::Table() const {
  std::string table =
      absl::StrFormat("%-11s %-58s %12s %-12s %s\n", "bench", "what", "value", "unit", "bound");
  for (const Row& row : rows_) {
    absl::StrAppend(&table,
                    absl::StrFormat("%-11s %-58s %12.3f %-12s", row.bench, row.name, row.value, row.unit));
    if (!row.bound.empty()) absl::StrAppend(&table, " ", row.bound, row.kept ? "  kept" : "  MISSED");
    absl::StrAppend(&table, "\n");
  }
  return table;
}

nlohmann::ordered_json Report::Json() const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Row& row : rows_) {
    nlohmann::ordered_json entry = {
        {"bench", row.bench}, {"name", row.name}, {"value", row.value}, {"unit", row.unit}};
    if (!row.bound.empty()) {
      entry["bound"] = row.bound;
      entry["kept"] = row.kept;
    }
    rows.push_back(entry);
  }
  return rows;
}

bool Report::AllKept() const {
  return std::all_of(rows_.begin(), rows_.end(), [](const Row& row) { return row.kept; });
}

}  // namespace countersign::bench
