// What PostgreSQL adds to the contract: powers that the serving role does not have, constraints that hold
// whatever a broker believes, rows that somebody changed by hand, and plans that do not read whole tables.
#include "core/text/text.h"
#include "server/base/timestamps.h"
#include "server/postgres/sqlstate.h"
#include "server/postgres/statements.h"
#include "server/postgres/store.h"
#include "tests/contract/store_contract.h"
#include "tests/support/migrated_database.h"
#include "tests/support/status_matchers.h"

namespace countersign::postgres {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::MigratedDatabase;
using storage::kForever;
using storage::Record;
using ::testing::HasSubstr;
using ::testing::Not;

absl::Status Script(const std::string& dsn, const std::string& sql) {
  auto connection = Connection::Connect({.dsn = dsn});
  return connection.ok() ? connection->Script(sql, kForever) : connection.status();
}

class PostgresStoreTest : public ::testing::Test {
 protected:
  Record Committed(const storage::Change& change) {
    const auto outcome = store_->Commit(change, kForever);
    EXPECT_OK(outcome);
    EXPECT_EQ(outcome.value_or(storage::CommitOutcome::kConflict), storage::CommitOutcome::kCommitted);
    return *store_->Get(storage::IdOf(change.proposal), kForever);
  }
  // A row in every table.
  void Populate() {
    ASSERT_OK(store_->ApplyDocuments(0, {{"policy", "content", "sha256:0"}}, "alice", storage::kStart, {},
                                     storage::Request("r1"), kForever));
    ASSERT_OK(
        store_->PutArtifact({"sha256:a", 1, "key", "wrapped", "ciphertext", storage::kStart}, kForever));
    const Record approved =
        Committed(storage::Approval(Committed(storage::Insertion(storage::NewProposal("one")))));
    Committed(storage::Redemption(Committed(storage::Issue(approved, "t1")), "t1"));
  }
  // As the serving role.
  absl::Status Try(const std::string& sql) { return Script(database_.BrokerDsn(), sql); }

