// Every statement of the store, prepared once per connection. None asks the database for the time or for
// chance: both are parameters. Times are read as microseconds since 1970.
#ifndef COUNTERSIGN_SERVER_POSTGRES_STATEMENTS_H_
#define COUNTERSIGN_SERVER_POSTGRES_STATEMENTS_H_

#include <vector>

#include "server/postgres/connection.h"

namespace countersign::postgres::statements {

// A new proposal, its audit event and its request record. One row "1", or none when the configuration moved.
inline constexpr Statement kInsertProposal = {"insert_proposal", R"sql(
WITH inserted AS (
  INSERT INTO proposals (id, version, state, target, requester, create_time, update_time, due_time, resource,
                         memory_version)
  SELECT $1::text, 1, $2::int2, $3::text, $4::text, $5::timestamptz, $5::timestamptz, $6::timestamptz, $7::bytea,
         $17::int8
  WHERE $8::int8 IS NULL OR EXISTS (SELECT FROM configuration_head h WHERE h.version = $8::int8)
  RETURNING id),
recorded AS (
  INSERT INTO requests (principal, request_id, body_digest, response, create_time)
  SELECT $9::text, $10::text, $11::text, $12::bytea, $5::timestamptz FROM inserted WHERE $10::text IS NOT NULL),
audited AS (
  INSERT INTO audit_events (event_time, type, principal, proposal_id, request_id, details)
  SELECT $5::timestamptz, $13::text, $14::text, id, $15::text, $16::text FROM inserted)
SELECT 1 FROM inserted)sql"};

// Every other transition: compare-and-set on the version, and with it, in the same commit, the request record
// and the audit event. No row when version, configuration or due time are not as expected, or `condition` is
// not met. A statement for each kind of transition, because a general one costs PostgreSQL a fifth more; $19
// and on are its own.
#define COUNTERSIGN_MOVED_IF(condition)                                                                      \
  "WITH moved AS ( "                                                                                         \
  "  UPDATE proposals p "                                                                                    \
  "  SET version = p.version + 1, state = $3::int2, update_time = $4::timestamptz, due_time = "              \
  "$5::timestamptz, "                                                                                        \
  "      current_token_id = $6::text, execution_id = $7::text, resource = $8::bytea "                        \
  "  WHERE p.id = $1::text AND p.version = $2::int8 "                                                        \
  "    AND ($9::int8 IS NULL OR EXISTS (SELECT FROM configuration_head h WHERE h.version = $9::int8)) "      \
  "    AND ($10::timestamptz IS NULL OR p.due_time <= $10::timestamptz) " condition                          \
  "  RETURNING p.id), "                                                                                      \
  "recorded AS ( "                                                                                           \
  "  INSERT INTO requests (principal, request_id, body_digest, response, create_time) "                      \
  "  SELECT $11::text, $12::text, $13::text, $14::bytea, $4::timestamptz FROM moved WHERE $12::text IS NOT " \
  "NULL), "                                                                                                  \
  "audited AS ( "                                                                                            \
  "  INSERT INTO audit_events (event_time, type, principal, proposal_id, request_id, details) "              \
  "  SELECT $4::timestamptz, $15::text, $16::text, id, $17::text, $18::text FROM moved)"

#define COUNTERSIGN_MOVED COUNTERSIGN_MOVED_IF("")

// A plan is let run only against what is remembered of its target now.
#define COUNTERSIGN_NOT_OVERTAKEN                    \
  "(p.memory_version IS NULL OR p.memory_version = " \
  " COALESCE((SELECT m.version FROM target_memory m WHERE m.target = p.target), 0))"

inline constexpr Statement kMove = {"move", COUNTERSIGN_MOVED " SELECT 1 FROM moved"};

// The memory is as the runner reported it; when somebody else changed it at the same moment, nothing is.
inline constexpr Statement kRemember = {"remember", COUNTERSIGN_MOVED R"sql(,
remembered AS (
  INSERT INTO target_memory AS m (target, version, memory, update_time)
  SELECT $19::text, $20::int8, $21::bytea, $4::timestamptz FROM moved
  WHERE $20::int8 = 1 OR EXISTS (SELECT FROM target_memory WHERE target = $19::text)
  ON CONFLICT (target) DO UPDATE SET version = excluded.version, memory = excluded.memory, update_time = excluded.update_time
  WHERE m.version = $20::int8 - 1
  RETURNING m.version)
SELECT CASE WHEN EXISTS (SELECT FROM remembered) THEN 1 ELSE countersign_refuse('target_memory_moved') END
FROM moved)sql"};

inline constexpr Statement kDecide = {
    "decide", COUNTERSIGN_MOVED_IF(" AND ($21::int2 <> 1 OR " COUNTERSIGN_NOT_OVERTAKEN ")") R"sql(,
decided AS (
  INSERT INTO decisions (proposal_id, person, principal, verdict, action_digest, decide_time)
  SELECT id, $19::text, $20::text, $21::int2, $22::text, $4::timestamptz FROM moved)
SELECT 1 FROM moved)sql"};

// The token takes the place of the one before, which the proposal's row still names in this snapshot.
inline constexpr Statement kIssueToken = {"issue_token",
                                          COUNTERSIGN_MOVED_IF(" AND " COUNTERSIGN_NOT_OVERTAKEN) R"sql(,
replaced AS (
  UPDATE tokens t SET replace_time = $4::timestamptz
  WHERE t.redeem_time IS NULL AND t.replace_time IS NULL
    AND t.id = (SELECT p.current_token_id FROM proposals p WHERE p.id = $1::text) AND EXISTS (SELECT FROM moved)),
issued AS (
  INSERT INTO tokens (id, proposal_id, principal, holder_thumbprint, issue_time, expire_time)
  SELECT $19::text, id, $20::text, $21::text, $22::timestamptz, $23::timestamptz FROM moved)
SELECT 1 FROM moved)sql"};

// A token that cannot be redeemed fails all of it.
inline constexpr Statement kRedeemToken = {"redeem_token",
                                           COUNTERSIGN_MOVED_IF(" AND " COUNTERSIGN_NOT_OVERTAKEN) R"sql(,
redeemed AS (
  UPDATE tokens t SET redeem_time = $4::timestamptz
  WHERE t.id = $19::text AND t.proposal_id = $1::text AND t.redeem_time IS NULL AND t.replace_time IS NULL
    AND t.expire_time > $4::timestamptz AND EXISTS (SELECT FROM moved)
  RETURNING t.id)
SELECT CASE WHEN EXISTS (SELECT FROM redeemed) THEN 1 ELSE countersign_refuse('token_redeemable') END
FROM moved)sql"};

inline constexpr Statement kRenewLease = {"renew_lease", R"sql(
UPDATE proposals SET due_time = $3::timestamptz
WHERE id = $1::text AND execution_id = $2::text AND state = 3 RETURNING 1)sql"};

#define COUNTERSIGN_RECORD_COLUMNS                                                                         \
  "p.id, p.version, p.state::int8, (extract(epoch FROM p.due_time) * 1000000)::int8, p.current_token_id, " \
  "p.resource"

inline constexpr Statement kGetProposals = {
    "get_proposals", "SELECT " COUNTERSIGN_RECORD_COLUMNS " FROM proposals p WHERE p.id = ANY($1::text[])"};

inline constexpr Statement kGetProposal = {
    "get_proposal", "SELECT " COUNTERSIGN_RECORD_COLUMNS " FROM proposals p WHERE p.id = $1::text"};

inline constexpr Statement kListMoved = {"list_moved", "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM unnest($1::text[], $2::int8[]) AS w (id, state) JOIN proposals p ON p.id = w.id AND p.state <> w.state)sql"};

// One ordered scan per state, merged: a scan over several states at once could not use the index's order.
inline constexpr Statement kListByState = {"list_by_state", "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM unnest($1::int8[]) AS s (state), LATERAL (
  SELECT * FROM proposals q
  WHERE q.state = s.state::int2
    AND ($2::timestamptz IS NULL OR (q.create_time, q.id) < ($2::timestamptz, $3::text))
    AND ($4::text IS NULL OR q.target = $4::text) AND ($5::text IS NULL OR q.requester = $5::text)
    AND ($6::text[] IS NULL OR q.target = ANY($6::text[]))
  ORDER BY q.create_time DESC, q.id DESC LIMIT $7::int8) p
ORDER BY p.create_time DESC, p.id DESC LIMIT $7::int8)sql"};

