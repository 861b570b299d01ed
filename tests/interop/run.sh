#!/usr/bin/env bash
# Lets a Node.js client use a real broker, and a JOSE library verify its tokens. Usage:
#   tests/interop/run.sh [DIRECTORY WITH countersignd; default build/dev/bin]
set -euo pipefail
source_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$source_directory/../.." && pwd)
binaries=$(cd "${1:-$root/build/dev/bin}" && pwd)
modules=$root/build/interop
work=$(mktemp -d)
broker=''

clean_up() {
  if [[ $broker ]]; then
    kill -TERM "$broker" 2>/dev/null || true
    wait "$broker" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT

fail() {
  echo "interop: $*" >&2
  exit 1
}

# The packages live in the build directory, and are fetched again only when the lock file changes.
mkdir -p "$modules"
if ! cmp -s "$source_directory/package-lock.json" "$modules/installed.json"; then
  cp "$source_directory"/package.json "$source_directory"/package-lock.json "$modules/"
  (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1) || {
    cat "$work/npm.log" >&2
    fail "npm could not install the packages of tests/interop/package.json"
  }
  cp "$source_directory/package-lock.json" "$modules/installed.json"
fi

chmod 0711 "$work" # PostgreSQL runs as another user when we are root.
"$binaries/countersignd" dev --data-dir "$work/broker" >"$work/broker.log" 2>&1 &
broker=$!
for ((tries = 0; tries < 600; ++tries)); do
  if grep -q 'countersignd dev is ready' "$work/broker.log"; then break; fi
  kill -0 "$broker" 2>/dev/null || break
  sleep 0.1
done
grep -q 'countersignd dev is ready' "$work/broker.log" || {
  cat "$work/broker.log" >&2
  fail "countersignd dev did not start"
}

status=0
NODE_PATH=$modules/node_modules timeout 120 node "$source_directory/client.js" "$work/broker" "$root/proto" || status=$?
if ((status)); then
  tail -n 20 "$work/broker/countersignd.log" >&2 || true
  fail "failed ($status); the broker's last words are above"
fi
