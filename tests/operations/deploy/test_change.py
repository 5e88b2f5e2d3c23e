"""
A changed line reaches a running server, and the release before it comes back: without a failed request or a lost write,
and who had a tab open goes on writing in it. One test builds on the other, in this order, since every replacement takes
the better part of a minute.
"""

import os
import subprocess
import time

import pytest

from browser.visitor import LOCALES
from production import ENVIRONMENT, FRONT_ENDS, PRODUCTION, docker

from .tab import tab
from .traffic import Traffic

pytestmark = pytest.mark.alone
# By kept_commits of ops/release.sh.
KEPT = 5


@pytest.mark.parametrize(("front_end", "language"), [*zip(FRONT_ENDS, LOCALES, strict=True)])
def test_a_line_is_changed(server, front_end, language, chromium, figure):
    # Really built by one of them.
    parent = server.first if front_end == FRONT_ENDS[-1] else server.quick
    change = {"backend/gunicorn.conf.py": f"# {front_end}\n", "frontend/src/app.css": "\n"}
    commit = server.commit(f"A line for {front_end}", change, parent)
    if front_end == FRONT_ENDS[0]:
        keep_older_ones(server)
    before, backups = len(server.log()), [*(server.folder / "backups").glob("*.json")]

    with tab(server, chromium, language) as opened, Traffic(server) as traffic:
        began = time.monotonic()
        process = server.start("deploy", front_end=front_end)
        while process.poll() is None:
            opened.write()
        seconds = time.monotonic() - began
        stdout, stderr = process.communicate()
        assert process.returncode == 0, stdout + stderr
        opened.goes_on()

    print(stdout)
    figure("deploy of a changed line (goals: 90 s, 0 failed, 0 lost)", f"{seconds:.0f} s; {traffic}")
    traffic.assert_nothing_failed()
    # CI's machine may be half as fast.
    assert seconds <= (180 if os.environ.get("CI") else 90)
    assert commit in traffic.commits
    assert server.release() == (commit, commit)
    assert server.head() == commit
    assert server.stand_ins() == []
    assert ("There is a proven backup of the last 24 hours." in stdout) == bool(backups)
    assert ("Wrote " in stdout) != bool(backups)
    (line,) = server.log()[before:]
    assert line[2] == "deploy"
    assert line[4:6] == [commit, "done"]
    kept = server.run("rollback", "--list").stdout
    assert kept.count("\n") == KEPT + 1
    assert "previous" in kept
    made = server.container("backend"), server.container("frontend")
    compose(server, front_end, "up", "-d", "--no-deps", "backend", "frontend")
    assert (server.container("backend"), server.container("frontend")) == made, "a plain up would have made them so"


def keep_older_ones(server):
    """As if six releases had run before."""
    log = server.folder / "ops/state/deploys.log"
    for commit in [f"{number:040x}" for number in range(6)]:
        for service in ["backend", "frontend"]:
            docker("tag", "nginx:alpine", f"{server.project}_{service}:{commit}")
        with log.open("a") as lines:
            lines.write(f"2026-01-01T00:00:00Z root deploy {commit} {commit} done 60\n")


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
    with (server.folder / "ops/state/deploys.log").open("a") as log:
        # As ops/update-images.sh leaves it.
        log.write(f"2026-01-01T00:00:00Z root deploy {now} {now} done 60\n")

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
