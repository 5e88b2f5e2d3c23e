import signal
import sqlite3
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

COMMAND = "prepare_database"
KILLED_WHILE_MIGRATING = f"""
import os, signal
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
recorded, record = [], MigrationRecorder.record_applied
def die_at_the_fifth(self, app, name):
    record(self, app, name)
    recorded.append(name)
    if len(recorded) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
MigrationRecorder.record_applied = die_at_the_fifth
call_command("{COMMAND}")
"""


@pytest.fixture
def empty_database(tmp_path):
    return {"SQLITE_PATH": str(tmp_path / "database.sqlite3")}


@pytest.fixture
def empty_postgresql(postgresql, transactional_db):
    """A database of its own beside the tests' one."""
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
        yield {
            "DB_NAME": name,
            "DB_HOST": connection.settings_dict["HOST"],
            "DB_PORT": str(connection.settings_dict["PORT"]),
            "DB_USER": connection.settings_dict["USER"],
            "DB_PASSWORD": connection.settings_dict["PASSWORD"],
        }
        cursor.execute(f"DROP DATABASE {name}")


def test_it_works(manage, empty_database):
    """An empty database is migrated, and stays as it is the second time."""
    done = manage(COMMAND, **empty_database)
    assert (done.returncode, done.stdout) == (0, "Empty database: migrating.\nMigrated.\n")
    assert manage("migrate", "--check", **empty_database).returncode == 0

    done = manage(COMMAND, **empty_database)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_database_that_has_tables_is_left_alone(manage, empty_database):
    """What it lacks, and how it gets it, is said at each start."""
    with sqlite3.connect(empty_database["SQLITE_PATH"]) as database:
        database.execute("CREATE TABLE somebody_elses (id integer)")

    done = manage(COMMAND, **empty_database)

    assert done.returncode == 0
    assert done.stdout.startswith("The database lacks ")
    assert "accounts.0001_initial" in done.stdout
    assert done.stdout.endswith("exec -T backend python manage.py migrate\n")
    assert list(database.execute("SELECT name FROM sqlite_master")) == [("somebody_elses",)]


def test_two_at_once(manage, empty_postgresql):
    """Two backends start on an empty database: one migrates, the other waits for it."""
    done = []
    starts = [threading.Thread(target=lambda: done.append(manage(COMMAND, **empty_postgresql))) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()

    assert [process.returncode for process in done] == [0, 0]
    assert sorted(process.stdout for process in done) == ["", "Empty database: migrating.\nMigrated.\n"]
    assert manage("migrate", "--check", **empty_postgresql).returncode == 0


def test_a_first_migration_that_is_interrupted_is_begun_again(manage, empty_postgresql):
    """Killed half-way, it leaves the database as empty as it was."""
    killed = manage("shell", "--no-imports", "--command", KILLED_WHILE_MIGRATING, **empty_postgresql)
    assert killed.returncode == -signal.SIGKILL

    done = manage(COMMAND, **empty_postgresql)

    assert (done.returncode, done.stdout) == (0, "Empty database: migrating.\nMigrated.\n")
    assert manage("migrate", "--check", **empty_postgresql).returncode == 0


def test_it_waits_for_the_database(monkeypatch, capsys):
    attempts = []

    def ensure_connection():
        attempts.append(None)
        if len(attempts) < 3:
            raise OperationalError("starting up")

    monkeypatch.setattr(connection, "ensure_connection", ensure_connection)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(f"apps.core.management.commands.{COMMAND}.Command.migrate_or_tell", lambda self: None)
    monkeypatch.setattr(connection, "vendor", "sqlite")

    call_command(COMMAND)

    assert len(attempts) == 3
    assert capsys.readouterr().out.count("Waiting for the database at ") == 1


def test_a_database_that_never_answers(manage):
    done = manage(COMMAND, "--deadline", "0", DB_HOST="127.0.0.1", DB_PORT="1")

    assert done.returncode == 1
    assert done.stderr.startswith(
        "CommandError: the database at 127.0.0.1:1 did not answer within 0 seconds: connection failed"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "refusal",
    ['password authentication failed for user "thinkring_user"', 'database "thinkring_prod" does not exist'],
)
def test_what_waiting_does_not_change_is_said_at_once(monkeypatch, refusal):
    def ensure_connection():
        raise OperationalError(refusal)

    monkeypatch.setattr(connection, "ensure_connection", ensure_connection)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("waited"))

    with pytest.raises(CommandError, match=f"{refusal}\nIt keeps the names and the password"):
        call_command(COMMAND)


@pytest.mark.parametrize(
    "refusal",
    ['password authentication failed for user "here"', 'root certificate file "/home/root.crt" does not exist'],
)
def test_a_database_elsewhere_is_not_to_be_deleted_here(monkeypatch, settings, refusal):
    def ensure_connection():
        raise OperationalError(refusal)

    settings.DATABASE_ELSEWHERE = True
    monkeypatch.setattr(connection, "ensure_connection", ensure_connection)

    with pytest.raises(CommandError) as refused:
        call_command(COMMAND)
    said = str(refused.value)
    assert f"refused: {refusal}\nMend DATABASE_URL: " in said
    assert "down -v" not in said
