#!/bin/bash
# release.sh - what deploy.sh and rollback.sh share: another release takes the place of the one that runs.
# They source it; by itself it only says this.
#
# A container of compose cannot be replaced by another of its own name and number while it answers. So the new release
# first runs as a stand-in, a container of `compose run`. nginx learns of the stand-ins once they are healthy and say
# the expected commit. While they answer, compose replaces the containers of the services, first the backend, then
# the frontend, and at the end the stand-ins are drained. Whatever fails, the old release answers or is put back.
#
# Images are tagged PROJECT_backend:COMMIT and PROJECT_frontend:COMMIT; what a plain `up` had started is tagged `previous`.

# shellcheck disable=SC1091,SC2154
set -euo pipefail
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/installation.sh"
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/schema/harmless.sh"

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  usage
  exit
fi

# What is built is read by others than its owner.
umask 022

services=(backend frontend)
# Seconds, by nginx.conf: after which nginx knows an address (valid=1s), and has forgiven one that refused (fail_timeout=8s,
# counted in whole seconds) and tried it.
nginx_knows=3
nginx_forgives=10
kept_commits=5

project=$(project)
state=$PWD/ops/state
tree=$state/tree
log=$state/deploys.log
# The line for the log of a run that will be killed.
unfinished=$state/unfinished
output=$state/output
front_end=("${compose[@]:0:${#compose[@]}-2}")

result=failed
started=$SECONDS
from=- to=-
replaced=()
declare -A old_image number stand_in expected

# read_arguments [--force] [COMMIT]: into $force and $wanted.
# shellcheck disable=SC2034
read_arguments() {
  force=
  if [ "${1:-}" = --force ]; then
    force=yes
    shift
  fi
  case ${1:-} in -*) refuse "there is no option $1; see $script --help." ;; esac
  [ $# -le 1 ] || refuse "it takes one commit; see $script --help."
  wanted=${1:-}
}

# quietly SENTENCE COMMAND...: its output is shown only when it fails.
quietly() { "${@:2}" >"$output" 2>&1 </dev/null || { tail -n 30 "$output" >&2; fail "$1"; }; }

# installed ARGUMENTS...: compose, with the new release's file, as a plain command would see it after the checkout.
# Without COMMIT, which is for building only: docker-compose 1.29 would recreate what was started with another one.
installed() { env -u COMMIT "${front_end[@]}" -p "$project" --project-directory "$PWD" -f "$tree/docker-compose.prod.yml" "$@"; }

# trial ARGUMENTS...: the same with the images of the new release, before they are the latest.
trial() {
  COMMIT=$to "${front_end[@]}" -p "$project" --project-directory "$PWD" \
    -f "$tree/docker-compose.prod.yml" -f "$state/release.yml" "$@"
}

# stand_ins [SERVICE]: the stand-ins that there are, those that a killed run left too.
stand_ins() {
  docker ps --all --quiet --filter "label=com.docker.compose.project=$project" --filter label=thinkring.stand-in \
    ${1:+--filter "label=com.docker.compose.service=$1"}
}

