#!/bin/bash
# installation.sh - what the operator's scripts share. They source it; by itself it only says this.
#
# Sourcing it goes to the folder of the installation and sets
#   script     the name of the script that runs
#   compose    the compose command for this installation, an array: what COMPOSE names, else docker-compose,
#              else docker compose
#   settings   the file that `setting` reads
# and its functions are below. Docker itself is asked only by those that need it.

set -euo pipefail

script=$(basename "$0")
# For usage, since the folder changes.
script_file=$(readlink -f "$0")

# usage: the comment at the head of the script.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$script_file"; }

# fail SENTENCE...: it was tried, and did not work.
fail() {
  printf '%s: %s\n' "$script" "$*" >&2
  exit 1
}

# refuse SENTENCE...: it was called wrongly, and nothing was tried.
refuse() {
  printf '%s: %s\n' "$script" "$*" >&2
  exit 2
}

say() { printf '%s\n' "$*"; }

# reached SENTENCE...: how far it is, and how many seconds after it began.
reached() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

settings=.env.production

# end_on_signals: a signal ends the script as `exit` does, so that the trap on EXIT undoes what there is to undo. It may
# come where the output of a function goes elsewhere; what is said then is to be seen, so it goes to $stdout and $stderr.
# shellcheck disable=SC2034
end_on_signals() {
  exec {stdout}>&1 {stderr}>&2
  trap 'interrupted 129' HUP
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
}

interrupted() {
  printf '%s: interrupted.\n' "$script" >&"$stderr"
  exit "$1"
}

# setting NAME [DEFAULT]: a value of $settings, without its quotes.
setting() {
  local value
  value=$(sed -n "s/^$1=//p" "$settings" 2>/dev/null | tail -n 1 | sed -E "s/\r\$//; s/^'(.*)'\$/\1/; s/^\"(.*)\"\$/\1/") || value=
  printf '%s' "${value:-${2:-}}"
}

# archives: does the database keep what it writes, for a way back to a moment? Not on a staging server.
archives() { [ "$(setting ARCHIVE_MODE on)" != off ]; }

# elsewhere: is the database not the one of this installation? Then none of its files and no container of it is here.
elsewhere() { [ -n "$(setting DATABASE_URL)" ]; }

# here: ends the script where it is.
here() {
  ! elsewhere ||
    fail 'the database is elsewhere (DATABASE_URL in .env.production), and so are its backups: ask whoever runs it. Uploads are in none of them: docs/storage.md.'
}

# asked_for SERVICE: does it belong to no profile, or to one of COMPOSE_PROFILES? Each profile has the name of its service.
asked_for() {
  ! grep -qxF "    profiles: [\"$1\"]" docker-compose.prod.yml || [[ ,$(setting COMPOSE_PROFILES), == *",$1,"* ]]
}

