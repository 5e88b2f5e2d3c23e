"""What was in the export and is gone from the vault. It is told; an import deletes nothing."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.thinking.exchange.manifest import Manifest
from apps.thinking.exchange.storing import candidates, parts
from apps.thinking.exchange.words import names
from apps.thinking.models import Node, Project, Round, Step

TOLD = 1_000  # of what is gone; of what was ignored too


def gone(manifest: Manifest, found: set[str]) -> list[str]:
    """The ids; of something of which nothing is left, only its own."""
    left = {""}
    for id in found:
        while id not in left:
            left.add(id)
            id = manifest.within.get(id, "")
    return [id for id in manifest.rows if id not in found and manifest.within.get(id, "") in left]


def told(owner, manifest: Manifest, ids: list[str]) -> list[dict[str, Any]]:
    """What each of them is here, after the import: its id, if it is here, and what it is called."""
    ids, more = ids[:TOLD], len(ids[TOLD:])
    projects = Project.objects.owned_by(owner).kept()
    here = {
        **_here(owner, projects, [*ids, *(_project(manifest, id) for id in ids)], "title"),
        **_here(owner, Round.objects.filter(project__in=projects), ids, "number"),
        **_here(owner, Step.objects.filter(round__project__in=projects), ids, "type"),
        **_here(owner, Node.objects.owned_by(owner).kept(), ids, "title"),
    }
    words = names()

    def title(id: str) -> str:
        kind, name = manifest.rows.get(id, ("", ""))
        if kind == "round":
            name = words["round"] % {"number": name}
        elif kind == "step":
            name = words.get(f"step {name}", name)
        elif id in here:
            name = here[id][1]
        over = manifest.within.get(id, "") if kind in ("round", "step") else ""
        # A round lies in a project, a step in a round; nothing else does, whatever the file says.
        expected = {"round": "project", "step": "round"}.get(kind)
        return f"{title(over)}: {name}" if manifest.rows.get(over, ("",))[0] == expected else name

    shown = [
        {"kind": manifest.rows[id][0], "id": here[id][0] if id in here else None, "title": title(id)} for id in ids
    ]
    return shown + ([{"kind": "more", "id": None, "title": str(more)}] if more else [])


def _project(manifest: Manifest, id: str) -> str:
    """The project of a round, a step or a node; nothing of what has none."""
    over = manifest.within.get(id, "")
    over = over if manifest.rows.get(over, ("",))[0] == "project" else manifest.within.get(over, "")
    return over if over in manifest.rows else ""


def _here(owner, rows: QuerySet, ids: list[str], name: str) -> dict[str, tuple[str, Any]]:
    """(id, name) of those that have a row, which may have another id than in the file."""
    wanted = {candidate: id for id in ids if id for candidate in candidates(owner, uuid.UUID(id))}
    return {
        wanted[pk]: (str(pk), called)
        for part in parts(list(wanted))
        for pk, called in rows.filter(pk__in=part).values_list("pk", name)
    }
