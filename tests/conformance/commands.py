"""The commands of chapters 5, 7, 8, 10 and 14: every file, service, database, host and port that they name exists."""

import shlex

from . import compose_file, environment_file, nginx_file
from .departure import Departure
from .specification import block

BLOCKS = [
    "first-deployment.sh",
    "update-deployment.sh",
    "restore.sh",
    "logs.sh",
    "firewall.sh",
    "update-images.sh",
    "troubleshooting-start.sh",
    "troubleshooting-database.sh",
]


def departures(project):
    for name in BLOCKS:
        for line in block(name).splitlines():
            words = shlex.split(line, comments=True)
            if words:
                check = CHECKS[words[0]]
                for problem in check(project, words[1:]):
                    yield Departure(name, line.split("  #")[0], problem)


def nothing(project, words):
    return []


def docker_compose(project, words):
    file = environment_file.read(project).get("COMPOSE_FILE", compose_file.DEVELOPMENT)
    if words[0] == "-f":
        file, words = words[1], words[2:]
    if not (project / file).exists():
        yield f"no {file}"
        return
    services = compose_file.read(project / file)["services"]
    command, *rest = words
    rest = [word for word in rest if not word.startswith("-") or command == "exec"]
    if command == "exec":
        service, *inner = rest[1:] if rest[0] == "-T" else rest
        if service not in services:
            yield f"no service {service}"
        else:
            yield from inside(project, services[service], inner)
    elif command in ("logs", "ps"):
        yield from (f"no service {name}" for name in rest if name not in services)


def inside(project, service, words):
    """A command in a container."""
    environment = environment_file.read(project)
    if words[:2] == ["python", "manage.py"]:
        if not (project / service["build"]["context"] / "manage.py").exists():
            yield "no manage.py"
    elif words[0] == "psql":
        _, _, user, database = words[:4]
        if user != environment.get("DB_USER"):
            yield f"no database user {user}"
        if database != environment.get("DB_NAME"):
            yield f"no database {database}"
    elif words[0] == "env" and not any(words[-1] in key for key in service["environment"]):
        yield f"no variable {words[-1]}"


def copy(project, words):
    source, target = words
    if not source.startswith("/") and not (project / source).exists():
        yield f"no {source}"
    if target.startswith("nginx/") and target not in certificate_files(project):
        yield f"nginx does not read {target}"


def certificate_files(project):
    """The files, as the project sees them, that nginx's `ssl_certificate` and `ssl_certificate_key` name."""
    mounts = nginx_file.mounts(project)
    for directive in walk(nginx_file.read(project / nginx_file.FILE)):
        if directive["directive"].startswith("ssl_certificate"):
            path = directive["args"][0]
            for target, source in mounts.items():
                if path.startswith(f"{target}/"):
                    yield str((source / path.removeprefix(f"{target}/")).relative_to(project))


def walk(directives):
    for directive in directives:
        yield directive
        yield from walk(directive.get("block", []))


def make_folder(project, words):
    mounted = [str(source.relative_to(project)) for source in nginx_file.mounts(project).values()]
    if words[-1] not in mounted:
        yield f"nginx does not mount {words[-1]}"


def certbot(project, words):
    name = words[words.index("-d") + 1]
    served = [d["args"] for d in walk(nginx_file.read(project / nginx_file.FILE)) if d["directive"] == "server_name"]
    if not any(name in args for args in served):
        yield f"nginx does not serve {name}"


def firewall(project, words):
    if words[0] != "allow" or words[1] == "22/tcp":
        return
    published = compose_file.read(project / compose_file.PRODUCTION)["services"]["nginx"].get("ports", {})
    port = words[1].removesuffix("/tcp")
    if port not in published.values():
        yield f"nothing listens on {port}"


CHECKS = {
    "docker-compose": docker_compose,
    "cp": copy,
    "mkdir": make_folder,
    "certbot": certbot,
    "ufw": firewall,
    "git": nothing,
    "cd": nothing,
}
