#!/bin/bash
# backup.sh - backs up the database and the uploaded files of this installation into ./backups.
#
#   ./backup.sh            make a backup
#   ./backup.sh --help     say this
#
# A backup is three files of one DATE:
#   thinkring_db_DATE.sql          the database as plain SQL, for psql
#   thinkring_media_DATE.tar.gz    the uploaded files
#   thinkring_DATE.json            the code's version and commit, sizes and SHA-256 sums of the two
#
# Each file is written under a temporary name, checked, and then renamed. Backups older than 7 days are
# deleted only after a good new one. It exits with 0 when all is done, and otherwise says why it is not;
# what was there before is then untouched.
#
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.
# Every night from cron:
#   0 2 * * * /path/to/backup.sh

set -euo pipefail
umask 077

RETENTION_DAYS=7

fail() {
  printf 'backup.sh: %s\n' "$*" >&2
  exit 1
}

# capture FILE COMMAND...: the command's output into FILE, its complaint into $cause, from the first line that
# names an error, else the last one. A variable holds it, since the disk may be full.
capture() {
  local complaint
  complaint=$("${@:2}" 2>&1 >"$1") && return
  cause=$(grep -iE -m 1 -A 5 '^(error|fatal)|: (error|fatal):' <<<"$complaint" || tail -n 1 <<<"$complaint")
  cause=${cause//$'\n'/ }
  return 1
}

size() { stat -c %s "$1"; }

sum() { sha256sum "$1" | cut -d ' ' -f 1; }

case ${1:-} in
  '') ;;
  -h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit
    ;;
  *)
    printf 'backup.sh: it takes no arguments; see backup.sh --help.\n' >&2
    exit 2
    ;;
esac

cd "$(dirname "$(readlink -f "$0")")"

if [ -n "${COMPOSE:-}" ]; then
  read -ra compose <<<"$COMPOSE"
elif command -v docker-compose >/dev/null; then
  compose=(docker-compose)
else
  compose=(docker compose)
fi
compose+=(-f docker-compose.prod.yml)

BACKUP_DIR=backups
mkdir -p "$BACKUP_DIR" 2>/dev/null && [ -w "$BACKUP_DIR" ] ||
  if [ "$(id -u)" = 0 ]; then
    fail "$PWD/$BACKUP_DIR cannot be written: is it a folder, is the disk read-only or full?"
  else
    fail "$PWD/$BACKUP_DIR cannot be written by $(id -un): Docker made it as root, so run backup.sh as root."
  fi

exec 9>"$BACKUP_DIR/.lock" || fail "$PWD/$BACKUP_DIR/.lock cannot be written."
flock -n 9 || fail 'another backup is running; wait until it is done.'

DATE=$(date +%Y%m%d_%H%M%S)
database=thinkring_db_$DATE.sql
media=thinkring_media_$DATE.tar.gz
manifest=thinkring_$DATE.json

# The lock is ours, so every .part file is what an earlier run that was killed has left.
rm -f "$BACKUP_DIR"/thinkring_*.part
trap 'rm -f "$BACKUP_DIR"/thinkring_*.part' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

capture /dev/null "${compose[@]}" config -q || fail "compose cannot read this installation: ${cause:-no reason given}"
capture "$BACKUP_DIR/$database.part" "${compose[@]}" ps -q db || fail "Docker cannot be asked: ${cause:-no reason given}"
container=$(head -n 1 "$BACKUP_DIR/$database.part")
read -r running project < <(docker inspect \
  -f '{{.State.Running}} {{index .Config.Labels "com.docker.compose.project"}}' "$container" 2>/dev/null) || running=
[ "$running" = true ] ||
  fail "the database does not run; start it: ${compose[*]} up -d db. Older backups are untouched."

# The container knows the names; the quotes keep them for its shell.
# shellcheck disable=SC2016
capture "$BACKUP_DIR/$database.part" "${compose[@]}" exec -T db \
  sh -c 'exec pg_dump -U "$POSTGRES_USER" "$POSTGRES_DB"' ||
  fail "the database was not dumped (${cause:-no reason given}). Is it up, and is there room on the disk? Older backups are untouched."
tail -n 10 "$BACKUP_DIR/$database.part" | grep -q 'PostgreSQL database dump complete' ||
  fail 'the dump ends before its last line. Older backups are untouched.'

# A container of its own, so that uploads are saved even when the backend does not run; not through compose,
# which would build a missing image and write that into the archive. tar says 1 when a file changed under it.
container=$(docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \
  --filter label=com.docker.compose.service=backend --filter label=com.docker.compose.oneoff=False | head -n 1)
[ -n "$container" ] ||
  fail "there is no backend, whose uploads are to be saved; make it: ${compose[*]} up -d backend. Older backups are untouched."
capture "$BACKUP_DIR/$media.part" docker run --rm --network none --volumes-from "$container:ro" --entrypoint sh \
  "$(docker inspect -f '{{.Image}}' "$container")" -c 'tar -czf - -C /app/media . || [ $? -eq 1 ]' ||
  fail "the uploaded files were not saved (${cause:-no reason given}). Older backups are untouched."
gzip -t "$BACKUP_DIR/$media.part" 2>/dev/null ||
  fail 'the archive of the uploaded files is damaged. Older backups are untouched.'

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' backend/thinkring/__init__.py 2>/dev/null) || version=
commit=$(git rev-parse HEAD 2>/dev/null) || commit=
cat >"$BACKUP_DIR/$manifest.part" <<JSON || fail 'the manifest was not written. Older backups are untouched.'
{
  "created": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
  "version": "${version:-unknown}",
  "commit": "${commit:-unknown}",
  "database": {"file": "$database", "bytes": $(size "$BACKUP_DIR/$database.part"), "sha256": "$(sum "$BACKUP_DIR/$database.part")"},
  "media": {"file": "$media", "bytes": $(size "$BACKUP_DIR/$media.part"), "sha256": "$(sum "$BACKUP_DIR/$media.part")"}
}
JSON

for file in "$database" "$media" "$manifest"; do
  sync "$BACKUP_DIR/$file.part" || fail "$file did not reach the disk. Older backups are untouched."
done
# The manifest last: where it stands, the other two are complete.
for file in "$database" "$media" "$manifest"; do
  mv "$BACKUP_DIR/$file.part" "$BACKUP_DIR/$file"
  printf 'Wrote %s/%s (%s bytes).\n' "$BACKUP_DIR" "$file" "$(size "$BACKUP_DIR/$file")"
done

# Only names that it gives itself: somebody may have put a copy aside under a name of their own.
find "$BACKUP_DIR" -maxdepth 1 -type f -mtime "+$RETENTION_DAYS" -regextype posix-extended \
  -regex '.*/thinkring_(db_[0-9]{8}_[0-9]{6}\.sql|media_[0-9]{8}_[0-9]{6}\.tar\.gz|[0-9]{8}_[0-9]{6}\.json)' \
  -printf 'Deleted %p, older than '"$RETENTION_DAYS"' days.\n' -delete ||
  fail 'the new backup is complete, but an old one could not be deleted.'
