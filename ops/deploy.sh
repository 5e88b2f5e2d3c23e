#!/bin/bash
# deploy.sh - replaces the release that runs here by another one, without a failed request.
#
#   ops/deploy.sh            deploy the newest commit of origin/main
#   ops/deploy.sh COMMIT     deploy this one, which is fetched only when it is not here yet
#   ops/deploy.sh --force …  although the database has migrations that the commit does not know
#   ops/deploy.sh --help     say this
#
# It looks whether all is there (room, memory, settings, no edited files, a backup younger than 24 hours or a new one), builds
# the images from the commit's own files, migrates with the new image, starts the new release beside the old one, and
# lets it take over once it is healthy and says its commit through nginx. Then the commit is checked out here.
# Whatever fails, the old release goes on answering, and the log of the new one is shown.
#
# ops/state/deploys.log has a line for each run that had the lock and a clean checkout: when, who, what, from, to, done,
# failed or killed (noted by the next run), seconds. The images of the newest five commits are kept; ops/rollback.sh goes
# back to one of them.
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.

# shellcheck disable=SC1091,SC2154
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/release.sh"

read_arguments "$@"
begin

if [ -n "$wanted" ]; then
  git rev-parse -q --verify "$wanted^{commit}" >/dev/null || git fetch -q origin 2>"$output" || true
  # A server gives out a commit that is on no branch only when asked for it by its whole name.
  if ! git rev-parse -q --verify "$wanted^{commit}" >/dev/null && [[ $wanted =~ ^[0-9a-f]{40}$ ]]; then
    git fetch -q origin "$wanted" 2>>"$output" || true
  fi
else
  quietly 'origin/main was not fetched; name a commit that is here, or look at: git remote -v' git fetch -q origin main
  wanted=origin/main
fi
to=$(git rev-parse -q --verify "$wanted^{commit}") || {
  to=-
  fail "there is no commit $wanted, neither here nor at origin. Nothing was changed."
}

# room FOLDER MB: fails without; a folder that cannot be seen from here is not judged.
room() {
  local free
  free=$(df -P -k "$1" 2>/dev/null | awk 'NR == 2 {print int($4 / 1024)}') || free=
  [ "${free:-$2}" -ge "$2" ] || fail "$1 has only $free MB left, and a release may need $2; make room, for example with: docker image prune"
}
room . 500
room "$(docker info -f '{{.DockerRootDir}}')" 2000

# memory MB: fails where it is not to be had; a machine that does not tell is not judged.
memory() {
  local free
  free=$(LC_ALL=C free -m 2>/dev/null | awk '$1 == "Mem:" {sum += $7} $1 == "Swap:" {sum += $4} END {print sum}') || free=
  [ "${free:-$1}" -ge "$1" ] ||
    fail "this machine has only $free MB of memory left, and a new release beside the old one takes $1; end what else runs here, or take the plain commands, which need no room for both (docs/runbook.md, 5.2). Nothing was changed."
}
# What one takes under load (docs/reliability.md).
memory $((number[backend] * 170 + number[frontend] * 70))
check_out "$to"
say "Deploying $(git log -1 --format='%h, "%s"' "$to")."

have_backup

quietly "the images of $to were not built. The old release answers as before." trial build backend frontend
reached 'Built the images.'

judge_schema "$force"
if [ ${#pending[@]} -gt 0 ]; then
  say "Migrations to apply: ${pending[*]}"
  [ ${#breaking[@]} -eq 0 ] ||
    say "Nothing says that the release that runs goes on with ${breaking[*]} (no \`previous_release_runs = True\` in the file): it may answer with errors until the new one takes over, and there may be no way back but a backup. Two releases would spare that."
  schema migrate >/dev/null || {
    tail -n 30 "$output" >&2
    fail "a migration of $to failed and was undone; those before it, if any, were not. The old release answers as before."
  }
  reached 'Migrated.'
else
  reached 'The schema stays as it is.'
fi

swap
adopt "$to"
forget_old
say "Deployed $to in $((SECONDS - started)) seconds."
