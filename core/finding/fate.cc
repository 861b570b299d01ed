#include "core/finding/fate.h"

#include <algorithm>

#include "core/finding/attribute_values.h"
#include "core/text/text.h"

namespace countersign::finding {

Fate FateOf(const std::optional<LossFlag>& flag, const v1::ResourceChange& change) {
  if (!flag.has_value()) return Fate::kNotThere;
  if (flag->attribute.empty()) return Fate::kLost;
  const Values values = ValuesOf(change, flag->attribute, Side::kBefore);
  if (flag->kept_when_set) {
    const bool set = std::any_of(values.texts.begin(), values.texts.end(),
                                 [](const std::string& text) { return !text.empty(); });
    return set && values.known ? Fate::kKept : Fate::kUnknown;
  }
  if (values.HasAny(flag->lost_when)) return Fate::kLost;
  return values.known && !values.texts.empty() ? Fate::kKept : Fate::kUnknown;
}

std::string ValueOf(const LossFlag& flag, const v1::ResourceChange& change) {
  if (flag.attribute.empty()) return "always";
  const Values values = ValuesOf(change, flag.attribute, Side::kBefore);
  if (values.known && !values.texts.empty()) return values.texts.front();
  if (flag.provider_default.empty()) return "not known";
  return text::Concat("not known; the provider's default is ", flag.provider_default);
}

}  // namespace countersign::finding