inline constexpr Statement kListByTarget = {"list_by_target", "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM unnest($6::text[]) AS s (target), LATERAL (
  SELECT * FROM proposals q
  WHERE q.target = s.target AND ($1::int8[] IS NULL OR q.state = ANY($1::int8[]))
    AND ($2::timestamptz IS NULL OR (q.create_time, q.id) < ($2::timestamptz, $3::text))
    AND ($4::text IS NULL OR q.target = $4::text) AND ($5::text IS NULL OR q.requester = $5::text)
  ORDER BY q.create_time DESC, q.id DESC LIMIT $7::int8) p
ORDER BY p.create_time DESC, p.id DESC LIMIT $7::int8)sql"};

inline constexpr Statement kListByRequester = {"list_by_requester",
                                               "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM proposals p
WHERE p.requester = $5::text AND ($1::int8[] IS NULL OR p.state = ANY($1::int8[]))
  AND ($2::timestamptz IS NULL OR (p.create_time, p.id) < ($2::timestamptz, $3::text))
  AND ($4::text IS NULL OR p.target = $4::text) AND ($6::text[] IS NULL OR p.target = ANY($6::text[]))
ORDER BY p.create_time DESC, p.id DESC LIMIT $7::int8)sql"};

inline constexpr Statement kListAll = {"list_all", "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM proposals p
WHERE ($1::timestamptz IS NULL OR (p.create_time, p.id) < ($1::timestamptz, $2::text))
ORDER BY p.create_time DESC, p.id DESC LIMIT $3::int8)sql"};

