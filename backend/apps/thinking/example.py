"""The worked example that a newcomer opens to see what rounds, steps and nodes are."""

import json
import uuid
from decimal import Decimal
from pathlib import Path

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.thinking import content, linking, nodes, rounds, trash
from apps.thinking.models import Node, Project, Round

TEXTS = Path(__file__).resolve().parent / "demo"
NAMESPACE = uuid.UUID("0a4f5a5e-6f0b-4c5d-9d2e-6a7c3f1b8e24")


def open_example(owner: User, language: str) -> tuple[Project, bool]:
    """The account's example in a language, out of the trash if it lies there; and whether it was made just now."""
    # Each account has at most one in a language, however often it is asked for.
    id = uuid.uuid5(NAMESPACE, f"{owner.pk} {language}")
    mine = Project.objects.owned_by(owner)
    if not mine.filter(pk=id).exists():
        try:
            return make_example(owner, language, id), True
        except IntegrityError:
            # Asked for twice at once: the other one was first.
            pass
    with transaction.atomic():
        project = mine.select_for_update().get(pk=id)
        trash.restore(project)
    return project, False


def make_example(owner: User, language: str, id: uuid.UUID) -> Project:
    example = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
    with transaction.atomic():
        project = rounds.start_project(owner, example["title"], example["category"], id)
        for number, written in enumerate(example["rounds"], start=1):
            if number > 1:
                rounds.start_next_round(project, written["note"])
            write_round(project.rounds.get(number=number), written["steps"])
        made = {node["title"]: make_node(owner, project, node) for node in example["nodes"]}
        # Besides those that arose by themselves.
        for link in example["links"]:
            linking.link(made[link["from"]], made[link["to"]], Decimal(link["weight"]))
    return project


def write_round(round: Round, steps: dict[str, dict]) -> None:
    for step in round.steps.all():
        carried = {item["text"]: item for value in step.content.values() if isinstance(value, list) for item in value}
        written = {
            name: value if isinstance(value, str) else [item_of(entry, carried) for entry in value]
            for name, value in steps[step.type].items()
        }
        rounds.write_step(step, content.clean(step.type, written), by=round.project.owner)


def item_of(entry: str | dict, carried: dict[str, dict]) -> dict:
    """An item as it is written: a text that was carried over stays the same item, one with `from` changes that one."""
    item: dict = {"text": entry} if isinstance(entry, str) else dict(entry)
    before = carried.get(item.pop("from", item["text"]), {})
    return {"id": before.get("id"), "origin": before.get("origin"), **item}


def make_node(owner: User, project: Project, node: dict) -> Node:
    if node["round"] is None:
        return nodes.create_node(owner, title=node["title"], context=node["context"])
    round = project.rounds.get(number=node["round"])
    return nodes.create_node(
        owner,
        title=node["title"],
        context=node["context"],
        project=project,
        round=round,
        step=round.steps.get(type=node["step"]),
    )
