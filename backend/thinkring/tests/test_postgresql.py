import time

import pytest
from django.db import OperationalError, connection

from apps.thinking import nodes
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

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement ~* 'normalize|strpos|bigrams'")
        assert cursor.fetchall() == []
