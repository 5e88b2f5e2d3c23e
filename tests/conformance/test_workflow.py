"""
The specified workflow's commands, run against a real git repository, with a stand-in for docker-compose that keeps a
record. What ours does on a server is in tests/operations/deploy/test_workflow.py. And what its tests are.
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
case "$*" in *migrate*) exit 1 ;; esac
"""


def git(directory, *arguments):
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


def commit(directory, message):
    git(directory, "commit", "-q", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture
def server(tmp_path):
    """The specified script on a server one commit behind, while main has moved on beyond the commit that was tested."""
    origin, checkout = tmp_path / "origin", tmp_path / "thinkring"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    commit(origin, "deployed")
    git(tmp_path, "clone", "-q", origin, checkout)
    commit(origin, "tested")
    newer = commit(origin, "pushed while the tests ran")
    (tmp_path / "docker-compose").write_text(DOCKER_COMPOSE)
    (tmp_path / "docker-compose").chmod(0o755)
    (step,) = [
        step
        for step in workflow_file.parse(block("deploy.yml"))["jobs"]["build-and-deploy"]["steps"]
        if "script" in step.get("with", {})
    ]
    script = step["with"]["script"].replace("/path/to/thinkring", str(checkout))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RECORD": str(tmp_path / "record")}
    subprocess.run(["sh", "-c", script], env=environment, capture_output=True)
    return checkout, newer, (tmp_path / "record").read_text().splitlines()


def test_the_specified_script_deploys_what_was_not_tested(server):
    checkout, newer, _ = server

    assert git(checkout, "rev-parse", "HEAD") == newer


def test_the_specified_script_goes_on_after_a_failed_migration(server):
    _, _, commands = server

    assert [command.split()[2] for command in commands] == ["up", "exec", "exec"]
    assert commands[-1].endswith("collectstatic --noinput")


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


def test_the_workflow_may_do_nothing_but_read():
    workflow = workflow_file.parse((ROOT / workflow_file.FILE).read_text())

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
