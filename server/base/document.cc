#include "server/base/document.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/stubs/common.h>
#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::base {
namespace {

// Thrown out of yaml-cpp's parser, which offers no other way to stop; caught in ParseYaml().
struct Refused : std::runtime_error {
  Refused(const YAML::Mark& mark, std::string_view what)
      : std::runtime_error(
            text::Concat("line ", mark.line + 1, ", column ", mark.column + 1, ": ", std::string(what))) {}
};

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20) {
      absl::StrAppend(&out, "\\u00", absl::Hex(byte, absl::kZeroPad2));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

// Writes JSON as the parser reports events; sees duplicate keys and aliases, which a node tree would hide.
class JsonWriter final : public YAML::EventHandler {
 public:
  bool empty() const { return json_.empty() || json_ == "null"; }
  const YAML::Mark& start() const { return start_; }
  std::string Take() { return std::move(json_); }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused(mark, "aliases are not allowed");
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Check(mark, "", anchor);
    if (AtKey()) throw Refused(mark, "a key must not be null");
    Value("null");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Check(mark, tag, anchor);
    // Nothing that is stored or compared can hold it, and an escape in quotes can make it.
    if (value.find('\0') != std::string::npos) throw Refused(mark, "NUL is not allowed");
    if (AtKey()) {
      if (!levels_.back().keys.insert(value).second)
        throw Refused(mark, text::Concat("duplicate key ", Quote(value)));
      if (levels_.back().keys.size() > 1) json_.push_back(',');
      absl::StrAppend(&json_, Quote(value), ":");
      levels_.back().at_key = false;
      return;
    }
    const bool plain = tag == "?";
    Value(plain && (value == "null" || value == "~" || value.empty()) ? "null" : Quote(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, '[');
  }
  void OnSequenceEnd() override { Close(']'); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, '{');
  }
  void OnMapEnd() override { Close('}'); }

 private:
  struct Level {
    bool map = false;
    bool at_key = false;
    bool first = true;
    std::set<std::string> keys;
  };

  bool AtKey() const { return !levels_.empty() && levels_.back().map && levels_.back().at_key; }

  void Check(const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor) {
    if (anchor != 0) throw Refused(mark, "anchors are not allowed");
    if (!tag.empty() && tag != "?" && tag != "!") throw Refused(mark, "tags are not allowed");
  }
  // Writes the comma before a sequence element, and turns a map back to expecting a key.
  void BeforeValue() {
    if (levels_.empty()) return;
    Level& level = levels_.back();
    if (level.map) {
      level.at_key = true;
    } else {
      if (!level.first) json_.push_back(',');
      level.first = false;
    }
  }
  void Value(std::string_view json) {
    BeforeValue();
    json_ += json;
  }
  void Open(const YAML::Mark& mark, std::string_view tag, YAML::anchor_t anchor, char bracket) {
    Check(mark, tag, anchor);
    if (AtKey()) throw Refused(mark, "a key must be a scalar");
    if (levels_.size() >= kMaxDocumentDepth) throw Refused(mark, "nested too deeply");
    BeforeValue();
    json_.push_back(bracket);
    levels_.push_back({.map = bracket == '{', .at_key = bracket == '{', .first = true, .keys = {}});
  }
  void Close(char bracket) {
    levels_.pop_back();
    json_.push_back(bracket);
  }

  std::string json_;
  std::vector<Level> levels_;
  YAML::Mark start_;
};

// The characters that YAML allows unescaped (YAML 1.2, 5.1), in UTF-8 only: yaml-cpp would guess other
// encodings from NUL bytes, and replace or pass on what it cannot read.
bool IsPrintable(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (!google::protobuf::internal::IsStructurallyValidUTF8(text.data(), static_cast<int>(text.size())))
    return false;
  if (text.find(kByteOrderMark, 1) != std::string_view::npos) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0x7F || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r')) return false;
    // U+0080 to U+009F but for U+0085; in valid UTF-8 another byte follows.
    if (byte == 0xC2) {
      const auto next = static_cast<unsigned char>(text[i + 1]);
      if (next < 0xA0 && next != 0x85) return false;
    }
  }
  return true;
}

