"""
`ops/upgrade-postgres.sh` on the running stack, from PostgreSQL 15 to 17 and back by the runbook's commands, while
people read. Whatever goes wrong on the way, 15 serves again and everything is there.
"""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from datetime import datetime, timezone

import pytest
from PIL import Image

from production import ENVIRONMENT, FRONT_ENDS, PASSWORD, docker

from ..runbook import commands

TITLE = "庭の水やりを楽にする – and “quotes”, 'too'; \\N"
SCRIPT = "ops/upgrade-postgres.sh"


class Person:
    """Somebody with a project, a step that was written in, and a node with an image."""

    def __init__(self, stack):
        self.stack, self.name = stack, stack.register()["username"]
        login = {"username": self.name, "password": PASSWORD}
        access = stack.request("POST", f"{stack.api}/auth/token/", json=login).json()["access"]
        self.token = {"Authorization": f"Bearer {access}"}
        project = self.ask("POST", "/projects/", json={"title": TITLE}).json()["id"]
        node = self.ask("POST", "/nodes/", json={"title": "水", "context": TITLE, "project": project}).json()["id"]
        picture = io.BytesIO()
        Image.new("RGB", (8, 8), "teal").save(picture, "PNG")
        self.ask("PUT", f"/nodes/{node}/image/", data=picture.getvalue(), headers={"Content-Type": "image/png"})
        self.paths = [
            "/projects/", f"/projects/{project}/", f"/projects/{project}/rounds/", f"/nodes/{node}/", "/search/?q=水や"
        ]  # fmt: skip
        self.had = self.has()

    def ask(self, method, path, headers=None, **arguments):
        answer = self.stack.request(
            method, f"{self.stack.api}{path}", headers=self.token | (headers or {}), **arguments
        )  # fmt: skip
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer

    def has(self):
        """All that the API tells, and the image itself."""
        told = [self.ask("GET", path).json() for path in self.paths]
        image = self.stack.get(self.stack.page + re.search(r"/media/nodes/[\w.-]+", repr(told))[0])
        assert image.status_code == 200
        return told, image.content

    def finds_everything(self):
        assert self.stack.can_log_in(self.name)
        assert self.has() == self.had


