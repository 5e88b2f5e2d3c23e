"""Querysets whose SQL is made once.

Django makes it anew for each request, which takes longer than PostgreSQL takes to answer.
"""

import copy
import uuid
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import QuerySet, UUIDField
from django.db.models.query import ValuesListIterable
from django.db.transaction import TransactionManagementError

ID = UUIDField()


class Compiled(NamedTuple):
    queryset: QuerySet
    compiler: Any
    sql: str
    parameters: tuple
    # Of each parameter that is an id, its place and which of them it is.
    places: list[tuple[int, int]]
    locks: bool
    # Of each column that the database does not give as it is read; None where objects are made of the rows.
    converters: dict | None


class Prepared:
    """A queryset of some ids, given as a function of them; called with others it has its SQL already.

    The function is called once, with ids that stand for all, and may do no more with them than pass them on: each has
    to reach the SQL as a UUID, and whatever else it looks at (a clock, a setting) is looked at once.
    """

    def __init__(self, make: Callable[..., QuerySet]):
        self.make = make
        self.compiled: Compiled | None = None

    def __call__(self, *ids: uuid.UUID) -> Iterable[Any]:
        """What the queryset gives: tuples of values_list(), or objects."""
        kept = self.compiled = self.compiled or self._compile(len(ids))
        alias = DEFAULT_DB_ALIAS if kept.locks else router.db_for_read(kept.queryset.model)
        connection = connections[alias]
        parameters = list(kept.parameters)
        for place, which in kept.places:
            parameters[place] = ID.get_db_prep_value(ids[which], connection)
        if kept.locks and connection.features.has_select_for_update and connection.get_autocommit():
            # As Django says it when it makes the SQL.
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        compiler = copy.copy(kept.compiler)
        # A connection is its thread's.
        compiler.connection = connection
        if kept.converters is not None:
            with connection.cursor() as cursor:
                cursor.execute(kept.sql, parameters)
                rows = cursor.fetchall()
            return map(tuple, compiler.apply_converters(rows, kept.converters)) if kept.converters else rows
        compiler.as_sql = lambda *arguments, **options: (kept.sql, parameters)
        queryset = kept.queryset.using(alias)
        query: Any = queryset.query
        query.get_compiler = lambda *arguments, **options: compiler
        return queryset

    def _compile(self, number: int) -> Compiled:
        stand_ins = [uuid.uuid4() for _ in range(number)]
        queryset = self.make(*stand_ins)
        connection = connections[DEFAULT_DB_ALIAS]
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        known = {ID.get_db_prep_value(id, connection): which for which, id in enumerate(stand_ins)}
        places = [
            (place, known[parameter])
            for place, parameter in enumerate(parameters)
            if isinstance(parameter, (uuid.UUID, str)) and parameter in known
        ]
        # Rows with more columns than were asked for are Django's to cut.
        are_rows = queryset._iterable_class is ValuesListIterable and not compiler.has_extra_select
        converters = compiler.get_converters([column for column, *_ in compiler.select]) if are_rows else None
        locks = queryset.query.select_for_update
        return Compiled(queryset, compiler, sql, tuple(parameters), places, locks, converters)

    def first(self, *ids: uuid.UUID) -> Any:
        """What the queryset has first, or None; it is one that has one row at most, or a limit."""
        return next(iter(self(*ids)), None)
