"""Databases that earlier releases made, migrated to this one: nothing is lost, this code is ready on them.

Runs inside tests/with-postgres.sh (`make test-postgres`), which runs the back end's tests on the oldest of them too.
"""

import os
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

HERE = Path(__file__).parent
BACKEND = HERE.parent.parent / "backend"
DUMPS = sorted(HERE.glob("*.sql"))

# As somebody who has an account there: all that is theirs, read through the API, exported and taken in again.
EVERYBODY = """
from rest_framework.test import APIClient
from apps.accounts import tokens
from apps.accounts.models import User
from apps.thinking.models import Node, Project

def asked(method, address, **arguments):
    answer = getattr(client, method)("/api/v1/" + address, SERVER_NAME="localhost", **arguments)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return answer

for user in User.objects.all():
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.start_session(user).access}")
    projects = asked("get", "projects/?page_size=100").json()
    assert projects["count"] == Project.objects.filter(owner=user, deleted_at=None).count()
    for project in projects["results"]:
        asked("get", f"projects/{project['id']}/graph/")
        for round in asked("get", f"projects/{project['id']}/rounds/").json()["results"]:
            asked("get", f"rounds/{round['id']}/steps/")
        title = project["title"]
        found = asked("get", "search/", data={"q": title[:100]}).json()["results"]
        assert project["id"] in [one["id"] for one in found], title
    nodes = asked("get", "nodes/?page_size=100").json()
    assert nodes["count"] == Node.objects.filter(owner=user, deleted_at=None).count()
    exported = asked("get", "account/export/?as=json")
    asked("post", "account/import/", data=exported.getvalue(), content_type="application/json")
    print(user.username, projects["count"], nodes["count"])
"""


def create(name):
    server = {
        "host": os.environ["DB_HOST"],
        "port": os.environ["DB_PORT"],
        "user": os.environ["DB_USER"],
        "password": os.environ["DB_PASSWORD"],
    }
    with psycopg.connect(**server, dbname=os.environ["DB_NAME"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return {**server, "dbname": name}


class Upgraded:
    """A database that holds the dump and was migrated, and the number of rows that each of its tables had before."""

    def __init__(self, dump):
        self.database = create(f"upgrade_{dump.stem}")
        with psycopg.connect(**self.database) as connection:
            connection.execute(dump.read_text())
        self.before = rows(self.database)
        manage(self.database, "migrate", "--verbosity", "0")


@pytest.fixture(scope="module", params=DUMPS, ids=lambda dump: dump.stem)
def upgraded(request):
    return Upgraded(request.param)


@pytest.fixture(scope="module")
def fresh():
    """A database that this release made, and that was dumped too: PostgreSQL words some conditions otherwise then."""
    made = create("upgrade_made")
    manage(made, "migrate", "--verbosity", "0")
    database = create("upgrade_fresh")
    with psycopg.connect(**database) as connection:
        connection.execute("\n".join(schema(made)))
    return database


def rows(database) -> dict[str, int]:
    with psycopg.connect(**database) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND (tablename LIKE 'accounts%' OR tablename LIKE 'thinking%')"
        ).fetchall()
        count = sql.SQL("SELECT count(*) FROM public.{}")
        return {table: connection.execute(count.format(sql.Identifier(table))).fetchone()[0] for (table,) in tables}


def schema(database) -> list[str]:
    command = [*os.environ["PG_DUMP"].split(), "--schema-only", "--no-owner", database["dbname"]]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Without what belongs to psql alone: each run has another \restrict.
    return [line for line in dump.splitlines() if not line.startswith("\\")]


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
    releases = [line.split()[1] for line in changelog.splitlines() if line.startswith("## ") and "–" in line]
    assert [dump.stem for dump in DUMPS] == sorted(releases)


def test_it_migrates(upgraded):
    assert upgraded.before["thinking_project"] > 0

    after = rows(upgraded.database)

    assert {table: after.get(table) for table in upgraded.before} == upgraded.before
    manage(upgraded.database, "migrate", "--check")
    readiness = "from apps.core.checks import readiness; print(readiness())"
    answer = manage(upgraded.database, "shell", "--no-imports", "--command", readiness)
    assert answer.strip() == "{'database': 'ok', 'migrations': 'ok', 'cache': 'ok'}"


def test_it_is_made_as_a_fresh_one_is(upgraded, fresh):
    assert "CREATE TABLE public.thinking_node (" in schema(fresh)
    assert list(unified_diff(schema(fresh), schema(upgraded.database), lineterm="", n=1)) == []


def test_everybody_finds_what_is_theirs(upgraded):
    said = manage(upgraded.database, "shell", "--no-imports", "--command", EVERYBODY)

    assert len(said.splitlines()) == upgraded.before["accounts_user"] > 0
