#!/bin/bash
# self-signed-certificate.sh - makes a self-signed certificate, so that nginx starts before there is a real one.
#
#   self-signed-certificate.sh FOLDER    make cert.pem and key.pem in FOLDER, for the names in ALLOWED_HOSTS
#   self-signed-certificate.sh --help    say this
#
# A pair that is there is looked at and left as it is; one with which nginx would not start is refused, with
# the reason. The service `certificate` of docker-compose.prod.yml runs this.

set -euo pipefail

fail() {
  printf 'self-signed-certificate.sh: %s\n' "$*" >&2
  exit 1
}

case ${1:---help} in
  -h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit
    ;;
esac

cd "$1"
: "${ALLOWED_HOSTS:?Set it to the names that the certificate is for, separated by commas.}"

for file in cert.pem key.pem; do
  if [ -L "$file" ] && [[ $(readlink -f "$file") != "$PWD"/* || ! -e $file ]]; then
    fail "nginx/ssl/$file is a link that leads out of the only folder that nginx sees; copy the file itself there (docs/runbook.md, 5.1)."
  fi
  [ ! -e "$file" ] || [ -f "$file" ] || fail "nginx/ssl/$file is not a file; put the $file itself there."
done

if [ -e cert.pem ] && [ -e key.pem ]; then
  # nginx reads it as a root that may do no more than its owner.
  read -r owner mode < <(stat -L -c '%u %a' key.pem)
  if [ "$owner" != 0 ] && [ $((8#$mode & 4)) = 0 ]; then
    fail "nginx cannot read nginx/ssl/key.pem, which belongs to user $owner alone; run: sudo chown root nginx/ssl/key.pem"
  fi
  # Without -noout openssl would say the key aloud.
  of_certificate=$(openssl x509 -in cert.pem -noout -pubkey 2>/dev/null) ||
    fail 'nginx/ssl/cert.pem is no certificate in PEM form; put the whole chain there (fullchain.pem).'
  of_key=$(openssl pkey -in key.pem -passin pass: -pubout 2>/dev/null) ||
    fail 'nginx/ssl/key.pem is no private key in PEM form without a password; put the one of cert.pem there (privkey.pem).'
  [ "$of_certificate" = "$of_key" ] ||
    fail 'nginx/ssl/cert.pem and nginx/ssl/key.pem do not belong together; copy both again from the same place.'
  openssl x509 -in cert.pem -noout -checkend 0 >/dev/null ||
    echo "Warning: the certificate in nginx/ssl has expired ($(openssl x509 -in cert.pem -noout -enddate)); browsers refuse it. Renew it."
  echo 'nginx/ssl has a certificate; it is left as it is.'
  exit
fi
for file in cert.pem key.pem; do
  [ ! -e "$file" ] || fail "nginx/ssl has $file without its other half; put both there, cert.pem and key.pem, or neither."
done

names=()
IFS=, read -ra hosts <<<"${ALLOWED_HOSTS//[[:space:]]/}"
for host in "${hosts[@]}"; do
  # Django writes ".example.com" for every name below.
  [ "${host:0:1}" = . ] && host="*$host"
  names+=("DNS:$host")
done
alternatives=$(IFS=,; echo "${names[*]}")

trap 'rm -f cert.pem.new key.pem.new' EXIT
umask 077
openssl req -x509 -days 365 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -subj '/CN=thinkRing, self-signed' -addext "subjectAltName=$alternatives" \
  -keyout key.pem.new -out cert.pem.new 2>/dev/null || fail "openssl made no certificate for $ALLOWED_HOSTS."
chmod 644 cert.pem.new
mv key.pem.new key.pem
mv cert.pem.new cert.pem
echo "There was no certificate in nginx/ssl: made a self-signed one for $ALLOWED_HOSTS."
echo 'Browsers warn of it until there is a real one: ops/certificates.sh issue'
