"""What stands below the front matter: the fields of a step, or the context of a node and its links."""

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from django.utils.translation import override

from apps.thinking import content
from apps.thinking.exchange.canvas import WEIGHT
from apps.thinking.exchange.markdown import BLANKS, unescape
from apps.thinking.exchange.records import Record
from apps.thinking.exchange.words import FIELDS, names
from apps.thinking.models import LAST_ROUND

# None of these may go back over what it has read: a note has eight million characters, and any may stand in a row.
HEADING = re.compile(r"##[ \t]+(.*)")
MARK = re.compile(r"%%(\w+)%%\Z")
ITEM = re.compile(r"[ \t]*(?:[-*+]|\d+[.)])(?:[ \t]+(.*))?")
BLOCK_ID = re.compile(r"(?:^|[ \t\n])\^([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\Z")
WIKILINK = re.compile(r"(?<!\\)(!?)\[\[([^\[\]|#^\n]+)(?:[|#^][^\[\]\n]*)?\]\]")
LINK = re.compile(
    r"[ \t]*[-*+][ \t]+\[\[([^\[\]|#^]+)(?:[|#^][^\[\]]*)?\]\]"
    # Any other number is somebody's own remark.
    rf"(?:[ \t]*({WEIGHT.pattern})[ \t]*(?=%%automatic%%|\Z))?[ \t]*(%%automatic%%)?[ \t]*(.*)",
    re.ASCII,
)
IMAGE = re.compile(r"\A([ \t\n]*)!\[\[[^\[\]\n]*\]\][ \t]*")

# A line of the list of what a project has, and its map.
PART = re.compile(r"[ \t]*(?:[-*+][ \t]+|!)\[\[[^\[\]\n]*\]\][ \t]*")

# Of the ids of new notes and items, which follow from where they stand and what they say.
NEW = uuid.UUID("5b7c1e0a-6f0e-4b7e-9c55-2a4d8f3b9e61")


class Heading(NamedTuple):
    label: str
    mark: str  # by which it is known whatever its words are; nothing of one that somebody wrote


class NodeBody(NamedTuple):
    context: str
    written: list[tuple[int, str]]  # the lines of the context as they stand in the note, by their numbers
    listed: list[tuple[int, str]]  # those of the list of links


def _heading(line: str) -> Heading | None:
    found = HEADING.fullmatch(line)
    if not found:
        return None
    label = found[1].rstrip(" \t")
    mark = MARK.search(label)
    return Heading(label[: mark.start()].rstrip(" \t"), mark[1]) if mark else Heading(label, "")


def of_node(body: str, line: int, has_image: bool) -> NodeBody:
    """`line` is the one on which the body begins."""
    if has_image:
        body = IMAGE.sub(r"\1", body)
    lines = list(enumerate(body.split("\n"), start=line))
    begin, end = _links([text for _number, text in lines])
    before, after = lines[:begin], lines[end:]
    parts = ["\n".join(text for _number, text in part).strip(BLANKS) for part in (before, after)]
    return NodeBody(unescape("\n\n".join(filter(None, parts))), before + after, lines[begin + 1 : end])


def _links(lines: list[str]) -> tuple[int, int]:
    """From the heading of the links to where their list ends; people write on below it."""
    headings = {index: found for index, line in enumerate(lines) if (found := _heading(line))}
    marked = [index for index, found in headings.items() if found.mark == "links"]
    named = [index for index, found in headings.items() if _labels()["links"].get(found.label) and not found.mark]
    if not marked and not named:
        return len(lines), len(lines)
    begin = (marked or named)[-1]
    rest = [index for index, line in enumerate(lines) if index > begin and line.strip(BLANKS)]
    others = (index for index in rest if not ITEM.fullmatch(lines[index]))
    return begin, next(others, len(lines))


def weight(found: re.Match) -> Record:
    """Of a line of the list of links: how strong the link is, and why, if it says so."""
    if not found[2]:
        return {}
    manual = {"weight": float(found[2]), "origin": "manual"}
    return manual | {"origin": "automatic", "reason": unescape(found[4].strip(BLANKS))} if found[3] else manual


def of_project(body: str, line: int) -> Iterator[tuple[int, str]]:
    """What somebody wrote below the front matter of a project, which has no text of its own, and on which line."""
    for number, text in enumerate(body.split("\n"), start=line):
        heading = _heading(text)
        if text.strip(BLANKS) and not PART.fullmatch(text) and not (heading and heading.label in _labels()["project"]):
            yield number, text


def of_step(type: str, body: str, step: str, origins: dict[str, str]) -> content.Content:
    shape = content.SHAPES[type]
    sections: dict[str, list[str]] = {field: [] for field in (*shape.texts, *shape.lists)}
    # What stands before the first heading belongs to what that is about.
    field = next(iter(sections))
    for line in body.split("\n"):
        heading = _heading(line)
        named = heading and (heading.mark or _labels()[type].get(heading.label))
        if named in sections:
            field = named
        else:
            sections[field].append(line)
    seen: set[str] = set()
    numbers: Counter[str] = Counter()
    return {
        **{field: unescape("\n".join(sections[field]).strip(BLANKS)) for field in shape.texts},
        **{field: list(_items(sections[field], step, origins, seen, numbers)) for field in shape.lists},
    }


def _items(
    lines: list[str], step: str, origins: dict[str, str], seen: set[str], numbers: Counter[str]
) -> Iterator[Record]:
    """`seen` are the ids of the step's items so far, `numbers` how many ids each text was given."""
    texts: list[list[str]] = []
    indent = 0
    blank = 0
    for line in lines:
        if len(texts) > content.ITEMS:
            # It is refused for one item too many; millions would fill the memory first.
            break
        found = ITEM.fullmatch(line)
        if found:
            indent = found.start(1) if found[1] is not None else 0
            texts.append([found[1] or ""])
        elif not line.strip(BLANKS):
            blank += 1
            if texts:
                texts[-1].append(line[indent:])
            continue
        elif texts and (not blank or line[:1] in " \t"):
            own = len(line) - len(line.lstrip(" \t"))
            texts[-1].append(line[min(indent, own) :])
        else:
            indent = 0
            texts.append([line])
        blank = 0
    for parts in texts:
        text = "\n".join(parts).rstrip(BLANKS)
        marked = BLOCK_ID.search(text)
        id = marked[1].lower() if marked else ""
        text = text[: marked.start()] if marked else text
        struck = len(text) > 3 and text.startswith("~~") and text.endswith("~~")
        text = unescape(text[2:-2] if struck else text)
        while not id or id in seen:
            id = str(uuid.uuid5(NEW, f"{step} {numbers[text]} {text}"))
            numbers[text] += 1
        seen.add(id)
        yield {"id": id, "text": text, "struck": struck, "origin": origins.get(id)}


@cache
def _labels() -> dict[str, dict[str, str]]:
    """What a heading may say in either language, for when only the words are left of it."""
    labels: dict[str, dict[str, str]] = {type: {} for type in (*content.SHAPES, "links", "project")}
    for language in ("ja", "en"):
        with override(language):
            for type, shape in content.SHAPES.items():
                labels[type] |= {str(FIELDS[field]): field for field in (*shape.texts, *shape.lists)}
            labels["links"][names()["links"]] = "links"
            rounds = (names()["round"] % {"number": number} for number in range(1, LAST_ROUND + 1))
            labels["project"] |= dict.fromkeys([*rounds, names()["nodes"]], "")
    return labels
