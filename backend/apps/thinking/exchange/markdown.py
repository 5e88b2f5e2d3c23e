"""An export as Markdown, to be read by people; and texts as Markdown shows them: as they were typed, never run."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from apps.thinking import content
from apps.thinking.exchange import records, words
from apps.thinking.models import Node, Project, Step

# Everything that means something in Markdown or Obsidian; an underscore within a word means nothing.
MEANS = re.compile(r"[\\`*\[\]{}<>#|~$&!=^]|%(?=%)|(?<=%)%|(?<![^\W_])_|_(?![^\W_])")
# What means something at the beginning of a line only; to a spreadsheet too, which would take it for a formula.
AT_START = re.compile(r"^([^\S\n]*)([-+@:%])", re.MULTILINE)
NUMBER_AT_START = re.compile(r"^([^\S\n]*\d+)([.)])", re.MULTILINE)
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|&#(9|10|13|32);")
BLANKS = " \t\r\n"


def escape(text: str) -> str:
    text = MEANS.sub(r"\\\g<0>", text)
    text = AT_START.sub(r"\1\\\2", text)
    return NUMBER_AT_START.sub(r"\1\\\2", text)


def exact(text: str) -> str:
    """Escaped so that not even a blank at its ends is lost on the way through somebody's editor."""
    inner = text.strip(BLANKS)
    start = text.index(inner)
    ends = [
        re.sub("(?s).", lambda found: f"&#{ord(found[0])};", end) for end in (text[:start], text[start + len(inner) :])
    ]
    return ends[0] + escape(inner).replace("\r", "&#13;") + ends[1]


def unescape(text: str) -> str:
    return ESCAPED.sub(lambda found: found[1] or chr(int(found[2])), text)


def write(user, project=None) -> Iterator[str]:
    return _write(user, project, words.names())


def is_markdown(file: BinaryIO) -> bool:
    """Whether it begins with a heading, as an export does; nothing else that can be imported does."""
    file.seek(0)
    return file.read(4).removeprefix(b"\xef\xbb\xbf").startswith(b"#")


def _write(user, project, names: dict[str, str]) -> Iterator[str]:
    exported = {id for id, _title in records.node_titles(user, project)}
    for row in records.projects(user, project):
        yield from _project(row, names, records.links_from(user, exported, row))
    links = records.links_from(user, exported)
    for index, node in enumerate(records.global_nodes(user, project)):
        if index == 0:
            yield f"# {names['global']}\n\n"
        yield from _node(node, links)


def _project(project: Project, names: dict[str, str], links: dict) -> Iterator[str]:
    yield f"# {_line(project.title)}\n\n"
    about = [project.category, str(project.get_status_display())]
    yield " · ".join(_line(part) for part in about if part) + "\n\n"
    for round in project.rounds.all():
        yield f"## {names['round'] % {'number': round.number}}\n\n"
        if round.note.strip():
            yield f"**{names['question']}**\n\n{_paragraphs(round.note)}\n\n"
        for step in round.steps.all():
            yield from _step(step, names)
    if project.nodes.all():
        yield f"## {names['nodes']}\n\n"
        for node in project.nodes.all():
            yield from _node(node, links)


def _step(step: Step, names: dict[str, str]) -> Iterator[str]:
    yield f"### {step.position} {names[f'step {step.type}']}\n\n"
    shape = content.SHAPES[step.type]
    for field in shape.texts:
        if step.content[field].strip():
            yield f"#### {names[field]}\n\n{_paragraphs(step.content[field])}\n\n"
    for field in shape.lists:
        items = [item for item in step.content[field] if item["text"].strip()]
        if items:
            yield f"#### {names[field]}\n\n" if len(shape.lists) > 1 else ""
            for number, item in enumerate(items, start=1):
                mark = f"{number}." if step.type == "flow" else "-"
                text = _line(item["text"])
                yield f"{mark} ~~{text}~~\n" if item["struck"] else f"{mark} {text}\n"
            yield "\n"


def _node(node: Node, links: dict) -> Iterator[str]:
    yield f"### {_line(node.title)}\n\n"
    if node.context.strip():
        yield f"{_paragraphs(node.context)}\n\n"
    if node.pk in links:
        yield "".join(f"- → {_line(link.to_node.title)} ({link.weight})\n" for link in links[node.pk]) + "\n"


def _line(text: str) -> str:
    return escape(" ".join(text.split()))


def _paragraphs(text: str) -> str:
    """Two spaces at the end of a line keep it a line."""
    lines = [line.strip() for line in re.split("\r\n?|\n", text.strip())]
    return re.sub("(?<=[^\n])\n(?=[^\n])", "  \n", escape("\n".join(lines)))
