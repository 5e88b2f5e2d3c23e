#!/bin/bash
# backup.sh - backs up the database and the uploaded files of this installation into ./backups.
#
#   ./backup.sh            make a backup
#   ./backup.sh --help     say this
#
# A backup is three files of one DATE:
#   thinkring_db_DATE.sql          the database as plain SQL, for psql
#   thinkring_media_DATE.tar.gz    the uploaded files
#   thinkring_DATE.json            the code's version and commit, sizes and SHA-256 sums of the two, what is in them
#
# With MEDIA_BUCKET uploads are in a store (docs/storage.md), and their backup is the versions that it keeps. What is in
# the volume still has its archive; without any there is none, and the manifest names the bucket.
#
# Each file is written under a temporary name. The dump is restored into a scratch database, on a server of its own
# that has nothing else, and only when that has the same tables, rows and migrations as the live one had when it was
# dumped do the files get their names.
# Backups older than 7 days are deleted only then, and never the newest proven one before it. It exits with 0
# when all is done, and otherwise says why it is not; what was there before is then untouched.
#
# When less than half of the rows or of the uploads are left since the proven backup before, the new one is kept
# and nothing is deleted, but it says so and exits with 1. If that is as you want it, there is nothing to do: the
# next run compares with this one. If not, restore the one before (ops/restore.sh) within 7 days.
#
# With RESTIC_REPOSITORY and RESTIC_PASSWORD (or RESTIC_REPOSITORY_FILE, RESTIC_PASSWORD_FILE) in .env.production
# ./backups is then copied there by restic, encrypted: 7 days, 5 weeks and 12 months are kept. What it logs in with
# stands there too, by restic's own names (AWS_…, B2_…, AZURE_…, GOOGLE_…, RCLONE_…).
#
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.
# Every night from cron: ops/schedule.sh

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/ops/installation.sh"
umask 077

RETENTION_DAYS=7
untouched='Older backups are untouched.'

size() { stat -c %s "$1"; }

sum() { sha256sum "$1" | cut -d ' ' -f 1; }

bytes() { numfmt --to=iec "$1"; }

# object PREFIX LINE...: the lines of that prefix as members of a JSON object.
object() {
  local members
  members=$(printf '%s\n' "${@:2}" | sed -n "s/^$1 /    /p" | sed '$!s/$/,/')
  printf '{\n%s\n  }' "$members"
}

# copy_elsewhere: ./backups into the repository of restic, which is made if it is not there.
copy_elsewhere() {
  local name value
  # And what it logs in with where the repository is.
  while read -r name; do
    value=$(setting "$name")
    if [ -n "$value" ]; then export "$name=$value"; fi
  done < <(grep -oE '^(RESTIC|AWS|B2|AZURE|GOOGLE|RCLONE)_[A-Z0-9_]+' "$settings" 2>/dev/null)
  [ -n "${RESTIC_REPOSITORY:-}${RESTIC_REPOSITORY_FILE:-}" ] || return 0
  local failed='the new backup is complete, but not copied elsewhere:'
  [ -n "${RESTIC_PASSWORD:-}${RESTIC_PASSWORD_FILE:-}${RESTIC_PASSWORD_COMMAND:-}" ] ||
    fail "$failed RESTIC_REPOSITORY is set and RESTIC_PASSWORD is not; set it in .env.production."
  command -v restic >/dev/null || fail "$failed restic is not installed; run: apt-get install restic"
  if ! capture /dev/null restic --quiet cat config; then
    [[ $cause == *'Is there a repository at the following location'* ]] || fail "$failed $cause"
    capture /dev/null restic --quiet init || fail "$failed $cause"
    echo 'Made a new restic repository.'
  fi
  # What only the database may read is of use beside the database alone: each dump is whole without it.
  capture /dev/null restic --quiet backup --exclude "$PWD/$BACKUP_DIR/wal" --exclude "$PWD/$BACKUP_DIR/base" "$BACKUP_DIR" ||
    fail "$failed $cause"
  # Of this folder alone: the repository may hold the backups of others.
  capture /dev/null restic --quiet forget --host "$(hostname)" --path "$PWD/$BACKUP_DIR" \
    --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --prune ||
    fail "the new backup is complete and copied elsewhere, but old copies were not cleared away: $cause"
  echo 'Copied the backups into the restic repository.'
}

