// The judge of the fault and chaos tests must itself see what is wrong.
#include "tests/support/audit_invariants.h"

#include "tests/contract/store_contract.h"
#include "tests/support/broker_world.h"
#include "tests/support/status_matchers.h"

namespace countersign::storage {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(AuditInvariantsTest, EachIsViolatedByWhatItForbids) {
  testing::MigratedDatabase database;
  testing::StoreOnPostgres store(database.BrokerDsn());
  testing::BrokerWorld world(&*store);
  const auto redeemed = world.Redeem(*world.Claim(world.Approved()));
  ASSERT_OK(redeemed);
  ASSERT_OK(world.Claim(world.Approved("waiting")));
  const auto submitted = world.Submit("targets/prod-courses");
  ASSERT_OK(submitted);
  EXPECT_THAT(ViolatedInvariants(database), IsEmpty());

  struct Case {
    const char* sql;
    const char* sentence;
  };
  const Case cases[] = {
      {"DELETE FROM audit_events WHERE type = 'proposal.approved'",
       "every commit left exactly one audit event"},
      {"DELETE FROM audit_events WHERE type = 'proposal.approved'", "no token without an approval"},
      {"DELETE FROM audit_events WHERE type = 'proposal.approved'", "every decision is in the audit trail"},
      {"UPDATE audit_events SET proposal_id = 'x' WHERE type = 'token.redeemed'",
       "about a proposal that exists"},
      {"UPDATE proposals SET state = 5 WHERE state = 1", "fits the state"},
      {"UPDATE proposals SET state = 5 WHERE state = 1", "nothing ran without a spent token"},
      {"INSERT INTO tokens SELECT 'x', id, 'ci', 'x', '2026-01-01', '2036-01-01' FROM proposals WHERE state "
       "= 1",
       "no token without an approval"},
      {"INSERT INTO audit_events (event_time, type, principal, proposal_id, request_id, details) "
       "SELECT event_time, type, principal, proposal_id, request_id, details FROM audit_events "
       "WHERE type = 'token.redeemed'",
       "no proposal is redeemed twice"},
      {"UPDATE tokens SET redeem_time = '2026-01-01' WHERE redeem_time IS NULL",
       "a token is spent exactly if"},
      {"DELETE FROM tokens WHERE redeem_time IS NULL", "every issued token is in the audit trail once"},
      {"DROP INDEX proposals_one_execution_per_target; UPDATE proposals SET state = 3, target = "
       "'targets/dev'",
       "no target has two executions"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.sql);
    auto connection = database.Connect();
    ASSERT_OK(
        connection.Script("CREATE SCHEMA backup; "
                          "CREATE TABLE backup.proposals AS TABLE proposals; "
                          "CREATE TABLE backup.tokens AS TABLE tokens; "
                          "CREATE TABLE backup.audit_events AS TABLE audit_events",
                          kForever));
    ASSERT_OK(connection.Script(one.sql, kForever));
    EXPECT_THAT(ViolatedInvariants(database), Contains(HasSubstr(one.sentence)));
    ASSERT_OK(
        connection.Script("TRUNCATE proposals, tokens, audit_events; "
                          "INSERT INTO proposals TABLE backup.proposals; "
                          "INSERT INTO tokens TABLE backup.tokens; "
                          "INSERT INTO audit_events OVERRIDING SYSTEM VALUE TABLE backup.audit_events; "
                          "DROP SCHEMA backup CASCADE",
                          kForever));
    EXPECT_THAT(ViolatedInvariants(database), IsEmpty());
  }
}

}  // namespace
}  // namespace countersign::storage
