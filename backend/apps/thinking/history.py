"""The history of a step: what stood in it, who wrote it and when."""

from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.core.prepared import Prepared
from apps.thinking.content import Content
from apps.thinking.models import Step, StepRevision

# What one person writes within this time of a revision's beginning belongs to it: pages save every second.
ONE_SITTING = timedelta(minutes=10)

LAST = Prepared(lambda step: StepRevision.objects.filter(step=step).defer("content").order_by("-version")[:1])


def record(step: Step, written: Content, by: User | None, apart: bool = False) -> None:
    """Notes what is about to be written; the caller holds the step's lock. `apart`: as a revision of its own."""
    now = timezone.now()
    last = LAST.first(step.pk)
    if last is None or last.version != step.version:
        # Written before there was a history, or carried over: it would be lost now.
        last = step.revisions.create(
            version=step.version, content=step.content, begun_at=step.updated_at, written_at=step.updated_at
        )
    version = step.version + 1
    same = StepRevision.objects.filter(pk=last.pk)
    if written == step.content:
        same.update(version=version)
    elif not apart and by and last.written_by_id == by.pk and now - last.begun_at < ONE_SITTING:
        same.update(version=version, content=written, written_at=now)
    else:
        step.revisions.create(version=version, content=written, written_by=by, begun_at=now, written_at=now)
