#!/bin/sh
# receive.sh - receives the database's WAL as it is written, into /backups/wal/SYSTEM/received, beside the archive,
# which gets it a minute later. It runs in the container of the service wal, and goes on until that is stopped.

set -eu

ask() { psql -XqAt -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "$1"; }

# prune FOLDER [SUFFIX]: what the archive has is not needed twice, and what was cleared away from there, not at all.
prune() {
  # shellcheck disable=SC2010
  oldest=$(ls "$1" | grep -E '^[0-9A-F]{24}\.zst$' | head -n 1)
  for received in "$1"/received/????????????????????????"${2:-}"; do
    name=$(basename "$received" "${2:-}")
    if [ -e "$1/$name.zst" ] || expr "x$name" \< "x${oldest:-$name}" >/dev/null; then rm -f "$received"; fi
  done
}

trap 'kill "$receiver" 2>/dev/null; exit 0' TERM INT
receiver=
while true; do
  # Without the database, or without a place to put it, it waits for them.
  if system=$(ask 'select system_identifier from pg_control_system()' 2>/dev/null) &&
    mkdir -p "/backups/wal/$system/received"; then
    folder=/backups/wal/$system
    # Stopped for so long that the database has thrown away what it had not received: the archive has that.
    ask "select pg_drop_replication_slot(slot_name) from pg_replication_slots
         where slot_name = 'receiver' and wal_status = 'lost'" >/dev/null || true
    ask "select pg_create_physical_replication_slot('receiver', true)
         where not exists (select from pg_replication_slots where slot_name = 'receiver')" >/dev/null || true
    # It asks for what follows the newest file that it has, for good, though the database has that no longer.
    prune "$folder"
    prune "$folder" .partial
    pg_receivewal --no-loop -U "$POSTGRES_USER" -D "$folder/received" --slot receiver &
    receiver=$!
    # It ends when the database does, which may come back as another one.
    while kill -0 "$receiver" 2>/dev/null; do
      prune "$folder"
      sleep 5
    done
  fi
  sleep 1
done
