#!/bin/bash
# installation.sh - what the operator's scripts share. They source it; by itself it only says this.
#
# Sourcing it goes to the folder of the installation and sets
#   script     the name of the script that runs
#   compose    the compose command for this installation, an array: what COMPOSE names, else docker-compose,
#              else docker compose
# and its functions are below.

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

# setting NAME [DEFAULT]: a value of .env.production, without its quotes.
setting() {
  local value
  value=$(sed -n "s/^$1=//p" .env.production 2>/dev/null | tail -n 1 | tr -d "\"'\r") || value=
  printf '%s' "${value:-${2:-}}"
}

# lock NAME WHAT: one at a time; says who has the lock and since when. The kernel frees it, however the script ends.
lock() {
  exec 9>>"ops/state/$1.lock" || fail "$PWD/ops/state/$1.lock cannot be written; run it as $(stat -c %U ops/state), or as root."
  flock -n 9 || fail "another $2 is running ($(tail -n 1 "ops/state/$1.lock")); wait until it is done."
  printf '%s since %s, process %s\n' "$(id -un)" "$(date '+%Y-%m-%d %H:%M:%S')" "$$" >"ops/state/$1.lock"
}

# container SERVICE: the id of its container, running or not, which may be none.
container() {
  docker ps --all --quiet --filter "label=com.docker.compose.project=$(project)" \
    --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False | head -n 1
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
  capture /dev/null docker ps --quiet || fail "Docker cannot be asked: $cause"
  db=$(container db)
  [ "$(docker inspect -f '{{.State.Running}}' "$db" 2>/dev/null)" = true ] ||
    fail "the database does not run; start it: ${compose[*]} up -d db."
  { read -r db_user && read -r db_name; } < <(docker exec "$db" printenv POSTGRES_USER POSTGRES_DB) ||
    fail 'the container of the database does not say whose it is (POSTGRES_USER, POSTGRES_DB).'
}

# ask DATABASE SQL [NAME=VALUE...]: what the database says into $answer, or why it does not into $cause. In the SQL
# :"NAME" is the value as a name, :'NAME' as a text.
ask() {
  local variables=() variable
  for variable in "${@:3}"; do variables+=(-v "$variable"); done
  answer=$(docker exec -i "$db" psql -XqAt -v ON_ERROR_STOP=1 "${variables[@]}" -U "$db_user" "$1" <<<"$2" 2>&1) && return 0
  cause=${answer//$'\n'/ }
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

# newest_verified: the date of the newest backup in ./backups that backup.sh has proven; there may be none.
newest_verified() {
  local manifest date
  for manifest in $(find backups -maxdepth 1 -name 'thinkring_[0-9]*.json' | sort -r); do
    date=${manifest#backups/thinkring_}
    date=${date%.json}
    if grep -qx '  "verified": true,' "$manifest" &&
      [ -e "backups/thinkring_db_$date.sql" ] && [ -e "backups/thinkring_media_$date.tar.gz" ]; then
      printf '%s' "$date"
      return 0
    fi
  done
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

if [ -n "${COMPOSE:-}" ]; then
  read -ra compose <<<"$COMPOSE"
elif command -v docker-compose >/dev/null; then
  compose=(docker-compose)
else
  compose=(docker compose)
fi
compose+=(-f docker-compose.prod.yml)
