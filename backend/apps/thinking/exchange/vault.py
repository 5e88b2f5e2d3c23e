"""Reads a vault that obsidian.py wrote, after whatever somebody did to it in Obsidian.

A note is known by the id in its front matter, wherever it lies and whatever it is called. A renamed file is a new
title; a note without an id, in a project's folder, is a new node, and so is a copy of a node's note; a wikilink in a
node's text is a new link, and so is an edge that somebody drew on a canvas.
"""

import base64
import itertools
import re
import unicodedata
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from django.utils.translation import gettext_lazy as _

from apps.thinking import content
from apps.thinking.exchange import bodies, canvas, checked, manifest, missing, notes
from apps.thinking.exchange.archive import Archive
from apps.thinking.exchange.markdown import BLANKS, unescape
from apps.thinking.exchange.names import key, safe
from apps.thinking.exchange.notes import Note
from apps.thinking.exchange.problems import NOT_OURS, FileProblem
from apps.thinking.exchange.records import Record

NOTE = 8 * 1024 * 1024  # bytes; a step at its limits is 4 MB
SHOWN = 200  # characters of what was ignored

IGNORED = ("note", "line", "link", "edge", "remark", "project", "more")

NOT_UTF8 = ("invalid", _("This is not UTF-8."))
SAME_ID = _("“%(name)s” has the same id. Only notes of nodes can be copied; delete one of the two.")