// Ids are compared as bytes, so a prefix is a range.
inline constexpr Statement kListByPrefix = {"list_by_prefix", "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM proposals p
WHERE p.id >= $8::text AND p.id < $9::text AND ($1::int8[] IS NULL OR p.state = ANY($1::int8[]))
  AND ($2::timestamptz IS NULL OR (p.create_time, p.id) < ($2::timestamptz, $3::text))
  AND ($4::text IS NULL OR p.target = $4::text) AND ($5::text IS NULL OR p.requester = $5::text)
  AND ($6::text[] IS NULL OR p.target = ANY($6::text[]))
ORDER BY p.create_time DESC, p.id DESC LIMIT $7::int8)sql"};

inline constexpr Statement kListUpdated = {"list_updated", "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM proposals p WHERE (p.update_time, p.id) > ($1::timestamptz, $2::text)
ORDER BY p.update_time, p.id LIMIT $3::int8)sql"};

inline constexpr Statement kListDue = {"list_due", "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM proposals p WHERE p.due_time <= $1::timestamptz ORDER BY p.due_time LIMIT $2::int8)sql"};

inline constexpr Statement kListOvertaken = {"list_overtaken", "SELECT " COUNTERSIGN_RECORD_COLUMNS R"sql(
FROM proposals p LEFT JOIN target_memory m ON m.target = p.target
WHERE p.state IN (1, 2) AND p.memory_version IS NOT NULL AND p.memory_version <> COALESCE(m.version, 0)
LIMIT $1::int8)sql"};

inline constexpr Statement kPutPlanView = {"put_plan_view", R"sql(
INSERT INTO plan_views (digest, plan_view, create_time)
VALUES ($1::text, $2::bytea, $3::timestamptz) ON CONFLICT (digest) DO NOTHING)sql"};

inline constexpr Statement kPlanViewSize = {
    "plan_view_size", "SELECT octet_length(plan_view)::int8 FROM plan_views WHERE digest = $1::text"};

inline constexpr Statement kGetPlanView = {"get_plan_view",
                                           "SELECT plan_view FROM plan_views WHERE digest = $1::text"};

inline constexpr Statement kGetTargetMemory = {
    "get_target_memory", "SELECT version, memory FROM target_memory WHERE target = $1::text"};

inline constexpr Statement kTargetMemoryVersion = {
    "target_memory_version", "SELECT version FROM target_memory WHERE target = $1::text"};

// A row "1", or none when it is at another version.
inline constexpr Statement kPutTargetMemory = {"put_target_memory", R"sql(
WITH remembered AS (
  INSERT INTO target_memory AS m (target, version, memory, update_time)
  SELECT $1::text, $2::int8, $3::bytea, $4::timestamptz
  WHERE $2::int8 = 1 OR EXISTS (SELECT FROM target_memory WHERE target = $1::text)
  ON CONFLICT (target) DO UPDATE SET version = excluded.version, memory = excluded.memory, update_time = excluded.update_time
  WHERE m.version = $2::int8 - 1
  RETURNING m.target),
recorded AS (
  INSERT INTO requests (principal, request_id, body_digest, response, create_time)
  SELECT $5::text, $6::text, $7::text, $8::bytea, $4::timestamptz FROM remembered),
audited AS (
  INSERT INTO audit_events (event_time, type, principal, proposal_id, request_id, details)
  SELECT $4::timestamptz, $9::text, $10::text, $13::text, $11::text, $12::text FROM remembered)
SELECT 1 FROM remembered)sql"};

inline constexpr Statement kCountOpen = {
    "count_open", "SELECT state::int8, count(*) FROM proposals WHERE state IN (1, 2, 3, 4) GROUP BY state"};

inline constexpr Statement kFindRequest = {
    "find_request",
    "SELECT body_digest, response FROM requests WHERE principal = $1::text AND request_id = $2::text"};

// By place in the table: locking the rows first would need the power to update them.
inline constexpr Statement kPruneRequests = {"prune_requests", R"sql(
DELETE FROM requests WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM requests WHERE create_time < $1::timestamptz ORDER BY create_time LIMIT $2::int8)))sql"};

