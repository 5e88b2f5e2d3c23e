#!/bin/bash
# restore.sh - puts a backup of backup.sh back: the database and the uploaded files.
#
#   ops/restore.sh FILE         FILE is …/thinkring_db_DATE.sql; its archive and its manifest are beside it
#   ops/restore.sh --latest     the newest proven backup in ./backups
#   ops/restore.sh --to TIME    the database as it was at that time ('2026-11-28 09:30:00'), or as late as there is
#                               anything of it (now): from a base backup and the WAL archived since then
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
# With --to, a server that holds nothing takes over the recovered files as they are, which saves minutes a gigabyte.
# The archive and the base backups of the database that was lost are then put aside, as SYSTEM_before_DATE.
#
# With --to the uploads are those of the newest backup of backup.sh before that time, and those in use beside them:
# an upload is never changed, so that none is too new.
#
# On a staging server (STAGING=True in .env.production) personal data are masked before the exchange, and uploads
# are left out.
#
# On a new machine a clone, its .env.production and the backup are enough: what is missing is built and started.
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"
umask 077

JOURNAL=ops/state/restore
staging=
if [ "$(setting STAGING)" = True ]; then staging=yes; fi

file=
time=
replace=
for argument in "$@"; do
  case $argument in
    --replace)
      replace=yes
      continue
      ;;
    --latest | --to) ;;
    -*) refuse "there is no option $argument; see $script --help." ;;
  esac
  if [ "$file" = --to ] && [ -z "$time" ]; then
    time=$argument
    continue
  fi
  [ -z "$file" ] || refuse "it takes one backup; see $script --help."
  file=$argument
done
[ -n "$file" ] || refuse "which backup? …/thinkring_db_DATE.sql, --to TIME or --latest; see $script --help."

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

if [ "$file" = --to ]; then
  [ -n "$time" ] || refuse "to which time? For example --to '2026-11-28 09:30:00', or --to now."
  now=$(date +%s)
  seconds=$(date -d "$time" +%s 2>/dev/null) || refuse "\"$time\" is no time; for example '2026-11-28 09:30:00', or now."
  [ "$seconds" -le "$now" ] || refuse "$time has not come yet."
  until=$(date -d "@$seconds" +%Y%m%d_%H%M%S)
  target=
  if [ "$time" != now ]; then target=$(date -d "@$seconds" '+%Y-%m-%d %H:%M:%S%:z'); fi
  date=$(newest_verified "$until")
  folder=backups
elif [ "$file" = --latest ]; then
  date=$(newest_verified)
  [ -n "$date" ] || fail "there is no proven backup in $PWD/backups; name a file."
  folder=backups
