"""docker-compose.prod.yml as YAML, and the logging snippet in both compose files."""

import functools
import re

import yaml

from .departure import MISSING, Departure, differences
from .specification import block

PRODUCTION = "docker-compose.prod.yml"
DEVELOPMENT = "docker-compose.yml"

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<kind>:?[-?])?(?P<text>[^}]*)\}")


def departures(project):
    actual = read(project / PRODUCTION)
    specified = parse(block(PRODUCTION))
    yield from differences(PRODUCTION, flat(specified), flat(actual))
    for name in specified["services"]:
        profiles = actual["services"].get(name, {}).get("profiles")
        if profiles:  # then `up` would not start it
            yield Departure(PRODUCTION, f"services.{name}", f"only with the profile {', '.join(profiles)}")
    snippet = flat(yaml.safe_load(block("logging.yml")))
    for file in [PRODUCTION, DEVELOPMENT]:
        if not (project / file).exists():
            yield Departure(file, "services", MISSING)
            continue
        for name, service in read(project / file)["services"].items():
            found = flat({"logging": service.get("logging", {})})
            for departure in differences(file, snippet, found):
                yield departure._replace(key=f"services.{name}.{departure.key}")


def read(path):
    return parse(path.read_text())


@functools.lru_cache
def parse(text):
    """The file as compose understands it without an environment, each list that is a map in disguise as a map."""
    tree = interpolate(yaml.safe_load(text))
    for service in tree["services"].values():
        for key, convert in FORMS.items():
            if key in service:
                service[key] = convert(service[key])
    return tree


def interpolate(value):
    """Defaults applied; a variable without one stays as it is, a required one without its message."""
    if isinstance(value, dict):
        return {key: interpolate(item) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item) for item in value]
    if isinstance(value, str):
        return VARIABLE.sub(without_environment, value)
    return value


def without_environment(match):
    if (match["kind"] or "").endswith("-"):
        return match["text"]
    return f"${{{match['name']}{match['kind'] or ''}}}"


def environment(value):
    if isinstance(value, list):
        value = dict(item.split("=", 1) if "=" in item else (item, None) for item in value)
    return {key: "" if item is None else str(item) for key, item in value.items()}


def depends_on(value):
    return dict.fromkeys(value)


def volumes(value):
    """Where a container sees something: what it is, and how."""
    mounts = {}
    for item in value:
        if isinstance(item, dict):
            item = ":".join([item["source"], item["target"], *(["ro"] if item.get("read_only") else [])])
        source, target, *mode = item.split(":")
        mounts[target] = ":".join([source, *mode])
    return mounts


def ports(value):
    """A container's port: where the machine has it."""
    published = {}
    for item in value:
        if isinstance(item, dict):
            item = f"{item['published']}:{item['target']}"
        outside, inside = str(item).rsplit(":", 1)
        published[inside.removesuffix("/tcp")] = outside
    return published


def build(value):
    value = {"context": value} if isinstance(value, str) else value
    return value | {"args": environment(value.get("args", {}))}


FORMS = {
    "environment": environment,
    "depends_on": depends_on,
    "volumes": volumes,
    "ports": ports,
    "build": build,
}


def flat(tree, path=""):
    """{"services.db.image": "postgres:15", …}; what is empty, and what has keys of its own, has no value."""
    leaves = {}
    for key, value in tree.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, dict):
            leaves[here] = None
            leaves |= flat(value, here)
        else:
            leaves[here] = None if value is None else str(value)
    return leaves
