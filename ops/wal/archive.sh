#!/bin/sh
# archive.sh PATH NAME - the database's archive_command: keeps one file of WAL, compressed, in /backups/wal/SYSTEM.
# It runs in the container of the database. SYSTEM is the database's own identifier: one that is made anew after
# a disaster begins its names again, and must not meet those of the old one.

set -eu

system=$(pg_controldata | sed -n 's/^Database system identifier: *//p')
[ -n "$system" ] || { echo 'archive.sh: pg_controldata does not say which database this is.' >&2; exit 1; }
folder=/backups/wal/$system
kept=$folder/$2.zst
part=$folder/.$2.part

mkdir -p "$folder"
if [ -e "$kept" ]; then
  # The database went away after it was kept and before it knew.
  if zstd -dcq "$kept" | cmp -s - "$1"; then exit 0; fi
  echo "archive.sh: $kept is there already and holds something else; move it away." >&2
  exit 1
fi
zstd -1 -qf "$1" -o "$part"
sync "$part"
# A link never replaces what is there.
ln "$part" "$kept"
rm "$part"
sync "$folder"
