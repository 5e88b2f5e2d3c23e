"""The file of a vault that says it is ours, and what was in the export: obsidian.py writes it, vault.py reads it.

{"format": "thinkring-vault", "version": 1, "exported_at": "…", "global": the folder of the global nodes,
 "projects": {id: title}, "rounds": {id: number}, "steps": {id: type}, "nodes": {id: title},
 "within": {id: the id of what it lies in}}
"""

import io
import json
from typing import Any, NamedTuple

from django.utils import timezone

from apps.thinking import content
from apps.thinking.exchange.json import checked_version, half_pair
from apps.thinking.exchange.problems import NOT_OURS, UNSTORABLE, FileProblem

FORMAT = "thinkring-vault"
VERSION = 1
NAME = "thinkring.json"
SIZE = 32 * 1024 * 1024  # bytes

KINDS = ("project", "round", "step", "node")


class Manifest(NamedTuple):
    global_folder: str
    rows: dict[str, tuple[str, str]]  # (kind, title, number or type) by id, the projects first
    within: dict[str, str]


def write(manifest: Manifest) -> str:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": timezone.now().isoformat(),
        "global": manifest.global_folder,
    }
    lists: dict[str, dict[str, str]] = {f"{kind}s": {} for kind in KINDS}
    for id, (kind, name) in manifest.rows.items():
        lists[f"{kind}s"][id] = name
    return json.dumps({**head, **lists, "within": manifest.within}, ensure_ascii=False, indent=1)


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
    # The first exports listed nodes only.
    older: dict[str, Any] = {"projects": {}, "rounds": {}, "steps": {}, "within": {}}
    manifest = older | manifest
    if not isinstance(manifest.get("global"), str):
        raise FileProblem(name, NOT_OURS)
    rows = {id: (kind, text) for kind in KINDS for id, text in _texts(name, manifest, f"{kind}s").items()}
    return Manifest(manifest["global"], rows, _texts(name, manifest, "within"))


def _texts(name: str, manifest: dict[str, Any], key: str) -> dict[str, str]:
    texts = manifest.get(key)
    if not isinstance(texts, dict):
        raise FileProblem(f"{name}: {key}", NOT_OURS)
    return {id.lower(): str(text) for id, text in texts.items() if content.UUID.fullmatch(id)}
