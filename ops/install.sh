#!/bin/bash
# install.sh - makes a server of this checkout: asks what it has to know, and does all up to a certificate and backups.
#
#   ops/install.sh           look at the machine, ask, say what comes, and do it
#   ops/install.sh --help    say this
#
# It takes a machine with Docker, and two names that lead to it: DOMAIN and api.DOMAIN. Nothing is changed before you
# have said yes. Then it calls what could be typed one by one (docs/runbook.md, 5.1): ops/setup.sh, compose,
# createsuperuser, ops/certificates.sh, backup.sh, ops/base-backup.sh, ops/schedule.sh, ops/firewall.sh and
# ops/doctor.sh. What is done already stays: run again, whatever has interrupted it, it goes on where it was.
#
# Without a terminal the answers are the lines of its standard input: the domain, the e-mail address, which may be
# empty, and yes; then yes or no for the firewall, if root runs it and ufw is there. Of the first two none is asked for
# where .env.production is there. An administrator is made at a terminal only.
# What the steps say is kept in ops/state/last-install.txt.
#
# COMPOSE names another compose command; the default is docker-compose, or else docker compose.

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

LEAST_SPACE=$((3 * 1024 * 1024 * 1024))
START_SECONDS=300
log=ops/state/last-install.txt
undone=

# question TEXT: what is answered into $said.
question() {
  printf '%s ' "$1"
  read -r said || [ -n "$said" ] ||
    fail 'no answer came; run it at a terminal, or give it the answers as lines of its standard input.'
  said=${said%$'\r'}
  # At a terminal that was the Enter.
  [ -t 0 ] || echo
}

# agreed TEXT: asks for a yes or a no until it is one.
agreed() {
  while true; do
    question "$1 (yes/no)"
    case ${said,,} in
      y | yes) return 0 ;;
      n | no) return 1 ;;
    esac
  done
}

# step WHAT IS_DONE COMMAND...: says how the command went and how long it took; where IS_DONE is true, there is no need.
step() {
  local begun=$SECONDS lines
  printf '%s … ' "$1"
  if "$2" </dev/null >/dev/null 2>&1; then
    echo 'there already.'
    return
  fi
  lines=$(wc -l <"$log")
  if "${@:3}" </dev/null >>"$log" 2>&1; then
    echo "done, $((SECONDS - begun)) s."
  else
    echo "failed after $((SECONDS - begun)) s:"
    tail -n "+$((lines + 1))" "$log" | tail -n 15 | sed 's/^/  /'
    return 1
  fi
}