else
  [[ $file == /* ]] || file=$OLDPWD/$file
  [ -r "$file" ] || fail "$file cannot be read; is it there?"
  [[ $file =~ /?thinkring_db_([0-9]{8}_[0-9]{6})\.sql$ ]] ||
    fail "$file has not the name of a backup, thinkring_db_DATE.sql."
  date=${BASH_REMATCH[1]}
  folder=$(dirname "$file")
fi
dump=$folder/thinkring_db_$date.sql
archive=$folder/thinkring_media_$date.tar.gz
manifest=$folder/thinkring_$date.json
if [ -n "$date" ]; then
  [ -r "$manifest" ] || fail "there is no manifest $manifest: $file is not a backup of backup.sh."
  [ -n "$time" ] || check database "$dump"
  check media "$archive"
  echo "Checked the sums of the backup of $date."
fi

# Nothing that reads or exchanges the same things may run beside it, or would see its work half done.
for name in backup base deploy; do lock "$name"; done
[ ! -e ops/state/upgrade ] || fail 'an upgrade of PostgreSQL was killed; run it again first: ops/upgrade-postgres.sh'
NOW=$(date +%Y%m%d_%H%M%S)
restored=thinkring_restored_$NOW
before=thinkring_before_$NOW
restored_volume=$(project)_media_restored_$NOW
before_volume=$(project)_media_before_$NOW
recovery=$(project)_recovery_$NOW

# in_volumes COMMAND: in a container of the backend's image that has the fresh uploads at /app/media, those in use
# at /live and those kept at /before.
in_volumes() {
  docker run --rm -i --network none --user 0 -v "$restored_volume:/app/media" -v "$live_volume:/live" \
    -v "$before_volume:/before" --entrypoint sh "$image" -c "$1"
}

wait_for_database() { database_answers || fail "the database does not answer; look at: ${compose[*]} logs db"; }

# leave_no_rest: what a run has made that nobody uses.
leave_no_rest() {
  local recovery volume
  drop_databases thinkring_restored_ || return 1
  # shellcheck disable=SC2016
  capture /dev/null docker exec "$db" sh -c 'rm -rf "$PGDATA/recovered"' || return 1
  for recovery in $(docker ps -aq --filter "name=^$(project)_recovery_"); do
    capture /dev/null docker rm -f "$recovery" || return 1
  done
  for volume in $(docker volume ls -q --filter "name=^$(project)_(media_restored|recovery)_"); do
    capture /dev/null docker volume rm "$volume" || return 1
  done
}

# put_back: everything as it was before the exchange that the journal tells of: its names, and `copied` once the
# databases are exchanged and the uploads begin to be.
put_back() {
  local step before restored before_volume restored_volume live_volume image was_running
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

# room BYTES: has the disk of the database as many?
room() {
  local free
  # shellcheck disable=SC2016
  free=$(docker exec "$db" sh -c 'df -B1 --output=avail "$PGDATA"' | tail -n 1 | tr -d ' ')
  [ "$free" -ge "$1" ] ||
    fail "the disk of the database has $(numfmt --to=iec "$free") free, and the restored one may need $(numfmt --to=iec "$1"); make room."
}

# archive_rest: what the database in use wrote last goes to the archive, since the receiver may not run. If it does not
# within half a minute, the recovery ends before it.
archive_rest() {
  local segment
  ask postgres 'select pg_walfile_name(pg_switch_wal())' || return 0
  segment=$answer
  for _ in {1..60}; do
    ask postgres "select coalesce(last_archived_wal >= :'segment', false) from pg_stat_archiver" "segment=$segment" || return 0
    [ "$answer" != t ] || return 0
    sleep 0.5
  done
}

# recover: a server with the database as it was at $target, from the newest base backup before it, in a container
# $recovery; it is done when that can be written to.
recover() {
  local image base said
  image=$(docker inspect -f '{{.Image}}' "$db")
  capture /dev/null docker exec "$db" ls /backups/base || fail "the base backups cannot be read: $cause"
  base=$(newest_base_backup "$until")
  [ -n "$base" ] || fail "there is no base backup from before $time in $PWD/backups/base; there is no way back there but a backup of backup.sh: $script FILE"
  # It is unpacked, and what is recovered may be copied.
  room "$(docker exec "$db" sed -n 's/.*"Size": \([0-9]*\),.*/\1/p' "/backups/base/$base/backup_manifest" |
    awk '{sum += $1} END {printf "%.0f", sum * 2}')"
  run_apart "$recovery" -v "$recovery:/var/lib/postgresql/data" \
    -e PGDATA=/var/lib/postgresql/data/recovered -v "$PWD/backups:/backups:ro" -v "$PWD/ops/wal:/wal:ro" \
    --entrypoint bash "$image" /wal/recover.sh "${base%/*}" "${base#*/}" "$target" || fail "the recovery did not begin: $cause"
  echo "Recovering from the base backup of ${base#*/} …"
  until docker exec "$recovery" psql -XqAt -U "$db_user" "$db_name" -c 'select pg_is_in_recovery()' 2>/dev/null | grep -qx f; do
    if [ "$(docker inspect -f '{{.State.Running}}' "$recovery")" != true ]; then
      # Those who asked too early were told so there too.
      said=$(docker logs "$recovery" 2>&1 | sed -n 's/.*FATAL: *//p' | grep -vE 'not yet accepting|is starting up' | tail -n 1) || said=
      [ "$said" = 'recovery ended before configured recovery target was reached' ] || {
        [[ $said != *from\ archive* ]] || said+="; that file is damaged, so go to a moment before it, or take $script --latest"
        fail "the database was not recovered: $said"
      }
      echo "Nothing is archived of what was written after $time, so that it is recovered to the end of the archive."
      target=
      capture /dev/null docker rm "$recovery" || fail "the recovery did not begin anew: $cause"
      capture /dev/null docker volume rm "$recovery" || fail "the recovery did not begin anew: $cause"
      recover
      return
    fi
    sleep 0.2
  done
}

make_database() {
  ask postgres 'create database :"restored" template template0' "restored=$restored" || fail "no fresh database was made: $cause"
}

