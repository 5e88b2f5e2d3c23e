#!/bin/bash
# certificates.sh - gets, renews and checks the certificate that nginx serves.
#
#   ops/certificates.sh issue            get one for the first of ALLOWED_HOSTS and its api., and serve it
#   ops/certificates.sh renew            the same again once less than 30 days are left; silent when it is not due
#   ops/certificates.sh renew --force    the same again now
#   ops/certificates.sh status           what lies in nginx/ssl, what is served, and what is wrong with it
#   ops/certificates.sh self-signed      put a new self-signed pair in place of what is there
#   ops/certificates.sh --help           say this
#
# It comes from Let's Encrypt, to whose terms `issue` agrees, through the running nginx, by the certbot of this
# machine or else the image certbot/certbot. In .env.production, CERTBOT_EMAIL is where Let's Encrypt may write to, and
# ACME_SERVER the directory of another authority. Account, keys and logs are kept in nginx/letsencrypt.
#
# A new pair is put into nginx/ssl only if its halves belong together, and put back if nginx refuses it; the one
# before stays there as cert.pem.old and key.pem.old. `renew` puts an issued pair back if another has taken its place.
# `status` exits with 1 when fewer than 14 days are left, nginx serves something else, or it is self-signed.
# Twice a day from cron: ops/schedule.sh

# Commands for the container are in single quotes, so that their variables are its own.
# shellcheck disable=SC2016
# shellcheck source=installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

DAYS=14
STATE=nginx/letsencrypt
# The name under which certbot keeps it, whatever the domain is.
LIVE=$STATE/live/thinkring
CERTIFICATE=nginx/ssl/cert.pem
served_still='What nginx serves is unchanged.'

# served NAME: the certificate that nginx sends to who asks for that name.
served() {
  timeout 10 openssl s_client -connect "127.0.0.1:$port" -servername "$1" </dev/null 2>/dev/null | openssl x509 2>/dev/null
}

# fingerprint: of the certificate in its input; nothing if that is none.
fingerprint() { openssl x509 -noout -fingerprint -sha256 2>/dev/null || true; }

is_served() {
  local name expected
  expected=$(fingerprint <$CERTIFICATE)
  for name in "${names[@]}"; do
    [ "$(served "$name" | fingerprint)" = "$expected" ] || return 1
  done
}

days_left() {
  local end
  end=$(openssl x509 -noout -enddate)
  echo $((($(date -d "${end#*=}" +%s) - $(date +%s)) / 86400))
}

# describe: names, issuer and days of the certificate in its input, in one line.
describe() {
  local certificate alternatives issuer
  certificate=$(cat)
  alternatives=$(openssl x509 -noout -ext subjectAltName <<<"$certificate" 2>/dev/null | sed -n 's/DNS://g; s/^ *//; 2p')
  issuer=$(openssl x509 -noout -issuer -nameopt RFC2253 <<<"$certificate")
  printf '%s; issued by %s; %s days left\n' "${alternatives:-no names}" "${issuer#issuer=}" "$(days_left <<<"$certificate")"
}

# in_ssl COMMANDS [MOUNT...]: in nginx/ssl as the root whose files nginx can read, which whoever runs this may not be.
# What they say on standard output is the reason why they failed.
in_ssl() {
  local said complaint mounts=() mount
  for mount in "${@:2}"; do mounts+=(--volume "$mount"); done
  complaint=$(mktemp)
  if ! said=$("${compose[@]}" run --rm --no-deps -T "${mounts[@]}" certificate \
    bash -euc "cd /etc/nginx/ssl; umask 077; $1" </dev/null 2>"$complaint"); then
    said=${said:-$(tail -n 1 "$complaint")}
    rm "$complaint"
    fail "${said:-the container of the service certificate failed.} $served_still"
  fi
  rm "$complaint"
}