# is_domain TEXT: the bare name of a host, in small letters, before which there is room for api. too.
is_domain() {
  local label='[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
  [[ $1 =~ ^($label\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$ ]] && [ ${#1} -le 249 ]
}

# page_domain: the name of the page's host, which is the first of ALLOWED_HOSTS.
page_domain() { setting ALLOWED_HOSTS | cut -d , -f 1 | sed 's/ //g; s/^\.//'; }

# page: where browsers find it.
page() {
  local port
  port=$(setting HTTPS_PORT 443)
  printf 'https://%s' "$(page_domain)"
  if [ "$port" != 443 ]; then printf ':%s' "$port"; fi
}

# commit_told: the commit of an answer in JSON.
commit_told() { sed -n 's/.*"commit": *"\([^"]*\)".*/\1/p'; }

# told_by_nginx ADDRESS PATH: the commit with which nginx there answers, asked as a browser does.
told_by_nginx() {
  local host port
  host=$(page_domain)
  port=$(setting HTTPS_PORT 443)
  # Whose certificate that is, is another script's business.
  curl --noproxy '*' --silent --insecure --max-time 10 --resolve "$host:$port:$1" "https://$host:$port$2" | commit_told
}

declare -A locks

# lock NAME: one at a time; says what has the lock, whose it is, and since when. The kernel frees it when the script
# has ended, however it did, and what it had started too.
lock() {
  local file=ops/state/$1.lock
  mkdir -p ops/state 2>/dev/null || true
  # shellcheck disable=SC1083,SC2086
  { exec {locks[$1]}>>"$file"; } 2>/dev/null ||
    if [ "$(id -u)" = 0 ]; then
      fail "$PWD/$file cannot be written: is the disk read-only or full?"
    else
      fail "$PWD/$file cannot be written; run it as $(stat -c %U "$file" 2>/dev/null || stat -c %U ops/state), or as root."
    fi
  flock -n "${locks[$1]}" || fail "$(tail -n 1 "$file") is running; wait until it is done."
  { printf '%s of %s since %s, process %s,\n' "$script" "$(id -un)" "$(date '+%Y-%m-%d %H:%M:%S')" "$$" >"$file"; } 2>/dev/null ||
    fail "$PWD/$file cannot be written: is the disk full?"
}

# unlock NAME: for another script that this one calls.
# shellcheck disable=SC1083,SC2086
unlock() { exec {locks[$1]}>&-; }

# containers SERVICE: the ids of its containers, running or not, without one-off ones.
containers() {
  docker ps --all --quiet --filter "label=com.docker.compose.project=$(project)" \
    --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False
}

# running SERVICE: those of them that run, paused ones too.
running() {
  docker ps --quiet --filter "label=com.docker.compose.project=$(project)" \
    --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False
}

# container SERVICE: the id of its container, running or not, which may be none; of several the newest.
container() { containers "$1" | head -n 1; }

# fresh_backup: is there a proven one, younger than a day?
fresh_backup() {
  local date
  date=$(newest_verified)
  [ -n "$date" ] && [ -n "$(find "backups/thinkring_$date.json" -mmin -1440)" ]
}

# ssh_ports: where sshd listens, itself or through systemd, and the port of the session above this process, whose
# name for it sudo has taken out of the environment. If there is none at all, 22.
ssh_ports() {
  local process=$$ ports
  ports=$({
    ss -Hltnp 2>/dev/null | awk '/"(sshd|dropbear)/ {sub(/.*:/, "", $4); print $4}'
    systemctl is-active --quiet ssh.socket 2>/dev/null && systemctl show ssh.socket --property Listen --value | sed -n 's/.*:\([0-9]*\) (Stream).*/\1/p'
    while [ "${process:-0}" -gt 1 ]; do
      tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=.* //p'
      process=$(sed -n 's/^PPid:\t//p' "/proc/$process/status" 2>/dev/null)
    done
  } | sort -nu)
  printf '%s\n' "${ports:-22}"
}

# find_addresses NAME: what the DNS has for it into $addresses, and what of that is no address of this machine into
# $elsewhere, which is right behind a router.
# shellcheck disable=SC2034
find_addresses() {
  addresses=$(getent ahosts "$1" | cut -d ' ' -f 1 | sort -u) || addresses=
  elsewhere=$(grep -vxFf <(hostname -I | tr ' ' '\n') <<<"$addresses" | paste -sd ' ') || elsewhere=
}

# alert WEBHOOK TEXT: posts {"text": TEXT}, as Slack and Mattermost take it; false when it was not taken.
# The URL of a webhook is a secret: through standard input it stays out of the list of processes.
alert() {
  local text
  text=$(tr -d '[:cntrl:]' <<<"$2")
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  printf 'url = "%s"\n' "$1" |
    curl --config - --silent --show-error --fail --max-time 10 --output /dev/null \
      --header 'Content-Type: application/json' --data "{\"text\": \"$text\"}"
}

# block NAME: its input between two marks, by which `without_block` finds it again in a file of others.
block() { printf '# %s: begin\n%s\n# %s: end\n' "$1" "$(cat)" "$1"; }

# without_block NAME: its input without the block of that name. A mark that has lost its other half stops it, since
# what is between them could not be told from what is somebody else's.
without_block() {
  awk -v begin="# $1: begin" -v end="# $1: end" '
    $0 == begin { if (inside) exit 1; inside = 1; next }
    $0 == end { if (!inside) exit 1; inside = 0; next }
    !inside
    END { if (inside) exit 1 }'
}

# project: the name under which compose knows this installation.
project() {
  local name=${COMPOSE_PROJECT_NAME:-$(setting COMPOSE_PROJECT_NAME)}
  name=${name:-$(basename "$PWD")}
  name=${name,,}
  printf '%s' "${name//[^a-z0-9_-]/}"
}

# capture FILE COMMAND...: the command's output into FILE, its complaint into $cause, from the first line that
# names an error, else the last one. A variable holds it, since the disk may be full.
capture() {
  local complaint
  # In a trap a return without a number would say what was before it.
  complaint=$("${@:2}" 2>&1 >"$1") && return 0
  cause=$(grep -iE -m 1 -A 5 '^(error|fatal)|: (error|fatal):' <<<"$complaint" || tail -n 1 <<<"$complaint")
  cause=${cause//$'\n'/ }
  cause=${cause:-no reason given}
  return 1
}

# find_database: its container into $db, its user and name into $db_user and $db_name. It has to run.
# shellcheck disable=SC2034
find_database() {
  here
  capture /dev/null docker ps --quiet || fail "Docker cannot be asked: $cause"
  db=$(container db)
  [ "$(docker inspect -f '{{.State.Running}}' "$db" 2>/dev/null)" = true ] ||
    fail "the database does not run; start it: ${compose[*]} up -d db."
  [ "$(docker inspect -f '{{.State.Status}}' "$db" 2>/dev/null)" != paused ] ||
    fail "the database is paused; let it go on: docker unpause $db"
  [ "$(docker inspect -f '{{.State.Status}}' "$db" 2>/dev/null)" != restarting ] ||
    fail "the database does not stay up; see why: ${compose[*]} logs --tail 20 db"
  { read -r db_user && read -r db_name; } < <(docker exec "$db" printenv POSTGRES_USER POSTGRES_DB) ||
    fail 'the container of the database does not say whose it is (POSTGRES_USER, POSTGRES_DB).'
}

# database_answers: waits for it, a minute at most. The first start of an empty volume is over only when it answers
# over TCP.
database_answers() {
  for _ in {1..240}; do
    if docker exec "$db" pg_isready -q -h 127.0.0.1 -U "$db_user" -d "$db_name"; then return 0; fi
    sleep 0.25
  done
  return 1
}

# run_apart NAME ARGUMENT...: `docker run` of a server that nobody reaches but by docker exec.
run_apart() {
  capture /dev/null docker run -d --name "$1" --network none --user 999:999 --read-only --tmpfs /tmp \
    --tmpfs /var/run/postgresql:mode=1777 --shm-size 128m "${@:2}"
}

# What a server is told of which nothing need outlive a crash yet.
# shellcheck disable=SC2034
QUICK=(postgres -c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c shared_buffers=64MB)

READY_SECONDS=120
# Of a backend's container: it says "ready", or what is the matter.
ASK_WHETHER_READY='
import json, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://localhost:8000/api/v1/health/ready/", timeout=10)
    print("ready")
except urllib.error.HTTPError as error:
    print(", ".join(f"{name}: {state}" for name, state in json.load(error)["checks"].items() if state != "ok"))
'

# are_ready BACKEND...: waits until each of these containers says so itself, all in all READY_SECONDS; why one does not into
# $cause.
are_ready() {
  local end=$((SECONDS + READY_SECONDS)) backend
  for backend in "$@"; do
    until cause=$(docker exec "$backend" python -c "$ASK_WHETHER_READY" 2>&1 | tail -n 1) && [ "$cause" = ready ]; do
      [ "$SECONDS" -lt "$end" ] || return 1
      sleep 1
    done
  done
}

# backend_ready: the same, of all that compose knows.
backend_ready() {
  local backends
  mapfile -t backends < <(containers backend)
  are_ready "${backends[@]:-none}"
}

# ask DATABASE SQL [NAME=VALUE...]: what the database says into $answer, or why it does not into $cause. In the SQL
# :"NAME" is the value as a name, :'NAME' as a text.
ask() {
  local variables=() variable said
  for variable in "${@:3}"; do variables+=(-v "$variable"); done
  # A dot before each line of the answer: psql may warn beside it.
  said=$({ docker exec -i "$db" psql -XqAt -v ON_ERROR_STOP=1 "${variables[@]}" -U "$db_user" "$1" <<<"$2" | sed -u 's/^/./'; } 2>&1) && {
    answer=$(sed -n 's/^\.//p' <<<"$said")
    return 0
  }
  cause=$(sed '/^\./d' <<<"$said")
  cause=${cause//$'\n'/ }
  cause=${cause:-no reason given}
  return 1
}

# fill DATABASE FILE: a dump into an empty database, all of it or nothing; the reason into $cause.
fill() {
  capture /dev/null docker exec -i "$db" psql -Xq -v ON_ERROR_STOP=1 --single-transaction -U "$db_user" "$1" <"$2"
}

# drop_databases PREFIX: those whose names begin like that, and whoever is in them.
drop_databases() {
  ask postgres "select format('drop database %I with (force)', datname) from pg_database where starts_with(datname, :'prefix') \gexec" "prefix=$1"
}

# What a database holds, a line each: `table "NAME": ROWS` and, of the migrations that it has, `migration "APP": "NEWEST"`.
# shellcheck disable=SC2034
CONTENTS="
set search_path = '';
select format('select %L || count(*) from %s', format('table %s: ', to_json(oid::regclass::text)), oid::regclass)
  from pg_class where relkind = 'r' and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
  order by oid::regclass::text collate \"C\" \gexec
select 'select format(''migration %s: %s'', to_json(app), to_json(max(name collate \"C\"))) from public.django_migrations
  group by app order by app collate \"C\"' where to_regclass('public.django_migrations') is not null \gexec"

# manifest_value FILE SECTION [KEY]: what a manifest of backup.sh says.
manifest_value() {
  sed -n "s/^  \"$2\":.*${3:+\"$3\":} \"\{0,1\}\([^\",}]*\).*/\1/p" "$1"
}

# newest_verified [DATE]: the date of the newest backup in ./backups that backup.sh has proven, not after DATE; there
# may be none.
newest_verified() {
  local manifest date
  for manifest in $(find backups -maxdepth 1 -name 'thinkring_[0-9]*.json' | sort -r); do
    date=${manifest#backups/thinkring_}
    date=${date%.json}
    if [[ ! $date > ${1:-$date} ]] && grep -qx '  "verified": true,' "$manifest" &&
      [ -e "backups/thinkring_db_$date.sql" ] &&
      { [ -e "backups/thinkring_media_$date.tar.gz" ] || [ -n "$(manifest_value "$manifest" media bucket)" ]; }; then
      printf '%s' "$date"
      return 0
    fi
  done
}

# newest_base_backup [DATE]: SYSTEM/DATE of the newest base backup in ./backups/base, not after DATE; there may be none.
# It asks the container $db, since the folder is the database's own.
newest_base_backup() {
  docker exec "$db" bash -c 'cd /backups/base 2>/dev/null && ls -d [0-9]*/[0-9]*_[0-9]* 2>/dev/null' | sort -t / -k 2 |
    awk -F / -v until="${1:-}" 'until == "" || $2 <= until' | tail -n 1 || true
}

# own_base_backup: the newest one of the database that runs in $db, not of one that was there before; there may be none.
own_base_backup() {
  ask "$db_name" 'select system_identifier from pg_control_system()' || return 0
  newest_base_backup | grep "^$answer/" || true
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  usage
  exit
fi

case ${1:-} in
  -h | --help)
    usage
    exit
    ;;
esac

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

# git refuses a folder of somebody else, and cron's root may look after one.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$PWD

# That of cron is short, and Docker, certbot or ufw may be beyond it.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/snap/bin

if [ -n "${COMPOSE:-}" ]; then
  read -ra compose <<<"$COMPOSE"
elif command -v docker-compose >/dev/null; then
  compose=(docker-compose)
else
  compose=(docker compose)
fi
compose+=(-f docker-compose.prod.yml)
