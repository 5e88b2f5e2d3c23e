#!/bin/bash
# setup.sh - prepares this checkout for a server: settings with strong secrets, and nginx's names.
#
#   ops/setup.sh DOMAIN    for example: ops/setup.sh thinkring.example.com
#   ops/setup.sh --help    say this
#
# The page is served at DOMAIN, the API at api.DOMAIN. It writes files that git ignores, and overwrites none.
# Beside a .env.production of the same domain, one that was restored, it writes only those that are missing:
#   .env.production              settings, readable by you alone
#   nginx/domain/page.names      the name of the page's host
#   nginx/domain/api.names       the name of the API's host

set -euo pipefail

fail() {
  printf 'setup.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

# Characters that neither compose nor a URL reads as anything else.
secret() { head -c 48 /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'; }

# write_name FILE NAME: nginx's name, unless the file is there.
write_name() {
  if [ -e "$1" ]; then
    echo "Kept $1."
  else
    echo "server_name $2;" >"$1"
    echo "Wrote $1: $2."
  fi
}

case ${1:-} in
  -h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit
    ;;
  -*) fail "there is no option $1; see setup.sh --help." 2 ;;
  '') fail 'which domain? For example: ops/setup.sh thinkring.example.com' 2 ;;
esac
[ $# = 1 ] || fail 'it takes one domain; see setup.sh --help.' 2

domain=${1,,}
label='[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
if ! [[ $domain =~ ^($label\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$ ]] || [ ${#domain} -gt 249 ]; then
  fail "\"$1\" is not a domain; give the bare name, without https:// or a path, for example thinkring.example.com." 2
fi

cd "$(dirname "$(readlink -f "$0")")/.."

for folder in . nginx/domain; do
  [ -w "$folder" ] ||
    fail "$(id -un) may not write to $PWD${folder#.}, which belongs to $(stat -c %U "$folder"); run it as that user, or as root."
done
restored=
if [ -e .env.production ]; then
  [ -r .env.production ] ||
    fail "$(id -un) may not read .env.production, which belongs to $(stat -c %U .env.production); run it as that user, or as root."
  hosts=$(sed -n 's/^ALLOWED_HOSTS=//p' .env.production | tail -n 1 | tr -d "\"' \r")
  [ "${hosts%%,*}" = "$domain" ] ||
    fail ".env.production is there already, not for $domain, and nothing was changed. To begin anew, move it away first; a database that has been started keeps its old DB_PASSWORD, so take that over."
  restored=yes
else
  for file in nginx/domain/page.names nginx/domain/api.names; do
    [ ! -e "$file" ] || fail "$file is there already, and nothing was changed. To begin anew, move it away first."
  done
fi

if [ -n "$restored" ]; then
  echo "Kept .env.production, which is for $domain."
else
  umask 077
  sed -e "s|^SECRET_KEY=.*|SECRET_KEY=$(secret)|" \
    -e "s|^JWT_SECRET_KEY=.*|JWT_SECRET_KEY=$(secret)|" \
    -e "s|^DB_PASSWORD=.*|DB_PASSWORD=$(secret)|" \
    -e "s|^ALLOWED_HOSTS=.*|ALLOWED_HOSTS=$domain,api.$domain|" \
    -e "s|^CORS_ALLOWED_ORIGINS=.*|CORS_ALLOWED_ORIGINS=https://$domain|" \
    -e "s|^VITE_API_BASE_URL=.*|VITE_API_BASE_URL=https://api.$domain/api/v1|" \
    .env.production.example >.env.production
  echo 'Wrote .env.production with new secrets; only you can read it. Keep a copy where the backups are.'
fi

umask 022
write_name nginx/domain/page.names "$domain"
write_name nginx/domain/api.names "api.$domain"

if [ -e nginx/ssl/cert.pem ]; then
  echo 'Kept the certificate in nginx/ssl.'
else
  echo 'There is no certificate in nginx/ssl yet; the first start makes a self-signed one.'
fi
if command -v docker-compose >/dev/null; then compose=docker-compose; else compose='docker compose'; fi
echo "Next: $compose -f docker-compose.prod.yml up -d --build"