// yaml-cpp recurses once per level before any event reaches us, so depth is bounded on the text: no level
// opens without one of these characters or a deeper indentation.
bool MightNestTooDeeply(std::string_view text) {
  size_t flow = 0;
  size_t indentation = 0;
  size_t dashes = 0;
  bool line_start = true;
  for (const char c : text) {
    if (c == '\n') {
      line_start = true;
      indentation = 0;
      dashes = 0;
    } else if (line_start && (c == ' ' || c == '-' || c == '?' || c == ':')) {
      ++indentation;
      if (c != ' ') ++dashes;
    } else {
      line_start = false;
    }
    if (c == '[' || c == '{') ++flow;
    if ((c == ']' || c == '}') && flow > 0) --flow;
    if (flow > 16 * kMaxDocumentDepth || dashes > 16 * kMaxDocumentDepth ||
        indentation > 64 * kMaxDocumentDepth) {
      return true;
    }
  }
  return false;
}

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Struct;
using google::protobuf::Value;

absl::Status CheckKeys(const Struct& object, const Descriptor& type);

// Durations and the like are not.
bool IsWrittenByFields(const FieldDescriptor& field) {
  return field.message_type() != nullptr && field.message_type()->file()->package() != "google.protobuf";
}

absl::Status CheckKeys(const Value& value, const FieldDescriptor& field) {
  if (!IsWrittenByFields(field)) return absl::OkStatus();
  if (value.has_list_value()) {
    for (const Value& element : value.list_value().values()) {
      if (absl::Status status = CheckKeys(element, field); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  if (!value.has_struct_value()) return absl::OkStatus();
  if (!field.is_map()) return CheckKeys(value.struct_value(), *field.message_type());
  for (const auto& [key, element] : value.struct_value().fields()) {
    absl::Status status = CheckKeys(element, *field.message_type()->map_value());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// protobuf's parser takes two spellings of each field, the later one winning: one key twice that does not
// look so. Only the documented one is a field here.
absl::Status CheckKeys(const Struct& object, const Descriptor& type) {
  for (const auto& [key, value] : object.fields()) {
    const FieldDescriptor* field = type.FindFieldByName(key);
    if (field == nullptr) {
      const FieldDescriptor* meant = type.FindFieldByCamelcaseName(key);
      const std::string hint = meant == nullptr ? "" : text::Concat("; write ", meant->name());
      return error::InvalidField("content", text::Concat(type.name(), " has no field ", Quote(key), hint));
    }
    if (absl::Status status = CheckKeys(value, *field); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<JsonDocument>> ParseYaml(std::string_view text) {
  if (text.size() > kMaxDocumentBytes) return error::InvalidField("content", "larger than 1 MiB");
  if (!IsPrintable(text)) {
    return error::InvalidField("content", "must be UTF-8 without control characters");
  }
  if (MightNestTooDeeply(text)) return error::InvalidField("content", "nested too deeply");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    std::vector<JsonDocument> documents;
    for (int last_line = -1;;) {
      JsonWriter writer;
      if (!parser.HandleNextDocument(writer)) return documents;
      // yaml-cpp takes whatever follows on the line for another document, and what cannot start one, a comma
      // for example, for an empty one, for ever.
      const YAML::Mark start = writer.start();
      if (start.line <= last_line) throw Refused(start, "no document can start here");
      last_line = start.line;
      if (!writer.empty()) documents.push_back({writer.Take(), start.line + 1});
    }
  } catch (const Refused& refused) {
    return error::InvalidField("content", refused.what());
  } catch (const YAML::Exception& exception) {
    return error::InvalidField("content", text::Concat("line ", exception.mark.line + 1, ", column ",
                                                       exception.mark.column + 1, ": ", exception.msg));
  }
}

absl::Status FromJson(std::string_view json, google::protobuf::Message* message) {
  Struct object;
  // What is no object at all is for the message's own parser to refuse.
  if (message->GetDescriptor()->file()->package() != "google.protobuf" &&
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &object).ok()) {
    if (absl::Status status = CheckKeys(object, *message->GetDescriptor()); !status.ok()) return status;
  }
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = false;
  const auto status =
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, message, options);
  if (!status.ok()) return error::InvalidField("content", std::string(status.message()));
  return absl::OkStatus();
}

}  // namespace countersign::base
