"""The trash, where projects and nodes lie for a while before they are gone for good."""

import uuid
from datetime import timedelta

from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts import registration
from apps.core.errors import RuleBroken
from apps.core.files import discard
from apps.thinking import locks
from apps.thinking.models import Node, Project

KEPT_FOR = timedelta(days=30)


def move_to_trash(thing: Project | Node) -> None:
    """What belongs to a project goes and comes back with it, without being marked itself."""
    thing.deleted_at = timezone.now()
    thing.save()


def restore(thing: Project | Node) -> None:
    """Takes it back out; what is not in the trash stays as it is, so that undoing twice does no harm."""
    if isinstance(thing, Node) and thing.project and thing.project.deleted_at:
        raise RuleBroken(_("The node's project is in the trash. Restore the project first."))
    if thing.deleted_at:
        thing.deleted_at = None
        thing.save()


def contents(user) -> models.QuerySet:
    """What lies in a person's trash, as dicts, newest first; a project's title stands with its nodes."""
    columns = ["id", "title", "deleted_at", "kind", "place", "place_title"]
    projects = Project.objects.annotate(
        kind=Value("project"),
        place=Value(None, output_field=models.UUIDField(null=True)),
        place_title=Value(None, output_field=models.CharField(null=True)),
    )
    nodes = Node.objects.annotate(kind=Value("node"), place=F("project"), place_title=F("project__title"))
    found = [things.owned_by(user).exclude(deleted_at=None).order_by().values(*columns) for things in (projects, nodes)]
    return found[0].union(found[1], all=True).order_by("-deleted_at", "id")


def get_locked(user, id: uuid.UUID) -> Project | Node | None:
    """The person's thing with this id, if it lies in the trash."""
    owned = (things.objects.owned_by(user).exclude(deleted_at=None) for things in (Project, Node))
    return next((thing for things in owned if (thing := _get_locked(things, id))), None)


def delete_expired() -> dict[str, int]:
    """Deletes what has lain in the trash for its time; says how many projects and nodes that were."""
    deleted = {}
    for things in (Project, Node):
        expired = things.objects.filter(deleted_at__lt=timezone.now() - KEPT_FOR)
        # One by one, so that a large trash neither fills the memory nor holds its locks for long.
        deleted[things.__name__] = sum(_delete(expired, id) for id in list(expired.values_list("pk", flat=True)))
    return deleted


def _delete(things: models.QuerySet, id: uuid.UUID) -> bool:
    with transaction.atomic():
        thing = _get_locked(things, id)
        if thing is None:
            return False
        thing.delete()
    return True


def _get_locked(things: models.QuerySet, id: uuid.UUID) -> Project | Node | None:
    """Locked, because somebody may be taking it out at this moment, or an import one of its nodes."""
    thing = things.select_for_update().filter(pk=id).first()
    if isinstance(thing, Project):
        list(thing.nodes.order_by("pk").select_for_update().values_list("pk"))
    return thing


@receiver(registration.leaving)
def lock_all(user, **kwargs) -> None:
    """Whoever is writing in an account finishes first; a project's lock stands for all that is written in it.

    But not for links, which are made without it. So nodes are locked twice: without their keys, since who writes one
    may be about to link it to others, and when nobody does any more, whole.
    """
    locks.one_import(user)
    list(Project.objects.owned_by(user).order_by("pk").select_for_update().values_list("pk"))
    for no_key in (True, False):
        list(Node.objects.owned_by(user).order_by("pk").select_for_update(no_key=no_key).values_list("pk"))


@receiver(post_delete, sender=Node)
def delete_image(instance: Node, **kwargs) -> None:
    """A node's image goes with it, whether it went by the trash, the admin, or with its account."""
    storage, name = instance.image.storage, instance.image.name
    if name:
        transaction.on_commit(lambda: discard(storage, name))
