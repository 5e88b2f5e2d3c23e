#!/bin/bash
# update-images.sh - takes over newer base images, with their security updates.
#
#   ops/update-images.sh            fetch them, and replace what runs on older ones
#   ops/update-images.sh --check    only say what is newer; exits with 1 when something is
#   ops/update-images.sh --help     say this
#
# It makes a backup when there is no proven one younger than 24 hours. Backend and frontend are built anew on newer
# bases and replaced by ops/deploy.sh, without a failed request. The others cannot be there twice: nginx is away for a
# second or two, the database for some more, pgBouncer, which is built anew too, for a moment, and each is said before.
# What does not become healthy is put back.
#
# When an image cannot be fetched, or after --check, all names of images mean what they meant before, so that no
# `up -d` in between replaces anything.
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.

# shellcheck disable=SC1091,SC2154
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/release.sh"

# joined WORD...: a list for a person.
joined() {
  local list=$*
  printf '%s' "${list// / and }"
}

# id NAME: of an image; nothing if it is not here.
id() { docker image inspect -f '{{.Id}}' "$1" 2>/dev/null || true; }

# layers NAME: of an image, a line each.
layers() { docker image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1"; }

# is_built_on SERVICE BASE: do the layers of what runs begin with those of the base?
is_built_on() { [[ $(layers "$(docker inspect -f '{{.Image}}' "$(container "$1")")") == "$(layers "$2")"* ]]; }

# running_on IMAGE: the services whose containers run on it, by its name.
running_on() {
  local service
  for service in "${others[@]}"; do
    [ "${image[$service]}" != "$1" ] || printf '%s\n' "$service"
  done
}

# give_back: the names of images mean what they meant before.
give_back() {
  local name
  for name in "${!meant[@]}"; do
    if [ -n "${meant[$name]}" ]; then docker tag "${meant[$name]}" "$name"; fi
  done
}

# renew SERVICE...: their containers from what the names of their images mean.
renew() {
  local service
  env -u COMMIT "${compose[@]}" up -d --no-deps --no-build --force-recreate "$@" >"$output" 2>&1 </dev/null || {
    tail -n 5 "$output" >&2
    return 1
  }
  for service in "$@"; do healthy "$(container "$service")" || return 1; done
}

# replace IMAGE SERVICE...: by the newer image, or by one that is built on it, or back by the one before.
replace() {
  local service
  if renew "${@:2}"; then
    unset 'meant[$1]'
    say "Replaced $(joined "${@:2}")."
    return
  fi
  for service in "${@:2}"; do
    if [ -n "$(container "$service")" ]; then show_log "$(container "$service")"; fi
  done
  if [ "$2" = pgbouncer ]; then
    latest pgbouncer "$old_pgbouncer"
  else
    docker tag "${ran_on[$1]}" "$1"
    unset 'meant[$1]'
  fi
  renew "${@:2}" || fail "the newer $1 did not work, nor did what was before; look at it: ${compose[*]} logs --tail 50 ${*:2}"
  fail "the newer $1 did not work, so what was before was put back."
}

[ $# -le 1 ] || refuse "too many words; see $script --help."
case ${1:-} in
  '' | --check) ;;
  *) refuse "there is no \"$1\"; see $script --help." ;;
esac
[ -r .env.production ] || fail "$PWD/.env.production is not there or not yours to read; ops/setup.sh your.domain makes it."
capture /dev/null docker ps --quiet || fail "Docker cannot be asked: $cause"
lock images
output=$state/images
trap 'rm -f "$output"' EXIT
end_on_signals

built=("${services[@]}")
declare -A base=(
  [backend]=python:$(setting PYTHON_VERSION 3.10)-slim
  [frontend]=node:$(setting NODE_VERSION 18)-alpine
)
# pgBouncer is of ours too, and of no release.
if [ -n "$(running pgbouncer)" ]; then
  built+=(pgbouncer)
  base[pgbouncer]=$(sed -n 's/^FROM //p' ops/pgbouncer/Dockerfile)
  old_pgbouncer=$(docker inspect -f '{{.Image}}' "$(container pgbouncer)")
