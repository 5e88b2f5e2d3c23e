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
# script puts back all that the last deploy that was done had brought; so it does when it is interrupted.

# shellcheck disable=SC1091,SC2154
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/../installation.sh"
# It has gone to the checkout.
source ops/schema/harmless.sh

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
output=$state/output
first=''
begun=''
changed=''
looking=()

# ended: whatever way the script ends, but for kill -9. A function that fails ends in here with its locals: none may have
# a name of the above.
ended() {
  local code=$?
  trap - EXIT
  trap '' HUP INT TERM
  set +e
  exec 1>&"$stdout" 2>&"$stderr"
  # What fails there ends a shell of its own.
  if [ -n "$changed" ]; then
    (put_back)
  elif [ "$code" != 0 ]; then
    if [ -n "$begun" ]; then
      say 'What answers was left as it was; the database may have been started or migrated. Run this again when it is mended.' >&2
    else
      say 'Nothing was changed.' >&2
    fi
  fi
  if [ ${#looking[@]} -gt 0 ]; then docker service rm "${looking[@]}" >/dev/null 2>&1; fi
  rm -rf "$state"
  exit "$code"
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
  # So that what went wrong before is not taken for what goes wrong now.
  known=$(docker service ps --quiet --no-trunc "${@/#/${stack}_}" 2>/dev/null) || true
  # What the file names lies beside it.
  until (cd ops/swarm && part "$@" | docker stack deploy --resolve-image never --with-registry-auth -c - "$stack") >"$output" 2>&1; do
    # Swarm has noted how far an update is between Docker's look and its change.
    if ! grep -q 'update out of sequence' "$output"; then
      tail -n 5 "$output" >&2
      fail "Docker did not take over $*."
    fi
    sleep 1
  done
}

# tasks SERVICE [FILTER]: of each task the node, the state, and what went wrong.
tasks() {
  # shellcheck disable=SC2046
  docker inspect --type task -f '{{.NodeID}}|{{.Status.State}}|{{.Status.Err}}' $(docker service ps -q ${2:+--filter "$2"} "$1" 2>/dev/null) 2>/dev/null || true
}

# --- Before anything is changed ------------------------------------------------------------------------------------------

# read_settings: what the stack's file interpolates, into the environment.
read_settings() {
  local name
  [ -r .env.production ] ||
    fail "$PWD/.env.production is not there or not yours to read; ops/setup.sh your.domain makes it."
  for name in page api; do
    [ -r "nginx/domain/$name.names" ] || fail "$PWD/nginx/domain/$name.names is not there; ops/setup.sh your.domain makes it."
  done
  mkdir -p "$state"
  # Of a database elsewhere, and not of every one; a config cannot be empty.
  { cat "$(setting DATABASE_CA /dev/null)" && echo; } >"$state/ca.pem" 2>/dev/null ||
    fail "DATABASE_CA in .env.production names a file that cannot be read: $(setting DATABASE_CA)"
  mapfile -t interpolated < <(grep -oE '\$\{[A-Z0-9_]+' "$file" | cut -c 3- | sort -u)
  for name in "${interpolated[@]}"; do
    case $name in
      COMMIT) export COMMIT="$commit" ;;
      PAGE_NAMES_DIGEST) export "$name=$(sha256sum nginx/domain/page.names | cut -c 1-12)" ;;
      CA_PEM_DIGEST) export "$name=$(sha256sum "$state/ca.pem" | cut -c 1-12)" ;;
      API_NAMES_DIGEST) export "$name=$(sha256sum nginx/domain/api.names | cut -c 1-12)" ;;
      *) export "$name=$(setting "$name")" ;;
    esac
  done
  for name in BACKENDS FRONTENDS; do
    [[ $(setting "$name" 2) =~ ^[1-9][0-9]{0,3}$ ]] ||
      fail "$name in .env.production is to be a whole number from 1 to 9999, not $(setting "$name")."
  done
  [[ $(setting DATABASES 1) =~ ^[0-9]{1,4}$ ]] || fail "DATABASES in .env.production is to be 1 or 0, not $(setting DATABASES)."
  [[ $(setting IMAGES thinkring) =~ ^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$ ]] ||
    fail "IMAGES in .env.production is to be what the names of the images begin with, such as thinkring or registry.your.domain/thinkring, in small letters; not $(setting IMAGES)."
  for name in $(setting COMPOSE_PROFILES | tr , ' '); do
    grep -qF "\${${name^^}_REPLICAS:-0}" "$file" ||
      fail "COMPOSE_PROFILES in .env.production has an unknown profile, $name; there are: $(sed -nE 's/.*\{([A-Z]+)_REPLICAS:.*/\L\1/p' "$file" | paste -sd ' ')."
    export "${name^^}_REPLICAS=1"
  done
  if elsewhere; then
    [ "$(setting DATABASES)" = 0 ] ||
      fail 'DATABASE_URL in .env.production names a database elsewhere, and one would be started here too; set DATABASES=0 there, or take DATABASE_URL out.'
  else
    [ "$(setting DATABASES)" != 0 ] ||
      fail 'DATABASES=0 in .env.production starts no database here, and none elsewhere is named; set DATABASE_URL there, or take DATABASES out.'
  fi
}