inline constexpr Statement kPutArtifact = {"put_artifact", R"sql(
INSERT INTO artifacts (digest, size_bytes, key_id, wrapped_key, ciphertext, create_time)
VALUES ($1::text, $2::int8, $3::text, $4::bytea, $5::bytea, $6::timestamptz) ON CONFLICT (digest) DO NOTHING)sql"};

inline constexpr Statement kGetArtifact = {"get_artifact", R"sql(
SELECT size_bytes, key_id, wrapped_key, ciphertext, (extract(epoch FROM create_time) * 1000000)::int8
FROM artifacts WHERE digest = $1::text)sql"};

// From one key id to the next in the index, so that the number of artifacts does not matter. An order after
// an equality would be no reason for PostgreSQL to read the index, hence ">=".
inline constexpr Statement kOneArtifactPerKey = {"one_artifact_per_key", R"sql(
WITH RECURSIVE keys (id) AS (
  SELECT min(key_id) FROM artifacts
  UNION ALL SELECT (SELECT min(key_id) FROM artifacts WHERE key_id > keys.id) FROM keys WHERE keys.id IS NOT NULL)
SELECT a.digest, a.size_bytes, a.key_id, a.wrapped_key, (extract(epoch FROM a.create_time) * 1000000)::int8
FROM keys CROSS JOIN LATERAL (SELECT * FROM artifacts WHERE key_id >= keys.id ORDER BY key_id LIMIT 1) a
ORDER BY a.key_id)sql"};

inline constexpr Statement kDescribeArtifacts = {"describe_artifacts", R"sql(
SELECT digest, size_bytes, (extract(epoch FROM create_time) * 1000000)::int8
FROM artifacts WHERE digest = ANY($1::text[]))sql"};

inline constexpr Statement kConfigurationVersion = {"configuration_version",
                                                    "SELECT version FROM configuration_head"};

#define COUNTERSIGN_DOCUMENT_COLUMNS \
  "d.name, d.version, d.digest, d.applied_by, (extract(epoch FROM d.apply_time) * 1000000)::int8"

// One snapshot for the head and the documents, so that the two always belong together.
inline constexpr Statement kLoadDocuments = {
    "load_documents", "SELECT h.version, " COUNTERSIGN_DOCUMENT_COLUMNS R"sql(, d.content
FROM configuration_head h LEFT JOIN (
  SELECT DISTINCT ON (name) * FROM documents ORDER BY name, version DESC) d ON true
ORDER BY d.name)sql"};

inline constexpr Statement kApplyDocuments = {"apply_documents", R"sql(
WITH head AS (
  UPDATE configuration_head SET version = version + 1 WHERE version = $1::int8 RETURNING version),
added AS (
  INSERT INTO documents (name, version, digest, content, applied_by, apply_time)
  SELECT n.name, head.version, n.digest, n.content, $5::text, $6::timestamptz
  FROM head, unnest($2::text[], $3::text[], $4::text[]) AS n (name, digest, content)),
recorded AS (
  INSERT INTO requests (principal, request_id, body_digest, response, create_time)
  SELECT $7::text, $8::text, $9::text, $10::bytea, $6::timestamptz FROM head),
audited AS (
  INSERT INTO audit_events (event_time, type, principal, proposal_id, request_id, details)
  SELECT $6::timestamptz, $11::text, $12::text, '', $13::text, $14::text FROM head)
SELECT version FROM head)sql"};

inline constexpr Statement kGetDocument = {
    "get_document", "SELECT " COUNTERSIGN_DOCUMENT_COLUMNS R"sql(, d.content FROM documents d
WHERE d.name = $1::text AND ($2::int8 = 0 OR d.version = $2::int8) ORDER BY d.version DESC LIMIT 1)sql"};

inline constexpr Statement kListDocumentVersions = {
    "list_document_versions", "SELECT " COUNTERSIGN_DOCUMENT_COLUMNS R"sql( FROM documents d
WHERE d.name = $1::text ORDER BY d.version DESC LIMIT $2::int8)sql"};

#define COUNTERSIGN_AUDIT_COLUMNS \
  "id, (extract(epoch FROM event_time) * 1000000)::int8, type, principal, proposal_id, request_id, details"

inline constexpr Statement kListAuditEvents = {
    "list_audit_events",
    "SELECT " COUNTERSIGN_AUDIT_COLUMNS " FROM audit_events WHERE id > $1::int8 ORDER BY id LIMIT $2::int8"};

inline constexpr Statement kListProposalAuditEvents = {
    "list_proposal_audit_events", "SELECT " COUNTERSIGN_AUDIT_COLUMNS R"sql( FROM audit_events
WHERE proposal_id = $3::text AND id > $1::int8 ORDER BY id LIMIT $2::int8)sql"};

// What every connection of the store's pool prepares.
std::vector<Statement> All();

}  // namespace countersign::postgres::statements

#endif  // COUNTERSIGN_SERVER_POSTGRES_STATEMENTS_H_
