#!/usr/bin/env bash
# What becomes of an approved command when its job is killed, or when its program cannot be started.
#   exec_test.sh [DIRECTORY OF THE PROGRAMS]     default: build/dev/bin of this repository
set -euo pipefail
shopt -s inherit_errexit

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$repository/build/dev/bin}" && pwd)
play=exec needed=()
source "$repository/tests/e2e/stage.sh"

propose() { # reason, option or argument of submit...
  expect_exit 0 agent countersign submit --target targets/jobs --reason "$@"
  id=$(grep -o 'proposals/[a-z2-7]\{24\}' <<<"$output" | head -n 1)
  id=${id#proposals/}
}

step "A broker of our own, whose leases are short"
start_broker
cat >"$work/documents.yaml" <<'YAML'
document: Target
name: targets/jobs
environment: development
owners: [operators]
executors: [spiffe://dev.countersign.local/workload/ci]
---
document: Policy
rules:
  - name: jobs
    targets: [targets/jobs]
    verdict: REQUIRE_APPROVAL
    quorums:
      - count: 1
        groups: [operators]
    lease_lifetime: 15s
YAML
expect_exit 0 alice countersign apply -f documents.yaml

step "The job is killed while its program runs: AMBIGUOUS, never run again, until a human looks"
printf '#!/bin/sh\necho $$ >>%s\nexec sleep 100\n' "$work/ran" >"$work/slow.sh"
propose 'This takes long' --artifact "$work/slow.sh" -- ./slow.sh
approve 'seen'
as ci bash -c 'echo $$ >job.pid; exec countersign exec "$1"' exec "$id" >"$work/job.out" 2>&1 </dev/null &
until_true "the program runs" test -s "$work/ran"
kill -9 "$(<"$work/job.pid")"
wait "$!" 2>/dev/null || true
is_ambiguous() { [[ $(field "$id" .state) == AMBIGUOUS ]]; }
until_true "the lease has run out" is_ambiguous
expect_exit 125 ci countersign exec "$id" --timeout 1s
kill "$(<"$work/ran")" 2>/dev/null || true
expect_exit 0 alice countersign resolve "$id" --outcome failed --yes --comment 'it never ended'
expect_state "$id" FAILED
if (($(wc -l <"$work/ran") != 1)); then fail "it ran more than once"; fi

step "What cannot be started is said never to have run"
printf '\x7fELF is how programs begin' >"$work/broken"
propose 'Broken on the way' --artifact "$work/broken" -- ./broken
approve 'seen'
expect_exit 126 ci countersign exec "$id"
expect_output 'it was never started, and its approval is used up'
expect_state "$id" FAILED
if [[ $(field "$id" .stateDetail) != *'never started'* ]]; then fail "the proposal should say so"; fi
expect_exit 0 alice countersign audit "$id"
expect_output 'start_failure'
