"""Databases that earlier releases made, migrated to this one: nothing is lost, this code is ready on them.

Runs inside tests/with-postgres.sh (`make test-postgres`).
"""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

HERE = Path(__file__).parent
BACKEND = HERE.parent.parent / "backend"
DUMPS = sorted(HERE.glob("*.sql"))


@pytest.fixture
def upgraded(request):
    """The name of a database that holds the dump, and the number of rows in each of its tables."""
    server = {
        "host": os.environ["DB_HOST"],
        "port": os.environ["DB_PORT"],
        "user": os.environ["DB_USER"],
        "password": os.environ["DB_PASSWORD"],
    }
    name = f"upgrade_{request.param.stem}"
    with psycopg.connect(**server, dbname=os.environ["DB_NAME"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(**server, dbname=name) as connection:
        connection.execute(request.param.read_text())
    return {**server, "dbname": name}


def rows(database) -> dict[str, int]:
    with psycopg.connect(**database) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND (tablename LIKE 'accounts%' OR tablename LIKE 'thinking%')"
        ).fetchall()
        count = sql.SQL("SELECT count(*) FROM public.{}")
        return {table: connection.execute(count.format(sql.Identifier(table))).fetchone()[0] for (table,) in tables}


def manage(database, *arguments) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BACKEND,
        env={**os.environ, "DB_NAME": database["dbname"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_a_dump_of_every_release():
    changelog = (HERE.parent.parent / "CHANGELOG.md").read_text()
    releases = [line.split()[1] for line in changelog.splitlines() if line.startswith("## ")]
    assert [dump.stem for dump in DUMPS] == sorted(releases)


@pytest.mark.parametrize("upgraded", DUMPS, indirect=True, ids=lambda dump: dump.stem)
def test_it_migrates(upgraded):
    before = rows(upgraded)
    assert before["thinking_project"] > 0

    manage(upgraded, "migrate", "--verbosity", "0")

    after = rows(upgraded)
    assert {table: after.get(table) for table in before} == before
    manage(upgraded, "migrate", "--check")
    readiness = "from apps.core.checks import readiness; print(readiness())"
    answer = manage(upgraded, "shell", "--no-imports", "--command", readiness)
    assert answer.strip() == "{'database': 'ok', 'migrations': 'ok', 'cache': 'ok'}"
