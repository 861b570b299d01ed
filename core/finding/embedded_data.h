// The files of core/finding/data/, embedded at build time.
#ifndef COUNTERSIGN_CORE_FINDING_EMBEDDED_DATA_H_
#define COUNTERSIGN_CORE_FINDING_EMBEDDED_DATA_H_

#include <string_view>

namespace countersign::finding {

std::string_view ResourceTypesText();
std::string_view AccessRulesText();
std::string_view CommandsText();

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_EMBEDDED_DATA_H_
