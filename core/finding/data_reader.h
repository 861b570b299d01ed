// Reads the data tables strictly: a key that nobody knows is a mistake, not a comment.
#ifndef COUNTERSIGN_CORE_FINDING_DATA_READER_H_
#define COUNTERSIGN_CORE_FINDING_DATA_READER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace countersign::finding {

// The JSON object that `text` is. Errors: INVALID_ARGUMENT.
absl::StatusOr<nlohmann::json> ParseTable(std::string_view text);

// Takes values out of one object. Its first mistake stays: ask Finish() once, at the end. Not thread-safe;
// `object` must outlive it.
class TableReader {
 public:
  // `place` says in errors which object it is.
  TableReader(const nlohmann::json& object, std::string place);

  std::string Text(const char* key);                // Must be there and not be empty.
  std::string OptionalText(const char* key);        // Empty when it is not there.
  std::vector<std::string> Texts(const char* key);  // Of a list of texts; empty when it is not there.
  bool Flag(const char* key);                       // False when it is not there.
  int64_t Number(const char* key);                  // 0 when it is not there.
  // A list of objects, or one object; null pointers never. Empty when it is not there.
  std::vector<const nlohmann::json*> Objects(const char* key);
  // True when it is one of `allowed`, and else a mistake.
  bool OneOf(const std::string& value, std::initializer_list<std::string_view> allowed);
  void Fail(std::string_view why);

  const std::string& place() const { return place_; }
  // INVALID_ARGUMENT for the first mistake, or for a key that was never asked for.
  absl::Status Finish();

 private:
  const nlohmann::json* Take(const char* key);

  const nlohmann::json& object_;
  const std::string place_;
  std::vector<std::string> taken_;
  absl::Status status_;
};

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_DATA_READER_H_
