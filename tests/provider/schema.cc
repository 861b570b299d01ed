#include "tests/provider/schema.h"

#include <functional>

namespace countersign::provider {
namespace {

// The same object with `change` applied to each block nested under `name`, whatever the nesting; `change` is
// given its key too: null, a place or a name.
Json EachNested(const NestedBlock& nested, const Json& value,
                const std::function<Json(const Json& key, const Json& value)>& change) {
  if (IsUnknown(value)) return value;
  if (nested.nesting == Nesting::kSingle) return value.is_null() ? value : change(nullptr, value);
  if (nested.nesting == Nesting::kMap) {
    Json result = Json::object();
    for (const auto& [key, element] : value.items()) result[key] = change(key, element);
    return result;
  }
  Json result = Json::array();
  for (size_t i = 0; i < value.size(); ++i) result.push_back(change(i, value[i]));
  return result;
}

// The element of `value` with the key that EachNested() gave; null where there is none.
const Json& Element(const Json& value, const Json& key) {
  static const Json* const null = new Json();
  if (key.is_null()) return value;
  if (key.is_string()) return Attribute(value, key);
  const auto place = key.get<size_t>();
  return value.is_array() && place < value.size() ? value[place] : *null;
}

Json PlanBlock(const Block& block, const Json& prior, Json proposed) {
  for (const AttributeSchema& attribute : block.attributes) {
    if (attribute.Is(kComputed) && prior.is_null() && proposed[attribute.name].is_null()) {
      proposed[attribute.name] = Unknown();
    }
  }
  for (const NestedBlock& nested : block.blocks) {
    // An element of a set has no place, so none of them can be told to be new; they have nothing to choose.
    if (nested.nesting == Nesting::kSet) continue;
    const Json& before = Attribute(prior, nested.name);
    proposed[nested.name] =
        EachNested(nested, proposed[nested.name], [&](const Json& key, const Json& element) {
          return PlanBlock(nested.block, Element(before, key), element);
        });
  }
  return proposed;
}

void AddReplacePaths(const Block& block, const Json& prior, const Json& planned, const Path& path,
                     std::vector<Path>* paths) {
  const auto below = [&](const Json& step) {
    Path longer = path;
    longer.push_back(step);
    return longer;
  };
  for (const AttributeSchema& attribute : block.attributes) {
    if (attribute.Is(kReplaces) && Attribute(prior, attribute.name) != Attribute(planned, attribute.name)) {
      paths->push_back(below(attribute.name));
    }
  }
  for (const NestedBlock& nested : block.blocks) {
    if (nested.nesting == Nesting::kSet) continue;
    const Json& before = Attribute(prior, nested.name);
    EachNested(nested, Attribute(planned, nested.name), [&](const Json& key, const Json& element) {
      Path at = below(nested.name);
      if (!key.is_null()) at.push_back(key);
      if (!Element(before, key).is_null()) {
        AddReplacePaths(nested.block, Element(before, key), element, at, paths);
      }
      return Json();
    });
  }
}

}  // namespace

Json Complete(const Block& block, const Json& value) {
  if (!value.is_object()) return value;
  Json result = Json::object();
  for (const AttributeSchema& attribute : block.attributes) {
    result[attribute.name] = Attribute(value, attribute.name);
  }
  for (const NestedBlock& nested : block.blocks) {
    result[nested.name] =
        EachNested(nested, Attribute(value, nested.name),
                   [&](const Json&, const Json& element) { return Complete(nested.block, element); });
  }
  return result;
}

Json Plan(const ResourceType& type, const Json& prior, const Json& proposed) {
  Json planned = PlanBlock(type.block, prior, proposed);
  if (prior.is_null()) return planned;
  for (const auto& [cause, effect] : type.unknown_after_change) {
    if (Attribute(prior, cause) != Attribute(planned, cause)) planned[effect] = Unknown();
  }
  return planned;
}

std::vector<Path> ReplacePaths(const Block& block, const Json& prior, const Json& planned) {
  std::vector<Path> paths;
  AddReplacePaths(block, prior, planned, {}, &paths);
  return paths;
}

}  // namespace countersign::provider
