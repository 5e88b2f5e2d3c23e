"""
ops/deploy.sh and ops/rollback.sh on one running server, to which commits are pushed: whatever goes wrong leaves the
release that answered answering, without a failed request.
"""

import getpass
import os
import re
import shutil
import subprocess
import time

import pytest

from production import ROOT, docker

from .conftest import git
from .traffic import Traffic

MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    {mark}
    dependencies = [("core", "{after}")]
    operations = [migrations.RunSQL("{sql}", migrations.RunSQL.noop)]
"""
LAST = max((ROOT / "backend" / "apps" / "core" / "migrations").glob("0*.py")).stem
NEXT, AFTER_NEXT = (f"{int(LAST[:4]) + step:04}" for step in (1, 2))
FAILING = MIGRATION.format(mark="", after=LAST, sql="select 1/0")


def assert_nothing_changed(server, action):
    """Runs it under traffic: it fails, and the release goes on answering."""
    before = server.release(), server.head(), {name: server.container(name) for name in ["backend", "frontend"]}

    with Traffic(server) as traffic:
        result = action()

    assert result.returncode == 1, result.stdout + result.stderr
    traffic.assert_nothing_failed()
    after = server.release(), server.head(), {name: server.container(name) for name in ["backend", "frontend"]}
    assert after == before
    assert server.stand_ins() == []
    assert not (server.folder / "ops/state/tree").exists()
    return result.stderr


BROKEN = {
    "an image that cannot be built": (
        {"backend/Dockerfile.prod": "RUN echo so it ends >&2; false\n"},
        ["so it ends", "the images of", "were not built"],
    ),
    "a container that ends": (
        {"backend/gunicorn.conf.py": "raise SystemExit('no, never')\n"},
        ["no, never", "backend of", "did not become healthy"],
    ),
    "a container that never gets healthy": (
        {"backend/gunicorn.conf.py": 'bind = "0.0.0.0:8001"\n'},
        ["Listening at", "backend of", "did not become healthy"],
    ),
    "a front end that ends": (
        {"frontend/start.js": lambda text: "throw new Error('no, never');\n" + text},
        ["no, never", "frontend of", "did not become healthy"],
    ),
    "a migration that fails": (
        {f"backend/apps/core/migrations/{NEXT}_fails.py": FAILING},
        ["division by zero", "a migration of", "failed"],
    ),
    "a back end of another commit": (
        {"backend/Dockerfile.prod": "ENV COMMIT=another\n"},
        ["Listening at", "backend of", "says that it is another"],
    ),
    # As pgBouncer is that nobody has started: migrations go another way.
    "a back end that does not reach its database": (
        {"backend/gunicorn.conf.py": 'settings.DATABASES["default"]["HOST"] = "nobody"\n'},
        ["Listening at", "backend of", "is not ready: database: unreachable"],
    ),
    "a configuration that nginx refuses": (
        {"nginx/nginx.conf": "nonsense;\n"},
        ["nonsense", "nginx refuses the nginx.conf of"],
    ),
    "a setting that is not there": (
        {"docker-compose.prod.yml": lambda text: text.replace("build:", "hostname: ${NEW:?say what}\n    build:", 1)},
        ["say what", "compose cannot read the file of"],
    ),
}  # fmt: skip


# The engine itself takes more than a minute to give up the first; the second fails as a back end that ends does; the
# third is asked until its time is over, each time as long as a name is looked for.
LONG = [
    "a container that never gets healthy",
    "a front end that ends",
    "a back end that does not reach its database",
]


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.torture) if case in LONG else case for case in BROKEN]
)
def test_it_fails_on(server, case):
    changes, words = BROKEN[case]
    commit = server.commit(case, changes)

    said = assert_nothing_changed(server, lambda: server.run("deploy", commit))

    for word in words:
        assert word in said
    assert server.log()[-1][4:6] == [commit, "failed"]


@pytest.mark.torture
def test_it_fails_when_the_old_release_is_gone(server):
    """Its stand-in was healthy, and the container that takes the place is not."""
    once = """
import pathlib

try:
    pathlib.Path("/app/media/.once").touch(exist_ok=False)
except FileExistsError:
    raise SystemExit("not a second time")
