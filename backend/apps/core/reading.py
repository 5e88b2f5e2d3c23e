"""Answers straight from the database: neither an instance nor a serializer is made of a row, which would take ten times
as long as all else. What a write changes is the one instance, locked."""

import uuid
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django_filters import UUIDFilter
from django_filters.utils import translate_validation
from rest_framework import generics, mixins

from apps.core.expressions import Total
from apps.core.pagination import OnePassPagination
from apps.core.prepared import Prepared
from apps.core.remembered import remembered
from apps.core.versions import VersionedMixin


class Rows:
    """How rows of a model are answered: each key with its column or expression.

    The API's description has the serializer of the same view; tests compare the two.
    """

    def __init__(self, **columns):
        self.columns = columns

    def of(self, queryset: QuerySet, *more) -> QuerySet:
        return queryset.values_list(*self.columns.values(), *more)

    def read(self, found: Iterable[tuple]) -> list[dict]:
        # A list has its total behind them.
        return [dict(zip(self.columns, row, strict=False)) for row in found]

    def all(self, queryset: QuerySet) -> list[dict]:
        return self.read(self.of(queryset))


class RowsView(generics.GenericAPIView):
    """About what belongs to the one who asks, as rows."""

    rows: Rows
    # Whether the id in the address is that of what all of it lies in, and not an object's own.
    is_within = False

    @classmethod
    def owned(cls, owner: uuid.UUID, within: uuid.UUID | None = None) -> QuerySet:
        """What this view is about."""
        rows: Any = cls.queryset
        return rows.model.objects.owned_by(owner)

    @classmethod
    def shown(cls, owner: uuid.UUID, within: uuid.UUID | None = None) -> Any:
        """Of that what does not lie in the trash."""
        owned: Any = cls.owned(owner, within)
        return owned.kept()

    @property
    def id(self) -> uuid.UUID:
        """The id in the address; what is none is that of nothing."""
        id = _uuid(str(self.kwargs["pk"]))
        if id is None:
            raise Http404
        return id

    @property
    def ids(self) -> list[uuid.UUID]:
        """The owner, and what it lies in."""
        return [self.request.user.pk, self.id] if self.is_within else [self.request.user.pk]

    def find(self, id: uuid.UUID, in_trash: bool = False) -> dict | None:
        """The row of this id, as it is answered."""
        view: Any = type(self)
        row = _row(view, in_trash).first(*self.ids, id)
        return row and self.rows.read([row])[0]


class RowMixin(VersionedMixin, RowsView):
    """Single rows, and their locks."""

    # Columns that no write needs; what is searched is as long as what is read.
    not_locked: tuple[str, ...] = ("folded",)

    @property
    def in_trash(self) -> bool:
        """Whether this is about what lies in the trash too."""
        return getattr(self, "action", None) == "restore"

    def get_current(self):
        row = self.find(self.id, self.in_trash)
        if row is None:
            raise Http404
        return row

    def get_written(self):
        # What it lies in may have gone to the trash since it was locked.
        return self.find(self.id, in_trash=True)

    def lock(self):
        view: Any = type(self)
        locked = _lock(view, self.in_trash).first(*self.ids, self.id)
        if locked is None:
            raise Http404
        return locked


def _uuid(text: str) -> uuid.UUID | None:
    """What forms take for one too; None for what is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@cache
def _row(view: Any, in_trash: bool) -> Prepared:
    return Prepared(lambda *ids: view.rows.of(_one(view, in_trash, *ids)))


@cache
def _lock(view: Any, in_trash: bool) -> Prepared:
    def make(*ids: uuid.UUID) -> QuerySet:
        # Without its key, which never changes: rows that point to it may be written meanwhile.
        return _one(view, in_trash, *ids).select_for_update(of=("self",), no_key=True).defer(*view.not_locked)

    return Prepared(make)


def _one(view: Any, in_trash: bool, *ids: uuid.UUID) -> QuerySet:
    *owner, id = ids
    return (view.owned if in_trash else view.shown)(*owner).filter(pk=id)


class RowsMixin(mixins.ListModelMixin, RowsView):
    """A list of rows, each page by one statement: but for one without rows, and for what is searched."""

    pagination_class = OnePassPagination
    list_rows: Rows

    def get_queryset(self):
        return self.shown(*self.ids)

    @remembered
    def list(self, request, *args, **kwargs):
        return self.get_paginated_response(self.paginate_queryset(self.page))

    def page(self, start: int, stop: int) -> tuple[Sequence[dict], int]:
        view: Any = type(self)
        filters = view.filterset_class.base_filters
        asked = {name: value for name, value in self.request.query_params.items() if name in filters}
        found: Sequence[tuple] = ()
        # What people search for is different each time.
        if "q" not in asked:
            ids = {
                name: id
                for name, value in asked.items()
                if isinstance(filters[name], UUIDFilter) and (id := _uuid(value))
            }
            known = tuple((name, None if name in ids else value) for name, value in asked.items())
            found = [*_page(view, known, start, stop)(*self.ids, *ids.values())]
        if found:
            return self.list_rows.read(found), found[0][-1]
        # Nothing is there, or what it would lie in is not; or it was searched for.
        queryset = self.filter_queryset(self.get_queryset())
        return self.list_rows.read(self.list_rows.of(queryset)[start:stop]), queryset.count()


@lru_cache(maxsize=200)
def _page(view: Any, asked: tuple[tuple[str, str | None], ...], start: int, stop: int) -> Prepared:
    """Of what is asked for by these filters; those without a value are given an id each."""

    def make(*ids: uuid.UUID) -> QuerySet:
        first = 2 if view.is_within else 1
        named = iter(ids[first:])
        values = {name: next(named) if value is None else value for name, value in asked}
        filters: Any = view.filterset_class(values, view.shown(*ids[:first]))
        if not filters.is_valid():
            raise translate_validation(filters.errors)
        found, total = filters.qs, Total(filters.qs)
        if not start:
            return view.list_rows.of(found, total)[:stop]
        # By their keys: what is counted in a row is not counted in those of the pages before.
        page = found.model._default_manager.filter(pk__in=found.values("pk")[start:stop])
        return view.list_rows.of(page.order_by(*found.query.order_by), total)

    return Prepared(make)
