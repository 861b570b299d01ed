#!/usr/bin/env bash
# countersignd serve, migrate and healthcheck, against the database of countersignd dev.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
countersignd=$programs/countersignd

start_dev dev
data=$work/dev
socket=$data/postgres/run
config=(--config "$data/countersignd.yaml" --grpc.listen_address=127.0.0.1:0 --http.listen_address=127.0.0.1:0
  --log.format=json)
superuser() { PGPASSFILE=$data/secrets/pgpass psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$socket" -U postgres -d "$1" -c "$2"; }
superuser_url() { echo "host=$socket user=postgres password=$(<"$data/secrets/postgres") dbname=$1"; }
port_of() { # name, which
  jq -r "select(.message == \"serving\") | .$2" "$work/$1.out"
}
serving_or_ended() { says "$1" '"message":"serving"' || ended "$2"; }
start_broker() { # name, options...
  start "$1" "$countersignd" serve "${config[@]}" "${@:2}"
  until_true "$1 serves" serving_or_ended "$1" "$child"
  if ended "$child"; then fail "$1 has ended instead of serving"; fi
}

echo "--check needs no database, and names what is wrong"
expect_exit 0 "$countersignd" serve "${config[@]}" --check --database.url='host=/nowhere'
expect_exit 2 "$countersignd" serve "${config[@]}" --check --database.pool_size=1
says command 'database.pool_size' || fail "it should name the setting"
printf 'grpc:\n  lisen_address: x\n' >"$work/wrong.yaml"
expect_exit 2 "$countersignd" serve --config "$work/wrong.yaml" --check
says command 'grpc.lisen_address' && says command 'line 2' || fail "it should name the key and its line"
expect_exit 2 "$countersignd" serve --no-such-flag
expect_exit 2 env COUNTERSIGND_GRPC_LISEN_ADDRESS=x "$countersignd" serve "${config[@]}" --check
expect_exit 0 "$countersignd" serve "${config[@]}" --print-config \
  --database.url='host=/nowhere password=very-secret'
says command 'very-secret' && fail "the password is shown"

echo "serves beside another broker on the same database, ready and healthy"
start_broker second
second=$child
http_port=$(port_of second http_port)
expect_exit 0 "$countersignd" healthcheck "${config[@]}" --http.listen_address="0.0.0.0:$http_port"
expect_exit 1 "$countersignd" healthcheck "${config[@]}" --http.listen_address=127.0.0.1:1
[[ $(curl -s "http://127.0.0.1:$http_port/.well-known/jwks.json") == "$(<"$data/jwks.json")" ]] || fail "other keys are published"
curl -s "http://127.0.0.1:$http_port/metrics" | grep -q '^countersign_database_connections_max 16' || fail "no metrics"

echo "a decision on one broker wakes a waiter on the other"
name=$(as "$data" agent "$programs/countersign" submit --target targets/dev --reason test -- true 2>/dev/null)
digest=$(as "$data" alice "$programs/countersign" show "${name#proposals/}" --output json | jq -r .actionDigest)
start waiter as "$data" ci env COUNTERSIGN_SERVER="127.0.0.1:$(port_of second grpc_port)" \
  "$programs/countersign" wait "${name#proposals/}"
waiter=$child
somebody_waits() { curl -s "http://127.0.0.1:$http_port/metrics" | grep -q '^countersign_waiters 1'; }
until_true "somebody waits on the second broker" somebody_waits
as "$data" alice "$programs/countersign" approve "${name#proposals/}" --digest "$digest" >"$work/approve.out"
expect_end 0 "$waiter"

echo "logs one JSON object per line, with no secret"
jq -e 'has("time") and has("level") and has("message")' "$work/second.out" >"$work/lines.out" || fail "a line is not as it should be"
grep -q '"request_id"' "$work/second.out" || fail "requests are logged without their id"
grep -qF "$(<"$data/secrets/serve")" "$work/second.out" && fail "the password is in the log"

echo "a new signing key is published without a restart"
key=$(date -u -d '+1 day' +%Y%m%dT%H%M%SZ)
(umask 077; openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$data/signing-keys/$key.pem")
kill -HUP "$second"
two_keys() { (($(curl -s "http://127.0.0.1:$http_port/.well-known/jwks.json" | jq '.keys | length') == 2)); }
until_true "two keys are published" two_keys

echo "SIGTERM drains and ends with 0"
name=$(as "$data" agent "$programs/countersign" submit --target targets/dev --reason test -- true 2>/dev/null)
kill -TERM "$second"
expect_end 0 "$second"
says second '"message":"ended"' || fail "it should have drained"

echo "does not serve as a role that could change the audit trail"
expect_exit 1 "$countersignd" serve "${config[@]}" --database.url="$(superuser_url countersign)"
says command 'can change or remove audit events' || fail "it should say why"

echo "does not serve without the master keys that artifacts were sealed with"
master_keys=$(sed -n 's/.*master_key_file: *//p' "$data/countersignd.yaml" | tr -d '"')
echo '{}' >"$work/input.json"
as "$data" agent "$programs/countersign" submit --target targets/dev --reason test --artifact "$work/input.json" \
  -- true >"$work/submit.out"
(umask 077; sed -E "s|^([^# ]+) .*|\1 $(openssl rand -base64 32)|" "$master_keys" >"$work/wrong_keys")
expect_exit 2 "$countersignd" serve "${config[@]}" --artifact.master_key_file="$work/wrong_keys"
says command 'is not the one that artifacts were sealed with' || fail "it should say which key is wrong"
(umask 077; echo "another $(openssl rand -base64 32)" >"$work/other_keys")
expect_exit 2 "$countersignd" serve "${config[@]}" --artifact.master_key_file="$work/other_keys"
says command 'other_keys does not have' || fail "it should say which key is missing"

echo "waits for the schema, says on /readyz what is missing, and goes on once it is there"
superuser postgres "CREATE DATABASE fresh OWNER countersign_owner"
owner_url="host=$socket user=countersign_owner password=$(<"$data/secrets/owner") dbname=fresh"
serving_url="host=$socket user=countersign_serve password=$(<"$data/secrets/serve") dbname=fresh"
http_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null ||
  echo $((20000 + RANDOM % 10000)))
expect_exit 1 "$countersignd" migrate --check --database.url="$owner_url"
start early "$countersignd" serve "${config[@]}" --http.listen_address="127.0.0.1:$http_port" \
  --database.url="$serving_url"
early=$child
not_ready() { [[ $(curl -s -o "$work/readyz" -w '%{http_code}' "http://127.0.0.1:$http_port/readyz") == 503 ]]; }
until_true "/readyz says 503" not_ready
jq -e '.ready == false' "$work/readyz" >/dev/null || fail "/readyz should say why"
curl -sf "http://127.0.0.1:$http_port/healthz" >/dev/null || fail "it should be alive"
expect_exit 0 "$countersignd" migrate --database.url="$owner_url"
expect_exit 0 "$countersignd" migrate --database.url="$owner_url"
expect_exit 0 "$countersignd" migrate --check --database.url="$owner_url"
until_true "it serves" serving_or_ended early "$early"
curl -sf "http://127.0.0.1:$http_port/readyz" >/dev/null || fail "it should be ready"

echo "is not ready on a schema that it does not know"
superuser fresh "INSERT INTO schema_migrations (version) VALUES ('9999')"
until_true "/readyz says 503" not_ready
jq -e '.checks[] | select(.name == "schema" and .ok == false)' "$work/readyz" >/dev/null || fail "the schema should be it"
expect_exit 1 "$countersignd" serve "${config[@]}" --database.url="$serving_url"
says command '9999' || fail "it should name the migration"
kill -TERM "$early"
expect_end 0 "$early"

echo "gives up on a database that does not come, and ends at once when asked while waiting"
expect_exit 1 "$countersignd" serve "${config[@]}" --database.url='host=/nowhere dbname=x' \
  --database.start_patience=1s
start lost "$countersignd" serve "${config[@]}" --database.url='host=/nowhere dbname=x'
until_true "it waits" says lost 'waiting for the database'
kill -TERM "$child"
expect_end 0 "$child"

echo "the serving role can neither change nor remove audit events"
for statement in "UPDATE audit_events SET type = 'x'" 'DELETE FROM audit_events' 'TRUNCATE audit_events'; do
  expect_exit 1 env PGPASSWORD="$(<"$data/secrets/serve")" psql -X -v ON_ERROR_STOP=1 -h "$socket" -U countersign_serve \
    -d countersign -c "$statement"
  says command 'permission denied' || fail "it should be denied: $statement"
done
echo passed
