"""What the jobs of ops/kubernetes see in a database. Inside tests/with-postgres.sh (`make test-postgres`)."""

import os
import subprocess
import sys

import psycopg
import pytest

from .rendering import FOLDER

BACKEND = FOLDER.parents[1] / "backend"
SCRIPTS = FOLDER / "base" / "scripts"
SCHEMA = FOLDER.parent / "schema" / "schema.py"
SERVER = {
    "host": os.environ["DB_HOST"],
    "port": os.environ["DB_PORT"],
    "user": os.environ["DB_USER"],
    "password": os.environ["DB_PASSWORD"],
}
ENVIRONMENT = {
    **os.environ,
    "DEBUG": "False",
    "ALLOWED_HOSTS": "localhost",
    "SECRET_KEY": "a secret of nobody, long enough for each",
    "JWT_SECRET_KEY": "a secret of nobody, long enough for each",
}
# Both halves of what the drill compares, with another database of the same server in the place of the restored one.
COMPARE = """
import sys
from datetime import timedelta
import django
django.setup()
sys.path.insert(0, {scripts!r})
from django.db import connections
from django.utils import timezone
from apps.accounts.models import User
import drill
connections.settings["restored"] = connections.settings["default"] | {{"NAME": "restored"}}
moment = timezone.now() - timedelta(seconds={seconds})
for sentence in drill.difference(drill.contents("default", moment), drill.contents("restored", moment)):
    print(sentence)
"""


def sql(database, *statements):
    with psycopg.connect(**SERVER, dbname=database, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def run(*arguments, database="jobs", text=None):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=BACKEND,
        env={**ENVIRONMENT, "DB_NAME": database, "DJANGO_SETTINGS_MODULE": "thinkring.settings"},
        input=text,
        capture_output=True,
        text=True,
    )


def schema(word):
    """As the jobs `schema` and `migrate` run it."""
    return run("-", word, text=SCHEMA.read_text())


@pytest.fixture(scope="module")
def migrated():
    """A database as the first start of the job `migrate` leaves it."""
    sql(os.environ["DB_NAME"], "DROP DATABASE IF EXISTS jobs", "CREATE DATABASE jobs")
    assert run("manage.py", "prepare_database").returncode == 0
    return "jobs"


def test_a_database_with_nothing_in_it_knows_no_migration_that_the_release_does_not():
    sql(os.environ["DB_NAME"], "DROP DATABASE IF EXISTS jobs", "CREATE DATABASE jobs")

    look = schema("look")

    assert look.returncode == 0, look.stderr
    assert "surplus" not in look.stdout
    assert look.stdout.endswith("\nlooked\n")


def test_a_schema_that_is_this_releases_is_left_as_it_is(migrated):
    for word in ("look", "migrate"):
        result = schema(word)
        assert (result.returncode, result.stdout) == (0, "looked\n"), result.stderr


def test_what_is_pending_is_named_by_look_and_applied_by_migrate(migrated):
    sql(migrated, "DELETE FROM django_migrations WHERE app = 'sessions'", "DROP TABLE django_session")

    look = schema("look")
    wanted = "pending sessions.0001_initial\nbreaking sessions.0001_initial\nlooked\n"
    assert (look.returncode, look.stdout) == (0, wanted), look.stderr
    assert schema("look").stdout == look.stdout

    assert schema("migrate").returncode == 0
    assert schema("look").stdout == "looked\n"
    sql(migrated, "SELECT session_key FROM django_session")


def test_a_schema_of_a_newer_release_is_told(migrated):
    sql(migrated, "INSERT INTO django_migrations (app, name, applied) VALUES ('thinking', '9999_newer', now())")
    try:
        result = schema("look")
    finally:
        sql(migrated, "DELETE FROM django_migrations WHERE name = '9999_newer'")

    assert (result.returncode, result.stdout) == (0, "surplus thinking.9999_newer\nlooked\n"), result.stderr


@pytest.fixture(scope="module")
def seeded(migrated):
    """With projects of an hour ago, and nodes of now."""
    seed = run("manage.py", "seed_demo", "--password", "correct horse battery", database=migrated)
    assert seed.returncode == 0, seed.stderr
    sql(migrated, "UPDATE thinking_project SET created_at = now() - interval '1 hour'")
    return migrated


@pytest.fixture
def restored(seeded):
    """A copy of it."""
    sql(os.environ["DB_NAME"], "DROP DATABASE IF EXISTS restored", f"CREATE DATABASE restored TEMPLATE {seeded}")
    return "restored"


def compare():
    result = run("-c", COMPARE.format(scripts=str(SCRIPTS), seconds=300))
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_restored_database_that_has_all_is_good(restored):
    assert compare() == ""


def test_rows_that_are_missing_in_it_are_named(restored):
    sql(restored, "SET session_replication_role = replica", "DELETE FROM thinking_project")

    assert compare().startswith("thinking.Project has 0 rows instead of ")


def test_what_was_written_a_moment_ago_may_be_missing(restored):
    sql(restored, "SET session_replication_role = replica", "DELETE FROM thinking_node")

    assert compare() == ""


def test_what_was_never_migrated_is_named(restored):
    sql(restored, "DELETE FROM django_migrations WHERE app = 'sessions'")

    assert compare() == "its migrations are others\n"
