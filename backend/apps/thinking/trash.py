"""The trash, where projects and nodes lie for a while before they are gone for good."""

import uuid
from datetime import timedelta

from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.errors import RuleBroken
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


def delete_for_good(user, id: uuid.UUID) -> bool:
    """Deletes a thing that lies in the trash, a project with all that belongs to it; says whether it was there."""
    return any(_delete(things.objects.owned_by(user).exclude(deleted_at=None), id) for things in (Project, Node))


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
        # Locked: somebody may be taking it out at this moment.
        thing = things.select_for_update().filter(pk=id).first()
        if thing is None:
            return False
        thing.delete()
    return True


@receiver(post_delete, sender=Node)
def delete_image(instance: Node, **kwargs) -> None:
    """A node's image goes with it, whether it went by the trash, the admin, or with its account."""
    storage, name = instance.image.storage, instance.image.name
    if name:
        transaction.on_commit(lambda: storage.delete(name))
