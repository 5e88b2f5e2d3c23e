"""Search: which rows have a word in them, however it is spelled, and where in their texts it stands."""

import unicodedata
import uuid
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection, connections, router
from django.db.models import BooleanField, CharField, F, Func, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from apps.thinking.folding import FEW, Fold, by_index, fold
from apps.thinking.models import Node, Project, Round, Step

QUERY_LENGTH = 200
# Of a snippet: about a line and a half.
SNIPPET = 120
BEFORE_THE_HIT = 30


class Run(NamedTuple):
    text: str
    hit: bool


class Hit(NamedTuple):
    kind: str
    id: uuid.UUID
    title: str
    snippet: list[Run]
    project: Project | None
    round: Round | None
    step: str | None


SHOWN: dict[str, QuerySet] = {
    "project": Project.objects.only("title"),
    "round": Round.objects.select_related("project").only("note", "number", "project__title"),
    "step": Step.objects.select_related("round__project").only(
        "type", "text", "round__number", "round__project__title"
    ),
    "node": Node.objects.select_related("project", "round", "step").only(
        "title", "context", "project__title", "round__number", "step__type"
    ),
}


class HasBigrams(Func):
    """Whether each two characters that stand side by side in the second text do so in the first: on PostgreSQL only,
    and only within by_index()."""

    template = "(%(expressions)s)"
    arg_joiner = " @> "
    output_field = BooleanField()

    def __init__(self, *texts):
        super().__init__(*(Func(text, function="thinking_bigrams", output_field=TextField()) for text in texts))


def contains(q: str, *models: type[Model]) -> dict[type[Model], Q]:
    """For each of the models: rows whose folded column has `q` in it."""
    # LIKE takes twice as long where a character has several bytes.
    text = Q(GreaterThan(StrIndex("folded", Fold(Value(q))), 0))
    conditions = dict.fromkeys(models, text)
    # An account has few projects, and their titles are short: to ask the index would take longer.
    indexed = [model for model in models if model is not Project]
    # One character alone has no neighbour.
    if connection.vendor != "postgresql" or len(fold(q)) < 2 or not indexed:
        return conditions
    with by_index(router.db_for_read(Node)):
        for model in indexed:
            having = model._default_manager.filter(HasBigrams(F("folded"), Fold(Value(q)))).order_by()
            ids = list(having.values_list("pk", flat=True)[: FEW + 1])
            if len(ids) <= FEW:
                conditions[model] &= Q(pk__in=ids)
    return conditions


def found(user, q: str) -> QuerySet:
    """Everything of the user's, outside the trash, that has `q` in it: {kind, pk, updated_at}."""
    conditions = contains(q, *(queryset.model for queryset in SHOWN.values()))
    queries = [
        queryset.model.objects.owned_by(user)
        .kept()
        .filter(conditions[queryset.model])
        .order_by()
        .annotate(kind=Value(kind, output_field=CharField()))
        .values("kind", "pk", "updated_at")
        for kind, queryset in SHOWN.items()
    ]
    return queries[0].union(*queries[1:], all=True)


def search(user, q: str, start: int, stop: int) -> tuple[list[Hit], int]:
    """Part of what is found, the newest change first, with titles, places and snippets; and how much it is in all."""
    try:
        sql, parameters = found(user, q).query.sql_with_params()
    except EmptyResultSet:
        # The index knows of no row at all.
        return [], 0
    with connections[router.db_for_read(Node)].cursor() as cursor:
        # The number along with the rows: to find it alone would be to find them all a second time.
        cursor.execute(
            f"SELECT kind, pk, count(*) OVER () FROM ({sql}) AS found ORDER BY updated_at DESC, pk LIMIT %s OFFSET %s",  # noqa: S608
            [*parameters, stop - start, start],
        )
        part = cursor.fetchall()
    # SQLite has no type of its own for ids.
    places = [(kind, uuid.UUID(str(id))) for kind, id, _count in part]
    rows: dict[str, dict] = {
        kind: queryset.in_bulk([id for its_kind, id in places if its_kind == kind]) for kind, queryset in SHOWN.items()
    }
    # One that was deleted this very moment is not there any more.
    hits = [_hit(rows[kind][id], q) for kind, id in places if id in rows[kind]]
    return hits, part[0][2] if part else 0


def _hit(row: Project | Round | Step | Node, q: str) -> Hit:
    match row:
        case Project():
            return Hit("project", row.pk, row.title, _first_snippet(q, row.title), row, None, None)
        case Round():
            title = row.project.title
            return Hit("round", row.pk, title, _first_snippet(q, row.note, title), row.project, row, None)
        case Step():
            project = row.round.project
            found = _first_snippet(q, row.text, project.title)
            return Hit("step", row.pk, project.title, found, project, row.round, row.type)
        case Node():
            found = _first_snippet(q, row.context, row.title)
            return Hit("node", row.pk, row.title, found, row.project, row.round, row.step.type if row.step else None)


def _first_snippet(q: str, *texts: str) -> list[Run]:
    """Of the first text with a hit. Without any (`q` goes over the end of a line) the last text, unmarked."""
    return next(filter(None, (snippet(text, q) for text in texts)), [Run(texts[-1][:SNIPPET], False)])


def snippet(text: str, q: str) -> list[Run]:
    """The first line that has `q` in it, cut to about SNIPPET characters, all hits marked; nothing without a hit."""
    sought = _fold(q)
    for line in text.split("\n"):
        if sought in _fold(line):
            units = _units(line)
            return _runs(units, _hits(units, sought))
    return []


def _fold(text: str) -> str:
    # The only letter whose lower case depends on its neighbours.
    return fold(text).replace("ς", "σ")


# A text has few different ones.
_fold_unit = lru_cache(maxsize=4096)(_fold)


def _units(text: str) -> list[str]:
    """The text in pieces that fold each by itself: two characters may become one (ｶﾞ), or one become several (㍿)."""
    if unicodedata.is_normalized("NFKC", text) and len(text.lower()) == len(text):
        return list(text)
    units: list[str] = []
    for character in text:
        if units and _joins(character):
            units[-1] += character
        else:
            units.append(character)
    return units


@lru_cache(maxsize=4096)
def _joins(character: str) -> bool:
    """Whether it may become one with what stands before it: a mark, or the later part of a Korean syllable."""
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first).startswith("M") or "\u1160" <= first <= "\u11ff"


def _hits(units: list[str], sought: str) -> list[tuple[int, int]]:
    """Where it stands, as ranges of units."""
    folded = [_fold_unit(unit) for unit in units]
    starts = list(accumulate(map(len, folded), initial=0))
    text = "".join(folded)
    hits: list[tuple[int, int]] = []
    place = text.find(sought)
    while place >= 0:
        end = place + len(sought)
        start, stop = bisect_right(starts, place) - 1, bisect_left(starts, end)
        if hits and start < hits[-1][1]:
            # Both have part of one unit.
            start = hits.pop()[0]
        hits.append((start, stop))
        place = text.find(sought, end)
    return hits


def _runs(units: list[str], hits: list[tuple[int, int]]) -> list[Run]:
    begin = max(0, hits[0][0] - BEFORE_THE_HIT)
    end = begin + SNIPPET
    runs: list[Run] = []
    place, cut = begin, "…" if begin else ""
    for start, stop in hits:
        if start >= end:
            break
        runs += [Run(cut + "".join(units[place:start]), False), Run("".join(units[start:stop]), True)]
        place, cut = stop, ""
    runs.append(Run("".join(units[place:end]) + ("…" if max(place, end) < len(units) else ""), False))
    return [run for run in runs if run.text]
