#!/bin/sh
# fetch.sh SYSTEM NAME PATH - the restore_command of a recovery: brings one file of WAL back, as archive.sh has kept it
# or as receive.sh has received it. PostgreSQL takes 1 for "there is no more", and more than 125 for a failure.

set -eu

folder=/backups/wal/$1

if [ -e "$folder/$2.zst" ]; then
  zstd -dqf "$folder/$2.zst" -o "$3" || exit 126
elif [ -e "$folder/received/$2" ]; then
  cp "$folder/received/$2" "$3" || exit 126
elif [ -e "$folder/received/$2.partial" ]; then
  # The one that was being written: the rest of it is zeros.
  cp "$folder/received/$2.partial" "$3" || exit 126
else
  exit 1
fi
