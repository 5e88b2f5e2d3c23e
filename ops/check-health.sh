#!/bin/bash
# check-health.sh - asks a running thinkRing for its health, from outside, as a browser would.
#
#   ops/check-health.sh [URL]      by default /api/v1/health/ of the first of ALLOWED_HOSTS in .env, at HTTPS_PORT
#   ops/check-health.sh --help     say this
#
# Silent and 0 when the answer is the expected one. Otherwise it says what failed (DNS, connection, TLS,
# HTTP or body) and exits with 1. If ALERT_WEBHOOK_URL is set, in the environment or in .env, it gets
# {"text": "..."} once when an outage begins and once when it is over.
# Every five minutes from cron:
#   */5 * * * * /path/to/ops/check-health.sh

set -euo pipefail

setting() { sed -n "s/^$1=//p" .env 2>/dev/null | tail -n 1 | tr -d "\"'\r"; }

# The URL of a webhook is a secret: through standard input it stays out of the list of processes.
alert() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf 'url = "%s"\n' "$webhook" |
    curl --config - --silent --show-error --fail --max-time 10 --output /dev/null \
      --header 'Content-Type: application/json' --data "{\"text\": \"$text\"}" || {
    echo 'check-health.sh: the alert was not delivered; the next run tries again.' >&2
    return 1
  }
}

case ${1:-} in
  -h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit
    ;;
  -*)
    printf 'check-health.sh: there is no option %s; see check-health.sh --help.\n' "$1" >&2
    exit 2
    ;;
esac

[ $# -le 1 ] || {
  echo 'check-health.sh: it takes one address; see check-health.sh --help.' >&2
  exit 2
}

cd "$(dirname "$(readlink -f "$0")")/.."

url=${1:-}
if [ -z "$url" ]; then
  if [ -e .env ] && [ ! -r .env ]; then
    printf 'check-health.sh: %s may not read .env.production, which belongs to %s; run it as that user, or give a URL.\n' \
      "$(id -un)" "$(stat -L -c %U .env)" >&2
    exit 2
  fi
  host=$(setting ALLOWED_HOSTS | cut -d , -f 1) || host=
  [ -n "$host" ] || {
    echo 'check-health.sh: no address to ask: give a URL, or set ALLOWED_HOSTS in .env.production.' >&2
    exit 2
  }
  port=$(setting HTTPS_PORT) || port=
  if [ "${port:-443}" != 443 ]; then host+=:$port; fi
  url=https://$host/api/v1/health/
fi
webhook=${ALERT_WEBHOOK_URL:-$(setting ALERT_WEBHOOK_URL)} || webhook=
# It stands while an outage lasts that has been announced.
announced=ops/state/announced-$(tr -c 'A-Za-z0-9.\n' _ <<<"$url")

problem=
if answer=$(curl --silent --show-error --max-time 10 --max-filesize 10000 --write-out '\n%{http_code}' "$url" 2>&1); then
  status=${answer##*$'\n'}
  if [ "$status" != 200 ]; then
    problem="HTTP: status $status instead of 200"
  elif [ "${answer%$'\n'*}" != '{"status": "healthy"}' ]; then
    problem='body: not {"status": "healthy"}'
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
    alert "thinkRing is not healthy. $problem ($url)" && touch "$announced"
  fi
  exit 1
fi
if [ -e "$announced" ]; then
  if [ -n "$webhook" ]; then
    alert "thinkRing is healthy again. ($url)" || exit 1
  fi
  rm "$announced"
fi
