#!/bin/bash
# firewall.sh - closes this machine but for SSH, HTTP and HTTPS, by ufw; what Docker publishes too.
#
#   ops/firewall.sh           open the port of SSH and those of the page, close the rest, and show that
#   ops/firewall.sh --show    what is open; exits with 1 when something of it is missing
#   ops/firewall.sh --help    say this
#
# SSH is open wherever sshd listens, and where the session came in from which this is run. Rules that ufw has
# already stay.
#
# ufw alone does not see what Docker publishes. So /etc/ufw/after.rules and after6.rules get a marked block that sends
# it through ufw's own rules: a container's port is open when `ufw route allow` says so. These rules outlive `ufw disable`,
# until the block is taken out and Docker is started again.

# shellcheck source=ops/installation.sh
set -euo pipefail
source "$(dirname "$(readlink -f "$0")")/installation.sh"

FILES=(/etc/ufw/after.rules /etc/ufw/after6.rules)
# What nginx listens on inside of its container: forwarded packets have that port already.
CONTAINER_PORTS=(80 443)

# rules FILE: the block for it. What comes from a network of Docker is not from outside, whatever interfaces that has:
# an interface that is added later is closed, not open.
rules() {
  local user=ufw-user-forward
  if [[ $1 == *6.rules ]]; then user=ufw6-user-forward; fi
  block thinkring <<RULES
*filter
:$user - [0:0]
:DOCKER-USER - [0:0]
-A DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
-A DOCKER-USER -i docker+ -j RETURN
-A DOCKER-USER -i br-+ -j RETURN
-A DOCKER-USER -j $user
-A DOCKER-USER -j DROP
COMMIT
RULES
}

# ufw_says COMMAND...: quietly, but when it fails.
ufw_says() { capture /dev/null ufw "$@" || fail "ufw $* did not work: $cause"; }

is_active() { LC_ALL=C ufw status | grep -qx 'Status: active'; }

# is_asked: does the kernel send what is forwarded to our rules?
is_asked() { iptables -S FORWARD 2>/dev/null | grep -qx -- '-A FORWARD -j DOCKER-USER'; }

is_loaded() { iptables -S DOCKER-USER 2>/dev/null | grep -qx -- '-A DOCKER-USER -j DROP'; }

# look: what is open, and whether that holds for what Docker publishes.
look() {
  is_active || fail 'the firewall is off; turn it on: ops/firewall.sh'
  LC_ALL=C ufw status verbose | grep -q '^Default: deny (incoming)' ||
    fail 'the firewall lets in what no rule names; close it: ops/firewall.sh'
  ufw status verbose
  echo
  is_loaded || fail 'what Docker publishes goes past the firewall; mend it: ops/firewall.sh'
  if is_asked; then
    echo 'What Docker publishes goes through these rules too (ALLOW FWD, with the port inside of the container):'
  elif docker info >/dev/null 2>&1; then
    fail 'Docker does not ask the chain DOCKER-USER, so what it publishes goes past the firewall; see whether /etc/docker/daemon.json says "iptables": false or "firewall-backend": "nftables", or restart Docker.'
  else
    echo 'Docker does not run; when it does, what it publishes goes through these rules too:'
  fi
  iptables -S DOCKER-USER
}

[ $# -le 1 ] || refuse "too many words; see $script --help."
case ${1:-} in
  '' | --show) ;;
  *) refuse "there is no \"$1\"; see $script --help." ;;
esac
[ "$(id -u)" = 0 ] || fail 'only root may look at the firewall; run it with sudo.'
command -v ufw >/dev/null || fail 'there is no ufw on this machine; install it: apt-get install ufw'

if [ "${1:-}" = --show ]; then
  look
  exit
fi

lock firewall
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
changed=
for rules_file in "${FILES[@]}"; do
  cp -p "$rules_file" "$before"
  next=$before/next
  without_block thinkring <"$rules_file" >"$next" ||
    fail "a mark \"# thinkring: …\" in $rules_file has lost its other half; take out what is ours by hand. Nothing was changed."
  rules "$rules_file" >>"$next"
  if ! cmp -s "$next" "$rules_file"; then changed=yes; fi
  mv "$next" "$before/new-${rules_file##*/}"
done
for family in 4 6; do
  if [ $family = 6 ] && ! grep -qi '^IPV6=yes' /etc/default/ufw; then continue; fi
  restore=iptables-restore rules_file=/etc/ufw/after.rules
  if [ $family = 6 ]; then restore=ip6tables-restore rules_file=/etc/ufw/after6.rules; fi
  capture /dev/null "$restore" --noflush --test < <(rules "$rules_file") ||
    fail "this machine's $restore refuses the rules: $cause Nothing was changed."
done

# What is to stay open first, so that there is no moment without it.
mapfile -t ssh < <(ssh_ports)
for port in "${ssh[@]}" "$(setting HTTP_PORT 80)" "$(setting HTTPS_PORT 443)"; do
  ufw_says allow "$port/tcp"
done
for port in "${CONTAINER_PORTS[@]}"; do
  ufw_says route allow proto tcp from any to any port "$port"
done
echo "Opened ${ssh[*]} (SSH), $(setting HTTP_PORT 80) and $(setting HTTPS_PORT 443)."

if [ -n "$changed" ]; then
  for rules_file in "${FILES[@]}"; do cat "$before/new-${rules_file##*/}" >"$rules_file"; done
  echo "Wrote the rules for what Docker publishes into ${FILES[*]}."
fi
ufw_says default deny incoming
if ! is_active; then
  turn_on=(--force enable)
elif [ -n "$changed" ] || ! is_loaded; then
  turn_on=(reload)
else
  turn_on=()
fi
if [ ${#turn_on[@]} -gt 0 ] && ! capture /dev/null ufw "${turn_on[@]}"; then
  for rules_file in "${FILES[@]}"; do cat "$before/${rules_file##*/}" >"$rules_file"; done
  if [ "${turn_on[0]}" = reload ]; then ufw reload >/dev/null 2>&1 || true; fi
  fail "ufw did not take the rules: $cause The files in /etc/ufw are as they were."
fi
echo 'Closed the rest.'
echo
look
