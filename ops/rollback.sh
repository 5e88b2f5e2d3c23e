#!/bin/bash
# rollback.sh - goes back to a release whose images are kept here, without a failed request.
#
#   ops/rollback.sh            to the one that ran before the present one
#   ops/rollback.sh COMMIT     to this one; `previous` is what ran here before the first deploy.sh
#   ops/rollback.sh --force …  although the database has migrations that it does not know
#   ops/rollback.sh --list     say which are kept
#   ops/rollback.sh --help     say this
#
# Nothing is built and the database stays as it is. Migrations that the older release does not know are named; it is
# refused unless each of them says `previous_release_runs = True` in its class (docs/runbook.md), or you say --force.
# The containers are replaced as deploy.sh does it, and a line goes to ops/state/deploys.log.

# shellcheck disable=SC1091,SC2154
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/release.sh"

list() {
  local tag commit
  kept | while read -r tag; do
    commit=$tag
    if [ "$tag" = previous ]; then commit=$(cat "$state/previous"); fi
    printf '%s  %s\n' "$tag" "$(git log -1 --format='%cs "%s"' "$commit" 2>/dev/null)"
  done
}

if [ "${1:-}" = --list ]; then
  list
  exit
fi
read_arguments "$@"
begin

if [ -z "$wanted" ]; then
  # What was deployed onto itself, on newer images for example, came from nowhere else. Who goes back twice does not want
  # what was left the first time; and after a deploy that was killed the one before is what that began with.
  wanted=$(awk -v now="$from" '
    $5 == "-" {next}
    $3 == "deploy" && $6 == "killed" {if (begun == "") begun = $4; next}
    {begun = ""}
    $3 == "deploy" && $6 == "done" && $5 == now && $4 != now {before = $4}
    END {print begun == "" ? before : begun}' "$log" 2>/dev/null) || wanted=
  [ -n "$wanted" ] || fail "no deploy is known before the present one. Kept are:
$(list)"
fi
if [ "$wanted" = previous ]; then
  commit=$(cat "$state/previous" 2>/dev/null) || commit=
else
  commit=$(git rev-parse -q --verify "$wanted^{commit}") || commit=
  wanted=${commit:-$wanted}
fi
grep -qx "$wanted" <<<"$(kept)" || fail "the images of $wanted are not kept. Kept are:
$(list)"
[ "$wanted" != "$from" ] || fail "$wanted is what runs."
to=$wanted

check_out "$commit"
say "Going back to $(git log -1 --format='%h, "%s"' "$commit")."
judge_schema "$force"
swap
adopt "$commit"
say "Went back to $to in $((SECONDS - started)) seconds."
