"""
More requests than the server can answer: what is over its capacity is refused at once and nobody waits long; nothing is
lost, and nothing grows. One account asks from one address, so that what nginx takes of one is not limited here.
"""

import contextlib
import json
import os
import threading
import time
import uuid
from pathlib import Path

import pytest
import requests

from operations.large.memory import held, pids_below
from production import docker

from . import faults
from .conftest import torture
from .load import Load, percentile, percentiles
from .traffic import found_nodes

SERVICES = ["nginx", "frontend", "backend", "db"]
OUTCOMES = ["served", "refused", "wrong"]
# What asks shares the processors with what answers, and in CI with other tests.
PATIENCE = 8 if "PYTEST_XDIST_WORKER" in os.environ else 3
GUARD = {"rate=100r/s": "rate=100000r/s", "limit_conn senders 20;": "limit_conn senders 10000;"}
# By max_conns of nginx.conf, and by workers and threads of gunicorn.conf.py.
WAITING = 64
BACKENDS_THREADS = 8
MIB = 1024 * 1024
# In MiB: what a service may hold more of after a load, and what PostgreSQL shares between its processes.
GROWTH = 32
SHARED_BUFFERS = 256

pytestmark = pytest.mark.usefixtures("root", "without_guard")


@pytest.fixture(scope="module")
def without_guard(stack):
    # In place, since the container has the file and not its name.
    file = stack.folder / "nginx" / "nginx.conf"
    text = file.read_text()
    lifted = text
    for limit, none in GUARD.items():
        assert limit in text
        lifted = lifted.replace(limit, none)
    file.write_text(lifted)
    stack.compose("exec", "-T", "nginx", "nginx", "-s", "reload")
    yield
    file.write_text(text)
    stack.compose("exec", "-T", "nginx", "nginx", "-s", "reload")