[ $# = 0 ] || refuse "it takes no arguments; see $script --help."

BACKUP_DIR=backups
# The database has to enter it.
(umask 022 && mkdir -p "$BACKUP_DIR") 2>/dev/null && [ -w "$BACKUP_DIR" ] ||
  if [ "$(id -u)" = 0 ]; then
    fail "$PWD/$BACKUP_DIR cannot be written: is it a folder, is the disk read-only or full?"
  else
    fail "$PWD/$BACKUP_DIR cannot be written by $(id -un): Docker made it as root, so run backup.sh as root."
  fi

lock backup

DATE=$(date +%Y%m%d_%H%M%S)
database=thinkring_db_$DATE.sql
media=thinkring_media_$DATE.tar.gz
manifest=thinkring_$DATE.json
scratch=$(project)_check_$DATE

# start_scratch: an empty server for the proof. Not the one in use: there all of the copy would be written once more as
# WAL, into the archive, every night. Nothing of it need outlive a crash; and it sorts by bytes, which makes the search
# index in a fifth of the time, of the same rows.
start_scratch() {
  run_apart "$scratch" -e "POSTGRES_USER=$db_user" -e "POSTGRES_DB=$db_name" -e POSTGRES_HOST_AUTH_METHOD=trust \
    -e 'POSTGRES_INITDB_ARGS=--no-sync --lc-collate=C' "$(docker inspect -f '{{.Image}}' "$db")" "${QUICK[@]}"
}

# in_scratch COMMAND...: with that server in place of the one in use.
in_scratch() {
  local db=$scratch
  "$@"
}

drop_scratch() { docker ps -aq --filter "name=^$(project)_check_" | xargs -r docker rm -fv >/dev/null; }

# The lock is ours, so every .part file is what an earlier run that was killed has left.
rm -f "$BACKUP_DIR"/thinkring_*.part
clean() {
  rm -f "$BACKUP_DIR"/thinkring_*.part
  drop_scratch 2>/dev/null || true
}
trap clean EXIT
end_on_signals

capture /dev/null "${compose[@]}" config -q || fail "compose cannot read this installation: $cause"
find_database
drop_scratch || fail "what an earlier run has left cannot be removed. $untouched"

newest=$(find "$BACKUP_DIR" -maxdepth 1 -name 'thinkring_db_[0-9]*.sql' | sort | tail -n 1)
newest=${newest#*/thinkring_db_}
needed=0
for file in "$BACKUP_DIR"/thinkring_db_"${newest:-none}" "$BACKUP_DIR"/thinkring*_"${newest%.sql}".{tar.gz,json}; do
  if [ -e "$file" ]; then needed=$((needed + $(size "$file") * 22 / 10)); fi
done
free=$(df -B1 --output=avail "$BACKUP_DIR" | tail -n 1 | tr -d ' ')
[ "$free" -ge "$needed" ] ||
  fail "the disk of $PWD/$BACKUP_DIR has $(bytes "$free") free and should have $(bytes "$needed"), twice the newest backup and 10 %; make room. $untouched"
ask "$db_name" 'select pg_database_size(current_database())' || fail "the database does not answer ($cause). $untouched"
needed=${answer:-0}
# shellcheck disable=SC2016
free=$(docker exec "$db" sh -c 'df -B1 --output=avail "$PGDATA"' | tail -n 1 | tr -d ' ')
[ "$free" -ge "$needed" ] ||
  fail "the disk of the database has $(bytes "$free") free, and the copy that proves the dump needs $(bytes "$needed"); make room. $untouched"

start_scratch || fail "the scratch database did not start ($cause). $untouched"

# It stays open: the dump and the count see the same moment, whatever is written meanwhile.
coproc session { docker exec -i "$db" psql -XqAt -v ON_ERROR_STOP=1 -U "$db_user" "$db_name" 2>&1; }
# shellcheck disable=SC1083
exec {answers}<&"${session[0]}" {questions}>&"${session[1]}" {session[0]}<&- {session[1]}>&-
trap 'fail "the database went away. $untouched"' PIPE
echo 'begin isolation level repeatable read read only; select pg_export_snapshot();' >&"$questions"
# It may warn first, for example of texts that a newer image sorts in another way.
while read -r snapshot <&"$answers" && [[ $snapshot =~ ^(WARNING|DETAIL|HINT): ]]; do :; done
[[ $snapshot =~ ^[0-9A-F-]+$ ]] ||
  fail "the database does not answer (${snapshot:-no reason given}). $untouched"

# The container knows the names; the quotes keep them for its shell.
# shellcheck disable=SC2016
capture "$BACKUP_DIR/$database.part" "${compose[@]}" exec -T db \
  sh -c 'exec pg_dump -U "$POSTGRES_USER" --snapshot="$0" "$POSTGRES_DB"' "$snapshot" ||
  fail "the database was not dumped ($cause). Is it up, and is there room on the disk? $untouched"
tail -n 10 "$BACKUP_DIR/$database.part" | grep -q 'PostgreSQL database dump complete' ||
  fail "the dump ends before its last line. $untouched"
printf '%s\n\\q\n' "$CONTENTS" >&"$questions"
exec {questions}>&-
mapfile -t contents <&"$answers"

in_scratch database_answers || fail "the scratch database does not answer. $untouched"
in_scratch fill "$db_name" "$BACKUP_DIR/$database.part" || fail "the dump cannot be restored ($cause). $untouched"
in_scratch ask "$db_name" "$CONTENTS" || fail "the dump was not proven ($cause). $untouched"
difference=$(diff <(printf '%s\n' "${contents[@]}") <(printf '%s\n' "$answer") | grep '^[<>]' | head -n 2 | tr '\n' ' ') || true
[ -z "$difference" ] ||
  fail "the dump has not what the database had (< database, > dump: $difference). Was it being migrated? Run it again. $untouched"
drop_scratch || fail "the scratch database was not removed. $untouched"

# A container of its own, so that uploads are saved even when the backend does not run; not through compose,
# which would build a missing image and write that into the archive. tar says 1 when a file changed under it.
backend=$(container backend)
[ -n "$backend" ] ||
  fail "there is no backend, whose uploads are to be saved; make it: ${compose[*]} up -d backend. $untouched"
capture "$BACKUP_DIR/$media.part" docker run --rm --network none --volumes-from "$backend:ro" --entrypoint sh \
  "$(docker inspect -f '{{.Image}}' "$backend")" -c 'tar -czf - -C /app/media . || [ $? -eq 1 ]' ||
  fail "the uploaded files were not saved ($cause). $untouched"
listing=$(tar -tvzf "$BACKUP_DIR/$media.part" 2>/dev/null) ||
  fail "the archive of the uploaded files is damaged. $untouched"
read -r files content < <(awk '/^-/ { files++; bytes += $3 } END { printf "%d %.0f\n", files, bytes }' <<<"$listing")
uploads="\"file\": \"$media\", \"bytes\": $(size "$BACKUP_DIR/$media.part"), \"sha256\": \"$(sum "$BACKUP_DIR/$media.part")\", \"files\": $files, \"content_bytes\": $content"
bucket=$(setting MEDIA_BUCKET)
parts=("$database" "$media" "$manifest")
if [ -n "$bucket" ] && [ "$files" = 0 ]; then
  rm "$BACKUP_DIR/$media.part"
  uploads="\"bucket\": \"$bucket\""
  parts=("$database" "$manifest")
fi

rows=0
for line in "${contents[@]}"; do
  if [[ $line == table* ]]; then rows=$((rows + ${line##*: })); fi
done
postgresql=$(docker exec "$db" postgres --version 2>/dev/null) || postgresql=unknown
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' backend/thinkring/__init__.py 2>/dev/null) || version=
commit=$(git rev-parse HEAD 2>/dev/null) || commit=
cat >"$BACKUP_DIR/$manifest.part" <<JSON || fail "the manifest was not written. $untouched"
{
  "created": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
  "version": "${version:-unknown}",
  "commit": "${commit:-unknown}",
  "postgresql": "$postgresql",
  "verified": true,
  "database": {"file": "$database", "bytes": $(size "$BACKUP_DIR/$database.part"), "sha256": "$(sum "$BACKUP_DIR/$database.part")", "rows": $rows},
  "media": {$uploads},
  "tables": $(object table "${contents[@]}"),
  "migrations": $(object migration "${contents[@]}")
}
JSON

for file in "${parts[@]}"; do
  sync "$BACKUP_DIR/$file.part" || fail "$file did not reach the disk. $untouched"
done
before=$(newest_verified)
# The manifest last: where it stands, all else is complete.
for file in "${parts[@]}"; do
  mv "$BACKUP_DIR/$file.part" "$BACKUP_DIR/$file"
  printf 'Wrote %s/%s (%s bytes).\n' "$BACKUP_DIR" "$file" "$(size "$BACKUP_DIR/$file")"
done
[ -z "$bucket" ] ||
  echo "The uploads in the bucket $bucket are not in this backup: the versions that the store keeps are their backup (docs/storage.md)."

shrunk=
if [ -n "$before" ]; then
  rows_before=$(manifest_value "$BACKUP_DIR/thinkring_$before.json" database rows)
  content_before=$(manifest_value "$BACKUP_DIR/thinkring_$before.json" media content_bytes)
  if [ $((rows * 2)) -lt "$rows_before" ]; then shrunk="$rows rows instead of $rows_before"; fi
  if [ -z "$bucket" ] && [ $((content * 2)) -lt "${content_before:-0}" ]; then
    shrunk+="${shrunk:+, and }$content bytes of uploads instead of $content_before"
  fi
fi

# Only names that it gives itself: somebody may have put a copy aside under a name of their own.
[ -n "$shrunk" ] ||
  find "$BACKUP_DIR" -maxdepth 1 -type f -mtime "+$RETENTION_DAYS" ! -name "*_${before:-none}.*" -regextype posix-extended \
    -regex '.*/thinkring_(db_[0-9]{8}_[0-9]{6}\.sql|media_[0-9]{8}_[0-9]{6}\.tar\.gz|[0-9]{8}_[0-9]{6}\.json)' \
    -printf 'Deleted %p, older than '"$RETENTION_DAYS"' days.\n' -delete ||
  fail 'the new backup is complete, but an old one could not be deleted.'

copy_elsewhere
[ -z "$shrunk" ] ||
  fail "the new backup is complete, but it has less than half of the one of $before: $shrunk. Nothing was deleted; if that is right, do nothing, else see $script --help."
