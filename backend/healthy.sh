#!/bin/bash
# Whether the back end answers, asked in its container every few seconds: by bash, since Python would take a tenth of a
# second of a core to start, each time.
set -eu
exec 3<>/dev/tcp/127.0.0.1/8000
printf 'GET /api/v1/health/ HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
