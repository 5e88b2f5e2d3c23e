#!/bin/sh
# adapt.sh - writes nginx.conf, which is made for compose, as a pod behind an ingress controller needs it.
#
#   sh adapt.sh NGINX.CONF RESOLV.CONF FOLDER    into FOLDER; the names come from ALLOWED_HOSTS
#
# Run by each pod of nginx as it starts. A line that is to be changed and is not there, or not as often as it was, ends it.

# The variables are nginx's.
# shellcheck disable=SC2016
set -eu

conf=$1
resolv=$2
folder=$3

fail() {
  printf 'adapt.sh: %s\n' "$*" >&2
  exit 1
}

# change NUMBER TEXT COMMAND: has sed do COMMAND on the lines with TEXT, which are NUMBER.
change() {
  found=$(grep -cF -- "$2" "$folder/nginx.conf") || true
  [ "$found" = "$1" ] ||
    fail "nginx.conf has \"$2\" on $found lines and not on $1: what has changed there has to be told to adapt.sh."
  sed -i "$3" "$folder/nginx.conf"
}

nameserver=$(sed -n 's/^nameserver *//p' "$resolv" | head -n 1)
# Of nginx's own resolver a name is always whole; the first domain of the search list is that of this namespace.
namespace=$(sed -n 's/^search *\([^ ]*\.svc\.[^ ]*\).*/\1/p' "$resolv")
[ -n "$nameserver" ] && [ -n "$namespace" ] ||
  fail "$resolv does not say which names this pod looks up where: set dnsPolicy to ClusterFirst."
case ${ALLOWED_HOSTS:-} in
  ?*,?*) ;;
  *) fail "set ALLOWED_HOSTS to the page's name and the API's, with a comma between them." ;;
esac

cat "$conf" >"$folder/nginx.conf"
change 1 'resolver 127.0.0.11 ' "s/resolver 127.0.0.11 /resolver $nameserver /"
change 2 'server backend:8000 ' "s/server backend:8000 /server backend.$namespace:8000 /"
change 1 'server frontend:3000 ' "s/server frontend:3000 /server frontend.$namespace:3000 /"
# Names that a server has of its own, from a file that git ignores.
change 4 'include /etc/nginx/domain/' 's|/etc/nginx/domain/|/etc/nginx/adapted/|'
# Their redirect to https is behind-ingress.conf's, and nobody but root may listen there.
change 2 'listen 80;' 's/listen 80;/listen 127.0.0.1:8079;/'
change 1 'listen 443 ssl http2;' 's|listen 443 ssl http2;|listen 8000;\n        include /etc/nginx/adaptation/behind-ingress.conf;|'
change 1 'ssl_certificate ' '/ssl_certificate /d'
change 1 'ssl_certificate_key ' '/ssl_certificate_key /d'
# Whatever comes here came by https.
change 4 'X-Forwarded-Proto $scheme;' 's/X-Forwarded-Proto $scheme;/X-Forwarded-Proto https;/'
# A chunk of another release: while pods are replaced, the page's server may still, or already, have it.
change 1 'location /_app/immutable/ {' '/location \/_app\/immutable\/ {/,/}/s/try_files $uri =404;/try_files $uri @frontend;/'
grep -qF 'try_files $uri @frontend;' "$folder/nginx.conf" ||
  fail 'nginx.conf looks for a chunk in another way: what has changed there has to be told to adapt.sh.'

printf 'server_name %s;\n' "${ALLOWED_HOSTS%%,*}" >"$folder/page.names"
printf 'server_name %s;\n' "$(printf '%s' "${ALLOWED_HOSTS#*,}" | tr ',' ' ')" >"$folder/api.names"
