"""
ops/deploy.sh and ops/rollback.sh on one running server, to which commits are pushed: what works does so without a
failed request or a lost write, and whatever goes wrong leaves the release that answered answering. One test builds on
the other, in this order, since every replacement takes the better part of a minute.
"""

import subprocess
import time

import pytest

from production import ENVIRONMENT, FRONT_ENDS, PRODUCTION, docker

from .traffic import Traffic

MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    {mark}
    dependencies = [("core", "{after}")]
    operations = [migrations.RunSQL("{sql}", migrations.RunSQL.noop)]
"""
FAILING = MIGRATION.format(mark="", after="0001_cache_table", sql="select 1/0")


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_line_is_changed(server, front_end, figure):
    # Really built by one of them.
    parent = server.first if front_end == FRONT_ENDS[-1] else server.quick
    change = {"backend/gunicorn.conf.py": f"# {front_end}\n", "frontend/src/app.css": "\n"}
    commit = server.commit(f"A line for {front_end}", change, parent)
    before = len(server.log()) if (server.folder / "ops/state/deploys.log").exists() else 0

    began = time.monotonic()
    with Traffic(server) as traffic:
        result = server.run("deploy", front_end=front_end)
    seconds = time.monotonic() - began

    assert result.returncode == 0, result.stdout + result.stderr
    print(result.stdout)
    figure("deploy of a changed line", f"{seconds:.0f} s; {traffic}")
    traffic.assert_nothing_failed()
    assert commit in traffic.commits
    assert server.release() == (commit, commit)
    assert server.head() == commit
    assert server.stand_ins() == []
    (line,) = server.log()[before:]
    assert line[2] == "deploy"
    assert line[4:6] == [commit, "done"]
    assert "previous" in server.run("rollback", "--list").stdout
    made = server.container("backend"), server.container("frontend")
    compose(server, front_end, "up", "-d", "--no-deps", "backend", "frontend")
    assert (server.container("backend"), server.container("frontend")) == made, "a plain up would have made them so"


def compose(server, front_end, *arguments):
    result = subprocess.run(
        [*front_end.split(), "-f", PRODUCTION, *arguments],
        cwd=server.folder, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("front_end", FRONT_ENDS)
@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_the_specified_commands_find_the_new_containers(server, front_end, service):
    compose(server, front_end, "exec", "-T", service, "true")


def test_it_goes_back(server, figure):
    (to, now) = server.log()[-1][3:5]
    assert server.release() == (now, now)

    began = time.monotonic()
    with Traffic(server) as traffic:
        result = server.run("rollback")
    seconds = time.monotonic() - began

    assert result.returncode == 0, result.stdout + result.stderr
    figure("roll-back", f"{seconds:.0f} s; {traffic}")
    traffic.assert_nothing_failed()
    assert server.release() == (to, to)
    assert server.head() == to
    assert server.log()[-1][2:6] == ["rollback", now, to, "done"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("0123456789012345678901234567890123456789", "are not kept. Kept are:"), ("HEAD", "is what runs")],
)
def test_it_goes_back_only_to_what_is_kept(server, wanted, words):
    result = server.run("rollback", wanted)

    assert result.returncode == 1
    assert words in result.stderr
    if "Kept" in words:
        assert "previous  " in result.stderr
        assert 'A line for docker compose"' in result.stderr


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
    "a front end that ends": (
        {"frontend/start.js": lambda text: "throw new Error('no, never');\n" + text},
        ["no, never", "frontend of", "did not become healthy"],
    ),
    "a migration that fails": (
        {"backend/apps/core/migrations/0002_fails.py": FAILING},
        ["division by zero", "a migration of", "failed"],
    ),
    "a configuration that nginx refuses": (
        {"nginx/nginx.conf": "nonsense;\n"},
        ["nonsense", "nginx refuses the nginx.conf of"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_it_fails_on(server, case):
    changes, words = BROKEN[case]
    commit = server.commit(case, changes)

    said = assert_nothing_changed(server, lambda: server.run("deploy", commit))

    for word in words:
        assert word in said
    assert server.log()[-1][4:6] == [commit, "failed"]


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


def test_it_is_killed(server):
    """Twice: while the stand-ins start, and when the old backend is gone. It goes on answering; the next one works."""
    commit = server.commit("Killed twice", {"backend/gunicorn.conf.py": "# killed\n"})
    old = server.container("backend")

    with Traffic(server) as traffic:
        process = server.start("deploy", commit)
        server.kill_when(process, lambda: server.stand_ins())
        process = start_when_free(server, commit)
        refused = server.run("deploy", commit)
        assert refused.returncode == 1
        assert "another deploy is running (root since 20" in refused.stderr
        server.kill_when(process, lambda: old not in running(server))
        assert server.stand_ins()
        result = start_when_free(server, commit)
        stdout, stderr = result.communicate(timeout=600)

    assert result.returncode == 0, stdout + stderr
    traffic.assert_nothing_failed()
    assert server.release() == (commit, commit)
    assert server.stand_ins() == []


def running(server):
    return docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={server.project}").split()


def start_when_free(server, commit):
    """What a killed script had begun may hold the lock until it is done."""
    for _ in range(60):
        process = server.start("deploy", commit)
        time.sleep(1)
        if process.poll() is None:
            return process
        assert "another deploy is running" in process.communicate()[1]
    pytest.fail("the lock of a killed deploy stays")


def test_the_schema_moves_on(server):
    """Forward it migrates and takes over nginx's file; back only when every migration says so, or the operator does."""
    marked = MIGRATION.format(mark="previous_release_runs = True\n", after="0001_cache_table", sql="select 1")
    unmarked = MIGRATION.format(mark="", after="0002_marked", sql="select 1")
    commit = server.commit("Two migrations", {
        "backend/apps/core/migrations/0002_marked.py": marked,
        "backend/apps/core/migrations/0003_unmarked.py": unmarked,
        "nginx/nginx.conf": lambda text: text.replace("return 204;", "return 200 new;"),
    })  # fmt: skip
    before = server.head()

    with Traffic(server) as traffic:
        result = server.run("deploy", commit)
    assert result.returncode == 0, result.stdout + result.stderr
    traffic.assert_nothing_failed()
    assert "Migrations to apply: core.0002_marked core.0003_unmarked" in result.stdout
    assert "nginx took over its new file." in result.stdout
    healthy = server.compose("exec", "-T", "nginx", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/healthy")
    assert healthy.stdout == "new"
    assert server.get(f"{server.api}/health/ready/").status_code == 200

    refused = server.run("rollback")
    assert refused.returncode == 1
    assert "does not know: core.0002_marked" in refused.stdout
    assert "(core.0003_unmarked: no `previous_release_runs = True`" in refused.stderr
    assert server.release() == (commit, commit)

    forced = server.run("rollback", "--force")
    assert forced.returncode == 0, forced.stdout + forced.stderr
    assert server.release() == (before, before)
    assert server.head() == before


def test_the_specified_update_still_works(server):
    compose(server, FRONT_ENDS[-1], "up", "-d", "--build")

    server.wait()
    assert server.release()[0] == "unknown"
