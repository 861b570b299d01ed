#!/usr/bin/env bash
# Runs all tests of the program $1 at once, each in a process of its own: each has its own brokers and PostgreSQL, and
# lasts for a minute however fast the machine is.
set -euo pipefail
export GTEST_TOTAL_SHARDS
GTEST_TOTAL_SHARDS=$("$1" --gtest_list_tests | grep -c '^  ')
logs=$(mktemp -d)
running=()
trap 'kill "${running[@]}" 2>/dev/null || true; rm -rf "$logs"' EXIT
for ((i = 0; i < GTEST_TOTAL_SHARDS; ++i)); do
  GTEST_SHARD_INDEX=$i "$1" >"$logs/$i" 2>&1 &
  running+=($!)
done
failed=0
for i in "${!running[@]}"; do
  wait "${running[i]}" || failed=1
  cat "$logs/$i"
done
running=()
exit "$failed"
