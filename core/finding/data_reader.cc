#include "core/finding/data_reader.h"

#include <algorithm>
#include <utility>

#include "core/text/text.h"

namespace countersign::finding {

absl::StatusOr<nlohmann::json> ParseTable(std::string_view text) {
  nlohmann::json table = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!table.is_object()) return absl::InvalidArgumentError("the table is not a JSON object");
  return table;
}

TableReader::TableReader(const nlohmann::json& object, std::string place)
    : object_(object), place_(std::move(place)) {
  if (!object_.is_object()) Fail("is not an object");
}

const nlohmann::json* TableReader::Take(const char* key) {
  taken_.emplace_back(key);
  if (!object_.is_object()) return nullptr;
  const auto at = object_.find(key);
  return at == object_.end() ? nullptr : &*at;
}

std::string TableReader::OptionalText(const char* key) {
  const nlohmann::json* value = Take(key);
  if (value == nullptr) return "";
  if (!value->is_string() || value->get_ref<const std::string&>().empty()) {
    Fail(text::Concat(key, " is not a text"));
    return "";
  }
  return value->get<std::string>();
}

std::string TableReader::Text(const char* key) {
  std::string value = OptionalText(key);
  if (value.empty()) Fail(text::Concat(key, " is missing"));
  return value;
}

std::vector<std::string> TableReader::Texts(const char* key) {
  std::vector<std::string> texts;
  const nlohmann::json* value = Take(key);
  if (value == nullptr) return texts;
  if (!value->is_array() || value->empty()) {
    Fail(text::Concat(key, " is not a list of texts"));
    return texts;
  }
  for (const nlohmann::json& element : *value) {
    if (!element.is_string()) {
      Fail(text::Concat(key, " holds something that is not a text"));
      return {};
    }
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

bool TableReader::Flag(const char* key) {
  const nlohmann::json* value = Take(key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) {
    Fail(text::Concat(key, " is neither true nor false"));
    return false;
  }
  return value->get<bool>();
}

int64_t TableReader::Number(const char* key) {
  const nlohmann::json* value = Take(key);
  if (value == nullptr) return 0;
  if (!value->is_number_unsigned()) {
    Fail(text::Concat(key, " is not a number"));
    return 0;
  }
  return value->get<int64_t>();
}

std::vector<const nlohmann::json*> TableReader::Objects(const char* key) {
  std::vector<const nlohmann::json*> objects;
  const nlohmann::json* value = Take(key);
  if (value == nullptr) return objects;
  if (!value->is_array()) return {value};
  for (const nlohmann::json& element : *value) objects.push_back(&element);
  return objects;
}

bool TableReader::OneOf(const std::string& value, std::initializer_list<std::string_view> allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return true;
  Fail(text::Concat("\"", value, "\" is none of the words that are allowed"));
  return false;
}

void TableReader::Fail(std::string_view why) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(text::Concat(place_, ": ", why));
}

absl::Status TableReader::Finish() {
  if (!status_.ok() || !object_.is_object()) return status_;
  for (const auto& [key, value] : object_.items()) {
    if (std::find(taken_.begin(), taken_.end(), key) == taken_.end()) {
      Fail(text::Concat("nobody knows the key \"", key, "\""));
    }
  }
  return status_;
}

}  // namespace countersign::finding