class Readers:
    """Two who read page and API all the time, each at once again."""

    def __init__(self, person):
        self.person, self.stack = person, person.stack
        self.pages, self.answers = [], []
        self.stop = threading.Event()

    def __enter__(self):
        self.threads = [threading.Thread(target=self.read, daemon=True) for _ in range(2)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def read(self):
        with self.stack.session() as session:
            while not self.stop.wait(0.2):
                self.pages.append(session.get(f"{self.stack.page}/", timeout=30).status_code)
                answer = session.get(f"{self.stack.api}/projects/", headers=self.person.token, timeout=60)
                self.answers.append((time.monotonic(), answer.status_code, answer.headers.get("Retry-After")))

    def assert_told_to_wait(self):
        """Between two that were answered there are those that are told when to come again, and none that fails."""
        assert not any(thread.is_alive() for thread in self.threads)
        assert set(self.pages) == {200}
        assert {(status, after) for _, status, after in self.answers} == {(200, None), (503, "5")}

    def longest_wait(self):
        answered = sorted(at for at, status, _ in self.answers if status == 200)
        return max(later - earlier for earlier, later in zip(answered, answered[1:], strict=False))


def version(stack):
    return int(stack.sql("show server_version_num")) // 10000


def volumes(stack):
    """Those of its databases that hold one. docker-compose 1.29 makes the others too, and leaves them empty."""
    names = docker("volume", "ls", "-q", "--filter", f"name={stack.project}_postgres_data").split()
    there = ["run", "--rm", "--network", "none", "--entrypoint", "sh"]
    look = "[ ! -e /volume/PG_VERSION ] || cat /volume/PG_VERSION"
    found = {name: docker(*there, "-v", f"{name}:/volume:ro", "postgres:15", "-c", look).strip() for name in names}
    return {name.removeprefix(f"{stack.project}_"): held for name, held in found.items() if held}


def is_as_before(stack, settings):
    """Nothing of an upgrade is left."""
    assert version(stack) == 15
    assert volumes(stack) == {"postgres_data": "15"}
    left = docker("ps", "-aq", "--filter", f"name={stack.project}_upgrade_")
    assert left == ""
    assert not (stack.folder / "ops/state/upgrade").exists()
    assert not (stack.folder / "ops/state/settings").exists()
    kept = (stack.folder / ".env.production").read_text()
    assert [line for line in kept.splitlines() if line not in settings.splitlines()] in (
        [], ["POSTGRES_VERSION=15", "POSTGRES_VOLUME=postgres_data"]
    )  # fmt: skip


def go_back(stack, shell):
    """By the runbook, and then the volume is deleted that the script tells of."""
    shell(commands("postgres-back"))
    stack.wait()
    docker("volume", "rm", "-f", f"{stack.project}_postgres_data_17")


def run(stack, *arguments, **environment):
    return subprocess.run(
        [stack.folder / SCRIPT, *arguments], cwd="/", env=environment_of(stack) | environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


def environment_of(stack):
    return ENVIRONMENT | {"COMPOSE": " ".join(stack.front_end)}


def test_there_and_back(stack, shell, figure):
    # Of what other tests have made here and deleted again, the backup would warn.
    for file in (stack.folder / "backups").glob("thinkring_*"):
        file.unlink()
    person = Person(stack)
    nodes = stack.sql("select count(*) from thinking_node")
    with Readers(person) as readers:
        time.sleep(1)
        said = shell(commands("upgrade-postgres"))
        stack.wait()
        time.sleep(1)
    seconds = re.search(r"nobody could write for (\d+ s)\.", said)[1]
    figure("PostgreSQL 15 to 17, the stack in use", f"{seconds}; nobody could read for {readers.longest_wait():.0f} s")

    readers.assert_told_to_wait()
    assert version(stack) == 17
    assert stack.sql("select version()").startswith("PostgreSQL 17.")
    assert stack.sql("select count(*) from thinking_node") == nodes
    person.finds_everything()
    assert volumes(stack) == {"postgres_data": "15", "postgres_data_17": "17"}
    for service in ["db", "wal", "backups"]:
        assert docker("inspect", "-f", "{{.Config.Image}}", stack.container(service)).strip() == "postgres:17"
    made = stack.container("backend"), stack.container("db")
    stack.compose("up", "-d")
    assert (stack.container("backend"), stack.container("db")) == made, "a plain up would have made them so"
    looked = subprocess.run([stack.folder / "ops/doctor.sh"], env=shell.environment, capture_output=True, text=True)
    assert "ok     the database archives what it writes, and has a base backup" in looked.stdout, looked.stdout
    refused = run(stack)
    assert (refused.returncode, refused.stderr) == (1, "upgrade-postgres.sh: PostgreSQL 17 serves already.\n")
    later = stack.register()["username"]

    shell(commands("postgres-back"))

    stack.wait()
    assert version(stack) == 15
    person.finds_everything()
    assert not stack.can_log_in(later), "what came later is on 17"
    refused = run(stack)
    assert refused.returncode == 1
    assert f"if nobody needs it: docker volume rm {stack.project}_postgres_data_17. Nothing" in refused.stderr
    docker("volume", "rm", f"{stack.project}_postgres_data_17")


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["15"], 1, "PostgreSQL 15 serves already."),
        (["14"], 1, "PostgreSQL 15 serves, and there is no way down to 14 but a backup of its time."),
        (["16"], 1, "docker-compose.prod.yml has no volume postgres_data_16"),
        (["seventeen"], 2, '"seventeen" is no major version of PostgreSQL'),
        (["17", "18"], 2, "it takes one version"),
        (["--force"], 2, "there is no option --force"),
    ],
)
def test_it_refuses(stack, arguments, status, sentence):
    settings = (stack.folder / ".env.production").read_text()

    result = run(stack, *arguments)

    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.startswith(f"upgrade-postgres.sh: {sentence}")
    assert result.stderr.count("\n") == 1
    assert (stack.folder / ".env.production").read_text() == settings


