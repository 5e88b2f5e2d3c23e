#!/usr/bin/env bash
# Keeps what a database of this release looks like, for every later release to migrate. Part of making a release:
#
#   tests/with-postgres.sh tests/upgrades/dump.sh      writes tests/upgrades/VERSION.sql
set -euo pipefail
cd "$(dirname "$0")/../.."

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' backend/thinkring/__init__.py)
dump=tests/upgrades/$version.sql
[ ! -e "$dump" ] || { echo "dump: $dump is there already; a release's dump never changes" >&2; exit 1; }

python=$PWD/.venv/bin/python
(cd backend && "$python" manage.py migrate --verbosity 0 && "$python" manage.py seed_demo >/dev/null)
# INSERTs, and none of psql's own commands: the test needs nothing but a database connection to load it.
$PG_DUMP --inserts --no-owner --no-privileges "$DB_NAME" | sed '/^[\\]/d' >"$dump"
echo "Wrote $dump."
