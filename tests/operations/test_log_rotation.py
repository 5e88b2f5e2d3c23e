"""
The logs of nginx and backend while Docker's json-file driver rotates them under traffic, here every few kilobytes
instead of every ten megabytes: no request fails, and each has its line, whole, in one of the files.
"""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from production import ENVIRONMENT, PRODUCTION, docker

from .deploy.traffic import Traffic

SECONDS = 20
# So many files that none is dropped.
SMALL = """
version: '3.8'
services:
  nginx: &small
    logging:
      driver: json-file
      options:
        max-size: 20k
        max-file: "500"
  backend: *small
"""


class Numbered(Traffic):
    """Traffic that keeps the id of each request, as its answer and the logs have it."""

    def __init__(self, stack):
        super().__init__(stack)
        self.ids = {"nginx": set(), "backend": set()}

    def ask(self, session, method, url, expected, **arguments):
        answer = super().ask(session, method, url, expected, **arguments)
        if answer is not None:
            id = answer.headers["X-Request-ID"]
            with self.lock:
                self.ids["nginx"].add(id)
                if "/projects/" in url:
                    self.ids["backend"].add(id)
        return answer


@pytest.fixture
def rotating(stack, tmp_path, missing):
    """The stack, whose nginx and backend have small log files."""
    if os.geteuid() != 0:
        missing("only root can read Docker's log files")
    more = tmp_path / "small.yml"
    more.write_text(SMALL)
    command = [*stack.front_end, "-f", PRODUCTION, "-f", more, "up", "-d", "--no-deps", "nginx", "backend"]
    subprocess.run(command, cwd=stack.folder, env=ENVIRONMENT, check=True, capture_output=True)
    try:
        stack.wait()
        yield stack
    finally:
        stack.compose("up", "-d", "--no-deps", "nginx", "backend")
        stack.wait()


def files(stack, service):
    newest = Path(docker("inspect", "--format", "{{.LogPath}}", stack.container(service)).strip())
    return list(newest.parent.glob(f"{newest.name}*"))


def ids(file):
    """Of the requests in it; each of its lines is whole."""
    for line in file.read_text().splitlines():
        said = json.loads(line)["log"]
        assert said.endswith("\n"), said
        if said.startswith("{"):
            yield json.loads(said).get("request_id")


def test_logs_are_rotated_under_traffic(rotating, figure):
    before = {service: len(files(rotating, service)) for service in ["nginx", "backend"]}

    with Numbered(rotating) as traffic:
        time.sleep(SECONDS)
    # nginx writes lines about files together, a second later at most.
    time.sleep(2)

    after = {service: files(rotating, service) for service in before}
    rotations = {service: len(after[service]) - before[service] for service in before}
    lost = {service: traffic.ids[service] - {id for file in after[service] for id in ids(file)} for service in before}
    lines = sum(len(ids) for ids in traffic.ids.values())
    figure(
        "logs rotated",
        f"{SECONDS} s; {traffic}; {rotations['nginx']} rotations of nginx and {rotations['backend']} of backend; "
        f"{lines} lines, {sum(len(ids) for ids in lost.values())} missing",
    )
    traffic.assert_nothing_failed()
    assert lost == {"nginx": set(), "backend": set()}
    assert min(rotations.values()) >= 3
