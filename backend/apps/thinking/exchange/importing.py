"""Takes records (see records.py) into an account: what is there already is changed, what is not is made.

Nothing is ever deleted, what was changed here after it was written in the file stays as it is here, and it is all or
nothing. Rows are recognised by their id. An id that is somebody else's is replaced by one that follows from the owner
and the old id, so that the same file gives the same rows a second time. Within a project a round is known by its number
and a step by its type; a link is known by the two nodes it joins.
"""

import itertools
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.files import discard
from apps.thinking import content, images, linking, locks, nodes, rounds
from apps.thinking.content import CATEGORY_LENGTH, TEXT_LENGTH, TITLE_LENGTH
from apps.thinking.exchange import checked
from apps.thinking.exchange.problems import TWICE, FileProblem
from apps.thinking.exchange.records import AT_ONCE, ROWS_AT_ONCE, Record, image_of
from apps.thinking.exchange.storing import New, Store, parts
from apps.thinking.exchange.words import name_of
from apps.thinking.folding import fold
from apps.thinking.models import LAST_ROUND, Node, NodeLink, NodeRename, Project, RefusedKeyword, Round, Step
from apps.thinking.problems import NOT_A_BOOLEAN, REQUIRED

ROUNDS = ("not_allowed", _("The rounds must be numbered from 1 to at most 5, without a gap."))
STEPS = ("not_allowed", _("A round has each of its five steps once."))
NO_SUCH_NODE = ("not_allowed", _("There is no such node, neither in the file nor in the account."))
SAME_NODE = ("not_allowed", _("A link joins two different nodes."))

KINDS = ("projects", "rounds", "steps", "nodes", "links")
NAMED = 1_000  # of what was kept
TIMES = ("created_at", "updated_at")
PROJECT_KEYS = {"id", "title", "category", "status", "refused_keywords", "rounds", "nodes", *TIMES}
ROUND_KEYS = {"id", "number", "note", "steps", *TIMES}
STEP_KEYS = {"id", "type", "content", "filled", *TIMES}
NODE_KEYS = {"id", "title", "context", "round", "step", "image", "renames", *TIMES}
RENAME_KEYS = {"old_title", "new_title", "renamed_at"}
LINK_KEYS = {"id", "from", "to", "weight", "origin", "reason", "removed_at", *TIMES}


def import_records(
    owner, found: Iterable[tuple[str, str, Record]], partial: bool = False, exported_at: datetime | None = None
) -> dict[str, Any]:
    """Imports (list, path, record) in this order: projects, global nodes, links; says how many of each were what.

    Under `kept` it names what stayed as it is although the file has it otherwise.

    Of something `partial` what is missing stays as it is here: a round, a step, a field. What is edited after it was
    `exported_at` keeps that time here too, so that it can be edited further, and come again.
    """
    files: list[tuple[Any, str]] = []
    importer = _Importer(owner, files, partial, exported_at)
    with transaction.atomic():
        try:
            locks.one_import(owner)
            for name, batch in _batches(found):
                importer.take(name, batch)
        except BaseException:
            for storage, name in files:
                discard(storage, name)
            raise
    # The files stay when it fails here, at the end: the database may have finished what it did not answer any more.
    return importer.report


def _batches(found) -> Iterator[tuple[str, list[tuple[str, Record]]]]:
    for name, group in itertools.groupby(found, key=lambda one: one[0]):
        size = AT_ONCE if name == "projects" else ROWS_AT_ONCE
        while batch := [(path, record) for _name, path, record in itertools.islice(group, size)]:
            yield name, batch


