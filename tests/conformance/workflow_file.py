"""The workflow as YAML: names, trigger, jobs, steps, and the commands one by one."""

import difflib
import re

import yaml

from .departure import MISSING, Departure, differences
from .specification import block

FILE = ".github/workflows/deploy.yml"


def departures(project):
    specified, actual = parse(block("deploy.yml")), parse((project / FILE).read_text())
    yield from differences(FILE, flat(specified), flat(actual))
    have = commands(actual)
    for path, lines in commands(specified).items():
        yield from compare_commands(path, lines, have.get(path, []))


def parse(text):
    # The base loader leaves `on` a word, and 3.10 what it is.
    return yaml.load(text, Loader=yaml.BaseLoader)


def flat(tree, path=""):
    """Everything but the commands: a step goes by its name, or by what it uses; a commit is as good as another."""
    leaves = {}
    for key, value in items(tree):
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict | list):
            leaves |= flat(value, here)
        elif key not in ("run", "script"):
            leaves[here] = re.sub(r"@[0-9a-f]{40}$", "@COMMIT", value)
    return leaves


def commands(tree, path=""):
    """The lines of every `run` and `script`."""
    found = {}
    for key, value in items(tree):
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict | list):
            found |= commands(value, here)
        elif key in ("run", "script"):
            found[here] = value.strip().splitlines()
    return found


def items(tree):
    if isinstance(tree, dict):
        return tree.items()
    return [(step_name(item), item) for item in tree]


def step_name(item):
    if isinstance(item, dict):
        return item.get("name") or item["uses"].split("@")[0]
    return item


def compare_commands(path, specified, actual):
    """Each command, or the one that took its place; then their order, as the numbers of the specified lines."""
    places = []
    for number, line in enumerate(specified, 1):
        if line in actual:
            found = line
        else:
            found = next(iter(difflib.get_close_matches(line, actual, n=1, cutoff=0.75)), MISSING)
            yield Departure(FILE, f"{path}: {line}", found)
        if found != MISSING:
            places.append((actual.index(found), number))
    order = [str(number) for _, number in sorted(places)]
    if order != sorted(order):
        yield Departure(FILE, f"{path}: order", " ".join(order))
