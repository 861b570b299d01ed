#include "core/finding/attribute_values.h"

#include <algorithm>

#include "core/text/text.h"
#include "nlohmann/json.hpp"

namespace countersign::finding {
namespace {

// Bounds the recursion; plans nest less deeply than that.
constexpr int kMaxDepth = 100;

// Whether `path`, indexes left out, is `wanted` or the beginning of it, as the whole object is of everything.
// Says where the rest begins.
bool IsAt(const std::string& path, std::string_view wanted, std::string_view* rest) {
  if (!wanted.starts_with(path)) return false;
  *rest = wanted.substr(path.size());
  return path.empty() || rest->empty() || text::ConsumePrefix(rest, ".");
}

// Adds the values at `rest` below `value`. Lists are entered, whatever `rest` says.
void Collect(const nlohmann::json& value, std::string_view rest, int depth, Values* values) {
  if (depth > kMaxDepth) {
    values->known = false;
  } else if (value.is_array()) {
    for (const nlohmann::json& element : value) Collect(element, rest, depth + 1, values);
  } else if (value.is_object() && !rest.empty()) {
    const size_t dot = rest.find('.');
    const auto at = value.find(std::string(rest.substr(0, dot)));
    const std::string_view below = dot == std::string_view::npos ? "" : rest.substr(dot + 1);
    if (at != value.end()) Collect(*at, below, depth + 1, values);
  } else if (value.is_string()) {
    values->texts.push_back(value.get<std::string>());
  } else if (!value.is_null()) {
    values->texts.push_back(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

// Whether what stands at `path`, indexes and all, tells about `wanted`.
bool IsAbout(std::string_view path, std::string_view wanted) {
  // Most are about something else: seen without a copy.
  const size_t name = std::min(path.find_first_of(".["), path.size());
  if (!wanted.starts_with(path.substr(0, name))) return false;
  std::string_view rest;
  return IsAt(WithoutIndexes(path), wanted, &rest);
}

Values NotKnown() {
  Values values;
  values.known = false;
  return values;
}

// What `json`, which stands at `path`, has at `wanted`.
Values ValuesAt(std::string_view path, const std::string& json, std::string_view wanted) {
  const nlohmann::json value = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return NotKnown();
  Values values;
  std::string_view rest;
  if (IsAt(WithoutIndexes(path), wanted, &rest)) Collect(value, rest, 0, &values);
  return values;
}

// Whether `value` is something else than null and empty lists and objects.
bool IsSomething(const nlohmann::json& value) {
  return !value.is_null() && !(value.is_structured() && value.empty());
}

void Append(Values&& more, Values* values) {
  values->known &= more.known;
  std::move(more.texts.begin(), more.texts.end(), std::back_inserter(values->texts));
}

}  // namespace

bool Values::HasAny(const std::vector<std::string>& wanted) const {
  return std::any_of(texts.begin(), texts.end(), [&wanted](const std::string& text) {
    return std::find(wanted.begin(), wanted.end(), text) != wanted.end();
  });
}

std::string WithoutIndexes(std::string_view path) {
  std::string plain;
  bool quoted = false;
  int depth = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (depth > 0 && c == '"') {
      quoted = true;
    } else if (c == '[') {
      ++depth;
    } else if (c == ']') {
      depth = std::max(depth - 1, 0);
    } else if (depth == 0) {
      plain.push_back(c);
    }
  }
  return plain;
}

bool TellsAbout(const v1::AttributeChange& attribute, std::string_view wanted) {
  return IsAbout(attribute.path(), wanted);
}

bool TellsAbout(const v1::UnchangedAttribute& attribute, std::string_view wanted) {
  return IsAbout(attribute.path(), wanted);
}

Values ValuesIn(const v1::AttributeChange& attribute, std::string_view wanted, Side side) {
  const bool unknown = side == Side::kAfter && attribute.after_unknown();
  if (unknown || attribute.masked()) return NotKnown();
  const std::string& json = side == Side::kBefore ? attribute.before_json() : attribute.after_json();
  return json.empty() ? Values() : ValuesAt(attribute.path(), json, wanted);
}

Values ValuesIn(const v1::UnchangedAttribute& attribute, std::string_view wanted) {
  return attribute.json().empty() ? NotKnown() : ValuesAt(attribute.path(), attribute.json(), wanted);
}

Values ValuesBeside(const v1::AttributeChange& attribute, std::string_view wanted,
                    const std::vector<std::string>& beside, Side side) {
  Values all = ValuesIn(attribute, wanted, side);
  const size_t dot = wanted.find('.');
  const bool is_list = dot != std::string_view::npos && attribute.path() == wanted.substr(0, dot);
  if (beside.empty() || !is_list || !all.known) return all;
  const std::string& json = side == Side::kBefore ? attribute.before_json() : attribute.after_json();
  const nlohmann::json list = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return all;
  Values values;
  for (const nlohmann::json& element : list) {
    const bool counts =
        element.is_object() && std::any_of(beside.begin(), beside.end(), [&](const std::string& name) {
          return element.contains(name) && IsSomething(element[name]);
        });
    if (counts) Collect(element, wanted.substr(dot + 1), 0, &values);
  }
  return values;
}

Values ValuesOf(const v1::ResourceChange& change, std::string_view wanted, Side side) {
  Values values;
  bool told = false;
  for (const v1::AttributeChange& attribute : change.attribute_changes()) {
    if (!TellsAbout(attribute, wanted)) continue;
    told = true;
    Append(ValuesIn(attribute, wanted, side), &values);
  }
  for (const v1::UnchangedAttribute& attribute : change.unchanged_attributes()) {
    if (!TellsAbout(attribute, wanted)) continue;
    told = true;
    Append(ValuesIn(attribute, wanted), &values);
  }
  values.known &=
      told && change.attribute_changes_omitted() == 0 && change.unchanged_attributes_omitted() == 0;
  return values;
}

}  // namespace countersign::finding
