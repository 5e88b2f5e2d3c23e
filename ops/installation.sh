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
