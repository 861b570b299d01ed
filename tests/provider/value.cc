#include "tests/provider/value.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace countersign::provider {
namespace {

// Types of MessagePack extension.
constexpr uint8_t kUnknown = 0;
constexpr uint8_t kRefinedUnknown = 12;

// Builds a value from the parser's events; the parser itself would round numbers.
class ExactNumbers : public nlohmann::json_sax<Json> {
 public:
  Json Take() { return std::move(root_); }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t, const string_t& text) override { return Add(text); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(Json::object()); }
  bool start_array(std::size_t) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(string_t& name) override {
    key_ = name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  Json* Put(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_array()) return &open_.back()->emplace_back(std::move(value));
    return &((*open_.back())[key_] = std::move(value));
  }
  bool Add(Json value) {
    Put(std::move(value));
    return true;
  }
  bool Open(Json value) {
    // Stays where it is: a container grows only while it is the innermost one.
    open_.push_back(Put(std::move(value)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;
  std::string key_;
};

}  // namespace

Json Unknown() { return Json::binary({0}, kUnknown); }

bool IsUnknown(const Json& value) {
  if (!value.is_binary() || !value.get_binary().has_subtype()) return false;
  const auto subtype = value.get_binary().subtype();
  return subtype == kUnknown || subtype == kRefinedUnknown;
}

absl::StatusOr<Json> DecodeMessagePack(const std::string& bytes) {
  Json value = Json::from_msgpack(bytes, true, false);
  if (value.is_discarded()) return absl::InvalidArgumentError("a value is not MessagePack");
  return value;
}

std::string EncodeMessagePack(const Json& value) {
  const std::vector<uint8_t> bytes = Json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

absl::StatusOr<Json> DecodeJson(const std::string& text) {
  ExactNumbers numbers;
  if (!Json::sax_parse(text, &numbers)) return absl::InvalidArgumentError("a value is not JSON");
  return numbers.Take();
}

const Json& Attribute(const Json& object, const std::string& name) {
  static const Json* const null = new Json();
  if (!object.is_object()) return *null;
  const auto found = object.find(name);
  return found == object.end() ? *null : *found;
}

std::string TextOr(const Json& object, const std::string& name, const std::string& otherwise) {
  const Json& value = Attribute(object, name);
  return value.is_string() ? value.get<std::string>() : otherwise;
}

bool BoolOr(const Json& object, const std::string& name, bool otherwise) {
  const Json& value = Attribute(object, name);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

}  // namespace countersign::provider
