#!/usr/bin/env bash
# Builds docker/Dockerfile for real and runs the image as compose.yaml would, with neither a registry nor a Docker
# engine: mmdebstrap makes the base, buildah the image, and its file system is then entered read-only, as its own
# user, without capabilities, in a network of its own, next to a private PostgreSQL.
#   tests/package/docker_test.sh             the programs come from build/dev (what CI does, for time)
#   tests/package/docker_test.sh --source    the image compiles them itself, as `docker build` does
# Needs root, and Debian's packages `./dev install run image`.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() { echo "docker_test: $*" >&2; exit 1; }

((EUID == 0)) || fail "needs root, to make and enter file systems"

build_image() {
  local prebuilt=build/image container
  export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
  if [[ $from == source ]]; then
    prebuilt=
  else
    ./dev build countersignd countersign-planread countersign
    rm -rf "$prebuilt"
    install -D -t "$prebuilt" build/dev/bin/countersignd build/dev/bin/countersign-planread build/dev/bin/countersign
    strip "$prebuilt"/*
  fi
  mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar"
  container=$("${buildah[@]}" from scratch)
  "${buildah[@]}" add --quiet "$container" "$work/base.tar" / >/dev/null
  "${buildah[@]}" commit --quiet --rm "$container" localhost/debian >/dev/null
  "${buildah[@]}" build --format docker --build-arg BASE=localhost/debian --build-arg PREBUILT="$prebuilt" \
    --tag localhost/countersign --file docker/Dockerfile . >"$work/build.log" 2>&1 </dev/null ||
    { tail -n 60 "$work/build.log" >&2; fail "the image does not build"; }
}

check_image() {
  local inspection
  inspection=$("${buildah[@]}" inspect --type image localhost/countersign)
  check_field() { # what, jq expression that must hold
    jq --exit-status ".Docker.config | $2" <<<"$inspection" >/dev/null || fail "the image's $1 is not as it should be"
  }
  check_field user '.User == "65532:65532"'
  check_field entrypoint '.Entrypoint == ["/usr/bin/countersignd"]'
  check_field command '.Cmd[0] == "serve"'
  check_field healthcheck '.Healthcheck.Test[1:3] == ["/usr/bin/countersignd", "healthcheck"]'
}

cleanup() {
  local container
  for container in $("${buildah[@]}" containers --quiet 2>/dev/null); do
    "${buildah[@]}" rm "$container" >/dev/null 2>&1 || true
  done
  rm -rf --one-file-system "$work"
}

# From here on inside namespaces of our own; whatever is started ends with them.

# Sets `command` to what runs a program as a container engine would, without a process in between: the image's
# user, no capabilities, no way to new ones.
in_image() { # file with the database's URL, program...
  local url=$1
  shift
  command=(unshare --mount -- bash -c '
    set -euo pipefail
    image=$1 secrets=$2 url=$3; shift 3
    mount --bind "$secrets/$url" "$image/run/secrets/database_url"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$image" \
      setpriv --reuid 65532 --regid 65532 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
  ' in_image "$image" "$secrets" "$url" "$@")
}

enter() {
  local command
  in_image "$@"
  "${command[@]}"
}

start_postgres() {
  local data=$work/postgres binaries
  binaries=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  install -d -o postgres -g postgres -m 0700 "$data"
  runuser -u postgres -- "$binaries/initdb" -D "$data/data" -U postgres -A trust --no-sync >"$work/postgres.log" 2>&1 ||
    { cat "$work/postgres.log" >&2; fail "initdb failed"; }
  echo 'host all all 127.0.0.1/32 scram-sha-256' >"$data/data/pg_hba.conf"
  echo 'local all all trust' >>"$data/data/pg_hba.conf"
  runuser -u postgres -- "$binaries/pg_ctl" -D "$data/data" -w -t 60 -l "$data/log" \
    -o "-c listen_addresses=127.0.0.1 -c unix_socket_directories=$data -c fsync=off" start >/dev/null ||
    { cat "$data/log" >&2; fail "PostgreSQL does not start"; }
  psql --quiet --no-psqlrc --host "$data" --username postgres --set ON_ERROR_STOP=1 --command 'CREATE DATABASE countersign'
  psql --quiet --no-psqlrc --host "$data" --username postgres --set ON_ERROR_STOP=1 --file "$secrets/roles.sql"
}

prepare_root() {
  mount --make-rprivate /
  mount --bind "$image" "$image"
  mkdir -p "$image"/run/secrets "$image"/run/countersign/{tls,signing_keys}
  touch "$image"/run/secrets/{database_url,master_keys} "$image"/etc/countersign/{countersign,bootstrap}.yaml "$image/etc/hosts"
  mount -o remount,bind,ro "$image"
  printf '127.0.0.1 localhost broker postgres\n' >"$work/hosts"
  mount --bind "$work/hosts" "$image/etc/hosts"
  mount --bind docker/countersign.yaml "$image/etc/countersign/countersign.yaml"
  mount --bind docker/bootstrap.yaml "$image/etc/countersign/bootstrap.yaml"
  mount --bind "$secrets/tls" "$image/run/countersign/tls"
  mount --bind "$secrets/signing_keys" "$image/run/countersign/signing_keys"
  mount --bind "$secrets/master_keys" "$image/run/secrets/master_keys"
  mount -t proc proc "$image/proc"
  mount --bind /dev "$image/dev"
}

run_image() {
  local configuration=(--config /etc/countersign/countersign.yaml) command server status=0 tries=0
  ip link set lo up
  docker/make_secrets.sh "$secrets"
  chmod 0711 "$work"
  start_postgres
  prepare_root

  [[ $(enter broker_url /usr/bin/id -u) == 65532 ]] || fail "it does not run as its own user"
  if enter broker_url /usr/bin/touch /usr/bin/altered /tmp/altered 2>/dev/null; then fail "its file system can be written to"; fi
  enter broker_url /usr/bin/countersignd version | grep -q . || fail "countersignd says no version"
  enter broker_url /usr/bin/countersign version | grep -q . || fail "countersign says no version"
  if enter broker_url /usr/bin/countersignd healthcheck "${configuration[@]}" >/dev/null 2>&1; then
    fail "healthcheck says a broker that does not run is healthy"
  fi
  enter migrator_url /usr/bin/countersignd migrate "${configuration[@]}" >"$work/migrate.log" 2>&1 ||
    { cat "$work/migrate.log" >&2; fail "migrate failed"; }
  enter broker_url /usr/bin/countersignd serve "${configuration[@]}" --check >"$work/check.log" 2>&1 ||
    { cat "$work/check.log" >&2; fail "serve --check refuses docker/countersign.yaml"; }

  in_image broker_url /usr/bin/countersignd serve "${configuration[@]}"
  "${command[@]}" >"$work/serve.log" 2>&1 &
  server=$!
  until enter broker_url /usr/bin/countersignd healthcheck "${configuration[@]}" >"$work/health.log" 2>&1; do
    if ! kill -0 "$server" 2>/dev/null || ((++tries > 100)); then
      cat "$work/health.log" "$work/serve.log" >&2
      fail "the broker does not become healthy"
    fi
    sleep 0.1
  done
  kill -TERM "$server"
  wait "$server" || status=$?
  if ((status)); then
    cat "$work/serve.log" >&2
    fail "the broker ended with status $status on SIGTERM"
  fi
}

if [[ ${1:-} == --inside ]]; then
  work=$2 image=$3 secrets=$2/secrets
  run_image
  exit
fi

from=prebuilt
case ${1:-} in
  --source) from=source ;;
  '') ;;
  *) fail "unknown option $1" ;;
esac
work=$(mktemp -d)
buildah=(buildah --root "$work/store" --runroot "$work/run")
trap cleanup EXIT
build_image
check_image
container=$("${buildah[@]}" from localhost/countersign)
image=$("${buildah[@]}" mount "$container")
unshare --mount --net --pid --fork --kill-child --mount-proc -- "$BASH" "${BASH_SOURCE[0]}" --inside "$work" "$image"
echo "docker_test: the image builds, starts, becomes healthy and stops (programs: $from)"