fi
# Those that run on an image as it is published; the others of that kind have done their work, and start from the newer
# one next time.
others=()
declare -A image meant ran_on
capture "$output" "${compose[@]}" config --services || fail "compose cannot read this installation: $cause"
mapfile -t listed <"$output"
for service in "${listed[@]}"; do
  [[ ! -v base[$service] ]] || continue
  found=$(container "$service")
  [ "$(docker inspect -f '{{.State.Running}}' "${found:-none}" 2>/dev/null)" = true ] || continue
  others+=("$service")
  image[$service]=$(docker inspect -f '{{.Config.Image}}' "$found")
  ran_on[${image[$service]}]=$(docker inspect -f '{{.Image}}' "$found")
done
for service in "${services[@]}"; do
  [ -n "$(container "$service")" ] || fail "the $service does not run; start it: ${compose[*]} up -d"
done

for name in "${base[@]}" "${image[@]}"; do meant[$name]=$(id "$name"); done
trap 'give_back; rm -f "$output"' EXIT
for name in "${!meant[@]}"; do
  capture /dev/null docker pull --quiet "$name" ||
    fail "$name was not fetched ($cause), so that nothing was changed; try again later."
done

ours=() pgbouncer='' newer=()
for service in "${built[@]}"; do
  if ! is_built_on "$service" "${base[$service]}"; then
    if [ "$service" = pgbouncer ]; then pgbouncer=yes; else ours+=("$service"); fi
    say "Newer: ${base[$service]}, for $service."
  fi
done
for name in "${!ran_on[@]}"; do
  mapfile -t on_it < <(running_on "$name")
  if [ "${ran_on[$name]}" != "$(id "$name")" ]; then
    newer+=("$name")
    say "Newer: $name, for $(joined "${on_it[@]}")."
  fi
done
if [ ${#ours[@]} = 0 ] && [ -z "$pgbouncer" ] && [ ${#newer[@]} = 0 ]; then
  say 'Everything runs on the newest images.'
  trap 'rm -f "$output"' EXIT
  exit
fi
[ "${1:-}" != --check ] || fail 'there are newer images; take them over: ops/update-images.sh'

have_backup

if [ ${#ours[@]} -gt 0 ]; then
  commit=$(git rev-parse HEAD)
  # A rebuild takes the commit's own tag, to which ops/rollback.sh goes back.
  declare -A before
  for service in "${services[@]}"; do before[$service]=$(id "${project}_$service:$commit"); done
  ops/deploy.sh "$commit" || {
    for service in "${services[@]}"; do
      if [ -n "${before[$service]}" ]; then docker tag "${before[$service]}" "${project}_$service:$commit"; fi
    done
    fail "$(joined "${ours[@]}") on newer bases did not work, and the other images were not replaced; the release before answers."
  }
  for service in "${services[@]}"; do unset 'meant[${base[$service]}]'; done
fi
# Nothing that asks the database for long may run beside it.
for name in backup base deploy drill; do lock "$name"; done
if [ -n "$pgbouncer" ]; then
  quietly "pgbouncer was not built on a newer ${base[pgbouncer]}, and the one before goes on." env -u COMMIT "${compose[@]}" build pgbouncer
  say 'Stopping pgbouncer for a moment.'
  replace "${base[pgbouncer]}" pgbouncer
fi
# The database last: what goes wrong before leaves it alone.
for name in $(printf '%s\n' "${newer[@]}" | sort); do
  mapfile -t on_it < <(running_on "$name")
  case " ${on_it[*]} " in
    *' db '*) say 'The database stops for some seconds; requests wait for it, or are answered with 503.' ;;
    *' nginx '*) say 'nginx stops for a second or two; nothing answers meanwhile.' ;;
    *) say "Stopping $(joined "${on_it[@]}") for a moment." ;;
  esac
  replace "$name" "${on_it[@]}"
done
if [[ " ${newer[*]} " == *" ${image[db]:-none} "* ]]; then
  find_database
  # Only from version 15 on does the database know it.
  ask "$db_name" 'select datcollversion <> pg_database_collation_actual_version(oid) from pg_database where datname = current_database()' || answer=
  [ "$answer" != t ] || say "The newer image sorts texts in another way, so indexes have to be made anew, at a quiet time: ${compose[*]} exec -T db psql -U $db_user $db_name -c 'reindex database $db_name' -c 'alter database $db_name refresh collation version' -c 'alter database postgres refresh collation version' -c 'alter database template1 refresh collation version'"
fi
say 'Everything runs on the newest images.'
