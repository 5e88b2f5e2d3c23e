"""
`ops/doctor.sh` on the running stack: each thing that goes wrong is done to it, has to be found, and is mended by the
remedy that the doctor names, where that can be typed.
"""

import os
import re
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from production import FRONT_ENDS, docker

# The stack's own pair is self-signed.
ALWAYS = {"the certificate: it is self-signed, and browsers warn of it."}
REFUSED = "the backend refuses these settings, and would not start again."
# Of the machine, and not of the stack; they have tests of their own.
MACHINE = r"the schedule: |the firewall is off|what Docker publishes|Docker does not ask"


class Doctor:
    def __init__(self, stack, tools):
        self.stack = stack
        self.environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "COMPOSE": " ".join(stack.front_end)}

    def look(self, *enter):
        """The answer, by the words before the command."""
        command = [*enter, self.stack.folder / "ops" / "doctor.sh"]
        return subprocess.run(command, env=self.environment, cwd="/", capture_output=True, text=True)

    def findings(self):
        """What is wrong with the stack, and the remedy of each."""
        result = self.look()
        assert result.returncode == 1, result.stdout + result.stderr
        found = dict(re.findall(r"^wrong  (.*)\n       → (.*)$", result.stdout, re.M))
        assert f"found {len(found)} things to mend" in result.stderr
        assert set(found) >= ALWAYS
        return {what: remedy for what, remedy in found.items() if what not in ALWAYS and not re.match(MACHINE, what)}

    def type(self, command):
        result = subprocess.run(
            ["bash", "-euc", command], env=self.environment, cwd=self.stack.folder, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stdout + result.stderr

    def comes_to_find(self, beginning):
        end = time.monotonic() + 60
        while True:
            found = self.findings()
            if any(what.startswith(beginning) for what in found):
                return found
            assert time.monotonic() < end, found
            time.sleep(1)

    def finds_nothing(self):
        end = time.monotonic() + 60
        while found := self.findings():
            assert time.monotonic() < end, found
            time.sleep(1)


@pytest.fixture(scope="module")
def doctor(stack, tmp_path_factory):
    """With names that the DNS knows, which it does not of those of a test, and a clock that is right."""
    tools = tmp_path_factory.mktemp("tools")
    for name, answer in {"getent": "127.0.0.1 STREAM", "timedatectl": "yes"}.items():
        (tools / name).write_text(f"#!/bin/sh\necho {answer}\n")
        (tools / name).chmod(0o755)
    doctor = Doctor(stack, tools)
    doctor.type("./backup.sh && ops/base-backup.sh")
    # Other tests have restarted it, and have left no drill that failed.
    stack.compose("up", "-d", "--force-recreate", "--no-deps", "nginx", "frontend", "backend", "db", "wal")
    stack.wait()
    (stack.folder / "ops" / "state" / "drill.log").unlink(missing_ok=True)
    return doctor


@pytest.fixture
def settings(stack):
    file = stack.folder / ".env.production"
    kept = file.read_text()
    yield file
    file.write_text(kept)


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_it_finds_nothing_where_nothing_is_wrong(doctor, front_end, monkeypatch):
    """By the one that the stack was not started with too: they name services differently."""
    monkeypatch.setitem(doctor.environment, "COMPOSE", front_end)

    doctor.finds_nothing()


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_profile_that_is_asked_for_and_was_never_started(doctor, settings, front_end, monkeypatch):
    monkeypatch.setitem(doctor.environment, "COMPOSE", front_end)
    settings.write_text(f"{settings.read_text()}COMPOSE_PROFILES=wal,redis\n")

    assert doctor.findings() == {"redis is not there.": f"{front_end} -f docker-compose.prod.yml up -d redis"}


def test_a_machine_without_docker_compose(doctor, path_without):
    """Docker's own has to do, and is what the remedies name."""
    environment = {**doctor.environment, "PATH": path_without("docker-compose")}
    del environment["COMPOSE"]
    doctor.stack.compose("stop", "frontend")
    try:
        script = doctor.stack.folder / "ops" / "doctor.sh"
        said = subprocess.run([script], env=environment, cwd="/", capture_output=True, text=True).stdout
    finally:
        doctor.stack.compose("start", "frontend")
    doctor.stack.wait()

    assert "start it: docker compose -f docker-compose.prod.yml up -d frontend" in said


def test_names_and_a_clock_that_are_wrong(doctor, tmp_path):
    for name, script in {"getent": "exit 2", "timedatectl": "echo no"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    elsewhere = Doctor(doctor.stack, tmp_path)
    assert list(elsewhere.findings()) == [
        *(f"{name} has no address in the DNS." for name in ("thinkring.test", "api.thinkring.test")),
        "the clock is not synchronized: log-ins and certificates depend on it.",
    ]
    (tmp_path / "getent").write_text("#!/bin/sh\necho 192.0.2.77 STREAM\n")
    assert "whether api.thinkring.test leads here: 192.0.2.77 is no address of this machine." in elsewhere.look().stdout


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("JWT_SECRET_KEY", "  ", "JWT_SECRET_KEY is not set."),
        ("JWT_SECRET_KEY", "your-jwt-secret-key", "JWT_SECRET_KEY is the example's, which everybody knows."),
        ("EMAIL_HOST_PASSWORD", "a$b", "EMAIL_HOST_PASSWORD has a $ in it"),
    ],
)
def test_settings(doctor, settings, name, value, what):
    settings.write_text(re.sub(f"^{name}=.*", lambda _: f"{name}={value}", settings.read_text(), flags=re.M))

    (found,) = doctor.findings()

    assert found.startswith(what)


