"""
Several backends behind one nginx, on one machine: they come, go, die, freeze and are replaced under constant traffic.
That their limits count together: tests/stack/test_limits.py.
"""

import collections
import contextlib
import json
import os
import signal
import time

import crossplane
import pytest

from conformance import nginx_file
from conformance.specification import DIRECTORY
from operations.deploy.conftest import Server
from operations.deploy.traffic import Traffic
from production import FRONT_ENDS, docker

pytestmark = pytest.mark.torture
NUMBER = 3


def backends(stack):
    """The ids of those that run, by their number."""
    found = docker(
        "ps", "--quiet", "--filter", f"label=com.docker.compose.project={stack.project}",
        "--filter", "label=com.docker.compose.service=backend", "--filter", "label=com.docker.compose.oneoff=False",
    ).split()  # fmt: skip
    number = '{{index .Config.Labels "com.docker.compose.container-number"}}'
    return {int(docker("inspect", "--format", number, id)): id for id in found}


def scale(stack, number):
    stack.compose("up", "-d", "--scale", f"backend={number}")
    wait_for(stack, number)


def wait_for(stack, number):
    end = time.monotonic() + 60
    states = []
    while states != ["healthy"] * number:
        assert time.monotonic() < end, states
        time.sleep(0.5)
        states = [
            docker("inspect", "--format", "{{.State.Health.Status}}", id).strip() for id in backends(stack).values()
        ]


@pytest.fixture(scope="module")
def server(engine, tmp_path_factory):
    """Three backends, as an operator has them who wants that many for good."""
    folder = tmp_path_factory.mktemp("scaling")
    server = Server(folder / "thinkring", FRONT_ENDS[-1].split())
    with server.running(BACKENDS=NUMBER):
        server.prepare(folder)
        wait_for(server, NUMBER)
        yield server


class Answers:
    """With it as a context it counts which backend has answered how often, by nginx's log."""

    def __init__(self, stack):
        self.stack = stack

    def __enter__(self):
        self.before = len(self.stack.logs("nginx").splitlines())
        return self

    def __exit__(self, *_):
        lines = self.stack.logs("nginx").splitlines()[self.before :]
        asked = [json.loads(line) for line in lines if '"request_id"' in line and "/api/v1/" in line]
        # Of those that were tried the last one answered.
        self.counted = collections.Counter(line["upstream"].split(", ")[-1] for line in asked)
        self.slowest = max(float(line["seconds"]) for line in asked)

    def assert_shared(self, number):
        """By so many, and each had its part."""
        assert len(self.counted) == number, self.counted
        assert min(self.counted.values()) > self.counted.total() / number / 3, self.counted


@pytest.mark.parametrize("stack", FRONT_ENDS, indirect=True)
def test_they_come_and_go(stack, figure):
    with Traffic(stack) as traffic:
        scale(stack, NUMBER)
        with Answers(stack) as answers:
            time.sleep(10)
        scale(stack, 1)
        time.sleep(2)

    figure("backends from 1 to 3 and back (goal: 0 failed, 0 lost)", traffic)
    traffic.assert_nothing_failed()
    answers.assert_shared(NUMBER)


def test_one_dies(server, figure):
    victim = [*backends(server).values()][1]
    with Traffic(server) as traffic:
        os.kill(int(docker("inspect", "--format", "{{.State.Pid}}", victim)), signal.SIGKILL)
        time.sleep(15)
    wait_for(server, NUMBER)

    figure("one of 3 backends killed", traffic)
    traffic.assert_nothing_failed()


def test_one_freezes(server, figure):
    """Whoever is with it waits until it goes on; the others are given to those that answer."""
    victim = [*backends(server).values()][1]
    with Traffic(server) as traffic:
        time.sleep(2)
        with Answers(server) as answers:
            docker("pause", victim)
            try:
                time.sleep(20)
            finally:
                docker("unpause", victim)
            time.sleep(2)

    figure("one of 3 backends frozen for 20 s", f"{traffic}; slowest answer {answers.slowest:.1f} s")
    traffic.assert_nothing_failed()


def test_a_deploy_keeps_their_number(server, figure):
    scale(server, NUMBER + 1)
    commit = server.commit("Another release", {"backend/gunicorn.conf.py": "# another\n"})

    with Traffic(server) as traffic:
        result = server.run("deploy", commit)

    assert result.returncode == 0, result.stdout + result.stderr
    figure("deploy with 4 backends (goal: 0 failed, 0 lost)", traffic)
    traffic.assert_nothing_failed()
    assert server.release() == (commit, commit)
    # docker-compose 1.29 looks for the first one.
    assert sorted(backends(server)) == [1, 2, 3, 4]
    images = {docker("inspect", "--format", "{{.Config.Image}} {{.Image}}", id) for id in backends(server).values()}
    assert len(images) == 1
    assert server.stand_ins() == []
    # What a plain `up` makes of it is what the settings say.
    server.compose("up", "-d")
    wait_for(server, NUMBER)


def test_the_doctor_misses_one(server):
    docker("rm", "-f", [*backends(server).values()][1])
    try:
        said = server.run("doctor").stdout
    finally:
        server.compose("up", "-d")
        wait_for(server, NUMBER)

    assert "of 3 containers of backend 2 are there." in said


@contextlib.contextmanager
def chapter_9(server):
    """nginx with the specified upstream, and three backends by the names that it has."""
    file = server.folder / "nginx" / "nginx.conf"
    text = file.read_text()
    (specified,) = nginx_file.read(DIRECTORY / "upstream-least-conn.conf")
    directives = nginx_file.read(file)
    http = next(directive for directive in directives if directive["directive"] == "http")
    http["block"] = [
        specified if directive["directive"] == "upstream" and directive["args"] == ["backend"] else directive
        for directive in http["block"]
    ]
    network = f"{server.project}_default"
    # compose gives another number to one that is made anew.
    for number, id in enumerate(backends(server).values(), start=1):
        docker("network", "disconnect", network, id)
        docker("network", "connect", "--alias", "backend", "--alias", f"backend{number}", network, id)
    # In place, since the container has the file and not its name.
    file.write_text(crossplane.build(directives))
    try:
        server.compose("exec", "-T", "nginx", "nginx", "-s", "reload")
        yield
    finally:
        file.write_text(text)
        server.compose("exec", "-T", "nginx", "nginx", "-s", "reload")


def test_the_upstream_of_chapter_9(server, figure):
    with chapter_9(server):
        time.sleep(2)
        with Traffic(server) as traffic, Answers(server) as answers:
            time.sleep(10)
        with Traffic(server) as one_dies:
            docker("kill", [*backends(server).values()][1])
            time.sleep(15)

    figure("the specified upstream of 3 backends", traffic)
    figure("the specified upstream, one of 3 killed", one_dies)
    traffic.assert_nothing_failed()
    answers.assert_shared(NUMBER)
    one_dies.assert_nothing_failed()
