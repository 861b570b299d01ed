#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/postgres/connection.h"

namespace countersign::postgres {
namespace {

// One element of an array's text form: always quoted, so that neither commas nor NULL mean anything in it.
void AppendElement(std::string& array, std::string_view element) {
  array.push_back(array.empty() ? '{' : ',');
  array.push_back('"');
  for (const char c : element) {
    if (c == '"' || c == '\\') array.push_back('\\');
    array.push_back(c);
  }
  array.push_back('"');
}

std::string Closed(std::string array) {
  if (array.empty()) return "{}";
  array.push_back('}');
  return array;
}

}  // namespace

Parameters& Parameters::Text(std::string_view value) {
  values_.push_back({.text = std::string(value), .bytes = {}, .kind = Value::kText});
  return *this;
}

Parameters& Parameters::Int64(int64_t value) { return Text(absl::StrCat(value)); }

Parameters& Parameters::Bool(bool value) { return Text(value ? "t" : "f"); }

Parameters& Parameters::Bytes(std::string_view value) {
  values_.push_back({.text = {}, .bytes = value, .kind = Value::kBytes});
  return *this;
}

Parameters& Parameters::Time(absl::Time value) {
  if (value == absl::InfiniteFuture()) return Text("infinity");
  if (value == absl::InfinitePast()) return Text("-infinity");
  const absl::Duration microsecond = absl::Microseconds(1);
  const absl::Time rounded = absl::UnixEpoch() + absl::Floor(value - absl::UnixEpoch(), microsecond);
  return Text(absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", rounded, absl::UTCTimeZone()));
}

Parameters& Parameters::Null() {
  values_.push_back({});
  return *this;
}

Parameters& Parameters::TextArray(std::span<const std::string> values) {
  std::string array;
  for (const std::string& value : values) AppendElement(array, value);
  return Text(Closed(std::move(array)));
}

Parameters& Parameters::Int64Array(std::span<const int64_t> values) {
  std::string array;
  for (const int64_t value : values) AppendElement(array, absl::StrCat(value));
  return Text(Closed(std::move(array)));
}

Parameters& Parameters::BytesArray(std::span<const std::string> values) {
  std::string array;
  for (const std::string& value : values)
    AppendElement(array, absl::StrCat("\\x", absl::BytesToHexString(value)));
  return Text(Closed(std::move(array)));
}

Parameters& Parameters::OptionalText(const std::optional<std::string>& value) {
  return value.has_value() ? Text(*value) : Null();
}

Parameters& Parameters::OptionalInt64(std::optional<int64_t> value) {
  return value.has_value() ? Int64(*value) : Null();
}

Parameters& Parameters::OptionalTime(std::optional<absl::Time> value) {
  return value.has_value() ? Time(*value) : Null();
}

}  // namespace countersign::postgres
