#include "core/terraform/module_manifest.h"

#include <algorithm>
#include <utility>

#include "core/terraform/hcl_scanner.h"
#include "core/terraform/json_tree.h"
#include "core/terraform/unreadable.h"
#include "core/terraform/utf8.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

constexpr std::string_view kPlace = "tfconfig/modules.json";

absl::Status Refuse(int line, std::string_view what) {
  return Unreadable(text::Concat(kPlace, ":", line), what);
}

// A name of a module is an identifier of HCL: nothing of ASCII but letters, digits, "_" and "-".
bool IsModuleName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || static_cast<unsigned char>(c) >= 0x80;
  });
}

bool IsModuleKey(std::string_view key) {
  if (key.empty()) return true;
  const std::vector<std::string_view> names = text::Split(key, '.');
  return std::all_of(names.begin(), names.end(), IsModuleName);
}

std::string* FieldOf(std::string_view name, ModuleRecord* record) {
  if (name == "Key") return &record->key;
  if (name == "Source") return &record->source;
  if (name == "Version") return &record->version;
  if (name == "Dir") return &record->directory;
  return nullptr;
}

// Terraform's reader ignores the case of the names and lets the last one win, so only the exact ones are
// good.
absl::StatusOr<ModuleRecord> ReadRecord(const JsonTree& tree, const JsonNode& object, const Limits& limits) {
  if (object.kind != JsonNode::Kind::kObject) return Refuse(object.line, "a module is not an object");
  ModuleRecord record;
  bool has_key = false;
  for (uint32_t at = object.first_child; at != JsonNode::kNone; at = tree.nodes[at].next) {
    const JsonNode& member = tree.nodes[at];
    std::string* const field = FieldOf(*member.name, &record);
    if (field == nullptr || member.text == nullptr) return Refuse(member.line, "a member is not known here");
    if (member.text->size() > limits.entry_name_bytes) return Refuse(member.line, "a text is too long");
    if (HasControlCharacters(*member.text)) return Refuse(member.line, "a text holds control characters");
    *field = *member.text;
    has_key = has_key || field == &record.key;
  }
  if (!has_key || !IsModuleKey(record.key)) return Refuse(object.line, "a module has no proper key");
  if (record.directory.empty()) return Refuse(object.line, "a module has no directory");
  return record;
}

bool HasKey(const std::vector<ModuleRecord>& sorted, std::string_view key) {
  const auto at =
      std::lower_bound(sorted.begin(), sorted.end(), key,
                       [](const ModuleRecord& record, std::string_view k) { return record.key < k; });
  return at != sorted.end() && at->key == key;
}

absl::Status CheckTogether(const std::vector<ModuleRecord>& sorted) {
  if (!HasKey(sorted, "")) return Unreadable(kPlace, "the root module is missing");
  for (size_t i = 0; i < sorted.size(); ++i) {
    const std::string_view key = sorted[i].key;
    if (i > 0 && key == sorted[i - 1].key) return Unreadable(kPlace, "a module stands twice");
    const size_t dot = key.rfind('.');
    if (dot != std::string_view::npos && !HasKey(sorted, key.substr(0, dot))) {
      return Unreadable(kPlace, "a module's parent is missing");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ModuleRecord>> ReadModuleManifest(std::string_view text, const Limits& limits) {
  if (text.size() > limits.configuration_file_bytes) return Unreadable(kPlace, "is too large");
  if (absl::Status checked = CheckText(text, kPlace); !checked.ok()) return checked;
  JsonTree tree;
  absl::Status parsed = ParseJson(text, kPlace, {limits.configuration_values, limits.bracket_depth}, &tree);
  if (!parsed.ok()) return parsed;
  if (tree.nodes[0].kind != JsonNode::Kind::kArray) return Unreadable(kPlace, "is not a list of modules");
  std::vector<ModuleRecord> records;
  for (uint32_t at = tree.nodes[0].first_child; at != JsonNode::kNone; at = tree.nodes[at].next) {
    if (records.size() >= limits.modules) return Unreadable(kPlace, "there are too many modules");
    absl::StatusOr<ModuleRecord> record = ReadRecord(tree, tree.nodes[at], limits);
    if (!record.ok()) return record.status();
    records.push_back(*std::move(record));
  }
  std::sort(records.begin(), records.end(),
            [](const ModuleRecord& a, const ModuleRecord& b) { return a.key < b.key; });
  if (absl::Status checked = CheckTogether(records); !checked.ok()) return checked;
  return records;
}

std::string CleanDirectory(std::string_view directory) {
  const bool rooted = directory.starts_with('/');
  std::vector<std::string_view> steps;
  for (const std::string_view step : text::Split(directory, '/')) {
    if (step.empty() || step == ".") continue;
    if (step == ".." && !steps.empty() && steps.back() != "..") {
      steps.pop_back();
    } else if (step != ".." || !rooted) {
      steps.push_back(step);
    }
  }
  std::string clean = rooted ? "/" : "";
  for (const std::string_view step : steps) {
    if (!clean.empty() && clean.back() != '/') clean += '/';
    clean += step;
  }
  return clean.empty() ? "." : clean;
}

}  // namespace countersign::terraform
