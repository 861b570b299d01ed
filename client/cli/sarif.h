#ifndef COUNTERSIGN_CLIENT_CLI_SARIF_H_
#define COUNTERSIGN_CLIENT_CLI_SARIF_H_

#include <string>
#include <vector>

#include "countersign/v1/finding.pb.h"

namespace countersign::cli {

// The findings of the file `path` as a SARIF 2.1.0 log with one run, for code scanning. Critical and high
// findings are errors.
std::string SarifLog(const std::vector<v1::Finding>& findings, const std::string& path);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_SARIF_H_