look_at_checkout() {
  local edited
  edited=$(git status --porcelain --untracked-files=no)
  [ -z "$edited" ] || {
    printf '%s\n' "$edited" >&2
    fail 'files of the release were edited here; commit them, or put them away with: git stash'
  }
}

# look_at_certificate: what the secrets were made of, where it is there still; they themselves cannot be read.
look_at_certificate() {
  local certificate=nginx/ssl/cert.pem key=nginx/ssl/key.pem name
  local mend='Put the right one there, and exchange the secrets (ops/swarm/README.md, "A secret or the certificate"); if those have another one, move the files of nginx/ssl away.'
  [ -r "$certificate" ] || return 0
  openssl x509 -in "$certificate" -noout 2>/dev/null || fail "$certificate is no certificate in PEM form. $mend"
  openssl x509 -in "$certificate" -noout -checkend 0 >/dev/null ||
    fail "$certificate has expired ($(openssl x509 -in "$certificate" -noout -enddate)). $mend"
  for name in "$(page_domain)" "api.$(page_domain)"; do
    openssl x509 -in "$certificate" -noout -checkhost "$name" | grep -q 'does match' ||
      fail "$certificate is not for $name, and browsers would refuse it. $mend"
  done
  [ ! -r "$key" ] || [ "$(openssl pkey -in "$key" -passin pass: -pubout 2>/dev/null)" = "$(openssl x509 -in "$certificate" -noout -pubkey)" ] ||
    fail "$key is not the key of $certificate, or has a password. $mend"
  openssl x509 -in "$certificate" -noout -checkend $((21 * 86400)) >/dev/null ||
    say "The certificate is valid for less than three weeks ($(openssl x509 -in "$certificate" -noout -enddate)); renew it: ops/swarm/README.md, \"A secret or the certificate\"."
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
  local all labelled live node
  capture "$output" docker node ls -q ||
    fail "the swarm cannot be asked, as when half of its managers or more are away ($cause). Start them, and run this again half a minute after they are back; if they are gone for good: ops/swarm/README.md, \"Losing a node\"."
  # shellcheck disable=SC2046
  all=$(docker node inspect $(cat "$output") -f '{{.Status.State}}/{{.Spec.Availability}}|{{index .Spec.Labels "thinkring.web"}}|{{index .Spec.Labels "thinkring.database"}}|{{.ID}}|{{.Description.Hostname}}|{{.Status.Addr}}|{{.Description.Resources.MemoryBytes}}')
  mapfile -t web < <(awk -F '|' -v OFS='|' '$1 == "ready/active" && $2 == "true" {print $4, $5, $6, $7}' <<<"$all")
  mapfile -t data < <(awk -F '|' -v OFS='|' '$1 == "ready/active" && $3 == "true" {print $4, $5, $6, $7}' <<<"$all")
  [ ${#web[@]} -gt 0 ] ||
    fail 'no node that is ready has the label of those that answer visitors; give it: docker node update --label-add thinkring.web=true NODE'
  # Those that are away too: the data are on a disk of theirs.
  mapfile -t labelled < <(awk -F '|' '$3 == "true" {print $4}' <<<"$all")
  [ ${#labelled[@]} -le 1 ] || {
    live=$(tasks "${stack}_db" desired-state=running | awk -F '|' '$2 == "running" {print $1; exit}')
    for node in "${labelled[@]}"; do
      say "$node, $(named "$node")$([ "$node" != "$live" ] || echo ': the database runs there')" >&2
    done
    fail "${#labelled[@]} nodes have the label of the database, and one has its data; leave it to that one, and take it from each other: docker node update --label-rm thinkring.database NODE"
  }
  [ ${#data[@]} -gt 0 ] || elsewhere || {
    [ ${#labelled[@]} -gt 0 ] ||
      fail 'no node has the label of the database; give it to one, for good: docker node update --label-add thinkring.database=true NODE. If one had it before, that one, since the data are on its disk.'
    fail "the node of the database, $(named "${labelled[0]}"), is away or drained ($(awk -F '|' '$3 == "true" {print $1}' <<<"$all")); wait until it is back, or: docker node update --availability active ${labelled[0]}. Give no other node its label: that one would begin with an empty database. If its disk is gone: ops/swarm/README.md, \"Losing the database's node\"."
  }
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
        *) how+=("(source ops/installation.sh; setting ${secret^^}; echo) | docker secret create $name -") ;;
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
    # An engine (20.10) may give a node another one, again and again where it fails; one is enough.
    told=$(tasks "${stack}_look_$1" | grep -E '\|(complete|failed|rejected)\|' | sort | awk -F '|' '!seen[$1]++') || told=
    if [ "$(grep -c . <<<"$told")" -ge "$3" ]; then break; fi
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
  [ "$wrong" = 0 ] || case $2 in
    "$ours"_*) fail "the image $2 is not what it has to be on $wrong of $3 nodes. Build it from this commit (ops/swarm/README.md) and bring it there: docker save $2 | ssh NODE docker load" ;;
    *) fail "the image $2 is not what it has to be on $wrong of $3 nodes. Fetch it on each of them: docker pull $2 (if there is none of that version, look at POSTGRES_VERSION in .env.production). Where a node does not reach the registry: docker save $2 | ssh NODE docker load" ;;
  esac
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
  if ! elsewhere; then probe "postgres:${POSTGRES_VERSION:-15}" 1 database 'command -v postgres || exit 3'; fi
  if [ -n "${REDIS_REPLICAS:-}" ]; then probe redis:7-alpine ${#web[@]} web 'command -v redis-server || exit 3'; fi
  if [ -n "${PGBOUNCER_REPLICAS:-}" ]; then
    probe "${ours}_pgbouncer:$commit" ${#web[@]} web 'command -v pgbouncer || exit 3'
  fi
  for number in "${!images[@]}"; do probed "$number" "${images[number]%|*}" "${images[number]#*|}"; done
  docker service rm "${looking[@]}" >/dev/null
  looking=()
}

# schema settings|look|migrate: what the release says of its settings and of the schema (ops/schema/schema.py) into $told; false
# when that is not all, with what it complained of in $output and the last line of that in $cause.
schema() {
  local end=$((SECONDS + 1800)) outcome
  docker service rm "${stack}_schema" >/dev/null 2>&1 || true
  # When it is interrupted it goes too; what it had not committed is undone.
  looking=("${stack}_schema")
  SCHEMA_STEP=$1 bring schema
  while true; do
    # One is enough: an engine (20.10) that has lost nodes may begin a job again and again. It does no harm twice.
    outcome=$(tasks "${stack}_schema" | grep -E '\|(complete|failed|rejected)\|' | sort -t '|' -k 2 | head -n 1) || outcome=
    if [ -n "$outcome" ] || [ $SECONDS -ge $end ]; then break; fi
    sleep 0.5
  done
  # It waits for the log of a node that was lost; and without an answer nothing is known.
  told=$(timeout 60 docker service logs --raw "${stack}_schema" 2>"$output" | sort -u) || true
  docker service rm "${stack}_schema" >/dev/null
  looking=()
  if [[ $outcome = *'|complete|'* ]] && grep -qx looked <<<"$told"; then return 0; fi
  # Without the name of the exception.
  cause=$(tail -n 1 "$output" | sed -E 's/^[A-Za-z.]+: //')
  cause=${cause:-${outcome##*|}}
  cause=${cause:-it did not end within half an hour, or said nothing.}
  return 1
}

# look_at_settings: does the release start with its settings and secrets, and do they open the store?
look_at_settings() {
  schema settings ||
    fail "the release does not start with its settings and secrets: $cause Mend .env.production; a secret that the swarm has already is exchanged (ops/swarm/README.md, \"A secret or the certificate\")."
}

# judge_schema: may both releases run on what the schema is, and on what it will be? Leaves what is to apply in $pending.
judge_schema() {
  local name unsafe=() breaking=()
  schema look || {
    tail -n 30 "$output" >&2
    fail "the release did not say what it thinks of the schema: $cause"
  }
  judged=yes
  mapfile -t pending < <(sed -n 's/^pending //p' <<<"$told")
  mapfile -t breaking < <(sed -n 's/^breaking //p' <<<"$told")
  while read -r name; do
    say "The database has a migration that the release does not know: $name"
    is_harmless "$name" || unsafe+=("$name")
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
        fail "$service did not publish its files on each node; see: docker service ps --no-trunc ${stack}_$service"
      sleep 0.5
    done
  done
}

# status SERVICE: what Swarm says of its update.
status() { docker service inspect -f '{{with .UpdateStatus}}{{.State}}{{end}}' "${stack}_$1"; }

# wanted SERVICE: of each that is to run the image and the state. What a lost node was running last, Swarm counts on.
wanted() {
  docker service ps --filter desired-state=running --format '{{.Image}} {{.CurrentState}}' "${stack}_$1" 2>/dev/null || true
}

# runs SERVICE: does one of it?
runs() { wanted "$1" | grep -q '^[^ ]* Running '; }

# all_run SERVICE: as many as there should be, with the image that its description names.
all_run() {
  local image number
  number=$(docker service ls --filter "name=${stack}_$1" --format '{{.Name}} {{.Replicas}}' | sed -nE "s|^${stack}_$1 [0-9]+/([0-9]+).*|\1|p")
  [ "${number:-0}" -gt 0 ] || return 1
  image=$(docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' "${stack}_$1")
  wanted "$1" | awk -v image="$image" -v number="$number" '$1 == image && $2 == "Running" {there++} END {exit !(there == number && NR == number)}'
}

# wrong SERVICE: of each task that has come since it was brought and went wrong, the state, the id and the reason.
wrong() {
  docker service ps --no-trunc --format '{{.CurrentState}}|{{.ID}}|{{.Error}}' "${stack}_$1" | grep '|.*|.' | grep -vF "${known:-none}" || true
}

# settled SERVICE: waits until it has been replaced and is healthy; false when it was rolled back, or is stuck.
settled() {
  local end=$((SECONDS + 1200)) quiet=0
  while [ $SECONDS -lt $end ]; do
    case $(status "$1") in
      '' | completed)
        if all_run "$1"; then quiet=$((quiet + 1)); else quiet=0; fi
        # Where there is nothing to go back to, Swarm would try for ever.
        [ "$(wrong "$1" | grep -c .)" -lt 3 ] || return 1
        ;;
      updating) quiet=0 ;;
      *) return 1 ;;
    esac
    # More than once: for a moment after a change Swarm has not begun with it.
    [ $quiet -lt 3 ] || return 0
    sleep 1
  done
  return 1
}

# why SERVICE: what went wrong with the newest one that did; one that only waits, for the port of one that fails, has no log.
why() {
  local all task error
  all=$(wrong "$1")
  IFS='|' read -r _ task error < <(grep -m 1 -E '^(Failed|Rejected) ' <<<"$all" || head -n 1 <<<"$all") || true
  [ -n "${task:-}" ] || return 0
  printf 'Of the %s: %s. The last lines of its log:\n' "$1" "$error" >&2
  timeout 60 docker service logs --raw --tail 30 "$task" 2>&1 | sed 's/^/  /' >&2 || true
}

# What one can go back to is in the swarm too, where each manager finds it: the stack's file as the last deploy that was
# done had brought it. Swarm itself knows only what there was before the last change, which a killed deploy may have made.

# kept: the names of the configs that have it, the newest last; more than one where a deploy was killed just then.
kept() { docker config ls --filter "name=${stack}_done_" --format '{{.Name}}' | sort; }

# forget NAME...: these configs, which may be none.
forget() { [ $# -eq 0 ] || docker config rm "$@" >/dev/null; }

# keep: what has been brought, in the place of what was kept. The files that it names are in the swarm by now.
keep() {
  local old
  mapfile -t old < <(kept)
  awk '
    /^[a-z]/ {section = $0}
    section == "configs:" && /^    file:/ {$0 = "    external: true"}
    {gsub(/\$/, "$$"); print}' <<<"$configured" |
    docker config create "${stack}_done_$(date +%s)" - >/dev/null || fail 'Docker did not keep what was brought.'
  forget "${old[@]}"
}

# put_back: brings what is kept, in the place of what this deploy has brought of it.
put_back() {
  local service name end=$((SECONDS + 1200))
  name=$(kept | tail -n 1)
  [ -n "$name" ] ||
    fail 'There is no release before it to go back to; mend it, and run this again.'
  reached 'Putting the old release back.'
  # Swarm is left to go back first: to what was there before this deploy, which need not be what is kept.
  for service in backend frontend nginx; do
    while [ "$(status "$service")" = rollback_started ] && [ $SECONDS -lt $end ]; do sleep 1; done
  done
  file=$state/kept.yml
  docker config inspect -f '{{printf "%s" .Spec.Data}}' "$name" >"$file" || fail "what is kept could not be read: docker config inspect $name"
  # A blank of the file would be filled from the environment.
  unset "${interpolated[@]}"
  bring static-backend static-frontend backend frontend nginx
  for service in backend frontend nginx; do
    settled "$service" || {
      why "$service"
      fail "the old $service did not become healthy either; look at it: docker service ps --no-trunc ${stack}_$service"
    }
  done
  say "It was rolled back, and the release before it answers: $(sed -nE 's/^ +image: .*_backend:(.*)/\1/p' "$file" | head -n 1)." >&2
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
end_on_signals
trap ended EXIT
look_at_checkout
read_settings
look_at_certificate
look_at_engine
look_at_nodes
look_at_secrets
look_at_memory
look_at_images
look_at_settings
# Where none runs there is nothing to go back to.
runs backend || first=yes
pending=() judged=''
if elsewhere || runs db; then
  judge_schema
elif [ -z "$first$database" ]; then
  fail "the database does not run; look at it: docker service ps --no-trunc ${stack}_db. To begin anew with it: ops/swarm/deploy.sh --database"
fi
say "Deploying $(git log -1 --format='%h, "%s"') to $([ ${#web[@]} = 1 ] && echo '1 node' || echo "${#web[@]} nodes")."

begun=yes
if [ -n "$first$database" ]; then
  # With no replicas of what is not wanted.
  bring db backups wal pgbouncer redis
  if ! elsewhere; then
    settled db || { why db; fail 'the database did not become healthy.'; }
    reached 'The database is healthy.'
  fi
fi
# Its volume may have outlived it, with the schema of another release.
[ -n "$judged" ] || judge_schema
if [ -n "$first" ] || [ ${#pending[@]} -gt 0 ]; then
  schema migrate || {
    tail -n 30 "$output" >&2
    fail "a migration failed and was undone; those before it, if any, were not: $cause"
  }
  reached "Migrated.${pending[*]:+ ${pending[*]}}"
else
  reached 'The schema stays as it is.'
fi
# What is kept of a stack that was removed is nothing to go back to.
# shellcheck disable=SC2046
docker service inspect "${stack}_backend" >/dev/null 2>&1 || forget $(kept)
changed=yes
bring static-backend static-frontend
published
reached 'Published the static files.'
for service in backend frontend nginx; do
  bring "$service"
  settled "$service" || {
    why "$service"
    fail "the $service of ${commit:0:12} did not become healthy."
  }
  reached "In place: $service."
done
answers || fail "not each node answers with ${commit:0:12}: asked was $address."
keep
changed=''
say "Deployed $commit in $SECONDS seconds."
