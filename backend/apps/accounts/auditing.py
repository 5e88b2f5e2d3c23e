"""Log-ins and what is done in the admin, told to the audit log; the rest is told by who does it."""

import json

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from apps.accounts.lockout import name_tried
from apps.accounts.models import SecondFactor, User
from apps.core import audit


@receiver(user_logged_in)
def logged_in(request, user, **kwargs) -> None:
    audit.record("login", account=user.pk, path=request.path)


@receiver(user_login_failed)
def login_failed(credentials, request, **kwargs) -> None:
    """The name is not written down, see apps.accounts.lockout."""
    user = User.objects.known_as(name_tried(request, credentials)).first()
    locked = getattr(request, "axes_locked_out", False)
    audit.record("login.refused", account=user and user.pk, path=request.path, locked=locked)


@receiver(pre_save, sender=LogEntry)
def without_titles(instance: LogEntry, **kwargs) -> None:
    """The admin's own log has ids too: it would say what was called how after an account is gone."""
    instance.object_repr = str(instance.object_id)


@receiver(post_save, sender=LogEntry)
def done_in_admin(instance: LogEntry, **kwargs) -> None:
    kind = {ADDITION: "added", CHANGE: "changed"}.get(instance.action_flag, "deleted")
    model = instance.content_type and instance.content_type.model
    # Which fields, never what is in them.
    fields = {"fields": _changed_fields(instance)} if kind == "changed" else {}
    audit.record(f"admin.{kind}", account=instance.user_id, model=model, object=str(instance.object_id), **fields)


def _changed_fields(instance: LogEntry) -> list[str]:
    try:
        changes = json.loads(instance.change_message)
    except ValueError:
        return []
    return [name for change in changes for name in change.get("changed", {}).get("fields", [])]


@receiver(post_save, sender=User)
def account_saved(instance: User, created: bool, **kwargs) -> None:
    if created and instance.is_superuser:
        audit.record("administrator.made", account=instance.pk)


@receiver(post_delete, sender=SecondFactor)
def second_factor_deleted(instance: SecondFactor, **kwargs) -> None:
    if instance.confirmed_at:
        audit.record("second_factor.off", account=instance.user_id)
