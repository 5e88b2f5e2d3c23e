"""What can happen to containers, each as a context: it is so inside, and is over afterwards."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from production import ENVIRONMENT, PRODUCTION, docker

# Docker's own resolver, in every container.
RESOLVER = "127.0.0.11"
SMALL_DISK = """
version: '3.8'
services:
  db:
    volumes:
      - {folder}:/var/lib/postgresql/data
"""
# What measures durations goes on as it was.
CLOCK = """FROM {image}
USER root
RUN apt-get update -qq && apt-get install -qq --no-install-recommends libfaketime >/dev/null
USER 1000
ENV LD_PRELOAD=/usr/\\$LIB/faketime/libfaketimeMT.so.1 FAKETIME_DONT_FAKE_MONOTONIC=1
"""
OTHER_CLOCK = """
version: '3.8'
services:
  backend:
    image: {image}
    environment:
      - FAKETIME={offset}
"""
# Takes each connection that there is, those of the backend too, and keeps them.
CONNECTIONS = """
import os, psycopg, sys

def connect():
    return psycopg.connect(
        host=os.environ["DB_HOST"], dbname=os.environ["DB_NAME"], user=os.environ["DB_USER"],
        password=os.environ["DB_PASSWORD"], autocommit=True,
    )

held = [connect()]
others = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> all(%s) and client_addr is not null"
for _ in range(3):
    held[0].execute(others, [[connection.info.backend_pid for connection in held]])
    try:
        while True:
            held.append(connect())
    except psycopg.OperationalError as error:
        assert "too many clients" in str(error), error
print(len(held), flush=True)
sys.stdin.read()
"""
EATER = """
held = []
while True:
    held.append(b"x" * 10_000_000)
"""


def pid(stack, service):
    """The first process of a service's container, as this machine counts them."""
    return int(docker("inspect", "--format", "{{.State.Pid}}", stack.container(service)))


def address(stack, service, network):
    networks = json.loads(docker("inspect", stack.container(service)))[0]["NetworkSettings"]["Networks"]
    return networks[f"{stack.project}_{network}"]["IPAddress"]


def restarts(stack):
    """How often Docker has started the container of each service again."""
    ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={stack.project}").split()
    return {
        container["Config"]["Labels"]["com.docker.compose.service"]: container["RestartCount"]
        for container in json.loads(docker("inspect", *ids))
    }


@contextlib.contextmanager
def killed(stack, service):
    """As by the kernel; `docker kill` would count as wanted, and nothing would be started again."""
    os.kill(pid(stack, service), signal.SIGKILL)
    yield


@contextlib.contextmanager
def restarted(stack, service):
    stack.compose("restart", service)
    yield


@contextlib.contextmanager
def paused(stack, service):
    docker("pause", stack.container(service))
    try:
        yield
    finally:
        docker("unpause", stack.container(service))


@contextlib.contextmanager
def small_disk(stack, folder):
    """The database with its files on a disk of its own; in the end they are in its volume again."""
    disk, settings = folder / "disk", folder / "small-disk.yml"
    disk.mkdir()
    settings.write_text(SMALL_DISK.format(folder=disk))
    volume = f"{stack.project}_postgres_data"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m,mode=700,uid=999,gid=999", "tmpfs", disk], check=True)
    try:
        move(stack, volume, disk)
        up(stack, "db", settings)
        try:
            ready(stack)
            yield disk
        finally:
            move(stack, disk, volume)
            stack.compose("up", "-d", "--no-deps", "db")
            ready(stack)
    finally:
        subprocess.run(["umount", disk], check=True)


def up(stack, service, settings):
    """As it is with more settings than those of production."""
    command = [*stack.front_end, "-f", PRODUCTION, "-f", settings, "up", "-d", "--no-deps", service]
    subprocess.run(command, cwd=stack.folder, env=ENVIRONMENT, check=True, capture_output=True)


def move(stack, old, new):
    stack.compose("stop", "db")
    copy = "find /new -mindepth 1 -delete; cp -a /old/. /new/"
    docker("run", "--rm", "--volume", f"{old}:/old", "--volume", f"{new}:/new", "postgres:15", "sh", "-euc", copy)


def ready(stack):
    """Waits until the API answers, its database included."""
    stack.wait()
    end = time.monotonic() + 120
    while (answer := stack.get(f"{stack.api}/health/ready/", timeout=60)).status_code != 200:
        assert time.monotonic() < end, answer.text
        time.sleep(0.3)


