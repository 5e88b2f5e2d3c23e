#!/bin/bash
# tell.sh - passes on why a scheduled run has failed: as its own output, which cron sends as a mail, and to ALERT_WEBHOOK_URL.
#
#   ops/tell.sh NAME       what the run of that name has printed is in ops/state/last-NAME.txt
#   ops/tell.sh --help     say this
#
# ops/schedule.sh has it called. The health check tells an outage to ALERT_WEBHOOK_URL by itself, once and not every five
# minutes; here it is passed on once an hour.

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

[ $# = 1 ] || refuse "it takes one name; see $script --help."
said=ops/state/last-$1.txt
[ -r "$said" ] || refuse "nothing of that name has run: there is no $PWD/$said."

if [ "$1" = check-health ]; then
  told=ops/state/told-check-health
  [ -z "$(find "$told" -mmin -59 2>/dev/null)" ] || exit 0
  touch "$told"
fi
cat "$said"
webhook=$(setting ALERT_WEBHOOK_URL)
if [ -n "$webhook" ] && [ "$1" != check-health ]; then
  alert "$webhook" "thinkRing on $(hostname): $1 failed. $(tail -n 1 "$said")" ||
    fail 'the alert was not delivered either; look at ALERT_WEBHOOK_URL in .env.production.'
fi
