#!/usr/bin/env bash
# countersignd dev: quick to start, side by side, nothing left running that the next start cannot clean up.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

echo "starts from nothing within 10 s, and again within 3 s, on the same ports"
begin=$(milliseconds)
start_dev one
took=$(($(milliseconds) - begin))
echo "  first start: $took ms"
((took < 10000)) || fail "the first start took $took ms"
ports=$(<"$work/one/ports")
http_port=${ports#* }
curl -sf "http://127.0.0.1:$http_port/readyz" >/dev/null || fail "it is not ready"
as "$work/one" agent "$programs/countersign" submit --target targets/dev --reason kept -- true >"$work/submit.out"

echo "tells everything that is needed to be agent, alice, bob and ci"
for who in agent alice bob ci; do
  as "$work/one" "$who" "$programs/countersign" whoami >"$work/whoami.out"
  grep -q "/$who" "$work/whoami.out" || fail "$who is taken for somebody else"
  says one "COUNTERSIGN_CERTIFICATE_FILE='$work/one/identities/$who.pem'" || fail "no export for $who"
done

echo "keeps its secrets to its user"
open_secrets=$(find "$work/one" -path "$work/one/postgres" -prune -o -type f \( -name '*.key' -o -path '*/secrets/*' -o -path '*/signing-keys/*' \) -perm /077 -print)
[[ -z $open_secrets ]] || fail "others can read $open_secrets"
grep -rqF "$(<"$work/one/secrets/serve")" "$work/one/countersignd.log" "$work/one/postgres/log" "$work/one.out" &&
  fail "a password is in a log"

echo "refuses to share a directory, and says whose it is"
expect_exit 1 "$programs/countersignd" dev --data-dir "$work/one"
says command "in use by process $child" || fail "it should name the process"
says command '--data-dir' || fail "it should say what to do"

echo "works beside another"
first=$child
start_dev two
as "$work/two" alice "$programs/countersign" list >"$work/list.out"
grep -q 'targets/dev\|dev ' "$work/list.out" && fail "the second shows the first one's proposals"

echo "ends with SIGTERM, and leaves nothing running"
kill -TERM "$child"
expect_end 0 "$child"
no_database_in "$work/two" || fail "its database still runs"

echo "ends with ctrl-C, also when that comes twice at once"
kill -INT "$first"
kill -INT "$first" 2>/dev/null || true
expect_end 0 "$first"
no_database_in "$work/one" || fail "its database still runs"

begin=$(milliseconds)
start_dev one
took=$(($(milliseconds) - begin))
echo "  second start: $took ms"
((took < 3000)) || fail "the second start took $took ms"
[[ $(<"$work/one/ports") == "$ports" ]] || fail "the ports have changed"
as "$work/one" alice "$programs/countersign" list >"$work/list.out"
grep -q 'true' "$work/list.out" || fail "the proposal is gone"

echo "killed with -9, its database ends too"
kill -KILL "$child"
until_true "the database has ended" no_database_in "$work/one"

echo "killed with -9, a start right after it cleans up and serves"
for _ in 1 2 3; do
  start_dev one
  kill -KILL "$child"
  wait "$child" 2>/dev/null || true
done
start_dev one
as "$work/one" alice "$programs/countersign" list >"$work/list.out"
grep -q 'true' "$work/list.out" || fail "the proposal is gone"

echo "killed with -9 together with its database, it recovers"
# shellcheck disable=SC2046
kill -KILL "$child" $(databases_in "$work/one")
wait "$child" 2>/dev/null || true
until_true "all processes have ended" no_database_in "$work/one"
start_dev one
as "$work/one" alice "$programs/countersign" list >"$work/list.out"
grep -q 'true' "$work/list.out" || fail "the proposal is gone"

echo "ends with an error when its database is taken away"
# shellcheck disable=SC2046
kill -KILL $(databases_in "$work/one")
expect_end 1 "$child"

echo "killed with -9 in its very first start, the next one succeeds"
start half "$programs/countersignd" dev --data-dir "$work/half"
until_true "it has begun" test -e "$work/half/secrets"
sleep 0.3
kill -KILL "$child" 2>/dev/null || true
wait "$child" 2>/dev/null || true
start_dev half
kill -TERM "$child"
expect_end 0 "$child"

if ((EUID == 0)); then
  echo "works as an ordinary user, too"
  mkdir "$work/bin" "$work/home"
  chmod 0755 "$work/bin"
  cp "$programs/countersignd" "$programs/countersign-planread" "$work/bin/"
  chown nobody "$work/home"
  as_user=(setpriv --reuid nobody --clear-groups env "HOME=$work/home")
  start user "${as_user[@]}" "$work/bin/countersignd" dev
  until_true "it is ready" ready_or_ended user "$child"
  if ended "$child"; then fail "it has ended instead of serving"; fi
  [[ -d $work/home/.local/share/countersign/dev ]] || fail "it should be in the user's own directory"
  [[ $(stat -c %a "$work/home/.local/share/countersign/dev") == 700 ]] || fail "others can enter it"
  kill -TERM "$child"
  expect_end 0 "$child"

  echo "says so when PostgreSQL's user cannot reach the directory"
  mkdir -m 0700 "$work/closed"
  expect_exit 1 "$programs/countersignd" dev --data-dir "$work/closed/dev"
  says command "cannot pass $work/closed" || fail "it should name the directory"
fi
echo passed