@pytest.mark.parametrize(
    ("front_end", "lines", "remedy"),
    [
        (
            FRONT_ENDS[0],
            "DATABASE_URL=postgresql://somebody@elsewhere/thinkring?sslmode=require\nPGBOUNCER_HOST=pgbouncer\n",
            "leave PGBOUNCER_HOST empty beside DATABASE_URL",
        ),
        (
            FRONT_ENDS[1],
            "REDIS_HOST=cache\nREDIS_PASSWORD=short\n",
            "set REDIS_PASSWORD to a secret of at least 12 characters",
        ),
    ],
    ids=["two ways to a database", "a short secret"],
)
def test_settings_that_the_backend_refuses(doctor, settings, front_end, lines, remedy, monkeypatch):
    monkeypatch.setitem(doctor.environment, "COMPOSE", front_end)
    settings.write_text(settings.read_text() + lines)

    found = doctor.findings()

    assert found[REFUSED].startswith(remedy)
    # Which would be the wrong remedy.
    assert not any("PGBOUNCER_HOST" in what for what in found)


def test_lines_of_the_settings_that_are_read_differently(doctor, settings):
    text = settings.read_text()
    line = text.count("\n") + 1
    for added, what in {
        "export EMAIL_PORT=25": "is not of the form NAME=value.",
        "EMAIL_PORT = 25": "is not of the form NAME=value.",
        "EMAIL_PORT=25 # TLS": "has a comment after the value, which would belong to it.",
    }.items():
        settings.write_text(f"{text}{added}\n")
        assert list(doctor.findings()) == [f"line {line} of .env.production {what}"]


def test_a_folder_of_backups_that_is_another_one_or_closed(doctor):
    backups = doctor.stack.folder / "backups"
    away = backups.rename(backups.with_name("away"))
    shutil.copytree(away, backups, ignore=lambda folder, names: {"wal", "base"})
    try:
        found = doctor.findings()
        assert (
            f"the database archives into another folder than {backups}, which was moved, deleted or mounted over."
            in found
        )
    finally:
        shutil.rmtree(backups)
        away.rename(backups)
    backups.chmod(0o700)
    ((found, remedy),) = doctor.findings().items()
    assert found == f"the database may not enter {backups}."
    doctor.type(remedy)
    doctor.finds_nothing()


def test_halves_of_different_releases(doctor):
    tags = []
    for digit, service in enumerate(["backend", "frontend"], 1):
        tags.append(f"{doctor.stack.project}_{service}:{str(digit) * 40}")
        docker("tag", docker("inspect", "-f", "{{.Image}}", doctor.stack.container(service)).strip(), tags[-1])
    try:
        ((found, remedy),) = doctor.findings().items()
    finally:
        docker("rmi", *tags)

    assert found == "backend and frontend are of different releases."
    assert "ops/rollback.sh COMMIT" in remedy


@pytest.mark.parametrize("file", [".env.production", "nginx/ssl/key.pem"])
def test_modes(doctor, file):
    (doctor.stack.folder / file).chmod(0o644)

    assert doctor.findings() == {f"others may read {file}.": f"chmod 600 {file}"}
    doctor.type(f"chmod 600 {file}")
    doctor.finds_nothing()


def test_the_link_of_the_settings(doctor):
    link = doctor.stack.folder / ".env"
    link.unlink()
    shutil.copy(doctor.stack.folder / ".env.production", link)

    (remedy,) = doctor.findings().values()

    doctor.type(remedy)
    doctor.finds_nothing()


