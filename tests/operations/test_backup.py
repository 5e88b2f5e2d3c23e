"""
The operator's nightly `backup.sh`, against a real PostgreSQL: what it writes can be restored, and whatever goes
wrong, it says so and the older backups stay. A small stack of the same service names stands in for the whole
one, so that a database can be killed here without anybody else noticing.
"""

import getpass
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from production import FRONT_ENDS, ROOT

PROJECT = "thinkring-backup-test"
SQL = "thinkring_db_20260101_020000.sql"
OLD = [SQL, "thinkring_media_20260101_020000.tar.gz", "thinkring_20260101_020000.json"]
STACK = """
version: '3.8'
services:
  db:
    image: postgres:15
    environment:
      - POSTGRES_DB=thinkring_prod
      - POSTGRES_USER=thinkring_user
      - POSTGRES_PASSWORD=only-for-this-test
    healthcheck:
      test: pg_isready -h 127.0.0.1 -U thinkring_user -d thinkring_prod
      interval: 1s
      retries: 60
  backend:
    image: postgres:15
    entrypoint: sleep infinity
    volumes:
      - media_files:/app/media
volumes:
  media_files:
"""


def compose(*arguments, **options):
    """Runs docker-compose on the small stack."""
    command = ["docker-compose", "-p", PROJECT, "-f", "docker-compose.prod.yml", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def stack(engine, tmp_path_factory):
    """The stack with a little data in it: a table, and one uploaded file."""
    directory = tmp_path_factory.mktemp("stack")
    (directory / "docker-compose.prod.yml").write_text(STACK)
    compose("down", "-v", "-t", "1", cwd=directory)
    compose("up", "-d", cwd=directory)
    try:
        wait_until_healthy(directory)
        sql(directory, "create table words (word text); insert into words values ('誤差'), ('負担')")
        compose("exec", "-T", "backend", "sh", "-c", "echo ring > /app/media/ring.png", cwd=directory)
        yield directory
    finally:
        compose("down", "-v", "-t", "1", cwd=directory)


def wait_until_healthy(directory):
    container = compose("ps", "-q", "db", cwd=directory).stdout.strip()
    for _ in range(120):
        state = subprocess.run(
            ["docker", "inspect", "-f", "{{.State.Health.Status}}", container], capture_output=True, text=True
        )
        if state.stdout.strip() == "healthy":
            return
        time.sleep(0.5)
    pytest.fail("the database of the test did not become healthy")


def sql(directory, statement, database="thinkring_prod"):
    return compose(
        "exec", "-T", "db", "psql", "-qAtv", "ON_ERROR_STOP=1", "-U", "thinkring_user", "-c", statement, database,
        cwd=directory,
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def installation(stack, tmp_path):
    """A folder with backup.sh in it, and a backup of a month ago."""
    shutil.copy(ROOT / "backup.sh", tmp_path)
    (tmp_path / "ops" / "state").mkdir(parents=True)
    shutil.copy(ROOT / "ops" / "installation.sh", tmp_path / "ops")
    shutil.copy(stack / "docker-compose.prod.yml", tmp_path)
    (tmp_path / "backups").mkdir()
    for name in OLD:
        (tmp_path / "backups" / name).write_text("a good old backup")
        age(tmp_path / "backups" / name, days=30)
    return tmp_path


def age(path, days):
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def environment(command="docker-compose"):
    return os.environ | {"COMPOSE": command, "COMPOSE_PROJECT_NAME": PROJECT}


def backup(installation, command="docker-compose"):
    # From another folder, as cron does.
    return subprocess.run(
        [installation / "backup.sh"], cwd="/", env=environment(command), capture_output=True, text=True
    )


def files(installation):
    return sorted(path.name for path in (installation / "backups").iterdir())


def assert_failed(result, installation, *words):
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr
    assert files(installation) == sorted(OLD)
    assert (installation / "backups" / SQL).read_text() == "a good old backup"


@pytest.mark.parametrize("command", FRONT_ENDS)
def test_it_works(installation, stack, command):
    result = backup(installation, command)

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    manifest, dump, media = (installation / "backups" / name for name in files(installation))
    assert len(result.stdout.splitlines()) == 6, "three files written, three deleted"
    date = manifest.name.removeprefix("thinkring_").removesuffix(".json")
    assert time.strptime(date, "%Y%m%d_%H%M%S")
    assert dump.name == f"thinkring_db_{date}.sql"
    assert media.name == f"thinkring_media_{date}.tar.gz"
    assert dump.stat().st_mode & 0o077 == 0, "others must not read what people wrote"
    told = json.loads(manifest.read_text())
    for key, path in [("database", dump), ("media", media)]:
        assert told[key]["file"] == path.name
        assert told[key]["bytes"] == path.stat().st_size
        assert told[key]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_it_can_be_restored_by_the_specified_command(installation, stack):
    assert backup(installation).returncode == 0
    manifest, dump, media = (installation / "backups" / name for name in files(installation))

    sql(stack, "create database again")
    with dump.open() as source:
        compose("exec", "-T", "db", "psql", "-U", "thinkring_user", "again", cwd=stack, stdin=source)

    assert sql(stack, "select string_agg(word, ' ') from words", "again") == "誤差 負担"
    with tarfile.open(media) as archive:
        assert archive.extractfile("./ring.png").read() == b"ring\n"


def test_it_tells_version_and_commit(installation):
    (installation / "backend" / "thinkring").mkdir(parents=True)
    (installation / "backend" / "thinkring" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "init", "-q"], cwd=installation, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], cwd=installation, check=True)

    assert backup(installation).returncode == 0

    told = json.loads((installation / "backups" / files(installation)[0]).read_text())
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=installation, capture_output=True, text=True)
    assert told["version"] == "1.2.3"
    assert told["commit"] == commit.stdout.strip()
    assert told["postgresql"].startswith("postgres (PostgreSQL) 15.")


