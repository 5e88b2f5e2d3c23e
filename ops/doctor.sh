#!/bin/bash
# doctor.sh - looks for everything that goes wrong with an installation in practice, and says how to mend it.
#
#   ops/doctor.sh           look, and change nothing
#   ops/doctor.sh --help    say this
#
# It prints a line for each thing that it looks at; of what is wrong, a second one with the remedy. It exits with 0
# when all is well, and otherwise with 1. As root it sees more than as another user.
#
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.
# Every morning from cron: ops/schedule.sh

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

SECRETS=(SECRET_KEY JWT_SECRET_KEY DB_PASSWORD)
NEEDED=("${SECRETS[@]}" ALLOWED_HOSTS DB_NAME DB_USER)
# Hours: since last night's, and two for it to be made in.
OLDEST_BACKUP=26
# Days: a month's drill and some more.
OLDEST_DRILL=40
LEAST_SPACE=$((2 * 1024 * 1024 * 1024))

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else red='' green='' plain=''; fi
findings=0

well() { printf '%sok%s     %s\n' "$green" "$plain" "$*"; }

# wrong WHAT REMEDY
wrong() {
  findings=$((findings + 1))
  printf '%swrong%s  %s\n       → %s\n' "$red" "$plain" "$1" "$2"
}

unknown() { printf '?      %s\n' "$*"; }

# used SERVICE: do the backend's settings name it as theirs, as REDIS_HOST does redis?
used() { [ "$(setting "${1^^}_HOST")" = "$1" ]; }

# look_at_what_the_backend_refuses: its own image reads the settings with which compose would start it. By a `docker run`,
# since that of compose builds an image that is not there, and makes a network anew whose lines have changed.
look_at_what_the_backend_refuses() {
  local backend said
  backend=$(container backend)
  [ -n "$backend" ] || return 0
  said=$("${compose[@]}" config 2>/dev/null |
    docker run --rm -i --pull never --network none --memory 256m --volumes-from "$backend:ro" \
      "$(docker inspect -f '{{.Image}}' "$backend")" timeout 30 python -c '
import os, sys, yaml
from django.core.exceptions import ImproperlyConfigured
for name, value in yaml.safe_load(sys.stdin)["services"]["backend"]["environment"].items():
    if value is not None:
        os.environ[name] = str(value).replace("$$", "$")
try:
    import thinkring.settings
except ImproperlyConfigured as error:
    print(error)' 2>/dev/null) || {
    unknown 'whether the backend would start with these settings: it could not be asked.'
    return
  }
  [ -z "$said" ] || wrong 'the backend refuses these settings, and would not start again.' "$said"
}

