#!/usr/bin/env bash
# Makes what compose.yaml needs to be tried out: a CA, certificates, a signing key, a master key, database roles.
#   docker/make_secrets.sh [DIRECTORY]     default: docker/secrets
# For production, bring your own: this CA's key lies beside the certificates. Refuses to overwrite.
set -euo pipefail
shopt -s inherit_errexit
directory=${1:-$(dirname "${BASH_SOURCE[0]}")/secrets}
trust_domain=example.org
if [[ -e $directory ]]; then echo "make_secrets: $directory exists already; remove it for new ones" >&2; exit 1; fi
# Only the owner enters the directory; the files in it are readable, since the containers' users differ from ours.
umask 022
mkdir -m 0700 "$directory"
mkdir "$directory"/{tls,signing_keys,clients}

random() { openssl rand -hex 24; }

new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" && chmod 0644 "$1"; }

certificate() { # file without ending, common name, subjectAltName, extended key usage
  new_key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" |
    openssl x509 -req -days 365 -CA "$directory/tls/ca.pem" -CAkey "$directory/ca.key" -out "$1.pem" \
      -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=%s\nbasicConstraints=critical,CA:FALSE\n' "$3" "$4") 2>/dev/null
}

new_key "$directory/ca.key"
chmod 0600 "$directory/ca.key"
openssl req -x509 -new -key "$directory/ca.key" -days 3650 -subj '/CN=Countersign trial CA' \
  -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' -out "$directory/tls/ca.pem"
certificate "$directory/tls/broker" broker DNS:broker,DNS:localhost,IP:127.0.0.1 serverAuth
for principal in human/alice human/bob agent/agent workload/ci; do
  certificate "$directory/clients/${principal#*/}" "${principal#*/}" "URI:spiffe://$trust_domain/$principal" clientAuth
done
new_key "$directory/signing_keys/$(date -u +%Y%m%dT%H%M%SZ).pem"
echo "trial-1 $(openssl rand -base64 32)" >"$directory/master_keys"

superuser=$(random) migrator=$(random) broker=$(random)
echo "$superuser" >"$directory/postgres_password"
echo "postgresql://countersign_migrator:$migrator@postgres/countersign" >"$directory/migrator_url"
echo "postgresql://countersign_broker:$broker@postgres/countersign" >"$directory/broker_url"
cat >"$directory/roles.sql" <<SQL
-- The brokers' role has no powers of its own: migrations give them to countersign_server.
CREATE ROLE countersign_server NOLOGIN;
CREATE ROLE countersign_migrator LOGIN PASSWORD '$migrator';
CREATE ROLE countersign_broker LOGIN PASSWORD '$broker' IN ROLE countersign_server;
GRANT CREATE ON DATABASE countersign TO countersign_migrator;
\connect countersign
GRANT CREATE, USAGE ON SCHEMA public TO countersign_migrator;
SQL