def test_it_deletes_only_its_own_files_that_are_older_than_seven_days(installation):
    backups = installation / "backups"
    (backups / "wal").mkdir()
    week, young = "thinkring_db_20260102_020000.sql", "thinkring_db_20260103_020000.sql"
    others = ["other.sql", "thinkring_db_before_the_move.sql", "thinkring_media_20260101_020000-copy.tar.gz"]
    for name in [f"wal/{SQL}", *others, week, young]:
        (backups / name).write_text("x")
        age(backups / name, days=30)
    age(backups / week, days=7.9)
    age(backups / young, days=6)

    result = backup(installation)

    assert result.returncode == 0, result.stderr
    left = files(installation)
    assert {*others, week, young, "wal"} <= set(left)
    assert (backups / "wal" / SQL).exists()
    assert not set(OLD) & set(left)


def test_it_saves_uploads_while_the_backend_is_down(installation, stack):
    compose("stop", "-t", "0", "backend", cwd=stack)
    try:
        result = backup(installation)
    finally:
        compose("start", "backend", cwd=stack)

    assert result.returncode == 0, result.stderr


def test_it_says_that_the_database_is_down(installation, stack):
    compose("stop", "db", cwd=stack)
    try:
        results = {command: backup(installation, command) for command in FRONT_ENDS}
    finally:
        compose("start", "db", cwd=stack)
        wait_until_healthy(stack)

    for command, result in results.items():
        advice = f"the database does not run; start it: {command} -f docker-compose.prod.yml up -d db"
        assert_failed(result, installation, advice)


@pytest.mark.parametrize("command", FRONT_ENDS)
def test_it_says_what_compose_lacks(installation, command):
    file = installation / "docker-compose.prod.yml"
    file.write_text(
        file.read_text().replace("only-for-this-test", "${DB_PASSWORD:?Set DB_PASSWORD in .env.production.}")
    )

    assert_failed(backup(installation, command), installation, "Set DB_PASSWORD in .env.production.")


def test_it_says_that_the_database_is_another(installation, stack):
    sql(stack, "alter database thinkring_prod rename to gone", "postgres")
    try:
        result = backup(installation)
    finally:
        sql(stack, "alter database gone rename to thinkring_prod", "postgres")

    assert_failed(result, installation, 'database "thinkring_prod" does not exist')


