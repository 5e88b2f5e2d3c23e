#!/bin/bash
# upgrade-postgres.sh - moves this installation to a newer major version of PostgreSQL.
#
#   ops/upgrade-postgres.sh [VERSION]    to that one; by default 17
#   ops/upgrade-postgres.sh --help       say this
#
# It makes a backup and starts the newer version on a volume of its own. Then it stops the backend, and pgBouncer where
# there is one, so that nobody writes (nginx answers 503 meanwhile), and copies roles and databases with the newer
# version's own pg_dump. Only when each database has the same tables, rows, migrations, sequences and extensions does it
# write POSTGRES_VERSION and POSTGRES_VOLUME into .env.production, and starts database and backend by them. The backend
# has to become ready. In the end what the older version had archived is put aside, since the newer one cannot read it,
# and a base backup made.
#
# The old volume is never written to by the newer version, and stays until you delete it. Whatever fails, or interrupts
# it, the older version serves again as before. If it is killed, run it again: it begins by putting that back, or goes
# on where the newer version was about to serve, or served already.
#
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"
umask 077

JOURNAL=ops/state/upgrade
DATE=$(date +%Y%m%d_%H%M%S)
# What a database has besides CONTENTS, a line each.
MORE_CONTENTS="
select format('sequence %I.%I: %s', schemaname, sequencename, coalesce(last_value::text, 'unused'))
  from pg_sequences order by schemaname, sequencename;
select 'extension ' || extname from pg_extension order by extname;"
unchanged='Nothing was changed.'

[ $# -le 1 ] || refuse "it takes one version; see $script --help."
case ${1:-} in -*) refuse "there is no option $1; see $script --help." ;; esac
to=${1:-17}
[[ $to =~ ^[1-9][0-9]$ ]] || refuse "\"$to\" is no major version of PostgreSQL; for example 17."

# name_new: what belongs to the version $to.
name_new() {
  new_volume=postgres_data_$to
  filling=$(project)_upgrade_$to
}

# in_new COMMAND...: with the server that is being filled in place of the one in use.
in_new() {
  local db=$filling
  "$@"
}

# contents DATABASE...: what each of them has, into $answer.
contents() {
  local database all=
  for database in "$@"; do
    ask "$database" "$CONTENTS$MORE_CONTENTS" || return 1
    all+="database $database"$'\n'"$answer"$'\n'
  done
  answer=$all
}

# choose VERSION VOLUME: what compose starts from now on. A new file takes the place of the old one, all at once.
choose() {
  local next=ops/state/settings
  {
    sed -E '/^POSTGRES_(VERSION|VOLUME)=/d' .env.production
    printf 'POSTGRES_VERSION=%s\nPOSTGRES_VOLUME=%s\n' "$1" "$2"
  } >"$next" || return 1
  chown --reference=.env.production "$next" 2>/dev/null || true
  chmod --reference=.env.production "$next" && sync "$next" && mv "$next" .env.production
}

# services: what this installation has on PostgreSQL's image, and what is connected to it.
services() {
  local service
  for service in backups db backend wal pgbouncer; do
    if asked_for "$service"; then printf '%s\n' "$service"; fi
  done
}

# start ARGUMENT...: those of them that do not run, by compose.
start() {
  local services
  mapfile -t services < <(services)
  capture /dev/null env -u COMMIT "${compose[@]}" up -d --no-build "$@" "${services[@]}"
}

