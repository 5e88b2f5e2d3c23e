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
# refused unless each of them says `previous_release_runs = True` in its class, or you say --force.
# The containers are replaced as deploy.sh does it, and a line goes to ops/state/deploys.log.

# shellcheck disable=SC1091,SC2154
source "$(dirname "$(readlink -f "$0")")/release.sh"

list() {
  local tag commit
  kept | while read -r tag; do
    commit=$tag
    if [ "$tag" = previous ]; then commit=$(cat "$state/previous"); fi
    printf '%s  %s\n' "$tag" "$(git log -1 --format='%cs "%s"' "$commit" 2>/dev/null)"
  done
}

force=
case ${1:-} in
  --list)
    list
    exit
    ;;
  --force)
    force=yes
    shift
    ;;
esac
case ${1:-} in -*) refuse "there is no option $1; see rollback.sh --help." ;; esac
[ $# -le 1 ] || refuse 'it takes one commit; see rollback.sh --help.'

begin

if [ $# = 1 ]; then
  wanted=$1
else
  wanted=$(awk -v now="$from" '$6 == "done" && $5 == now {before = $4} END {print before}' "$log" 2>/dev/null) || wanted=
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