@pytest.fixture
def tampered(tmp_path):
    """A PATH on which `docker` does something else first, or with other words."""

    def path(code):
        (tmp_path / "docker").write_text(f"""#!{sys.executable} -IS
import os, subprocess, sys
docker = {shutil.which("docker")!r}
words = sys.argv[1:]
{code}
os.execv(docker, ["docker", *words])
""")
        (tmp_path / "docker").chmod(0o755)
        return {"PATH": f"{tmp_path}:{ENVIRONMENT['PATH']}"}

    return path


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "if 'df -B1' in words[-1] and '/backups' in words[-1]: sys.exit(print('Avail', 1000, 2000, sep=chr(10)))",
            "the disk has 1000 free, and the upgrade needs ",
        ),
        (
            "if words == ['image', 'inspect', 'postgres:17'] or words[0] == 'pull': sys.exit('error: no such host')",
            "postgres:17 was not fetched (error: no such host)",
        ),
    ],
    ids=["no room", "no image"],
)
def test_it_does_not_begin(stack, tampered, code, sentence):
    settings = (stack.folder / ".env.production").read_text()
    began = docker("inspect", "-f", "{{.State.StartedAt}}", stack.container("backend"), stack.container("db"))

    result = run(stack, **tampered(code))

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"upgrade-postgres.sh: {sentence}")
    assert result.stderr.endswith("Nothing was changed.\n")
    assert (stack.folder / ".env.production").read_text() == settings
    assert docker("inspect", "-f", "{{.State.StartedAt}}", stack.container("backend"), stack.container("db")) == began


FAILURES = {
    "the new server does not start": (
        "if '_upgrade_17' in ' '.join(words): words = [word.replace('fsync=off', 'fsync=perhaps') for word in words]",
        "PostgreSQL 17 does not answer: ",
    ),
    "the copy breaks off": (
        "words = [word.replace('$create \"$database\"', '$create nowhere') for word in words]",
        "the database was not copied: pg_dump: error: ",
    ),
    "a row is missing": (
        """delete = 'psql -qU "$POSTGRES_USER" thinkring_prod -c "delete from django_migrations where id = 1"; '
words = [word.replace('vacuumdb', delete + 'vacuumdb', 1) for word in words]""",
        'the copy has not what the database has (< database, > copy: < table "public.django_migrations": ',
    ),
    "the new server does not serve": (
        """if 'sync' in words:
    damage = ["--entrypoint", "sh", "postgres:17", "-c", "echo 16 >/new/PG_VERSION"]
    subprocess.run([docker, "run", "--rm", "-v", words[words.index("-v") + 1], *damage], check=True)""",
        "PostgreSQL 17 was not started: the database does not answer; look at: ",
    ),
}


@pytest.mark.torture
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_puts_everything_back(stack, tampered, failure):
    code, sentence = FAILURES[failure]
    person, settings = Person(stack), (stack.folder / ".env.production").read_text()

    result = run(stack, **tampered(code))

    assert result.returncode == 1, result.stdout
    assert f"upgrade-postgres.sh: {sentence}" in result.stderr
    assert result.stderr.endswith("upgrade-postgres.sh: everything is as it was before.\n")
    stack.wait()
    person.finds_everything()
    # It may have served; so it is kept until somebody has deleted it.
    if failure == "the new server does not serve":
        docker("volume", "rm", f"{stack.project}_postgres_data_17")
    is_as_before(stack, settings)


