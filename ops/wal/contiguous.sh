#!/bin/bash
# contiguous.sh FOLDER SEGMENT - whether FOLDER has all WAL from SEGMENT on, archived or received; says up to which.

set -euo pipefail

folder=$1
segment=$2

is_there() { [ -e "$folder/$1.zst" ] || [ -e "$folder/received/$1" ] || [ -e "$folder/received/$1.partial" ]; }

# after SEGMENT: its name is the timeline, and a number in two parts, the second of which ends at FF.
after() {
  local number=$(((16#${1:8:8} << 8) + 16#${1:16:8} + 1))
  printf '%s%08X%08X' "${1:0:8}" $((number >> 8)) $((number & 255))
}

last=
while is_there "$segment"; do
  last=$segment
  segment=$(after "$segment")
done
for file in "$folder"/"${segment:0:8}"????????????????.zst "$folder"/received/"${segment:0:8}"????????????????*; do
  name=$(basename "$file")
  if [ -e "$file" ] && [[ ${name%%.*} > $segment ]]; then
    echo "FATAL: of $folder the file $segment is missing, and $name is there." >&2
    exit 1
  fi
done
[ -n "$last" ] || { echo "FATAL: $folder has not the file $segment." >&2; exit 1; }
echo "$last"
