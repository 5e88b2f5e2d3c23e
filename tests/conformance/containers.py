"""The table of containers in chapter 2.2: services, the images they come from, their ports."""

import re

from . import compose_file
from .departure import MISSING, Departure
from .specification import container_table

TABLE = "container table"


def departures(project):
    services = compose_file.read(project / compose_file.PRODUCTION)["services"]
    for name, (image, ports) in container_table().items():
        if name not in services:
            yield Departure(TABLE, name, MISSING)
            continue
        # With the arguments of the compose file, and without: the Dockerfile's own default is the specified image too.
        found = {base_image(project, services[name]), base_image(project, services[name], arguments={})}
        for other in sorted(found - {image}):
            yield Departure(TABLE, f"{name} {image}", other)
        for port in ports:
            if services[name].get("ports", {}).get(port) != port:
                yield Departure(TABLE, f"{name} {port}", "not published")


def base_image(project, service, arguments=None):
    """The image of a service, or what its Dockerfile's last stage is built from; by the compose file's arguments."""
    if "build" not in service:
        return service["image"]
    path = project / service["build"]["context"] / service["build"]["dockerfile"]
    if not path.exists():
        return MISSING
    return resolve_base(path.read_text(), service["build"]["args"] if arguments is None else arguments)


def resolve_base(dockerfile, arguments):
    instructions = re.findall(r"^(ARG|FROM)\s+(.*)$", dockerfile, re.M | re.I)
    defaults, stages, base = {}, {}, None
    for instruction, rest in instructions:
        if instruction.upper() == "ARG":
            key, _, value = rest.partition("=")
            defaults.setdefault(key.strip(), value.strip())
            continue
        base, _, stage = re.match(r"(\S+)(\s+AS\s+(\S+))?", rest, re.I).groups()
        base = re.sub(r"\$\{?(\w+)\}?", lambda match: (defaults | arguments)[match[1]], base)
        base = stages.get(base, base)
        if stage:
            stages[stage] = base
    return base
