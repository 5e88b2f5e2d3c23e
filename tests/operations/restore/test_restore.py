"""
`ops/restore.sh` against a real PostgreSQL and real volumes: old data is back and later data gone, and whatever goes
wrong, what is in use stays as it is. A small stack of the same service names stands in for the whole one; the
last test begins with an empty machine and the whole stack.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from production import DOMAIN, FRONT_ENDS, ROOT, Stack

PROJECT = "thinkring-restore-test"
LEFT = ["docker", "volume", "ls", "-q", "--filter", f"name={PROJECT}_media_restored_"]
STACK = """
version: '3.8'
services:
  db:
    image: postgres:15
    user: "999:999"
    environment:
      - POSTGRES_DB=thinkring_prod
      - POSTGRES_USER=thinkring_user
      - POSTGRES_PASSWORD=only-for-this-test
    volumes:
      - ./data:/var/lib/postgresql/data
    restart: always
  backend:
    image: python:3.10-slim
    command: ["python", "server.py"]
    working_dir: /backend
    volumes:
      - ./backend:/backend
      - media_files:/app/media
    depends_on:
      - db
    init: true
volumes:
  media_files:
"""
# Ready, as long as nobody says otherwise.
SERVER = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.path.exists("not-ready") else 200)
        self.end_headers()

http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""
MIGRATE = """
import os, sys
assert sys.argv[1] == "migrate" and os.environ["DB_NAME"].startswith("thinkring_restored_")
sys.exit("error: the migration fails" if os.path.exists("no-migration") else 0)
"""


class Small:
    """The small stack in its folder, with a backup of two words and a file."""

    def __init__(self, folder):
        self.folder = folder

    def compose(self, *arguments, **options):
        command = ["docker-compose", "-p", PROJECT, "-f", "docker-compose.prod.yml", *arguments]
        result = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120, **options)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.strip()

    def sql(self, statement, database="thinkring_prod"):
        return self.compose(
            "exec", "-T", "db", "psql", "-qAtv", "ON_ERROR_STOP=1", "-U", "thinkring_user", "-c", statement, database
        )

    def start(self, script, *arguments, command="docker-compose", cwd="/"):
        return subprocess.Popen(
            [self.folder / script, *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"COMPOSE": command, "COMPOSE_PROJECT_NAME": PROJECT},
        )  # fmt: skip

    def run(self, script, *arguments, **options):
        process = self.start(script, *arguments, **options)
        stdout, stderr = process.communicate(timeout=240)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def wait(self):
        for _ in range(120):
            # Over TCP: the temporary server of a first start listens on its socket only.
            command = ["docker-compose", "-p", PROJECT, "-f", "docker-compose.prod.yml", "exec", "-T", "db"]
            command += ["psql", "-h", "127.0.0.1", "-U", "thinkring_user", "-c", "select 1", "thinkring_prod"]
            if subprocess.run(command, cwd=self.folder, capture_output=True, timeout=60).returncode == 0:
                return
            time.sleep(0.5)
        pytest.fail("the database of the test does not answer")

    def words(self):
        return self.sql("select string_agg(word, ' ' order by word) from words")

    def media(self):
        return self.compose("exec", "-T", "backend", "sh", "-c", "cd /app/media && find . -type f | xargs -r sha256sum")

    def databases(self):
        return self.sql("select string_agg(datname, ' ') from pg_database where datname like 'thinkring%'").split()


@pytest.fixture(scope="module")
def small(engine, tmp_path_factory, missing):
    if os.geteuid() != 0:
        missing("only root can mount the small disk")
    small = Small(tmp_path_factory.mktemp("installation"))
    (small.folder / "ops" / "state").mkdir(parents=True)
    for name in ["backup.sh", "ops/installation.sh", "ops/restore.sh"]:
        shutil.copy(ROOT / name, small.folder / name)
    (small.folder / "docker-compose.prod.yml").write_text(STACK)
    (small.folder / "backend").mkdir()
    (small.folder / "backend" / "server.py").write_text(SERVER)
    (small.folder / "backend" / "manage.py").write_text(MIGRATE)
    # A disk of the database's own, that can be full.
    data = small.folder / "data"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=220m,uid=999,gid=999,mode=700", "tmpfs", data]
    subprocess.run(mount, check=True)
    try:
        small.compose("up", "-d")
        small.wait()
        small.sql("alter system set max_wal_size = '32MB'")
        small.sql("select pg_reload_conf()")
        small.sql("create table words (word text); insert into words values ('old'), ('誤差')")
        small.compose("exec", "-T", "backend", "sh", "-c", "echo ring > /app/media/ring.png")
        result = small.run("backup.sh")
        assert result.returncode == 0, result.stderr
        small.date = next((small.folder / "backups").glob("*.sql")).stem.removeprefix("thinkring_db_")
        small.files_of_backup = small.media()
        yield small
    finally:
        small.compose("down", "-v", "-t", "1")
        for volume in subprocess.run(
            ["docker", "volume", "ls", "-q", "--filter", f"name={PROJECT}_"], capture_output=True, text=True
        ).stdout.split():
            subprocess.run(["docker", "volume", "rm", volume], capture_output=True)
        subprocess.run(["umount", data], check=True)


@pytest.fixture
def live(small):
    """What is in use, later than the backup, and none of what earlier tests have kept."""
    for name in small.databases():
        if name != "thinkring_prod":
            small.sql(f"drop database {name} with (force)", "postgres")
    small.sql("truncate words; insert into words values ('later')")
    later = "cd /app/media && rm -rf * && echo later > later.png"
    small.compose("exec", "-T", "backend", "sh", "-c", later)
    return small


@pytest.fixture
def backup(small, tmp_path):
    """A copy of the backup that may be damaged: its dump. `sign` makes the manifest agree again."""
    for path in (small.folder / "backups").glob(f"*{small.date}*"):
        shutil.copy(path, tmp_path)
    return tmp_path / f"thinkring_db_{small.date}.sql"


def sign(dump):
    manifest = dump.with_name(dump.name.replace("_db", "").replace(".sql", ".json"))
    told = json.loads(manifest.read_text())
    content = dump.read_bytes()
    old = f'"bytes": {told["database"]["bytes"]}, "sha256": "{told["database"]["sha256"]}"'
    new = f'"bytes": {len(content)}, "sha256": "{hashlib.sha256(content).hexdigest()}"'
    manifest.write_text(manifest.read_text().replace(old, new))


def assert_untouched(live, result, *words):
    assert result.returncode == 1, result.stdout + result.stderr
    for word in words:
        assert word in result.stderr
    live.wait()
    assert live.words() == "later"
    assert "later.png" in live.media()
    assert "ring.png" not in live.media()
    assert live.databases() == ["thinkring_prod"]
    assert subprocess.run(LEFT, capture_output=True, text=True).stdout == ""
    assert not (live.folder / "ops" / "state" / "restore").exists()


@pytest.mark.parametrize("command", FRONT_ENDS)
def test_old_data_is_back_and_later_data_is_kept_aside(live, figure, command):
    started = time.monotonic()
    result = live.run("ops/restore.sh", "--latest", "--replace", command=command)

    assert result.returncode == 0, result.stderr
    figure("restored after", f"{time.monotonic() - started:.1f} s")
    assert live.words() == "old 誤差"
    assert live.media() == live.files_of_backup
    (before,) = set(live.databases()) - {"thinkring_prod"}
    volume = f"{PROJECT}_media_{before.removeprefix('thinkring_')}"
    assert f"the database {before} and the volume {volume}" in result.stdout
    assert live.sql("select * from words", before) == "later"
    cat = ["docker", "run", "--rm", "-v", f"{volume}:/kept:ro", "--entrypoint", "cat", "postgres:15"]
    assert subprocess.run([*cat, "/kept/later.png"], capture_output=True, text=True).stdout == "later\n"
    assert subprocess.run(LEFT, capture_output=True, text=True).stdout == ""


def test_uploads_in_a_store_stay_as_they_are(live, backup):
    manifest = backup.with_name(f"thinkring_{live.date}.json")
    manifest.write_text(re.sub(r'"media": {.*}', '"media": {"bucket": "thinkring-uploads"}', manifest.read_text()))
    backup.with_name(f"thinkring_media_{live.date}.tar.gz").unlink()

    result = live.run("ops/restore.sh", backup, "--replace")

    assert result.returncode == 0, result.stderr
    assert "those of the backup are in the bucket thinkring-uploads" in result.stdout
    assert live.words() == "old 誤差"
    assert "later.png" in live.media()
    assert "ring.png" not in live.media()


def test_a_file_is_named_from_the_caller_s_folder(live, backup):
    result = live.run("ops/restore.sh", "--replace", backup.name, cwd=backup.parent)

    assert result.returncode == 0, result.stderr
    assert live.words() == "old 誤差"


def test_it_refuses_a_database_in_use(live):
    assert_untouched(live, live.run("ops/restore.sh", "--latest"), "holds 1 rows; with --replace")


def test_one_byte_is_wrong(live, backup):
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 1
    backup.write_bytes(content)

    assert_untouched(live, live.run("ops/restore.sh", backup, "--replace"), "has not the sum of its manifest")


def test_the_archive_is_damaged(live, backup):
    archive = backup.with_name(f"thinkring_media_{live.date}.tar.gz")
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")

    assert_untouched(live, live.run("ops/restore.sh", backup, "--replace"), "has not the sum of its manifest")


def test_the_dump_is_cut_short(live, backup):
    backup.write_bytes(backup.read_bytes()[:-100])

    assert_untouched(live, live.run("ops/restore.sh", backup, "--replace"), "it is cut short")


def test_a_file_from_elsewhere(live, tmp_path):
    foreign = tmp_path / "thinkring_db_20260101_020000.sql"
    foreign.write_text("create table other (n int);")

    assert_untouched(live, live.run("ops/restore.sh", foreign, "--replace"), "is not a backup of backup.sh")
    other = foreign.rename(tmp_path / "other.sql")
    assert_untouched(live, live.run("ops/restore.sh", other, "--replace"), "has not the name of a backup")


def test_an_error_in_the_middle_of_the_dump(live, backup):
    text = backup.read_text()
    backup.write_text(text.replace("COPY public.words", "insert into nowhere values (1);\nCOPY public.words"))
    sign(backup)

    assert_untouched(live, live.run("ops/restore.sh", backup, "--replace"), 'relation "nowhere" does not exist')


def test_a_row_is_missing(live, backup):
    backup.write_text(backup.read_text().replace("old\n", ""))
    sign(backup)

    result = live.run("ops/restore.sh", backup, "--replace")
    assert_untouched(live, result, 'is not what the manifest tells (< manifest, > restored: < table "public.words": 2')


def test_the_disk_is_too_small_for_it(live, backup):
    with backup.open("a") as dump:
        dump.write("-- filler\n" * 20_000_000)
    sign(backup)

    assert_untouched(live, live.run("ops/restore.sh", backup, "--replace"), "the disk of the database has", "make room")


def test_the_disk_fills_up_on_the_way(live, backup):
    with backup.open("a") as dump:
        dump.write("create table filler as select repeat(md5(n::text), 60) from generate_series(1, 1000000) n;\n")
    sign(backup)

    assert_untouched(live, live.run("ops/restore.sh", backup, "--replace"), "the dump was not restored")


def test_a_migration_fails(live):
    (live.folder / "backend" / "no-migration").touch()
    try:
        result = live.run("ops/restore.sh", "--latest", "--replace")
    finally:
        (live.folder / "backend" / "no-migration").unlink()

    assert_untouched(live, result, "the migration fails")


def test_a_backend_that_does_not_become_ready(live):
    """After the exchange: everything is put back."""
    script = live.folder / "ops" / "installation.sh"
    text = script.read_text()
    assert "READY_SECONDS=120" in text
    script.write_text(text.replace("READY_SECONDS=120", "READY_SECONDS=3"))
    (live.folder / "backend" / "not-ready").touch()
    try:
        result = live.run("ops/restore.sh", "--latest", "--replace")
    finally:
        (live.folder / "backend" / "not-ready").unlink()
        script.write_text(text)

    assert_untouched(live, result, "was not ready within 3 seconds", "everything is as it was before")


def wait_for(process, condition):
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def run_when_free(live):
    """What the killed run has started may still hold the lock for a moment."""
    for _ in range(60):
        result = live.run("ops/restore.sh", "--latest", "--replace")
        if "is running" not in result.stderr:
            return result
        time.sleep(0.5)
    pytest.fail("the lock of a killed run stays")


def run_again(live):
    result = run_when_free(live)
    assert result.returncode == 0, result.stderr
    assert live.words() == "old 誤差"
    assert live.media() == live.files_of_backup
    assert subprocess.run(LEFT, capture_output=True, text=True).stdout == ""
    assert not any(name.startswith("thinkring_restored_") for name in live.databases())
    return result


def test_killed_before_the_exchange(live, backup):
    backup.write_text(backup.read_text() + "select pg_sleep(3);\n")
    sign(backup)
    process = live.start("ops/restore.sh", backup, "--replace")
    wait_for(process, lambda: len(live.databases()) == 2)
    process.kill()
    process.communicate()

    assert live.words() == "later"
    assert "later.png" in live.media()
    run_again(live)


def test_killed_in_the_exchange(live):
    (live.folder / "backend" / "not-ready").touch()
    try:
        process = live.start("ops/restore.sh", "--latest", "--replace")
        journal = live.folder / "ops" / "state" / "restore"
        wait_for(process, lambda: journal.exists() and "copied" in journal.read_text())
        process.kill()
        process.communicate()
    finally:
        (live.folder / "backend" / "not-ready").unlink()

    live.compose("start", "backend")
    refused = run_when_free(live)
    assert refused.returncode == 1
    assert "the backend runs since: what was written meanwhile would be lost" in refused.stderr
    live.compose("stop", "-t", "1", "backend")

    result = run_again(live)

    assert "Put back what an earlier run that was killed had begun" in result.stdout
    (before,) = set(live.databases()) - {"thinkring_prod"}
    assert live.sql("select * from words", before) == "later", "what was put back is what is kept now"


@pytest.mark.parametrize("arguments", [[], ["--other"], ["one.sql", "two.sql"], ["--latest", "one.sql"]])
def test_it_is_called_wrongly(small, arguments):
    result = small.run("ops/restore.sh", *arguments)

    assert result.returncode == 2
    assert "--help" in result.stderr


@pytest.mark.torture
def test_lost_volumes(engine, tmp_path, figure):
    """By the plain commands of `docker compose`, from a dump by its name. A lost machine, the newest dump and
    docker-compose are in tests/operations/install.
    """
    stack = Stack(tmp_path / "thinkring", FRONT_ENDS[-1].split())
    with stack.running():
        there = stack.register()
        stack.compose("exec", "-T", "backend", "sh", "-c", "mkdir media/a; dd if=/dev/urandom of=media/a/b.png count=9")
        sums = ["exec", "-T", "backend", "sh", "-c", "find media -type f -exec sha256sum {} + | sort"]
        media = stack.compose(*sums).stdout
        environment = os.environ | {"COMPOSE": FRONT_ENDS[-1]}
        subprocess.run([stack.folder / "backup.sh"], check=True, env=environment)
        later = stack.register()
        stack.compose("down", "--volumes")
        for name in ["page.names", "api.names"]:
            (stack.folder / "nginx" / "domain" / name).unlink()

        started = time.monotonic()
        (dump,) = (stack.folder / "backups").glob("thinkring_db_*.sql")
        command = [stack.folder / "ops" / "restore.sh", dump]
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Next: " in result.stdout
        subprocess.run([stack.folder / "ops" / "setup.sh", DOMAIN], check=True)
        stack.compose("up", "-d")
        stack.wait()
        figure("back on lost volumes, images there, after", f"{time.monotonic() - started:.0f} s")

        login = f"{stack.api}/auth/login/"
        statuses = [stack.request("POST", login, json=person).status_code for person in (there, later)]
        assert statuses == [200, 401], "what came after the backup is gone"
        assert "a/b.png" in media
        assert stack.compose(*sums).stdout == media
