# For the shell tests of this directory: each is called with the directory of the programs, works in a directory
# of its own, and ends with a message and a non-zero exit code at the first thing that is not as it should be.
set -euo pipefail
shopt -s inherit_errexit

programs=$(cd "${1:?give the directory of the programs}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/countersign-e2e.XXXXXX")
if ((EUID == 0)); then chmod 0711 "$work"; fi
children=()

fail() {
  local file
  printf 'FAILED: %s\n' "$*" >&2
  for file in "$work"/*.out; do
    if [[ -s $file ]]; then printf -- '--- %s\n' "$file" >&2; tail -n 12 "$file" >&2; fi
  done
  exit 1
}

clean_up() {
  local status=$? child
  trap - EXIT
  for child in "${children[@]}"; do kill -KILL "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 143' TERM INT
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR

until_true() { # what, command...
  local what=$1 tries
  shift
  for ((tries = 0; tries < 600; tries++)); do
    if "$@"; then return; fi
    sleep 0.05
  done
  fail "waited 30 seconds in vain for this: $what"
}
ended() { ! kill -0 "$1" 2>/dev/null; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# Runs in the background; its output goes to $work/$1.out and its process id to `child`.
start() { # name, command...
  local name=$1
  shift
  "$@" >"$work/$name.out" 2>&1 </dev/null &
  child=$!
  children+=("$child")
}
says() { grep -sq -- "$2" "$work/$1.out"; }

expect_end() { # exit code, process id of a child
  local status=0
  until_true "process $2 has ended" ended "$2"
  wait "$2" || status=$?
  if ((status != $1)); then fail "it should have ended with $1, and ended with $status"; fi
}
expect_exit() { # code, command...; the output is in $work/command.out
  local expected=$1 status=0
  shift
  "$@" >"$work/command.out" 2>&1 </dev/null || status=$?
  if ((status != expected)); then fail "exit code $status instead of $expected: $*"; fi
}

start_dev() { # name; its data directory is $work/$name. How to run it stands in the array as_user.
  start "$1" "${as_user[@]}" "$programs/countersignd" dev --data-dir "$work/$1"
  until_true "$1 is ready" ready_or_ended "$1" "$child"
  if ended "$child"; then fail "$1 has ended instead of serving"; fi
}
ready_or_ended() { says "$1" '^Ctrl-C ends it' || ended "$2"; }
as_user=()

# PostgreSQL servers that work in a directory.
databases_in() { # directory
  local process
  for process in /proc/[0-9]*; do
    if [[ $(readlink "$process/cwd" 2>/dev/null) == "$1/postgres/data" ]]; then echo "${process#/proc/}"; fi
  done
}
no_database_in() { [[ -z $(databases_in "$1") ]]; }

as() { # data directory, who, command...
  (
    source "$1/env/$2.sh"
    export HOME=$work
    unset COUNTERSIGN_PROFILE COUNTERSIGN_CONFIG
    exec "${@:3}"
  )
}
