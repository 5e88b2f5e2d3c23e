"""nginx.conf as crossplane reads it: every specified directive, in the same block, with the same arguments."""

import crossplane

from . import compose_file
from .departure import MISSING, Departure
from .specification import DIRECTORY

FILE = "nginx/nginx.conf"

# These may stand several times in a block, told apart by their first argument.
KEYED = {"add_header", "proxy_set_header", "server", "listen", "server_name"}


def departures(project):
    specified = read(DIRECTORY / "nginx.conf")
    actual = read(project / FILE, mounts(project))
    blocks = {directive["directive"]: directive["block"] for directive in actual if "block" in directive}
    if "http" in blocks:
        yield Departure(FILE, "context", "http")
        actual = blocks["http"]
    yield from compare(specified, actual, "")


def mounts(project):
    """Where the nginx container sees the project's folders."""
    volumes = compose_file.read(project / compose_file.PRODUCTION)["services"]["nginx"]["volumes"]
    return {
        target: project / source.removesuffix(":ro") for target, source in volumes.items() if source.startswith("./")
    }


def read(path, mounted=None):
    """The directives of a file, with those of the project's own included files in place."""
    result = crossplane.parse(str(path), single=True, catch_errors=False, check_ctx=False, check_args=False)
    return expand(result["config"][0]["parsed"], mounted or {})


def expand(directives, mounted):
    expanded = []
    for directive in directives:
        if directive["directive"] == "include":
            for path in included(directive["args"][0], mounted):
                expanded += read(path, mounted)
        if "block" in directive:
            directive["block"] = expand(directive["block"], mounted)
        expanded.append(directive)
    return expanded


def included(pattern, mounted):
    for target, source in mounted.items():
        if pattern == target:
            return [source]
        if pattern.startswith(f"{target}/"):
            return sorted(source.glob(pattern.removeprefix(f"{target}/")))
    return []  # from the image


def compare(specified, actual, path):
    have = index(actual)
    for directive in specified:
        key = key_of(directive)
        here = f"{path}.{key}" if path else key
        if "block" in directive:
            block = find_block(directive, actual)
            if block is None:
                yield Departure(FILE, here, MISSING)
            else:
                yield from compare(directive["block"], block, here)
        elif (found := have.get(key, [])) != [value_of(directive)]:
            yield Departure(FILE, here, " | ".join(found) or elsewhere(directive, actual))


def index(directives):
    """Each directive that is no block: its key, and every value that it has."""
    have = {}
    for directive in split_names(directives):
        if "block" not in directive:
            have.setdefault(key_of(directive), []).append(value_of(directive))
    return have


def split_names(directives):
    """One `server_name` a name, since that is how nginx adds them up."""
    for directive in directives:
        if directive["directive"] == "server_name":
            yield from (directive | {"args": [name]} for name in directive["args"])
        else:
            yield directive


def key_of(directive):
    name, args = directive["directive"], directive["args"]
    if "block" in directive:
        return f"server[{listens(directive)[0]}]" if name == "server" else " ".join([name, *args])
    return f"{name} {args[0]}" if name in KEYED else name


def value_of(directive):
    args = directive["args"][1:] if directive["directive"] in KEYED else directive["args"]
    return " ".join(args) or "nothing"


def listens(server):
    return [inner["args"][0] for inner in server["block"] if inner["directive"] == "listen"]


def names(server):
    return [inner["args"][0] for inner in split_names(server["block"]) if inner["directive"] == "server_name"]


def find_block(wanted, directives):
    """The block of the same kind and arguments; a server by its port, the one with the same name if there are more."""
    alike = [d for d in directives if "block" in d and d["directive"] == wanted["directive"]]
    if wanted["directive"] == "server":
        alike = [server for server in alike if listens(wanted)[0] in listens(server)]
        alike.sort(key=lambda server: set(names(wanted)).isdisjoint(names(server)))
    else:
        alike = [d for d in alike if d["args"] == wanted["args"]]
    return alike[0]["block"] if alike else None


def elsewhere(directive, directives):
    """Whether it stands, as specified, in a location of the same block instead."""
    for inner in directives:
        if inner["directive"] == "location" and value_of(directive) in index(inner["block"]).get(key_of(directive), []):
            return f"in location {' '.join(inner['args'])}"
    return MISSING
