#!/bin/sh
# Chromium drops its requests whenever an interface of its network changes, and each container that starts or stops
# elsewhere on the machine is such a change. Here it gets a network of its own, whose only ways out are the stack's ports:
# PORTS, each a socket of that name in the folder WAYS. PROGRAM is Chromium, or what starts it.
# The ways end with it, and hold none of its pipes: whoever started it waits until those are closed.
# shellcheck disable=SC2016  # the shell inside expands them
exec unshare --net sh -c '
  ip link set lo up
  for port in $PORTS; do
    setpriv --pdeathsig TERM \
      socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr,backlog=128" "UNIX-CONNECT:$WAYS/$port" \
      >/dev/null 2>&1 3>&- 4>&- &
  done
  exec "$PROGRAM" "$@"
' apart "$@"
