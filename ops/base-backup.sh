#!/bin/bash
# base-backup.sh - a base backup of the database's files, from which ops/restore.sh --to goes on with the archived WAL.
#
#   ops/base-backup.sh           make one in ./backups/base
#   ops/base-backup.sh --help    say this
#
# It is unpacked and verified, and all WAL since its beginning has to be there, before it counts. Then those older
# than 7 days are deleted, but never the newest two, and the WAL that none of them needs.
#
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.
# Every night from cron: ops/schedule.sh

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

RETENTION_DAYS=7

[ $# = 0 ] || refuse "it takes no arguments; see $script --help."
archives ||
  fail 'this installation archives nothing (ARCHIVE_MODE=off in .env.production), so a base backup is of no use.'
find_database
lock base
ask "$db_name" 'select system_identifier, (select sum(pg_database_size(oid)) from pg_database) from pg_control_system()' ||
  fail "the database does not answer: $cause"
IFS='|' read -r system size <<<"$answer"

# in_database SCRIPT ARGUMENT...: in the container of the database, which alone may read there.
in_database() { docker exec "$db" bash -euc "$1" bash "${@:2}"; }

# shellcheck disable=SC2016
free=$(in_database 'df -B1 --output=avail /backups | tail -n 1 | tr -d " "')
[ "$free" -ge $((size * 2)) ] ||
  fail "the disk of ./backups has $(numfmt --to=iec "$free") free, and needs $(numfmt --to=iec $((size * 2))) for this; make room. Older ones are untouched."

# shellcheck disable=SC2016
clean() { in_database 'rm -rf "/backups/base/$1/.part" "/backups/base/$1/.check"' "$system" 2>/dev/null || true; }
trap clean EXIT
end_on_signals
clean

# shellcheck disable=SC2016
capture /dev/null in_database '
  folder=/backups/base/$1
  mkdir -p "$folder/.check"
  pg_basebackup -w -U "$POSTGRES_USER" -D "$folder/.part" -Ft -Z server-zstd:level=1 -X none -c fast
  zstd -dcq "$folder/.part/base.tar.zst" | tar -xf - -C "$folder/.check"
  pg_verifybackup -q -n -m "$folder/.part/backup_manifest" "$folder/.check"
  start=$(sed -n "s/^START WAL LOCATION: .* (file \(.*\))$/\1/p" "$folder/.check/backup_label")
  bash /wal/contiguous.sh "/backups/wal/$1" "$start"
  echo "$start" >"$folder/.part/start"
  sync -f "$folder"' "$system" ||
  fail "the base backup was not made ($cause). Older ones are untouched."
# Of its end: there is no way back to a moment before that.
date=$(date +%Y%m%d_%H%M%S)
# shellcheck disable=SC2016
capture /dev/null in_database 'mv "/backups/base/$1/.part" "/backups/base/$1/$2"' "$system" "$date" ||
  fail "the base backup was not put in place ($cause). Older ones are untouched."
# shellcheck disable=SC2016
echo "Wrote backups/base/$system/$date ($(in_database 'du -sh "/backups/base/$1/$2" | cut -f 1' "$system" "$date"))."

# shellcheck disable=SC2016
capture /dev/null in_database '
  cd "/backups/base/$1"
  for old in $(ls -d [0-9]*_[0-9]* | sort -r | tail -n +3); do
    if [ -n "$(find "$old" -maxdepth 0 -mtime "+$2")" ]; then rm -rf "$old"; fi
  done
  pg_archivecleanup -x .zst "/backups/wal/$1" "$(cat "$(ls -d [0-9]*_[0-9]* | sort | head -n 1)/start")"' \
  "$system" "$RETENTION_DAYS" ||
  fail "the base backup is complete, but what is no longer needed was not cleared away: $cause"
