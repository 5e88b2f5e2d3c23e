"""Reads a vault that obsidian.py wrote, after whatever somebody did to it in Obsidian.

A note is known by the id in its front matter, wherever it lies and whatever it is called. A renamed file is a new
title; a note without an id, in a project's folder, is a new node; a wikilink in a node's text is a new link.
"""

import base64
import json
import re
import unicodedata
import uuid
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO, NamedTuple

import yaml
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from apps.thinking import content
from apps.thinking.exchange.archive import Archive
from apps.thinking.exchange.json import checked_version
from apps.thinking.exchange.markdown import BLANKS, unescape
from apps.thinking.exchange.names import key
from apps.thinking.exchange.obsidian import FORMAT, MANIFEST, VERSION
from apps.thinking.exchange.problems import NOT_OURS, FileProblem
from apps.thinking.exchange.records import Record
from apps.thinking.exchange.words import FIELDS, names

NOTE = 8 * 1024 * 1024  # bytes; a step at its limits is 4 MB
MANIFEST_SIZE = 32 * 1024 * 1024

NOT_UTF8 = ("invalid", _("This is not UTF-8."))
FRONT_MATTER = ("invalid", _("The front matter between the two --- cannot be read."))

FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
# Enough to sort the notes by; the front matter is read when their turn comes.
KEY = re.compile(r"""^(thinkring|id|project):[ \t]*["']?([\w-]+)""", re.MULTILINE | re.ASCII)
HEADING = re.compile(r"##[ \t]+(.*?)[ \t]*(?:%%(\w+)%%)?[ \t]*")
ITEM = re.compile(r"[ \t]*(?:[-*+]|\d+[.)])(?:[ \t]+(.*))?")
BLOCK_ID = re.compile(r"(?:^|[ \t\n])\^([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\Z")
WIKILINK = re.compile(r"(?<!\\)(!?)\[\[([^\[\]|#^\n]+)[^\[\]\n]*\]\]")
LINK = re.compile(
    r"[ \t]*[-*+][ \t]+\[\[([^\[\]|#^]+)[^\[\]]*\]\]"
    # Any other number is somebody's own remark.
    r"(?:[ \t]*(0\.[1-9]\d*|1(?:\.0+)?)[ \t]*(?=%%automatic%%|\Z))?[ \t]*(%%automatic%%)?[ \t]*(.*)",
    re.ASCII,
)
IMAGE = re.compile(r"\A!\[\[[^\[\]\n]*\]\][ \t]*\n?")


class Note(NamedTuple):
    name: str  # as it is in the zip
    place: PurePosixPath  # below the vault's own folder
    kind: str  # project, round, step, node; nothing of a note that is not ours
    id: str
    project: str


