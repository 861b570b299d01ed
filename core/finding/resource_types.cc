#include "core/finding/resource_types.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/finding/data_reader.h"
#include "core/finding/embedded_data.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using Holds = ResourceType::Holds;

constexpr std::pair<std::string_view, Holds> kHolds[] = {
    {"nothing", Holds::kNothing},
    {"data", Holds::kData},
    {"key", Holds::kKey},
    {"backup", Holds::kBackup},
    {"protection", Holds::kProtection},
};

absl::Status ReadFlag(TableReader* type, const char* key, std::optional<LossFlag>* flag) {
  for (const nlohmann::json* object : type->Objects(key)) {
    TableReader reader(*object, text::Concat(type->place(), ".", key));
    LossFlag read;
    const bool always = reader.Flag("always");
    read.attribute = always ? "" : reader.Text("attribute");
    read.lost_when = reader.Texts("lost_when");
    read.kept_when_set = reader.Flag("kept_when_set");
    read.provider_default = reader.OptionalText("default");
    if (!always && read.lost_when.empty() != read.kept_when_set) {
      reader.Fail("says neither or both of lost_when and kept_when_set");
    }
    if (absl::Status status = reader.Finish(); !status.ok()) return status;
    *flag = std::move(read);
  }
  return absl::OkStatus();
}

absl::Status ReadProtection(const nlohmann::json& object, std::string place, Protection* protection) {
  TableReader reader(object, std::move(place));
  protection->attribute = reader.Text("attribute");
  protection->on = reader.Texts("on");
  const bool shortens = reader.Flag("shortens");
  const bool expires = reader.Flag("expires");
  const std::vector<std::string> removes = reader.Texts("removes");
  const bool scope = reader.Flag("scope");
  const bool rules = reader.Flag("rules");
  if (int{!protection->on.empty()} + int{shortens} + int{expires} + int{!removes.empty()} + int{scope} +
          int{rules} !=
      1) {
    reader.Fail("says not exactly one of on, shortens, expires, removes, scope and rules");
  }
  if (shortens) protection->kind = Protection::Kind::kShortens;
  if (expires) protection->kind = Protection::Kind::kExpires;
  if (!removes.empty()) {
    protection->kind = Protection::Kind::kRemoves;
    protection->on = removes;
  }
  if (scope) protection->kind = Protection::Kind::kScope;
  if (rules) protection->kind = Protection::Kind::kRules;
  protection->beside = reader.Texts("beside");
  protection->deletes_backups_at = reader.Texts("deletes_backups_at");
  return reader.Finish();
}

absl::StatusOr<ResourceType> ReadType(const nlohmann::json& object, std::string place) {
  TableReader reader(object, std::move(place));
  ResourceType type;
  type.type = reader.Text("type");
  type.what = reader.Text("what");
  const std::string holds = reader.Text("holds");
  if (reader.OneOf(holds, {"nothing", "data", "key", "backup", "protection"})) {
    for (const auto& [word, value] : kHolds) {
      if (word == holds) type.holds = value;
    }
  }
  const std::string severity = reader.OptionalText("severity");
  if (!severity.empty() && reader.OneOf(severity, {"high"})) type.severity = v1::Finding::HIGH;
  type.identifiers = reader.Texts("identifiers");
  type.of = reader.Texts("of");
  for (const auto& [key, flag] : {std::pair{"final_snapshot", &type.final_snapshot},
                                  std::pair{"automated_backups", &type.automated_backups},
                                  std::pair{"force_destroy", &type.force_destroy}}) {
    if (absl::Status status = ReadFlag(&reader, key, flag); !status.ok()) return status;
  }
  for (const nlohmann::json* protection : reader.Objects("protections")) {
    absl::Status status = ReadProtection(*protection, text::Concat(reader.place(), ".protections"),
                                         &type.protections.emplace_back());
    if (!status.ok()) return status;
  }
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return type;
}

}  // namespace

absl::StatusOr<ResourceTypes> ResourceTypes::Parse(std::string_view text) {
  absl::StatusOr<nlohmann::json> table = ParseTable(text);
  if (!table.ok()) return table.status();
  TableReader reader(*table, "resource_types");
  ResourceTypes types;
  for (std::string& name : reader.Texts("familiar_providers")) types.familiar_providers_.insert(name);
  for (std::string& word : reader.Texts("data_words")) types.data_words_.insert(word);
  types.dataless_suffixes_ = reader.Texts("dataless_suffixes");
  size_t position = 0;
  for (const nlohmann::json* object : reader.Objects("types")) {
    absl::StatusOr<ResourceType> type = ReadType(*object, absl::StrCat("types[", position++, "]"));
    if (!type.ok()) return type.status();
    std::string name = type->type;
    if (!types.types_.emplace(name, *std::move(type)).second) reader.Fail(name + " is there twice");
  }
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return types;
}

const ResourceTypes& ResourceTypes::Get() {
  static const auto* const types = [] {
    absl::StatusOr<ResourceTypes> parsed = Parse(ResourceTypesText());
    if (!parsed.ok()) std::abort();  // A test reads the table, so this is never shipped.
    return new ResourceTypes(*std::move(parsed));
  }();
  return *types;
}

const ResourceType* ResourceTypes::Find(const std::string& type) const {
  const auto at = types_.find(type);
  return at == types_.end() ? nullptr : &at->second;
}

bool ResourceTypes::IsFamiliar(std::string_view type) const {
  return familiar_providers_.contains(std::string(type.substr(0, type.find('_'))));
}

bool ResourceTypes::SoundsLikeData(std::string_view type) const {
  for (const std::string& suffix : dataless_suffixes_) {
    if (type.ends_with(suffix)) return false;
  }
  const std::vector<std::string_view> words = text::Split(type, '_');
  return std::any_of(words.begin(), words.end(),
                     [this](std::string_view word) { return data_words_.contains(std::string(word)); });
}

}  // namespace countersign::finding
