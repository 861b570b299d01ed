#ifndef COUNTERSIGN_CORE_FINDING_SED_TEXT_H_
#define COUNTERSIGN_CORE_FINDING_SED_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace countersign::finding {

// Whether a script for sed only edits what it reads: no commands that run programs or read or write files.
// False for what is not understood. Total.
bool OnlyEdits(std::string_view script);

// The same for all scripts that sed is given in `arguments`, the first of which is its own name.
bool SedOnlyEdits(const std::vector<std::string>& arguments);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_SED_TEXT_H_
