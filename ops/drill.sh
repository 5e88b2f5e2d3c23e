#!/bin/bash
# drill.sh - loses a database on purpose, beside the one in use, and says what it took to get it back.
#
#   ops/drill.sh           with the newest proven backup of this installation, if there is one
#   ops/drill.sh --help    say this
#
# A copy of this installation with containers, volumes and backups of its own makes a base backup. While somebody
# writes to its database without a pause, that is killed and its volume is deleted; then ops/restore.sh --to now
# brings it back. It fails when what was acknowledged in the last 5 seconds is lost (60 without the service wal), or
# when it took more than 5 minutes. The installation itself is only read, and the copy is deleted in the end.
#
# Each result is a line of ops/state/drill.log. It needs twice the room of the database, for some minutes.
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.
# Every month from cron: ops/schedule.sh

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

RTO_SECONDS=300

[ $# = 0 ] || refuse "it takes no arguments; see $script --help."
archives ||
  fail 'this installation archives nothing (ARCHIVE_MODE=off in .env.production), so a lost database comes back as it was in the last backup: ops/restore.sh --latest.'
lock drill
find_database
backend=$(container backend)
[ -n "$backend" ] || fail "there is no backend, whose image the copy needs; make it: ${compose[*]} up -d backend."
receiver=$(container wal)
latest=$(newest_verified)
home=$PWD
log=$home/ops/state/drill.log
drill=$(project)_drill
# Not in /tmp, which may be in memory.
copy=$(mktemp -d -p "${TMPDIR:-/var/tmp}" "$drill.XXXXXX")

# in_copy COMMAND...: with the copy's own names, wherever the caller's shell points.
in_copy() {
  (cd "$copy/thinkring" && unset COMPOSE_FILE COMPOSE_PROFILES ENV_FILE && COMPOSE_PROJECT_NAME=$drill "$@")
}

remove_copy() {
  docker ps -aq --filter "label=com.docker.compose.project=$drill" | xargs -r docker rm -fv >/dev/null
  docker volume ls -q --filter "label=com.docker.compose.project=$drill" | xargs -r docker volume rm >/dev/null
  docker volume ls -q --filter "name=^${drill}_" | xargs -r docker volume rm >/dev/null
  docker network ls -q --filter "label=com.docker.compose.project=$drill" | xargs -r docker network rm >/dev/null
  for name in "${drill}_backend" "$drill-backend"; do docker rmi "$name" >/dev/null 2>&1 || true; done
}
# remove_folder FOLDER: by a container, since the database and the root of its own have written there.
remove_folder() {
  docker run --rm --network none -v "$1:/copy" --entrypoint rm "$image" -rf /copy/thinkring || true
  rm -rf "$1"
}

finish() {
  local status=$?
  trap - EXIT
  { kill "$writer" && wait "$writer"; } 2>/dev/null || true
  remove_copy || true
  remove_folder "$copy"
  if [ -z "${result:-}" ]; then echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) failed, before there was a result" >>"$log"; fi
  exit "$status"
}
writer=
image=$(docker inspect -f '{{.Image}}' "$db")
trap finish EXIT
end_on_signals

remove_copy
# What a run has left that was killed: the settings, with their secrets, are in it.
for folder in "${copy%.*}".??????; do
  if [ "$folder" != "$copy" ]; then
    remove_folder "$folder"
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) failed, an earlier run was killed" >>"$log"
  fi
done
mkdir "$copy/thinkring"
git archive HEAD | tar -x -C "$copy/thinkring" || fail 'git did not give out the files of this release.'
install -m 600 .env.production "$copy/thinkring/.env.production"
for name in "${drill}_backend" "$drill-backend"; do docker tag "$(docker inspect -f '{{.Image}}' "$backend")" "$name"; done
services=(db backend)
if [ -n "$receiver" ]; then services+=(wal); fi
capture /dev/null in_copy "${compose[@]}" up -d --no-build "${services[@]}" || fail "the copy does not start: $cause"
if [ -n "$latest" ]; then
  capture /dev/null in_copy ops/restore.sh --replace "$home/backups/thinkring_db_$latest.sql" ||
    fail "the backup of $latest was not restored into the copy: $cause"
  echo "Restored the backup of $latest into a copy of this installation."