# drain CONTAINER...: they answer what they have begun and linger until nginx has forgotten them.
drain() {
  [ $# -gt 0 ] || return 0
  docker stop -t 30 "$@" >/dev/null
  docker rm "$@" >/dev/null
}

# healthy CONTAINER: waits for it; false when it will not be. The engine looks every five seconds; until it has done so
# the image's own check is asked. It says 0 itself: in a trap a return without a number would say what was before it.
healthy() {
  local end=$((SECONDS + 120)) running health check
  mapfile -t check < <(docker inspect -f '{{range slice .Config.Healthcheck.Test 1}}{{println .}}{{end}}' "$1" 2>/dev/null)
  while [ $SECONDS -lt $end ]; do
    read -r running health < <(docker inspect -f '{{.State.Status}} {{.State.Health.Status}}' "$1" 2>/dev/null) || return 1
    case $running/$health in
      running/healthy) return 0 ;;
      running/starting)
        if docker exec "$1" "${check[@]:0:${#check[@]}-1}" >/dev/null 2>&1; then return 0; fi
        sleep 0.5
        ;;
      created/*) sleep 0.5 ;;
      *) return 1 ;;
    esac
  done
  return 1
}

# all_healthy SERVICE: waits for all of its containers; one that will not be is left in $unhealthy.
all_healthy() {
  local ids
  mapfile -t ids < <(containers "$1")
  for unhealthy in "${ids[@]:-none}"; do healthy "$unhealthy" || return 1; done
}

# told_by_itself SERVICE CONTAINER: the commit that it says it is, asked inside of it.
told_by_itself() {
  case $1 in
    backend)
      docker exec "$2" python -c 'import urllib.request as u
print(u.urlopen(u.Request("http://localhost:8000/api/v1/version/", headers={"X-Forwarded-Proto": "https"}), timeout=5).read().decode())'
      ;;
    frontend) docker exec "$2" wget -q -O - http://127.0.0.1:3000/healthz ;;
  esac 2>/dev/null | commit_told
}

# told_outside SERVICE: the same, through nginx.
told_outside() {
  case $1 in
    backend) told_by_nginx 127.0.0.1 /api/v1/version/ ;;
    frontend) told_by_nginx 127.0.0.1 /healthz ;;
  esac
}

# show_log CONTAINER: why it did not start.
show_log() {
  printf 'The last lines of its log:\n' >&2
  docker logs --tail 30 "$1" 2>&1 | sed 's/^/  /' >&2
}

# latest SERVICE IMAGE: what compose starts from now on; docker-compose and docker compose name it differently.
latest() {
  docker tag "$2" "${project}_$1:latest"
  docker tag "$2" "$project-$1:latest"
}

# have_backup: a proven one of the last 24 hours; without any it makes one, or fails.
have_backup() {
  if elsewhere; then
    reached 'The database is elsewhere, and so are its backups.'
  elif fresh_backup; then
    reached 'There is a proven backup of the last 24 hours.'
  else
    ./backup.sh || fresh_backup || fail 'there is no proven backup of the last 24 hours, and none could be made; nothing was changed.'
  fi
}

# begin: takes the lock, looks at what runs, and makes sure that whatever happens is undone and noted.
begin() {
  local service container running
  lock deploy
  [ -r .env.production ] || fail "$PWD/.env.production is not there or not yours to read; ops/setup.sh your.domain makes it."
  [ ! -e ops/state/restore ] ||
    fail 'a restore was killed while it exchanged database and uploads; run it again before anything else is started: ops/restore.sh --latest'
  [ ! -e ops/state/upgrade ] || fail 'an upgrade of PostgreSQL was killed; run it again first: ops/upgrade-postgres.sh'
  quietly 'compose cannot read this installation.' "${compose[@]}" config -q
  quietly 'git cannot read this checkout.' git rev-parse HEAD
  local changed
  changed=$(git status --porcelain --untracked-files=no)
  [ -z "$changed" ] || {
    printf '%s\n' "$changed" >&2
    fail 'files of the release were edited here; commit them, or put them away with: git stash'
  }
  if [ -e "$unfinished" ]; then
    cat "$unfinished" >>"$log"
    rm "$unfinished"
  fi
  end_on_signals
  trap ended EXIT

  nginx=$(container nginx)
  running=$(docker inspect -f '{{.State.Running}}' "${nginx:-none}" 2>/dev/null) || running=false
  [ "$running" = true ] || fail "nothing runs here that could be replaced; start it: ${compose[*]} up -d --build"
  elsewhere || [ "$(docker inspect -f '{{.State.Health.Status}}' "$(container db)" 2>/dev/null)" = healthy ] ||
    fail "the database is not healthy; look at it: ${compose[*]} logs --tail 50 db"
  for service in "${services[@]}"; do
    container=$(container "$service")
    if [ -n "$(stand_ins "$service")" ] &&
      [ "$(docker inspect -f '{{.State.Running}}' "${container:-none}" 2>/dev/null)" != true ]; then
      finish_killed "$service"
      container=$(container "$service")
    fi
    [ -n "$container" ] || fail "the $service does not run; start it: ${compose[*]} up -d"
    # A killed run may have taken some of several away; it had begun with as many stand-ins.
    number[$service]=$({ containers "$service" | wc -l && stand_ins "$service" | wc -l; } | sort -n | tail -n 1)
    old_image[$service]=$(docker inspect -f '{{.Image}}' "$container")
  done
  if [ -n "$(stand_ins)" ] && all_healthy backend && all_healthy frontend; then
    say 'Removing what a deploy that was killed has left.'
    sleep "$nginx_forgives"
    # shellcheck disable=SC2046
    drain $(stand_ins)
  fi
  from=$(docker image ls --no-trunc --format '{{.ID}} {{.Tag}}' "${project}_backend" |
    sed -nE "s/^${old_image[backend]} ([0-9a-f]{40})$/\1/p" | head -n 1)
  if [ -z "$from" ]; then
    from=previous
    for service in "${services[@]}"; do docker tag "${old_image[$service]}" "${project}_$service:previous"; done
    git rev-parse HEAD >"$state/previous"
  fi
}

# finish_killed SERVICE: a killed run had taken the old container away and left a stand-in, which had been proven.
finish_killed() {
  say "A deploy that was killed has left a stand-in for the $1; made it the $1."
  latest "$1" "$(docker inspect -f '{{.Image}}' "$(stand_ins "$1" | head -n 1)")"
  # shellcheck disable=SC2046
  drain $(containers "$1")
  quietly "the $1 was not started again." "${compose[@]}" up -d --no-deps --no-build \
    --scale "$1=$(stand_ins "$1" | wc -l)" "$1"
  all_healthy "$1" || { show_log "$unhealthy"; fail "the $1 did not become healthy again."; }
}

# check_out COMMIT: its files into a folder of their own, beside those of the release that runs.
check_out() {
  note killed - >"$unfinished"
  remove_tree
  quietly "git did not check out $1." git worktree add --detach "$tree" "$1"
  git read-tree -n -m -u HEAD "$1" 2>"$output" || {
    cat "$output" >&2
    fail 'files that git does not know are in the way of the release; move them away.'
  }
  {
    printf "version: '3.8'\nservices:\n"
    for service in "${services[@]}"; do
      printf '  %s:\n    image: "%s"\n    build:\n      context: "%s"\n' "$service" "${project}_$service:$to" "$tree/$service"
    done
  } >"$state/release.yml"
  quietly "compose cannot read the file of $1." trial config -q
  if ! git diff --quiet HEAD "$1" -- nginx/nginx.conf; then
    docker exec -i "$nginx" sh -c 'cat >/run/next.conf && nginx -t -q -c /run/next.conf' \
      <"$tree/nginx/nginx.conf" >"$output" 2>&1 || {
      cat "$output" >&2
      fail "nginx refuses the nginx.conf of $1."
    }
  fi
}

remove_tree() {
  rm -rf "$tree"
  git worktree prune
}

# schema look|migrate: what the new release thinks of the schema, a line each: `pending NAME` it wants, `surplus NAME`
# it does not know, `breaking NAME` is one that it wants and that the release before may not run with. With `migrate` it
# applies what is pending.
schema() {
  trial run --rm -T --no-deps backend python -c "$(cat ops/schema/schema.py)" "$@" </dev/null 2>"$output"
}

# judge_schema FORCE: may the new release run on the schema that is there? Leaves what it wants in $pending, and in $breaking
# that of it which the release before may not run with.
# shellcheck disable=SC2034
judge_schema() {
  local told name unsafe=()
  told=$(schema look) || {
    # docker-compose 1.29 ends with the exit code.
    cause=$(grep -vE '^(ERROR: [0-9]+)?[[:space:]]*$' "$output" | tail -n 1) || cause='it said nothing'
    fail "the release cannot start with these settings, or cannot look at the schema: ${cause%.}. Mend that, then run this again. The old release answers as before."
  }
  mapfile -t pending < <(sed -n 's/^pending //p' <<<"$told")
  mapfile -t breaking < <(sed -n 's/^breaking //p' <<<"$told")
  while read -r name; do
    say "The database has a migration that the release does not know: $name"
    is_harmless "$name" || unsafe+=("$name")
  done < <(sed -n 's/^surplus //p' <<<"$told")
  if [ ${#unsafe[@]} -gt 0 ] && [ -z "$1" ]; then
    fail "nothing says that the release runs on the newer schema (${unsafe[*]}: no \`previous_release_runs = True\` in the file). If you know that it does, say --force; else restore a backup of its time."
  fi
}

# swap: the containers of the new release take the place of the old ones.
swap() {
  local service name network told try
  for service in "${services[@]}"; do
    stand_in[$service]=
    for ((try = 1; try <= number[$service]; try++)); do
      name=${project}_${service}_stand-in_$(date +%s)_$try
      quietly "the $service of $to was not started. The old release answers as before." \
        trial run -d --no-deps --name "$name" --label thinkring.stand-in=true "$service"
      stand_in[$service]+=" $name"
      docker update --restart no "$name" >/dev/null
    done
  done
  for service in "${services[@]}"; do
    for name in ${stand_in[$service]}; do
      healthy "$name" || {
        show_log "$name"
        fail "the $service of $to did not become healthy. The old release answers as before."
      }
      told=$(told_by_itself "$service" "$name") || told=
      expected[$service]=$to
      # What a plain `up` had built was not told its commit.
      if [ "$to" = previous ]; then expected[$service]=$told; fi
      [ "$told" = "${expected[$service]}" ] || {
        show_log "$name"
        fail "the $service of $to says that it is ${told:-nothing}. The old release answers as before."
      }
      # Its own way to the database may be another than that of the migration: by way of pgBouncer.
      [ "$service" != backend ] || READY_SECONDS=10 are_ready "$name" || {
        show_log "$name"
        fail "the backend of $to is not ready: $cause. Look at what .env.production names for it, and at ops/doctor.sh. The old release answers as before."
      }
    done
  done
  reached 'The new containers were healthy and said their commit.'

  read -r network < <(docker inspect -f '{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}' "$nginx")
  for service in "${services[@]}"; do
    for name in ${stand_in[$service]}; do
      docker network disconnect "$network" "$name"
      docker network connect --alias "$service" "$network" "$name"
    done
  done
  sleep "$nginx_knows"
  for service in "${services[@]}"; do
    for ((try = 0; ; try++)); do
      [ "$(told_outside "$service")" != "${expected[$service]}" ] || break
      [ $try -lt 40 ] || {
        show_log "${stand_in[$service]##* }"
        fail "nginx did not find the new $service. The old release answers as before."
      }
      sleep 0.1
    done
  done
  reached 'They answered through nginx.'

  for service in "${services[@]}"; do
    replaced+=("$service")
    latest "$service" "${project}_$service:$to"
    # One by one: ids have no spaces.
    # shellcheck disable=SC2046
    drain $(containers "$service")
    quietly "the $service was not started." installed up -d --no-deps --no-build --scale "$service=${number[$service]}" "$service"
    all_healthy "$service" || {
      show_log "$unhealthy"
      fail "the $service of $to did not become healthy."
    }
    reached "Replaced the $service."
  done
  sleep "$nginx_forgives"
  for service in "${services[@]}"; do
    for try in 1 2 3 4 5; do
      told=$(told_outside "$service") || told=
      [ "$told" = "${expected[$service]}" ] || {
        show_log "$(container "$service")"
        fail "answer $try of the $service through nginx was of ${told:-nobody}, not of $to."
      }
    done
  done
}

# adopt COMMIT: files and images agree from here on, and what stood in is gone.
adopt() {
  local nginx_changed=
  git diff --quiet HEAD "$1" -- nginx/nginx.conf || nginx_changed=yes
  if [ -n "$nginx_changed" ]; then
    # In place, since nginx sees this one file and not its folder; then git need not write it.
    cat "$tree/nginx/nginx.conf" >nginx/nginx.conf
    git add nginx/nginx.conf
  fi
  # shellcheck disable=SC2046
  drain $(stand_ins)
  result='done'
  quietly "the containers are of $1, but git did not check out its files; run: git checkout --detach $1" \
    git checkout --detach "$1"
  if [ -n "$nginx_changed" ]; then
    quietly "nginx refuses the new nginx.conf and goes on with the old one; look at it: ${compose[*]} exec -T nginx nginx -t" \
      docker exec "$nginx" nginx -t
    quietly "nginx was not reloaded; see its log: ${compose[*]} logs --tail 20 nginx" docker exec "$nginx" nginx -s reload
    if docker exec "$nginx" cat /etc/nginx/nginx.conf | cmp -s - nginx/nginx.conf; then
      say 'nginx took over its new file.'
    else
      say "nginx still sees the file that it started with; restart it when it suits: ${compose[*]} restart nginx"
    fi
  fi
  # Services that are new in this release; what runs is left alone.
  quietly 'a new service of the release was not started.' \
    env -u COMMIT "${compose[@]}" up -d --no-build --no-recreate --scale "backend=${number[backend]}"
}

# put_back: the old release, when its containers had been touched; the stand-ins answer until it is healthy.
put_back() {
  local service
  if [ ${#replaced[@]} -gt 0 ]; then
    reached 'Putting the old release back.'
    for service in "${replaced[@]}"; do
      latest "$service" "${old_image[$service]}"
      # shellcheck disable=SC2046
      drain $(containers "$service")
      env -u COMMIT "${compose[@]}" up -d --no-deps --no-build --scale "$service=${number[$service]}" "$service" \
        >"$output" 2>&1 </dev/null
      all_healthy "$service" || {
        printf '%s: the old %s did not become healthy; the new one stands in for it. Look at it: %s logs %s\n' \
          "$script" "$service" "${compose[*]}" "$service" >&2
        return
      }
    done
    sleep "$nginx_forgives"
  fi
  for service in "${services[@]}"; do
    [ -n "$(stand_ins "$service")" ] || continue
    if all_healthy "$service"; then
      # shellcheck disable=SC2046
      drain $(stand_ins "$service")
    else
      printf '%s: the %s is not healthy; what stands in for it is left.\n' "$script" "$service" >&2
    fi
  done
}

# ended: whatever way the script ends, but for kill -9.
ended() {
  trap - EXIT
  trap '' HUP INT TERM
  set +e
  exec 1>&"$stdout" 2>&"$stderr"
  [ "$result" = 'done' ] || put_back
  remove_tree
  rm -f "$output" "$state/release.yml" "$unfinished"
  note "$result" "$((SECONDS - started))" >>"$log"
}

# note RESULT SECONDS: the line of this run for the log.
note() {
  printf '%s %s %s %s %s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${SUDO_USER:-$(id -un)}" "${script%.sh}" "$from" "$to" "$1" "$2"
}

# kept: the tags to which one can go back, the newest first.
kept() {
  docker image ls --format '{{.Tag}}' "${project}_backend" | grep -E '^([0-9a-f]{40}|previous)$' | while read -r tag; do
    if docker image inspect "${project}_frontend:$tag" >/dev/null 2>&1; then printf '%s\n' "$tag"; fi
  done || true
}

# forget_old: removes the images of all but the newest commits that ran.
forget_old() {
  local wanted service tag
  # This run has no line yet, and the first one has no file.
  touch "$log"
  wanted=$({ printf '%s\n%s\n' "$to" "$from" && tac "$log" | awk '$6 == "done" {print $5; print $4}'; } |
    awk -v most="$kept_commits" '$0 != "previous" && !seen[$0]++ && ++count <= most')
  for service in "${services[@]}"; do
    docker image ls --format '{{.Tag}}' "${project}_$service" | grep -E '^[0-9a-f]{40}$' | while read -r tag; do
      grep -qx "$tag" <<<"$wanted" || docker image rm "${project}_$service:$tag" >/dev/null 2>&1 || true
    done || true
  done
}