# copy_recovered: into the fresh database, all of it or nothing; the status is that of either side.
copy_recovered() {
  docker exec "$recovery" pg_dump -U "$db_user" "$db_name" |
    docker exec -i "$db" psql -Xq -v ON_ERROR_STOP=1 --single-transaction -U "$db_user" "$restored"
}

# in_recovery COMMAND...: with the recovered server in place of the one in use.
in_recovery() {
  local db=$recovery
  "$@"
}

# in_files SCRIPT ARGUMENT...: in a container that has the files of the recovered server, and those of the one in use.
in_files() {
  capture /dev/null docker run --rm --network none --user 999:999 -v "$recovery:/recovery:ro" --volumes-from "$db" \
    --entrypoint bash "$(docker inspect -f '{{.Image}}' "$db")" -euc "$1" bash "${@:2}"
}

# take_over: the recovered files in place of those of a server that holds nothing. What was recovered is then the
# database $restored, beside a new one that is empty, so that all that follows is as for a copy. The archive of what
# was lost is put aside: the server has its identifier now, and goes on from another moment of it.
take_over() {
  local system
  in_recovery ask postgres 'select system_identifier from pg_control_system()' || return 1
  system=$answer
  in_recovery ask postgres 'alter database :"live" rename to :"restored"' "live=$db_name" "restored=$restored" || return 1
  capture /dev/null docker stop -t 60 "$recovery" || return 1
  # shellcheck disable=SC2016
  in_files 'cp -a /recovery/recovered "$PGDATA/recovered"; sync -f "$PGDATA/recovered"' || return 1
  capture /dev/null docker stop -t 60 "$db" || return 1
  # shellcheck disable=SC2016
  in_files 'cd "$PGDATA"
    find . -mindepth 1 -maxdepth 1 ! -name recovered -exec rm -rf {} +
    find recovered -mindepth 1 -maxdepth 1 -exec mv -t . {} +
    rmdir recovered
    for kept in /backups/wal /backups/base; do
      if [ -e "$kept/$1" ]; then mv "$kept/$1" "$kept/$1_before_$2"; fi
    done' "$system" "$NOW" || return 1
  capture /dev/null docker start "$db" || return 1
  wait_for_database
  # Its password is that of its time, and the backend has today's. The log tells of slow statements.
  # shellcheck disable=SC2016
  ask postgres '\set password `printenv POSTGRES_PASSWORD`
    set log_min_duration_statement = -1;
    alter role :"user" password :'\''password'\'';
    create database :"live" template template0' "user=$db_user" "live=$db_name"
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
if ! elsewhere && [ "$(docker inspect -f '{{.State.Running}}' "$(container db)" 2>/dev/null)" != true ]; then
  capture /dev/null "${compose[@]}" up -d db || fail "the database does not start: $cause"
  echo 'Started the database.'
fi
find_database
wait_for_database
if [ -e "$JOURNAL" ]; then
  [ -z "$(running backend)" ] ||
    fail "an earlier run was killed while it exchanged database and uploads, and the backend runs since: what was written meanwhile would be lost when that is put back. Keep it with ./backup.sh, then: ${compose[*]} stop backend, and run this again; --latest would take that backup, so name the file that you want."
  put_back || fail "an earlier run was killed and cannot be put back: ${cause:-see above}"
  echo 'Put back what an earlier run that was killed had begun to exchange.'
fi
trap finish EXIT
end_on_signals
leave_no_rest || fail "what an earlier run has left cannot be deleted: $cause"

# Rows that Django makes by itself are nobody's.
ask "$db_name" "$CONTENTS" || fail "the database does not answer: $cause"
rows=$(sed -nE 's/^table "public\.(django_migrations|django_content_type|auth_permission|core_cache|core_callcount|core_auditevent|axes_[a-z]*)": .*//; s/^table .*: //p' <<<"$answer" | paste -sd+)
rows=$((${rows:-0}))
[ "$rows" = 0 ] || [ -n "$replace" ] ||
  fail "the database in use holds $rows rows; with --replace it is exchanged, and kept as thinkring_before_DATE."

if [ -n "$time" ]; then
  if [ "$rows" != 0 ] && archives; then archive_rest; fi
  recover
  needed=$(docker exec "$recovery" psql -XqAt -U "$db_user" "$db_name" -c 'select pg_database_size(current_database())')
else
  needed=$(($(stat -L -c %s "$dump") * 2 + $(manifest_value "$manifest" media bytes) * 2))
fi
room "$needed"

if [ -n "$time" ]; then
  in_recovery ask "$db_name" "$CONTENTS" || fail "the recovered database does not answer: $cause"
  expected=$answer
  ask postgres "select count(*) from pg_database where not datistemplate and datname not in ('postgres', :'live')" \
    "live=$db_name" || fail "the database does not answer: $cause"
  if [ "$rows" = 0 ] && [ "$answer" = 0 ]; then
    take_over || fail "the recovered files were not put in place: $cause"
  else
    make_database
    capture /dev/null copy_recovered || fail "the recovered database was not copied: $cause"
  fi
else
  make_database
  fill "$restored" "$dump" || fail "the dump was not restored: $cause"
  expected=$(sed -nE '/^  "tables"/,/^  }/s/^    (.*[0-9]),?$/table \1/p; /^  "migrations"/,/^  }/s/^    (.*"),?$/migration \1/p' "$manifest")
fi
ask "$restored" "$CONTENTS" || fail "the restored database does not answer: $cause"
difference=$(diff <(echo "$expected") <(echo "$answer") | grep '^[<>]' | head -n 2 | tr '\n' ' ') || true
rows=$(sed -n 's/^table .*: //p' <<<"$answer" | paste -sd+)
if [ -n "$time" ]; then
  [ -z "$difference" ] || fail "what is in place is not what was recovered (< recovered, > in place: $difference)."
  echo "Recovered the database as it was at ${target:-the end}; it has $((${rows:-0})) rows."
elif grep -qx '  "verified": true,' "$manifest"; then
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
in_restored() {
  docker run --rm -i --network none -v "$restored_volume:/app/media" -v "$live_volume:/live:ro" --entrypoint sh "$image" -c "$1"
}
files=
if [ -n "$date" ]; then
  if [ -z "$staging" ]; then
    capture /dev/null in_restored 'tar -xzf - -C /app/media' <"$archive" || fail "the uploads were not unpacked: $cause"
    files=$(manifest_value "$manifest" media files)
  fi
fi
found=$(in_restored 'find /app/media -type f | wc -l')
[ "${files:-$found}" = "$found" ] || fail "the archive has $found files, and its manifest tells of $files."
echo "Unpacked $found uploaded files."
if [ -n "$time" ]; then
  # Before coreutils 9.3 there is no --update=none, and in 9.2 to 9.4 -n fails where it leaves a file as it is.
  capture /dev/null in_restored 'cp -a --update=none /live/. /app/media/ 2>/dev/null || cp -an /live/. /app/media/' ||
    fail "the uploads in use were not taken along: $cause"
fi

capture /dev/null "${compose[@]}" run --rm --no-deps -T -e "DB_NAME=$restored" backend python manage.py migrate --noinput ||
  fail "the restored database was not brought to the migrations of this code: $cause"

if [ -n "$staging" ]; then
  capture /dev/null "${compose[@]}" run --rm --no-deps -T -e "DB_NAME=$restored" backend python manage.py mask_personal_data ||
    fail "the personal data were not masked: $cause"
  echo 'Masked the personal data, and left the uploads out: this is a staging server.'
fi

echo "$before $restored $before_volume $live_volume $image $was_running" >"$JOURNAL"
capture /dev/null "${compose[@]}" stop backend || fail "the backend was not stopped: $cause"
capture /dev/null in_volumes 'cp -a /live/. /before/' || fail "the uploads in use were not kept: $cause"
exchange "$before" "$restored" || fail "the databases were not exchanged: $cause"
echo copied >>"$JOURNAL"
capture /dev/null in_volumes 'find /live -mindepth 1 -delete && cp -a /app/media/. /live/' ||
  fail "the uploads were not exchanged: $cause"
capture /dev/null "${compose[@]}" up -d --no-recreate backend || fail "the backend was not started: $cause"
backend_ready ||
  fail "the backend was not ready within $READY_SECONDS seconds ($cause); look at: ${compose[*]} logs backend"
rm "$JOURNAL"
echo 'Exchanged database and uploads; the backend is ready.'
echo "What was there before is kept: the database $before and the volume $before_volume."
if [ -z "$(container nginx)" ]; then echo 'Next: ops/install.sh, which does what is not there yet.'; fi