class Vault:
    """Of an open zip: its records, and after those were read what was `missing` and what was `ignored`."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.missing: list[dict] = []
        self.ignored: list[str] = []
        self.places: dict[str, str] = {}  # the note behind each path of the import
        self.ids: dict[str, str] = {}  # of nodes, by the names that links call them
        self.links: dict[frozenset, tuple[str, Record]] = {}
        self.labels = _labels()

    def __enter__(self):
        self.archive = Archive(self.file)
        roots = [name for name in self.archive.entries if name.rpartition("/")[2] == MANIFEST]
        if not roots:
            raise FileProblem(MANIFEST, NOT_OURS)
        manifest = min(roots, key=len)
        self.root = PurePosixPath(manifest).parent
        self.read_manifest(manifest)
        return self

    def __exit__(self, *error):
        self.archive.close()

    def read_manifest(self, name: str) -> None:
        try:
            manifest = json.loads(self.archive.read(name, MANIFEST_SIZE))
        except (ValueError, RecursionError) as error:
            raise FileProblem(name, NOT_OURS) from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise FileProblem(name, NOT_OURS)
        checked_version(manifest.get("version"), VERSION, {})
        nodes, folder = manifest.get("nodes"), manifest.get("global")
        if not isinstance(nodes, dict) or not isinstance(folder, str):
            raise FileProblem(name, NOT_OURS)
        self.exported = {id: str(title) for id, title in nodes.items() if content.UUID.fullmatch(id)}
        self.global_folder = PurePosixPath(folder)

    def where(self, path: str) -> str:
        """The note, and what in it, that a path of the import stands for."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            if name := self.places.get(".".join(parts[:length])):
                return ": ".join([name, *filter(None, [".".join(parts[length:])])])
        return path

    def records(self) -> Iterator[tuple[str, str, Record]]:
        projects, loose = self.sort()
        for index, notes in enumerate(projects.values()):
            path = f"projects.{index}"
            self.places[path] = str(notes[0].place.parent)
            yield "projects", path, self.project(path, notes)
        for index, note in enumerate(loose):
            path = f"nodes.{index}"
            self.places[path] = note.name
            yield "nodes", path, self.node(note)
        for index, (name, record) in enumerate(self.links.values()):
            path = f"links.{index}"
            self.places[path] = name
            yield "links", path, record
        self.missing = [{"id": id, "title": title} for id, title in self.exported.items()]

    def sort(self) -> tuple[dict[str, list[Note]], list[Note]]:
        """The notes of each project, and those of global nodes."""
        notes = [self.note(name) for name in self.archive.entries if name.lower().endswith(".md")]
        notes = [note for note in notes if note]
        folders = {note.place.parent: note.id for note in notes if note.kind == "project"}
        projects: dict[str, list[Note]] = {note.id: [] for note in notes if note.kind == "project"}
        loose = []
        for note in notes:
            home = note.id if note.kind == "project" else note.project
            if not note.kind:
                home = next((folders[folder] for folder in note.place.parents if folder in folders), "")
                if not home and self.global_folder not in note.place.parents:
                    self.ignored.append(note.name)
                    continue
                note = note._replace(
                    kind="node", project=home, id=str(uuid.uuid5(_NEW, f"{home} {key(note.place.stem)}"))
                )
            if home:
                projects.setdefault(home, []).append(note)
            elif note.kind == "node":
                loose.append(note)
            if note.kind == "node":
                self.ids.setdefault(key(note.place.stem), note.id)
                self.exported.pop(note.id.lower(), None)
        return projects, loose

    def note(self, name: str) -> Note:
        place = PurePosixPath(name).relative_to(self.root) if self.inside(name) else PurePosixPath(name)
        matter = FRONT.match(self.text(name))
        keys = dict(KEY.findall(matter[1])) if matter else {}
        kind = keys.get("thinkring", "")
        return Note(
            name, place, kind if kind in KINDS else "", keys.get("id", "").lower(), keys.get("project", "").lower()
        )

    def inside(self, name: str) -> bool:
        return self.root in PurePosixPath(name).parents

    def project(self, path: str, notes: list[Note]) -> Record:
        record: Record = {"id": notes[0].id if notes[0].kind == "project" else notes[0].project}
        rounds: dict[str, Record] = {}
        nodes: list[Record] = []
        for note in notes:
            front, body = self.read(note)
            if note.kind == "project":
                record["id"] = note.id
                record |= self.project_record(note, front)
                self.places[path] = note.name
            elif note.kind == "round":
                number = front.get("round", "")
                round = rounds.setdefault(number, {"number": _number(number), "steps": []})
                round |= {"id": front.get("id"), "note": unescape(body.strip(BLANKS)), **_times(front)}
                self.places[f"{path}.rounds.{list(rounds).index(number)}"] = note.name
            elif note.kind == "step":
                number = front.get("round", "")
                round = rounds.setdefault(number, {"number": _number(number), "steps": []})
                at = f"{path}.rounds.{list(rounds).index(number)}.steps.{len(round['steps'])}"
                self.places[at] = note.name
                round["steps"].append(self.step_record(note, front, body))
            else:
                self.places[f"{path}.nodes.{len(nodes)}"] = note.name
                nodes.append(self.node(note))
        return {**record, "rounds": list(rounds.values()), "nodes": nodes}

    def project_record(self, note: Note, front: dict) -> Record:
        record = {"title": _title(note.place.parent.name or note.place.stem, front), **_times(front)}
        if record["title"] == front.get("title"):
            record["title"] = _title(note.place.stem, front)
        return record | {key: front[key] for key in ("category", "status") if key in front}

    def step_record(self, note: Note, front: dict, body: str) -> Record:
        type = front.get("step", "")
        record = {"id": front.get("id"), "type": type, **_times(front)}
        if front.get("filled") in ("true", "false"):
            record["filled"] = front["filled"] == "true"
        if type in content.SHAPES:
            origins = dict(origin.split(" ", 1) for origin in front.get("origins", []) if " " in origin)
            record["content"] = self.content(type, body, note.id, origins)
        return record

    def content(self, type: str, body: str, step: str, origins: dict[str, str]) -> content.Content:
        shape = content.SHAPES[type]
        sections: dict[str, list[str]] = {field: [] for field in (*shape.texts, *shape.lists)}
        # What stands before the first heading belongs to what that is about.
        field = next(iter(sections))
        for line in body.split("\n"):
            heading = HEADING.fullmatch(line)
            named = heading and (heading[2] or self.labels[type].get(heading[1]))
            if named in sections:
                field = named
            else:
                sections[field].append(line)
        seen: set[str] = set()
        return {
            **{field: unescape("\n".join(sections[field]).strip(BLANKS)) for field in shape.texts},
            **{field: list(_items(sections[field], step, origins, seen)) for field in shape.lists},
        }

    def node(self, note: Note) -> Record:
        front, body = self.read(note)
        if front.get("thinkring") not in KINDS:
            # Somebody's own note, which may have a front matter of its own.
            record: Record = {"id": note.id, "title": unicodedata.normalize("NFC", note.place.stem)}
        else:
            record = {"id": front.get("id"), "title": _title(note.place.stem, front), **_times(front)}
            record |= {"round": _number(front["round"]) if front.get("round") else None}
            record |= {"step": front["step"] if front.get("step") else None}
        if front.get("image"):
            body = IMAGE.sub("", body.lstrip(BLANKS))
            if data := self.image(note, front["image"]):
                record["image"] = base64.b64encode(data).decode()
        lines = body.split("\n")
        heads = [index for index, line in enumerate(lines) if self.begins_links(line)]
        written, listed = (lines[: heads[-1]], lines[heads[-1] + 1 :]) if heads else (lines, [])
        text = "\n".join(written)
        record["context"] = unescape(text.strip(BLANKS))
        for line in listed:
            if found := LINK.fullmatch(line):
                self.link(note, found[1], _weights(found))
        for embedded, target in WIKILINK.findall(text):
            if not embedded:
                self.link(note, target, {})
        return record

    def begins_links(self, line: str) -> bool:
        heading = HEADING.fullmatch(line)
        return heading is not None and (heading[2] or self.labels["links"].get(heading[1])) == "links"

    def link(self, note: Note, target: str, values: Record) -> None:
        """What says the weight of a link goes before what only says that there is one."""
        to = self.ids.get(key(PurePosixPath(target.strip()).name.removesuffix(".md")))
        pair = frozenset((note.id, to))
        if to and len(pair) == 2 and (pair not in self.links or values):
            self.links[pair] = note.name, {"from": note.id, "to": to, **values}

    def image(self, note: Note, name: str) -> bytes | None:
        for place in (note.place.parent / name, PurePosixPath(name)):
            if (entry := str(self.root / place)) in self.archive.entries:
                return self.archive.read(entry, NOTE)
        return None

    def read(self, note: Note) -> tuple[dict[str, Any], str]:
        text = self.text(note.name)
        matter = FRONT.match(text)
        if not matter:
            return {}, text
        try:
            # All values as texts, so that a title stays `1.10` and an id what it is.
            front = yaml.load(matter[1], Loader=BaseLoader)  # noqa: S506
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            raise FileProblem(note.name, FRONT_MATTER, mark.line + 2 if mark else None) from error
        if not isinstance(front, dict):
            front = {}
        texts = {key: value for key, value in front.items() if isinstance(value, str)}
        # Under other keys people have lists of their own, as the tags of Obsidian.
        if texts.get("thinkring") in KINDS and any(key in front and key not in texts for key in TEXTS):
            raise FileProblem(note.name, FRONT_MATTER)
        origins = front.get("origins")
        listed = [item for item in origins if isinstance(item, str)] if isinstance(origins, list) else []
        return {**texts, "origins": listed}, text[matter.end() :]

    def text(self, name: str) -> str:
        try:
            return re.sub("\r\n?", "\n", self.archive.read(name, NOTE).decode())
        except UnicodeDecodeError as error:
            raise FileProblem(name, NOT_UTF8) from error


