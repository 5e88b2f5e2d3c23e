"""Which module may know which: docs/architecture.md lists them from the ground up, and no import runs back up.

What is in one row of the list is one thing inside. Rows of one layer stand side by side and do not know each other.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

BACKEND = Path(__file__).resolve().parents[2]
# `    3a   apps/thinking/diff.py   what it is`; a row without a name is of the layer of the row above.
ROW = re.compile(r"^    (?P<layer>\w*) +(?P<path>(?:apps|thinkring)/\S*)", re.MULTILINE)


def listed() -> dict[str, int]:
    """How high each row stands, by its file or folder."""
    height = 0
    heights = {}
    for row in ROW.finditer((BACKEND.parent / "docs/architecture.md").read_text("utf-8")):
        height += bool(row["layer"])
        heights[row["path"]] = height
    return heights


HEIGHTS = listed()
MODULES = [
    path.relative_to(BACKEND).as_posix()
    for folder in ("apps", "thinkring")
    for path in sorted((BACKEND / folder).rglob("*.py"))
    # What marks a package, or a Django app, knows nothing.
    if not {"tests", "migrations"} & set(path.parts) and path.name not in ("__init__.py", "apps.py")
]


def row_of(module: str) -> str | None:
    rows = [path for path in HEIGHTS if module == path or (path.endswith("/") and module.startswith(path))]
    return max(rows, key=len, default=None)


def imported(source: str) -> Iterator[str]:
    """The files of our own that a module imports, within functions too."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # A relative one has no module; none is written here.
            assert node.module is not None
            assert not node.level
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            path = name.replace(".", "/") + ".py"
            if (BACKEND / path).is_file():
                yield path


def against(module: str, source: str) -> list[str]:
    """What a module imports although it must not know it."""
    own = row_of(module)
    return [path for path in imported(source) if row_of(path) != own and HEIGHTS[row_of(path)] >= HEIGHTS[own]]


@pytest.mark.parametrize("module", MODULES)
def test_no_import_runs_back_up(module):
    assert row_of(module), "has no place in docs/architecture.md"
    assert against(module, (BACKEND / module).read_text("utf-8")) == []


@pytest.mark.parametrize("path", HEIGHTS)
def test_what_is_listed_is_there(path):
    assert (BACKEND / path).exists()


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("apps/thinking/models.py", "from apps.thinking import rounds", ["apps/thinking/rounds.py"]),
        ("apps/thinking/rounds.py", "import apps.thinking.api.views", ["apps/thinking/api/views.py"]),
        ("apps/core/errors.py", "def f():\n    from apps.accounts.models import User", ["apps/accounts/models.py"]),
        # Beside it.
        ("apps/thinking/search.py", "from apps.thinking.graph import graph", ["apps/thinking/graph.py"]),
        # Below it, and within its own row.
        ("apps/thinking/rounds.py", "from apps.thinking import history, models", []),
        ("apps/thinking/exchange/json.py", "from apps.thinking.exchange import records", []),
        ("apps/core/errors.py", "import django.conf", []),
    ],
)
def test_what_is_found(module, source, found):
    assert against(module, source) == found