def test_a_backup_that_is_missing_or_old(doctor, tmp_path):
    backups = doctor.stack.folder / "backups"
    files = list(backups.glob("thinkring_*"))
    for file in files:
        file.rename(tmp_path / file.name)
    assert doctor.findings() == {"there is no proven backup.": "./backup.sh"}
    for file in files:
        old = re.sub(r"\d{8}_\d{6}", "20200101_020000", file.name)
        shutil.copy(tmp_path / file.name, backups / old)
    (found,) = doctor.findings()
    assert re.fullmatch(r"the newest proven backup is \d+ hours old\.", found)
    for file in backups.glob("thinkring_*_20200101*"):
        file.unlink()
    for file in backups.glob("thinkring_20200101*"):
        file.unlink()
    doctor.type("./backup.sh")
    doctor.finds_nothing()


def test_uploads_where_the_database_is_elsewhere(doctor, settings):
    """backup.sh has neither then; a store of its own keeps versions."""
    stack, text = doctor.stack, settings.read_text()
    stack.compose("exec", "-T", "backend", "sh", "-c", "echo ring >media/of-the-doctor.png")
    settings.write_text(f"{text}DATABASE_URL=postgresql://somebody@elsewhere/thinkring?sslmode=require\n")
    try:
        found = doctor.findings()
        receiver = found.pop(
            "the database is elsewhere (DATABASE_URL), and there is nothing for the service wal to receive."
        )
        assert receiver.endswith("take it out of COMPOSE_PROFILES in .env.production")
        ((what, remedy),) = found.items()
        assert re.fullmatch(r"nobody backs up the \d+ uploads in the volume media_files\.", what)
        doctor.type(remedy.split("until then copy them: ")[1])
        with tarfile.open(stack.folder / "uploads.tar.gz") as archive:
            assert "./of-the-doctor.png" in archive.getnames()
        with settings.open("a") as file:
            file.write("COMPOSE_PROFILES=\nMEDIA_BUCKET=uploads\n")
        found = doctor.findings()
        assert set(found) == {REFUSED, "wal still has a container, though nobody asks for it."}
        assert found[REFUSED].startswith("set EXTRAS to s3 and build the image anew")
    finally:
        stack.compose("exec", "-T", "backend", "rm", "media/of-the-doctor.png")
        (stack.folder / "uploads.tar.gz").unlink(missing_ok=True)


@pytest.mark.torture
def test_a_drill_that_failed(doctor):
    log = doctor.stack.folder / "ops" / "state" / "drill.log"
    log.write_text("2020-01-01T04:00:00Z ok, 8 MB, lost 0 of 9 writes\n")
    assert doctor.findings() == {"the last drill was on 2020-01-01.": "ops/drill.sh"}
    log.write_text("2020-01-01T04:00:00Z failed, before there was a result\n")
    (found,) = doctor.findings()
    assert found.startswith("the last drill failed")
    log.unlink()


@pytest.mark.torture
def test_a_drill_that_takes_too_long(doctor):
    log = doctor.stack.folder / "ops" / "state" / "drill.log"
    drill = doctor.stack.folder / "ops" / "drill.sh"
    text = drill.read_text()
    drill.write_text(
        text.replace("RTO_SECONDS=300", "RTO_SECONDS=-1").replace("writing_seconds=20", "writing_seconds=1")
    )
    try:
        result = subprocess.run([drill], env=doctor.environment, cwd="/", capture_output=True, text=True)
    finally:
        drill.write_text(text)
    assert result.returncode == 1
    assert "drill.sh: that is more than is allowed" in result.stderr
    assert re.fullmatch(r"\S+ failed, .* RTO \d+ s \(at most -1\)", log.read_text().splitlines()[-1])
    (found,) = doctor.findings()
    assert found.startswith("the last drill failed")
    log.unlink()


def test_a_restore_that_was_killed(doctor):
    journal = doctor.stack.folder / "ops" / "state" / "restore"
    journal.touch()
    try:
        ((found, remedy),) = doctor.findings().items()
    finally:
        journal.unlink()

    assert found == "a restore was killed while it exchanged database and uploads."
    assert remedy.startswith("ops/restore.sh --latest, before anything else is started")


def test_a_database_that_is_paused(doctor):
    docker("pause", doctor.stack.container("db"))

    remedy = doctor.findings()["db is paused."]

    doctor.type(remedy)
    doctor.stack.wait()
    doctor.finds_nothing()


def test_a_receiver_that_stands_still(doctor):
    doctor.stack.compose("stop", "wal")

    found = doctor.findings()

    assert "wal does not run." in found
    doctor.type(found["nothing receives what the database writes."])
    doctor.finds_nothing()


