#include "core/jws/strict_json.h"

#include <set>
#include <utility>
#include <vector>

namespace countersign::jws {
namespace {

using nlohmann::json;

// Sees every name of every object, which the finished tree would hide. Stops the parse by returning false.
class Checker final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Enter(); }
  bool key(string_t& name) override { return names_.back().insert(name).second; }
  bool end_object() override { return Leave(); }
  bool start_array(size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool Enter() {
    names_.emplace_back();
    return names_.size() <= kMaxJsonDepth;
  }
  bool Leave() {
    names_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> names_;
};

}  // namespace

std::optional<json> ParseStrictObject(std::string_view text, size_t max_bytes) {
  if (text.empty() || text.size() > max_bytes) return std::nullopt;
  Checker checker;
  if (!json::sax_parse(text, &checker)) return std::nullopt;
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return std::nullopt;
  return object;
}

const std::string* StringMember(const json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() ? nullptr : member->get_ptr<const std::string*>();
}

}  // namespace countersign::jws
