"""
`ops/update-images.sh` with a Docker that only remembers: which image a name means, what each container runs on, and
what a registry has. So images can be newer here, of which none can be fetched.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from production import ROOT

DOCKER = """
import json, os, sys
file = os.environ["FAKE_DOCKER"]
state = json.load(open(file))
words = sys.argv[1:]
def done(said="", code=0):
    json.dump(state, open(file, "w"))
    print(said) if said else None
    sys.exit(code)
services = list(state["containers"])
if words[:1] == ["-f"]:
    # compose
    words = words[2:]
    if words[0] == "config":
        done("\\n".join([*services, "certificate"]))
    if words == ["build", "pgbouncer"]:
        state["done"].append("build pgbouncer")
        image = f"pgbouncer on {state['images']['debian:bookworm-slim']}"
        state["layers"][image] = [*state["layers"][state["images"]["debian:bookworm-slim"]], "pgbouncer"]
        state["images"]["think-test_pgbouncer"] = image
        done(code=state["build_fails"])
    if words[0] == "up":
        state["done"].append("up " + " ".join(word for word in words if word in services))
        for service in services:
            if service in words:
                state["containers"][service] = state["images"][state["runs"][service]]
        done()
if words[0] == "ps":
    label = next((word for word in words if word.startswith("label=com.docker.compose.service=")), "=")
    done(label.split("=")[-1] if label.split("=")[-1] in services else "")
if words[0] == "inspect":
    if words[3] not in services:
        done(code=1)
    image = state["containers"][words[3]]
    health = "unhealthy" if image in state["bad"] else "healthy"
    formats = {
        "{{.State.Running}}": "true",
        "{{.Image}}": image,
        "{{.Config.Image}}": state["runs"].get(words[3], words[3]),
        "{{.State.Status}} {{.State.Health.Status}}": f"running {health}",
    }
    done(formats[words[2]])
if words[:2] == ["image", "inspect"]:
    name = words[4]
    if "Layers" in words[3]:
        done("\\n".join(state["layers"].get(state["images"].get(name, name), [])))
    done(state["images"].get(name, ""), 0 if name in state["images"] else 1)
if words[0] == "pull":
    name = words[-1]
    if name not in state["registry"]:
        print(f"Error response from daemon: Get https://registry.example/{name}: no such host", file=sys.stderr)
        done(code=1)
    state["images"][name] = state["registry"][name]
    done(name)
if words[0] == "tag":
    state["images"][words[2].removesuffix(":latest")] = words[1]
    done()
if words[:2] == ["exec", "db"]:
    done("\\n".join(["thinkring_user", "thinkring_prod"]))
if words[:2] == ["exec", "-i"]:
    done(state["sorts"])
if words[0] == "logs":
    done(f"the log of {words[-1]}")
done("?" + " ".join(words), 3)
"""
# In place of deploy.sh: builds on the bases that are here, and replaces both.
DEPLOY = """
import json, os, sys
file = os.environ["FAKE_DOCKER"]
state = json.load(open(file))
state["done"].append("deploy " + sys.argv[1])
for service, base in [("backend", "python:3.10-slim"), ("frontend", "node:18-alpine")]:
    image = f"{service} on {state['images'][base]}"
    state["images"][f"think-test_{service}:{sys.argv[1]}"] = image
    state["layers"][image] = [*state["layers"][state["images"][base]], service]
    if not state["deploy_fails"]:
        state["containers"][service] = image
