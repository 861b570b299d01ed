#!/usr/bin/env bash
# The main job, on a real database, step by step. Each step shows the command that does it; any step that goes
# otherwise ends the demo with a message and a non-zero exit code.
#   demo.sh [DIRECTORY OF THE PROGRAMS]     default: build/dev/bin of this repository
set -euo pipefail
shopt -s inherit_errexit

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$repository/build/dev/bin}" && pwd)
for program in countersignd countersign; do
  if [[ ! -x $programs/$program ]]; then echo "demo: $programs/$program is missing; run \`./dev build\`" >&2; exit 1; fi
done

readonly rows=1943200
work=$(mktemp -d "${TMPDIR:-/tmp}/countersign-demo.XXXXXX")
# Run as root, PostgreSQL is another user, who has to pass through.
if ((EUID == 0)); then chmod 0711 "$work"; fi
data=$work/dev
broker=''
job=''

bold='' dim='' green='' red='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

fail() {
  printf '\n%sdemo: %s%s\n' "$red" "$*" "$plain" >&2
  if [[ -s $data/countersignd.log ]]; then
    printf 'The last lines of the broker'\''s log:\n' >&2
    tail -n 15 "$data/countersignd.log" >&2
  fi
  exit 1
}

clean_up() {
  local status=$?
  trap - EXIT
  if [[ $job ]]; then kill -CONT "$job" 2>/dev/null || true; kill -KILL "$job" 2>/dev/null || true; fi
  if [[ $broker ]] && kill -TERM "$broker" 2>/dev/null; then wait "$broker" 2>/dev/null || true; fi
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'fail "a step failed in line $LINENO: $BASH_COMMAND"' ERR

number=0
step() {
  number=$((number + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$number" "$*" "$plain"
}
note() { printf '   %s\n' "$*"; }
# One argument as one would type it.
typed() {
  local text=${1//"$work"/\$WORK}
  if [[ $text =~ ^[]A-Za-z0-9_./:=@%+,\$-[]+$ ]]; then printf ' %s' "$text"; else printf " '%s'" "${text//\'/\'\\\'\'}"; fi
}
shown() { # who, command...; what follows a bare "|" is shell, shown as it is
  local who=$1 text='' argument
  shift
  while (($#)) && [[ $1 != '|' ]]; do
    text+=$(typed "$1")
    shift
  done
  for argument in "${@:2}"; do text+=" $argument"; done
  printf '   %s%s$%s%s\n' "$green" "$who" "$text" "$plain"
}

# Makes this subshell one of the identities: that identity's environment and nothing else.
become() { # who
  source "$data/env/$1.sh"
  PATH=$programs:/usr/local/bin:/usr/bin:/bin HOME=$work LC_ALL=C.UTF-8 TERM=${TERM:-dumb}
  export PATH HOME LC_ALL TERM
  unset COUNTERSIGN_PROFILE COUNTERSIGN_CONFIG PGPASSWORD PGSERVICE PGDATABASE
  PGHOST=$socket PGUSER=courses_admin PGPASSFILE=/nonexistent
  # Only the runner has the password of the database.
  if [[ $1 == ci ]]; then PGPASSFILE=$work/ci.pgpass; fi
  export PGHOST PGUSER PGPASSFILE
  cd "$work"
}
as() { # who, command...
  (
    become "$1"
    exec "${@:2}"
  )
}

output=''
# Shows and runs a command; its exit code must be the one expected. Its output is shown and kept in `output`.
expect_exit() { # code, who, command...
  local expected=$1 status=0
  shift
  shown "$@"
  output=$(as "$@" 2>&1 </dev/null) || status=$?
  if [[ $output ]]; then sed 's/^/   /' <<<"$output"; fi
  if ((status != expected)); then fail "that should have ended with exit code $expected, and ended with $status"; fi
  if ((status)); then note "${dim}(exit code $status)$plain"; fi
}
expect_output() { # text
  if [[ $output != *"$1"* ]]; then fail "its output should have said: $1"; fi
}

superuser() { PGPASSFILE=$data/secrets/pgpass psql -X -q -v ON_ERROR_STOP=1 -h "$socket" -U postgres -d "$@"; }
count_rows() {
  local count
  count=$(superuser courses -A -t -c 'SELECT count(*) FROM enrolments')
  note "enrolments has $count rows."
  if ((count != rows)); then fail "there should be $rows"; fi
}
field() { # id, jq filter: of the proposal, as alice sees it
  as alice countersign show "$1" --output json | jq -r "$2"
}
expect_state() { # id, state
  local state
  state=$(field "$1" .state)
  note "The proposal is $state."
  if [[ $state != "$2" ]]; then fail "it should be $2"; fi
}

until_true() { # what, command...
  local what=$1 tries
  shift
  for ((tries = 0; tries < 300; tries++)); do
    if "$@"; then return; fi
    sleep 0.1
  done
  fail "waited 30 seconds in vain for this: $what"
}

start_broker() {
  : >"$work/countersignd.out"
  "$programs/countersignd" dev --data-dir "$data" >"$work/countersignd.out" 2>&1 &
  broker=$!
  until_true "countersignd dev is ready" broker_is_ready
  socket=$data/postgres/run
  http_port=$(cut -d' ' -f2 "$data/ports")
}
broker_is_ready() {
  if ! kill -0 "$broker" 2>/dev/null; then cat "$work/countersignd.out" >&2; fail "countersignd dev has ended"; fi
  grep -q '^countersignd dev is ready' "$work/countersignd.out"
}
somebody_waits() { curl -s "http://127.0.0.1:$http_port/metrics" | grep -q '^countersign_waiters [1-9]'; }

# The job in the background: waits for approval, and runs what was approved.
start_job() { # id, command...
  shown ci countersign exec "$1" --pass-env PGPASSFILE -- "${@:2}" '|' '&'
  (
    become ci
    exec countersign exec "$1" --pass-env PGPASSFILE -- "${@:2}"
  ) >"$work/job.out" 2>&1 </dev/null &
  job=$!
  until_true "the job waits for the decision" somebody_waits
  note "The job waits."
}
finish_job() {
  local status=0
  until_true "the job has ended" job_has_ended
  wait "$job" || status=$?
  job=''
  sed 's/^/   ci: /' "$work/job.out"
  if ((status)); then fail "the job should have ended with exit code 0, and ended with $status"; fi
}
job_has_ended() { ! kill -0 "$job" 2>/dev/null; }

submit() { # options and command of `countersign submit`; the name goes to `id`
  expect_exit 0 agent countersign submit --target targets/courses \
    --env PGHOST="$socket" --env PGUSER=courses_admin --env PGDATABASE=courses "$@"
  id=$(grep -o 'proposals/[a-z2-7]\{24\}' <<<"$output" | head -n 1)
  id=${id#proposals/}
}
approve() { # alice approves what she is shown
  expect_exit 0 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)" --comment "$1"
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
start_job "$index" psql -X -v ON_ERROR_STOP=1 -f add_index.sql
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
start_job "$second" psql -X -v ON_ERROR_STOP=1 -c 'CREATE INDEX enrolments_by_student ON enrolments (student)'
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
