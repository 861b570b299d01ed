#ifndef COUNTERSIGN_TESTS_BENCH_REPORT_H_
#define COUNTERSIGN_TESTS_BENCH_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace countersign::bench {

// Durations, sorted when asked for a quantile. Not thread-safe.
class Samples {
 public:
  void Add(absl::Duration sample) { samples_.push_back(sample); }
  void Add(const Samples& other) {
    samples_.insert(samples_.end(), other.samples_.begin(), other.samples_.end());
  }
  size_t size() const { return samples_.size(); }
  absl::Duration Quantile(double quantile) const;
  absl::Duration Mean() const;

 private:
  std::vector<absl::Duration> samples_;
};

// What was measured. A ratio has a bound that it should keep, and so may something else. Not thread-safe.
class Report {
 public:
  void Value(const std::string& bench, const std::string& name, double value, const std::string& unit);
  void Time(const std::string& bench, const std::string& name, absl::Duration value);
  void AtLeast(const std::string& bench, const std::string& name, double ratio, double bound);
  void AtMost(const std::string& bench, const std::string& name, double ratio, double bound);
  // The same of something that is no ratio.
  void Most(const std::string& bench, const std::string& name, double value, const std::string& unit,
            double bound);

  // A table for people.
  std::string Table() const;
  nlohmann::ordered_json Json() const;
  bool AllKept() const;

 private:
  struct Row {
    std::string bench;
    std::string name;
    double value = 0;
    std::string unit;
    std::string bound;  // For example ">= 0.5"; empty where there is none.
    bool kept = true;
  };
  std::vector<Row> rows_;
};

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_REPORT_H_
