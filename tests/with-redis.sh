#!/usr/bin/env bash
# Runs a command with a throw-away Redis 7 behind REDIS_HOST, REDIS_PORT and REDIS_PASSWORD.
#
#   tests/with-redis.sh COMMAND [ARGUMENT…]
#
# Takes a container where a Docker engine answers; where none does, the command is skipped and the reason is noted in
# reports/skipped.txt (with CI=true that is a failure).
set -euo pipefail

[ $# -gt 0 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)

if ! docker info >/dev/null 2>&1; then
  reason="the back end's tests with Redis: no Docker engine answers"
  if [ "${CI:-}" = true ]; then
    echo "with-redis: cannot run $reason." >&2
    exit 1
  fi
  mkdir -p "$root/reports" && echo "$reason" | tee -a "$root/reports/skipped.txt" >&2
  exit 0
fi

export REDIS_HOST=127.0.0.1 REDIS_PASSWORD=thinkring-throw-away
container=$(docker run --detach --publish 127.0.0.1::6379 redis:7-alpine redis-server --requirepass "$REDIS_PASSWORD" --save '')
trap 'docker rm --force --volumes "$container" >/dev/null' EXIT
REDIS_PORT=$(docker port "$container" 6379/tcp | head -n 1 | sed 's/.*://')
export REDIS_PORT
for _ in $(seq 120); do
  if docker exec --env "REDISCLI_AUTH=$REDIS_PASSWORD" "$container" redis-cli ping 2>/dev/null | grep -qx PONG; then
    "$@"
    exit
  fi
  sleep 0.25
done
echo "with-redis: Redis did not come up within 30 s" >&2
exit 1
