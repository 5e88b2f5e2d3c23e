"""
The production stack with one, two and three backends, asked by wrk through nginx: what queueing.py says before, and
what nginx's log has after.

The machine has as few cores as it has, so that three backends of one core each could not be told from two. For this
each backend is held to CPUS of a core; then three of them, PostgreSQL, nginx and wrk fit on two cores. Once more with
the limits of docker-compose.prod.yml the machine itself is the ceiling.
"""

import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from operations.report import machine, versions
from production import FRONT_ENDS, PASSWORD, ROOT, docker

from .bench import git
from .capacity import ceilings, predict
from .contenders import BenchStack, Contender, full_id
from .measuring import Wrong, headers, load, percentile
from .queueing import CHECKED, Kind, Site
from .rows import API, SAVES, id, project_page, projects

KEPT = ROOT / "docs" / "capacity.json"
MEASURED = "backend", "frontend", "nginx", "ops", "docker-compose.prod.yml"
BACKENDS = (1, 2, 3)
CPUS = 0.2
LIMITS = 1.0
# As many as hardly ever write at the same moment as themselves.
PEOPLE = 100
# How many calls of a person's twelve: a list, a project's page, and steps saved, each of another project.
CALLS = {"list of 50 projects": 1, "one project, its rounds and steps": 3, "save of a step": len(SAVES)}
# How far from the prediction a held backend's requests a second may be, in a machine that has other work.
NEAR = 0.4
# Seconds: of the costs of each kind and of rest, multiples of CHECKED, since one health check more or less would be a
# part of them; and until queues are full, and for that so many pauses.
COSTS, REST, WARM_UP, PAUSES = 10, 20, 3, 2.5
TOKENS = """
from apps.accounts.models import User
from apps.accounts.tokens import start_session
for user in User.objects.all():
    print("TOKEN", user.username, start_session(user).access)
"""


@dataclass(frozen=True)
class Load:
    """Connections for each backend, which pause so that they ask for so many times what all backends can answer."""

    name: str
    clients: int
    times: float | None
    seconds: int

    def think(self, site, kinds):
        """Seconds from an answer to the next request, on average."""
        if self.times is None:
            return 0.0
        return self.clients * site.backends / (self.times * ceilings(site, kinds)["backends"])


UNHELD = (Load("no pause", 16, None, 8),)
HELD = (
    Load("no pause", 16, None, 10),
    Load("half", 40, 0.5, 30),
    # Three times as many as can be answered; but who waits does not ask.
    Load("threefold", 160, 3, 15),
)