look_at_settings() {
  local name value service profiles before=$findings
  if [ ! -r .env.production ]; then
    wrong "$(id -un) cannot read .env.production." 'run it as its owner or as root; if there is none: ops/setup.sh your.domain'
    return
  fi
  # Compose 1, compose 2 and these scripts read anything else each in its own way.
  value=$(grep -nEv '^[A-Za-z0-9_]+=([^[:space:]]|[[:space:]]*$)|^[[:space:]]*(#|$)' .env.production | head -n 1 | cut -d : -f 1) || true
  [ -z "$value" ] || wrong "line $value of .env.production is not of the form NAME=value." "take out what is before or after the name: spaces, export."
  value=$(grep -nE '^[A-Za-z0-9_]+=.*[[:space:]]#' .env.production | head -n 1 | cut -d : -f 1) || true
  [ -z "$value" ] || wrong "line $value of .env.production has a comment after the value, which would belong to it." 'put it on a line of its own.'
  for name in "${NEEDED[@]}"; do
    value=$(setting "$name")
    [[ -n "${value// /}" || $name == JWT_SECRET_KEY && -n $(setting JWT_SECRET_KEY_FILE) ]] || wrong "$name is not set." "write $name=… into .env.production; ops/setup.sh makes secrets of its own."
  done
  for name in "${SECRETS[@]}"; do
    value=$(setting "$name")
    [ -z "$value" ] || [ "$value" != "$(sed -n "s/^$name=//p" .env.production.example)" ] ||
      wrong "$name is the example's, which everybody knows." "put another into .env.production: openssl rand -hex 32"
  done
  while IFS='=' read -r name value; do
    wrong "$name has a \$ in it, and compose 2 takes what follows for the name of a variable." \
      "choose a value without \$, for a secret: openssl rand -hex 32"
  done < <(grep -E '^[A-Za-z0-9_]+=.*\$' .env.production || true)
  [ "$findings" != "$before" ] || look_at_what_the_backend_refuses
  profiles=$(setting COMPOSE_PROFILES)
  # pgBouncer beside a database elsewhere the backend refuses.
  for service in redis $(elsewhere || echo pgbouncer); do
    if used "$service" && ! asked_for "$service"; then
      profiles=${profiles:+$profiles,}$service
      wrong "the backend is to use $service (${service^^}_HOST), which is not started (COMPOSE_PROFILES)." "COMPOSE_PROFILES=$profiles in .env.production, then: ${compose[*]} up -d"
    fi
  done
  ! elsewhere || ! asked_for wal ||
    wrong 'the database is elsewhere (DATABASE_URL), and there is nothing for the service wal to receive.' "${compose[*]} rm --stop --force wal; then take it out of COMPOSE_PROFILES in .env.production"
  [ "$(readlink .env 2>/dev/null)" = .env.production ] ||
    wrong '.env does not lead to .env.production, so compose reads other settings.' 'ln -sf .env.production .env'
  [ "$findings" != "$before" ] || well 'the settings in .env.production'
}

look_at_modes() {
  local file before=$findings
  for file in .env.production nginx/ssl/key.pem; do
    if [ -e "$file" ] && [ -n "$(find -L "$file" -perm /077)" ]; then
      wrong "others may read $file." "chmod 600 $file"
    fi
  done
  if [ -n "$(find backups -maxdepth 1 -name 'thinkring_*' -perm /077 2>/dev/null | head -n 1)" ]; then
    wrong 'others may read backups, and they contain everything.' 'chmod 600 backups/thinkring_*'
  fi
  [ "$findings" != "$before" ] || well 'nobody else can read secrets and backups'
}

# killed_for_memory CONTAINER: how many of its processes, since it was started. The engine notes only whether the first
# of them was, and not a worker of gunicorn or a connection of the database; the kernel counts all (cgroup v2, v1), as
# long as the container runs.
killed_for_memory() {
  local counted
  # shellcheck disable=SC2016
  counted=$(docker exec "$1" cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null |
    awk '$1 == "oom_kill" {print $2; exit}') || true
  if [ -n "$counted" ]; then
    printf '%s\n' "$counted"
  else
    docker inspect -f '{{if .State.OOMKilled}}1{{else}}0{{end}}' "$1"
  fi
}

look_at_containers() {
  local services service id ids wanted before=$findings
  capture /dev/null "${compose[@]}" config -q || {
    wrong "compose cannot read this installation: $cause" 'mend .env.production; ops/setup.sh your.domain makes one where there is none.'
    return
  }
  # Of every profile, which compose 2 would not name.
  services=$(sed -n '/^services:/,/^[a-z]/s/^  \([^ #]*\):$/\1/p' docker-compose.prod.yml)
  for service in $services; do
    mapfile -t ids < <(containers "$service")
    if ! asked_for "$service" && ! used "$service"; then
      [ ${#ids[@]} = 0 ] || wrong "$service still has a container, though nobody asks for it." "${compose[*]} rm --stop --force $service"
      continue
    fi
    wanted=1
    if [ "$service" = backend ]; then wanted=$(setting BACKENDS 1); fi
    if [ "$service" = db ] && elsewhere; then continue; fi
    if [ ${#ids[@]} = 0 ]; then
      asked_for "$service" || continue
      wrong "$service is not there." "${compose[*]} up -d $service"
    elif [ ${#ids[@]} -lt "$wanted" ]; then
      wrong "of $wanted containers of $service ${#ids[@]} are there." "${compose[*]} up -d $service"
    fi
    for id in "${ids[@]}"; do look_at_container "$service" "$id"; done
  done
  [ "$findings" != "$before" ] || well 'the containers: running, healthy, never restarted, nothing published but 80 and 443'
}

# look_at_container SERVICE CONTAINER
look_at_container() {
  local service=$1 id=$2 state running health exit_code restarts log killed ports start="${compose[*]} up -d $1"
  IFS='|' read -r state running health exit_code restarts log < <(docker inspect -f \
    '{{.State.Status}}|{{.State.Running}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}|{{.State.ExitCode}}|{{.RestartCount}}|{{index .HostConfig.LogConfig.Config "max-size"}}' "$id")
  if [[ $service == certificate || $service == backups ]]; then
    [ "$exit_code" = 0 ] || wrong "$service has failed." "see why: ${compose[*]} logs --tail 20 $service"
    return
  fi
  if [ "$state" = paused ]; then
    wrong "$service is paused." "docker unpause $id"
    return
  fi
  # An `up` takes those away that are more than BACKENDS.
  if [ "$service" = backend ]; then start="docker start $id"; fi
  [ "$running" = true ] || wrong "$service does not run." "see why: ${compose[*]} logs --tail 50 $service; start it: $start"
  [[ $running != true || $health != unhealthy ]] || wrong "$service is not healthy." "see why: ${compose[*]} logs --tail 50 $service"
  killed=$(killed_for_memory "$id")
  [ "$killed" = 0 ] || wrong "$service ran out of memory, and the kernel killed $killed of its processes." "give it more in docker-compose.prod.yml (mem_limit), then: ${compose[*]} up -d $service"
  [ "$restarts" = 0 ] || wrong "$service has been restarted $restarts times since it was made." "see why: ${compose[*]} logs --tail 200 $service; once it is mended, ${compose[*]} up -d --force-recreate $service counts from 0"
  [ -n "$log" ] || wrong "the log of $service grows without end." "${compose[*]} up -d --force-recreate $service"
  ports=$(docker inspect -f '{{range $port, $to := .HostConfig.PortBindings}}{{range $to}}{{if ne .HostIp "127.0.0.1"}}{{$port}} {{end}}{{end}}{{end}}' "$id")
  if [ "$service" = nginx ]; then ports=${ports//80\/tcp /} ports=${ports//443\/tcp /}; fi
  [ -z "${ports// /}" ] || wrong "$service publishes ${ports% } to everybody, past the firewall." "take its ports out of docker-compose.prod.yml, then: ${compose[*]} up -d $service"
}

# commits_of SERVICE: with which its image is tagged, a line each.
commits_of() {
  docker image inspect -f '{{range .RepoTags}}{{println .}}{{end}}' \
    "$(docker inspect -f '{{.Image}}' "$(container "$1")" 2>/dev/null)" 2>/dev/null | grep -oE '[0-9a-f]{40}$' || true
}

look_at_releases() {
  local stand_ins backend frontend
  # While a deploy is under way that is as it should be.
  [ ! -e ops/state/deploy.lock ] || flock -n ops/state/deploy.lock true || return 0
  stand_ins=$(docker ps -q --filter "label=com.docker.compose.project=$(project)" --filter label=thinkring.stand-in)
  [ -z "$stand_ins" ] ||
    wrong 'a deploy or a roll-back was killed, and what it had started stands in.' 'run it again: ops/deploy.sh, or ops/rollback.sh'
  backend=$(commits_of backend)
  frontend=$(commits_of frontend)
  [ -z "$backend" ] || [ -z "$frontend" ] || grep -qxFf <(printf '%s\n' "$backend") <<<"$frontend" ||
    wrong 'backend and frontend are of different releases.' "run the deploy again: ops/deploy.sh, or name one of those that ops/rollback.sh --list tells: ops/rollback.sh COMMIT"
}

look_at_names() {
  local names name addresses elsewhere before=$findings
  names=$(setting ALLOWED_HOSTS | tr ',' ' ')
  [ -n "$names" ] || return 0
  for name in $names; do
    find_addresses "$name"
    if [ -z "$addresses" ]; then
      wrong "$name has no address in the DNS." "make a record of this machine's address for it where the domain is administered."
    elif [ -n "$elsewhere" ]; then
      unknown "whether $name leads here: $elsewhere is no address of this machine. That is right if what has it passes ports 80 and 443 on."
    fi
  done
  [ "$findings" != "$before" ] || well 'the names have addresses'
}

look_at_the_clock() {
  case $(timedatectl show --property NTPSynchronized --value 2>/dev/null || true) in
    yes) well 'the clock is synchronized' ;;
    no) wrong 'the clock is not synchronized: log-ins and certificates depend on it.' 'timedatectl set-ntp true' ;;
    *) unknown 'whether the clock is synchronized: timedatectl does not answer here.' ;;
  esac
}

look_at_the_disk() {
  local file needed=$LEAST_SPACE free folder before=$findings date
  date=$(newest_verified)
  if [ -n "$date" ]; then
    for file in backups/thinkring_db_"$date".sql backups/thinkring_media_"$date".tar.gz; do
      # There is no archive where all uploads are in a store.
      [ -e "$file" ] || continue
      needed=$((needed + $(stat -c %s "$file") * 22 / 10))
    done
  fi
  for folder in backups "$(docker info -f '{{.DockerRootDir}}' 2>/dev/null)"; do
    [ -e "$folder" ] || continue
    free=$(df -B1 --output=avail "$folder" | tail -n 1 | tr -d ' ')
    [ "$free" -ge "$needed" ] ||
      wrong "the disk of $folder has $(numfmt --to=iec "$free") free, and the next backup wants $(numfmt --to=iec "$needed")." 'make room: docker builder prune, docker image prune, and what else is large: du -xh / | sort -h | tail'
    [ "$(df --output=ipcent "$folder" | tail -n 1 | tr -dc 0-9)" -lt 90 ] 2>/dev/null ||
      [ "$(df --output=itotal "$folder" | tail -n 1)" -eq 0 ] ||
      wrong "the disk of $folder has hardly room for new files (inodes)." "look for folders with very many files: du --inodes -x / | sort -n | tail"
  done
  [ "$findings" != "$before" ] || well "room for the next backup ($(numfmt --to=iec "$needed"))"
}

# wrong_by SUBJECT SCRIPT SAID: what another script has said to be wrong, after its name, with its remedy behind the semicolon.
wrong_by() {
  local said
  said=$(sed -n "s/^$2: //p" <<<"$3" | head -n 1)
  wrong "$1${said%%; *}." "${said#*; }"
}

look_at_the_certificate() {
  local said
  if said=$(ops/certificates.sh status 2>&1); then
    well "the certificate: $(tail -n 1 <<<"$said")"
  else
    wrong_by 'the certificate: ' certificates.sh "$said"
  fi
}

look_at_the_schedule() {
  local said
  if said=$(ops/schedule.sh --show 2>&1); then
    well 'the schedule: cron does what has to be done regularly'
  else
    wrong_by 'the schedule: ' schedule.sh "$said"
  fi
  command -v sendmail >/dev/null ||
    unknown 'whether anybody is told when a backup fails: no mail leaves this machine, see docs/runbook.md 7.1.'
}

look_at_the_firewall() {
  local said
  if [ "$(id -u)" != 0 ] || ! command -v ufw >/dev/null; then
    unknown 'the firewall: it can be seen only by root, and where ufw is installed.'
  elif said=$(ops/firewall.sh --show 2>&1); then
    well 'the firewall: closed but for what its rules name, for containers too'
  else
    wrong_by '' firewall.sh "$said"
  fi
}

# age WHEN: how many hours ago a date of the form 20261128_020000 was.
age() { echo $((($(date +%s) - $(date -d "${1:0:8} ${1:9:2}:${1:11:2}:${1:13:2}" +%s)) / 3600)); }

# look_at_uploads: those that backup.sh would have, were the database here.
look_at_uploads() {
  local uploads
  uploads=$(docker exec "$(running backend | head -n 1)" find /app/media -type f 2>/dev/null | wc -l) || uploads=0
  [ "$uploads" = 0 ] || [ -n "$(setting MEDIA_BUCKET)" ] ||
    wrong "nobody backs up the $uploads uploads in the volume media_files." "move them into a store, which keeps versions of them (MEDIA_BUCKET, docs/storage.md); until then copy them: ${compose[*]} exec -T backend tar -czf - -C media . >uploads.tar.gz"
}

look_at_backups() {
  local date last before=$findings
  if elsewhere; then
    unknown 'the backups of the database: it is elsewhere (DATABASE_URL), and they are the work of whoever runs it.'
    look_at_uploads
    return
  fi
  date=$(newest_verified)
  if [ -z "$date" ]; then
    wrong 'there is no proven backup.' './backup.sh'
  elif [ "$(age "$date")" -gt $OLDEST_BACKUP ]; then
    wrong "the newest proven backup is $(age "$date") hours old." "./backup.sh; that it runs every night is the work of cron: ops/schedule.sh --show"
  fi
  [ -n "$(setting RESTIC_REPOSITORY)$(setting RESTIC_REPOSITORY_FILE)" ] ||
    unknown 'whether the backups are anywhere else: RESTIC_REPOSITORY is not set, see docs/runbook.md 7.1.'
  last=$(tail -n 1 ops/state/drill.log 2>/dev/null) || last=
  if [ -z "$last" ]; then
    unknown 'how long it takes to get a lost database back: ops/drill.sh has never run.'
  elif [[ $last != *' ok, '* ]]; then
    wrong "the last drill failed: $last" "see why: ops/drill.sh"
  elif [ $(($(date +%s) - $(date -d "${last%% *}" +%s))) -gt $((OLDEST_DRILL * 86400)) ]; then
    wrong "the last drill was on ${last%%T*}." "ops/drill.sh"
  fi
  [ "$findings" != "$before" ] || well "the newest proven backup is of $date"
}

look_at_the_database() {
  local archived failing waiting received lag base before=$findings
  if elsewhere || ! docker exec "$(container db)" true 2>/dev/null; then return; fi
  if ! archives; then
    unknown 'what the database would archive: ARCHIVE_MODE=off is in .env.production.'
    return
  fi
  find_database
  ask "$db_name" "
    select coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false), coalesce(last_failed_wal, ''),
      (select count(*) from pg_ls_archive_statusdir() where name like '%.ready'),
      (select coalesce(bool_or(active), false) from pg_replication_slots where slot_name = 'receiver'),
      (select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint from pg_replication_slots)
    from pg_stat_archiver" || { wrong "the database does not answer: $cause" "${compose[*]} logs --tail 50 db" && return; }
  IFS='|' read -r failing archived waiting received lag <<<"$answer"
  if [ "$(stat -c %d:%i backups 2>/dev/null)" != "$(docker exec "$db" stat -c %d:%i /backups 2>/dev/null)" ]; then
    wrong "the database archives into another folder than $PWD/backups, which was moved, deleted or mounted over." "${compose[*]} restart backups db$(if asked_for wal; then echo ' wal'; fi)"
    return
  elif ! docker exec --user 999 "$db" test -x /backups; then
    wrong "the database may not enter $PWD/backups." 'chmod o+x backups'
    return
  fi
  [ "$failing" = f ] || wrong "the database cannot archive $archived, so that its disk fills up." "see why: ${compose[*]} logs --tail 20 db; the folder backups/wal has to be there, and the database's own: ${compose[*]} up -d backups"
  [ "$waiting" -le 3 ] || wrong "$waiting files of WAL wait for the archive." "see why: ${compose[*]} logs --tail 20 db"
  if asked_for wal; then
    [ "$received" = t ] || wrong 'nothing receives what the database writes.' "${compose[*]} up -d wal"
  fi
  [ "$lag" -le $((256 * 1024 * 1024)) ] || wrong "the receiver is $(numfmt --to=iec "$lag") behind." "see why: ${compose[*]} logs --tail 20 wal"
  base=$(own_base_backup)
  if [ -z "$base" ]; then
    wrong 'there is no base backup, so that nothing but the last night can be gone back to.' 'ops/base-backup.sh'
  elif [ "$(age "${base#*/}")" -gt $OLDEST_BACKUP ]; then
    wrong "the newest base backup is $(age "${base#*/}") hours old." 'ops/base-backup.sh; that it runs every night is the work of cron: ops/schedule.sh --show'
  fi
  # shellcheck disable=SC2016
  [ -z "$base" ] || capture /dev/null docker exec "$db" bash -euc \
    'bash /wal/contiguous.sh "/backups/wal/${1%/*}" "$(cat "/backups/base/$1/start")"' bash "$base" ||
    wrong "what was archived since the newest base backup cannot be gone through: ${cause#FATAL: }" 'a base backup from which it can be gone on: ops/base-backup.sh'
  [ "$findings" != "$before" ] || well 'the database archives what it writes, and has a base backup'
}

# ask_backend CONTAINER: "ready", or what of readiness is the matter; and a line for each server that it has an answer
# without, so that it is ready all the same: "Redis: WHY", "replica: WHY".
ask_backend() {
  docker exec "$1" python -c "$ASK_WHETHER_READY"'
import os

def try_out(name, ask):
    try:
        ask()
    except Exception as error:
        print(f"{name}:", " ".join(str(error).split()).rstrip("."))

# Django takes half a second to be there.
if any(map(os.environ.get, ["REDIS_HOST", "DATABASE_REPLICA_URL", "DATABASE_REPLICA_URL_FILE"])):
    os.environ["DJANGO_SETTINGS_MODULE"] = "thinkring.settings"
    from django.conf import settings
    from django.core.cache import caches
    from django.db import connections
    if settings.REDIS_HOST:
        try_out("Redis", lambda: caches["default"].redis.set("readiness", "ok", timeout=60))
    if "replica" in settings.DATABASES:
        try_out("replica", lambda: connections["replica"].cursor().execute("SELECT 1 FROM django_migrations"))' 2>/dev/null ||
    docker inspect -f '{{slice .Name 1}} does not answer' "$1"
}

# logs_of_the_database: where it stands why the backend does not reach it.
logs_of_the_database() {
  if elsewhere; then
    echo "${compose[*]} logs --tail 50 backend; DATABASE_URL in .env.production has to lead to it"
  elif used pgbouncer; then
    echo "${compose[*]} logs --tail 50 pgbouncer db"
  else
    echo "${compose[*]} logs --tail 50 db"
  fi
}

look_at_the_application() {
  local said backends backend before=$findings
  [ ! -e ops/state/restore ] ||
    wrong 'a restore was killed while it exchanged database and uploads.' 'ops/restore.sh --latest, before anything else is started: it begins by putting back what was there'
  [ ! -e ops/state/upgrade ] ||
    wrong 'an upgrade of PostgreSQL was killed.' 'ops/upgrade-postgres.sh: it begins by putting back what was there, or goes on where the newer version served already'
  backends=$(running backend)
  if [ -z "$backends" ]; then
    wrong 'the application is not ready (no backend runs).' "${compose[*]} logs --tail 50 backend"
    return
  fi
  backends=$(grep -vxFf <(docker ps --quiet --filter health=starting --filter status=running) <<<"$backends") || {
    unknown 'whether the application is ready: it is starting.'
    return
  }
  while read -r said; do
    case $said in
      ready) ;;
      Redis:*) wrong "the backend does without Redis (${said#*: })." "REDIS_HOST and REDIS_PASSWORD in .env.production have to be those of a Redis that runs, then: ${compose[*]} up -d" ;;
      replica:*) wrong "the backend does without the replica (${said#*: })." "DATABASE_REPLICA_URL in .env.production has to lead to one that runs, then: ${compose[*]} up -d" ;;
      *database:*) wrong "the application is not ready ($said)." "$(logs_of_the_database)" ;;
      *migrations:*) wrong "the application is not ready ($said)." "${compose[*]} exec -T backend python manage.py migrate" ;;
      *) wrong "the application is not ready ($said)." "${compose[*]} logs --tail 50 backend" ;;
    esac
  done < <(for backend in $backends; do ask_backend "$backend"; done | sort -u)
  [ "$findings" != "$before" ] || well 'the application: database, migrations and cache'
}

[ $# = 0 ] || refuse "it takes no arguments; see $script --help."
capture /dev/null docker ps --quiet || fail "Docker cannot be asked: $cause"

look_at_settings
look_at_modes
look_at_containers
look_at_releases
look_at_names
look_at_the_clock
look_at_the_disk
look_at_the_certificate
look_at_backups
look_at_the_database
look_at_the_schedule
look_at_the_firewall
look_at_the_application
[ "$findings" = 0 ] || fail "found $findings things to mend."