class Person:
    """Somebody with a project of twenty nodes, which is what is read; what is written does not lie in it."""

    def __init__(self, stack):
        self.stack = stack
        self.account = stack.register()
        project = self.post("projects/", {"title": "read under load"}, self.token())["id"]
        for _ in range(20):
            self.post("nodes/", {"title": uuid.uuid4().hex, "project": project}, self.token())
        self.page = f"/api/v1/nodes/?project={project}&page_size=20"

    def post(self, path, body, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.stack.request("POST", f"{self.stack.api}/{path}", json=body, headers=headers)
        assert answer.ok, answer.text
        return answer.json()

    def token(self):
        """A new one at each call; it lives for a quarter of an hour."""
        return self.post("auth/token/", self.account)["access"]

    def load(self, seconds, **load):
        return Load(self.stack, self.token(), self.page, seconds=seconds, **load)

    def kept(self, acknowledged):
        return found_nodes(self.stack, {"Authorization": f"Bearer {self.token()}"}, acknowledged)


@pytest.fixture
def person(stack):
    return Person(stack)


@pytest.fixture
def capacity(person):
    """Requests a second that are answered when sixteen ask without a pause."""
    load = person.load(5, threads=16)
    assert not load.wrong, load.wrong
    assert not load.refused
    return len(load.served) / load.seconds


class Health:
    """With it as a context health is asked once a second; afterwards it has what went wrong, and the slowest answer."""

    def __init__(self, stack):
        self.stack, self.slowest, self.wrong = stack, 0, []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.done.wait(1):
            began = time.monotonic()
            try:
                answer = self.stack.get(f"{self.stack.api}/health/")
            except requests.RequestException as error:
                self.wrong.append(repr(error))
            else:
                if answer.content != b'{"status": "healthy"}':
                    self.wrong.append(f"{answer.status_code} {answer.text}")
            self.slowest = max(self.slowest, time.monotonic() - began)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def memory(stack):
    return {service: held([faults.pid(stack, service)]) / MIB for service in SERVICES}


def files(stack):
    """
    How many are open in all processes of each service, connections included. Of the database's how many different ones:
    each of its processes keeps open what it has touched, and comes to touch every table.
    """
    opened = {service: open_in(faults.pid(stack, service)) for service in SERVICES}
    return {service: len(set(names) if service == "db" else names) for service, names in opened.items()}


def open_in(process):
    names = []
    for file in (file for each in pids_below([process]) for file in Path(f"/proc/{each}/fd").iterdir()):
        # One that has been closed in the meantime is not open.
        with contextlib.suppress(FileNotFoundError):
            names.append(os.readlink(file))
    return names


def connections(stack):
    count = "select count(*) from pg_stat_activity where backend_type = 'client backend' and client_addr is not null"
    return int(stack.sql(count))


def counted(loads, found):
    served, refused, wrong = ([each for load in loads for each in getattr(load, kind)] for kind in OUTCOMES)
    return (
        f"{len(served)} served, {percentiles(served)}; {len(refused)} refused, {percentiles(refused)}; "
        f"{len(wrong)} wrong; {sum(len(load.acknowledged) for load in loads)} writes acknowledged, {found} found"
    )


def growth(before, after):
    return ", ".join(f"{service} {before[service]:.0f} → {after[service]:.0f}" for service in before)


def killed_for_memory(stack):
    containers = json.loads(docker("inspect", *(stack.container(service) for service in SERVICES)))
    return [container["Name"] for container in containers if container["State"]["OOMKilled"]]


@pytest.mark.parametrize("seconds", [20, torture(600)])
def test_twice_the_capacity(stack, figure, person, capacity, seconds):
    before, restarted = memory(stack), faults.restarts(stack)

    with Health(stack) as health:
        load = person.load(seconds, rate=2 * capacity)
    after = memory(stack)
    found = person.kept(load.acknowledged)

    figure(
        "twice the capacity",
        f"{seconds} s at {2 * capacity:.0f} a second; {counted([load], found)}; "
        f"slowest health {health.slowest * 1000:.0f} ms; memory in MiB: {growth(before, after)}",
    )
    assert not load.wrong, load.wrong[:20]
    assert found == len(load.acknowledged) > 0
    assert len(load.refused) > 0
    assert len(load.served) > capacity * seconds / 2
    # What waits is WAITING requests at most; what is refused does not wait.
    assert percentile(load.served, 99) < PATIENCE * WAITING / capacity
    assert percentile(load.refused, 99) < PATIENCE * 0.5
    assert health.wrong == []
    assert health.slowest < PATIENCE * WAITING / capacity
    assert max(after[service] - before[service] for service in SERVICES) < GROWTH
    assert faults.restarts(stack) == restarted
    assert killed_for_memory(stack) == []


@pytest.mark.parametrize("seconds", [30, torture(300), torture(3600)])
def test_half_the_capacity(stack, figure, person, capacity, seconds):
    """After a first part, in which caches fill, nothing grows."""
    parts = max(2, seconds // 300)
    loads, held_after, files_after, connections_after = [], [], [], []
    for _ in range(parts):
        loads.append(person.load(seconds / parts, rate=capacity / 2))
        held_after.append(memory(stack))
        files_after.append(files(stack))
        connections_after.append(connections(stack))
    acknowledged = {id: title for load in loads for id, title in load.acknowledged.items()}
    found = person.kept(acknowledged)

    figure(
        "half the capacity",
        f"{seconds} s at {capacity / 2:.0f} a second; {counted(loads, found)}; after the first part and the last: "
        f"memory in MiB: {growth(held_after[0], held_after[-1])}; "
        f"open files: {growth(files_after[0], files_after[-1])}; "
        f"connections to the database {connections_after[0]} → {connections_after[-1]}",
    )
    assert [load.wrong for load in loads] == [[]] * parts
    assert sum(len(load.served) for load in loads) > sum(len(load.refused) for load in loads)
    assert found == len(acknowledged) > 0
    for service in SERVICES:
        # The database comes to touch its shared buffers, all of them in the end.
        room = GROWTH + (SHARED_BUFFERS if service == "db" else 0)
        assert held_after[-1][service] - held_after[0][service] < room, service
        # Connections between nginx and the backend stay open for a minute; what leaked would be thousands in an hour.
        assert files_after[-1][service] - files_after[0][service] <= WAITING, service
    assert connections_after[-1] <= BACKENDS_THREADS
    assert killed_for_memory(stack) == []
