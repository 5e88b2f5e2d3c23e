"""Nodes: writing one makes its project the one last worked on, and links it anew."""

import uuid

from django.db import transaction

from apps.core.errors import ApiError
from apps.thinking import linking
from apps.thinking.models import Node, NodeRename, Project


def create_node(owner, id: uuid.UUID | None = None, **values) -> Node:
    with transaction.atomic(savepoint=False):
        # Before what lies in it, as everywhere: see apps.thinking.api.base.InProjectMixin.
        if (project := values.get("project")) and not Project.objects.filter(pk=project.pk).touch():
            # Deleted for good since it was looked up.
            raise ApiError("RES_001")
        node = Node.objects.create(id=id or uuid.uuid4(), owner=owner, **values)
        linking.link_new(node)
    return node


def change_node(node: Node, **values) -> None:
    with transaction.atomic():
        if write_node(node, **values):
            linking.relink(node)


def write_node(node: Node, **values) -> bool:
    """Changes it, within a transaction, without linking it anew; says whether that has to be done."""
    if values.get("title", node.title) != node.title:
        NodeRename.objects.create(node=node, old_title=node.title, new_title=values["title"])
    changed = {name for name, value in values.items() if getattr(node, name) != value}
    for name, value in values.items():
        setattr(node, name, value)
    node.save()
    if node.project_id:
        # Whoever has the project works in it at this moment, and may want the node: one that was moved there while this
        # request waited for the project that it was in.
        place = Project.objects.filter(pk=node.project_id).select_for_update(skip_locked=True, no_key=True)
        Project.objects.filter(pk__in=place).touch()
    return bool(changed & {"title", "context", "project", "step"})
