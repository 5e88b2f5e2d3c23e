"""What a script and the container that it starts hold in memory, at their highest."""

import subprocess
import threading
from pathlib import Path


def pids_below(roots):
    """The processes themselves, and all that came of them."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name before it, in brackets, may have anything in it.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, ahead = set(), list(roots)
    while ahead:
        pid = ahead.pop()
        if pid not in found:
            found.add(pid)
            ahead += children.get(pid, [])
    return found


def held(roots):
    """In bytes; a page that several of them share counts once."""
    total = 0
    for pid in pids_below(roots):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True).stdout.split()


class Memory:
    """With it as a context around a script that runs, and starts a container whose name begins like that; afterwards
    it has the `peak` of both, and by how much the container beside them has `grown`."""

    def __init__(self, process, name, beside):
        self.process, self.name, self.peak, self.grown = process, name, 0, 0
        self.beside = [int(pid) for pid in docker("inspect", "--format", "{{.State.Pid}}", beside)]
        self.at_first = held(self.beside)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.done.wait(0.5):
            started = docker("ps", "--quiet", "--filter", f"name=^{self.name}")
            pids = docker("inspect", "--format", "{{.State.Pid}}", *started) if started else []
            # A container that is just coming or going has 0, from which all of the machine has come.
            self.peak = max(self.peak, held([self.process.pid, *(int(pid) for pid in pids if pid != "0")]))
            self.grown = max(self.grown, held(self.beside) - self.at_first)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