@pytest.mark.torture
def test_an_archive_that_cannot_be_written(doctor):
    def as_root(command):
        mount = f"{doctor.stack.folder / 'backups'}:/backups"
        subprocess.run(["docker", "run", "--rm", "-v", mount, "postgres:15", *command], check=True)

    sql = """psql -XqAt -U "$POSTGRES_USER" "$POSTGRES_DB" -c "create table a (n int)" -c "drop table a" \
        -c "select pg_switch_wal()" """
    as_root(["mv", "/backups/wal", "/backups/elsewhere"])
    try:
        doctor.stack.compose("exec", "-T", "db", "sh", "-c", sql)
        doctor.comes_to_find("the database cannot archive")
    finally:
        as_root(["mv", "/backups/elsewhere", "/backups/wal"])
    doctor.finds_nothing()


def test_migrations_that_are_not_made(doctor):
    # What the newest one has made goes too, so that it can make it again.
    doctor.stack.sql(
        "drop function thinking_row_changed() cascade; drop function thinking_count_change(uuid); "
        "delete from django_migrations where app = 'thinking' and name like '0007%'"
    )

    ((found, remedy),) = doctor.findings().items()

    assert "migrations" in found
    doctor.type(remedy)
    doctor.finds_nothing()


def test_a_container_that_restarted_and_one_that_everybody_reaches(doctor, tmp_path):
    stack = doctor.stack
    stack.compose("exec", "-T", "frontend", "sh", "-c", "kill 1")
    doctor.comes_to_find("frontend has been restarted")
    more = tmp_path / "more.yml"
    more.write_text("version: '3.8'\nservices:\n  frontend:\n    ports:\n      - '0:3000'\n")
    command = [*stack.front_end, "-f", "docker-compose.prod.yml", "-f", more, "up", "-d", "--no-deps", "frontend"]
    subprocess.run(command, cwd=stack.folder, check=True, capture_output=True)

    (what,) = doctor.findings()

    assert what == "frontend publishes 3000/tcp to everybody, past the firewall."
    stack.compose("up", "-d", "--no-deps", "frontend")
    stack.wait()
    doctor.finds_nothing()


def grow(stack):
    command = ["exec", "-T", "backend", "python", "-c", "' ' * 3_000_000_000"]
    subprocess.run([*stack.front_end, *command], cwd=stack.folder, capture_output=True)


def test_a_process_that_was_killed_because_memory_ran_out(doctor):
    """One of several, so that the container goes on and the engine notes nothing."""
    grow(doctor.stack)

    ((found, remedy),) = doctor.findings().items()

    assert found == "backend ran out of memory, and the kernel killed 1 of its processes."
    assert "mem_limit" in remedy
    doctor.stack.compose("up", "-d", "--force-recreate", "--no-deps", "backend")
    doctor.stack.wait()
    doctor.finds_nothing()


def test_a_container_that_ended_because_memory_ran_out(doctor, missing):
    if os.geteuid():
        missing("only root can say what the kernel kills first")
    backend = doctor.stack.container("backend")
    docker("update", "--restart", "no", backend)
    # Its first process.
    pid = docker("inspect", "-f", "{{.State.Pid}}", backend).strip()
    Path(f"/proc/{pid}/oom_score_adj").write_text("1000")
    grow(doctor.stack)

    found = doctor.findings()

    assert "backend does not run." in found
    assert "backend ran out of memory, and the kernel killed 1 of its processes." in found
    doctor.stack.compose("up", "-d", "--force-recreate", "--no-deps", "backend")
    doctor.stack.wait()
    doctor.finds_nothing()


