#!/usr/bin/env bash
# Runs a command with a throw-away PostgreSQL 15 behind DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD, all in one in
# SERVER_URL; its own pg_dump is PG_DUMP, which wants options and the name of a database.
#
#   tests/with-postgres.sh COMMAND [ARGUMENT…]
#
# Takes a container where a Docker engine answers, else the machine's own PostgreSQL 15; where there is neither, the
# command is skipped and the reason is noted in reports/skipped.txt (with CI=true that is a failure).
set -euo pipefail

[ $# -gt 0 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
export DB_HOST=127.0.0.1 DB_NAME=thinkring DB_USER=thinkring DB_PASSWORD=thinkring-throw-away
binaries=/usr/lib/postgresql/15/bin
work=$(mktemp -d)
container=

# shellcheck disable=SC2329  # called by the trap
stop() {
  if [ -n "$container" ]; then docker rm --force --volumes "$container" >/dev/null; fi
  if [ -f "$work/data/postmaster.pid" ]; then as_server "$binaries/pg_ctl" -D "$work/data" -m immediate stop >/dev/null; fi
  rm -rf "$work"
}
trap stop EXIT

# PostgreSQL refuses to run as root.
as_server() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Nothing of this database outlives the command, so it need not be safe on the disk; but for who measures (POSTGRES_OPTIONS).
read -ra options <<<"${POSTGRES_OPTIONS--c fsync=off -c full_page_writes=off -c synchronous_commit=off}"

if docker info >/dev/null 2>&1; then
  container=$(docker run --detach --publish 127.0.0.1::5432 --env "POSTGRES_DB=$DB_NAME" --env "POSTGRES_USER=$DB_USER" \
    --env "POSTGRES_PASSWORD=$DB_PASSWORD" --shm-size 256m postgres:15 postgres "${options[@]}")
  DB_PORT=$(docker port "$container" 5432/tcp | head -n 1 | sed 's/.*://')
  PG_DUMP="docker exec $container pg_dump --username $DB_USER"
  ready() { docker exec "$container" pg_isready --quiet --host 127.0.0.1 --username "$DB_USER"; }
elif [ -x "$binaries/initdb" ]; then
  DB_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  [ "$(id -u)" != 0 ] || chown postgres "$work"
  as_server "$binaries/initdb" -D "$work/data" --username "$DB_USER" --auth trust --encoding UTF8 >/dev/null
  as_server "$binaries/pg_ctl" -D "$work/data" -w --log "$work/log" \
    -o "-p $DB_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$work ${options[*]}" start >/dev/null
  as_server "$binaries/createdb" --host 127.0.0.1 --port "$DB_PORT" --username "$DB_USER" "$DB_NAME"
  PG_DUMP="$binaries/pg_dump --host 127.0.0.1 --port $DB_PORT --username $DB_USER"
  ready() { "$binaries/pg_isready" --quiet --host 127.0.0.1 --port "$DB_PORT"; }
else
  reason="the back end's tests on PostgreSQL: neither a Docker engine nor PostgreSQL 15 is on this machine"
  if [ "${CI:-}" = true ]; then
    echo "with-postgres: cannot run $reason." >&2
    exit 1
  fi
  mkdir -p "$root/reports" && echo "$reason" | tee -a "$root/reports/skipped.txt" >&2
  exit 0
fi

SERVER_URL="postgresql://$DB_USER:$DB_PASSWORD@$DB_HOST:$DB_PORT/$DB_NAME?sslmode=disable"
export DB_PORT PG_DUMP SERVER_URL
for _ in $(seq 120); do
  if ready; then
    "$@"
    exit
  fi
  sleep 0.25
done
echo "with-postgres: PostgreSQL did not come up within 30 s" >&2
exit 1