  MigratedDatabase database_;
  testing::StoreOnPostgres store_{database_.BrokerDsn()};
};

// --- Powers ---

class PowersTest : public PostgresStoreTest {};

TEST_F(PowersTest, ServingRoleCannotChangeWhatIsWritten) {
  Populate();
  std::vector<std::string> attempts;
  for (const char* table : {"audit_events", "decisions", "documents", "artifacts"}) {
    attempts.push_back(text::Concat("DELETE FROM ", table));
    attempts.push_back(text::Concat("TRUNCATE ", table));
    attempts.push_back(text::Concat("DROP TABLE ", table));
    attempts.push_back(text::Concat("ALTER TABLE ", table, " DISABLE TRIGGER ALL"));
  }
  for (const char* change :
       {"audit_events SET details = 'nothing happened'", "audit_events SET event_time = event_time",
        "decisions SET verdict = 1", "decisions SET person = 'bob'", "documents SET content = 'allow all'",
        "documents SET version = version + 1", "artifacts SET ciphertext = 'x'",
        "tokens SET expire_time = 'infinity'", "tokens SET proposal_id = 'two'",
        "tokens SET holder_thumbprint = 'mine'", "requests SET response = ''",
        "configuration_head SET only_row = true", "schema_migrations SET version = '9999'"}) {
    attempts.push_back(text::Concat("UPDATE ", change));
  }
  for (const char* attempt :
       {"DELETE FROM tokens", "DELETE FROM proposals", "DELETE FROM configuration_head", "TRUNCATE tokens",
        "TRUNCATE proposals", "TRUNCATE requests", "DROP INDEX tokens_redeemed_once",
        "ALTER TABLE decisions DROP CONSTRAINT decisions_one_per_person",
        "INSERT INTO schema_migrations (version) VALUES ('9999')", "SET ROLE test_owner", "SET ROLE postgres",
        "CREATE OR REPLACE FUNCTION countersign_refuse(constraint_name text) RETURNS integer LANGUAGE sql AS "
        "'SELECT 1'",
        "GRANT ALL ON audit_events TO test_broker; DELETE FROM audit_events",
        "SET session_replication_role = replica"}) {
    attempts.push_back(attempt);
  }
  const int64_t events = database_.Int64("SELECT count(*) FROM audit_events");
  for (const std::string& attempt : attempts) {
    const absl::Status refused = Try(attempt);
    EXPECT_EQ(SqlstateOf(refused), kInsufficientPrivilege) << attempt << ": " << testing::Describe(refused);
  }
  EXPECT_EQ(database_.Int64("SELECT count(*) FROM audit_events"), events);
}

TEST_F(PowersTest, ServingRoleOwnsNothing) {
  EXPECT_EQ(database_.Int64("SELECT count(*) FROM pg_class WHERE relowner = 'test_broker'::regrole "
                            "OR relowner = 'countersign_server'::regrole"),
            0);
  EXPECT_EQ(
      database_.Int64("SELECT count(*) FROM pg_roles WHERE rolname IN ('test_broker', 'countersign_server') "
                      "AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls)"),
      0);
}

// --- Constraints ---

TEST_F(PostgresStoreTest, SecondRedeemedTokenOfAProposalIsRefusedEvenByHand) {
  Populate();
  const std::string second =
      "INSERT INTO tokens (id, proposal_id, principal, holder_thumbprint, issue_time, expire_time) "
      "VALUES ('t2', 'one', 'ci', 'x', '2026-01-01', '2036-01-01');";
  ASSERT_OK(Script(database_.SuperuserDsn(), second));
  for (const std::string& dsn : {database_.BrokerDsn(), database_.SuperuserDsn()}) {
    const absl::Status refused = Script(dsn, "UPDATE tokens SET redeem_time = '2026-01-02' WHERE id = 't2'");
    EXPECT_EQ(SqlstateOf(refused), kUniqueViolation);
    EXPECT_EQ(ConstraintOf(refused), "tokens_redeemed_once");
  }
  EXPECT_EQ(database_.Int64("SELECT count(*) FROM tokens WHERE redeem_time IS NOT NULL"), 1);
}

TEST_F(PostgresStoreTest, TokenThatWasSpentByHandIsRefused) {
  const Record claimed = Committed(storage::Issue(
      Committed(storage::Approval(Committed(storage::Insertion(storage::NewProposal("one"))))), "t1"));
  ASSERT_OK(Script(database_.SuperuserDsn(), "UPDATE tokens SET redeem_time = '2026-01-02'"));
  const int64_t events = database_.Int64("SELECT count(*) FROM audit_events");
  EXPECT_THAT(store_->Commit(storage::Redemption(claimed, "t1"), kForever),
              HasReason(v1::TOKEN_ALREADY_REDEEMED));
  EXPECT_EQ(store_->Get("one", kForever)->version, claimed.version);
  EXPECT_EQ(database_.Int64("SELECT count(*) FROM audit_events"), events);
}

TEST_F(PostgresStoreTest, EveryRefusalUndoesTheWholeStatement) {
  Populate();
  const Record waiting = Committed(storage::Issue(
      Committed(storage::Approval(Committed(storage::Insertion(storage::NewProposal("two"))))), "t2"));
  const auto rows = [&] {
    return database_.Int64(
        "SELECT (SELECT count(*) FROM audit_events) + 1000 * (SELECT count(*) FROM decisions) "
        "+ 1000000 * (SELECT count(*) FROM tokens WHERE redeem_time IS NULL) "
        "+ 1000000000 * (SELECT count(*) FROM requests) + 1000000000000 * (SELECT sum(version)::int8 FROM "
        "proposals)");
  };
  const int64_t before = rows();
  storage::Change busy = storage::Redemption(waiting, "t2");
  busy.request = storage::Request("r2");
  EXPECT_THAT(store_->Commit(busy, kForever), HasReason(v1::TARGET_BUSY));
  storage::Change decided = storage::Approval(waiting, "alice");
  decided.request = storage::Request("r3");
  EXPECT_THAT(store_->Commit(decided, kForever), HasReason(v1::ALREADY_DECIDED));
  storage::Change spent = storage::Redemption(waiting, "t1");
  spent.proposal.mutable_action()->set_target("targets/b");
  spent.request = storage::Request("r4");
  spent.proposal.set_state(v1::Proposal::SUCCEEDED);
  EXPECT_THAT(store_->Commit(spent, kForever), HasReason(v1::TOKEN_ALREADY_REDEEMED));
  storage::Change repeated = storage::Transition(waiting, v1::Proposal::REVOKED);
  repeated.request = storage::Request("r1");
  const auto outcome = store_->Commit(repeated, kForever);
  ASSERT_OK(outcome);
  EXPECT_EQ(*outcome, storage::CommitOutcome::kDuplicateRequest);
  EXPECT_EQ(rows(), before);
}

// --- Rows changed by hand ---

TEST_F(PostgresStoreTest, RowThatContradictsItselfIsNotBelieved) {
  Committed(storage::Insertion(storage::NewProposal("one")));
  for (const std::string tamper : {"state = 2", "id = 'two'", "resource = '\\xffffff'", "resource = ''"}) {
    SCOPED_TRACE(tamper);
    auto owner = database_.Connect();
    ASSERT_OK(owner.Script("CREATE TABLE backup AS SELECT * FROM proposals; UPDATE proposals SET " + tamper,
                           kForever));
    const std::string id = tamper == "id = 'two'" ? "two" : "one";
    EXPECT_THAT(store_->Get(id, kForever), HasReason(v1::DATA_CORRUPTED));
    EXPECT_THAT(store_->GetMany({id}, kForever), HasReason(v1::DATA_CORRUPTED));
    EXPECT_THAT(store_->List({}, std::nullopt, 10, kForever), HasReason(v1::DATA_CORRUPTED));
    EXPECT_THAT(store_->ListDue(storage::kStart + absl::Hours(2), 10, kForever),
                HasReason(v1::DATA_CORRUPTED));
    ASSERT_OK(owner.Script(
        "DELETE FROM proposals; INSERT INTO proposals SELECT * FROM backup; DROP TABLE backup", kForever));
    EXPECT_OK(store_->Get("one", kForever));
  }
}

// --- Plans ---

// With 200,000 finished proposals and a few open ones, what every statement of the hot paths reads, planned
// for the parameters given as well as for any.
class PlanTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    database_ = new MigratedDatabase();
    ASSERT_OK(database_->Connect().Script(R"sql(
      INSERT INTO proposals (id, version, state, target, requester, create_time, update_time, due_time, resource)
      SELECT 'p' || lpad(i::text, 7, '0'), 5, CASE WHEN i % 5000 = 0 THEN 1 ELSE 5 + i % 7 END,
             'targets/t' || i % 50, 'spiffe://example.org/agent/a' || i % 20,
             '2026-01-01'::timestamptz + i * interval '1 second', '2026-01-01'::timestamptz + i * interval '1 second',
             CASE WHEN i % 5000 = 0 THEN '2026-06-01'::timestamptz + i * interval '1 second' END, 'x'
      FROM generate_series(1, 200000) i;
      INSERT INTO audit_events (event_time, type, principal, proposal_id, request_id, details)
      SELECT '2026-01-01', 'proposal.created', 'bot', 'p' || lpad(i::text, 7, '0'), '', '{}'
      FROM generate_series(1, 200000) i;
      INSERT INTO requests (principal, request_id, body_digest, response, create_time)
      SELECT 'bot', i::text, '', '', '2026-01-01'::timestamptz + i * interval '1 second'
      FROM generate_series(1, 50000) i;
      INSERT INTO artifacts (digest, size_bytes, key_id, wrapped_key, ciphertext, create_time)
      SELECT 'sha256:' || i, 1, 'key-' || i % 2, 'w', 'c', '2026-01-01' FROM generate_series(1, 50000) i;
      ANALYZE)sql",
                                          kForever));
  }
  static void TearDownTestSuite() { delete database_; }

  void ExpectNoTableIsReadWhole(const Statement& statement, const std::string& arguments) {
    SCOPED_TRACE(statement.name);
    for (const char* mode : {"force_generic_plan", "force_custom_plan"}) {
      auto connection = database_->Connect();
      ASSERT_OK(connection.Script(
          text::Concat("SET plan_cache_mode = ", mode, "; PREPARE planned AS ", statement.sql), kForever));
      const auto plan = connection.Query(
          text::Concat("EXPLAIN EXECUTE planned", arguments.empty() ? "" : text::Concat("(", arguments, ")")),
          {}, kForever);
      ASSERT_OK(plan);
      std::string text;
      for (int row = 0; row < plan->rows(); ++row) text += text::Concat(plan->Text(row, 0), "\n");
      EXPECT_THAT(text, Not(HasSubstr("Seq Scan on"))) << mode;
      EXPECT_THAT(text, HasSubstr("Index")) << mode;
    }
  }

  static MigratedDatabase* database_;
};
MigratedDatabase* PlanTest::database_ = nullptr;