def test_it_notices_a_full_disk(installation, stack, missing):
    if os.geteuid() != 0:
        missing("only root can mount the small disk")
    sql(stack, "create table big as select md5(n::text) from generate_series(1, 20000) n")
    disk = installation / "backups"
    old = {path.name: path.read_bytes() for path in disk.iterdir()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    try:
        for name, content in old.items():
            (disk / name).write_bytes(content)
            age(disk / name, days=30)
        result = backup(installation)
        assert_failed(result, installation, "no space left on device", "room on the disk")
    finally:
        subprocess.run(["umount", disk], check=True)
        sql(stack, "drop table big")


def newest_manifest(installation):
    return json.loads(sorted((installation / "backups").glob("thinkring_2*.json"))[-1].read_text())


def test_the_manifest_tells_what_is_in_it(installation, stack):
    migrations = "values ('thinking', '0001_initial'), ('thinking', '0002_next')"
    sql(stack, f"create table django_migrations as select * from ({migrations}) as applied (app, name)")
    try:
        assert backup(installation).returncode == 0
    finally:
        sql(stack, "drop table django_migrations")

    told = newest_manifest(installation)
    assert told["verified"] is True
    assert told["tables"] == {"public.django_migrations": 2, "public.words": 2}
    assert told["migrations"] == {"thinking": "0002_next"}
    assert told["database"]["rows"] == 4
    assert (told["media"]["files"], told["media"]["content_bytes"]) == (1, 5)


def test_what_is_written_meanwhile_does_not_matter(installation, stack):
    sql(stack, "create table more (n int)")
    writer = subprocess.Popen(
        ["docker-compose", "-p", PROJECT, "-f", "docker-compose.prod.yml", "exec", "-T", "db",
         "psql", "-qU", "thinkring_user", "thinkring_prod"],
        cwd=stack, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    writer.stdin.write("insert into more values (1) \\watch 0.01\n")
    writer.stdin.flush()
    try:
        wait_for(stack, "select count(*) from more")
        result = backup(installation)
        at_the_end = int(sql(stack, "select count(*) from more"))
    finally:
        sql(stack, "select pg_terminate_backend(pid) from pg_stat_activity where query like 'insert into more%'")
        writer.stdin.close()
        writer.wait(timeout=30)
        sql(stack, "drop table more")

    assert result.returncode == 0, result.stderr
    assert 0 < newest_manifest(installation)["tables"]["public.more"] < at_the_end


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("sed /負担/d", "the dump has not what the database had"),
        ("sed '/^COPY/i insert into nowhere values (1);'", "the dump cannot be restored"),
    ],
)
def test_a_dump_that_is_not_the_database_gets_no_name(installation, stack, monkeypatch, change, words):
    bin = installation / "bin"
    bin.mkdir()
    real = shutil.which("docker-compose")
    (bin / "docker-compose").write_text(
        f'#!/bin/sh\ncase "$*" in *pg_dump*) {real} "$@" | {change} ;; *) exec {real} "$@" ;; esac\n'
    )
    (bin / "docker-compose").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}:{os.environ['PATH']}")

    assert_failed(backup(installation), installation, words)
    assert scratch_servers() == []


