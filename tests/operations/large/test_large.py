"""
Backup, base backup, drill and restore of a database of a gigabyte, tables and indexes, as pg_database_size counts it.
One test builds on the other, in this order: what is restored is what was backed up.
"""

import re
import subprocess
import time
from pathlib import Path

import pytest

from production import ENVIRONMENT, FRONT_ENDS, Stack, docker

from .memory import Memory

pytestmark = pytest.mark.torture
GIGABYTE, MEGABYTE = 2**30, 2**20
PROJECTS = 4_200
FILLING = Path(__file__).with_name("filling.sql")


class Large(Stack):
    def start(self, script):
        return subprocess.Popen(
            [self.folder / script[0], *script[1:]], cwd="/", env=ENVIRONMENT | {"COMPOSE": " ".join(self.front_end)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *script):
        """What it says, and the seconds that it took."""
        begun = time.monotonic()
        process = self.start(script)
        stdout, stderr = process.communicate(timeout=1800)
        assert process.returncode == 0, stdout + stderr
        return stdout, time.monotonic() - begun

    def psql(self, *arguments, text=None):
        user = ["-U", "thinkring_user", "thinkring_prod"]
        command = ["docker", "exec", "-i", self.container("db"), "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *user]
        result = subprocess.run([*command, *arguments], input=text, capture_output=True, text=True, timeout=1800)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()


@pytest.fixture(scope="module")
def large(engine, tmp_path_factory):
    large = Large(tmp_path_factory.mktemp("large") / "thinkring", FRONT_ENDS[-1].split())
    with large.running():
        large.psql("-v", f"projects={PROJECTS}", "-f", "-", text=FILLING.read_text())
        size = int(large.psql("-c", "select pg_database_size(current_database())"))
        assert GIGABYTE < size < 1.3 * GIGABYTE
        large.size = f"{size / GIGABYTE:.2f} GiB"
        yield large


def test_backup(large, figure):
    begun = time.monotonic()
    process = large.start(["./backup.sh"])
    with Memory(process, f"{large.project}_check_", beside=large.container("db")) as memory:
        stdout, stderr = process.communicate(timeout=1800)
    seconds = time.monotonic() - begun

    assert process.returncode == 0, stdout + stderr
    dump = int(re.search(r"\.sql \((\d+) bytes\)", stdout)[1])
    figure(
        "backup of 1 GB, restored and compared (goals: 120 s, 256 MB of memory)",
        f"{seconds:.0f} s; {large.size}, dump {dump / MEGABYTE:.0f} MiB; memory {memory.peak / MEGABYTE:.0f} MiB "
        f"with the scratch database, the database's container {memory.grown / MEGABYTE:+.0f} MiB",
    )
    assert memory.peak <= 256 * MEGABYTE
    assert seconds <= 120


def test_base_backup(large, figure):
    said, seconds = large.run("ops/base-backup.sh")

    figure(
        "base backup of 1 GB, verified",
        f"{seconds:.0f} s; {large.size}, {re.search(r'[(](.*)[)]', said)[1]} compressed",
    )


@pytest.mark.parametrize(("receiver", "goal"), [(True, 5), (False, 60)], ids=["with the receiver", "without it"])
def test_drill(large, figure, receiver, goal):
    if not receiver:
        large.compose("rm", "--stop", "--force", "wal")
    try:
        said, _ = large.run("ops/drill.sh")
    finally:
        large.compose("up", "-d", "--no-recreate", "wal")

    killed = re.search(r"Killed its database of (.*) and deleted", said)[1]
    lost, writes, rpo, rto = re.search(r"lost (\d+) of (\d+) .*RPO ([\d.]+) s .* after (\d+) s", said).groups()
    figure(
        f"drill at 1 GB (goals: RPO {goal} s, RTO 60 s)",
        f"{rto} s; {killed}; {writes} writes, {lost} lost; RPO {rpo} s",
    )
    assert float(rpo) <= goal
    assert int(rto) <= 60


def test_restore(large, figure):
    said, seconds = large.run("ops/restore.sh", "--latest", "--replace")

    figure("restore of the newest backup of 1 GB", f"{seconds:.0f} s; {large.size}")
    large.wait()
    docker("volume", "rm", re.search(r"the volume (\S+)\.$", said, re.M)[1])
