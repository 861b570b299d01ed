#ifndef COUNTERSIGN_TESTS_PROVIDER_ROWS_H_
#define COUNTERSIGN_TESTS_PROVIDER_ROWS_H_

#include <filesystem>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/provider/value.h"

namespace countersign::provider {

// A text as a file name: whatever is not a letter, digit, '-' or '_', nor a '.' within, as % and two digits.
std::string FileName(const std::string& text);

// The things that exist, each as a JSON file TYPE/ID.json in a directory. A test changes or removes the file
// to make the world drift. Thread-safe, also between processes, as long as no two write the same row.
class Rows {
 public:
  explicit Rows(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Nothing if there is no such row.
  absl::StatusOr<std::optional<Json>> Read(const std::string& type, const std::string& id) const;
  absl::Status Write(const std::string& type, const std::string& id, const Json& row) const;
  absl::Status Remove(const std::string& type, const std::string& id) const;
  // An id that was never given out before, such as vpc-0000000000000001.
  absl::StatusOr<std::string> NextId(const std::string& prefix) const;

 private:
  std::filesystem::path PathOf(const std::string& type, const std::string& id) const;

  const std::filesystem::path directory_;
};

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_ROWS_H_
