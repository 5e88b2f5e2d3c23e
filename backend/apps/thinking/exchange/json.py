"""An export as JSON, written and read as a stream: neither holds more than a few projects at a time.

{"format": "thinkring", "version": 2, "exported_at": "…",
 "projects": [{…, "rounds": [{…, "steps": […]}], "nodes": […]}], "nodes": [the global ones], "links": […],
 "account": {what person.py has of the person, if it is the whole account; an import does not look at it}}
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import ijson
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.thinking.exchange import person, records
from apps.thinking.exchange.problems import NEWER, NOT_OURS, UNKNOWN, FileProblem
from apps.thinking.exchange.records import Record
from apps.thinking.problems import NOT_A_LIST, NOT_AN_OBJECT, REQUIRED, UNSTORABLE

FORMAT = "thinkring"
VERSION = 2
# What turns a record ("projects", "nodes" or "links") of an older version into one of the next.
# Version 2 brought "account", which is not imported.
UPGRADES: dict[int, Callable[[str, Record], Record]] = {1: lambda name, record: record}

LISTS = ("projects", "nodes", "links")
# What a project at its limits does not reach; a file of millions of empty lists would fill the memory.
DEPTH = 20
VALUES = 1_000_000  # in one project, node or link
# ijson reads a string from its beginning again with each piece of it, so that one of 49 MB took a minute in pieces of
# 64 kB; and what is in a piece is in the memory all at once.
PIECE = 512 * 1024  # bytes

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# Each escape; those that are half of a surrogate pair, without the other half, with a group.
ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)

BROKEN = ("invalid", _("This is not JSON from here on."))
NUMBER = ("invalid", _("This has a number that cannot be read."))
CUT_OFF = ("invalid", _("The file ends too early; it was cut off."))
TOO_DEEP = ("invalid", _("This is nested too deeply."))
TOO_MUCH = ("max_length", _("This is too much for one object."))


def write(user, project=None) -> Iterator[str]:
    """The whole account, or one project, an object a line."""
    head = {"format": FORMAT, "version": VERSION, "exported_at": timezone.now().isoformat()}
    yield f'{_dump(head)[:-1]},\n"projects": ['
    exported = set()
    before = "\n"
    for row in records.projects(user, project):
        yield f"{before}{_dump(records.of_project(row))[:-1]},\n" + ' "rounds": ['
        for index, round in enumerate(row.rounds.all()):
            yield f"{',' if index else ''}\n  {_dump(records.of_round(round))[:-1]}, " + '"steps": [\n'
            yield ",\n".join(f"   {_dump(records.of_step(step))}" for step in round.steps.all()) + "]}"
        yield '],\n "nodes": ['
        for index, node in enumerate(row.nodes.all()):
            exported.add(node.pk)
            yield f"{',' if index else ''}\n  {_dump(records.of_node(node))}"
        yield "]}"
        before = ",\n"
    yield '],\n"nodes": ['
    before = "\n"
    for node in records.global_nodes(user, project):
        exported.add(node.pk)
        yield f"{before}{_dump(records.of_node(node))}"
        before = ",\n"
    yield '],\n"links": ['
    before = "\n"
    for link in records.links(user, project):
        # A node may be made while the file is written, and its link must not dangle.
        if link.from_node_id in exported and link.to_node_id in exported:
            yield f"{before}{_dump(records.of_link(link))}"
            before = ",\n"
    yield "]"
    if project is None:
        yield from _account(user)
    yield "}\n"


def _account(user) -> Iterator[str]:
    before = ',\n"account": {'
    for name, rows in person.about(user):
        yield f'{before}\n "{name}": ['
        for index, row in enumerate(rows):
            yield f"{',' if index else ''}\n  {json.dumps(row, ensure_ascii=False, cls=DjangoJSONEncoder)}"
        yield "]"
        before = ","
    yield "}"


def read(file: BinaryIO) -> Iterator[tuple[str, str, Record]]:
    """(list, path, record) for each project, then each global node, then each link, as the current version has them.

    The whole file is looked at first, so that one which is broken is refused before anything is done with it.
    """
    version = _check(file)
    for name in LISTS:
        for index, record in enumerate(_items(file, name)):
            path = f"{name}.{index}"
            if not isinstance(record, dict):
                raise FileProblem(path, NOT_AN_OBJECT)
            for older in range(version, VERSION):
                record = UPGRADES[older](name, record)
            yield name, path, record


def line_of(file: BinaryIO, path: str) -> int:
    """The line on which a value stands, or on which what it is missing from begins."""
    wanted = path.split(".")

    def find(reader: _Lines) -> tuple[int, int]:
        line, begin, depth = 1, 0, 0
        for at, _event in _places(reader):
            if len(at) > depth and at == wanted[: len(at)]:
                line, begin, depth = reader.line, reader.begin, len(at)
                if depth == len(wanted):
                    break
        return line, begin

    _line, begin = find(_Lines(file))
    line, _begin = find(_Lines(file, begin))
    return line


def lines_of(file: BinaryIO, name: str) -> list[int]:
    """The line on which each item of a list begins; of a file that json could read, and ijson perhaps only in part."""
    reader = _Lines(file, 0)
    found = []
    try:
        for at, _event in _places(reader):
            if len(at) == 2 and at[0] == name:
                found.append(reader.line)
    except FAULTS:
        pass
    return found


def half_pair(file: BinaryIO) -> int | None:
    """The line with half of a surrogate pair. ijson makes another character of it, and nothing can write it down."""
    file.seek(0)
    line = 1
    # Whole lines, so that no escape is cut in two.
    while piece := file.read(PIECE) + file.readline():
        if SURROGATE.search(piece):
            for found in ESCAPE.finditer(piece):
                if found[1]:
                    return line + piece.count(b"\n", 0, found.start())
        line += piece.count(b"\n")
    return None


def _events(reader) -> Iterator[tuple[str, Any]]:
    # Floats, because ijson ends the whole process at an exact number of thousands of digits.
    return ijson.basic_parse(reader, use_float=True, buf_size=PIECE)


def _items(file: BinaryIO, name: str) -> Iterator[Any]:
    return ijson.items(_Bytes(file), f"{name}.item", use_float=True, buf_size=PIECE)


def _check(file: BinaryIO) -> int:
    """That it is JSON to its end and of our format; says of which version."""
    head: dict[str, Any] = {}
    depth, key, values = 0, "", 0
    if line := half_pair(file):
        raise FileProblem("", UNSTORABLE, line)
    with _problems_of(file):
        for event, value in _events(_Bytes(file)):
            if event in ("end_map", "end_array"):
                depth -= 1
                continue
            if event == "map_key":
                if depth == 1:
                    key, values = value, 0
                    if key not in (*LISTS, "account", "format", "version", "exported_at"):
                        raise FileProblem(key[:40], UNKNOWN if head.get("format") == FORMAT else NOT_OURS)
                continue
            if depth == 0 and event != "start_map":
                raise FileProblem("", NOT_OURS)
            if depth == 1:
                if key in LISTS and event != "start_array":
                    raise FileProblem(key, NOT_A_LIST)
                head[key] = value
            # Of the account as much as there is: nothing of it is kept in the memory.
            values = 0 if depth == 2 or key == "account" else values + 1
            if values > VALUES:
                raise FileProblem(key, TOO_MUCH)
            if event in ("start_map", "start_array"):
                depth += 1
                if depth > DEPTH:
                    raise FileProblem(key, TOO_DEEP)
    if head.get("format") != FORMAT:
        raise FileProblem("format", NOT_OURS)
    return checked_version(head.get("version"), VERSION, UPGRADES)


def checked_version(version: Any, current: int, upgrades) -> int:
    if version is None:
        raise FileProblem("version", REQUIRED)
    if isinstance(version, bool) or not isinstance(version, int):
        raise FileProblem("version", NOT_OURS)
    if version > current:
        raise FileProblem("version", NEWER)
    if version < current and version not in upgrades:
        raise FileProblem("version", NOT_OURS)
    return version


# What ijson raises besides its own, for bytes that are no UTF-8.
FAULTS = (ijson.JSONError, ValueError)


@contextmanager
def _problems_of(file: BinaryIO):
    try:
        yield
    except ijson.IncompleteJSONError as error:
        # Also ijson's name for what is broken in the middle.
        said = str(error.args[0])
        problem = CUT_OFF if "premature EOF" in said else NUMBER if "overflow" in said else BROKEN
        raise FileProblem("", problem, _broken_line(file)) from error
    except FAULTS as error:
        raise FileProblem("", BROKEN, _broken_line(file)) from error


def _broken_line(file: BinaryIO) -> int:
    def break_off(reader: _Lines) -> _Lines:
        try:
            for _event in _events(reader):
                pass
        except FAULTS:
            pass
        return reader

    begin = break_off(_Lines(file)).begin
    return break_off(_Lines(file, begin)).line


def _places(reader) -> Iterator[tuple[list[str], str]]:
    """(path, event) for each value of the file."""
    path: list[str] = []
    indexes: list[int | None] = []  # of each list or object that is open: where in the list it is, None for an object
    for event, value in _events(reader):
        if event == "map_key":
            path[-1] = value
            continue
        if event in ("end_map", "end_array"):
            path.pop()
            indexes.pop()
            continue
        if indexes and (index := indexes[-1]) is not None:
            path[-1] = str(index)
            indexes[-1] = index + 1
        yield list(path), event
        if event in ("start_map", "start_array"):
            path.append("")
            indexes.append(None if event == "start_map" else 0)


class _Bytes:
    """The file from its beginning, without the mark that Windows puts there."""

    def __init__(self, file: BinaryIO):
        self.file = file
        file.seek(0)
        if file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)

    def read(self, size: int) -> bytes:
        return self.file.read(size)


class _Lines(_Bytes):
    """Knows where the parser is: in which piece, and from `by_line` on, where pieces are lines, on which line.

    A file of nothing but lines takes too long line by line, so that the piece is found first.
    """

    def __init__(self, file: BinaryIO, by_line: int | None = None):
        super().__init__(file)
        self.by_line = by_line
        self.line = 1
        self.begin = self.newlines = 0  # of the last piece

    def read(self, size: int) -> bytes:
        begin = self.file.tell()
        whole = self.by_line is None or begin < self.by_line
        part = self.file.read(size) if whole else self.file.readline(size)
        if part:
            self.line += self.newlines
            self.begin, self.newlines = begin, part.count(b"\n")
        return part


def _dump(value) -> str:
    return json.dumps(value, ensure_ascii=False)
