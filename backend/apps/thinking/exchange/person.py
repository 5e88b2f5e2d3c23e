"""What an export of the account has of the person besides the thoughts: for the person to read, not to import again."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import SecondFactor, User
from apps.core.models import AuditEvent
from apps.thinking.models import Node, NodeLink, Project, Round, Step, StepRevision

ROWS_AT_ONCE = 500


def about(user: User) -> Iterator[tuple[str, Iterable[Any]]]:
    """(name, rows): everything that is stored of the person, but secrets and what is only computed from the rest."""
    profile = ("id", "username", "email", "language", "theme", "is_active", "date_joined", "last_login")
    session = ("created_at", "last_used_at", "ended_at", "user_agent")
    event = ("at", "event", "address", "details")
    revision = ("step", "version", "content", "begun_at", "written_at")
    yield "user", User.objects.filter(pk=user.pk).values(*profile)
    yield "sessions", user.sessions.order_by("created_at").values(*session)
    yield "second_factor", SecondFactor.objects.filter(user=user).values("created_at", "confirmed_at")
    events = AuditEvent.objects.filter(account=user.pk).order_by("at")
    yield "events", events.values(*event).iterator(chunk_size=ROWS_AT_ONCE)
    revisions = StepRevision.objects.filter(step__round__project__owner=user).order_by("step", "version")
    yield "revisions", revisions.values(*revision).iterator(chunk_size=ROWS_AT_ONCE)
    for name, rows in _in_trash(user):
        columns = [field.attname for field in rows.model._meta.concrete_fields if field.attname != "folded"]
        yield f"trash_{name}", rows.order_by("created_at", "pk").values(*columns).iterator(chunk_size=ROWS_AT_ONCE)


def _in_trash(user: User) -> Iterator[tuple[str, QuerySet]]:
    """What lies in the trash, and what belongs to that."""
    projects = Project.objects.owned_by(user).exclude(deleted_at=None)
    nodes = Node.objects.owned_by(user).filter(Q(deleted_at__isnull=False) | Q(project__in=projects))
    yield "projects", projects
    yield "rounds", Round.objects.filter(project__in=projects)
    yield "steps", Step.objects.filter(round__project__in=projects)
    yield "nodes", nodes
    yield "links", NodeLink.objects.owned_by(user).filter(Q(from_node__in=nodes) | Q(to_node__in=nodes))
