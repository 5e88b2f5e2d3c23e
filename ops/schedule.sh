#!/bin/bash
# schedule.sh - has cron do what this installation needs regularly.
#
#   ops/schedule.sh             put the entries into cron, in place of those that it has put there before
#   ops/schedule.sh --show      say what cron has; exits with 1 when that is not what this release wants
#   ops/schedule.sh --remove    take them out again
#   ops/schedule.sh --help      say this
#
# As root they are the file /etc/cron.d/thinkring-PROJECT, as another user a marked part of the crontab, whose other
# lines stay. That user has to be allowed to use Docker.
#
# What a run prints is kept in ops/state/last-NAME.txt until the next run, so that nothing grows and nothing has to be
# rotated. When it fails, cron gets it too, and sends it to the user as a mail where a mail leaves this machine.
#
# COMPOSE names another compose command, which the entries then use too; the default is docker-compose, or else
# docker compose.

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

name=thinkring-$(project)
file=/etc/cron.d/$name
user=$(id -un)

# quoted TEXT: a word for the shell in a line of cron, which takes a bare % for the end of the line.
quoted() {
  local apostrophe="'\\''" text
  text=\'${1//\'/$apostrophe}\'
  printf '%s' "${text//%/\\%}"
}

# entry TIMES NAME COMMAND: a line of cron.
entry() {
  local log=ops/state/last-$2.txt who=
  if [ "$(id -u)" = 0 ]; then who="root "; fi
  printf '%s %scd %s && { %s%s >%s 2>&1 || ops/tell.sh %s; }\n' "$1" "$who" "$(quoted "$PWD")" \
    "${COMPOSE:+export COMPOSE=$(quoted "$COMPOSE"); }" "$3" "$log" "$2"
}

# entries: the backups first; what is cleared away is in them. The others where they are not in each other's way. What
# belongs to a database here is left out where there is none.
entries() {
  local minute manage
  # A minute of this installation's own, so that not everybody asks Let's Encrypt at once.
  minute=$(($(printf '%s' "$(hostname):$PWD" | cksum | cut -d ' ' -f 1) % 28 + 1))
  # Of cron's own PATH it cannot be said where compose is.
  manage="$(quoted "$(command -v "${compose[0]}")") ${compose[*]:1} exec -T backend python manage.py"
  elsewhere || entry '0 2 * * *' backup ./backup.sh
  elsewhere || ! archives || entry '15 2 * * *' base-backup ops/base-backup.sh
  entry '45 2 * * *' empty_trash "$manage empty_trash"
  entry '50 2 * * *' delete_old_sessions "$manage delete_old_sessions"
  # With a pair of one's own there is nothing to renew.
  entry "$minute 3,15 * * *" renew '{ [ ! -e nginx/letsencrypt/live/thinkring ] || ops/certificates.sh renew; }'
  # The database too.
  entry '*/5 * * * *' check-health "ops/check-health.sh $(page)/api/v1/health/ready/"
  entry '0 7 * * *' doctor ops/doctor.sh
  elsewhere || ! archives || entry '0 4 1 * *' drill ops/drill.sh
  entry '30 6 * * 1' update-images 'ops/update-images.sh --check'
}

# crontab_of_user: what the user has there; none is no mistake.
crontab_of_user() {
  local said
  if said=$(crontab -l 2>&1); then
    [ -z "$said" ] || printf '%s\n' "$said"
  elif [[ $said != *'no crontab for'* ]]; then
    fail "the crontab of $user cannot be read: $said"
  fi
}

# installed: the entries that are in cron now.
installed() {
  if [ "$(id -u)" = 0 ]; then
    if [ -e "$file" ]; then cat "$file"; fi
  else
    crontab_of_user | sed -n "/^# $name: begin\$/,/^# $name: end\$/p"
  fi
}

# put [ENTRIES]: in place of those that are there; without, they are taken out.
put() {
  local rest
  if [ "$(id -u)" = 0 ]; then
    if [ -z "${1:-}" ]; then
      rm -f "$file"
      return
    fi
    # cron passes over a name with a dot, so it never sees half a file.
    { printf '%s\n' "$1" >"$file.new" && chmod 644 "$file.new" && mv "$file.new" "$file"; } 2>/dev/null ||
      fail "$file cannot be written; is cron installed? apt-get install cron"
    return
  fi
  rest=$(crontab_of_user)
  rest=$(without_block "$name" <<<"$rest") ||
    fail "a mark \"# $name: …\" in the crontab of $user has lost its other half; take out what is ours by hand: crontab -e"
  printf '%s' "${rest:+$rest$'\n'}${1:+$1$'\n'}" | crontab - || fail "crontab refused the entries, and has what it had before."
}

[ $# -le 1 ] || refuse "too many words; see $script --help."
case ${1:-} in
  '' | --show | --remove) ;;
  *) refuse "there is no \"$1\"; see $script --help." ;;
esac
command -v crontab >/dev/null || fail 'there is no cron on this machine; install it: apt-get install cron'
wanted=$(entries | block "$name")
there=$(installed)

case ${1:-} in
  --show)
    [ -n "$there" ] || fail "nothing is scheduled for $user; do it: ops/schedule.sh"
    printf '%s\n' "$there"
    [ "$there" = "$wanted" ] || fail 'this is not what this release wants; put that in its place: ops/schedule.sh'
    exit
    ;;
  --remove)
    if [ -z "$there" ]; then
      echo "Nothing was scheduled for $user."
    else
      put
      echo 'Took the entries out of cron. Nothing makes backups now but you.'
    fi
    exit
    ;;
esac

[[ $PWD != *$'\n'* ]] || fail 'the name of this folder has a line break in it, which cron cannot take; move it elsewhere.'
[ -r .env.production ] ||
  fail "$user cannot read $PWD/.env.production; ops/setup.sh your.domain writes it, and whoever ran that can read it."
[ -w ops/state ] ||
  fail "$PWD/ops/state cannot be written by $user; run it as $(stat -c %U ops/state), or as root."
lock schedule
if [ "$there" = "$wanted" ]; then
  echo 'cron had the entries already.'
else
  put "$wanted"
  if [ "$(id -u)" = 0 ]; then echo "Wrote $file."; else echo "Put the entries into the crontab of $user."; fi
fi
pgrep -x 'cron|crond' >/dev/null || fail 'cron does not run, so nothing will be done; start it: systemctl enable --now cron'
if elsewhere; then
  echo 'Backups are not in it, since the database is elsewhere (DATABASE_URL). What each said last is in ops/state/last-NAME.txt.'
else
  echo 'Backups at 2:00, the rest around them. What each said last is in ops/state/last-NAME.txt.'
fi
