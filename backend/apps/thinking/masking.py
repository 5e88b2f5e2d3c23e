"""Makes a copy of production fit for a staging server: who wrote it and what they wrote is no longer in it.

The shape stays: how many and how long, in which letters, what belongs to what. Nobody can log in any more.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any

from axes.models import AccessAttempt
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session as AdminSession
from django.core.cache import cache
from django.db import models, transaction
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from apps.accounts.models import RecoveryCode, SecondFactor, Session, User
from apps.core.models import AuditEvent
from apps.thinking import content
from apps.thinking.models import Node, NodeLink, NodeRename, Project, RefusedKeyword, Round, Step, StepRevision

AT_ONCE = 500
GONE: tuple[type[models.Model], ...] = (
    Session,
    SecondFactor,
    RecoveryCode,
    OutstandingToken,
    AdminSession,
    AccessAttempt,
    AuditEvent,
    LogEntry,
    RefusedKeyword,
)
TEXTS: dict[type[models.Model], tuple[str, ...]] = {
    Project: ("title", "category"),
    Round: ("note",),
    Node: ("title", "context"),
    NodeLink: ("reason",),
    NodeRename: ("old_title", "new_title"),
}


def mask(text: str) -> str:
    """The text with another letter for each letter and digit; what is between them stays."""
    return "".join(_masked(character) for character in text)


def _masked(character: str) -> str:
    name = unicodedata.name(character, "")
    if name.startswith("HIRAGANA"):
        return "あ"
    if name.startswith("KATAKANA"):
        return "ア"
    if name.startswith("CJK"):
        return "字"
    if character.isdigit():
        return "0"
    # What joins letters, too: a mark says which letter it stood on.
    return "x" if character.isalpha() or unicodedata.category(character)[0] in "MS" else character


def mask_everything() -> int:
    """All or nothing; answers how many accounts were masked."""
    with transaction.atomic():
        for gone in GONE:
            gone._default_manager.all().delete()
        for model, names in TEXTS.items():
            for row in _rows(model, names):
                for name in names:
                    setattr(row, name, mask(getattr(row, name)))
        for step in _rows(Step, ("content", "text")):
            step.content = _mask_content(step.content)
            step.text = content.plain_text(step.type, step.content)
        for revision in _rows(StepRevision, ("content",)):
            revision.content = _mask_content(revision.content)
        # The files of uploads are not brought along.
        Node._default_manager.update(image="")
        for number, user in enumerate(
            _rows(User, ("username", "email", "password", "first_name", "last_name")), start=1
        ):
            user.username, user.email = f"person-{number}", f"person-{number}@example.invalid"
            user.first_name = user.last_name = ""
            user.password = make_password(None)
        cache.clear()
    return User.objects.count()


def _mask_content(value: content.Content) -> content.Content:
    def masked(part: Any) -> Any:
        if isinstance(part, list):
            return [{**item, "text": mask(item["text"])} for item in part]
        return mask(part)

    return {name: masked(part) for name, part in value.items()}


def _rows(model: type[models.Model], names: Iterable[str]):
    """All rows, each to be changed before the next is asked for; stored some hundred at a time."""
    changed = []
    for row in model._default_manager.order_by("pk").iterator(AT_ONCE):
        yield row
        changed.append(row)
        if len(changed) == AT_ONCE:
            model._default_manager.bulk_update(changed, names)
            changed = []
    if changed:
        model._default_manager.bulk_update(changed, names)
