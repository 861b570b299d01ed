#!/bin/sh
# Installs the client package into a temporary prefix and builds the examples from there, as a stranger would.
# usage: consumer_test.sh SOURCE_DIR BUILD_DIR
set -eu
source=$1 build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --component client --prefix "$scratch/prefix" > "$scratch/install.log" ||
  { cat "$scratch/install.log"; exit 1; }
if grep -rl "$source" "$scratch/prefix/lib" --include='*.cmake'; then
  echo "the installed package points into the source tree" >&2
  exit 1
fi
cmake -S "$source/tests/package/consumer" -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_PREFIX_PATH="$scratch/prefix" -Dexamples="$source/client/examples" \
  ${CMAKE_CXX_COMPILER_LAUNCHER:+-DCMAKE_CXX_COMPILER_LAUNCHER="$CMAKE_CXX_COMPILER_LAUNCHER"} > "$scratch/configure.log" 2>&1 ||
  { cat "$scratch/configure.log"; exit 1; }
cmake --build "$scratch/build" --parallel 2

"$scratch/build/uses_mock"
# Without a broker or a profile both must fail, and say why.
for example in "propose_and_wait targets/t reason true" "wait_and_run proposals/none"; do
  if HOME="$scratch" "$scratch/build/"$example 2> "$scratch/error"; then
    echo "$example succeeded without a broker" >&2
    exit 1
  fi
  grep -q COUNTERSIGN_SERVER "$scratch/error"
done
"$scratch/prefix/bin/countersign" version
