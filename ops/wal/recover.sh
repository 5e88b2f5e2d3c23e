#!/bin/bash
# recover.sh SYSTEM BASE [TIME] - a database as it was at TIME, else as late as there is WAL of it: from the base
# backup BASE of SYSTEM in /backups, for ops/restore.sh, in a container that has nothing else and no network.

set -euo pipefail

fail() {
  printf 'FATAL: %s\n' "$*" >&2
  exit 1
}

base=/backups/base/$1/$2
install -d -m 700 "$PGDATA"
zstd -dcq "$base/base.tar.zst" | tar -xf - -C "$PGDATA" || fail "$base/base.tar.zst cannot be unpacked."
pg_verifybackup -q -n -m "$base/backup_manifest" "$PGDATA" || fail "$base is damaged; take an older one: move it away."
start=$(sed -n 's/^START WAL LOCATION: .* (file \(.*\))$/\1/p' "$PGDATA/backup_label")
# A gap would end the recovery early, and PostgreSQL would not say so.
bash /wal/contiguous.sh "/backups/wal/$1" "$start" >/dev/null
touch "$PGDATA/recovery.signal"
# What it writes is copied or put in place before anybody relies on it.
exec postgres -c fsync=off -c listen_addresses= -c archive_mode=off -c "restore_command=sh /wal/fetch.sh $1 %f %p" \
  -c recovery_target_action=promote ${3:+-c "recovery_target_time=$3"}