def started(stack):
    return subprocess.Popen(
        [stack.folder / SCRIPT], cwd="/", env=environment_of(stack),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def wait_until(process, happens):
    end = time.monotonic() + 300
    while not happens():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.1)


def backend_is_stopped(stack):
    return docker("inspect", "-f", "{{.State.Running}}", stack.container("backend")).strip() == "false"


@pytest.mark.torture
def test_interrupted(stack):
    person, settings = Person(stack), (stack.folder / ".env.production").read_text()
    process = started(stack)
    wait_until(process, lambda: backend_is_stopped(stack))

    os.kill(process.pid, signal.SIGTERM)

    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 143
    assert stderr == "upgrade-postgres.sh: interrupted.\nupgrade-postgres.sh: everything is as it was before.\n"
    stack.wait()
    person.finds_everything()
    is_as_before(stack, settings)


@pytest.mark.torture
def test_killed_while_it_copies(stack):
    """The next run begins by putting back; here it has nothing to do then."""
    person, settings = Person(stack), (stack.folder / ".env.production").read_text()
    process = started(stack)
    wait_until(process, lambda: backend_is_stopped(stack))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    looked = subprocess.run([stack.folder / "ops/doctor.sh"], env=environment_of(stack), capture_output=True, text=True)
    assert "wrong  an upgrade of PostgreSQL was killed.\n" in looked.stdout
    for script in ["ops/restore.sh", "ops/deploy.sh"]:
        arguments = ["--latest"] if "restore" in script else []
        refused = subprocess.run(
            [stack.folder / script, *arguments], env=ENVIRONMENT, capture_output=True, text=True
        )  # fmt: skip
        assert refused.returncode == 1
        assert "an upgrade of PostgreSQL was killed; run it again first: ops/upgrade-postgres.sh" in refused.stderr

    result = run(stack, "15")

    assert result.stdout == "Put back what an earlier run that was killed had begun.\n"
    assert result.stderr == "upgrade-postgres.sh: PostgreSQL 15 serves already.\n"
    stack.wait()
    person.finds_everything()
    is_as_before(stack, settings)


@pytest.mark.torture
def test_killed_when_the_new_one_is_about_to_serve(stack, shell):
    """The next run goes on: what was written since may be on the new one already."""
    person, settings = Person(stack), stack.folder / ".env.production"
    process = started(stack)
    wait_until(process, lambda: "POSTGRES_VERSION=17" in settings.read_text())
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    result = run(stack)

    assert result.returncode == 0, result.stderr
    assert "Going on with an earlier run that ended when PostgreSQL 17 was about to serve, or served" in result.stdout
    assert version(stack) == 17
    person.finds_everything()
    go_back(stack, shell)
    person.finds_everything()


@pytest.mark.torture
def test_behind_pgbouncer(stack, shell):
    """Whose connections stay open when nobody asks it for anything."""
    file = stack.folder / ".env.production"
    settings = file.read_text()
    file.write_text(f"{settings}COMPOSE_PROFILES=wal,pgbouncer\nPGBOUNCER_HOST=pgbouncer\n")
    refused = run(stack)
    assert refused.stderr.startswith("upgrade-postgres.sh: pgbouncer does not run; start it: ")
    try:
        stack.compose("up", "-d")
        stack.wait()
        person = Person(stack)
        result = run(stack)
        assert result.returncode == 0, result.stderr
        person.finds_everything()
        assert connected(stack) == {address_of_pgbouncer(stack)}

        go_back(stack, shell)
        shell(commands("postgres-back-pgbouncer"))
        stack.wait()
        person.finds_everything()
        assert connected(stack) == {address_of_pgbouncer(stack)}
    finally:
        stack.compose("rm", "--force", "--stop", "pgbouncer")
        file.write_text(settings)
        stack.compose("up", "-d")
        stack.wait()


def address_of_pgbouncer(stack):
    return stack.compose("exec", "-T", "pgbouncer", "hostname", "-i").stdout.split()[0]


