"""An export as an Obsidian vault in a zip, written as a stream; vault.py reads it back.

thinkring.json                     what tells vault.py that it is ours, and what was in it (manifest.py)
<project>/<project>.md, .canvas    with ids in flat front matter, as in every note
<project>/1/1.md                   a round and its note
<project>/1/1 Overview.md          a step: a heading a field, an item a line with its id as the block's
<project>/<node>.md                a node: its context, and its links as wikilinks
<project>/images/<id>.png
"""

import json
import re
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from apps.thinking import content
from apps.thinking.exchange import manifest, records, words
from apps.thinking.exchange.canvas import edge_id
from apps.thinking.exchange.markdown import exact
from apps.thinking.exchange.names import Names
from apps.thinking.graph import graph
from apps.thinking.models import LAST_ROUND, Node, NodeLink, Project, Round, Step

# What YAML takes in a quoted text only by its number.
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

RING = 700  # pixels of the canvas from one round to the next
CARD = (260, 80)


def write(user, project=None) -> Iterator[bytes]:
    return _Writer(user, project, words.names()).write()


class _Writer:
    def __init__(self, user, project, names: dict[str, str]):
        self.user, self.project, self.names = user, project, names
        self.stream = _Stream()
        self.zip = zipfile.ZipFile(self.stream, "w", zipfile.ZIP_DEFLATED)
        # One for all: of two notes with one name Obsidian would not know which a link means.
        self.given = Names(
            names["global"], *(self.step_name(step) for step in content.SHAPES), *map(str, range(1, LAST_ROUND + 1))
        )
        self.folders: dict[Any, str] = {}
        self.stems: dict[Any, str] = {}
        # The time of its beginning: what somebody changes while it is written may be missing from it.
        self.manifest = manifest.Manifest(timezone.now().isoformat(), names["global"], {}, {}, {}, [])

    def step_name(self, type: str) -> str:
        return f"{list(content.SHAPES).index(type) + 1} {self.names[f'step {type}']}"

    def write(self) -> Iterator[bytes]:
        for id, title in records.project_titles(self.user, self.project):
            self.folders[id] = self.given.give(title)
        for id, title in records.node_titles(self.user, self.project):
            self.stems[id] = self.given.give(title)
        for row in records.projects(self.user, self.project):
            # One that was started meanwhile has no name.
            if row.pk in self.folders:
                yield from self.write_project(row)
        links = records.links_from(self.user, self.stems)
        for node in records.global_nodes(self.user, self.project):
            yield from self.write_node(self.names["global"], node, links)
        self.manifest.removed_links.extend(
            records.of_link(link)
            for link in records.links(self.user, self.project, only_removed=True)
            if link.from_node_id in self.stems and link.to_node_id in self.stems
        )
        yield from self.file(manifest.NAME, manifest.write(self.manifest))
        self.zip.close()
        yield self.stream.take()

    def write_project(self, project: Project) -> Iterator[bytes]:
        folder = self.folders[project.pk]
        self.remember("project", project, project.title)
        if refused := records.refused_keywords(project):
            self.manifest.refused_keywords[str(project.pk)] = refused
        front = {"id": project.pk, "title": project.title, "file": folder, "category": project.category}
        body = [f"![[{folder}.canvas]]"]
        for round in project.rounds.all():
            self.remember("round", round, str(round.number), project.pk)
            yield from self.note(
                f"{folder}/{round.number}/{round.number}", "round", self.of_round(round), exact(round.note)
            )
            body.append(f"\n## {self.names['round'] % {'number': round.number}}\n")
            for step in round.steps.all():
                self.remember("step", step, step.type, round.pk)
                name = self.step_name(step.type)
                yield from self.note(
                    f"{folder}/{round.number}/{name}", "step", self.of_step(project, round, step), self.content(step)
                )
                body.append(f"- [[{folder}/{round.number}/{name}|{name}]]")
        links = records.links_from(self.user, self.stems, project)
        nodes = [node for node in project.nodes.all() if node.pk in self.stems]
        for node in nodes:
            yield from self.write_node(folder, node, links)
        if nodes:
            body.append(f"\n## {self.names['nodes']}\n")
            body += [f"- [[{self.stems[node.pk]}]]" for node in nodes]
        front |= {"status": project.status, **_times(project)}
        yield from self.note(f"{folder}/{folder}", "project", front, "\n".join(body))
        yield from self.file(f"{folder}/{folder}.canvas", self.canvas(folder, project))

    def of_round(self, round: Round) -> dict:
        return {"id": round.pk, "project": round.project_id, "round": round.number, **_times(round)}

    def of_step(self, project: Project, round: Round, step: Step) -> dict:
        items = [item for field in content.SHAPES[step.type].lists for item in step.content[field]]
        origins = [f"{item['id']} {item['origin']}" for item in items if item["origin"]]
        return {
            "id": step.pk,
            "project": project.pk,
            "round": round.number,
            "step": step.type,
            "filled": step.filled,
            "origins": origins,
            **_times(step),
        }

    def content(self, step: Step) -> str:
        shape = content.SHAPES[step.type]
        parts = []
        for field in (*shape.texts, *shape.lists):
            parts.append(f"## {self.names[field]} %%{field}%%\n")
            if field in shape.texts:
                parts.append(exact(step.content[field]) + "\n")
                continue
            for number, item in enumerate(step.content[field], start=1):
                mark = f"{number}." if step.type == "flow" else "-"
                text = exact(item["text"])
                text = f"~~{text}~~" if item["struck"] else text
                lines = " ".join(filter(None, [text, f"^{item['id']}"])).split("\n")
                indented = [f"{' ' * (len(mark) + 1)}{line}" if line else "" for line in lines[1:]]
                parts.append("\n".join([f"{mark} {lines[0]}", *indented]))
            parts.append("")
        return "\n".join(parts)

    def write_node(self, folder: str, node: Node, links: dict[Any, list[NodeLink]]) -> Iterator[bytes]:
        if node.pk not in self.stems:
            # Made after the names were given.
            return
        stem = self.stems[node.pk]
        front = {"id": node.pk, "title": node.title, "file": stem, "project": node.project_id or ""}
        if node.round:
            front["round"] = node.round.number
        if node.step:
            front["step"] = node.step.type
        body = []
        if image := records.image_of(node):
            name = f"images/{node.pk}.{str(node.image).rpartition('.')[2]}"
            yield from self.file(f"{folder}/{name}", image, zipfile.ZIP_STORED)
            front["image"] = name
            body.append(f"![[{folder}/{name}]]\n")
        if node.context:
            body.append(exact(node.context))
        lines = [self.link(link) for link in links.get(node.pk, [])]
        if lines:
            body.append(f"\n## {self.names['links']} %%links%%\n")
            body += lines
        self.remember("node", node, node.title, node.project_id)
        yield from self.note(f"{folder}/{stem}", "node", {**front, **_times(node)}, "\n".join(body))

    def link(self, link: NodeLink) -> str:
        parts = [f"- [[{self.stems[link.to_node_id]}]]", str(link.weight)]
        if link.origin == NodeLink.Origin.AUTOMATIC:
            parts += ["%%automatic%%", exact(link.reason)]
        return " ".join(filter(None, parts))

    def canvas(self, folder: str, project: Project) -> str:
        """The project's ring map."""
        drawing = graph(project)
        cards = []
        for node in drawing["nodes"]:
            if stem := self.stems.get(uuid.UUID(node["id"])):
                place = f"{self.names['global'] if node['global'] else folder}/{stem}.md"
                x, y = round(node["x"] * RING), round(node["y"] * RING)
                card = {"id": node["id"], "type": "file", "file": place, "x": x, "y": y}
                cards.append(card | {"width": CARD[0], "height": CARD[1]})
        shown = {card["id"] for card in cards}
        edges = [
            {
                "id": edge_id(link["from"], link["to"], str(link["weight"])),
                "fromNode": link["from"],
                "toNode": link["to"],
                "label": str(link["weight"]),
            }
            for link in drawing["links"]
            if link["from"] in shown and link["to"] in shown
        ]
        return json.dumps({"nodes": cards, "edges": edges}, ensure_ascii=False, indent=1)

    def remember(self, kind: str, row, name: str, within=None) -> None:
        self.manifest.rows[str(row.pk)] = kind, name
        if within:
            self.manifest.within[str(row.pk)] = str(within)

    def note(self, name: str, kind: str, front: dict, body: str) -> Iterator[bytes]:
        lines = ["---", f"thinkring: {kind}", *(f"{key}: {_yaml(value)}" for key, value in front.items()), "---"]
        yield from self.file(f"{name}.md", "\n".join(lines) + f"\n\n{body}\n")

    def file(self, name: str, data: str | bytes, compression: int = zipfile.ZIP_DEFLATED) -> Iterator[bytes]:
        self.zip.writestr(name, data, compression)
        yield self.stream.take()


class _Stream:
    """What the zip writes into, and what is taken out of it as it grows; it cannot be read or moved in."""

    def __init__(self):
        self.parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """As a file has it."""

    close = flush

    def take(self) -> bytes:
        taken = b"".join(self.parts)
        self.parts.clear()
        return taken


def _yaml(value) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    if isinstance(value, bool | int):
        return json.dumps(value)
    quoted = json.dumps(str(value), ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _times(row) -> dict[str, str]:
    return {"created": row.created_at.isoformat(), "updated": row.updated_at.isoformat()}