@contextlib.contextmanager
def full(disk):
    filling = disk / "filling"
    with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(2**20))
    assert os.statvfs(disk).f_bavail == 0
    try:
        yield
    finally:
        filling.unlink()


@contextlib.contextmanager
def firewalled(stack, service, *rules):
    """With rules of iptables in the network of a service's container, where they hold for it alone."""
    enter = ["nsenter", "--net", "--target", str(pid(stack, service)), "iptables", "--wait"]
    for rule in rules:
        subprocess.run([*enter, "--insert", *rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run([*enter, "--delete", *rule], check=True)


def cut(stack, one, other):
    there = address(stack, other, "database" if other == "db" else "default")
    return firewalled(
        stack, one, ["INPUT", "--source", there, "--jump", "DROP"], ["OUTPUT", "--destination", there, "--jump", "DROP"]
    )  # fmt: skip


def lossy(stack, service):
    """Of what comes to it from outside, every third packet does not."""
    third = ["--match", "statistic", "--mode", "nth", "--every", "3", "--packet", "0"]
    return firewalled(stack, service, ["INPUT", "!", "--in-interface", "lo", *third, "--jump", "DROP"])


def no_names(stack, service):
    return firewalled(stack, service, ["OUTPUT", "--destination", RESOLVER, "--jump", "DROP"])


@contextlib.contextmanager
def no_connections(stack):
    # It ends, and its connections with it, when its input does.
    with subprocess.Popen(
        ["docker", "exec", "--interactive", stack.container("backend"), "python", "-c", CONNECTIONS],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert int(process.stdout.readline()) > 90
        yield
        process.stdin.close()


@contextlib.contextmanager
def no_memory(stack, service):
    """Something in the container eats its memory, and is the last that the kernel ends for want of it."""
    first = pid(stack, service)
    group = memory_of(first) / "cgroup.procs"
    for process in group.read_text().split():
        Path(f"/proc/{process}/oom_score_adj").write_text("1000")
    with subprocess.Popen(
        ["nsenter", "--pid", "--target", str(first), sys.executable, "-c", EATER],
        preexec_fn=lambda: group.write_text("0"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        yield
        process.kill()


def memory_of(process):
    """The folder in which the kernel limits its memory, in either version of control groups."""
    for line in Path(f"/proc/{process}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            folder = Path("/sys/fs/cgroup") / controllers / path.lstrip("/")
            if (folder / "cgroup.procs").exists() and any(folder.glob("memory.*")):
                return folder
    raise AssertionError("its memory is not limited")


@contextlib.contextmanager
def reloading(stack):
    done, count = threading.Event(), 0

    def reload():
        nonlocal count
        while not done.wait(0.2):
            docker("exec", stack.container("nginx"), "nginx", "-s", "reload")
            count += 1

    thread = threading.Thread(target=reload)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert count > 5


@contextlib.contextmanager
def another_clock(stack, folder, offset):
    """The backend's clock is ahead (+3h) or behind (-3h)."""
    image, settings = f"{stack.project}-clock", folder / "clock.yml"
    own = docker("inspect", "--format", "{{.Config.Image}}", stack.container("backend")).strip()
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", image, "-"],
        input=CLOCK.format(image=own).encode(),
        check=True,
        capture_output=True,
    )
    settings.write_text(OTHER_CLOCK.format(image=image, offset=offset))
    up(stack, "backend", settings)
    try:
        ready(stack)
        yield
    finally:
        stack.compose("up", "-d", "--no-deps", "backend")


@contextlib.contextmanager
def locked(stack, step):
    """Somebody else holds the row of a step for four seconds, not as long as the lock_timeout of gunicorn.conf.py."""
    select = f"select 'held' from thinking_step where id = '{step}' for update"
    with subprocess.Popen(
        ["docker", "exec", "--interactive", stack.container("db"),
         "sh", "-c", 'psql -qAt -U "$POSTGRES_USER" "$POSTGRES_DB"'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        process.stdin.write(f"begin;\n{select};\nselect pg_sleep(4);\ncommit;\n")
        process.stdin.close()
        assert process.stdout.readline() == "held\n"
        yield


@contextlib.contextmanager
def together(*faults):
    with contextlib.ExitStack() as all_of_them:
        for fault in faults:
            all_of_them.enter_context(fault)
        yield