"""
    commit = server.commit("Once", {"backend/gunicorn.conf.py": once})
    before, head = server.release(), server.head()

    with Traffic(server) as traffic:
        result = server.run("deploy", commit)

    server.compose("exec", "-T", "backend", "rm", "/app/media/.once")
    assert result.returncode == 1
    assert "not a second time" in result.stderr
    assert f"the backend of {commit} did not become healthy." in result.stderr
    assert "Putting the old release back." in result.stdout
    traffic.assert_nothing_failed()
    assert (server.release(), server.head(), server.stand_ins()) == (before, head, [])
    assert server.log()[-1][4:6] == [commit, "failed"]


def test_the_disk_is_too_full(server, tmp_path):
    (tmp_path / "df").write_text("#!/bin/sh\necho Filesystem; echo /dev/sda 9 9 409600 9% /\n")
    (tmp_path / "df").chmod(0o755)
    commit = server.commit("Large", {"notes.txt": "Large.\n"})

    said = assert_nothing_changed(server, lambda: server.run("deploy", commit, PATH=f"{tmp_path}:{os.environ['PATH']}"))

    assert "has only 400 MB left, and a release may need 500; make room" in said


def test_there_is_too_little_memory(server, tmp_path):
    (tmp_path / "free").write_text("#!/bin/sh\necho Mem: 957 600 20 1 337 150; echo Swap: 100 31 69\n")
    (tmp_path / "free").chmod(0o755)
    commit = server.commit("Hungry", {"notes.txt": "Hungry.\n"})

    said = assert_nothing_changed(server, lambda: server.run("deploy", commit, PATH=f"{tmp_path}:{os.environ['PATH']}"))

    assert "has only 219 MB of memory left, and a new release beside the old one takes 240; end what else runs" in said


def test_the_settings_are_away(server):
    settings = server.folder / ".env.production"
    settings.rename(server.folder / "away")
    try:
        said = assert_nothing_changed(server, lambda: server.run("deploy"))
    finally:
        (server.folder / "away").rename(settings)

    assert ".env.production is not there or not yours to read; ops/setup.sh your.domain makes it." in said


def test_the_settings_are_refused(server):
    commit = server.commit("With a setting", {"backend/gunicorn.conf.py": "# with a setting\n"})
    settings = server.folder / ".env.production"
    kept = settings.read_text()
    settings.write_text(f"{kept}SESSION_LIFETIME=long\n")
    try:
        said = assert_nothing_changed(server, lambda: server.run("deploy", commit))
    finally:
        settings.write_text(kept)

    assert "schema: set SESSION_LIFETIME to a whole number from 1 to 365, not to 'long'. Mend that" in said
    assert "Traceback" not in said


def test_no_backup_can_be_made(server, tmp_path):
    """None is younger than 24 hours, and there is a file where the folder for another should be."""
    commit = server.commit("Without a backup", {"backend/gunicorn.conf.py": "# without\n"})
    backups = server.folder / "backups"
    backups.rename(tmp_path / "backups")
    backups.write_text("A file.\n")
    try:
        said = assert_nothing_changed(server, lambda: server.run("deploy", commit))
    finally:
        backups.unlink()
        (tmp_path / "backups").rename(backups)

    assert "backup.sh: " in said
    assert "there is no proven backup of the last 24 hours, and none could be made; nothing was changed." in said


def test_a_file_is_in_the_way(server):
    commit = server.commit("Notes", {"notes.txt": "The release's.\n"})
    file = server.folder / "notes.txt"
    file.write_text("An operator's.\n")
    try:
        said = assert_nothing_changed(server, lambda: server.run("deploy", commit))
        assert file.read_text() == "An operator's.\n"
    finally:
        file.unlink()

    assert "notes.txt" in said
    assert "move them away" in said


def test_the_database_does_not_run(server):
    """Nothing is built for it, and nothing started."""
    commit = server.commit("Without a database", {"backend/gunicorn.conf.py": "# without\n"})
    server.compose("stop", "db")
    try:
        result = server.run("deploy", commit)
        assert server.stand_ins() == []
    finally:
        server.compose("start", "db")
        for _ in range(60):
            if docker("inspect", "--format", "{{.State.Health.Status}}", server.container("db")) == "healthy\n":
                break
            time.sleep(0.5)
        server.wait()

    assert result.returncode == 1
    assert "the database is not healthy; look at it: " in result.stderr
    assert "Built" not in result.stdout


def test_there_is_no_such_commit(server):
    said = assert_nothing_changed(server, lambda: server.run("deploy", "0123456789012345678901234567890123456789"))

    assert "there is no commit 0123456789012345678901234567890123456789, neither here nor at origin" in said


def test_files_were_edited(server):
    file = server.folder / "README.md"
    text = file.read_text()
    file.write_text(text + "An operator's note.\n")
    try:
        said = assert_nothing_changed(server, lambda: server.run("deploy"))
    finally:
        file.write_text(text)

    assert "README.md" in said
    assert "git stash" in said


@pytest.mark.parametrize("script", ["deploy", "rollback"])
@pytest.mark.parametrize("arguments", [["--now"], ["one", "two"]])
def test_it_is_called_wrongly(server, script, arguments):
    result = server.run(script, *arguments)

    assert result.returncode == 2
    assert f"{script}.sh --help" in result.stderr


@pytest.mark.torture
def test_it_is_killed(server, tmp_path):
    """Twice: while the stand-ins start, and when the old backend is gone. It goes on answering; the next one works."""
    real, db = shutil.which("docker"), server.container("db")[:12]
    starting = f'case "$*" in *Health*{db}*) echo starting ;; *) exec {real} "$@" ;; esac'
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{starting}\n")
    (tmp_path / "docker").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    commit = server.commit("Killed twice", {"backend/gunicorn.conf.py": "# killed\n"})
    old, before = server.container("backend"), len(server.log())

    with Traffic(server) as traffic:
        process = server.start("deploy", commit)
        server.kill_when(process, lambda: server.stand_ins())
        process = start_when_free(server, commit)
        refused = server.run("deploy", commit)
        assert refused.returncode == 1
        assert f"deploy.sh of {getpass.getuser()} since 20" in refused.stderr
        server.kill_when(process, lambda: old not in running(server), group=True)
        # One that fails before it begins leaves what answers.
        while "since 20" in (early := server.run("deploy", commit, PATH=path)).stderr:
            time.sleep(1)
        assert "the database is not healthy" in early.stderr
        assert "the backend is not healthy; what stands in for it is left." in early.stderr
        assert server.stand_ins()
        result = start_when_free(server, commit)
        stdout, stderr = result.communicate(timeout=600)

    assert result.returncode == 0, stdout + stderr
    traffic.assert_nothing_failed()
    assert server.release() == (commit, commit)
    assert server.stand_ins() == []
    assert [line[4:6] for line in server.log()[before:]] == [
        [commit, "killed"], [commit, "killed"], ["-", "failed"], [commit, "done"],
    ]  # fmt: skip


@pytest.mark.torture
def test_it_is_interrupted(server):
    """When the old backend is gone already: the old release is put back. The commit is here, and origin is not."""
    commit = server.commit("Interrupted", {"backend/gunicorn.conf.py": "# interrupted\n"})
    before, head, old = server.release(), server.head(), server.container("backend")
    git(server.folder, "fetch", "--quiet")
    git(server.folder, "remote", "set-url", "origin", "/nowhere")

    with Traffic(server) as traffic:
        process = server.start("deploy", commit)
        server.when(process, lambda: old not in running(server))
        process.terminate()
        stdout, stderr = process.communicate(timeout=300)

    git(server.folder, "remote", "set-url", "origin", server.origin)
    assert process.returncode == 143, stdout + stderr
    assert "Putting the old release back." in stdout
    assert stderr == "deploy.sh: interrupted.\n"
    traffic.assert_nothing_failed()
    assert (server.release(), server.head(), server.stand_ins()) == (before, head, [])
    assert server.log()[-1][4:6] == [commit, "failed"]


def running(server):
    return docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={server.project}").split()


def start_when_free(server, commit):
    """What a killed script had begun may hold the lock until it is done."""
    for _ in range(60):
        process = server.start("deploy", commit)
        time.sleep(1)
        if process.poll() is None:
            return process
        assert f"deploy.sh of {getpass.getuser()} since 20" in process.communicate()[1]
    pytest.fail("the lock of a killed deploy stays")


@pytest.mark.torture
def test_it_goes_back_after_one_that_was_killed(server):
    """To what that began with, also where one half was replaced and the other was not."""
    before, head, old = server.release(), server.head(), server.container("backend")
    commit = server.commit("Half", {"backend/gunicorn.conf.py": "# half\n"})

    with Traffic(server) as traffic:
        process = server.start("deploy", commit)
        server.kill_when(process, lambda: old not in running(server), group=True)
        while "since 20" in (result := server.run("rollback")).stderr:
            time.sleep(1)

    assert result.returncode == 0, result.stdout + result.stderr
    traffic.assert_nothing_failed()
    assert (server.release(), server.head(), server.stand_ins()) == (before, head, [])
    assert server.log()[-1][2:6] == ["rollback", commit, before[0], "done"]


@pytest.mark.torture
def test_the_schema_moves_on(server):
    """Forward it migrates and takes over nginx's file; back only when every migration says so, or the operator does."""
    column = "alter table thinking_project add column colour text"
    marked = MIGRATION.format(mark="previous_release_runs = True\n", after=LAST, sql=column)
    unmarked = MIGRATION.format(mark="", after=f"{NEXT}_marked", sql="select 1")
    commit = server.commit("Two migrations", {
        f"backend/apps/core/migrations/{NEXT}_marked.py": marked,
        f"backend/apps/core/migrations/{AFTER_NEXT}_unmarked.py": unmarked,
        "nginx/nginx.conf": lambda text: text.replace("return 204;", "return 200 new;"),
    })  # fmt: skip
    before = server.head()
    # Somebody else migrates.
    lock = "select pg_advisory_lock(7465001), pg_sleep(50)"
    holder = subprocess.Popen(["docker", "exec", server.container("db"), "psql", "-qU", "thinkring_user", "-c", lock,
                               "thinkring_prod"])  # fmt: skip

    with Traffic(server) as traffic:
        result = server.run("deploy", commit)
    assert holder.wait(timeout=60) == 0
    assert result.returncode == 0, result.stdout + result.stderr
    traffic.assert_nothing_failed()
    assert int(re.search(r"^ *(\d+) s  Migrated\.$", result.stdout, re.M)[1]) >= 50
    assert f"Migrations to apply: core.{NEXT}_marked core.{AFTER_NEXT}_unmarked" in result.stdout
    assert f"Nothing says that the release that runs goes on with core.{AFTER_NEXT}_unmarked (" in result.stdout
    assert "nginx took over its new file." in result.stdout
    healthy = server.compose("exec", "-T", "nginx", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/healthy")
    assert healthy.stdout == "new"
    assert server.get(f"{server.api}/health/ready/").status_code == 200

    # As a release would leave it that had newer packages.
    newer = "('axes', '9999_newer', now()), ('vanished', '0001_initial', now())"
    applied = f"insert into django_migrations (app, name, applied) values {newer}"
    docker("exec", server.container("db"), "psql", "-qU", "thinkring_user", "-c", applied, "thinkring_prod")
    refused = server.run("rollback")
    assert refused.returncode == 1
    assert "does not know: axes.9999_newer" in refused.stdout
    assert f"does not know: core.{NEXT}_marked" in refused.stdout
    assert f"(core.{AFTER_NEXT}_unmarked vanished.0001_initial: no `previous_release_runs = True`" in refused.stderr
    assert server.release() == (commit, commit)

    with Traffic(server) as traffic:
        forced = server.run("rollback", "--force", before)
    assert forced.returncode == 0, forced.stdout + forced.stderr
    traffic.assert_nothing_failed()
    assert server.release() == (before, before)
    assert server.head() == before
    made_up = "name like '000__%marked' or name = '9999_newer' or app = 'vanished'"
    undo = f"alter table thinking_project drop colour; delete from django_migrations where {made_up}"
    server.compose("exec", "-T", "db", "psql", "-U", "thinkring_user", "thinkring_prod", "-c", undo)


def test_the_specified_update_still_works(server):
    server.compose("up", "-d", "--build")

    server.wait()
    assert server.release()[0] == "unknown"
