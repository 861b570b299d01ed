# What the demonstrations share: a broker of their own, identities, steps that are shown and checked. Sourced, with
# `programs` (the directory of the programs), `repository` and `play` (what it is called) set.

for program in countersignd countersign-planread countersign "${needed[@]}"; do
  if [[ ! -x $programs/$program ]]; then echo "$play: $programs/$program is missing; run \`./dev build\`" >&2; exit 1; fi
done

readonly rows=1943200
work=$(mktemp -d "${TMPDIR:-/tmp}/countersign-$play.XXXXXX")
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
  printf '\n%s%s: %s%s\n' "$red" "$play" "$*" "$plain" >&2
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

# Runs `countersign exec` of the proposal in the background, as the runner, with these options.
start_job() { # id, option...
  shown ci countersign exec "$@" '|' '&'
  (
    become ci
    exec countersign exec "$@"
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

approve() { # alice approves what she is shown
  expect_exit 0 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)" --comment "$1"
}
