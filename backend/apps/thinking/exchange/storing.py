"""Which rows of the account the records of an import are, and the new ones: under which ids they are made, and how."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

from django.db import connection, models

from apps.thinking import content
from apps.thinking.exchange.problems import FileProblem
from apps.thinking.exchange.records import ROWS_AT_ONCE, Record
from apps.thinking.models import Node, NodeLink, Project, Round, Step
from apps.thinking.problems import TAKEN

# A new row, where it stands in the file, and the id that it has there.
New = tuple[str, uuid.UUID | None, Any]


class Store:
    def __init__(self, owner):
        self.owner = owner
        # Of the ids that the batch may come to: those that some row has.
        self.taken: dict[type[models.Model], set[uuid.UUID]] = {}
        # New rows, until there are enough to be stored at once; foreign keys are looked at in the end only.
        self.waiting: dict[type[models.Model], list] = {}

    def look_up(self, kind: str, batch: list[Record]) -> None:
        """Asks once for all the ids of a batch whether they are taken."""
        for model, records in _by_model(kind, batch).items():
            ids = [record.get("id") for record in records]
            known = [uuid.UUID(id) for id in ids if isinstance(id, str) and content.UUID.fullmatch(id)]
            candidates = {candidate for id in known for candidate in self.candidates(id)}
            found: set[uuid.UUID] = set()
            for part in parts(list(candidates)):
                found.update(model._default_manager.filter(pk__in=part).values_list("pk", flat=True))
            self.taken[model] = found

    def lock_projects(self) -> None:
        """Those of the batch, and those in which its nodes lie by now: whoever writes a node has its project first."""
        ids = set(self.taken.get(Project, ()))
        for part in parts(list(self.taken.get(Node, ()))):
            ids.update(Node.objects.filter(pk__in=part).exclude(project=None).values_list("project", flat=True))
        for part in parts(sorted(ids)):
            rows = Project.objects.owned_by(self.owner).filter(pk__in=part).order_by("pk")
            list(rows.select_for_update(no_key=True).values_list("pk"))

    def own(self, owned: models.QuerySet, wanted: list[tuple[str, uuid.UUID | None]]) -> list:
        """For each id of the file the row that it means, locked, or the id under which it is made."""
        candidates = [self.candidates(id) for _path, id in wanted]
        taken = self.taken[owned.model]
        ids = taken.intersection(itertools.chain.from_iterable(candidates))
        # In an order, so that no two wait for each other; without their keys, as in apps.core.versions.
        locked = owned.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
        rows = {row.pk: row for row in locked} if ids else {}
        found = []
        for (path, _id), pair in zip(wanted, candidates, strict=True):
            mine = next((rows[id] for id in pair if id in rows), None)
            free = next((id for id in pair if id not in taken), None)
            if mine is None and free is None:
                raise FileProblem(f"{path}.id", TAKEN)
            found.append(mine or free)
        return found

    def candidates(self, id: uuid.UUID | None) -> tuple[uuid.UUID, ...]:
        return candidates(self.owner, id) if id else (uuid.uuid4(),)

    def under_free_ids(self, new: list[New]) -> list:
        """The rows, each with the id under which it is made."""
        for path, id, row in new:
            free = next((id for id in self.candidates(id) if id not in self.taken[type(row)]), None)
            if free is None:
                raise FileProblem(f"{path}.id", TAKEN)
            row.pk = free
        return [row for _path, _id, row in new]

    def add(self, rows: list) -> None:
        for row in rows:
            self.waiting.setdefault(type(row), []).append(row)
            row._state.adding, row._state.db = False, connection.alias

    def flush(self) -> None:
        """Stores new rows with the times of the file, where bulk_create() would put today's."""
        for model, rows in self.waiting.items():
            fields = [field for field in model._meta.concrete_fields if not field.generated]
            size = min(ROWS_AT_ONCE, connection.ops.bulk_batch_size([field.name for field in fields], rows))
            for start in range(0, len(rows), size):
                # What `loaddata` does, many rows at a time.
                part = rows[start : start + size]
                found: Any = model._default_manager.all()
                found._insert(part, fields=fields, using=connection.alias, raw=True)
        self.waiting.clear()


def candidates(owner, id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """The ids that a row of a file may have here: its own, or the one that replaces it."""
    return id, uuid.uuid5(owner.pk, str(id))


def _by_model(kind: str, batch: list[Record]) -> dict[type[models.Model], list[Record]]:
    """The records of a batch and those within them; what is none is left out, and refused later."""

    def within(records: list[Record], key: str) -> list[Record]:
        lists = [record[key] for record in records if isinstance(record.get(key), list)]
        return [inner for listed in lists for inner in listed if isinstance(inner, dict)]

    if kind == "links":
        return {NodeLink: batch}
    if kind == "nodes":
        return {Node: batch}
    rounds = within(batch, "rounds")
    return {Project: batch, Round: rounds, Step: within(rounds, "steps"), Node: within(batch, "nodes")}


def parts(rows: list) -> Iterator[list]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]
