"""Writes docs/licences.md: the licence of each package that the images are built from."""

import json
import re
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "licences.md"

# Their metadata does not say it; their file LICENSE does.
UNTOLD = {"@inlang/plugin-message-format": "MIT", "sqlite-wasm-kysely": "MIT"}

# In the image, whose Python is older than 3.11.3, and not everywhere else.
OLDER = {"async-timeout": "Apache-2.0"}

TEXT = """# Licences

thinkRing is under the [MIT licence](../LICENSE). This list is written by `make licences` from what the packages say of
themselves; `tests/operations/test_licences.py` fails when it is out of date, and when a licence comes in that nobody
has looked at. `psycopg` is under the LGPL: it is used as it is published, and can be replaced by another of its kind.
What the base images bring along (Debian, Alpine, Python, Node, nginx, PostgreSQL) is in the lists of `make sbom`.

## Python, in the back end's image

{python}

## npm, in the build of the front end

Most of these only build. What the page needs of them is bundled, and they are not in the image.

{npm}
"""


def python_packages():
    names = re.findall(r"^([\w.-]+)(?:\[.*?\])?==", (ROOT / "backend" / "requirements.txt").read_text(), re.M)
    # On Windows only.
    return {name: OLDER.get(name) or of_python(name) for name in names if name != "tzdata"}


def of_python(name):
    said = metadata(name)
    classifiers = [line.split(" :: ")[-1] for line in said.get_all("Classifier", []) if line.startswith("License ::")]
    return said["License-Expression"] or said["License"] or " AND ".join(classifiers)


def npm_packages():
    packages = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
    names = {path: path.rpartition("node_modules/")[2] for path in packages if path}
    return {path: packages[path].get("license") or UNTOLD.get(name, "") for path, name in names.items()}


def by_licence(packages):
    lines = []
    for licence in sorted(set(packages.values())):
        names = {path.rpartition("node_modules/")[2] for path, value in packages.items() if value == licence}
        lines.append(f"- **{licence}**: {', '.join(sorted(names))}")
    return "\n".join(lines)


def text():
    return TEXT.format(python=by_licence(python_packages()), npm=by_licence(npm_packages()))


if __name__ == "__main__":
    FILE.write_text(text())
