#!/usr/bin/env bash
# The main job, on a real database, step by step. Each step shows the command that does it; any step that goes
# otherwise ends the demo with a message and a non-zero exit code.
#   demo.sh [DIRECTORY OF THE PROGRAMS]     default: build/dev/bin of this repository
set -euo pipefail
shopt -s inherit_errexit

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$repository/build/dev/bin}" && pwd)
play=demo needed=()
source "$repository/tests/e2e/stage.sh"

submit() { # options and command of `countersign submit`; the name goes to `id`
  expect_exit 0 agent countersign submit --target targets/courses \
    --env PGHOST="$socket" --env PGUSER=courses_admin --env PGDATABASE=courses "$@"
  id=$(grep -o 'proposals/[a-z2-7]\{24\}' <<<"$output" | head -n 1)
  id=${id#proposals/}
}

# One string field of a protobuf message.
string_field() { # number, text
  local length=${#2}
  printf '%b' "$(printf '\\x%02x' $((($1 << 3) | 2)))"
  while ((length > 127)); do
    printf '%b' "$(printf '\\x%02x' $(((length & 127) | 128)))"
    length=$((length >> 7))
  done
  printf '%b' "$(printf '\\x%02x' "$length")"
  printf '%s' "$2"
}
# A call without any library, as the runner: its message is on standard input. Prints OK or the reason.
raw_call() { # method of ExecutionService
  local size status
  cat >"$work/message"
  size=$(stat -c %s "$work/message")
  printf '%b' "$(printf '\\x00\\x%02x\\x%02x\\x%02x\\x%02x' $((size >> 24)) $((size >> 16 & 255)) $((size >> 8 & 255)) $((size & 255)))" >"$work/frame"
  cat "$work/message" >>"$work/frame"
  as ci bash -c 'curl --silent --show-error --http2 --cacert "$COUNTERSIGN_CA_FILE" \
      --cert "$COUNTERSIGN_CERTIFICATE_FILE" --key "$COUNTERSIGN_KEY_FILE" \
      --header "content-type: application/grpc" --header "te: trailers" --data-binary @frame \
      --dump-header headers --output answer "https://$COUNTERSIGN_SERVER/countersign.v1.ExecutionService/$1"' _ "$1"
  status=$(sed -n 's/^grpc-status: *\([0-9]*\).*/\1/p' "$work/headers" | tail -n 1)
  if [[ $status == 0 ]]; then echo OK; return; fi
  sed -n 's/^grpc-status-details-bin: *//p' "$work/headers" | tr -d '\r' | tr '_-' '/+' |
    { base64 -d 2>/dev/null || true; } | grep -a -o -E 'TOKEN_[A-Z_]+|[A-Z]+_[A-Z_]+' | head -n 1 || echo "status $status"
}
redeem() { # token, digest
  { string_field 1 "$1"; string_field 2 "$2"; } | raw_call RedeemToken
}
report_success() { # name, execution id; exit code 0 is not written, as protobuf has it
  { string_field 1 "$1"; string_field 2 "$2"; } | raw_call ReportExecution
}

printf '%sCountersign: agents propose, people decide, exactly what was decided runs, once.%s\n' "$bold" "$plain"

step "A broker of our own, with its database, certificates, and four identities: agent, alice, bob, ci"
shown you countersignd dev --data-dir "$data"
start_broker
note "Ready on 127.0.0.1:$(cut -d' ' -f1 "$data/ports") with mutual TLS. \$WORK is $work."

step "A database that somebody needs: courses, with $rows enrolments"
note "Its password is with the runner (ci) alone; the agent does not have it."
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
superuser postgres -c "CREATE ROLE courses_admin LOGIN PASSWORD '$password'" -c 'CREATE DATABASE courses OWNER courses_admin'
(umask 077; printf '*:*:*:courses_admin:%s\n' "$password" >"$work/ci.pgpass")
PGPASSFILE=$work/ci.pgpass psql -X -q -v ON_ERROR_STOP=1 -h "$socket" -U courses_admin -d courses <<SQL
CREATE TABLE enrolments (id bigint PRIMARY KEY, student bigint NOT NULL, course int NOT NULL);
INSERT INTO enrolments SELECT n, n * 7919 % 250007, n % 4211 FROM generate_series(1::bigint, $rows) AS n;
SQL
count_rows

step "An agent proposes to drop it, and has a friendly reason"
submit --reason 'Routine housekeeping: removes a stale copy that nothing uses any more. Safe to approve!' -- dropdb courses
drop=$id

step "It is in alice's queue, with what it will run"
expect_exit 0 alice countersign list
expect_output "${drop:0:4}"
expect_exit 0 alice countersign show "$drop"
expect_output 'dropdb courses'
expect_output 'the requester, says'

step "The agent tries to approve it itself: an agent never decides"
expect_exit 6 agent countersign approve "$drop" --digest "$(field "$drop" .actionDigest)"

step "The agent tries to run it without a token: it may not claim one, and it has no password"
expect_exit 125 agent countersign exec "$drop" --timeout 1s -- dropdb courses
expect_exit 6 agent countersign claim "$drop"
expect_exit 1 agent dropdb --no-password courses

step "Alice denies"
expect_exit 0 alice countersign deny "$drop" --yes --comment 'courses is in use: it has 1.9 million enrolments'
expect_exit 3 agent countersign wait "$drop"
count_rows

step "Then a harmless migration, a SQL file, is proposed as exactly these bytes"
cat >"$work/add_index.sql" <<'SQL'
CREATE INDEX enrolments_by_course ON enrolments (course);
SQL
shown agent cat add_index.sql
sed 's/^/   /' "$work/add_index.sql"
submit --reason 'Lists of a course are slow' --artifact add_index.sql -- psql -X -v ON_ERROR_STOP=1 -f add_index.sql
index=$id

step "A CI job already waits for it; alice approves; the job wakes, runs it on the real database, reports"
start_job "$index" --pass-env PGPASSFILE -- psql -X -v ON_ERROR_STOP=1 -f add_index.sql
approve 'good'
finish_job
expect_state "$index" SUCCEEDED
found=$(superuser courses -A -t -c "SELECT indexname FROM pg_indexes WHERE tablename = 'enrolments' ORDER BY 1")
note "Indexes of enrolments now: ${found//$'\n'/, }"
if [[ $found != *enrolments_by_course* ]]; then fail "the index should be there"; fi

step "Approved once is run once: the same job a second time is refused"
expect_exit 125 ci countersign exec "$index" --pass-env PGPASSFILE -- psql -X -v ON_ERROR_STOP=1 -f add_index.sql

step "Nor is a token good for two: a runner redeems one by hand, twice"
submit --reason 'The planner needs fresh statistics' -- psql -X -c 'ANALYZE enrolments'
analyze=$id
approve 'good'
digest=$(field "$analyze" .actionDigest)
shown ci countersign claim "$analyze" '|' '> token'
(umask 077; as ci countersign claim "$analyze" >"$work/token" 2>/dev/null)
expect_exit 0 ci countersign verify --file token
for expected in OK TOKEN_ALREADY_REDEEMED; do
  shown ci curl '|' '--http2 --cert ci.pem --key ci.key … https://…/countersign.v1.ExecutionService/RedeemToken'
  answer=$(redeem "$(<"$work/token")" "$digest")
  note "$answer"
  if [[ $answer != "$expected" ]]; then fail "the answer should have been $expected"; fi
done
expect_exit 0 ci psql -X -d courses -c 'ANALYZE enrolments'
answer=$(report_success "proposals/$analyze" "$(field "$analyze" .execution.id)")
if [[ $answer != OK ]]; then fail "the report should have been accepted, and was not: $answer"; fi
expect_state "$analyze" SUCCEEDED

step "The broker is killed with -9 between approval and claim; the job gets its token after the restart"
submit --reason 'Lists of a student are slow, too' -- psql -X -v ON_ERROR_STOP=1 -c 'CREATE INDEX enrolments_by_student ON enrolments (student)'
second=$id
start_job "$second" --pass-env PGPASSFILE -- psql -X -v ON_ERROR_STOP=1 -c 'CREATE INDEX enrolments_by_student ON enrolments (student)'
shown you kill -STOP "%job"
kill -STOP "$job"
approve 'good, too'
shown you kill -9 "%countersignd"
kill -9 "$broker"
wait "$broker" 2>/dev/null || true
shown you kill -CONT "%job"
kill -CONT "$job"
shown you countersignd dev --data-dir "$data"
start_broker
finish_job
expect_state "$second" SUCCEEDED
count_rows

step "All of it is in the audit trail"
expect_exit 0 alice countersign audit
for event in proposal.created proposal.denied proposal.approved token.issued token.redeemed; do expect_output "$event"; done

printf '\n%sDone: nothing ran that nobody approved, and what was approved ran once.%s\n' "$bold" "$plain"
