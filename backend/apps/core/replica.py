"""Which database is read: the server that is written to, or a replica of it for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import DEFAULT_DB_ALIAS

REPLICA = "replica"

_read_from = ContextVar("read_from", default=DEFAULT_DB_ALIAS)


@contextmanager
def reading_from_replica() -> Iterator[None]:
    token = _read_from.set(REPLICA)
    try:
        yield
    finally:
        _read_from.reset(token)


class Router:
    """https://docs.djangoproject.com/en/5.2/topics/db/multi-db/#automatic-database-routing"""

    def db_for_read(self, model, **hints):
        return _read_from.get()

    def db_for_write(self, model, **hints):
        return DEFAULT_DB_ALIAS

    def allow_relation(self, obj1, obj2, **hints):
        # Both have the same rows.
        return True

    def allow_migrate(self, db, app_label, **hints):
        return db == DEFAULT_DB_ALIAS