look_at_the_machine() {
  local needed folder free port missing=() packages=()
  for needed in docker/docker.io git/git openssl/openssl curl/curl ss/iproute2 crontab/cron; do
    if ! command -v "${needed%/*}" >/dev/null; then missing+=("${needed%/*}") packages+=("${needed#*/}"); fi
  done
  [ ${#missing[@]} = 0 ] || fail "there is no ${missing[*]} on this machine; install it: apt-get install ${packages[*]}"
  capture /dev/null docker ps --quiet ||
    fail "Docker does not answer ($cause); start it: systemctl start docker, or run this as somebody who may use it, for example as root."
  capture /dev/null "${compose[@]}" version ||
    fail "there is no compose ($cause); install it: apt-get install docker-compose, or what https://docs.docker.com/compose/install/ names."
  if [ -z "$(container backend)" ]; then
    for folder in . "$(docker info -f '{{.DockerRootDir}}')"; do
      [ -e "$folder" ] || continue
      free=$(df -B1 --output=avail "$folder" | tail -n 1 | tr -d ' ')
      [ "$free" -ge $LEAST_SPACE ] ||
        fail "the disk of $(readlink -f "$folder") has $(numfmt --to=iec "$free") free, and should have $(numfmt --to=iec $LEAST_SPACE); make room."
    done
  fi
  for port in "$(setting HTTP_PORT 80)" "$(setting HTTPS_PORT 443)"; do
    is_free "$port" || [ -n "$(docker ps -q --filter "publish=$port" --filter "label=com.docker.compose.project=$(project)")" ] ||
      fail "port $port is taken; look at who has it, and stop that: ss -ltnp 'sport = :$port'"
  done
}

is_free() { [ -z "$(ss -Hltn "sport = :$1")" ]; }

is_address() { [[ $1 =~ ^[A-Za-z0-9._%+-]+@([A-Za-z0-9.-]+)$ ]] && is_domain "${BASH_REMATCH[1],,}"; }

# ask_for_settings: the domain and the address into $domain and $email.
ask_for_settings() {
  question 'The domain of the page, for example thinkring.example.com:'
  until is_domain "${said,,}"; do
    echo "\"$said\" is not a domain; give the bare name, without https:// or a path."
    question 'The domain:'
  done
  domain=${said,,}
  question "The e-mail address at which Let's Encrypt may tell you of trouble with the certificate; empty for none:"
  until [ -z "$said" ] || is_address "$said"; do
    echo "\"$said\" is not an address such as you@$domain."
    question 'The e-mail address, or nothing:'
  done
  email=$said
}

# look_at NAME: warns if it does not lead here; behind a router only the operator can tell.
look_at() {
  local addresses elsewhere
  find_addresses "$1"
  if [ -z "$addresses" ]; then
    echo "Warning: $1 has no address in the DNS. Make a record of this machine's address for it where the domain is administered; there is no certificate without."
  elif [ -n "$elsewhere" ]; then
    echo "Warning: $1 leads to $elsewhere, and that is no address of this machine. It is right if what has it passes ports 80 and 443 on to here; if not, mend the record first, or there is no certificate."
  fi
}

write_settings() {
  ops/setup.sh "$domain" || return 1
  if [ -n "$email" ]; then sed -i "s/^CERTBOT_EMAIL=.*/CERTBOT_EMAIL=$email/" .env.production; fi
}

# answers: do page and API answer through nginx, as they do to a browser?
answers() {
  local address
  for address in "$page/" "https://api.${page#https://}/api/v1/health/ready/"; do
    curl --silent --fail --insecure --max-time 10 --noproxy '*' --connect-to "::127.0.0.1:$port" "$address" || return 1
  done
}

start() {
  local end
  "${compose[@]}" up -d --build || return 1
  end=$((SECONDS + START_SECONDS))
  until answers >/dev/null; do
    if [ "$SECONDS" -ge "$end" ]; then
      echo "Page and API did not answer within $START_SECONDS seconds; see why: ${compose[*]} logs --tail 50"
      return 1
    fi
    sleep 1
  done
}

make_administrator() {
  ask "$db_name" 'select exists (select from accounts_user where is_superuser and is_active)' ||
    fail "the database does not say whether there is an administrator: $cause"
  if [ "$answer" = t ]; then
    echo 'An administrator … there already.'
  elif [ -t 0 ]; then
    echo 'An administrator, whose name and password you choose now:'
    # Ctrl-C ends the questions, and not this script without a word.
    trap : INT
    "${compose[@]}" exec backend python manage.py createsuperuser ||
      fail 'no administrator was made; run it again, and it goes on from here.'
    trap - INT
  else
    echo "An administrator … is made at a terminal: ${compose[*]} exec backend python manage.py createsuperuser"
  fi
}

has_certificate() { ops/certificates.sh status; }

has_backup() { [ -n "$(newest_verified)" ]; }

has_base_backup() { [ -n "$(own_base_backup)" ]; }

is_closed() { ops/firewall.sh --show; }

close_the_machine() {
  if ! command -v ufw >/dev/null; then
    echo 'A firewall … there is no ufw on this machine (docs/runbook.md, 10.1).'
  elif [ "$(id -u)" != 0 ]; then
    echo 'A firewall … is for root to turn on: sudo ops/firewall.sh'
  elif is_closed >/dev/null 2>&1 ||
    agreed "Shall the firewall close all ports but $(ssh_ports | paste -sd ' ') (SSH), $(setting HTTP_PORT 80) and $port?"; then
    step 'The firewall' is_closed ops/firewall.sh || undone=yes
  fi
}

[ $# = 0 ] || refuse "it takes no arguments, it asks; see $script --help."
lock install
[ -e .env.production ] || settings=.env.production.example
look_at_the_machine

if [ -e .env.production ]; then
  domain=$(page_domain)
  email=
  echo "Going on with $domain, which .env.production is for."
else
  ask_for_settings
fi
port=$(setting HTTPS_PORT 443)
page=https://$domain
if [ "$port" != 443 ]; then page+=:$port; fi

cat <<PLAN

thinkRing is going to answer at $page. What comes, as far as it is not there yet:
  settings with new secrets, in .env.production
  images and containers, built and started: some minutes
  an administrator, whose name and password you choose
  a certificate from Let's Encrypt, whose terms this accepts
  a backup and a base backup now, and from now on every night, by cron
  a firewall, if there is ufw and you say yes to it

PLAN
look_at "$domain"
look_at "api.$domain"
agreed 'Shall it begin?' || fail 'nothing was changed.'

: >"$log"
step 'The settings' false write_settings || fail 'there are no settings; mend what is said above, and run it again.'
settings=.env.production
step 'The containers, which take some minutes' answers start ||
  fail "thinkRing does not run; mend what is said above (more in $log), and run it again."
find_database
make_administrator
step 'A certificate that browsers trust' has_certificate ops/certificates.sh issue ||
  { echo '  The self-signed one stays, of which browsers warn.' && undone=yes; }
step 'A backup' has_backup ./backup.sh || undone=yes
step 'A base backup' has_base_backup ops/base-backup.sh || undone=yes
step 'The schedule' false ops/schedule.sh || undone=yes
close_the_machine
echo
ops/doctor.sh </dev/null || undone=yes
echo
echo "thinkRing answers at $page, and its administration at https://api.$domain/admin/"
echo 'Keep a copy of .env.production on another machine: it is in no backup.'
[ -z "$undone" ] || fail 'it is not complete; mend what is said above, and run it again.'
