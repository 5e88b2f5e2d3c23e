#!/bin/bash
# restore.sh - puts a backup of backup.sh back: the database and the uploaded files.
#
#   ops/restore.sh FILE         FILE is …/thinkring_db_DATE.sql; its archive and its manifest are beside it
#   ops/restore.sh --latest     the newest proven backup in ./backups
#   ops/restore.sh --help       say this
#
#   --replace                   also when the database in use holds something
#
# Sums are checked; the dump goes into a fresh database, where any error ends it, and is compared with the
# manifest; migrations of this code that it lacks are made there. Only then is the backend stopped, and database
# and uploads are exchanged. What was there before is kept, as a database thinkring_before_DATE and a volume
# PROJECT_media_before_DATE, until you delete it. Then the backend has to become ready. A failure before the
# exchange leaves everything as it was, a later one puts everything back; so does the next run, if this one is
# killed in between.
#
# On a new machine a clone, its .env.production and the backup are enough: what is missing is built and started.
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.

# shellcheck source=ops/installation.sh
source "$(dirname "$(readlink -f "$0")")/installation.sh"
umask 077

READY_SECONDS=120
JOURNAL=ops/state/restore

file=
replace=
for argument in "$@"; do
  case $argument in
    --replace)
      replace=yes
      continue
      ;;
    --latest) ;;
    -*) refuse "there is no option $argument; see $script --help." ;;
  esac
  [ -z "$file" ] || refuse "it takes one backup; see $script --help."
  file=$argument
done
[ -n "$file" ] || refuse "which backup? …/thinkring_db_DATE.sql or --latest; see $script --help."

if [ "$file" = --latest ]; then
  date=$(newest_verified)
  [ -n "$date" ] || fail "there is no proven backup in $PWD/backups; name a file."
  file=backups/thinkring_db_$date.sql
