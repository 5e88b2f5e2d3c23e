#!/bin/bash
# setup.sh - prepares this checkout for a server: settings with strong secrets, and nginx's names.
#
#   ops/setup.sh DOMAIN              for example: ops/setup.sh thinkring.example.com
#   ops/setup.sh --staging DOMAIN    a server to try things on, beside the other one: ops/setup.sh --staging staging.example.com
#   ops/setup.sh --help              say this
#
# ops/install.sh calls it, and does all that comes after it.
#
# A staging server is a checkout of its own, with its own containers, volumes and ports (8080 and 8443). Mails stay in
# its log, search engines stay out, and what is restored into it is masked.
#
# The page is served at DOMAIN, the API at api.DOMAIN. It writes files that git ignores, and overwrites none.
# Beside a .env.production of the same domain, one that was restored, it writes only those that are missing:
#   .env.production              settings, readable by you alone
#   nginx/domain/page.names      the name of the page's host
#   nginx/domain/api.names       the name of the API's host

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

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

staging=
if [ "${1:-}" = --staging ]; then
  staging=yes
  shift
fi
case ${1:-} in
  -*) refuse "there is no option $1; see $script --help." ;;
  '') refuse 'which domain? For example: ops/setup.sh thinkring.example.com' ;;
esac
[ $# = 1 ] || refuse "it takes one domain; see $script --help."

domain=${1,,}
is_domain "$domain" ||
  refuse "\"$1\" is not a domain; give the bare name, without https:// or a path, for example thinkring.example.com."

for folder in . nginx/domain; do
  [ -w "$folder" ] ||
    fail "$(id -un) may not write to $(readlink -f "$folder"), which belongs to $(stat -c %U "$folder"); run it as that user, or as root."
done
restored=
if [ -e .env.production ]; then
  [ -r .env.production ] ||
    fail "$(id -un) may not read .env.production, which belongs to $(stat -c %U .env.production); run it as that user, or as root."
  [ "$(page_domain)" = "$domain" ] ||
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
    -e "s|^REDIS_PASSWORD=.*|REDIS_PASSWORD=$(secret)|" \
    -e "s|^ALLOWED_HOSTS=.*|ALLOWED_HOSTS=$domain,api.$domain|" \
    -e "s|^CORS_ALLOWED_ORIGINS=.*|CORS_ALLOWED_ORIGINS=https://$domain|" \
    -e "s|^VITE_API_BASE_URL=.*|VITE_API_BASE_URL=https://api.$domain/api/v1|" \
    .env.production.example >.env.production
  if [ -n "$staging" ]; then
    sed -i -e "s|^CORS_ALLOWED_ORIGINS=.*|CORS_ALLOWED_ORIGINS=https://$domain:8443|" \
      -e "s|^VITE_API_BASE_URL=.*|VITE_API_BASE_URL=https://api.$domain:8443/api/v1|" \
      -e 's|^COMPOSE_PROFILES=.*|COMPOSE_PROFILES=|' .env.production
    printf '\n# ステージング / staging\nSTAGING=True\nARCHIVE_MODE=off\nCOMPOSE_PROJECT_NAME=thinkring-staging\nHTTP_PORT=8080\nHTTPS_PORT=8443\n' >>.env.production
  fi
  echo 'Wrote .env.production with new secrets; only you can read it. Keep a copy on another machine: it is in no backup.'
fi

umask 022
# Docker would make it as root, and then nobody else could make backups.
mkdir -p backups
write_name nginx/domain/page.names "$domain"
write_name nginx/domain/api.names "api.$domain"

if [ -e nginx/ssl/cert.pem ]; then
  echo 'Kept the certificate in nginx/ssl.'
else
  echo 'There is no certificate in nginx/ssl yet; the first start makes a self-signed one.'
fi
echo "Next: ${compose[*]} up -d --build"