class HeldStack(BenchStack):
    """One in which a single address may send what all visitors send."""

    def be_apart(self, settings, **more):
        super().be_apart(settings, **more)
        nginx = self.folder / "nginx" / "nginx.conf"
        text = nginx.read_text()
        lifted = text.replace("limit_conn senders 20;", "limit_conn senders 10000;")
        assert lifted != text
        nginx.write_text(lifted)

    def backends(self):
        return [full_id(name) for name in self.compose("ps", "--quiet", "backend").stdout.split()]

    def scale(self, number):
        self.compose("up", "-d", "--no-recreate", "--scale", f"backend={number}")
        end = time.monotonic() + 90
        while {docker("inspect", "--format", "{{.State.Health.Status}}", name).strip() for name in self.backends()} != {
            "healthy"
        }:
            if time.monotonic() > end:
                raise Wrong(f"{number} backends do not get healthy")
            time.sleep(0.5)

    def hold(self, cpus):
        docker("update", "--cpus", str(cpus), *self.backends())

    def tokens(self):
        said = self.compose("exec", "-T", "backend", "python", "manage.py", "shell", "-v0", "-c", TOKENS).stdout
        return dict(line.split()[1:] for line in said.splitlines() if line.startswith("TOKEN "))

    def written(self):
        """Bytes of WAL so far."""
        return int(self.sql("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))


class Used:
    """With it as a context: how many cores each part uses meanwhile."""

    def __init__(self, stack):
        self.parts = {
            "nginx": [full_id(stack.container("nginx"))],
            "backend": stack.backends(),
            "database": [full_id(stack.container("db"))],
        }

    def now(self):
        client = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            **{name: sum(Contender("", "", id).cpu() for id in ids) / 1e6 for name, ids in self.parts.items()},
            "client": client.ru_utime + client.ru_stime,
        }

    def __enter__(self):
        self.began, self.before = time.monotonic(), self.now()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.cores = {name: (used - self.before[name]) / self.seconds for name, used in self.now().items()}


def people(tokens):
    return [name for name in tokens if name.startswith("person-")]


def asked(name):
    """What somebody asks, by kind."""
    saves = [
        replace(save, path=f"{API}/steps/{id(f'{name} overview {place}')}/", account=name)
        for place, save in enumerate(SAVES, 1)
    ]
    return dict(zip(CALLS, (projects(name), project_page(name, 10), saves), strict=True))


class Measuring:
    def __init__(self, stack, tokens):
        self.stack, self.database = stack, stack.database()
        api, certificate = stack.api.removesuffix("/api/v1"), str(stack.certificate)
        self.nginx = Contender("nginx", api, full_id(stack.container("nginx")), stack.ports["https"], certificate)
        everybody = [asked(name) for name in people(tokens)]
        # What one person asks is not asked at the same time.
        order = random.Random(0)
        self.requests = {}
        for kind in CALLS:
            requests = [request for one in everybody for request in one[kind]]
            order.shuffle(requests)
            self.requests[kind] = [(request, headers(self.nginx, request, tokens)) for request in requests]
        self.all = [each for requests in self.requests.values() for each in requests]
        order.shuffle(self.all)

    def ask(self, requests, seconds, connections, **more):
        """How many were asked: at the end each connection has one under way, which is worked on all the same."""
        sample = load(self.nginx, self.database, requests, seconds=seconds, connections=connections, **more)
        return sample.number + connections

    def rest(self):
        """How much of a core each part takes while nobody asks."""
        with Used(self.stack) as used:
            time.sleep(REST)
        return used.cores

    def costs(self, rest):
        """What a request of each kind takes of each part, and how many bytes of WAL the last kind writes."""
        kinds = []
        for name, requests in self.requests.items():
            self.ask(requests, 2, 8)
            before = self.stack.written()
            with Used(self.stack) as used:
                number = self.ask(requests, COSTS, 8)
            written = (self.stack.written() - before) / number
            parts = {part: (cores - rest[part]) * used.seconds / number for part, cores in used.cores.items()}
            kinds.append(Kind(name, CALLS[name], **parts))
            print(f"  {name}: {cost(kinds[-1])}; {written:,.0f} bytes of WAL", flush=True)
        return kinds, written

    def run(self, seconds, connections, think):
        """What nginx's log has of it, once queues are full."""
        warm_up = math.ceil(WARM_UP + PAUSES * think)
        begun = time.time() + warm_up
        more = {"think": think * 1000} if think else {}
        with Used(self.stack) as used:
            number = self.ask(self.all, warm_up + seconds, connections, refusals=True, **more)
        window = "--since", f"{begun:.3f}", "--until", f"{begun + seconds:.3f}"
        said = docker("logs", *window, self.nginx.container).splitlines()
        found = [json.loads(line) for line in said if '"request_id"' in line and f"{API}/health" not in line]
        times = {status: [line["seconds"] for line in found if line["status"] == status] for status in (200, 503)}
        if wrong := {line["status"] for line in found} - times.keys():
            raise Wrong(f"nginx's log has answers of {wrong}")
        served = [(round(value * 1e6), 1) for value in times[200]]
        return {
            "rate": len(served) / seconds,
            "refused": len(times[503]) / len(found),
            "answers": len(served),
            # Of a backend, for each that was asked; who is refused takes none.
            "backend": None if times[503] else used.cores["backend"] * used.seconds / number,
            **{f"p{percent}": percentile(served, percent) for percent in (50, 95, 99)},
        }


def cost(kind):
    parts = {"nginx": kind.nginx, "backend": kind.backend, "PostgreSQL": kind.database, "wrk": kind.client}
    return ", ".join(f"{name} {seconds * 1000:.2f} ms" for name, seconds in parts.items())


def place(number, cpus, figures):
    """Where the run is, and what health checks take of it."""
    rest = figures["rest"]
    return Site(
        backends=number,
        cores=figures["cores"] - rest["nginx"] - rest["database"],
        nginx_cpus=LIMITS - rest["nginx"],
        backend_cpus=cpus,
        database_cpus=LIMITS - rest["database"],
        health_check=rest["backend"] * CHECKED,
    )


def measure(stack, measuring):
    figures = {"cores": os.cpu_count(), "rest": measuring.rest(), "costs": [], "runs": []}
    kinds = {}
    # Whoever is stopped ten times a second takes longer for the same.
    for cpus in (LIMITS, CPUS):
        stack.hold(cpus)
        print(f"What a request takes, of a backend that has {cpus} of a core:", flush=True)
        kinds[cpus], figures["wal"] = measuring.costs(figures["rest"])
        figures["costs"].append({"cpus": cpus, "kinds": [asdict(kind) for kind in kinds[cpus]]})
    for number in BACKENDS:
        # A start takes seconds of a core.
        stack.hold(LIMITS)
        stack.scale(number)
        for cpus, loads in ((LIMITS, UNHELD), (CPUS, HELD)):
            stack.hold(cpus)
            site = place(number, cpus, figures)
            for one in loads:
                clients, think = one.clients * number, one.think(site, kinds[cpus])
                found = measuring.run(one.seconds, clients, think)
                tell(f"{number} × {cpus} of a core, {one.name}", found)
                run = {"backends": number, "cpus": cpus, "load": one.name, "clients": clients, "think": think}
                figures["runs"].append(run | {"measured": found})
    return figures


def kinds_of(figures, run):
    """What requests took where backends had as much as in this run."""
    (found,) = (costs["kinds"] for costs in figures["costs"] if costs["cpus"] == run["cpus"])
    return [Kind(**kind) for kind in found]


def predicted(figures, run, **more):
    site = place(run["backends"], run["cpus"], figures)
    outcome = predict(site, kinds_of(figures, run), clients=run["clients"], think=run["think"], **more)
    return {
        "rate": outcome.rate,
        "refused": outcome.refused_share,
        "busiest": outcome.busiest,
        **{f"p{percent}": outcome.percentile(percent) * 1000 for percent in (50, 95, 99)},
    }


def astray(runs):
    """Those of held backends whose requests a second are not near to the prediction."""
    return [
        f"{run['backends']} × {run['cpus']}, {run['load']}: {run['measured']['rate']:.1f} a second, and not about "
        f"{run['predicted']['rate']:.1f}"
        for run in runs
        if run["cpus"] == CPUS and abs(run["measured"]["rate"] / run["predicted"]["rate"] - 1) > NEAR
    ]


def tell(what, figures):
    times = ", ".join(f"p{percent} {figures[f'p{percent}']:,.0f}" for percent in (50, 95, 99))
    print(f"  {what}: {figures['rate']:.1f} a second, {times} ms, {figures['refused']:.0%} refused", flush=True)


def keep(part, figures):
    """In docs/capacity.json, beside the other part."""
    about = {
        "commit": git("rev-parse", "--short", "HEAD"),
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "machine": machine(),
        "versions": versions(),
        "load": f"{os.getloadavg()[2]:.1f}",
    }
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    KEPT.write_text(json.dumps(kept | {part: about | figures}, ensure_ascii=False, indent=1) + "\n")


def check():
    if not shutil.which("wrk"):
        sys.exit("make capacity needs wrk. Install it (Debian: apt install wrk).")
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode:
        sys.exit("make capacity needs a Docker engine, and none answers. Install it, or start it.")
    if git("status", "--porcelain", "--", *MEASURED):
        sys.exit("make capacity measures the last commit, and there are changes since. Commit them first.")
    # As Ctrl-C, so that nothing is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def main():
    check()
    with tempfile.TemporaryDirectory() as folder:
        stack = HeldStack(Path(folder) / "thinkring", FRONT_ENDS[-1].split())
        with stack.running():
            stack.fill(PASSWORD, people=PEOPLE, most=10)
            figures = measure(stack, Measuring(stack, stack.tokens()))
    for run in figures["runs"]:
        run["predicted"] = predicted(figures, run)
    keep("backends", figures)
    return astray(figures["runs"])