class Vault:
    """Of an open zip: its records, and after those were read what was `missing` and what was `ignored`."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.missing: list[str] = []  # ids of the manifest
        self.ignored: list[dict[str, Any]] = []
        self.more = 0  # that was ignored
        self.places: dict[str, str] = {}  # the note behind each path of the import
        self.nodes: set[str] = set()
        self.ids: dict[str, str] = {}  # of nodes, by the names and the places that links and cards call them
        self.links: dict[frozenset, tuple[str, Record]] = {}

    def __enter__(self):
        self.archive = Archive(self.file)
        roots = [name for name in self.archive.entries if name.rpartition("/")[2] == manifest.NAME]
        if not roots:
            raise FileProblem(manifest.NAME, NOT_OURS)
        name = self.manifest_name = min(roots, key=len)
        self.root = PurePosixPath(name).parent
        self.manifest = manifest.read(name, self.archive.read(name, manifest.SIZE))
        at = self.manifest.exported_at
        self.exported = {"created_at": at, "updated_at": at} if at else {}
        # What a link may mean although it is no node.
        self.known = {_target(name.rpartition("/")[2]) for name in self.archive.entries}
        return self

    @property
    def exported_at(self) -> datetime | None:
        """Unknown of the first vaults."""
        return checked.time(self.exported, self.manifest_name, "updated_at") if self.exported else None

    def __exit__(self, *error):
        self.archive.close()

    def where(self, path: str) -> str:
        """The note, and what in it, that a path of the import stands for."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            if name := self.places.get(".".join(parts[:length])):
                return ": ".join([name, *filter(None, [".".join(parts[length:])])])
        return path

    def records(self) -> Iterator[tuple[str, str, Record]]:
        projects, loose = self.sort()
        for index, found in enumerate(projects.values()):
            path = f"projects.{index}"
            self.places[path] = str(found[0].place.parent)
            yield "projects", path, self.project(path, found)
        for index, note in enumerate(loose):
            path = f"nodes.{index}"
            self.places[path] = note.name
            yield "nodes", path, self.node(note)
        for name in self.archive.entries:
            if name.lower().endswith(".canvas"):
                self.draw(name)
        self.keep_removed()
        for index, (name, record) in enumerate(self.links.values()):
            path = f"links.{index}"
            self.places[path] = name
            yield "links", path, record
        if self.more:
            self.ignored.append({"kind": "more", "file": "", "line": None, "text": str(self.more)})

    def ignore(self, kind: str, file: str, line: int | None, text: str) -> None:
        if len(self.ignored) < missing.TOLD:
            self.ignored.append({"kind": kind, "file": file, "line": line, "text": text.strip()[:SHOWN]})
        else:
            self.more += 1

    def sort(self) -> tuple[dict[str, list[Note]], list[Note]]:
        """The notes of each project, and those of global nodes."""
        ours, new = self.without_copies([self.note(name) for name in self.archive.entries if _is_note(name)])
        ids = {note.id for note in ours}
        self.missing = missing.gone(self.manifest, ids)
        gone = [self.manifest.rows[id] for id in self.missing]
        self.gone = {key(safe(name)) for kind, name in gone if kind == "node"}
        projects: dict[str, list[Note]] = {note.id: [] for note in ours if note.kind == "project"}
        # By the one form of all spellings of a name: a Mac does not write it as the manifest does.
        folders = {key(str(note.place.parent)): note.id for note in ours if note.kind == "project"}
        folders.setdefault(key(self.manifest.global_folder), "")
        loose = []
        for note in [*ours, *self.adopt(new, folders, ids)]:
            home = note.id if note.kind == "project" else note.project
            if home:
                projects.setdefault(home, []).append(note)
            else:
                loose.append(note)
            if note.kind == "node":
                self.nodes.add(note.id)
                for name in (note.place.name, str(note.place), note.name):
                    self.ids.setdefault(_target(name), note.id)
        return projects, loose

    def without_copies(self, found: list[Note]) -> tuple[list[Note], list[Note]]:
        """The notes that have an id which no other of them has, and those that become new nodes."""
        new = [note for note in found if not note.kind]
        same: dict[tuple[str, str], list[Note]] = {}
        for note in found:
            if note.kind:
                same.setdefault((note.kind, note.id), []).append(note)
        for first, *copies in same.values():
            if not copies:
                continue
            first, *copies = same[first.kind, first.id] = sorted([first, *copies], key=self.as_original)
            if first.kind != "node":
                raise FileProblem(f"{copies[0].name}: id", ("not_allowed", SAME_ID % {"name": first.name}))
            new += [note._replace(is_copy=True) for note in copies]
        return [notes[0] for notes in same.values()], new

    def as_original(self, note: Note) -> tuple:
        """The original comes before its copies: it has the name of the export, or the shorter one."""
        file = self.read(note).front.get("file", note.place.stem)
        return key(note.place.stem) != key(file), len(note.name), note.name

    def adopt(self, new: list[Note], folders: dict[str, str], taken: set[str]) -> Iterator[Note]:
        """New nodes where they lie, in an order of their own, so that each has the same id the next time."""
        taken = set(taken)
        for note in sorted(new, key=lambda note: (len(note.place.parts), key(str(note.place)))):
            places = [key(str(folder)) for folder in note.place.parents]
            home = next((folders[place] for place in places if place in folders), None)
            if home is None and not note.is_copy:
                self.ignore("note", note.name, None, "")
                continue
            home = note.project if home is None else home
            # Of the second of a name its whole path, and what makes even that another.
            names = itertools.chain([note.place.stem], (f"{note.place}{'+' * more}" for more in itertools.count()))
            wanted = (str(uuid.uuid5(bodies.NEW, f"{home} {key(name)}")) for name in names)
            id = next(id for id in wanted if id not in taken)
            taken.add(id)
            yield note._replace(kind="node", id=id, project=home, is_new=True)

    def note(self, name: str) -> Note:
        inside = self.root in PurePosixPath(name).parents
        place = PurePosixPath(name).relative_to(self.root) if inside else PurePosixPath(name)
        return notes.note(name, place, self.text(name), self.manifest.rows)

    def read(self, note: Note) -> notes.Parts:
        return notes.parts(note, self.text(note.name))

    def text(self, name: str) -> str:
        try:
            return re.sub("\r\n?", "\n", self.archive.read(name, NOTE).decode())
        except UnicodeDecodeError as error:
            raise FileProblem(name, NOT_UTF8) from error

    def project(self, path: str, found: list[Note]) -> Record:
        id = found[0].id if found[0].kind == "project" else found[0].project
        record: Record = {"id": id, "refused_keywords": self.manifest.refused_keywords.get(id, [])}
        self.places[f"{path}.refused_keywords"] = self.manifest_name
        rounds: dict[str, Record] = {}
        nodes: list[Record] = []
        for note in found:
            if note.kind == "node":
                self.places[f"{path}.nodes.{len(nodes)}"] = note.name
                nodes.append(self.node(note))
                continue
            front, body, line = self.read(note)
            if note.kind == "project":
                record |= {"title": _project_title(note, front, found), **_times(front)}
                record |= {key: front[key] for key in ("category", "status") if key in front}
                self.places[path] = note.name
                for number, text in bodies.of_project(body, line):
                    self.ignore("project", note.name, number, text)
                continue
            number = front.get("round", "")
            round = rounds.setdefault(number, {"number": _number(number), "steps": []})
            at = f"{path}.rounds.{list(rounds).index(number)}"
            if note.kind == "round":
                round |= {"id": note.id, "note": unescape(body.strip(BLANKS)), **_times(front)}
                self.places[at] = note.name
            else:
                self.places[f"{at}.steps.{len(round['steps'])}"] = note.name
                round["steps"].append(self.step(note, front, body))
        return {**record, "rounds": list(rounds.values()), "nodes": nodes}

    def step(self, note: Note, front: dict, body: str) -> Record:
        type = front.get("step", "")
        record = {"id": note.id, "type": type, **_times(front)}
        if front.get("filled") in ("true", "false"):
            record["filled"] = front["filled"] == "true"
        if type in content.SHAPES:
            origins = dict(origin.split(" ", 1) for origin in front.get("origins", []) if " " in origin)
            record["content"] = bodies.of_step(type, body, note.id, origins)
        return record

    def node(self, note: Note) -> Record:
        front, text, line = self.read(note)
        record: Record = {"id": note.id, "title": unicodedata.normalize("NFC", note.place.stem)}
        if not note.is_new or note.is_copy:
            # Somebody's own note may have a front matter of its own.
            record["title"] = _title(note.place.stem, front)
            # A copy was made now, and may lie in another project.
            record |= _times(front) if not note.is_copy else {}
            if not note.is_copy or note.project == front.get("project", "").lower():
                record |= {"round": _number(front["round"]) if front.get("round") else None}
                record |= {"step": front["step"] if front.get("step") else None}
        if front.get("image") and (data := self.image(note, front["image"])):
            record["image"] = base64.b64encode(data).decode()
        body = bodies.of_node(text, line, bool(front.get("image")))
        self.link_written(note, body)
        self.link_listed(note, body)
        return record | {"context": body.context}

    def link_written(self, note: Note, body: bodies.NodeBody) -> None:
        for number, line in body.written:
            for found in bodies.WIKILINK.finditer(line):
                if found[1]:
                    continue
                if to := self.node_called(found[2]):
                    self.link(note, to, {})
                elif self.is_unknown(found[2]):
                    self.ignore("link", note.name, number, found[0])

    def link_listed(self, note: Note, body: bodies.NodeBody) -> None:
        for number, line in body.listed:
            found = bodies.LINK.fullmatch(line)
            to = self.node_called(found[1]) if found else None
            if found and to and to != note.id:
                # One that was in the export has the export's time, for want of its own.
                weight = bodies.weight(found)
                self.link(note, to, {**weight, **self.exported} if weight else {})
                if not found[3] and found[4].strip(BLANKS):
                    self.ignore("remark", note.name, number, found[4])
            elif found and _target(found[1]) in self.gone:
                # The link to a node whose note is gone is still there, as the node is.
                continue
            elif line.strip(BLANKS)[1:]:
                self.ignore("link" if found and self.is_unknown(found[1]) else "line", note.name, number, line)

    def draw(self, name: str) -> None:
        """Edges only add: those that are gone from a canvas say nothing."""
        data = self.archive.read(name, NOTE)
        lines: list[int] | None = None

        def ignore(kind: str, edge: canvas.Edge, text: str) -> None:
            nonlocal lines
            lines = canvas.lines(data) if lines is None else lines
            self.ignore(kind, name, lines[edge.number] if edge.number < len(lines) else None, text)

        for edge in canvas.edges(name, data):
            if edge.is_as_exported:
                continue
            start, end = self.node_of(edge.start), self.node_of(edge.end)
            if not start or not end or start == end:
                ignore("edge", edge, f"{edge.start.name} → {edge.end.name}")
                continue
            if edge.label and edge.weight is None:
                ignore("remark", edge, edge.label)
            pair = frozenset((start, end))
            if pair in self.links:
                noted = self.links[pair][1]
                is_more = noted.get("origin") == "automatic" or edge.weight not in (None, noted.get("weight"))
                if edge.is_of_an_older_export or not is_more:
                    continue
            weight = {} if edge.weight is None else {"weight": edge.weight}
            self.links[pair] = name, {"from": start, "to": end, **weight}

    def keep_removed(self) -> None:
        """The links that were removed, unless somebody has written them again since."""
        for record in self.manifest.removed_links:
            pair = frozenset(str(record.get(end)) for end in ("from", "to"))
            if pair <= self.nodes and pair not in self.links:
                self.links[pair] = self.manifest_name, record

    def node_of(self, card: canvas.Card) -> str | None:
        if id := self.ids.get(_target(card.file)):
            return id
        places = (self.root / card.file, PurePosixPath(card.file))
        if not card.file or any(key(str(place)) in self.archive.names for place in places):
            return None
        # Its note was renamed or moved outside of Obsidian.
        return card.id if card.id in self.nodes else self.node_called(card.file)

    def node_called(self, target: str) -> str | None:
        """The id of the node that a link means, with or without its folders."""
        target = target.strip()
        return self.ids.get(_target(target)) or self.ids.get(_target(PurePosixPath(target).name))

    def is_unknown(self, target: str) -> bool:
        name = _target(PurePosixPath(target.strip()).name)
        return name not in self.gone and name not in self.known

    def link(self, note: Note, to: str, values: Record) -> None:
        """What says the weight of a link goes before what only says that there is one."""
        pair = frozenset((note.id, to))
        if len(pair) == 2 and (pair not in self.links or values):
            self.links[pair] = note.name, {"from": note.id, "to": to, **values}

    def image(self, note: Note, name: str) -> bytes | None:
        for place in (note.place.parent / name, PurePosixPath(name)):
            if entry := self.archive.names.get(key(str(self.root / place))):
                return self.archive.read(entry, NOTE)
        return None


def _is_note(name: str) -> bool:
    return name.lower().endswith(".md")


def _target(name: str) -> str:
    """The one form of what a note is called by its file, by links and by cards."""
    return key(name).removesuffix(".md")


def _project_title(note: Note, front: dict, found: list[Note]) -> str:
    """The new name of its folder goes before that of its note; a folder without the project's notes is another's."""
    folder = note.place.parent
    is_its = any(folder in one.place.parents for one in found if one.kind != "project" and not one.is_new)
    names = [folder.name] if folder.name and is_its else []
    titles = [_title(name, front) for name in (*names, note.place.stem)]
    return next((title for title in titles if title != front.get("title")), titles[0])


def _title(stem: str, front: dict) -> str:
    """What the note is called: a file that was renamed goes before a title that was not."""
    stem = unicodedata.normalize("NFC", stem)
    return stem if stem != front.get("file") or not front.get("title") else front["title"]


def _number(text: str):
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else text


def _times(front: dict) -> Record:
    return {f"{name}_at": front[name] for name in ("created", "updated") if name in front}