def test_a_disk_that_is_nearly_full(doctor, tmp_path, missing):
    if os.geteuid():
        missing("only root can mount the small disk")
    backups = doctor.stack.folder / "backups"
    for file in backups.glob("thinkring_*"):
        shutil.copy2(file, tmp_path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,nr_inodes=40", "tmpfs", backups], check=True)
    try:
        for file in tmp_path.iterdir():
            shutil.copy2(file, backups)
        for number in range(40 - 1 - len(list(backups.iterdir()))):
            (backups / str(number)).touch()
        found = "\n".join(doctor.findings())
    finally:
        subprocess.run(["umount", backups], check=True)

    assert re.search(r"the disk of backups has \d+M free, and the next backup wants 2\.\dG\.", found)
    assert "the disk of backups has hardly room for new files (inodes)." in found
    doctor.finds_nothing()


def test_a_receiver_that_falls_behind(doctor):
    stack = doctor.stack
    (receiver,) = stack.compose("ps", "-q", "wal").stdout.split()
    sql = "".join(
        " -c \"select pg_logical_emit_message(false, '', '')\" -c \"select pg_switch_wal()\"" for _ in range(17)
    )
    subprocess.run(["docker", "pause", receiver], check=True, capture_output=True)
    try:
        stack.compose("exec", "-T", "db", "sh", "-c", f'psql -XqAt -U "$POSTGRES_USER" "$POSTGRES_DB" {sql}')
        doctor.comes_to_find("the receiver is 2")
    finally:
        subprocess.run(["docker", "unpause", receiver], check=True, capture_output=True)
    doctor.finds_nothing()


def test_a_schedule_that_is_not_there(doctor, cron_of_root):
    _folder, enter = cron_of_root
    before = doctor.look(*enter).stdout
    subprocess.run([*enter, doctor.stack.folder / "ops" / "schedule.sh"], env=doctor.environment, capture_output=True)

    after = doctor.look(*enter).stdout

    assert "wrong  the schedule: nothing is scheduled for root.\n       → do it: ops/schedule.sh\n" in before
    assert "ok     the schedule: " in after


def test_a_firewall_that_is_off(doctor, missing):
    if os.geteuid() or not shutil.which("ufw"):
        missing("the firewall can be seen only by root, and where ufw is installed")

    assert "wrong  the firewall is off.\n       → turn it on: ops/firewall.sh\n" in doctor.look().stdout


def test_a_service_that_is_down(doctor):
    doctor.stack.compose("stop", "nginx")

    found = doctor.findings()

    assert found["nginx does not run."].startswith("see why: ")
    doctor.stack.compose("start", "nginx")
    doctor.stack.wait()
    doctor.finds_nothing()


def test_a_second_backend_and_what_it_cannot_use(doctor, settings):
    """
    Redis refuses its password, and there is neither pgBouncer nor the replica. The first one has the settings of before
    and answers, so that only asking each tells.
    """
    stack = doctor.stack
    compose = " ".join([*stack.front_end, "-f", "docker-compose.prod.yml"])
    text = settings.read_text()
    first = stack.container("backend")
    more = ["REDIS_HOST=redis", "REDIS_PASSWORD=a-redis-of-a-test", "PGBOUNCER_HOST=pgbouncer"]
    more.append("DATABASE_REPLICA_URL=postgresql://somebody@replica/thinkring?sslmode=disable\n")
    settings.write_text(text + "\n".join(more))
    stack.compose("up", "-d", "--no-deps", "redis", COMPOSE_PROFILES="redis", REDIS_PASSWORD="another-password")
    stack.compose("up", "-d", "--no-deps", "--no-recreate", "--scale", "backend=2", "backend")
    (second,) = (id for id in stack.compose("ps", "-q", "backend").stdout.split() if not id.startswith(first))
    try:
        # While it starts nobody asks it, however long that takes.
        docker("exec", second, "sh", "-c", "kill -STOP -1")
        profiles = {
            f"the backend is to use {service} ({service.upper()}_HOST), which is not started (COMPOSE_PROFILES).": (
                f"COMPOSE_PROFILES={value} in .env.production, then: {compose} up -d"
            )
            for service, value in {"redis": "wal,redis", "pgbouncer": "wal,redis,pgbouncer"}.items()
        }
        assert doctor.findings() == profiles

        docker("exec", second, "sh", "-c", "kill -CONT -1")
        found = doctor.comes_to_find("the application is not ready (database: unreachable")
        unready, without_redis, without_replica = sorted(found.keys() - profiles.keys())
        assert found[unready] == f"{compose} logs --tail 50 pgbouncer db"
        assert re.match(r"the backend does without Redis \(.*password.*\)\.", without_redis), without_redis
        assert without_replica.startswith("the backend does without the replica (")

        # More than BACKENDS, which an `up` would take away.
        docker("kill", first)
        settings.write_text(f"{text}DATABASE_URL=postgresql://somebody@elsewhere/thinkring?sslmode=require\n")
        found = doctor.findings()
        assert found[unready].startswith(f"{compose} logs --tail 50 backend; DATABASE_URL in .env.production")
        doctor.type(found["backend does not run."].split("start it: ")[1])
        assert docker("inspect", "-f", "{{.State.Running}}", first, second).split() == ["true", "true"]
        doctor.type(found["redis still has a container, though nobody asks for it."])
    finally:
        settings.write_text(text)
        docker("rm", "-f", second)
        docker("start", first)
    stack.wait()
    doctor.finds_nothing()