elif [[ $file != /* ]]; then
  file=$OLDPWD/$file
fi
[ -r "$file" ] || fail "$file cannot be read; is it there?"
[[ $file =~ /?thinkring_db_([0-9]{8}_[0-9]{6})\.sql$ ]] ||
  fail "$file has not the name of a backup, thinkring_db_DATE.sql."
date=${BASH_REMATCH[1]}
folder=$(dirname "$file")
archive=$folder/thinkring_media_$date.tar.gz
manifest=$folder/thinkring_$date.json

# check SECTION FILE: has it the size and the sum that the manifest tells?
check() {
  local bytes
  [ -r "$2" ] || fail "$2 cannot be read, and belongs to the backup."
  bytes=$(stat -L -c %s "$2")
  [ "$bytes" = "$(manifest_value "$manifest" "$1" bytes)" ] ||
    fail "$2 has $bytes bytes and not those of its manifest: it is cut short, or another file. Take another backup."
  [ "$(sha256sum <"$2" | cut -d ' ' -f 1)" = "$(manifest_value "$manifest" "$1" sha256)" ] ||
    fail "$2 has not the sum of its manifest: it is damaged, or another file. Take another backup."
}

[ -r "$manifest" ] || fail "there is no manifest $manifest: $file is not a backup of backup.sh."
check database "$file"
check media "$archive"
echo "Checked the sums of the backup of $date."

# The same lock as backup.sh: neither may see the other's work half done.
lock backup 'backup or restore'
NOW=$(date +%Y%m%d_%H%M%S)
restored=thinkring_restored_$NOW
before=thinkring_before_$NOW
restored_volume=$(project)_media_restored_$NOW
before_volume=$(project)_media_before_$NOW

# in_volumes COMMAND: in a container of the backend's image that has the fresh uploads at /app/media, those in use
# at /live and those kept at /before.
in_volumes() {
  docker run --rm -i --network none --user 0 -v "$restored_volume:/app/media" -v "$live_volume:/live" \
    -v "$before_volume:/before" --entrypoint sh "$image" -c "$1"
}

# The first start of an empty volume is over only when it answers over TCP.
wait_for_database() {
  for _ in {1..120}; do
    if docker exec "$db" pg_isready -q -h 127.0.0.1 -U "$db_user" -d "$db_name"; then return 0; fi
    sleep 0.5
  done
  fail "the database does not answer; look at: ${compose[*]} logs db"
}

# leave_no_rest: what a run has made that nobody uses.
leave_no_rest() {
  local volume
  drop_databases thinkring_restored_ || return 1
  for volume in $(docker volume ls -q --filter "name=^$(project)_media_restored_"); do
    capture /dev/null docker volume rm "$volume" || return 1
  done
}

# put_back: everything as it was before the exchange that the journal tells of, whose steps are
# stopped, copied (the uploads in use are kept), done (it was the last).
put_back() {
  local step was_running
  {
    read -r before restored before_volume live_volume image was_running
    step=$(tail -n 1)
  } <"$JOURNAL"
  restored_volume=${before_volume/_before_/_restored_}
  capture /dev/null "${compose[@]}" stop backend || return 1
  ask postgres "select count(*) from pg_database where datname = :'before'" "before=$before" || return 1
  if [ "$answer" = 1 ]; then
    exchange "$restored" "$before" || return 1
  fi
  if [ "$step" = copied ]; then
    capture /dev/null in_volumes 'find /live -mindepth 1 -delete && cp -a /before/. /live/' || return 1
  fi
  docker volume rm "$before_volume" >/dev/null 2>&1 || true
  if [ "$was_running" = true ]; then capture /dev/null "${compose[@]}" start backend || return 1; fi
  rm "$JOURNAL"
}

# exchange OLD NEW: the database in use becomes OLD, and NEW becomes the one in use, both at once or not at all.
exchange() {
  for _ in {1..5}; do
    if ask postgres "
      select pg_terminate_backend(pid) from pg_stat_activity where datname in (:'live', :'new') \\g /dev/null
      begin;
      alter database :\"live\" rename to :\"old\";
      alter database :\"new\" rename to :\"live\";
      commit;" "live=$db_name" "old=$1" "new=$2"; then
      return 0
    fi
  done
  return 1
}

finish() {
  local status=$?
  trap - EXIT
  if [ -e "$JOURNAL" ]; then
    if put_back; then
      echo "$script: everything is as it was before." >&2
    else
      echo "$script: it could not be put back (${cause:-see above}); run $script again, which begins with that." >&2
    fi
  fi
  leave_no_rest || echo "$script: a rest was left, which the next run deletes: $cause" >&2
  exit "$status"
}

capture /dev/null "${compose[@]}" config -q || fail "compose cannot read this installation: $cause"
capture /dev/null docker ps --quiet || fail "Docker cannot be asked: $cause"
if [ "$(docker inspect -f '{{.State.Running}}' "$(container db)" 2>/dev/null)" != true ]; then
  capture /dev/null "${compose[@]}" up -d db || fail "the database does not start: $cause"
  echo 'Started the database.'
fi
find_database
wait_for_database
if [ -e "$JOURNAL" ]; then
  put_back || fail "an earlier run was killed and cannot be put back: ${cause:-see above}"
  echo 'Put back what an earlier run that was killed had begun to exchange.'
fi
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
leave_no_rest || fail "what an earlier run has left cannot be deleted: $cause"

# Rows that Django makes by itself are nobody's.
ask "$db_name" "$CONTENTS" || fail "the database does not answer: $cause"
rows=$(sed -nE 's/^table "public\.(django_migrations|django_content_type|auth_permission|core_cache)": .*//; s/^table .*: //p' <<<"$answer" | paste -sd+)
rows=$((${rows:-0}))
[ "$rows" = 0 ] || [ -n "$replace" ] ||
  fail "the database in use holds $rows rows; with --replace it is exchanged, and kept as $before."

needed=$(($(stat -L -c %s "$file") * 2 + $(manifest_value "$manifest" media bytes) * 2))
# shellcheck disable=SC2016
free=$(docker exec "$db" sh -c 'df -B1 --output=avail "$PGDATA"' | tail -n 1)
[ "$free" -ge "$needed" ] ||
  fail "the disk of the database has $(numfmt --to=iec "$free") free, and the restored one may need $(numfmt --to=iec "$needed"); make room."

ask postgres 'create database :"restored"' "restored=$restored" || fail "no fresh database was made: $cause"
fill "$restored" "$file" || fail "the dump was not restored: $cause"
ask "$restored" "$CONTENTS" || fail "the restored database does not answer: $cause"
expected=$(sed -nE '/^  "tables"/,/^  }/s/^    (.*[0-9]),?$/table \1/p; /^  "migrations"/,/^  }/s/^    (.*"),?$/migration \1/p' "$manifest")
if grep -qx '  "verified": true,' "$manifest"; then
  difference=$(diff <(echo "$expected") <(echo "$answer") | grep '^[<>]' | head -n 2 | tr '\n' ' ') || true
  [ -z "$difference" ] || fail "the restored database is not what the manifest tells (< manifest, > restored: $difference)."
  echo "Restored the dump into a fresh database; it has the $(manifest_value "$manifest" database rows) rows of its manifest."
else
  echo 'Restored the dump into a fresh database. Its manifest is an older one, without counts to compare.'
fi

backend=$(container backend)
if [ -z "$backend" ]; then
  capture /dev/null "${compose[@]}" up --no-start backend || fail "the backend was not made: $cause"
  echo 'Made the backend.'
  backend=$(container backend)
fi
read -r was_running image < <(docker inspect -f '{{.State.Running}} {{.Image}}' "$backend")
live_volume=$(docker inspect -f '{{range .Mounts}}{{if eq .Destination "/app/media"}}{{.Name}}{{end}}{{end}}' "$backend")
[ -n "$live_volume" ] || fail 'the backend has no volume at /app/media.'

# As the user of the image, to whom they belong.
capture /dev/null docker run --rm -i --network none -v "$restored_volume:/app/media" --entrypoint sh "$image" \
  -c 'tar -xzf - -C /app/media' <"$archive" || fail "the uploads were not unpacked: $cause"
files=$(manifest_value "$manifest" media files)
found=$(docker run --rm --network none -v "$restored_volume:/app/media" --entrypoint sh "$image" \
  -c 'find /app/media -type f | wc -l')
[ "${files:-$found}" = "$found" ] || fail "the archive has $found files, and its manifest tells of $files."
echo "Unpacked $found uploaded files."

capture /dev/null "${compose[@]}" run --rm --no-deps -T -e "DB_NAME=$restored" backend python manage.py migrate --noinput ||
  fail "the restored database was not brought to the migrations of this code: $cause"

echo "$before $restored $before_volume $live_volume $image $was_running" >"$JOURNAL"
capture /dev/null "${compose[@]}" stop backend || fail "the backend was not stopped: $cause"
capture /dev/null in_volumes 'cp -a /live/. /before/' || fail "the uploads in use were not kept: $cause"
exchange "$before" "$restored" || fail "the databases were not exchanged: $cause"
echo copied >>"$JOURNAL"
capture /dev/null in_volumes 'find /live -mindepth 1 -delete && cp -a /app/media/. /live/' ||
  fail "the uploads were not exchanged: $cause"
capture /dev/null "${compose[@]}" up -d --no-recreate backend || fail "the backend was not started: $cause"
question='import urllib.request as r; r.urlopen("http://localhost:8000/api/v1/health/ready/", timeout=5)'
end=$((SECONDS + READY_SECONDS))
until capture /dev/null docker exec "$(container backend)" python -c "$question"; do
  [ "$SECONDS" -lt "$end" ] || fail "the backend was not ready within $READY_SECONDS seconds ($cause); look at: ${compose[*]} logs backend"
  sleep 1
done
rm "$JOURNAL"
echo 'Exchanged database and uploads; the backend is ready.'
echo "What was there before is kept: the database $before and the volume $before_volume."
if [ -z "$(container nginx)" ]; then echo "Next: ${compose[*]} up -d --build"; fi
