#ifndef COUNTERSIGN_TESTS_SUPPORT_AUDIT_INVARIANTS_H_
#define COUNTERSIGN_TESTS_SUPPORT_AUDIT_INVARIANTS_H_

#include <string>
#include <vector>

#include "tests/support/migrated_database.h"

namespace countersign::testing {

// What must be true of a broker's database whatever happened to the broker, to PostgreSQL and to the network
// between them; each sentence that is not true, with the proposals that it is not true of. Empty is good:
//   - every commit left exactly one audit event, and the last one fits the state;
//   - no token without the approval of its proposal before it in the audit trail;
//   - no token redeemed twice, and no proposal redeemed twice;
//   - decisions, tokens and the audit trail tell the same story.
std::vector<std::string> ViolatedInvariants(const MigratedDatabase& database);

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_AUDIT_INVARIANTS_H_
