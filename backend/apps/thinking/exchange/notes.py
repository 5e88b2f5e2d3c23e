"""The front matter of a note: by it a note is ours, and which row it is. What is ours but broken is refused."""

import re
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import yaml
from django.utils.translation import gettext_lazy as _

from apps.thinking import content
from apps.thinking.exchange.manifest import KINDS
from apps.thinking.exchange.problems import FileProblem
from apps.thinking.problems import NOT_AN_ID, REQUIRED

FRONT_MATTER = ("invalid", _("The front matter between the two --- cannot be read."))
CUT = ("invalid", _("The front matter does not stand between two lines of --- at the beginning of the note."))
NOT_A_KIND = ("not_allowed", _("This must be project, round, step or node, as in the export."))

FRONT = re.compile(r"\ufeff?---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
# Enough to sort the notes by; the front matter is read when their turn comes.
KEY = re.compile(r"""^["']?(thinkring|id|project)["']?[ \t]*:[ \t]*["']?([\w-]*)""", re.MULTILINE | re.ASCII)
# In a note whose front matter has no beginning or no end.
OUR_KIND = re.compile(rf"""^["']?thinkring["']?[ \t]*:[ \t]*["']?(?:{"|".join(KINDS)})\b""", re.MULTILINE)
OUR_ID = re.compile(rf"""^["']?id["']?[ \t]*:[ \t]*["']?{content.UUID.pattern}""", re.MULTILINE | re.IGNORECASE)

# The keys of our front matter that stand for one value each.
TEXTS = (
    *("id", "project", "title", "file", "category", "status"),
    *("round", "step", "filled", "image", "created", "updated"),
)
BaseLoader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Note(NamedTuple):
    name: str  # as it is in the zip
    place: PurePosixPath  # below the vault's own folder
    kind: str = ""  # project, round, step, node; nothing of a note that is not ours
    id: str = ""
    project: str = ""
    is_copy: bool = False  # of a node's note, so that it is a new node with the front matter of another
    is_new: bool = False


class Parts(NamedTuple):
    front: dict[str, Any]
    body: str
    line: int  # on which the body begins


def note(name: str, place: PurePosixPath, text: str, exported: dict) -> Note:
    """What the note says that it is; `exported` has the ids that were in the export."""
    matter = FRONT.match(text)
    if not matter:
        _check_uncut(name, text)
        return Note(name, place)
    keys = dict(KEY.findall(matter[1]))
    kind, id = keys.get("thinkring", ""), keys.get("id", "").lower()
    if kind not in KINDS:
        if id in exported:
            # What is left of ours must not become a second node.
            raise FileProblem(f"{name}: thinkring", NOT_A_KIND, _line(text, "thinkring", "id"))
        return Note(name, place)
    project = keys.get("project", "").lower()
    # Of a global node the project is there, and empty.
    needed = {"id": id}
    if kind != "project" and (kind != "node" or project or "project" not in keys):
        needed["project"] = project
    for key, value in needed.items():
        if not content.UUID.fullmatch(value):
            problem = NOT_AN_ID if value else REQUIRED
            raise FileProblem(f"{name}: {key}", problem, _line(text, key, "thinkring"))
    return Note(name, place, kind, id, project)


def parts(note: Note, text: str) -> Parts:
    """The front matter's values as texts, what stands below it, and on which line that begins."""
    matter = FRONT.match(text)
    if not matter:
        return Parts({}, text, 1)
    is_ours = bool(note.kind) and (not note.is_new or note.is_copy)
    try:
        # All values as texts, so that a title stays `1.10` and an id what it is.
        front = yaml.load(matter[1], Loader=BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        if not is_ours and "thinkring" not in matter[1]:
            return Parts({}, text, 1)
        mark = getattr(error, "problem_mark", None)
        raise FileProblem(note.name, FRONT_MATTER, mark.line + 2 if mark else 1) from error
    if not isinstance(front, dict):
        front = {}
    texts = {key: value for key, value in front.items() if isinstance(value, str)}
    # Under other keys people have lists of their own, as the tags of Obsidian.
    wrong = [key for key in TEXTS if key in front and key not in texts]
    if is_ours and wrong:
        raise FileProblem(note.name, FRONT_MATTER, _line(text, wrong[0], "thinkring"))
    # KEY reads lines, and YAML may be written in other ways.
    if (texts.get("thinkring") in KINDS) != is_ours or is_ours and not note.is_copy and not _agree(note, texts):
        raise FileProblem(note.name, FRONT_MATTER, _line(text, "thinkring", "id"))
    origins = front.get("origins")
    listed = [item for item in origins if isinstance(item, str)] if isinstance(origins, list) else []
    return Parts({**texts, "origins": listed}, text[matter.end() :], matter[0].count("\n") + 1)


def _agree(note: Note, texts: dict[str, str]) -> bool:
    said = texts.get("thinkring"), texts.get("id", "").lower(), texts.get("project", "").lower()
    return said == (note.kind, note.id, note.project)


def _check_uncut(name: str, text: str) -> None:
    """That the note is not one of ours of whose front matter a --- is gone."""
    # Without the first one it is in the first paragraph; further down somebody may quote one.
    first = text.strip().split("\n\n")[0]
    if OUR_KIND.search(text if text.startswith("---") else first) and (text.startswith("---") or OUR_ID.search(first)):
        raise FileProblem(name, CUT, _line(text, "thinkring"))


def _line(text: str, *keys: str) -> int:
    """The line on which the first of the keys stands that stands anywhere."""
    for key in keys:
        if found := re.search(rf"""^["']?{key}["']?[ \t]*:""", text, re.MULTILINE):
            return text.count("\n", 0, found.start()) + 1
    return 1