else
  echo 'Started an empty copy of this installation: there is no proven backup yet.'
fi

sql() { docker exec -i "$1" psql -XqAt -U "$db_user" "$db_name"; }

copied=$(docker ps -q --filter "label=com.docker.compose.project=$drill" --filter label=com.docker.compose.service=db)
end=$((SECONDS + 60))
until sql "$copied" <<<'create table if not exists drill (number int primary key, written timestamptz default clock_timestamp())' 2>/dev/null; do
  [ "$SECONDS" -lt "$end" ] || fail 'the database of the copy does not answer.'
  sleep 0.5
done
size=$(sql "$copied" <<<'select pg_size_pretty(pg_database_size(current_database()))')
capture /dev/null in_copy ops/base-backup.sh || fail "the copy's base backup was not made: $cause"
if [ -n "$receiver" ]; then
  end=$((SECONDS + 60))
  until sql "$copied" <<<"select active from pg_replication_slots where slot_name = 'receiver'" | grep -qx t; do
    [ "$SECONDS" -lt "$end" ] || fail 'the receiver of the copy does not receive.'
    sleep 0.5
  done
fi

# The archive gets what was written once a minute. Nearly two of them, so that it is met at its worst.
writing_seconds=110
if [ -n "$receiver" ]; then writing_seconds=20; fi
# What was acknowledged stands in the file.
acknowledged=$copy/acknowledged
# It ends with the script, even when that is killed.
for ((number = 1; ; number++)); do
  kill -0 $$ || exit 0
  echo "insert into drill values ($number) returning number, extract(epoch from written);"
  sleep 0.01
done 2>/dev/null | sql "$copied" >"$acknowledged" 2>/dev/null &
writer=$!
sleep "$writing_seconds"
docker kill -s KILL "$copied" >/dev/null
begun=$SECONDS
sleep 0.5
docker rm -fv "$copied" >/dev/null
docker volume rm "${drill}_$(setting POSTGRES_VOLUME postgres_data)" >/dev/null
last=$(grep -E '^[0-9]+\|[0-9.]+$' "$acknowledged" | tail -n 1) || last=
[ -n "$last" ] || fail 'nothing was acknowledged before the database was killed.'
echo "Killed its database of $size and deleted its volume, ${last%%|*} acknowledged writes after the base backup."

capture "$copy/restore.log" in_copy ops/restore.sh --to now || fail "the database was not brought back: $cause"
rto=$((SECONDS - begun))
copied=$(docker ps -q --filter "label=com.docker.compose.project=$drill" --filter label=com.docker.compose.service=db)
first=$(grep -E '^1\|' "$acknowledged" | cut -d '|' -f 2)
IFS='|' read -r found until < <(sql "$copied" <<<"select count(*), coalesce(extract(epoch from max(written)), $first) from drill")
lost=$((${last%%|*} - found))
if [ "$lost" -lt 0 ]; then lost=0; fi
rpo=$(awk -v last="${last##*|}" -v until="$until" -v lost="$lost" 'BEGIN { printf "%.1f", lost ? last - until : 0 }')
allowed=5
if [ -z "$receiver" ]; then allowed=60; fi

result=ok
if awk -v rpo="$rpo" -v allowed="$allowed" 'BEGIN { exit !(rpo > allowed) }' || [ "$rto" -gt "$RTO_SECONDS" ]; then result=failed; fi
printf '%s %s, %s, lost %s of %s writes, RPO %s s (at most %s), RTO %s s (at most %s)\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
  "$result" "$size" "$lost" "${last%%|*}" "$rpo" "$allowed" "$rto" "$RTO_SECONDS" >>"$log"
echo "Brought it back: lost $lost of ${last%%|*} acknowledged writes (RPO $rpo s of $allowed), ready after $rto s (RTO, of $RTO_SECONDS)."
[ "$result" = ok ] || {
  sed 's/^/  /' "$copy/restore.log" >&2
  fail 'that is more than is allowed; the lines above are what the recovery said.'
}
