#!/usr/bin/env bash
# Installs the client package into a temporary prefix, builds the examples from there, as a stranger would, and lets them
# take a proposal through its life.
# usage: consumer_test.sh DIRECTORY_OF_THE_PROGRAMS SOURCE_DIR BUILD_DIR
source "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
source=$2 build=$3
prefix=$work/prefix consumer=$work/consumer
logged() { # name, command...
  "${@:2}" >"$work/$1.out" 2>&1 </dev/null || fail "this failed: ${*:2}"
}

echo "the package stands alone"
logged install cmake --install "$build" --component client --prefix "$prefix"
if grep -rl "$source" "$prefix/lib" --include='*.cmake'; then fail "the installed package points into the source tree"; fi
logged configure cmake -S "$source/tests/package/consumer" -B "$consumer" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_PREFIX_PATH="$prefix" -Dexamples="$source/client/examples" \
  ${CMAKE_CXX_COMPILER_LAUNCHER:+-DCMAKE_CXX_COMPILER_LAUNCHER="$CMAKE_CXX_COMPILER_LAUNCHER"}
logged compile cmake --build "$consumer" --parallel 2
logged mock "$consumer/uses_mock"
logged version "$prefix/bin/countersign" version

echo "without a broker the examples fail, and say why"
for example in 'propose_and_wait targets/t reason true' 'wait_and_run proposals/none'; do
  # shellcheck disable=SC2086
  expect_exit 1 env -i HOME="$work" "$consumer/"$example
  says command COUNTERSIGN_SERVER || fail "it should say what is missing"
done

echo "an agent proposes, a human approves, a job runs it once"
start_dev dev
data=$work/dev
start agent as "$data" agent "$consumer/propose_and_wait" targets/dev 'adds the index' true
agent=$child
until_true "it is proposed" says agent '^proposals/'
name=$(grep -m 1 '^proposals/' "$work/agent.out")
start job as "$data" ci "$consumer/wait_and_run" "$name"
job=$child
digest=$(as "$data" alice "$prefix/bin/countersign" show "$name" --output json | jq -r .actionDigest)
as "$data" alice "$prefix/bin/countersign" approve "$name" --digest "$digest" >"$work/approve.out"
expect_end 0 "$agent"
says agent '^APPROVED' || fail "the agent should have been told"
expect_end 0 "$job"
says job '^working on targets/dev' || fail "the job should have done its work"
[[ $(as "$data" alice "$prefix/bin/countersign" show "$name" --output json | jq -r .state) == SUCCEEDED ]] ||
  fail "the job should have reported"
expect_exit 1 as "$data" ci "$consumer/wait_and_run" "$name"
says command 'not approved' || fail "what has run is not run again"
echo passed