# remake: the containers as .env.production wants them now. Those that are there go first, because docker-compose 1.29
# cannot replace what a newer engine has made; the receiver goes after the database, whose last words it takes.
remake() {
  local service found
  for service in backend pgbouncer db wal backups; do
    mapfile -t found < <(containers "$service")
    [ ${#found[@]} -gt 0 ] || continue
    capture /dev/null docker stop -t 60 "${found[@]}" && capture /dev/null docker rm "${found[@]}" || return 1
  done
  start || return 1
  db=$(container db)
  database_answers || { cause="the database does not answer; look at: ${compose[*]} logs --tail 50 db" && return 1; }
}

# stop_backends: and then pgBouncer, which keeps connections for them.
stop_backends() {
  local service found
  for service in backend pgbouncer; do
    mapfile -t found < <(containers "$service")
    [ ${#found[@]} = 0 ] || capture /dev/null docker stop -t 30 "${found[@]}" || return 1
  done
}

remove_filling() { docker ps -aq --filter "name=^$filling\$" | xargs -r docker rm -fv >/dev/null; }

# read_journal: its first line; `served` stands below it once the newer version may have been written to.
read_journal() {
  read -r from from_volume to db_user db_name <"$JOURNAL"
  name_new
}

# put_back: the older version serves. A volume that nobody but this script has seen is removed.
put_back() {
  read_journal || return 1
  remove_filling || return 1
  if [ "$(setting POSTGRES_VOLUME postgres_data)" = "$new_volume" ]; then
    choose "$from" "$from_volume" || return 1
    remake || return 1
  else
    # A stop that was interrupted goes on in the engine, and for so long the backend would seem to run.
    stop_backends || return 1
    start --no-recreate || return 1
  fi
  if grep -qx served "$JOURNAL"; then
    echo "$script: if PostgreSQL $to took anything meanwhile, it is in the volume $(project)_$new_volume." >&2
  elif docker volume inspect "$(project)_$new_volume" >/dev/null 2>&1; then
    capture /dev/null docker volume rm "$(project)_$new_volume" || return 1
  fi
  backend_ready || return 1
  rm "$JOURNAL"
}

finish() {
  local status=$?
  trap - EXIT
  trap '' HUP INT TERM
  exec 1>&"$stdout" 2>&"$stderr"
  rm -f ops/state/settings
  if [ -e "$JOURNAL" ] && [ -z "${serves:-}" ]; then
    if put_back; then
      echo "$script: everything is as it was before." >&2
    else
      echo "$script: it could not be put back (${cause:-see above}); run $script again, which begins with that." >&2
    fi
  fi
  exit "$status"
}

# alone: waits until nobody else is connected to the database; else who is, into $cause.
alone() {
  local others="select coalesce(string_agg(distinct format('%s from %s', usename, coalesce(host(client_addr), 'inside')), ', '), '')
    from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
  for _ in {1..40}; do
    ask postgres "$others" || return 1
    [ -n "$answer" ] || return 0
    sleep 0.25
  done
  cause="$answer is still connected to it"
  return 1
}

# copy DATABASE...: roles and databases from the server in use, whose socket is at /old. The role that owns the new
# server is there already, so it only gets what else it has.
copy() {
  # shellcheck disable=SC2016
  capture /dev/null docker exec "$filling" bash -euo pipefail -c '
    from=(-h /old -U "$POSTGRES_USER")
    to=(psql -Xq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" postgres)
    pg_dumpall "${from[@]}" --roles-only | sed "/^CREATE ROLE \"\?$POSTGRES_USER\"\?;\$/d" | "${to[@]}"
    for database; do
      create=--create
      if [ "$database" = postgres ]; then create=; fi
      pg_dump "${from[@]}" $create "$database" | "${to[@]}"
    done
    vacuumdb -q -U "$POSTGRES_USER" --all --analyze-only' bash "$@"
}

# put_archive_aside: all that is in the archive of other servers than the one that serves now.
put_archive_aside() {
  ask postgres 'select system_identifier from pg_control_system()' || return 1
  # shellcheck disable=SC2016
  capture /dev/null docker exec "$db" bash -euc '
    for kept in /backups/wal /backups/base; do
      for system in "$kept"/[0-9]*; do
        if [ -e "$system" ] && [ "${system##*/}" != "$1" ]; then mkdir -p "$kept/$2" && mv "$system" "$kept/$2/"; fi
      done
    done' bash "$answer" "$aside"
}

capture /dev/null docker ps --quiet || fail "Docker cannot be asked: $cause"
[ -r .env.production ] && [ -w . ] ||
  fail "$PWD/.env.production is not there or not yours to change; run it as who runs this installation."
for name in images deploy drill; do lock "$name"; done
capture /dev/null "${compose[@]}" config -q || fail "compose cannot read this installation: $cause"
[ ! -e ops/state/restore ] ||
  fail 'a restore was killed while it exchanged database and uploads; run it again first: ops/restore.sh --latest'

if [ -e "$JOURNAL" ]; then
  for name in backup base; do lock "$name"; done
  read_journal
  if [ "$(setting POSTGRES_VOLUME postgres_data)" != "$new_volume" ]; then
    put_back || fail "an earlier run was killed and cannot be put back: ${cause:-see above}"
    for name in backup base; do unlock "$name"; done
    echo 'Put back what an earlier run that was killed had begun.'
  else
    echo "Going on with an earlier run that ended when PostgreSQL $to was about to serve, or served already."
  fi
fi

end_on_signals
trap finish EXIT
if [ ! -e "$JOURNAL" ]; then
  to=${1:-17}
  name_new
  find_database
  ask postgres "select current_setting('server_version_num')::int / 10000, (select sum(pg_database_size(oid)) from pg_database)" ||
    fail "the database does not answer: $cause"
  IFS='|' read -r from size <<<"$answer"
  [ "$from" != "$to" ] || fail "PostgreSQL $to serves already."
  [ "$from" -lt "$to" ] || fail "PostgreSQL $from serves, and there is no way down to $to but a backup of its time."
  from_volume=$(setting POSTGRES_VOLUME postgres_data)
  [ -n "$(running backend)" ] ||
    fail "the backend does not run; start it: ${compose[*]} up -d backend"
  # It is stopped and started with them, from an image that has to be there.
  ! asked_for pgbouncer || [ -n "$(running pgbouncer)" ] ||
    fail "pgbouncer does not run; start it: ${compose[*]} up -d pgbouncer"
  capture /dev/null env "POSTGRES_VOLUME=$new_volume" "${compose[@]}" config -q ||
    fail "docker-compose.prod.yml has no volume $new_volume, so this release does not know PostgreSQL $to."
  # The new one, a base backup of it, and that unpacked to be verified; and the WAL of filling it.
  needed=$((size * 3 + 1024 * 1024 * 1024))
  # shellcheck disable=SC2016
  free=$(docker exec "$db" sh -c 'df -B1 --output=avail "$PGDATA" /backups' | tail -n +2 | tr -d ' ' | sort -n | head -n 1)
  [ "$free" -ge "$needed" ] ||
    fail "the disk has $(numfmt --to=iec "$free") free, and the upgrade needs $(numfmt --to=iec "$needed"); make room. $unchanged"
  docker image inspect "postgres:$to" >/dev/null 2>&1 || capture /dev/null docker pull --quiet "postgres:$to" ||
    fail "postgres:$to was not fetched ($cause). $unchanged"

  # Through compose, so that the volume is one of its own.
  capture /dev/null env -u COMMIT "POSTGRES_VERSION=$to" "POSTGRES_VOLUME=$new_volume" \
    "${compose[@]}" run --rm --no-deps -T --entrypoint true db </dev/null || fail "no volume was made ($cause). $unchanged"
  docker run --rm --network none -v "$(project)_$new_volume:/new:ro" --entrypoint sh "postgres:$to" -c '[ ! -e /new/PG_VERSION ]' ||
    fail "the volume $(project)_$new_volume holds a database of an earlier upgrade; if nobody needs it: docker volume rm $(project)_$new_volume. $unchanged"

  ./backup.sh || fail "without a backup it does not begin. $unchanged"
  for name in backup base; do lock "$name"; done

  socket=$(docker inspect -f '{{range .Mounts}}{{if eq .Destination "/var/run/postgresql"}}{{.Name}}{{end}}{{end}}' "$db")
  echo "$from $from_volume $to $db_user $db_name" >"$JOURNAL"
  run_apart "$filling" -v "$(project)_$new_volume:/var/lib/postgresql/data" -v "$socket:/old:ro" \
    -e "POSTGRES_USER=$db_user" -e POSTGRES_DB=postgres -e POSTGRES_PASSWORD=until-it-has-that-of-the-older-one \
    "postgres:$to" "${QUICK[@]}" || fail "PostgreSQL $to does not start: $cause"
  in_new database_answers || fail "PostgreSQL $to does not answer: $(docker logs --tail 3 "$filling" 2>&1 | paste -sd ' ')"

  began=$SECONDS
  echo "Nobody can write from now on: stopping the backend, to copy $(numfmt --to=iec "$size")."
  stop_backends || fail "the backend was not stopped: $cause"
  alone || fail "nothing may write to the database meanwhile, but $cause."
  ask postgres 'select datname from pg_database where datallowconn and not datistemplate order by datname' ||
    fail "the database does not answer: $cause"
  mapfile -t databases <<<"$answer"
  copy "${databases[@]}" || fail "the database was not copied: $cause"
  contents "${databases[@]}" || fail "the database does not answer: $cause"
  expected=$answer
  in_new contents "${databases[@]}" || fail "PostgreSQL $to does not answer: $cause"
  difference=$(diff <(echo "$expected") <(echo "$answer") | grep '^[<>]' | head -n 2 | tr '\n' ' ') || true
  [ -z "$difference" ] || fail "the copy has not what the database has (< database, > copy: $difference)."
  capture /dev/null docker stop -t 120 "$filling" || fail "PostgreSQL $to does not stop: $cause"
  remove_filling || fail "the container $filling was not removed."
  capture /dev/null docker run --rm --network none -v "$(project)_$new_volume:/new" --entrypoint sync "postgres:$to" -f /new ||
    fail "the copy did not reach the disk: $cause"
  rows=$(sed -n 's/^table .*: //p' <<<"$expected" | paste -sd+)
  echo "Copied $((rows)) rows, and compared what is there."
  choose "$to" "$new_volume" || fail '.env.production was not written.'
fi

echo served >>"$JOURNAL"
remake || fail "PostgreSQL $to was not started: $cause"
backend_ready || fail "the backend was not ready on PostgreSQL $to within $READY_SECONDS seconds ($cause); look at: ${compose[*]} logs backend"
serves=yes
echo "PostgreSQL $to serves${began:+; nobody could write for $((SECONDS - began)) s}."

aside=postgres_${from}_before_$DATE
if archives; then
  put_archive_aside ||
    fail "PostgreSQL $to serves, but what $from had archived was not put aside ($cause); run $script again, which does that."
fi
rm "$JOURNAL"
if archives; then
  unlock base
  ops/base-backup.sh || fail "PostgreSQL $to serves, but has no base backup; when what is said above is mended: ops/base-backup.sh"
fi
echo "PostgreSQL $from has left the volume $(project)_$from_volume and, of its archive, ./backups/wal/$aside and ./backups/base/$aside; docs/runbook.md, 10.4, says how to go back to it, and how to delete it."
