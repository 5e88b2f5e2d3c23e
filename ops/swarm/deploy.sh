#!/bin/bash
# deploy.sh - brings the release that is checked out here into the swarm, without a failed request.
#
#   ops/swarm/deploy.sh              the first start, an update, or the way back to an older commit that is checked out
#   ops/swarm/deploy.sh --database   the same, and what has changed of the database, pgBouncer and Redis, which restart for it
#   ops/swarm/deploy.sh --force      although a migration does not say that the release before it runs with it
#   ops/swarm/deploy.sh --help       say this
#
# It runs on a manager. First it looks whether all is there: settings, secrets, labels, the images on each node, memory, a
# schema with which both releases run; what is missing is refused with what to do, before anything is changed. Then it
# migrates, publishes static files on each node that has nginx, and replaces backends, front ends and nginx one after the
# other, each new one healthy before an old one goes. What does not become healthy is rolled back by Swarm, and this
# script puts back what it had replaced before that.

# shellcheck disable=SC1091,SC2154
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/../installation.sh"

force='' database=''
for argument in "$@"; do
  case $argument in
    --force) force=yes ;;
    --database) database=yes ;;
    *) refuse "there is no option $argument; see $script --help." ;;
  esac
done

stack=thinkring
commit=$(git rev-parse HEAD)
file=$PWD/ops/swarm/stack.yml
state=$PWD/ops/state/swarm
# The settings without the secrets, for the backend.
export SETTINGS=$state/settings
output=$state/output
started=$SECONDS
first=''
replaced=()
looking=()

say() { printf '%s\n' "$*"; }

# reached SENTENCE...: how far it is, and after how many seconds.
reached() { printf '%4d s  %s\n' "$((SECONDS - started))" "$*"; }

ended() {
  trap - EXIT
  if [ ${#looking[@]} -gt 0 ]; then docker service rm "${looking[@]}" >/dev/null 2>&1 || true; fi
  rm -rf "$state"
}

# part SERVICE...: the stack's file with these services only.
part() {
  awk -v wanted=" $* " '
    /^[a-z]/ {section = $0; keep = 1}
    section == "services:" && /^  [a-z]/ {keep = index(wanted, " " substr($1, 1, length($1) - 1) " ")}
    keep' "$file"
}

# bring SERVICE...: these, as the file has them. Images are what the nodes have, or a registry under that very tag.
bring() {
  # What the file names lies beside it.
  (cd ops/swarm && part "$@" | docker stack deploy --resolve-image never --with-registry-auth -c - "$stack") >"$output" 2>&1 || {
    tail -n 5 "$output" >&2
    fail "Docker did not take over $*."
  }
}

# tasks SERVICE: of each task the node, the state, and what went wrong.
tasks() {
  # shellcheck disable=SC2046
  docker inspect --type task -f '{{.NodeID}}|{{.Status.State}}|{{.Status.Err}}' $(docker service ps -q "$1") 2>/dev/null || true
}

# --- Before anything is changed ------------------------------------------------------------------------------------------

read_settings() {
  local name names
  [ -r .env.production ] ||
    fail "$PWD/.env.production is not there or not yours to read; ops/setup.sh your.domain makes it."
  for name in page api; do
    [ -r "nginx/domain/$name.names" ] || fail "$PWD/nginx/domain/$name.names is not there; ops/setup.sh your.domain makes it."
  done
  mkdir -p "$state"
  # Of a database elsewhere, and not of every one; a config cannot be empty.
  { cat "$(setting DATABASE_CA /dev/null)" && echo; } >"$state/ca.pem" 2>/dev/null ||
    fail "DATABASE_CA in .env.production names a file that cannot be read: $(setting DATABASE_CA)"
  mapfile -t names < <(grep -oE '\$\{[A-Z_]+' "$file" | cut -c 3- | sort -u)
  for name in "${names[@]}"; do
    case $name in
      SETTINGS) ;;
      COMMIT) export COMMIT="$commit" ;;
      PAGE_NAMES_DIGEST) export "$name=$(sha256sum nginx/domain/page.names | cut -c 1-12)" ;;
      CA_PEM_DIGEST) export "$name=$(sha256sum "$state/ca.pem" | cut -c 1-12)" ;;
      API_NAMES_DIGEST) export "$name=$(sha256sum nginx/domain/api.names | cut -c 1-12)" ;;
      *) export "$name=$(setting "$name")" ;;
    esac
  done
  for name in $(setting COMPOSE_PROFILES | tr , ' '); do export "${name^^}_REPLICAS=1"; done
  # What a service is described with can be read by all managers, so nothing secret is in it.
  mapfile -t names < <(sed -nE 's/^([A-Z][A-Z0-9_]*)=.*/\1/p' .env.production | sort -u |
    grep -vE 'SECRET|PASSWORD|KEY|TOKEN|WEBHOOK|^(COMPOSE|RESTIC|AWS)_' |
    grep -vxF "$(sed -nE 's/^ +([A-Z_0-9]+)_FILE: .*/\1/p' "$file")")
  (
    umask 077
    for name in "${names[@]}"; do printf '%s=%s\n' "$name" "$(setting "$name")"; done >"$SETTINGS"
  )
}

