"""What the database writes as the answer has it, so that nothing has to be made of it here."""

from typing import Any

import orjson
from django.db.models import Func, IntegerField, JSONField, QuerySet, Subquery, TextField

PARTS_OF_UUID = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


class Id(Func):
    """A UUID as it is written: thousands of UUID objects take longer than all else."""

    output_field = TextField()
    template = "(%(expressions)s)::text"

    def as_sqlite(self, compiler, connection, **context):
        parts = ", ".join(f"substr(%(expressions)s, {start}, {length})" for start, length in PARTS_OF_UUID)
        written = f"printf('%%%%s-%%%%s-%%%%s-%%%%s-%%%%s', {parts})"
        template = f"CASE WHEN %(expressions)s IS NOT NULL THEN {written} END"
        return self.as_sql(compiler, connection, template=template, **context)


class WrittenField(TextField):
    def from_db_value(self, value, expression, connection) -> Any:
        return None if value is None else orjson.Fragment(value)


class Written(Func):
    """JSON that goes into the answer as it is; by apps.core.renderers only."""

    output_field = WrittenField()
    template = "(%(expressions)s)::text"

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="%(expressions)s", **context)


class Total(Subquery):
    """How many rows a queryset has."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"

    def __init__(self, queryset: QuerySet):
        super().__init__(queryset.order_by().values("pk"), output_field=IntegerField())


class Nested(Func):
    """JSON of a subquery within other JSON."""

    output_field = JSONField()
    template = "%(expressions)s"

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="json(%(expressions)s)", **context)


class Numbers(Subquery):
    """The numbers that a queryset has, as a JSON list in its order."""

    template = "(SELECT coalesce(json_agg(listed.number), '[]')::text FROM (%(subquery)s) AS listed (number))"

    def __init__(self, queryset: QuerySet):
        """`queryset` has a column `number`."""
        super().__init__(queryset.values("number"), output_field=WrittenField())

    def as_sqlite(self, compiler, connection, **context):
        template = "(SELECT json_group_array(number) FROM (%(subquery)s))"
        return self.as_sql(compiler, connection, template=template, **context)
