"""
The workflow's commands, run: the specified script and ours against a real git repository, with a stand-in for
docker-compose that keeps a record. And what its actions and tests are.
"""

import re
import subprocess
import sys

import pytest

from production import ROOT

from . import workflow_file
from .specification import block

DOCKER_COMPOSE = """#!/bin/sh
echo "$*" >>"$RECORD"
case "$*" in *"$FAILS"*) exit 1 ;; esac
"""


def git(directory, *arguments):
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


def commit(directory, message):
    git(directory, "commit", "-q", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture
def server(tmp_path):
    """A server's checkout one commit behind, while main has moved on beyond the commit that was tested."""
    origin, checkout = tmp_path / "origin", tmp_path / "thinkring"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    old = commit(origin, "deployed")
    git(tmp_path, "clone", "-q", origin, checkout)
    tested = commit(origin, "tested")
    newer = commit(origin, "pushed while the tests ran")
    (tmp_path / "docker-compose").write_text(DOCKER_COMPOSE)
    (tmp_path / "docker-compose").chmod(0o755)
    (tmp_path / "record").write_text("")

    def deploy(text, fails="nothing fails"):
        script = script_of(text).replace("/path/to/thinkring", str(checkout))
        environment = {
            "PATH": f"{tmp_path}:/usr/bin:/bin", "RECORD": str(tmp_path / "record"), "FAILS": fails, "COMMIT": tested,
        }  # fmt: skip
        deploy.status = subprocess.run(["sh", "-c", script], env=environment, capture_output=True).returncode
        deploy.commands = (tmp_path / "record").read_text().splitlines()
        return git(checkout, "rev-parse", "HEAD")

    deploy.checkout, deploy.old, deploy.tested, deploy.newer = checkout, old, tested, newer
    return deploy


def script_of(text):
    (step,) = [
        step
        for step in workflow_file.parse(text)["jobs"]["build-and-deploy"]["steps"]
        if "script" in step.get("with", {})
    ]
    return step["with"]["script"]


OURS = (ROOT / workflow_file.FILE).read_text()
LITERAL = block("deploy.yml")
PROD = "-f docker-compose.prod.yml"


def test_the_server_gets_the_tested_commit(server):
    assert server(LITERAL) == server.newer
    assert server(OURS) == server.tested
    assert server.status == 0


def test_the_workflow_hands_over_the_tested_commit():
    (step,) = [step for step in workflow_file.parse(OURS)["jobs"]["build-and-deploy"]["steps"] if "env" in step]

    assert step["env"]["COMMIT"] == "${{ github.sha }}"
    assert step["with"]["envs"] == "COMMIT"


def test_an_operator_can_still_pull(server):
    server(OURS)

    git(server.checkout, "pull", "-q", "origin", "main")

    assert git(server.checkout, "rev-parse", "HEAD") == server.newer


@pytest.mark.parametrize("fails", ["build", "migrate"])
def test_a_failed_step_leaves_the_old_containers(server, fails):
    server(LITERAL, fails)
    literal = server.commands
    server(OURS, fails)
    ours = server.commands[len(literal) :]

    assert f"{PROD} exec backend python manage.py collectstatic --noinput" in literal, "the literal script goes on"
    assert server.status != 0
    assert fails in ours[-1]
    assert not any(f"{PROD} up" in command for command in ours)


def test_nothing_is_built_when_there_is_no_such_commit(server):
    git(server.checkout, "remote", "set-url", "origin", "gone")

    assert server(OURS) == server.old
    assert server.status != 0
    assert server.commands == []


def test_exec_wants_a_terminal(engine, tmp_path):
    (tmp_path / "docker-compose.yml").write_text(
        "version: '3.8'\nservices: {backend: {image: 'nginx:alpine', entrypoint: sleep 60}}\n"
    )
    compose = ["docker-compose", "-p", "thinkring-test-terminal"]
    subprocess.run([*compose, "up", "-d"], cwd=tmp_path, check=True, capture_output=True)
    try:
        literal, ours = (
            subprocess.run(
                [*compose, "exec", *option, "backend", "echo", "done"],
                cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            )
            for option in ([], ["-T"])
        )  # fmt: skip
    finally:
        subprocess.run([*compose, "down", "-t", "0"], cwd=tmp_path, check=True, capture_output=True)

    assert literal.returncode != 0
    assert "the input device is not a TTY" in literal.stderr
    assert (ours.returncode, ours.stdout) == (0, "done\n")


def test_every_exec_and_run_does_without_a_terminal():
    commands = re.findall(r"^.* (?:exec|run --rm) .*$", script_of(OURS), re.M)

    assert len(commands) == 2
    assert all(" -T " in command for command in commands)


def test_actions_are_pinned():
    uses = re.findall(r"uses: (.*)$", OURS, re.M)

    pins = {re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40})  # (v\d+\.\d+\.\d+)", line).groups() for line in uses}
    assert len(pins) == len({action for action, _, _ in pins}), "one release of each"


def test_the_workflow_may_do_nothing_but_read():
    workflow = workflow_file.parse(OURS)

    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert int(job["timeout-minutes"]) <= 30
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert [step["with"]["persist-credentials"] for step in checkouts] == ["false"]
    assert workflow["concurrency"] == {"group": "production", "cancel-in-progress": "false"}


def manage_py_test(*arguments):
    return subprocess.run(
        [sys.executable, "manage.py", "test", *arguments], cwd=ROOT / "backend", capture_output=True, text=True
    )


def test_djangos_own_runner_finds_no_tests():
    result = manage_py_test("--testrunner", "django.test.runner.DiscoverRunner")

    assert "Found 0 test(s)." in result.stdout


def test_manage_py_test_runs_pytest():
    test = "apps/thinking/tests/test_content.py"

    result = manage_py_test(test)

    assert result.returncode == 0, result.stdout
    assert re.search(r"\d+ passed", result.stdout)
