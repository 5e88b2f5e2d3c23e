#!/bin/bash
# check-health.sh - asks a running thinkRing for its health, from outside, as a browser would.
#
#   ops/check-health.sh [URL]      by default /api/v1/health/ of the first of ALLOWED_HOSTS in .env, at HTTPS_PORT
#   ops/check-health.sh --help     say this
#
# Silent and 0 when the answer is that of health/ or of health/ready/. Otherwise it says what failed (DNS, connection, TLS,
# HTTP or body) and exits with 1. If ALERT_WEBHOOK_URL is set, in the environment or in .env, it gets
# {"text": "..."} once when an outage begins and once when it is over.
# Every five minutes from cron: ops/schedule.sh

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"
# What compose reads; a machine that only watches need not have more.
settings=.env

tell() {
  alert "$webhook" "$1" || {
    echo "$script: the alert was not delivered; the next run tries again." >&2
    return 1
  }
}

case ${1:-} in -*) refuse "there is no option $1; see $script --help." ;; esac
[ $# -le 1 ] || refuse "it takes one address; see $script --help."

url=${1:-}
if [ -z "$url" ]; then
  [ ! -e .env ] || [ -r .env ] ||
    refuse "$(id -un) may not read .env.production, which belongs to $(stat -L -c %U .env); run it as that user, or give a URL."
  [ -n "$(page_domain)" ] || refuse 'no address to ask: give a URL, or set ALLOWED_HOSTS in .env.production.'
  url=$(page)/api/v1/health/
fi
webhook=${ALERT_WEBHOOK_URL:-$(setting ALERT_WEBHOOK_URL)}
# It stands while an outage lasts that has been announced.
announced=ops/state/announced-$(tr -c 'A-Za-z0-9.\n' _ <<<"$url")

problem=
if answer=$(curl --silent --show-error --max-time 10 --max-filesize 10000 --write-out '\n%{http_code}' "$url" 2>&1); then
  status=${answer##*$'\n'}
  if [ "$status" != 200 ]; then
    problem="HTTP: status $status instead of 200"
  elif [[ ${answer%$'\n'*} != '{"status": "healthy"}' && ${answer%$'\n'*} != '{"status":"ready",'*'}' ]]; then
    problem='body: neither {"status": "healthy"} nor {"status":"ready",...}'
  fi
else
  code=$?
  case $code in
    6) kind=DNS ;;
    35 | 51 | 53 | 54 | 58 | 59 | 60 | 64 | 66 | 77 | 80 | 82 | 83 | 90 | 91) kind=TLS ;;
    52 | 56 | 92) kind=HTTP ;;
    63) kind=body ;;
    *) kind=connection ;;
  esac
  reason=$(sed -n 's/^curl: ([0-9]*) //p' <<<"$answer" | tail -n 1 | tr -d '[:cntrl:]')
  problem="$kind: ${reason:-curl error $code}"
fi

if [ -n "$problem" ]; then
  printf 'Health check failed: %s (%s)\n' "$problem" "$url" >&2
  if [ -n "$webhook" ] && [ ! -e "$announced" ]; then
    tell "thinkRing is not healthy. $problem ($url)" && touch "$announced"
  fi
  exit 1
fi
if [ -e "$announced" ]; then
  if [ -n "$webhook" ]; then
    tell "thinkRing is healthy again. ($url)" || exit 1
  fi
  rm "$announced"
fi