json.dump(state, open(file, "w"))
sys.exit(state["deploy_fails"])
"""
NAMES = ["nginx:alpine", "postgres:15", "python:3.10-slim", "node:18-alpine"]
DEBIAN = "debian:bookworm-slim"


class Machine:
    def __init__(self, folder):
        self.checkout = folder / "thinkring"
        shutil.copytree(ROOT / "ops", self.checkout / "ops", ignore=shutil.ignore_patterns("*.lock", "last-*"))
        (self.checkout / "docker-compose.prod.yml").touch()
        (self.checkout / ".env.production").write_text("COMPOSE_PROJECT_NAME=think-test\n")
        (self.checkout / "backups").mkdir()
        tools = folder / "tools"
        tools.mkdir()
        self.file = folder / "docker.json"
        for name, program in [
            (tools / "docker", f"#!{sys.executable} -IS\n{DOCKER}"),
            (tools / "docker-compose", f"#!{sys.executable} -IS\n{DOCKER}"),
            (tools / "git", "#!/bin/sh\necho c0ffee\n"),
            (self.checkout / "ops" / "deploy.sh", f"#!{sys.executable} -IS\n{DEPLOY}"),
            (self.checkout / "backup.sh", "#!/bin/sh\necho Backed up.\n"),
        ]:
            name.write_text(program)
            name.chmod(0o755)
        old = {name: f"{name} of May" for name in NAMES}
        ours = {f"think-test_{service}:c0ffee": f"{service} of May" for service in ("backend", "frontend")}
        self.state = {
            "images": old | ours,
            "registry": dict(old),
            "containers": {
                "nginx": old["nginx:alpine"], "frontend": "frontend of May", "backend": "backend of May",
                "db": old["postgres:15"], "wal": old["postgres:15"],
            },
            "runs": {"nginx": "nginx:alpine", "db": "postgres:15", "wal": "postgres:15"},
            "layers": {
                **{f"{name} of {month}": [name, month] for name in NAMES for month in ("May", "June")},
                "backend of May": ["python:3.10-slim", "May", "backend"],
                "frontend of May": ["node:18-alpine", "May", "frontend"],
            },
            "bad": [], "done": [], "deploy_fails": 0, "build_fails": 0, "sorts": "f",
        }  # fmt: skip
        self.environment = {"PATH": f"{tools}:{os.environ['PATH']}", "FAKE_DOCKER": str(self.file)}

    def start_pgbouncer(self):
        """Its image is built here, as backend and frontend are."""
        for month in ("May", "June"):
            self.state["layers"][f"{DEBIAN} of {month}"] = [DEBIAN, month]
        self.state["layers"]["pgbouncer of May"] = [DEBIAN, "May", "pgbouncer"]
        self.state["images"] |= {DEBIAN: f"{DEBIAN} of May", "think-test_pgbouncer": "pgbouncer of May"}
        self.state["registry"][DEBIAN] = f"{DEBIAN} of May"
        self.state["runs"]["pgbouncer"] = "think-test_pgbouncer"
        self.state["containers"]["pgbouncer"] = "pgbouncer of May"

    def newer(self, *names):
        for name in names:
            self.state["registry"][name] = f"{name} of June"

    def run(self, *arguments):
        self.file.write_text(json.dumps(self.state))
        result = subprocess.run(
            [self.checkout / "ops" / "update-images.sh", *arguments],
            env=self.environment, cwd="/", capture_output=True, text=True,
        )  # fmt: skip
        self.state, self.before = json.loads(self.file.read_text()), self.state
        return result

    def is_unchanged(self):
        return self.state == self.before

    def backed_up(self, hours_ago, verified="true"):
        for name, text in [
            ("thinkring_db_20260101_020000.sql", "--"),
            ("thinkring_media_20260101_020000.tar.gz", ""),
            ("thinkring_20260101_020000.json", f'{{\n  "verified": {verified},\n}}\n'),
        ]:
            (self.checkout / "backups" / name).write_text(text)
            then = time.time() - hours_ago * 3600
            os.utime(self.checkout / "backups" / name, (then, then))


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_nothing_is_newer(machine, arguments):
    result = machine.run(*arguments)

    assert (result.returncode, result.stdout) == (0, "Everything runs on the newest images.\n"), result.stderr
    assert machine.is_unchanged()


def test_check_says_what_is_newer_and_changes_nothing(machine):
    machine.newer("postgres:15", "python:3.10-slim")

    result = machine.run("--check")

    assert result.returncode == 1
    assert result.stdout == "Newer: python:3.10-slim, for backend.\nNewer: postgres:15, for db and wal.\n"
    assert result.stderr == "update-images.sh: there are newer images; take them over: ops/update-images.sh\n"
    assert machine.is_unchanged(), "an `up -d` after it replaces nothing"


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_registry_that_does_not_answer(machine, arguments):
    machine.newer(*NAMES)
    del machine.state["registry"]["node:18-alpine"]

    result = machine.run(*arguments)

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("update-images.sh: node:18-alpine was not fetched (Error response from daemon: Get")
    assert result.stderr.endswith("no such host), so that nothing was changed; try again later.\n")
    assert result.stderr.count("\n") == 1
    assert machine.is_unchanged()


def test_a_newer_nginx(machine):
    machine.newer("nginx:alpine")

    result = machine.run()

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "Newer: nginx:alpine, for nginx.",
        "Backed up.",
        "nginx stops for a second or two; nothing answers meanwhile.",
        "Replaced nginx.",
        "Everything runs on the newest images.",
    ]
    assert machine.state["containers"]["nginx"] == "nginx:alpine of June"
    assert machine.state["done"] == ["up nginx"]


def test_all_are_newer(machine):
    machine.newer(*NAMES)
    machine.state["sorts"] = "t"

    result = machine.run()

    assert result.returncode == 0, result.stderr
    assert machine.state["done"] == ["deploy c0ffee", "up nginx", "up db wal"], "the database last"
    assert all("June" in image for image in machine.state["containers"].values())
    assert machine.state["images"] | machine.state["registry"] == machine.state["images"]
    lines = result.stdout.splitlines()
    said = lines.index("The database stops for some seconds; requests wait for it, or are answered with 503.")
    assert said < lines.index("Replaced db and wal.")
    assert "-c 'reindex database thinkring_prod'" in result.stdout


def test_pgbouncer_is_built_on_a_newer_base(machine):
    machine.start_pgbouncer()
    assert machine.run().stdout == "Everything runs on the newest images.\n"
    machine.newer("nginx:alpine", DEBIAN)

    assert machine.run("--check").stdout.splitlines()[0] == f"Newer: {DEBIAN}, for pgbouncer."
    result = machine.run()

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-5:] == [
        "Stopping pgbouncer for a moment.",
        "Replaced pgbouncer.",
        "nginx stops for a second or two; nothing answers meanwhile.",
        "Replaced nginx.",
        "Everything runs on the newest images.",
    ]
    assert machine.state["done"] == ["build pgbouncer", "up pgbouncer", "up nginx"]
    assert machine.state["containers"]["pgbouncer"] == f"pgbouncer on {DEBIAN} of June"
    assert machine.run().stdout == "Everything runs on the newest images.\n"


def test_a_newer_pgbouncer_that_does_not_work(machine):
    machine.start_pgbouncer()
    machine.newer(DEBIAN)
    machine.state["bad"] = [f"pgbouncer on {DEBIAN} of June"]

    result = machine.run()

    assert result.returncode == 1
    assert "the log of pgbouncer" in result.stderr
    assert result.stderr.endswith(f"the newer {DEBIAN} did not work, so what was before was put back.\n")
    assert machine.state["done"] == ["build pgbouncer", "up pgbouncer", "up pgbouncer"]
    assert machine.state["containers"]["pgbouncer"] == "pgbouncer of May"
    assert machine.state["images"]["think-test_pgbouncer"] == "pgbouncer of May", "an `up -d` makes it so too"
    assert machine.state["images"][DEBIAN] == f"{DEBIAN} of May"


def test_a_newer_pgbouncer_that_cannot_be_built(machine):
    machine.start_pgbouncer()
    machine.newer(DEBIAN)
    machine.state["build_fails"] = 1

    result = machine.run()

    assert result.returncode == 1
    assert f"pgbouncer was not built on a newer {DEBIAN}, and the one before goes on." in result.stderr
    assert machine.state["done"] == ["build pgbouncer"]
    assert machine.state["containers"]["pgbouncer"] == "pgbouncer of May"


def test_a_database_elsewhere_is_not_backed_up_here(machine):
    machine.newer("nginx:alpine")
    with (machine.checkout / ".env.production").open("a") as settings:
        settings.write("DATABASE_URL=postgresql://somebody@elsewhere/thinkring?sslmode=require\n")
    (machine.checkout / "backup.sh").write_text("#!/bin/sh\nexit 1\n")

    result = machine.run()

    assert result.returncode == 0, result.stderr
    assert "The database is elsewhere, and so are its backups." in result.stdout
    assert machine.state["done"] == ["up nginx"]


@pytest.mark.parametrize(
    ("backup", "made"),
    [({"hours_ago": 23}, False), ({"hours_ago": 25}, True), ({"hours_ago": 1, "verified": "false"}, True)],
)
def test_the_backup_before(machine, backup, made):
    machine.newer("nginx:alpine")
    machine.backed_up(**backup)

    assert ("Backed up." in machine.run().stdout) == made


def test_no_backup_can_be_made(machine):
    machine.newer(*NAMES)
    (machine.checkout / "backup.sh").write_text("#!/bin/sh\nexit 1\n")

    result = machine.run()

    assert result.returncode == 1
    assert machine.is_unchanged()


def test_newer_bases_that_do_not_work(machine):
    machine.newer(*NAMES)
    machine.state["deploy_fails"] = 1

    result = machine.run()

    assert result.returncode == 1
    assert "backend and frontend on newer bases did not work" in result.stderr
    assert machine.state["done"] == ["deploy c0ffee"], "the others are left alone"
    assert machine.state["images"] == machine.before["images"], "a roll-back goes to what worked, an `up -d` too"


def test_a_newer_database_that_does_not_start(machine):
    machine.newer("nginx:alpine", "postgres:15")
    machine.state["bad"] = ["postgres:15 of June"]

    result = machine.run()

    assert result.returncode == 1
    assert "the log of db" in result.stderr
    assert result.stderr.endswith("the newer postgres:15 did not work, so what was before was put back.\n")
    assert machine.state["done"] == ["up nginx", "up db wal", "up db wal"]
    assert machine.state["containers"]["db"] == machine.state["images"]["postgres:15"] == "postgres:15 of May"
    assert machine.state["images"]["nginx:alpine"] == "nginx:alpine of June"


def test_called_wrongly(machine):
    assert machine.run("--force").returncode == 2
    assert machine.run("--check", "--check").returncode == 2
