#include "tests/support/audit_invariants.h"

#include "absl/strings/str_cat.h"
#include "tests/support/fatal.h"

namespace countersign::testing {
namespace {

struct Invariant {
  const char* sentence;
  const char* violations;  // The ids that it is not true of.
};

constexpr Invariant kInvariants[] = {
    {"every commit left exactly one audit event", R"sql(
SELECT p.id FROM proposals p
WHERE p.version <> (SELECT count(*) FROM audit_events e WHERE e.proposal_id = p.id))sql"},
    {"every audit event is about a proposal that exists", R"sql(
SELECT e.proposal_id FROM audit_events e
WHERE e.proposal_id <> '' AND NOT EXISTS (SELECT FROM proposals p WHERE p.id = e.proposal_id))sql"},
    {"the last audit event fits the state", R"sql(
SELECT p.id FROM proposals p,
  LATERAL (SELECT type FROM audit_events e WHERE e.proposal_id = p.id ORDER BY e.id DESC LIMIT 1) last
WHERE (p.state, last.type) NOT IN (
  (1, 'proposal.created'), (1, 'proposal.approved'), (2, 'proposal.created'), (2, 'proposal.approved'),
  (2, 'token.issued'), (3, 'token.redeemed'), (4, 'execution.lease_lost'),
  (5, 'execution.reported'), (6, 'execution.reported'), (5, 'execution.resolved'), (6, 'execution.resolved'),
  (7, 'proposal.denied'), (8, 'proposal.expired'), (9, 'proposal.cancelled'), (10, 'proposal.superseded'),
  (11, 'proposal.revoked')))sql"},
    {"no token without an approval of its proposal before it in the audit trail", R"sql(
SELECT t.proposal_id FROM tokens t WHERE NOT EXISTS (
  SELECT FROM audit_events approved, audit_events issued
  WHERE approved.proposal_id = t.proposal_id AND approved.type = 'proposal.approved'
    AND issued.proposal_id = t.proposal_id AND issued.type = 'token.issued'
    AND issued.details::json ->> 'token_id' = t.id AND approved.id < issued.id))sql"},
    {"every issued token is in the audit trail once, and every one there exists", R"sql(
SELECT e.proposal_id FROM audit_events e LEFT JOIN tokens t ON t.id = e.details::json ->> 'token_id'
WHERE e.type = 'token.issued' GROUP BY e.proposal_id, e.details::json ->> 'token_id'
HAVING count(*) <> 1 OR count(t.id) <> 1)sql"},
    {"no proposal is redeemed twice", R"sql(
SELECT proposal_id FROM audit_events WHERE type = 'token.redeemed' GROUP BY proposal_id HAVING count(*) > 1
UNION ALL
SELECT proposal_id FROM tokens WHERE redeem_time IS NOT NULL GROUP BY proposal_id HAVING count(*) > 1)sql"},
    {"a token is spent exactly if the audit trail says so", R"sql(
SELECT t.proposal_id FROM tokens t
WHERE (t.redeem_time IS NOT NULL) <> EXISTS (
  SELECT FROM audit_events e WHERE e.proposal_id = t.proposal_id AND e.type = 'token.redeemed'
                               AND e.details::json ->> 'token_id' = t.id))sql"},
    {"nothing ran without a spent token", R"sql(
SELECT p.id FROM proposals p WHERE p.state IN (3, 4, 5, 6) AND NOT EXISTS (
  SELECT FROM tokens t WHERE t.proposal_id = p.id AND t.redeem_time IS NOT NULL))sql"},
    {"every decision is in the audit trail, and no other", R"sql(
SELECT p.id FROM proposals p
WHERE (SELECT count(*) FROM decisions d WHERE d.proposal_id = p.id)
   <> (SELECT count(*) FROM audit_events e
       WHERE e.proposal_id = p.id AND e.type IN ('proposal.approved', 'proposal.denied')))sql"},
    {"no target has two executions", R"sql(
SELECT min(id) FROM proposals WHERE state IN (3, 4) GROUP BY target HAVING count(*) > 1)sql"},
};

}  // namespace

std::vector<std::string> ViolatedInvariants(const MigratedDatabase& database) {
  postgres::Connection connection = database.Connect();
  // Without statistics the planner takes the trail of many lives for one of a few, and loops over it.
  if (!connection.Script("ANALYZE", absl::InfiniteFuture()).ok()) Fatal("the tables cannot be analysed");
  std::vector<std::string> violated;
  for (const Invariant& invariant : kInvariants) {
    const auto result = connection.Query(invariant.violations, {}, absl::InfiniteFuture());
    if (!result.ok()) Fatal(absl::StrCat(invariant.sentence, ": cannot be asked"));
    if (result->empty()) continue;
    violated.push_back(absl::StrCat(invariant.sentence, ":"));
    for (int row = 0; row < result->rows() && row < 5; ++row) {
      absl::StrAppend(&violated.back(), " ", std::string(result->Text(row, 0)));
    }
  }
  return violated;
}

}  // namespace countersign::testing
