"""The ring map: where each node of a project stands, in which rounds it recurs, and what links it to the others.

The unit is the distance of two rings. The centre is 0, 0, and y points down; round n is the ring of radius n, its steps
are sectors of 72° that go round clockwise from the overview at the top.
"""

import math
import uuid
import zlib
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from apps.core.expressions import Id
from apps.thinking.folding import bigrams, fold
from apps.thinking.models import Node, NodeLink, Project, Round, Step

SECTORS = {type: place / len(Step.Type) for place, type in enumerate(Step.Type.values)}
WIDTH = 1 / len(SECTORS)
# What nodes of two sectors keep free between them, as a part of the sector.
MARGIN = 0.06

# Without a round a node stands here; a global one so far outside of the last ring.
CENTRE = 0.5
OUTSIDE = 0.7
# A node moves inward so far for each further round that its word occurs in: 0.4 when it occurs in all five.
INWARD = 0.1
# Where a ring is too short for its nodes, they stand in up to four rows, so far from each other.
GAP = 0.1
ROWS = 4


class Spot(NamedTuple):
    """What a node's place follows from."""

    id: str
    round: int | None
    step: str | None
    is_global: bool
    recurs: int


def graph(project: Project) -> dict:
    """Every node of the project, every global node that is linked to one, every link between them; plain values."""
    columns = Id("pk"), "title", "round__number", "step__type"
    nodes = Node.objects.kept().order_by("created_at", "pk")
    own = list(nodes.filter(project=project).values_list(*columns))
    # In two, since no index serves both ends at once.
    links = _links(from_node__project=project, from_node__deleted_at=None)
    links += _links(
        from_node__owner=project.owner_id,
        from_node__project=None,
        to_node__project=project,
        to_node__deleted_at=None,
    )
    ends = {id for link in links for id in link[1:3]}.difference(row[0] for row in own)
    free = list(nodes.filter(project=None, pk__in=ends).values_list(*columns)) if ends else []
    if free:
        ids = [row[0] for row in free]
        links += _links(from_node__in=ids, to_node__in=ids)

    texts = _texts(project.pk)
    pairs = {pair for text in texts.values() for pair in bigrams(text)}

    def recurs(title: str) -> int:
        word = fold(title)
        # Most titles are in no text, which their bigrams tell without reading it.
        return sum(word in text for text in texts.values()) if pairs.issuperset(bigrams(word)) else 0

    spots = [
        Spot(id, round, step, is_global, recurs(title))
        for rows, is_global in ((own, False), (free, True))
        for id, title, round, step in rows
    ]
    shown = {spot.id for spot in spots}
    links = [link for link in links if link[1] in shown and link[2] in shown]
    places = layout(len(texts), spots, [link[1:3] for link in links])
    titles = {row[0]: row[1] for row in (*own, *free)}
    return {
        "project": str(project.pk),
        "rounds": len(texts),
        "nodes": [
            {
                "id": spot.id,
                "title": titles[spot.id],
                "round": spot.round,
                "step": spot.step,
                "global": spot.is_global,
                "recurs": spot.recurs,
                "x": places[spot.id][0],
                "y": places[spot.id][1],
            }
            for spot in spots
        ],
        "links": [
            {"id": id, "from": from_node, "to": to_node, "weight": float(weight), "origin": origin}
            for id, from_node, to_node, weight, origin in links
        ],
    }


def layout(rounds: int, spots: list[Spot], links: Iterable[tuple]) -> dict[str, tuple[float, float]]:
    """Where each node stands.

    Given in the order of birth, a further one leaves the others where they are, until its part of the ring is full.
    """
    cells: dict[tuple, list[Spot]] = defaultdict(list)
    for spot in spots:
        cells[("global",) if spot.is_global else (spot.round, spot.step)].append(spot)
    turns: dict[str, float] = {}
    places: dict[str, tuple[float, float]] = {}
    free = cells.pop(("global",), [])
    for (round, step), cell in cells.items():
        start, width = (SECTORS[step] - WIDTH * (1 - MARGIN) / 2, WIDTH * (1 - MARGIN)) if step else (0.0, 1.0)
        wanted = {spot.id: _chance(spot.id) for spot in cell}
        _place(cell, wanted, round or CENTRE, start, width, turns, places)
    _place(free, _toward(free, links, turns), rounds + OUTSIDE, 0.0, 1.0, turns, places)
    return places


def _place(
    cell: list[Spot], wanted: dict, radius: float, start: float, width: float, turns: dict, places: dict
) -> None:
    """Spreads the nodes of a cell, a part of a ring, each as near as can be to where in it (0 to 1) it wants to be."""
    slots = 1
    while slots * 3 < len(cell) * 4:
        slots *= 2
    rows = 1
    while rows < ROWS and math.tau * radius * width / slots * rows < GAP:
        rows *= 2
    taken: set[int] = set()
    for spot in cell:
        slot = _nearest(int(wanted[spot.id] * slots) % slots, slots, taken, closed=width == 1)
        taken.add(slot)
        turn = start + (slot + 0.5) / slots * width
        # From the centre's circle the further rows go inward, since round 1 begins outside of it.
        row = slot % rows * GAP * (-1 if radius == CENTRE else 1)
        inward = 0 if spot.is_global or spot.round is None else INWARD * max(0, spot.recurs - 1)
        turns[spot.id] = turn
        places[spot.id] = _point(turn, radius + row - inward)


def _nearest(slot: int, slots: int, taken: set[int], closed: bool) -> int:
    """The free slot that is nearest; of a closed ring the last one is beside the first."""
    for distance in range(slots):
        for candidate in (slot + distance, slot - distance):
            place = candidate % slots if closed else candidate
            if 0 <= place < slots and place not in taken:
                return place
    raise ValueError("there are more nodes than slots")


def _toward(free: list[Spot], links: Iterable[tuple], turns: dict[str, float]) -> dict[str, float]:
    """For each global node the mean direction of what it is linked to."""
    sums = {spot.id: [0.0, 0.0] for spot in free}
    for pair in links:
        for id, other in (pair, pair[::-1]):
            if id in sums and other in turns:
                x, y = _point(turns[other], 1)
                sums[id][0] += x
                sums[id][1] += y
    return {
        # Opposite directions have no mean.
        id: math.atan2(x, -y) / math.tau % 1 if math.hypot(x, y) > 0.01 else _chance(id)
        for id, (x, y) in sums.items()
    }


def _point(turn: float, radius: float) -> tuple[float, float]:
    """`turn` is a part of the whole circle, clockwise from the top."""
    return round(radius * math.sin(turn * math.tau), 4), round(-radius * math.cos(turn * math.tau), 4)


def _chance(id: str) -> float:
    """From 0 to 1, always the same for one node; not its id itself, which a client may have numbered."""
    return zlib.crc32(id.encode()) / 2**32


def _links(**ends) -> list[tuple]:
    links = NodeLink.objects.filter(removed_at=None, **ends)
    return list(links.values_list(Id("pk"), Id("from_node"), Id("to_node"), "weight", "origin"))


def _texts(project: uuid.UUID) -> dict[int, str]:
    """What was written in each round, by its number, in the form of apps.thinking.folding."""
    rounds: dict[int, list[str]] = defaultdict(list)
    written = Round.objects.filter(project=project).order_by("number").values_list("number", "steps__folded")
    for number, text in written:
        rounds[number].append(text or "")
    return {number: "\n".join(steps) for number, steps in rounds.items()}
