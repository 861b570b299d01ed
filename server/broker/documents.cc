#include "server/broker/documents.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <set>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "server/base/document.h"

namespace countersign::broker {
namespace {

using Parsed = std::variant<v1::Directory, v1::Policy, v1::Target>;

// A separator stands at the start of a line, where no scalar of a mapping can hold one (YAML 1.2, 9.1.2).
std::vector<std::string> SplitText(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const std::string_view line : text::Split(text, '\n')) {
    const bool separator = line.starts_with("---") && (line.size() == 3 || line[3] == ' ' || line[3] == '\r');
    if (separator) {
      parts.emplace_back();
    } else {
      parts.back().append(line).push_back('\n');
    }
  }
  return parts;
}

// Takes the `document` line out of the JSON, which the messages themselves do not have.
absl::StatusOr<std::string> TakeType(std::string* json) {
  google::protobuf::Struct object;
  if (!google::protobuf::util::JsonStringToMessage(*json, &object).ok()) {
    return error::InvalidField("content", "a document must be a mapping");
  }
  const auto found = object.fields().find("document");
  if (found == object.fields().end() || found->second.kind_case() != google::protobuf::Value::kStringValue) {
    return error::InvalidField("content",
                               "every document needs a line `document: Directory`, `Policy` or `Target`");
  }
  std::string type = found->second.string_value();
  object.mutable_fields()->erase("document");
  json->clear();
  if (!google::protobuf::util::MessageToJsonString(object, json).ok()) {
    return error::InvalidField("content", "cannot be read");
  }
  return type;
}

template <typename T>
absl::StatusOr<Parsed> Read(const std::string& json) {
  T message;
  if (const absl::Status status = base::FromJson(json, &message); !status.ok()) return status;
  return Parsed(std::move(message));
}

// nullopt-like: an empty text gives no document.
absl::StatusOr<std::vector<Parsed>> Parse(const std::string& text) {
  const auto documents = base::ParseYaml(text);
  if (!documents.ok()) return documents.status();
  std::vector<Parsed> parsed;
  for (const base::JsonDocument& document : *documents) {
    std::string json = document.json;
    const auto type = TakeType(&json);
    if (!type.ok()) return type.status();
    absl::StatusOr<Parsed> message =
        *type == "Directory" ? Read<v1::Directory>(json)
        : *type == "Policy"  ? Read<v1::Policy>(json)
        : *type == "Target"
            ? Read<v1::Target>(json)
            : error::InvalidField("content", "`document` must be Directory, Policy or Target");
    if (!message.ok()) return message.status();
    parsed.push_back(*std::move(message));
  }
  return parsed;
}

std::string NameOf(const Parsed& parsed) {
  if (std::holds_alternative<v1::Directory>(parsed)) return "directory";
  if (std::holds_alternative<v1::Policy>(parsed)) return "policy";
  return std::get<v1::Target>(parsed).name();
}

}  // namespace

absl::StatusOr<std::vector<NamedDocument>> SplitDocuments(std::string_view text) {
  if (text.size() > base::kMaxDocumentBytes) return error::InvalidField("content", "larger than 1 MiB");
  std::vector<NamedDocument> documents;
  std::set<std::string> names;
  for (std::string& part : SplitText(text)) {
    const auto parsed = Parse(part);
    if (!parsed.ok()) return parsed.status();
    if (parsed->empty()) continue;
    if (parsed->size() > 1) return error::InvalidField("content", "separate documents by lines of ---");
    const std::string name = NameOf(parsed->front());
    if (!names.insert(name).second) {
      return error::InvalidField("content", text::Concat("holds the document ", name, " twice"));
    }
    documents.push_back({name, std::move(part)});
  }
  if (documents.empty()) return error::InvalidField("content", "holds no document");
  return documents;
}

absl::StatusOr<policy::Configuration> BuildConfiguration(int64_t version,
                                                         const std::vector<v1::Document>& documents) {
  policy::Documents built;
  built.version = version;
  for (const v1::Document& document : documents) {
    auto parsed = Parse(document.content());
    if (!parsed.ok()) return parsed.status();
    if (parsed->size() != 1) return error::InvalidField("content", "must be one document");
    built.digests[document.name()] = document.digest();
    Parsed& message = parsed->front();
    if (auto* directory = std::get_if<v1::Directory>(&message)) built.directory = std::move(*directory);
    if (auto* policy = std::get_if<v1::Policy>(&message)) built.policy = std::move(*policy);
    if (auto* target = std::get_if<v1::Target>(&message)) built.targets.push_back(std::move(*target));
  }
  return policy::Configuration::Create(std::move(built));
}

}  // namespace countersign::broker