look_at_checkout() {
  local changed
  changed=$(git status --porcelain --untracked-files=no)
  [ -z "$changed" ] || {
    printf '%s\n' "$changed" >&2
    fail 'files of the release were edited here; commit them, or put them away with: git stash'
  }
}

look_at_engine() {
  capture "$output" docker info -f '{{.Swarm.ControlAvailable}}' || fail "Docker cannot be asked: $cause"
  [ "$(cat "$output")" = true ] ||
    fail 'this machine is not a manager of a swarm. Run it on one, or make this one the first: docker swarm init --advertise-addr ADDRESS'
  docker stack config --help >/dev/null 2>&1 ||
    fail "Docker's command line is too old for jobs in a stack; install 25 or newer (this is $(docker version -f '{{.Client.Version}}'))."
  configured=$(docker stack config -c "$file" 2>"$output") ||
    fail "the stack's file cannot be used: $(tail -n 1 "$output")"
}

# look_at_nodes: those that are ready into $web and $data, as id|name|address|memory.
look_at_nodes() {
  local all
  # shellcheck disable=SC2046
  all=$(docker node inspect $(docker node ls -q) -f '{{.Status.State}}/{{.Spec.Availability}}|{{index .Spec.Labels "thinkring.web"}}|{{index .Spec.Labels "thinkring.database"}}|{{.ID}}|{{.Description.Hostname}}|{{.Status.Addr}}|{{.Description.Resources.MemoryBytes}}')
  mapfile -t web < <(awk -F '|' -v OFS='|' '$1 == "ready/active" && $2 == "true" {print $4, $5, $6, $7}' <<<"$all")
  mapfile -t data < <(awk -F '|' -v OFS='|' '$1 == "ready/active" && $3 == "true" {print $4, $5, $6, $7}' <<<"$all")
  [ ${#web[@]} -gt 0 ] ||
    fail 'no node that is ready has the label of those that answer visitors; give it: docker node update --label-add thinkring.web=true NODE'
  [ ${#data[@]} -gt 0 ] || [ -n "$elsewhere" ] ||
    fail 'the node that has the database is not there, or none has its label; give it to one, for good: docker node update --label-add thinkring.database=true NODE'
  [ ${#data[@]} -le 1 ] ||
    fail "${#data[@]} nodes have the label of the database, which would begin anew on another one; leave it to one: docker node update --label-rm thinkring.database NODE"
  [ ${#web[@]} -eq 1 ] || [ -n "$(setting MEDIA_BUCKET)" ] ||
    fail "${#web[@]} nodes would each keep the uploads that they take, and the others would not find them. Set MEDIA_BUCKET in .env.production to a store that all reach, or leave the label thinkring.web to one node."
}

# named NODE: for a person.
named() { docker node inspect -f '{{.Description.Hostname}} ({{.Status.Addr}})' "$1"; }

look_at_secrets() {
  local secret name how=()
  while read -r secret name; do
    docker secret inspect "$name" >/dev/null 2>&1 ||
      case $secret in
        certificate) how+=("docker secret create $name nginx/ssl/cert.pem") ;;
        certificate_key) how+=("docker secret create $name nginx/ssl/key.pem") ;;
        # A blank line for what is not set: a secret cannot be empty.
        *) how+=("{ sed -n 's/^${secret^^}=//p' .env.production | tail -n 1; echo; } | docker secret create $name -") ;;
      esac
  done < <(awk '/^[a-z]/ {inside = $0 == "secrets:"} inside && /^  [a-z]/ {secret = $1} inside && /^    name:/ {print substr(secret, 1, length(secret) - 1), $2}' <<<"$configured")
  [ ${#how[@]} -eq 0 ] || {
    printf '  %s\n' "${how[@]}" >&2
    fail "the swarm does not have ${#how[@]} of the secrets; make them by the commands above."
  }
}

# needed LABEL: the megabytes that the services of that label may take at most, jobs aside; what starts before an old one
# goes needs its room too.
needed() {
  awk -v label="node.labels.thinkring.$1 ==" -v nodes="${#web[@]}" '
    function add() {
      if (here && mode == "global") all += memory * nodes
      if (here && mode == "replicated" && replicas > 0) all += memory * (replicas + start_first)
    }
    /^[a-z]/ && services {add(); services = here = 0}
    /^services:/ {services = 1}
    services && /^  [a-z]/ {add(); here = memory = start_first = 0; replicas = 1; mode = "replicated"}
    /^      mode: / {mode = $2}
    /^      replicas: / {replicas = $2}
    /^        order: start-first/ {start_first = 1}
    /^        limits:/ {limits = 1}
    /^        reservations:/ {limits = 0}
    limits && /^          memory: / {gsub("\"", ""); memory = $2}
    index($0, label) {here = 1}
    END {printf "%d", all / 1048576}' <<<"$configured"
}

look_at_memory() {
  local for_web for_data=0 node there=0
  for_web=$(needed web)
  for node in "${data[@]}"; do
    for_data=$(needed database)
    [ "$for_data" -le $((${node##*|} / 1048576)) ] ||
      fail "the database and what is beside it may take $for_data MB, and $(named "${node%%|*}") has $((${node##*|} / 1048576)); give the label thinkring.database to a larger node before the first start."
  done
  for node in "${web[@]}"; do
    there=$((there + ${node##*|} / 1048576))
    if [ "$node" = "${data[0]:-}" ]; then there=$((there - for_data)); fi
  done
  [ "$for_web" -le "$there" ] ||
    fail "nginx, back and front ends may take $for_web MB while they are replaced, and the nodes of thinkring.web have $there for them; add a node, or set BACKENDS and FRONTENDS in .env.production to less (they are ${BACKENDS:-2} and ${FRONTENDS:-2})."
}

# probe IMAGE NODES LABEL TEST: begins a look at it on each node of that label.
probe() {
  local name
  name=${stack}_look_${#looking[@]}
  looking+=("$name")
  images+=("$1|$2")
  docker service rm "$name" >/dev/null 2>&1 || true
  docker service create --detach --quiet --name "$name" --mode global-job --restart-condition none --no-healthcheck \
    --no-resolve-image --with-registry-auth --constraint "node.labels.thinkring.$3 == true" --limit-memory 64m \
    "$1" sh -c "$4" "$commit" >"$output" 2>&1 || fail "$1 could not be looked at: $(tail -n 1 "$output")"
}

# probed NUMBER IMAGE NODES: waits for it; says what is wrong with the image, on which node.
probed() {
  local end=$((SECONDS + 600)) told node status error wrong=0
  while true; do
    # A node may have been given a second one, which is about to be taken back.
    told=$(tasks "${stack}_look_$1" | grep -E '\|(complete|failed|rejected)\|') || told=
    if [ "$(cut -d '|' -f 1 <<<"$told" | sort -u | grep -c .)" -ge "$3" ]; then break; fi
    [ $SECONDS -lt $end ] || fail "$2 could not be looked at on each node within ten minutes; see: docker service ps ${stack}_look_$1"
    sleep 0.5
  done
  while IFS='|' read -r node status error; do
    case $status/$error in
      complete/*) continue ;;
      *'(3)') say "On $(named "$node") $2 is not one of ours." >&2 ;;
      *'(4)') say "On $(named "$node") $2 says that it is of another commit." >&2 ;;
      *'(5)') say "On $(named "$node") $2 cannot speak to a store of uploads: set EXTRAS=s3 in .env.production and build it anew." >&2 ;;
      *) say "On $(named "$node") $2 is missing or does not start: $error" >&2 ;;
    esac
    wrong=$((wrong + 1))
  done <<<"$told"
  [ "$wrong" = 0 ] ||
    fail "the image $2 is not what it has to be on $wrong of $3 nodes. Build it from this commit (ops/swarm/README.md) and bring it there: docker save $2 | ssh NODE docker load"
}

look_at_images() {
  local number images=() ours=${IMAGES:-thinkring} extras=''
  # The commit is their $0.
  # shellcheck disable=SC2016
  local same='[ "$COMMIT" = "$0" ] || exit 4'
  if [ -n "$(setting MEDIA_BUCKET)$(setting STATIC_BUCKET)" ]; then extras="; python -c 'import storages' || exit 5"; fi
  probe "${ours}_backend:$commit" ${#web[@]} web "[ -f manage.py ] || exit 3; $same$extras"
  probe "${ours}_frontend:$commit" ${#web[@]} web "[ -f publish.js ] || exit 3; $same"
  probe nginx:alpine ${#web[@]} web 'command -v nginx || exit 3'
  if [ -z "$elsewhere" ]; then probe "postgres:${POSTGRES_VERSION:-15}" 1 database 'command -v postgres || exit 3'; fi
  if [ -n "${REDIS_REPLICAS:-}" ]; then probe redis:7-alpine ${#web[@]} web 'command -v redis-server || exit 3'; fi
  if [ -n "${PGBOUNCER_REPLICAS:-}" ]; then
    probe "${ours}_pgbouncer:$commit" ${#web[@]} web 'command -v pgbouncer || exit 3'
  fi
  for number in "${!images[@]}"; do probed "$number" "${images[number]%|*}" "${images[number]#*|}"; done
  docker service rm "${looking[@]}" >/dev/null
  looking=()
}

# schema look|migrate: what the release says of the schema (ops/schema/schema.py) into $told.
schema() {
  local end=$((SECONDS + 1800)) outcome
  docker service rm "${stack}_schema" >/dev/null 2>&1 || true
  SCHEMA_STEP=$1 bring schema
  while true; do
    # One is enough: an engine (20.10) that has lost nodes may begin a job again and again. It does no harm twice.
    outcome=$(tasks "${stack}_schema" | grep -oE '\|(complete|failed|rejected)\|' | sort | head -n 1) || outcome=
    if [ -n "$outcome" ] || [ $SECONDS -ge $end ]; then break; fi
    sleep 0.5
  done
  # It waits for the log of a node that was lost; and without an answer nothing is known.
  told=$(timeout 60 docker service logs --raw "${stack}_schema" 2>"$output" | sort -u) || true
  docker service rm "${stack}_schema" >/dev/null
  if [ "$outcome" = '|complete|' ] && grep -qx looked <<<"$told"; then return 0; fi
  tail -n 30 "$output" >&2
  return 1
}

# judge_schema: may both releases run on what the schema is, and on what it will be? Leaves what is to apply in $pending.
judge_schema() {
  local name app migration of unsafe=() breaking=()
  schema look || fail 'the release did not say what it thinks of the schema.'
  mapfile -t pending < <(sed -n 's/^pending //p' <<<"$told")
  mapfile -t breaking < <(sed -n 's/^breaking //p' <<<"$told")
  while read -r name; do
    say "The database has a migration that the release does not know: $name"
    app=${name%%.*}
    migration=backend/apps/$app/migrations/${name#*.}.py
    of=$(git log --all --diff-filter=AM -n 1 --format=%H -- "$migration")
    if [ -n "$of" ]; then
      git show "$of:$migration" | grep -qE '^ +previous_release_runs = True$' || unsafe+=("$name")
    else
      # Of a package: the migration of ours that came with it says so.
      [ -n "$(git log --all -n 1 --format=%H -G "^ +previous_release_runs_with = .*\"$app\"" -- 'backend/apps/*/migrations/*.py')" ] ||
        unsafe+=("$name")
    fi
  done < <(sed -n 's/^surplus //p' <<<"$told")
  [ ${#unsafe[@]} -eq 0 ] || [ -n "$force" ] ||
    fail "nothing says that the release runs on the newer schema (${unsafe[*]}: no \`previous_release_runs = True\` in the file). If you know that it does, say --force; else check out a release that does."
  [ ${#breaking[@]} -eq 0 ] || [ -n "$force$first" ] ||
    fail "the release that runs would go on for a while on a schema that nothing says it runs with (${breaking[*]}: no \`previous_release_runs = True\` in the file). If you know that it does, say --force; else make it two releases."
}

# --- The change ----------------------------------------------------------------------------------------------------------

# published: waits until static files are on each node that has nginx.
published() {
  local end=$((SECONDS + 300)) service
  for service in static-backend static-frontend; do
    until docker service ls --filter "name=${stack}_$service" --format '{{.Replicas}}' | grep -qE '\(([1-9][0-9]*)/\1 completed\)'; do
      [ $SECONDS -lt $end ] ||
        fail "$service did not publish its files on each node; see: docker service ps --no-trunc ${stack}_$service. The old release answers as before."
      sleep 0.5
    done
  done
}

# status SERVICE: what Swarm says of its update.
status() { docker service inspect -f '{{with .UpdateStatus}}{{.State}}{{end}}' "${stack}_$1"; }

# all_run SERVICE: as many as there should be, with the image that its description names.
all_run() {
  local image
  docker service ls --filter "name=${stack}_$1" --format '{{.Name}} {{.Replicas}}' | grep -qE "^${stack}_$1 ([1-9][0-9]*)/\1( |\$)" || return 1
  image=$(docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' "${stack}_$1")
  ! docker service ps --filter desired-state=running --format '{{.Image}}' "${stack}_$1" | grep -qvxF "$image"
}

# settled SERVICE: waits until it has been replaced and is healthy; false when it was rolled back, or is stuck.
settled() {
  local end=$((SECONDS + 1200)) quiet=0
  while [ $SECONDS -lt $end ]; do
    case $(status "$1") in
      '' | completed) if all_run "$1"; then quiet=$((quiet + 1)); else quiet=0; fi ;;
      updating) quiet=0 ;;
      *) return 1 ;;
    esac
    # More than once: for a moment after a change Swarm has not begun with it.
    [ $quiet -lt 3 ] || return 0
    # A first start has nothing to go back to, and Swarm would try for ever.
    if [ -n "$first" ] && [ "$(docker service ps --format '{{.Error}}' "${stack}_$1" | grep -c .)" -ge 3 ]; then return 1; fi
    sleep 1
  done
  return 1
}

# why SERVICE: what went wrong with the newest one that did.
why() {
  local task error
  IFS='|' read -r task error < <(docker service ps --no-trunc --format '{{.ID}}|{{.Error}}' "${stack}_$1" | grep '|.' | head -n 1) || true
  [ -n "${task:-}" ] || return 0
  printf 'Of the %s: %s. The last lines of its log:\n' "$1" "$error" >&2
  timeout 60 docker service logs --raw --tail 30 "$task" 2>&1 | sed 's/^/  /' >&2 || true
}

# back SERVICE: waits until Swarm has rolled it back.
back() {
  local end=$((SECONDS + 1200))
  until [ "$(status "$1")" = rollback_completed ] && all_run "$1"; do
    if [ $SECONDS -ge $end ] || [ "$(status "$1")" = rollback_paused ]; then
      say "The old $1 did not become healthy either; look at it: docker service ps --no-trunc ${stack}_$1" >&2
      return 1
    fi
    sleep 1
  done
}

# put_back SENTENCE: what had been replaced, and then it fails.
put_back() {
  local service
  [ -z "$first" ] || fail "$1 There is no release before it to go back to; mend it, and run this again."
  for service in "${replaced[@]}"; do
    # What Swarm is rolling back by itself is not told to.
    case $(status "$service") in
      rollback_*) ;;
      *)
        capture /dev/null docker service rollback --detach --quiet "${stack}_$service" ||
          fail "$1 The $service could not be rolled back: $cause"
        ;;
    esac
  done
  for service in "${replaced[@]}"; do back "$service" || fail "$1 Not all of it could be rolled back."; done
  fail "$1 It was rolled back, and the release before it answers: ${from:-unknown}."
}

# told_by_nginx ADDRESS PATH: the commit of an answer, asked as a browser does that the DNS sends to this node.
told_by_nginx() {
  local host port
  host=$(page_domain)
  port=$(setting HTTPS_PORT 443)
  # Whose certificate that is, is not the question here.
  curl --noproxy '*' --silent --insecure --max-time 5 --resolve "$host:$port:$1" "https://$host:$port$2" |
    sed -n 's/.*"commit": *"\([^"]*\)".*/\1/p'
}

# answers: does each node's nginx answer, and with this commit?
answers() {
  local node path end=$((SECONDS + 30))
  for node in "${web[@]}"; do
    IFS='|' read -r _ _ address _ <<<"$node"
    for path in /api/v1/version/ /healthz; do
      until [ "$(told_by_nginx "$address" "$path")" = "$commit" ]; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.5
      done
    done
  done
}

# -------------------------------------------------------------------------------------------------------------------------

lock deploy
# DATABASE_URL is a secret.
elsewhere=''
if [ "$(setting DATABASES 1)" = 0 ]; then elsewhere=yes; fi
end_on_signals
trap ended EXIT
look_at_checkout
read_settings
look_at_engine
look_at_nodes
look_at_secrets
look_at_memory
look_at_images
# Where none runs there is nothing to go back to.
docker service ls --filter "name=${stack}_backend" --format '{{.Replicas}}' | grep -q '^[1-9]' || first=yes
from=$(docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' "${stack}_backend" 2>/dev/null | sed 's/.*://') || from=''
pending=()
if [ -n "$elsewhere" ] || docker service inspect "${stack}_db" >/dev/null 2>&1; then judge_schema; fi
say "Deploying $(git log -1 --format='%h, "%s"') to ${#web[@]} nodes."

if [ -n "$first$database" ]; then
  # With no replicas of what is not wanted.
  bring db backups wal pgbouncer redis
  if [ -z "$elsewhere" ]; then
    settled db || { why db; fail 'the database did not become healthy.'; }
    reached 'The database is healthy.'
  fi
fi
if [ -n "$first" ] || [ ${#pending[@]} -gt 0 ]; then
  schema migrate || fail 'a migration failed and was undone; those before it, if any, were not. The old release answers as before.'
  reached "Migrated. ${pending[*]}"
else
  reached 'The schema stays as it is.'
fi
bring static-backend static-frontend
published
reached 'Published the static files.'
for service in backend frontend nginx; do
  replaced=("$service" "${replaced[@]}")
  bring "$service"
  settled "$service" || {
    why "$service"
    put_back "the $service of ${commit:0:12} did not become healthy."
  }
  reached "The $service is in place."
done
answers || put_back "not each node answers with ${commit:0:12}: asked was $address."
say "Deployed $commit in $((SECONDS - started)) seconds."
