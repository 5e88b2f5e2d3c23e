#!/bin/bash
# harmless.sh - whether a release may run on a schema that is newer than itself. The scripts that deploy source it; by itself it
# only says this.

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
  exit
fi

# is_harmless MIGRATION: does it say that the release before it runs with it? Git is asked, in the checkout that this file is
# of, since what is checked out may be the release that does not know it. Without a checkout nothing is harmless.
is_harmless() {
  local app=${1%%.*} migration of
  local git=(git -C "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
  migration=:/backend/apps/$app/migrations/${1#*.}.py
  # A commit that was checked out here by its name alone is in the log of HEAD and in no branch.
  of=$("${git[@]}" log --all --reflog --diff-filter=AM -n 1 --format=%H -- "$migration" 2>/dev/null) || return
  if [ -n "$of" ]; then
    "${git[@]}" grep -qE '^ +previous_release_runs = True$' "$of" -- "$migration"
  else
    # Of a package: the migration of ours that came with it says so.
    of=$("${git[@]}" log --all --reflog -n 1 --format=%H -G "^ +previous_release_runs_with = .*\"$app\"" -- ':/backend/apps/*/migrations/*.py')
    [ -n "$of" ]
  fi
}