TEST_F(PlanTest, ListsReadIndexes) {
  const std::string cursor = "'2026-01-02', 'p0050000'";
  for (const std::string& after : {std::string("NULL, NULL"), cursor}) {
    SCOPED_TRACE(after);
    ExpectNoTableIsReadWhole(statements::kListByState, "'{1}', " + after + ", NULL, NULL, NULL, 51");
    ExpectNoTableIsReadWhole(statements::kListByState,
                             "'{1,2,3,4}', " + after + ", NULL, NULL, '{targets/t1,targets/t2}', 51");
    ExpectNoTableIsReadWhole(statements::kListByTarget,
                             "NULL, " + after + ", NULL, NULL, '{targets/t1,targets/t2}', 51");
    ExpectNoTableIsReadWhole(statements::kListByRequester,
                             "NULL, " + after + ", NULL, 'spiffe://example.org/agent/a1', NULL, 51");
    ExpectNoTableIsReadWhole(statements::kListByPrefix,
                             "NULL, " + after + ", NULL, NULL, NULL, 51, 'p00500', 'p00500~'");
    ExpectNoTableIsReadWhole(statements::kListAll, after + ", 51");
  }
}

TEST_F(PlanTest, BackgroundWorkReadsIndexes) {
  ExpectNoTableIsReadWhole(statements::kListDue, "'2026-06-02', 200");
  ExpectNoTableIsReadWhole(statements::kListUpdated, "'2026-01-03', 'p0199000', 500");
  ExpectNoTableIsReadWhole(statements::kCountOpen, "");
  ExpectNoTableIsReadWhole(statements::kPruneRequests, "'2026-01-01 00:00:10', 1000");
}

TEST_F(PlanTest, MasterKeysInUseAreFoundInAnIndex) {
  ExpectNoTableIsReadWhole(statements::kOneArtifactPerKey, "");
}

TEST_F(PlanTest, SingleProposalsAreFoundByTheirKeys) {
  ExpectNoTableIsReadWhole(statements::kGetProposal, "'p0000001'");
  ExpectNoTableIsReadWhole(statements::kGetProposals, "'{p0000001,p0000002}'");
  ExpectNoTableIsReadWhole(statements::kListMoved, "'{p0000001,p0000002}', '{1,1}'");
  ExpectNoTableIsReadWhole(statements::kFindRequest, "'bot', '7'");
  ExpectNoTableIsReadWhole(statements::kRenewLease, "'p0000001', 'e', '2026-06-01'");
  ExpectNoTableIsReadWhole(statements::kListAuditEvents, "150000, 100");
  ExpectNoTableIsReadWhole(statements::kListProposalAuditEvents, "0, 100, 'p0000001'");
}

}  // namespace
}  // namespace countersign::postgres