class _Importer:
    def __init__(self, owner, files: list, partial: bool, exported_at: datetime | None):
        self.owner, self.files, self.partial = owner, files, partial
        self.now = timezone.now()
        self.exported_at = exported_at and min(exported_at, self.now)
        self.store = Store(owner)
        self.report: dict[str, Any] = {
            **{kind: {"created": 0, "changed": 0, "unchanged": 0, "kept": 0} for kind in KINDS},
            "kept": [],
        }
        self.seen: dict[str, set[int]] = {kind: set() for kind in (*KINDS, "pairs")}
        # The nodes that have another id here than in the file.
        self.mapped: dict[uuid.UUID, uuid.UUID] = {}
        # Of the batch, the nodes that the file brings no links for.
        self.unlinked: list[Node] = []
        # Of the batch, the rows whose time is to be that of the export, if this import changes it.
        self.edited: dict[type[models.Model], list[uuid.UUID]] = {}
        # Where words stand in the account's global nodes.
        self.mentions: linking.Mentions = {}

    def take(self, kind: str, batch: list[tuple[str, Record]]) -> None:
        self.store.look_up(kind, [record for _path, record in batch])
        if kind != "links":
            self.store.lock_projects()
        if kind == "projects":
            for path, record in batch:
                self.project(path, record)
        elif kind == "nodes":
            self.nodes(batch, None, {})
        else:
            self.links(batch)
        self.store.flush()
        if self.unlinked:
            linking.relink_all(self.unlinked, self.mentions)
            self.unlinked = []
        for model, ids in self.edited.items():
            touched = model._default_manager.filter(pk__in=ids, updated_at__gt=self.exported_at)
            touched.update(updated_at=self.exported_at)
        self.edited = {}

    def project(self, path: str, record: Record) -> None:
        checked.keys(record, PROJECT_KEYS, path)
        values = {
            **checked.given(record, path, "title", checked.title),
            **checked.given(record, path, "category", checked.text, CATEGORY_LENGTH),
            **checked.given(record, path, "status", checked.choice, Project.Status.values),
        }
        id = self.id("projects", record, path)
        (found,) = self.store.own(Project.objects.owned_by(self.owner), [(path, id)])
        if isinstance(found, Project):
            project, is_new = found, False
            if self.exported_at and project.updated_at <= self.exported_at:
                # Also where only something in it is changed.
                self.edited.setdefault(Project, []).append(project.pk)
            if changed := self.changed("projects", project, {**values, "deleted_at": None}, path, record):
                _set(project, changed)
        else:
            if "title" not in values:
                raise FileProblem(f"{path}.title", REQUIRED)
            project, is_new = Project(id=found, owner=self.owner, **values, **self.times(record, path)), True
            self.insert("projects", [project])
        places = self.rounds(project, is_new, path, checked.items(record, path, "rounds"))
        before = self.report["nodes"]["created"]
        batch = [(f"{path}.nodes.{index}", node) for index, node in enumerate(checked.items(record, path, "nodes"))]
        for part in parts(batch):
            self.nodes(part, project, places)
        if not is_new and self.report["nodes"]["created"] > before:
            Project.objects.filter(pk=project.pk).touch()
        words = [
            fold(checked.storable(f"{path}.refused_keywords.{index}", word, TITLE_LENGTH))[:TITLE_LENGTH]
            for index, word in enumerate(checked.items(record, path, "refused_keywords"))
        ]
        if words:
            refused = [RefusedKeyword(project=project, word=word) for word in words]
            RefusedKeyword.objects.bulk_create(refused, ignore_conflicts=True)

    def rounds(self, project: Project, is_new: bool, path: str, listed: list) -> dict[int, tuple[Round, dict]]:
        """The project's rounds by number, each with its steps by type."""
        given: dict[int, tuple[str, Record]] = {}
        for index, record in enumerate(listed):
            at = f"{path}.rounds.{index}"
            checked.keys(record, ROUND_KEYS, at)
            number = record.get("number")
            if not checked.is_integer(number) or not 1 <= number <= LAST_ROUND or number in given:
                raise FileProblem(f"{at}.number", ROUNDS)
            given[number] = at, record
        if not self.partial and sorted(given) != list(range(1, len(given) + 1)) or not given and is_new:
            raise FileProblem(f"{path}.rounds", ROUNDS)
        rows: dict[int, Round] = {}
        steps: dict[int, dict[str, Step]] = {}
        if not is_new:
            rows = {row.number: row for row in project.rounds.select_for_update(no_key=True)}
            by_id = {row.pk: row for row in rows.values()}
            for step in Step.objects.filter(round__in=by_id).defer("folded").select_for_update(no_key=True):
                step.round = by_id[step.round_id]
                steps.setdefault(step.round.number, {})[step.type] = step
        new_rounds: list[New] = []
        for number in range(1, max((*given, *rows), default=0) + 1):
            at, record = given.get(number, (path, {}))
            note = checked.given(record, at, "note", checked.text, TEXT_LENGTH)
            id = self.id("rounds", record, at)
            round = rows.get(number)
            if round is None:
                round = rows[number] = Round(project=project, number=number, **note, **self.times(record, at))
                new_rounds.append((at, id, round))
            elif number in given and (changed := self.changed("rounds", round, note, at, record)):
                rounds.write_note(round, **changed)
        self.insert_under_free_ids("rounds", new_rounds)
        new_steps: list[New] = []
        for number, round in rows.items():
            at, record = given.get(number, (path, {}))
            new_steps += self.steps(round, at, record, steps.setdefault(number, {}), number in given)
        self.insert_under_free_ids("steps", new_steps)
        if new_rounds and not is_new:
            Project.objects.filter(pk=project.pk).touch()
        return {number: (row, steps[number]) for number, row in rows.items()}

    def steps(self, round: Round, path: str, record: Record, rows: dict[str, Step], listed: bool) -> list[New]:
        """Changes the steps that are there; those that are not are put into `rows`, and answered to be stored."""
        given: dict[str, tuple[str, Record]] = {}
        for index, step in enumerate(checked.items(record, path, "steps")):
            at = f"{path}.steps.{index}"
            checked.keys(step, STEP_KEYS, at)
            if step.get("type") not in tuple(content.SHAPES) or step["type"] in given:
                raise FileProblem(f"{at}.type", STEPS)
            given[step["type"]] = at, step
        if listed and not self.partial and len(given) != len(content.SHAPES):
            raise FileProblem(f"{path}.steps", STEPS)
        new: list[New] = []
        for type in content.SHAPES:
            at, step = given.get(type, (path, {}))
            id = self.id("steps", step, at)
            written = checked.step_content(step["content"], type, f"{at}.content") if "content" in step else None
            filled = step.get("filled", content.is_filled(type, written) if written else False)
            if not isinstance(filled, bool):
                raise FileProblem(f"{at}.filled", NOT_A_BOOLEAN)
            row = rows.get(type)
            if row is None:
                written = written or content.empty(type)
                text = content.plain_text(type, written)
                row = Step(round=round, type=type, content=written, text=text, filled=filled, **self.times(step, at))
                rows[type] = row
                new.append((at, id, row))
            elif type in given:
                values = {"content": written} if written else {}
                if changed := self.changed("steps", row, values, at, step):
                    rounds.write_step(row, changed["content"], by=self.owner, apart=True)
        return new

    def nodes(self, batch: list[tuple[str, Record]], project: Project | None, places: dict) -> None:
        wanted = []
        for path, record in batch:
            checked.keys(record, NODE_KEYS, path)
            wanted.append((path, self.id("nodes", record, path)))
        owned = self.store.own(Node.objects.owned_by(self.owner), wanted)
        new = []
        saved = []
        for (path, record), (_path, old), found in zip(batch, wanted, owned, strict=True):
            values = {
                **checked.given(record, path, "title", checked.title),
                **checked.given(record, path, "context", checked.text, TEXT_LENGTH),
                **checked.place(record, path, project, places),
            }
            image = checked.image(record, path)
            if isinstance(found, Node):
                node = found
                if node.project_id != (project and project.pk):
                    # The place in the project that it leaves; the record may know none in the other.
                    values = {"round": None, "step": None, **values}
                # The same image twice is stored as the same bytes.
                new_image = {"image": image} if image and image.read() != image_of(node) else {}
                changed = self.changed("nodes", node, {**values, **new_image, "deleted_at": None}, path, record)
                self.change_node(node, **changed)
            else:
                if "title" not in values:
                    raise FileProblem(f"{path}.title", REQUIRED)
                node = Node(id=found, owner=self.owner, **values, **self.times(record, path))
                if image:
                    self.files.append((node.image.storage, images.name_of(image)))
                    node.image.save(str(image.name), image, save=False)
                new.append(node)
                # What somebody wrote is a new node; the others come with the links that they had.
                if "created_at" not in record:
                    self.unlinked.append(node)
            if old and old != node.pk:
                self.mapped[old] = node.pk
            saved.append((path, record, node))
        self.insert("nodes", new)
        self.renames(saved)

    def change_node(self, node: Node, image: ContentFile | None = None, **changed) -> None:
        if node.project_id is None:
            # A project of the file may have taken it in.
            self.mentions.clear()
        if changed and nodes.write_node(node, **changed):
            self.unlinked.append(node)
        if image:
            image.seek(0)
            self.files.append((node.image.storage, images.name_of(image)))
            images.replace(node, image)

    def renames(self, saved: list[tuple[str, Record, Node]]) -> None:
        given = {}
        for path, record, node in saved:
            for index, rename in enumerate(checked.items(record, path, "renames")):
                at = f"{path}.renames.{index}"
                checked.keys(rename, RENAME_KEYS, at)
                old, new = checked.title(rename, at, "old_title"), checked.title(rename, at, "new_title")
                time = checked.time(rename, at, "renamed_at")
                given[node.pk, old, time] = NodeRename(node=node, old_title=old, new_title=new, renamed_at=time)
        known = NodeRename.objects.filter(node__in={row.node for row in given.values()}) if given else []
        known_keys = {(row.node_id, row.old_title, row.renamed_at) for row in known}
        NodeRename.objects.bulk_create([row for key, row in given.items() if key not in known_keys])

    def links(self, batch: list[tuple[str, Record]]) -> None:
        ends = []
        for path, record in batch:
            checked.keys(record, LINK_KEYS, path)
            pair = [self.end(record, path, key) for key in ("from", "to")]
            if pair[0] == pair[1]:
                raise FileProblem(f"{path}.to", SAME_NODE)
            ends.append(pair)
        known = Node.objects.owned_by(self.owner).filter(pk__in={id for pair in ends for id in pair})
        ids = set(known.values_list("pk", flat=True))
        rows = {
            frozenset((row.from_node_id, row.to_node_id)): row
            for row in NodeLink.objects.owned_by(self.owner)
            .select_for_update(no_key=True)
            .filter(from_node__in=ids, to_node__in=ids)
            .order_by("pk")
        }
        new: list[New] = []
        for (path, record), pair in zip(batch, ends, strict=True):
            for key, id in zip(("from", "to"), pair, strict=True):
                if id not in ids:
                    raise FileProblem(f"{path}.{key}", NO_SUCH_NODE)
            if _seen(self.seen["pairs"], min(pair).int << 128 | max(pair).int):
                raise FileProblem(path, TWICE)
            old = self.id("links", record, path)
            is_removed = record.get("removed_at") is not None
            values = {
                **checked.given(record, path, "weight", checked.weight),
                **checked.given(record, path, "origin", checked.choice, NodeLink.Origin.values),
                **checked.given(record, path, "reason", checked.text, TEXT_LENGTH),
                "removed_at": checked.time(record, path, "removed_at") if is_removed else None,
            }
            row = rows.get(frozenset(pair))
            if row and "origin" not in record and (row.removed_at or row.origin == NodeLink.Origin.AUTOMATIC):
                # Somebody has written it down, so that it is theirs.
                values |= {"origin": NodeLink.Origin.MANUAL, "reason": ""}
            if row is None:
                times = self.times(record, path)
                row = NodeLink(owner=self.owner, from_node_id=pair[0], to_node_id=pair[1], **values, **times)
                new.append((path, old, row))
            else:
                if changed := self.changed("links", row, values, path, record):
                    _set(row, changed)
        self.insert_under_free_ids("links", new)

    def end(self, record: Record, path: str, key: str) -> uuid.UUID:
        id = checked.id(record, path, key)
        return self.mapped.get(id, id)

    def id(self, kind: str, record: Record, path: str) -> uuid.UUID | None:
        """The record's id, which no other of the file may have."""
        if not record or self.partial and "id" not in record:
            return None
        id = checked.id(record, path, "id")
        if _seen(self.seen[kind], id.int):
            raise FileProblem(f"{path}.id", TWICE)
        return id

    def insert_under_free_ids(self, kind: str, new: list[New]) -> None:
        self.insert(kind, self.store.under_free_ids(new))

    def insert(self, kind: str, rows: list) -> None:
        self.report[kind]["created"] += len(rows)
        self.store.add(rows)

    def changed(self, kind: str, row, values: dict[str, Any], path: str, record: Record) -> dict[str, Any]:
        """What of the row is to be changed; of one that was changed here since, only that it leaves the trash."""
        changed = _differences(row, values)
        if changed.keys() - {"deleted_at"} and self.is_newer(row, path, record):
            self.keep(kind, row)
            return {name: value for name, value in changed.items() if name == "deleted_at"}
        self.report[kind]["changed" if changed else "unchanged"] += 1
        if changed and self.exported_at:
            self.edited.setdefault(type(row), []).append(row.pk)
        return changed

    def is_newer(self, row, path: str, record: Record) -> bool:
        """Whether somebody has changed the row after the file was written.

        A project's time is that of all that is written in it: it is rather kept once too often than lost.
        """
        if isinstance(row, NodeLink) and row.origin == NodeLink.Origin.AUTOMATIC and not row.removed_at:
            # Nobody has: it changes by itself with the nodes, those of this import too.
            return False
        if "updated_at" not in record:
            return False
        return row.updated_at > (self.exported_at or checked.time(record, path, "updated_at"))

    def keep(self, kind: str, row) -> None:
        self.report[kind]["kept"] += 1
        if len(self.report["kept"]) < NAMED:
            is_step = isinstance(row, Step)
            place = row.round_id if is_step else row.from_node_id if isinstance(row, NodeLink) else row.pk
            kept = {"kind": kind.removesuffix("s"), "title": name_of(row)}
            self.report["kept"].append({**kept, "place": place, "step": row.type if is_step else None})

    def times(self, record: Record, path: str) -> dict[str, datetime]:
        """Nothing can have been written later than now; it would stay the newest change for ever."""
        given = {key: checked.time(record, path, key) if key in record else self.now for key in TIMES}
        return {key: min(time, self.now) for key, time in given.items()}


def _set(row, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def _seen(seen: set[int], number: int) -> bool:
    if number in seen:
        return True
    seen.add(number)
    return False


def _differences(row, values: dict[str, Any]) -> dict[str, Any]:
    """Those of the values that are others than the row's own."""
    return {
        name: value
        for name, value in values.items()
        if row.serializable_value(name) != (value.pk if isinstance(value, models.Model) else value)
    }