def connected(stack):
    """The addresses from which somebody is connected to the database."""
    others = "backend_type = 'client backend' and client_addr is not null"
    return {*stack.sql(f"select distinct host(client_addr) from pg_stat_activity where {others}").split()}


@pytest.mark.torture
def test_the_archive_could_not_be_put_aside(stack, tampered, shell):
    """17 serves and goes on serving; the next run does what was left to do."""
    person = Person(stack)
    failed = run(stack, **tampered("if 'postgres_15_before' in ' '.join(words): sys.exit('no')"))
    assert failed.returncode == 1
    assert failed.stderr.endswith(
        "PostgreSQL 17 serves, but what 15 had archived was not put aside (no); run upgrade-postgres.sh again, "
        "which does that.\n"
    )
    stack.wait()
    person.finds_everything()

    result = run(stack)

    assert result.returncode == 0, result.stderr
    systems = stack.sql("select system_identifier from pg_control_system()")
    for kept in ["wal", "base"]:
        there = stack.compose("exec", "-T", "db", "sh", "-c", f"cd /backups/{kept} && echo [0-9]*").stdout.split()
        assert there == [systems]
    person.finds_everything()
    go_back(stack, shell)


@pytest.mark.torture
def test_what_else_is_in_the_server_comes_along(stack, shell):
    """Databases that a restore has kept, other roles with their passwords, and where sequences are."""
    kept = f"thinkring_before_{uuid.uuid4().hex[:8]}"
    stack.sql(f"create database {kept}")
    stack.sql("create role reader login password 'of-the-reader'")
    secret = "select rolpassword from pg_authid where rolname = 'reader'"
    had = stack.sql(secret)
    stack.sql("create sequence odd increment 7; select nextval('odd'), nextval('odd')")
    try:
        result = run(stack)

        assert result.returncode == 0, result.stderr
        assert stack.sql(secret) == had
        assert stack.sql("select nextval('odd')") == "15"
        assert stack.sql(f"select count(*) from pg_database where datname = '{kept}'") == "1"
    finally:
        go_back(stack, shell)
        stack.sql(f"drop database {kept}")
        stack.sql("drop role reader; drop sequence odd")


@pytest.mark.torture
@pytest.mark.parametrize("stack", FRONT_ENDS, indirect=True)
def test_backups_on_the_new_one(stack, shell):
    """Both ways of getting a database back, the drill, and in the end what is left of 15 is deleted."""
    before = stack.register()["username"]
    shell(commands("upgrade-postgres"))
    stack.wait()
    later = stack.register()["username"]
    shell("./backup.sh")
    last = stack.register()["username"]
    time.sleep(1)
    moment = datetime.now(timezone.utc)
    time.sleep(1)
    lost = stack.register()["username"]

    shell(f"ops/restore.sh --to '{moment.isoformat()}' --replace")

    stack.wait()
    assert [stack.can_log_in(name) for name in (before, later, last, lost)] == [True, True, True, False]
    shell("ops/restore.sh --latest --replace")
    stack.wait()
    assert [stack.can_log_in(name) for name in (before, later, last)] == [True, True, False]
    drilled = shell("ops/drill.sh")
    assert "lost 0 of" in drilled
    early = run_restore(stack, shell, "2026-01-01")
    assert "there is no base backup from before" in early
    shell(commands("postgres-old").replace("thinkring_postgres", f"{stack.project}_postgres"))
    assert volumes(stack) == {"postgres_data_17": "17"}
    assert not list((stack.folder / "backups").glob("*/postgres_15_*"))
    assert stack.can_log_in(later)


def run_restore(stack, shell, moment):
    return subprocess.run(
        [stack.folder / "ops/restore.sh", "--to", moment, "--replace"],
        env=shell.environment, capture_output=True, text=True,
    ).stderr  # fmt: skip
