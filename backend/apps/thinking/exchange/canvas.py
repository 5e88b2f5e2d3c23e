"""The edges of a canvas, as Obsidian and obsidian.py write them (https://jsoncanvas.org)."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from apps.thinking import content
from apps.thinking.exchange.json import BROKEN, half_pair, lines_of
from apps.thinking.exchange.problems import FileProblem
from apps.thinking.problems import UNSTORABLE

NOT_A_CANVAS = ("invalid", _("This is not a canvas of Obsidian."))

# From LEAST_WEIGHT to MOST_WEIGHT, as a pattern: bodies.py looks for it within a line.
WEIGHT = re.compile(r"0\.[1-9]\d*|1(?:\.0+)?", re.ASCII)


class Card(NamedTuple):
    id: str
    file: str  # the path of its note; nothing of a card of another kind
    name: str  # for people


class Edge(NamedTuple):
    number: int  # of all in the file, from 0 on
    id: str
    start: Card
    end: Card
    label: str

    @property
    def weight(self) -> float | None:
        return float(self.label) if WEIGHT.fullmatch(self.label) else None

    @property
    def is_as_exported(self) -> bool:
        return self.id == edge_id(self.start.id, self.end.id, self.label)

    @property
    def is_of_an_older_export(self) -> bool:
        """It has the id of its link, from which nobody can tell whether its label was changed."""
        return content.UUID.fullmatch(self.id) is not None


def edge_id(start: str, end: str, weight: str) -> str:
    """Says what was exported, so that it is seen when somebody has changed it."""
    return f"{start} {end} {weight}"


def edges(name: str, data: bytes) -> Iterator[Edge]:
    if line := half_pair(io.BytesIO(data)):
        raise FileProblem(name, UNSTORABLE, line)
    try:
        text = data.decode("utf-8-sig")
        # A new canvas is an empty file.
        canvas = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise FileProblem(name, BROKEN, getattr(error, "lineno", None)) from error
    if not isinstance(canvas, dict):
        raise FileProblem(name, NOT_A_CANVAS)
    cards = {card.id: card for card in map(_card, _objects(name, canvas, "nodes"))}
    for number, edge in enumerate(_objects(name, canvas, "edges")):
        start, end = (_text(edge.get(key)) for key in ("fromNode", "toNode"))
        ends = (cards.get(start, Card(start, "", start)), cards.get(end, Card(end, "", end)))
        yield Edge(number, edge["id"], *ends, _text(edge.get("label")).strip())


def lines(data: bytes) -> list[int]:
    """On which line each of the edges begins."""
    return lines_of(io.BytesIO(data), "edges")


def _objects(name: str, canvas: dict[str, Any], key: str) -> list[dict[str, Any]]:
    listed = canvas.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise FileProblem(f"{name}: {key}", NOT_A_CANVAS)
    for index, one in enumerate(listed):
        if not isinstance(one.get("id"), str):
            raise FileProblem(f"{name}: {key}.{index}.id", NOT_A_CANVAS)
    return listed


def _card(card: dict[str, Any]) -> Card:
    file = _text(card.get("file")) if card.get("type") == "file" else ""
    shown = [PurePosixPath(file).name.removesuffix(".md"), *(_text(card.get(key)) for key in ("text", "label", "url"))]
    return Card(card["id"], file, next((text.strip().split("\n")[0] for text in shown if text.strip()), card["id"]))


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
