"""What an export of the account has of the person besides the thoughts: for the person to read, not to import again."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import SecondFactor, User
from apps.core.models import AuditEvent
from apps.thinking.exchange.records import (
    ROWS_AT_ONCE,
    Record,
    of_link,
    of_node,
    of_project,
    of_round,
    of_step,
)
from apps.thinking.models import Node, NodeLink, Project, Round, Step, StepRevision


def about(user: User) -> Iterator[tuple[str, Iterable[Any]]]:
    """(name, rows): everything that is stored of the person, but secrets and what is only computed from the rest."""
    profile = ("id", "username", "email", "first_name", "last_name", "language", "theme", "date_joined", "last_login")
    rights = ("is_active", "is_staff", "is_superuser")
    session = ("created_at", "last_used_at", "ended_at", "user_agent")
    event = ("at", "event", "address", "request_id", "details")
    revision = ("step", "version", "content", "begun_at", "written_at")
    yield "user", User.objects.filter(pk=user.pk).values(*profile, *rights)
    yield "sessions", user.sessions.order_by("created_at").values(*session)
    yield "second_factor", SecondFactor.objects.filter(user=user).values("created_at", "confirmed_at")
    events = AuditEvent.objects.filter(account=user.pk).order_by("at")
    yield "events", events.values(*event).iterator(chunk_size=ROWS_AT_ONCE)
    revisions = StepRevision.objects.filter(step__round__project__owner=user).order_by("step", "version")
    yield "revisions", revisions.values(*revision).iterator(chunk_size=ROWS_AT_ONCE)
    for name, rows in _in_trash(user):
        yield f"trash_{name}", rows


def _in_trash(user: User) -> Iterator[tuple[str, Iterator[Record]]]:
    """What lies in the trash, and what belongs to that, as records.py has it and with where it lies."""
    projects = Project.objects.owned_by(user).exclude(deleted_at=None)
    nodes = Node.objects.owned_by(user).filter(Q(deleted_at__isnull=False) | Q(project__in=projects))
    links = NodeLink.objects.owned_by(user).filter(Q(from_node__in=nodes) | Q(to_node__in=nodes))
    yield "projects", _rows(projects.prefetch_related("refused_keywords"), of_project, "deleted_at")
    yield "rounds", _rows(Round.objects.filter(project__in=projects), of_round, "project_id")
    yield "steps", _rows(Step.objects.filter(round__project__in=projects), of_step, "round_id")
    nodes = nodes.select_related("round", "step").prefetch_related("renames")
    yield "nodes", _rows(nodes, of_node, "project_id", "deleted_at")
    yield "links", _rows(links, of_link)


def _rows(found: QuerySet, record: Callable[[Any], Record], *columns: str) -> Iterator[Record]:
    for row in found.order_by("created_at", "pk").iterator(chunk_size=ROWS_AT_ONCE):
        yield record(row) | {column: getattr(row, column) for column in columns}
