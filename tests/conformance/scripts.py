"""The scripts, by what they do when they are run: with stand-ins for docker-compose and curl that keep a record."""

import ast
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .departure import MISSING, Departure
from .specification import DIRECTORY, block

BACKUP = "backup.sh"
INSTALLATION = "ops/installation.sh"
HEALTH = "ops/check-health.sh"
VIEWS = "backend/apps/core/views.py"
RUNBOOK = "docs/runbook.md"

DOCKER_COMPOSE = """#!/bin/bash
while [ "$1" != exec ]; do
  case $1 in
    config) exit ;;
    ps) echo container; exit ;;
  esac
  args+=("$1")
  shift
done
printf '%s\\n' "docker-compose ${args[*]} $*" >>"$RECORD"
shift 3
export POSTGRES_USER=thinkring_user POSTGRES_DB=thinkring_prod
"$@"
"""
DOCKER = """#!/bin/bash
export POSTGRES_USER=thinkring_user POSTGRES_DB=thinkring_prod PGDATA=.
case $1 in
  inspect) echo true ;;
  ps) echo container ;;
  exec)
    while [[ $1 != container && $1 != *_check_* ]]; do shift; done
    shift
    "$@"
    ;;
  run) tar -czf - --files-from /dev/null ;;
esac
"""
PG_DUMP = """#!/bin/sh
printf '%s\\n' "pg_dump $*" >>"$RECORD"
echo '-- PostgreSQL database dump complete'
"""
# A server whose databases are empty.
PSQL = """#!/bin/sh
while read -r line; do
  case $line in *pg_export_snapshot*) echo 00000003-00000001-1 ;; esac
done
"""
PG_ISREADY = """#!/bin/sh
"""
CURL = """#!/bin/bash
printf '%s\\n' "${@: -1}" >>"$RECORD"
format=
while [ $# -gt 0 ]; do
  case $1 in
    -o | --output) quiet=yes ;;
    -w | --write-out) format=$2 ;;
  esac
  shift
done
[ -n "$quiet" ] || printf '{"status": "healthy"}'
printf "${format//%\\{http_code\\}/$STATUS}"
"""


def departures(project):
    yield from backup(project)
    yield from health(project)
    yield from health_view(project)
    for name in ["backup.cron", "certificates.cron"]:
        for line in commands(block(name)):
            if line not in (project / RUNBOOK).read_text().splitlines():
                yield Departure(RUNBOOK, line, MISSING)


def commands(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def run(script, tools, directory, **variables):
    """Runs a script with stand-ins first in its path; the result, and what they recorded."""
    bin, record = directory / "bin", directory / "record"
    bin.mkdir(exist_ok=True)
    record.write_text("")
    for name, text in tools.items():
        (bin / name).write_text(text)
        (bin / name).chmod(0o755)
    result = subprocess.run(
        ["bash", script],
        env={"PATH": f"{bin}:{os.environ['PATH']}", "RECORD": str(record)} | variables,
        capture_output=True,
        text=True,
    )
    return result, record.read_text().splitlines()


def backup(project):
    """Where the dump goes, its name, the command that makes it, and how old an old one may be."""
    text = block(BACKUP)
    directory = re.search(r'BACKUP_DIR="(.*)"', text)[1]
    name = re.search(r'BACKUP_FILE="\$BACKUP_DIR/(.*)"', text)[1]
    date = re.search(r"DATE=\$\(date \+(.*)\)", text)[1]
    dump = re.search(r"^(docker-compose .*) > \$BACKUP_FILE$", text, re.M)[1]
    days = int(re.search(r"-mtime \+(\d+) -delete", text)[1])

    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        shutil.copy(project / BACKUP, here)
        (here / "ops" / "state").mkdir(parents=True)
        shutil.copy(project / INSTALLATION, here / "ops")
        (here / "backups").mkdir()
        for age in range(60):
            old = here / "backups" / name.replace("$DATE", f"20000101_0000{age:02}")
            old.touch()
            os.utime(old, (then := time.time() - (age + 0.5) * 24 * 3600, then))
        tools = {"docker-compose": DOCKER_COMPOSE, "docker": DOCKER}
        tools |= {"pg_dump": PG_DUMP, "pg_isready": PG_ISREADY, "psql": PSQL}
        result, record = run(here / BACKUP, tools, here)
        if result.returncode != 0:
            yield Departure(BACKUP, "exit status", str(result.returncode))
            return
        dumps = [path for path in here.rglob("*.sql") if "20000101" not in path.name]
        kept = [int(path.stem[-2:]) for path in here.rglob("*20000101*.sql")]

    found = f".{os.sep}{dumps[0].parent.relative_to(here)}"
    if found != directory:
        yield Departure(BACKUP, f"BACKUP_DIR {directory}", found)
    prefix, suffix = name.split("$DATE")
    written = dumps[0].name
    if not (written.startswith(prefix) and written.endswith(suffix)):
        yield Departure(BACKUP, f"BACKUP_FILE {name}", re.sub(r"\d{8}_\d{6}", "$DATE", written))
    elif not is_date(written.removeprefix(prefix).removesuffix(suffix), date):
        yield Departure(BACKUP, f"DATE {date}", "another form")
    before, _, _ = record[0].partition(" sh -c ")
    # The moment at which the rows were counted; it leaves every specified value in place.
    found = f"{before} {re.sub(r'--snapshot=[0-9A-F-]+ ', '', record[1])}"
    if found != dump:
        yield Departure(BACKUP, dump, found)
    if max(kept) != days:
        yield Departure(BACKUP, f"-mtime +{days}", f"+{max(kept)}")


def is_date(text, form):
    try:
        time.strptime(text, form)
    except ValueError:
        return False
    return True


def health(project):
    """The address that is asked, and what the script makes of each status."""
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        (here / "ops" / "state").mkdir(parents=True)
        for script in [HEALTH, INSTALLATION]:
            shutil.copy(project / script, here / "ops")
        (here / ".env").write_text(block("env.production"))
        for status in ["200", "301", "502"]:
            specified, asked = run(DIRECTORY / "check-health.sh", {"curl": CURL}, here, STATUS=status)
            actual, really_asked = run(here / HEALTH, {"curl": CURL}, here, STATUS=status)
            if really_asked != asked and status == "200":
                yield Departure(HEALTH, " ".join(asked), " ".join(really_asked))
            if actual.returncode != specified.returncode:
                yield Departure(HEALTH, f"exit status at {status}", str(actual.returncode))
            said, says = (result.stdout + result.stderr for result in (specified, actual))
            if bool(said) != says.startswith("Health check failed: "):
                yield Departure(HEALTH, f"message at {status}", says.strip() or "nothing")


def health_view(project):
    """What the view comes to in the end; it may refuse a request before that."""
    specified = last_line(block("views.py"))
    path = project / VIEWS
    actual = last_line(path.read_text()) if path.exists() else MISSING
    if actual != specified:
        yield Departure(VIEWS, "health_check", actual)


def last_line(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == "health_check":
            return ast.unparse(node.body[-1])
    return MISSING
