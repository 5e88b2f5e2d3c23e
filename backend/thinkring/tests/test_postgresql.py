import contextlib
import time

import pytest
from django.db import OperationalError, connection, transaction

from apps.accounts.models import User
from apps.thinking import nodes, rounds
from apps.thinking.models import Project
from apps.thinking.search import search

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgresql")]


@pytest.fixture
def limited(monkeypatch):
    """A connection as a server's, to a database that answers too late."""
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=60000")
    monkeypatch.setattr("thinkring.postgresql.base.SILENCE", 0.3)
    limited = connection.copy()
    yield limited
    limited.close()


def test_it_works(limited):
    """A database that is silent is given up, and asked on a new connection next time."""
    started = time.monotonic()
    with limited.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_sleep(5)")
    assert time.monotonic() - started < 3

    limited.close_if_unusable_or_obsolete()
    with limited.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_migration_takes_its_time(monkeypatch):
    monkeypatch.setattr("thinkring.postgresql.base.SILENCE", 0.3)
    with connection.copy().cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.6)")
        cursor.connection.close()


@pytest.mark.parametrize(("sql", "is_prepared"), [("SELECT %s::text", True), ("SELECT STRPOS('a', %s)", False)])
def test_what_is_asked_often_is_prepared_but_for_searches(sql, is_prepared):
    with connection.copy().cursor() as cursor:
        for _ in range(8):
            cursor.execute(sql, ["a word"])
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert bool(cursor.fetchone()[0]) is is_prepared
        cursor.connection.close()


def test_no_plan_of_a_search_is_kept(alice):
    """Whatever makes its SQL: what `Cursor` looks for is there."""
    for number in range(8):
        search(alice, "誤差", 0, 10)
        nodes.create_node(alice, title=f"誤差 {number}")

    assert prepared("(?i)normalize|strpos|bigrams") == []


def prepared(pattern):
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement ~ %s", [pattern])
        return cursor.fetchall()


@pytest.fixture
def widen():
    """Makes a column wider or narrower, from a connection of its own, as a migration does while the release answers."""
    other = connection.copy()

    def change(table, column, length):
        with other.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ALTER {column} TYPE varchar({length})")

    yield change
    change("accounts_user", "username", 150)
    other.close()


def often(ask):
    for _ in range(8):
        ask()


@pytest.mark.parametrize("in_transaction", [False, True])
def test_what_was_prepared_before_a_migration_is_prepared_anew(alice, widen, in_transaction):
    def name():
        with transaction.atomic() if in_transaction else contextlib.nullcontext():
            return User.objects.get(pk=alice.pk).username

    often(name)
    widen("accounts_user", "username", 160)

    assert name() == "alice"
    assert prepared("accounts_user") == []
    often(name)
    assert len(prepared("accounts_user")) == 1


def test_what_a_transaction_has_begun_is_not_done_in_part(alice, widen):
    """The answer is that of a database that is away for a moment, and the next one works."""

    def rename():
        with transaction.atomic():
            rounds.start_project(alice, "入力ミスを減らす")
            return User.objects.get(pk=alice.pk).username

    often(rename)
    widen("accounts_user", "username", 160)

    with pytest.raises(OperationalError):
        rename()
    connection.close_if_unusable_or_obsolete()
    assert rename() == "alice"
    assert Project.objects.count() == 9