def scratch_servers():
    command = ["docker", "ps", "--all", "--quiet", "--filter", f"name=^{PROJECT}_check_"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_a_dump_that_only_this_server_can_take_back_is_told(installation, stack):
    """On a new machine there is no such role."""
    sql(stack, "create role reader; grant select on words to reader")
    try:
        result = backup(installation)
    finally:
        sql(stack, "drop owned by reader; drop role reader")

    assert_failed(result, installation, "the dump cannot be restored", 'role "reader" does not exist')


def test_it_warns_when_half_is_gone_and_deletes_nothing(installation, stack):
    sql(stack, "create table more as select generate_series(1, 10)")
    assert backup(installation).returncode == 0
    for name in OLD:
        (installation / "backups" / name).write_text("a good old backup")
        age(installation / "backups" / name, days=30)
    sql(stack, "drop table more")

    result = backup(installation)

    assert result.returncode == 1
    assert "2 rows instead of 12" in result.stderr
    assert set(OLD) < set(files(installation))
    assert len(files(installation)) == 9, "the new one is kept"
    accepted = backup(installation)
    assert accepted.returncode == 0, accepted.stderr
    assert not set(OLD) & set(files(installation))


@pytest.mark.torture
def test_it_warns_when_half_of_the_uploads_are_gone(installation, stack):
    compose("exec", "-T", "backend", "sh", "-c", "head -c 1000 /dev/urandom > /app/media/more.png", cwd=stack)
    try:
        assert backup(installation).returncode == 0
    finally:
        compose("exec", "-T", "backend", "rm", "/app/media/more.png", cwd=stack)

    result = backup(installation)

    assert result.returncode == 1
    assert "5 bytes of uploads instead of 1005" in result.stderr


def test_uploads_in_a_store_are_told_of(installation, stack):
    assert backup(installation).returncode == 0
    (installation / ".env.production").write_text("MEDIA_BUCKET=thinkring-uploads\n")
    partly = backup(installation)
    compose("exec", "-T", "backend", "rm", "/app/media/ring.png", cwd=stack)
    try:
        wholly = backup(installation)
    finally:
        compose("exec", "-T", "backend", "sh", "-c", "echo ring > /app/media/ring.png", cwd=stack)

    for result in (partly, wholly):
        assert result.returncode == 0, result.stderr
        assert "The uploads in the bucket thinkring-uploads are not in this backup: the versions" in result.stdout
    # What has not been moved yet.
    assert ".tar.gz" in partly.stdout
    assert ".tar.gz" not in wholly.stdout
    manifest = sorted((installation / "backups").glob("thinkring_[0-9]*.json"))[-1]
    assert json.loads(manifest.read_text())["media"] == {"bucket": "thinkring-uploads"}
    assert not (installation / "backups" / f"thinkring_media_{manifest.stem[len('thinkring_') :]}.tar.gz").exists()


def test_the_newest_proven_one_before_stays(installation):
    assert backup(installation).returncode == 0
    first = files(installation)
    for name in first:
        age(installation / "backups" / name, days=30)

    assert backup(installation).returncode == 0
    assert set(first) < set(files(installation))
    assert backup(installation).returncode == 0
    assert not set(first) & set(files(installation)), "now there is another one before"


def test_it_looks_at_the_disk_first(installation):
    with (installation / "backups" / SQL).open("ab") as large:
        large.truncate(4 * 1024**4)

    result = backup(installation)

    assert result.returncode == 1
    assert "free and should have 8.9T, twice the newest backup and 10 %" in result.stderr
    assert files(installation) == sorted(OLD)


@pytest.fixture
def repository(installation, missing):
    if not shutil.which("restic"):
        missing("restic is not installed")
    repository = installation / "repository"
    settings = f"RESTIC_REPOSITORY={repository}\nRESTIC_PASSWORD=of-the-repository\n"
    (installation / ".env.production").write_text(settings)
    return repository


def restic(repository, *arguments):
    return subprocess.run(
        ["restic", "--no-cache", "-r", repository, *arguments], check=True, capture_output=True, text=True,
        env=os.environ | {"RESTIC_PASSWORD": "of-the-repository"},
    ).stdout  # fmt: skip


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_it_is_copied_elsewhere_encrypted_and_once(installation, stack, repository, figure):
    sql(stack, "create table big as select md5(n::text) from generate_series(1, 600000) n")
    try:
        result = backup(installation)
        assert result.returncode == 0, result.stderr
        assert "Copied the backups into the restic repository." in result.stdout
        once = size_of(repository)
        # As the database keeps its archive, beside what anybody may read.
        (installation / "backups" / "wal").mkdir(mode=0o700)
        (installation / "backups" / "wal" / "only-the-database-reads-this").touch()
        result = backup(installation)
        assert result.returncode == 0, result.stderr
    finally:
        sql(stack, "drop table big")

    twice = size_of(repository)
    figure("restic repository after one and two backups", f"{once:,} and {twice:,} bytes")
    assert twice - once < once / 4
    restored = installation / "restored"
    restic(repository, "restore", "latest", "--target", restored)
    assert not [*restored.rglob("only-the-database-reads-this")]
    (manifest,) = restored.rglob(sorted(name for name in files(installation) if name.endswith(".json"))[-1])
    told = json.loads(manifest.read_text())
    for part in ["database", "media"]:
        content = (manifest.parent / told[part]["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == told[part]["sha256"]
    assert not any("誤差".encode() in path.read_bytes() for path in repository.rglob("*") if path.is_file())


def test_a_wrong_password_of_the_repository_is_told(installation, repository):
    assert backup(installation).returncode == 0
    (installation / "password").write_text("another\n")
    settings = f"RESTIC_REPOSITORY={repository}\nRESTIC_PASSWORD_FILE={installation / 'password'}\n"
    (installation / ".env.production").write_text(settings)

    result = backup(installation)

    assert result.returncode == 1
    assert "the new backup is complete, but not copied elsewhere: Fatal: wrong password" in result.stderr
    assert len(files(installation)) == 6


@pytest.fixture
def hanging(installation, stack):
    """A backup whose pg_dump waits for a table that somebody holds."""
    holder = subprocess.Popen(
        ["docker-compose", "-p", PROJECT, "-f", "docker-compose.prod.yml", "exec", "-T", "db",
         "psql", "-U", "thinkring_user", "thinkring_prod",
         "-c", "begin; lock table words in access exclusive mode; select pg_sleep(60)"],
        cwd=stack, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(stack, "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted and not fastpath")
    process = subprocess.Popen(
        [installation / "backup.sh"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(stack, "select count(*) from pg_stat_activity where application_name = 'pg_dump'")
    yield process
    process.kill()
    sql(stack, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
               "and (query like '%pg_sleep%' or application_name = 'pg_dump')")  # fmt: skip
    holder.wait(timeout=20)
    for container in scratch_servers():
        subprocess.run(["docker", "rm", "-fv", container], check=True, capture_output=True)


def wait_for(directory, count):
    for _ in range(60):
        if sql(directory, count) != "0":
            return
        time.sleep(0.3)
    pytest.fail(f"did not happen: {count}")


KILL_PG_DUMP = 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = pg_dump ] && kill -9 "${p#/proc/}"; done; true'


def test_it_notices_a_killed_dump(installation, stack, hanging):
    compose("exec", "-T", "db", "sh", "-c", KILL_PG_DUMP, cwd=stack)
    stdout, stderr = hanging.communicate(timeout=20)

    result = subprocess.CompletedProcess(hanging.args, hanging.returncode, stdout, stderr)
    assert_failed(result, installation, "database was not dumped")


def test_it_refuses_to_run_twice_at_once(installation, hanging):
    assert_failed(
        backup(installation), installation_without_parts(installation), f"backup.sh of {getpass.getuser()} since 20"
    )


def installation_without_parts(installation):
    """The folder as a reader sees it: the other run's unfinished file has a temporary name."""
    for path in (installation / "backups").glob("*.part"):
        path.unlink()
    return installation


def test_it_cleans_up_after_a_run_that_was_killed(installation, stack, hanging):
    os.kill(hanging.pid, 9)
    hanging.wait()
    assert any(name.endswith(".part") for name in files(installation))
    assert len(scratch_servers()) == 1
    compose("exec", "-T", "db", "sh", "-c", KILL_PG_DUMP, cwd=stack)
    sql(stack, "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' "
               "and pid <> pg_backend_pid()")  # fmt: skip
    for _ in range(20):
        result = backup(installation)
        if f"backup.sh of {getpass.getuser()} since 20" not in result.stderr:
            break
        time.sleep(0.5)

    assert result.returncode == 0, result.stderr
    assert len(files(installation)) == 3
    assert scratch_servers() == []


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        ("pg_dump", "the dump ends before its last line"),
        ("tar", "the archive of the uploaded files is damaged"),
    ],
)
def test_it_notices_output_that_was_cut_short(installation, monkeypatch, cut, words):
    """A command that loses the end of the output and still says that all is well."""
    bin = installation / "bin"
    bin.mkdir()
    for name in ["docker", "docker-compose"]:
        real = shutil.which(name)
        (bin / name).write_text(
            f'#!/bin/sh\ncase "$*" in *{cut}*) {real} "$@" | head -c 100 ;; *) exec {real} "$@" ;; esac\n'
        )
        (bin / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}:{os.environ['PATH']}")

    assert_failed(backup(installation), installation, words)


def test_it_says_that_it_cannot_write(installation):
    shutil.move(installation / "backups", installation / "kept")
    (installation / "backups").write_text("not a folder")

    result = backup(installation)

    assert result.returncode == 1
    assert "cannot be written" in result.stderr
    assert ("Docker made it as root" in result.stderr) == (os.geteuid() != 0)


def test_it_works_through_a_symbolic_link(installation, tmp_path_factory):
    link = tmp_path_factory.mktemp("bin") / "backup"
    link.symlink_to(installation / "backup.sh")

    result = subprocess.run([link], env=environment(), capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    assert len(files(installation)) == 3


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_it_explains_itself(option):
    result = subprocess.run([ROOT / "backup.sh", option], capture_output=True, text=True)

    assert result.returncode == 0
    assert "thinkring_db_DATE.sql" in result.stdout
    assert "set -euo" not in result.stdout


def test_it_refuses_arguments(installation):
    result = subprocess.run([installation / "backup.sh", "now"], capture_output=True, text=True)

    assert result.returncode == 2
    assert "--help" in result.stderr
    assert files(installation) == sorted(OLD)


SPECIFIED = ROOT / "tests" / "fixtures" / "specification" / "backup.sh"


def test_the_specified_script_loses_good_backups(engine, tmp_path):
    """What backup.sh is for: with a database that is down, the literal script empties the shelf and says nothing."""
    bin, backups = tmp_path / "bin", tmp_path / "backups"
    bin.mkdir()
    backups.mkdir()
    (bin / "docker-compose").write_text("#!/bin/sh\nexit 1\n")
    (bin / "docker-compose").chmod(0o755)
    (backups / SQL).write_text("a good old backup")
    age(backups / SQL, days=30)

    result = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "-v", f"{SPECIFIED}:/backup.sh:ro", "-v", f"{bin}:/opt/bin:ro",
         "-v", f"{backups}:/backups", "-e", "PATH=/opt/bin:/usr/bin:/bin", "--entrypoint", "bash", "postgres:15",
         "/backup.sh"],
        capture_output=True, text=True,
    )  # fmt: skip

    assert result.returncode == 0
    (left,) = Path(backups).iterdir()
    assert left.name != SQL
    assert left.stat().st_size == 0


def test_psql_into_a_live_database_goes_on_after_errors(installation, stack):
    """Why a restore goes into a fresh database: into a live one, every table is refused and psql still says 0."""
    assert backup(installation).returncode == 0
    dump = installation / "backups" / files(installation)[1]
    sql(stack, "insert into words values ('later')")
    try:
        with dump.open() as source:
            result = compose(
                "exec", "-T", "db", "psql", "-U", "thinkring_user", "thinkring_prod", cwd=stack, stdin=source
            )

        assert result.returncode == 0
        assert 'relation "words" already exists' in result.stderr
        assert sql(stack, "select count(*) from words") == "5", "the later row stays, the earlier ones are there twice"
    finally:
        sql(stack, "delete from words; insert into words values ('誤差'), ('負担')")


def test_clean_up_with_volumes_deletes_the_database(engine, tmp_path):
    """Why the runbook warns of `down -v`: the volume is gone with everything in it."""
    project = f"{PROJECT}-clean"
    (tmp_path / "docker-compose.prod.yml").write_text(STACK)
    command = ["docker-compose", "-p", project, "-f", "docker-compose.prod.yml"]
    volume = f"{project}_media_files"
    subprocess.run([*command, "up", "-d", "backend"], cwd=tmp_path, check=True, capture_output=True)
    assert subprocess.run(["docker", "volume", "inspect", volume], capture_output=True).returncode == 0

    subprocess.run([*command, "down", "-v", "-t", "0"], cwd=tmp_path, check=True, capture_output=True)

    assert subprocess.run(["docker", "volume", "inspect", volume], capture_output=True).returncode != 0
