"""The file of a vault that says it is ours, what was in the export, and what has no place in a note: what somebody
refused. obsidian.py writes it, vault.py reads it.

{"format": "thinkring-vault", "version": 1, "exported_at": "…", "global": the folder of the global nodes,
 "projects": {id: title}, "rounds": {id: number}, "steps": {id: type}, "nodes": {id: title},
 "within": {id: the id of what it lies in},
 "refused_keywords": {the id of a project: [word]}, "removed_links": [a record as in JSON]}
"""

import io
import json
from typing import Any, NamedTuple

from apps.thinking import content
from apps.thinking.exchange import checked
from apps.thinking.exchange.json import checked_version, half_pair
from apps.thinking.exchange.problems import NOT_OURS, FileProblem
from apps.thinking.exchange.records import Record
from apps.thinking.problems import UNSTORABLE

FORMAT = "thinkring-vault"
VERSION = 1
NAME = "thinkring.json"
SIZE = 32 * 1024 * 1024  # bytes

KINDS = ("project", "round", "step", "node")


class Manifest(NamedTuple):
    exported_at: str | None
    global_folder: str
    rows: dict[str, tuple[str, str]]  # (kind, title, number or type) by id, the projects first
    within: dict[str, str]
    refused_keywords: dict[str, list]
    removed_links: list[Record]


def write(manifest: Manifest) -> str:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": manifest.exported_at,
        "global": manifest.global_folder,
    }
    lists: dict[str, dict[str, str]] = {f"{kind}s": {} for kind in KINDS}
    for id, (kind, name) in manifest.rows.items():
        lists[f"{kind}s"][id] = name
    rest = {
        "within": manifest.within,
        "refused_keywords": manifest.refused_keywords,
        "removed_links": manifest.removed_links,
    }
    return json.dumps({**head, **lists, **rest}, ensure_ascii=False, indent=1)


def read(name: str, data: bytes) -> Manifest:
    if line := half_pair(io.BytesIO(data)):
        raise FileProblem(name, UNSTORABLE, line)
    try:
        manifest = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FileProblem(name, NOT_OURS) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise FileProblem(name, NOT_OURS)
    checked_version(manifest.get("version"), VERSION, {})
    # The first exports listed nodes only, and later ones not yet what was refused.
    older: dict[str, Any] = {"projects": {}, "rounds": {}, "steps": {}, "within": {}}
    manifest = older | {"refused_keywords": {}, "removed_links": []} | manifest
    if not isinstance(manifest.get("global"), str):
        raise FileProblem(name, NOT_OURS)
    exported_at = manifest.get("exported_at")
    if exported_at is not None:
        checked.time(manifest, name, "exported_at")
    rows = {id: (kind, text) for kind in KINDS for id, text in _texts(name, manifest, f"{kind}s").items()}
    within = _texts(name, manifest, "within")
    refused, removed = _by_id(name, manifest, "refused_keywords"), manifest["removed_links"]
    if not all(isinstance(words, list) for words in refused.values()):
        raise FileProblem(f"{name}: refused_keywords", NOT_OURS)
    if not isinstance(removed, list) or not all(isinstance(link, dict) for link in removed):
        raise FileProblem(f"{name}: removed_links", NOT_OURS)
    return Manifest(exported_at, manifest["global"], rows, within, refused, removed)


def _texts(name: str, manifest: dict[str, Any], key: str) -> dict[str, str]:
    return {id: str(text) for id, text in _by_id(name, manifest, key).items()}


def _by_id(name: str, manifest: dict[str, Any], key: str) -> dict[str, Any]:
    found = manifest.get(key)
    if not isinstance(found, dict):
        raise FileProblem(f"{name}: {key}", NOT_OURS)
    return {id.lower(): value for id, value in found.items() if content.UUID.fullmatch(id)}
