// The part of a card that says what the broker thinks of it: the verdict line and the findings.
#ifndef COUNTERSIGN_CLIENT_CLI_FINDING_CARD_H_
#define COUNTERSIGN_CLIENT_CLI_FINDING_CARD_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <string_view>

#include "client/cli/card_rows.h"
#include "client/cli/session.h"
#include "countersign/v1/finding.pb.h"

namespace countersign::cli {

using Findings = google::protobuf::RepeatedPtrField<v1::Finding>;
using Codes = google::protobuf::RepeatedPtrField<std::string>;

// The verdict line; nothing where there is none.
Lines VerdictRows(const Session& session, std::string_view summary);

// That nobody may approve it, said by `sentence` and the codes, and what to do instead; nothing where no code
// is forbidden.
Lines ForbiddenRows(const Session& session, const Codes& forbidden, const Findings& findings,
                    std::string_view sentence = "nobody may approve this: ");

// The worst first, those that hurt with what to do about them unless that stands in ForbiddenRows() already.
// Critical and high ones are never left out.
Lines FindingRows(const Session& session, const Findings& findings, const Codes& forbidden, Detail detail);

// "CRITICAL"; "UNKNOWN" for what this version does not know.
std::string SeverityText(v1::Finding::Severity severity);
// The worst of them; "" where there is none.
std::string WorstSeverity(const Findings& findings);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_FINDING_CARD_H_
