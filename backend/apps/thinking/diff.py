"""What changed between two rounds of a project, or two states of a step."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone
from rapidfuzz.distance import Indel

from apps.thinking.content import SHAPES, Content
from apps.thinking.models import Node, NodeRename, Round, Step, StepRevision

SENTENCES = re.compile(r"[^。！？!?\n]*[。！？!?]+|[^。！？!?\n]+|\n+")
# Latin words, numbers and katakana words whole; kanji and hiragana one by one, since nothing stands between their
# words. What combines with a letter stays with it.
WORDS = re.compile(
    r"""(?: [ァ-ヺー-ヿㇰ-ㇿｦ-ﾟ]+
          | (?: (?![ぁ-ヿ㐀-鿿豈-﫿ｦ-ﾟ\U00020000-\U0003ffff]) \w )+
          | [ \t]+
          | . )
        [\u0300-\u036f\u3099\u309a\u200d\ufe0f]*""",
    re.DOTALL | re.VERBOSE,
)
# Of two lists that are compared, the product of their lengths: 12 MB of memory, 60 ms.
AFFORDABLE = 10**8


class Run(NamedTuple):
    op: str
    text: str


class Line(NamedTuple):
    """An item of a list: where it stood, where it stands, or both; `left` and `moved` are the two ends of a move."""

    kind: str
    runs: list[Run]


class Field(NamedTuple):
    field: str
    before: str
    after: str
    runs: list[Run]
    # Of a list only.
    lines: list[Line]


class Place(NamedTuple):
    field: str
    position: int


class Move(NamedTuple):
    text: str
    before: Place
    after: Place
    # Of its text: it may have been reworded as well.
    runs: list[Run]


class Strike(NamedTuple):
    text: str
    field: str
    struck: bool


class StepDiff(NamedTuple):
    type: str
    fields: list[Field]
    moves: list[Move]
    struck: list[Strike]


class NodesDiff(NamedTuple):
    """As {id, title}, of a renamed one with its old_title."""

    born: list
    renamed: list
    gone: list


class Edit(NamedTuple):
    """What stays the same, and then what was taken out and put in."""

    equal: str
    deleted: str
    inserted: str


def compare_rounds(first: Round, last: Round) -> tuple[list[StepDiff], NodesDiff]:
    """What became of the steps and of the nodes of a project from an earlier round to a later one."""
    return _compare_steps(first, last), _compare_nodes(first, last)


def revision_fields(revision: StepRevision) -> list[Field]:
    """The fields that differ from the revision before; none of the first one."""
    if revision.before is None:
        return []
    type, contents = revision.step.type, [revision.before.content, revision.content]
    return [field for field in compare_fields(type, contents, _same(type, *contents)) if field.before != field.after]


def revision_strikes(revision: StepRevision) -> list[Strike]:
    """The items that were struck out, or taken up again, since the revision before."""
    if revision.before is None:
        return []
    return _strikes(_same(revision.step.type, revision.before.content, revision.content))


def compare_step(type: str, contents: list[Content]) -> StepDiff:
    """What became of a step from the first of the contents to the last, those of the same step in round after round."""
    pairs = _pairs(type, contents)
    return StepDiff(type, compare_fields(type, contents, pairs), _moves(type, pairs), _strikes(pairs))


def compare_fields(type: str, contents: list[Content], pairs: list["Pair"]) -> list[Field]:
    """The fields of the step's type in their order; a list's items are a line each.

    Of the lines, an item that stayed where it was is compared with itself, whatever stands around it; one that moved
    stands twice, where it was and where it is.
    """
    shape, before, after = SHAPES[type], contents[0], contents[-1]
    fields = [Field(name, before[name], after[name], runs(before[name], after[name]), []) for name in shape.texts]
    for name in shape.lists:
        old, new = ("\n".join(item["text"] for item in items) for items in (before[name], after[name]))
        fields.append(
            Field(
                name,
                old,
                new,
                runs(old, new),
                [line for line in _lines(name, before[name], after[name], pairs) if line.runs],
            )
        )
    return fields


def runs(before: str, after: str) -> list[Run]:
    """The text as runs that are equal, deleted or inserted; deleted and equal ones are `before`, the others `after`.

    Sentences first, and words where sentences differ: an equal sentence holds its place, however much its words
    occur elsewhere.
    """
    edits = []
    for edit in _edits(SENTENCES, before, after):
        within = list(_edits(WORDS, edit.deleted, edit.inserted))
        edits.append(Edit(edit.equal, "", ""))
        edits.extend(_without_islands(within))
    return list(_runs(edits))


def _compare_steps(first: Round, last: Round) -> list[StepDiff]:
    between = Step.objects.filter(round__project=first.project_id, round__number__range=(first.number, last.number))
    contents: dict[str, list[Content]] = {type: [] for type in SHAPES}
    for type, written in between.order_by("round__number").values_list("type", "content"):
        contents[type].append(written)
    return [compare_step(type, states) for type, states in contents.items()]


def _compare_nodes(first: Round, last: Round) -> NodesDiff:
    """From the start of the round after the first to the end of the last."""
    begin = Round.objects.get(project=first.project_id, number=first.number + 1).created_at
    following = Round.objects.filter(project=first.project_id, number=last.number + 1).first()
    window = (begin, following.created_at if following else timezone.now())
    nodes = Node.objects.filter(project=first.project_id).order_by("created_at", "pk")
    # Where it was made says when, and else the clock.
    new = Q(round__number__gt=first.number, round__number__lte=last.number) | Q(round=None, created_at__range=window)
    gone = nodes.filter(deleted_at__range=window).exclude(pk__in=nodes.filter(new))
    left = nodes.filter(Q(deleted_at=None) | Q(deleted_at__gt=window[1]))
    born = left.filter(new)
    return NodesDiff(list(born.values("id", "title")), _renamed(left, window), list(gone.values("id", "title")))


def _renamed(nodes: QuerySet, window: tuple[datetime, datetime]) -> list[dict]:
    """Once for each node, from its first title to its last; not when that is the same again."""
    renames: dict = {}
    found = NodeRename.objects.filter(node__in=nodes, renamed_at__range=window).order_by("renamed_at", "pk")
    for id, old, new in found.values_list("node", "old_title", "new_title"):
        renames[id] = (renames[id][0] if id in renames else old, new)
    return [{"id": id, "title": new, "old_title": old} for id, (old, new) in renames.items() if old != new]


class _Item(NamedTuple):
    item: dict
    place: Place


class Pair(NamedTuple):
    """An item of the last content, and the one in the first that it came from."""

    old: _Item
    new: _Item


def _items(type: str, content: Content) -> dict[str, _Item]:
    return {
        item["id"]: _Item(item, Place(name, position))
        for name in SHAPES[type].lists
        for position, item in enumerate(content[name], start=1)
    }


def _same(type: str, before: Content, after: Content) -> list[Pair]:
    """Within one step an item keeps its id."""
    old, new = (_items(type, content) for content in (before, after))
    return [Pair(old[id], item) for id, item in new.items() if id in old]


def _pairs(type: str, contents: list[Content]) -> list[Pair]:
    """Through the rounds between, each of which names the item before it as the origin."""
    *earlier, last = [_items(type, content) for content in contents]
    found: dict[str, Pair] = {}
    for item in last.values():
        ancestor: _Item | None = item
        for items in reversed(earlier):
            ancestor = items.get(ancestor.item["origin"]) if ancestor else None
        # Two may name the same origin, when an item was copied: the first one is it.
        if ancestor and ancestor.item["id"] not in found:
            found[ancestor.item["id"]] = Pair(ancestor, item)
    return list(found.values())


def _stayed(name: str, pairs: list[Pair]) -> list[Pair]:
    """Of a list that was put in another order, as many items as possible, so that as few as explain it have moved."""
    kept = [pair for pair in pairs if pair.old.place.field == pair.new.place.field == name]
    return [kept[index] for index in _longest_rising([pair.old.place.position for pair in kept])]


def _moves(type: str, pairs: list[Pair]) -> list[Move]:
    """The items that stand elsewhere now: in another list, or in another order. Positions count from 1."""
    still = {pair.new.place for name in SHAPES[type].lists for pair in _stayed(name, pairs)}
    return [
        Move(new.item["text"], old.place, new.place, runs(old.item["text"], new.item["text"]))
        for old, new in sorted(pairs, key=lambda pair: SHAPES[type].lists.index(pair.new.place.field))
        if new.place not in still
    ]


def _strikes(pairs: list[Pair]) -> list[Strike]:
    return [
        Strike(new.item["text"], new.place.field, new.item["struck"])
        for old, new in pairs
        if old.item["struck"] != new.item["struck"]
    ]


def _lines(name: str, before: list[dict], after: list[dict], pairs: list[Pair]) -> Iterator[Line]:
    left = {pair.old.place for pair in pairs}
    came = {pair.new.place for pair in pairs}
    stayed = [(old.place.position, new.place.position) for old, new in _stayed(name, pairs)]
    taken = put = 0
    for old, new in [*stayed, (len(before) + 1, len(after) + 1)]:
        for position in range(taken + 1, old):
            text = before[position - 1]["text"]
            yield Line("left" if Place(name, position) in left else "dropped", _runs_of("delete", text))
        for position in range(put + 1, new):
            text = after[position - 1]["text"]
            yield Line("moved" if Place(name, position) in came else "added", _runs_of("insert", text))
        if old <= len(before):
            was, now = before[old - 1]["text"], after[new - 1]["text"]
            yield Line("kept" if was == now else "changed", runs(was, now))
        taken, put = old, new


def _runs_of(op: str, text: str) -> list[Run]:
    return [Run(op, text)] if text else []


def _longest_rising(numbers: list[int]) -> list[int]:
    """The indexes of a longest rising subsequence."""
    ends: list[int] = []
    tails: list[int] = []
    previous: list[int | None] = []
    for index, number in enumerate(numbers):
        length = bisect_left(tails, number)
        previous.append(ends[length - 1] if length else None)
        tails[length : length + 1] = [number]
        ends[length : length + 1] = [index]
    found = []
    index_or_none = ends[-1] if ends else None
    while index_or_none is not None:
        found.append(index_or_none)
        index_or_none = previous[index_or_none]
    return found[::-1]


def _edits(pattern: re.Pattern, before: str, after: str) -> Iterator[Edit]:
    if before == after:
        yield Edit(before, "", "")
        return
    old, new = pattern.findall(before), pattern.findall(after)
    if len(old) * len(new) > AFFORDABLE:
        yield Edit("", before, after)
        return
    # Numbers, because rapidfuzz compares hashes.
    numbers: dict[str, int] = {}
    opcodes = Indel.opcodes(*([numbers.setdefault(part, len(numbers)) for part in parts] for parts in (old, new)))
    equal = deleted = inserted = ""
    for one in opcodes:
        if one.tag == "equal":
            if deleted or inserted:
                yield Edit(equal, deleted, inserted)
                equal = deleted = inserted = ""
            equal += "".join(old[one.src_start : one.src_end])
        else:
            deleted += "".join(old[one.src_start : one.src_end])
            inserted += "".join(new[one.dest_start : one.dest_end])
    yield Edit(equal, deleted, inserted)


def _without_islands(edits: list[Edit]) -> list[Edit]:
    """A little that happens to be equal between two larger changes is drowned in them: it would not help a reader."""
    joined: list[Edit] = []
    for edit in edits:
        while joined and (edit.deleted or edit.inserted):
            last = joined[-1]
            sizes = [max(len(one.deleted), len(one.inserted)) for one in (last, edit)]
            if len(edit.equal) > min(sizes):
                break
            joined.pop()
            edit = Edit(last.equal, *(f"{a}{edit.equal}{b}" for a, b in zip(last[1:], edit[1:], strict=True)))
        joined.append(edit)
    return joined


def _runs(edits: list[Edit]) -> Iterator[Run]:
    equal = ""
    for edit in edits:
        equal += edit.equal
        if edit.deleted or edit.inserted:
            yield from (
                Run(op, text)
                for op, text in zip(("equal", "delete", "insert"), (equal, *edit[1:]), strict=True)
                if text
            )
            equal = ""
    if equal:
        yield Run("equal", equal)