# put_in_place COMMANDS [MOUNT...]: what the commands write into key.pem.new and cert.pem.new becomes the pair.
put_in_place() {
  in_ssl "$1"'
    chmod 644 cert.pem.new
    of_certificate=$(openssl x509 -in cert.pem.new -noout -pubkey) || of_certificate=none
    of_key=$(openssl pkey -in key.pem.new -passin pass: -pubout) || of_key=
    if [ "$of_certificate" != "$of_key" ]; then
      rm key.pem.new cert.pem.new
      echo "the new certificate and the new key do not belong together; get others: ops/certificates.sh renew --force."
      exit 1
    fi
    for file in key.pem cert.pem; do [ ! -e $file ] || ln -f $file $file.old; done
    mv key.pem.new key.pem
    mv cert.pem.new cert.pem' "${@:2}"
}

is_running() { [ "$(docker inspect -f '{{.State.Running}}' "$nginx" 2>/dev/null)" = true ]; }

# load: nginx takes what lies in nginx/ssl, or the pair before is put back.
load() {
  local said
  if ! said=$(docker exec "$nginx" nginx -t 2>&1); then
    in_ssl 'for file in key.pem cert.pem; do mv $file.old $file; done'
    said=$(grep -m 1 emerg <<<"$said" || tail -n 1 <<<"$said")
    fail "nginx refused the new pair ($said), so the old one was put back. $served_still"
  fi
  docker exec "$nginx" nginx -s reload 2>/dev/null || fail "nginx was not reloaded; see its log: ${compose[*]} logs --tail 20 nginx"
  for _ in {1..40}; do
    if is_served; then return; fi
    sleep 0.25
  done
  fail "the new pair lies in nginx/ssl, but something else is served at port $port; see ${compose[*]} logs --tail 20 nginx"
}

# obtain [OPTION...]: has certbot see to it that nginx/letsencrypt has a certificate for the names.
obtain() {
  local certbot said name authority account=(--register-unsafely-without-email) domains=()
  local unreachable='requests\.exceptions\.[A-Za-z]+|Requesting [^ ]+: (Connection refused|Network is unreachable|No route to host)'
  if command -v certbot >/dev/null; then
    certbot=(certbot)
  else
    certbot=(docker run --rm --user "$(id -u):$(id -g)")
    for folder in "$PWD/$STATE" "$PWD/nginx/acme"; do certbot+=(--volume "$folder:$folder"); done
    certbot+=(certbot/certbot)
  fi
  if [ -n "$(setting CERTBOT_EMAIL)" ]; then account=(--email "$(setting CERTBOT_EMAIL)" --no-eff-email); fi
  for name in "${names[@]}"; do domains+=(-d "$name"); done
  authority=$(setting ACME_SERVER https://acme-v02.api.letsencrypt.org/directory)

  # Not `certbot renew`: that sleeps for minutes, and does not notice that the names are others now.
  said=$("${certbot[@]}" certonly --non-interactive --agree-tos "${account[@]}" \
    --server "$authority" \
    --config-dir "$PWD/$STATE" --work-dir "$PWD/$STATE/work" --logs-dir "$PWD/$STATE/logs" \
    --webroot --webroot-path "$PWD/nginx/acme" --key-type ecdsa --cert-name thinkring "${domains[@]}" --renew-with-new-domains "$@" \
    </dev/null 2>&1) || {
    said=$(sed -nE 's/^ *Domain: +(.*)/\1:/p; s/^ *Detail: +//p' <<<"$said" | tr '\n' ' ' | grep . || tail -n 5 <<<"$said" | tr '\n' ' ')
    [[ ! $said =~ $unreachable ]] ||
      said="it cannot reach $authority; see that this machine finds names in the DNS and is let out (${BASH_REMATCH[0]})."
    fail "certbot got no certificate: ${said% } (more in $STATE/logs). $served_still"
  }
}

status() {
  local wrong=0 name certificate
  problem() {
    printf '%s: %s\n' "$script" "$*" >&2
    wrong=1
  }

  certificate=$(openssl x509 -in $CERTIFICATE 2>/dev/null) ||
    fail "$CERTIFICATE is no certificate that $(id -un) can read; make one: ops/certificates.sh self-signed"
  printf '%s: %s\n' $CERTIFICATE "$(describe <<<"$certificate")"
  if [ "$(openssl x509 -noout -issuer_hash <<<"$certificate")" = "$(openssl x509 -noout -subject_hash <<<"$certificate")" ]; then
    problem 'it is self-signed, and browsers warn of it; get a real one: ops/certificates.sh issue'
  elif [ "$(days_left <<<"$certificate")" -lt $DAYS ]; then
    problem "fewer than $DAYS days are left; see why it is not renewed: ops/certificates.sh renew"
  fi
  for name in "${names[@]}"; do
    openssl x509 -noout -checkhost "$name" <<<"$certificate" | grep -q 'does match' ||
      problem "it is not for $name; get one that is: ops/certificates.sh issue"
  done

  for name in "${names[@]}"; do
    if ! certificate=$(served "$name"); then
      problem "nothing is served as $name at port $port; start nginx: ${compose[*]} up -d nginx"
      continue
    fi
    printf 'Served as %s: %s\n' "$name" "$(describe <<<"$certificate")"
    [ "$(fingerprint <<<"$certificate")" = "$(fingerprint <$CERTIFICATE)" ] ||
      problem "served as $name is another one than $CERTIFICATE; load that: ${compose[*]} exec -T nginx nginx -s reload"
  done
  return $wrong
}

case ${1:-}${2+ }${2:-} in
  issue | renew | 'renew --force' | status | self-signed) [ $# -le 2 ] || refuse 'too many words; see certificates.sh --help.' ;;
  '') refuse 'what shall it do? See certificates.sh --help.' ;;
  *) refuse "there is no \"$*\"; see certificates.sh --help." ;;
