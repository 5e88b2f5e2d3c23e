"""What is exported, as plain dicts: the one form behind JSON, Markdown and the vault. The trash is left out.

A project's rounds and nodes name their place by number and type (`2`, `flow`), which stay true when ids do not.
"""

import base64
from collections.abc import Container, Iterator
from typing import Any

from django.db.models import Prefetch, Q

from apps.thinking.models import Node, NodeLink, Project, Round, Step

Record = dict[str, Any]

# So many projects, nodes or links are in memory at a time.
AT_ONCE = 20
ROWS_AT_ONCE = 500


def projects(user, id=None) -> Iterator[Project]:
    """The projects of a person, or the one, the oldest first, with what belongs to them."""
    found = Project.objects.owned_by(user).kept().order_by("created_at", "pk")
    nodes = Node.objects.filter(deleted_at=None).select_related("round", "step").order_by("created_at", "pk")
    nodes = nodes.defer("folded", "round__folded", "round__note", "step__folded", "step__content", "step__text")
    # The nodes first: a round that is started meanwhile is there when they name it.
    rows = found.defer("folded").prefetch_related(
        Prefetch("nodes", nodes.prefetch_related("renames")),
        Prefetch("rounds", Round.objects.order_by("number").defer("folded")),
        Prefetch("rounds__steps", Step.objects.order_by("position").defer("folded", "text")),
        "refused_keywords",
    )
    return (rows if id is None else rows.filter(pk=id)).iterator(chunk_size=AT_ONCE)


def global_nodes(user, project=None) -> Iterator[Node]:
    """The nodes without a project: all of a person's, or those that are linked to a node of the project."""
    nodes = Node.objects.owned_by(user).filter(project=None, deleted_at=None).order_by("created_at", "pk")
    if project is not None:
        live = NodeLink.objects.filter(owner=user, removed_at=None)
        ends = [
            live.filter(**{f"{there}__project": project, f"{there}__deleted_at": None}).values(here)
            for here, there in (("from_node", "to_node"), ("to_node", "from_node"))
        ]
        nodes = nodes.filter(Q(pk__in=ends[0]) | Q(pk__in=ends[1]))
    return nodes.defer("folded").prefetch_related("renames").iterator(chunk_size=ROWS_AT_ONCE)


def project_titles(user, project=None) -> Iterator[tuple[Any, str]]:
    """(id, title) of all that projects() has."""
    found = Project.objects.owned_by(user).kept().order_by("created_at", "pk")
    return (found if project is None else found.filter(pk=project)).values_list("pk", "title").iterator()


def node_titles(user, project=None) -> Iterator[tuple[Any, str]]:
    """(id, title) of all nodes that projects() and global_nodes() have, the oldest first."""
    nodes = Node.objects.owned_by(user).kept().filter(project__isnull=False)
    if project is not None:
        nodes = nodes.filter(project=project)
    yield from nodes.order_by("created_at", "pk").values_list("pk", "title").iterator(chunk_size=ROWS_AT_ONCE)
    for node in global_nodes(user, project):
        yield node.pk, node.title


def links(user, project=None, only_removed=False) -> Iterator[NodeLink]:
    """Removed ones too: that somebody did not want a link is worth as much as that somebody wanted it.

    Of a project also those between any two global nodes; it takes only some of these along.
    """
    found = NodeLink.objects.owned_by(user)
    if only_removed:
        found = found.exclude(removed_at=None)
    # Joins, not `IN`: of an owner whose rows were just imported PostgreSQL has no statistics, and would look through
    # all nodes for each link.
    for end in ("from_node", "to_node"):
        place = Q(**{f"{end}__project__deleted_at": None} if project is None else {f"{end}__project": project})
        found = found.filter(place | Q(**{f"{end}__project": None}), **{f"{end}__deleted_at": None})
    return found.order_by("created_at", "pk").iterator(chunk_size=ROWS_AT_ONCE)


def links_from(user, exported: Container, project=None) -> dict[Any, list[NodeLink]]:
    """The live links that begin at the nodes of a project, or at the global ones, by the node they begin at.

    Without those to nodes that are not exported: whoever gets a project need not know what is in the others.
    """
    found: dict[Any, list[NodeLink]] = {}
    live = NodeLink.objects.owned_by(user).kept().filter(from_node__project=project)
    for link in live.select_related("to_node").order_by("created_at", "pk"):
        if link.to_node_id not in exported:
            continue
        found.setdefault(link.from_node_id, []).append(link)
    return found


def of_project(project: Project) -> Record:
    return {
        "id": str(project.pk),
        "title": project.title,
        "category": project.category,
        "status": project.status,
        "refused_keywords": refused_keywords(project),
        **_times(project),
    }


def refused_keywords(project: Project) -> list[str]:
    return sorted(refused.word for refused in project.refused_keywords.all())


def of_round(round: Round) -> Record:
    return {"id": str(round.pk), "number": round.number, "note": round.note, **_times(round)}


def of_step(step: Step) -> Record:
    return {
        "id": str(step.pk),
        "type": step.type,
        "content": step.content,
        "filled": step.filled,
        **_times(step),
    }


def of_node(node: Node) -> Record:
    return {
        "id": str(node.pk),
        "title": node.title,
        "context": node.context,
        "round": node.round.number if node.round else None,
        "step": node.step.type if node.step else None,
        "image": base64.b64encode(image).decode() if (image := image_of(node)) else None,
        "renames": [
            {
                "old_title": rename.old_title,
                "new_title": rename.new_title,
                "renamed_at": rename.renamed_at.isoformat(),
            }
            for rename in node.renames.all()
        ],
        **_times(node),
    }


def of_link(link: NodeLink) -> Record:
    return {
        "id": str(link.pk),
        "from": str(link.from_node_id),
        "to": str(link.to_node_id),
        "weight": float(link.weight),
        "origin": link.origin,
        "reason": link.reason,
        "removed_at": link.removed_at.isoformat() if link.removed_at else None,
        **_times(link),
    }


def image_of(node: Node) -> bytes | None:
    """The node's image; None also when its file is gone, which is no reason to refuse the rest."""
    if not node.image:
        return None
    try:
        with node.image.storage.open(str(node.image)) as file:
            return file.read()
    except FileNotFoundError:
        return None


def _times(row) -> Record:
    return {"created_at": row.created_at.isoformat(), "updated_at": row.updated_at.isoformat()}