KINDS = ("project", "round", "step", "node")
# The keys of our front matter that stand for one value each.
TEXTS = (
    *("id", "project", "title", "file", "category", "status"),
    *("round", "step", "filled", "image", "created", "updated"),
)
BaseLoader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
# Of the ids of new notes, which follow from the project and the note's name.
_NEW = uuid.UUID("5b7c1e0a-6f0e-4b7e-9c55-2a4d8f3b9e61")


def _items(lines: list[str], step: str, origins: dict[str, str], seen: set[str]) -> Iterator[Record]:
    texts: list[list[str]] = []
    indent = 0
    blank = 0
    for line in lines:
        found = ITEM.fullmatch(line)
        if found:
            indent = found.start(1) if found[1] is not None else 0
            texts.append([found[1] or ""])
        elif not line.strip(BLANKS):
            blank += 1
            texts[-1:] = [[*texts[-1], line[indent:]]] if texts else []
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
        number = 0
        while not id or id in seen:
            id = str(uuid.uuid5(_NEW, f"{step} {number} {text}"))
            number += 1
        seen.add(id)
        yield {"id": id, "text": text, "struck": struck, "origin": origins.get(id)}


def _weights(found: re.Match) -> Record:
    if not found[2]:
        return {}
    manual = {"weight": float(found[2]), "origin": "manual"}
    return manual | {"origin": "automatic", "reason": unescape(found[4].strip(BLANKS))} if found[3] else manual


def _title(stem: str, front: dict) -> str:
    """What the note is called: a file that was renamed goes before a title that was not."""
    stem = unicodedata.normalize("NFC", stem)
    return stem if stem != front.get("file") or not front.get("title") else front["title"]


def _number(text: str):
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else text


def _times(front: dict) -> Record:
    return {f"{name}_at": front[name] for name in ("created", "updated") if name in front}


def _labels() -> dict[str, dict[str, str]]:
    """What a heading may say in either language, for when only the words are left of it."""
    labels: dict[str, dict[str, str]] = {type: {} for type in (*content.SHAPES, "links")}
    for language in ("ja", "en"):
        with override(language):
            for type, shape in content.SHAPES.items():
                labels[type] |= {str(FIELDS[field]): field for field in (*shape.texts, *shape.lists)}
            labels["links"][names()["links"]] = "links"
    return labels