esac

[ -r .env.production ] ||
  fail "$(id -un) cannot read $PWD/.env.production; ops/setup.sh your.domain writes it, and whoever ran that can read it."
domain=$(page_domain)
[[ $domain =~ ^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$ ]] ||
  fail "the first of ALLOWED_HOSTS in .env.production is no domain but \"$domain\"; put the page's name there."
names=("$domain" "api.$domain")
port=$(setting HTTPS_PORT 443)

if [ "$1" = status ]; then
  status && exit
  exit 1
fi

lock certificates
umask 077
nginx=$(container nginx)

if [ "$1" = self-signed ]; then
  put_in_place '
    rm -rf new
    mkdir new
    bash /self-signed-certificate.sh "$PWD/new" >&2
    mv new/key.pem key.pem.new
    mv new/cert.pem cert.pem.new
    rmdir new'
  echo 'Made a self-signed pair; the one before is nginx/ssl/cert.pem.old and key.pem.old.'
  if is_running; then
    load
    echo "Served as ${names[0]} and ${names[1]}: $(describe <$CERTIFICATE)"
  else
    echo "nginx does not run, and takes it when it starts: ${compose[*]} up -d nginx"
  fi
  exit
fi

is_running || fail "nginx does not run, and a certificate comes through it; start it: ${compose[*]} up -d nginx"
if [ "$1" = renew ] && [ ! -e $LIVE ]; then
  fail 'there is none to renew; get the first one: ops/certificates.sh issue'
fi
mkdir -p $STATE
[ -w $STATE ] || fail "$(id -un) cannot write to $PWD/$STATE; run it as $(stat -c %U $STATE), or as root."

if [ "${2:-}" = --force ]; then
  obtain --force-renewal
else
  obtain --keep-until-expiring
fi

if [ "$(fingerprint <$LIVE/fullchain.pem)" = "$(fingerprint <$CERTIFICATE)" ] && is_served; then
  if [ "$1" = issue ]; then
    echo "There is one already, and it is served: $(describe <$CERTIFICATE)"
    echo 'Another one now: ops/certificates.sh renew --force'
  fi
  exit
fi
put_in_place 'cp -L /letsencrypt/live/thinkring/privkey.pem key.pem.new; cp -L /letsencrypt/live/thinkring/fullchain.pem cert.pem.new' \
  "$PWD/$STATE:/letsencrypt:ro"
load
echo "Served as ${names[0]} and ${names[1]}: $(describe <$CERTIFICATE)"
