"""
The production stack as a network of queues, simulated event by event.

A request takes time of nginx, then a place at the backend with the fewest (least_conn; one that has `max_conns` gets no
more, and where none is left the request is refused), and there one of four threads of one of two processes, whichever
nginx's connection leads to. The thread needs its process's interpreter (one at a time, the GIL), then PostgreSQL, then
the interpreter again. Whoever can run shares the cores of the machine equally. A container that has used up its `cpus`
of a tenth of a second stands still until the next tenth (the kernel's CFS bandwidth control).

What it does not know: files and the network, locks between requests, processes that are moved from core to core, and
that two threads of one core are slower than two cores.
"""

import bisect
import heapq
import itertools
import math
import random
from collections import deque
from dataclasses import dataclass, field

# Of the kernel: within so many seconds a container may use its part of them.
PERIOD = 0.1
# Of backend/Dockerfile.prod: a health check begins each so many seconds.
CHECKED = 5.0
# A millionth of a microsecond is no work.
NOTHING = 1e-12


@dataclass(frozen=True)
class Kind:
    """A request that is one in so many, and the seconds of a processor that it takes where."""

    name: str
    weight: float
    nginx: float
    backend: float
    database: float
    # Of who asks, where that is on the same machine.
    client: float = 0.0


@dataclass(frozen=True)
class Site:
    """Where it runs; None is no limit."""

    backends: int = 1
    cores: float = 2
    # Of docker-compose.prod.yml.
    nginx_cpus: float | None = 1.0
    backend_cpus: float | None = 1.0
    database_cpus: float | None = 1.0
    # Of nginx.conf and gunicorn.conf.py.
    max_conns: int = 64
    workers: int = 2
    threads: int = 4
    # Seconds of a core that a health check takes of a backend's container: Python is started for it.
    health_check: float = 0.0


@dataclass
class Outcome:
    """What was answered in so many seconds, and how long it took."""

    seconds: float
    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    # Of each container, and of the machine, the part of what it may use.
    busy: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self):
        return len(self.served) / self.seconds

    @property
    def refused_share(self):
        answered = len(self.served) + len(self.refused)
        return len(self.refused) / answered if answered else 0.0

    def percentile(self, percent):
        """Of those served, in seconds."""
        ordered = sorted(self.served)
        return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else math.nan

    @property
    def busiest(self):
        return max(self.busy, key=lambda name: self.busy[name])


class Container:
    def __init__(self, name, cpus):
        self.name, self.cpus = name, cpus
        self.left = self.full = math.inf if cpus is None else cpus * PERIOD
        self.stations = []
        self.used = 0.0


class Station:
    """Jobs that have equal parts of what `width` threads of the kernel can run: one for a process with a GIL."""

    def __init__(self, container, width):
        self.width = width
        container.stations.append(self)
        # By how much work each job present all the time would have got; a job ends at its own mark.
        self.done = 0.0
        self.jobs = []

    def add(self, work, number, then):
        heapq.heappush(self.jobs, (self.done + work, number, then))


class Process(Station):
    """A worker of gunicorn."""

    def __init__(self, container, threads):
        super().__init__(container, 1)
        self.free, self.waiting = threads, deque()


class Backend:
    def __init__(self, name, site):
        self.container = Container(name, site.backend_cpus)
        self.processes = [Process(self.container, site.threads) for _ in range(site.workers)]
        self.check = Station(self.container, 1)
        self.requests = 0


class Request:
    def __init__(self, kind, born):
        self.kind, self.born = kind, born
        self.backend = self.process = None
        self.turn = 0


class Simulation:
    """
    Either `rate` requests a second come by themselves, at random (Poisson), or each of `clients` asks, waits for its
    answer, and pauses for `think` seconds on average, as load.lua does. `draw` makes of a mean what one request takes.
    """

    def __init__(self, site, kinds, *, rate=None, clients=0, think=0.0, draw=lambda mean: mean, seed=0):
        self.site, self.rate, self.think, self.draw = site, rate, think, draw
        self.random = random.Random(seed)
        self.kinds = kinds
        self.bounds = list(itertools.accumulate(kind.weight for kind in kinds))
        self.now = 0.0
        self.numbers = itertools.count()
        self.came = self.under_way = 0
        nginx = Container("nginx", site.nginx_cpus)
        database = Container("PostgreSQL", site.database_cpus)
        asking = Container("who asks", None)
        # Who asks and each of nginx's workers is one thread; PostgreSQL has a process for each connection.
        self.asking = Station(asking, 1)
        self.nginx = [Station(nginx, 1) for _ in range(2)]
        self.database = Station(database, math.inf)
        self.backends = [Backend(f"backend {number + 1}", site) for number in range(site.backends)]
        self.containers = [asking, nginx, database, *(backend.container for backend in self.backends)]
        self.stations = [station for container in self.containers for station in container.stations]
        # What comes next, and when.
        self.coming = []
        if rate:
            self.after(self.random.expovariate(rate), self.come_by_chance)
        for _ in range(clients):
            self.after(self.pause(), self.come)
        for backend in self.backends if site.health_check else ():
            self.after(self.random.uniform(0, CHECKED), lambda backend=backend: self.look_after(backend))

    def run(self, seconds, warm_up=0.0):
        """What comes of so many seconds, after others in which queues fill."""
        self.begin, self.end = warm_up, warm_up + seconds
        self.outcome = Outcome(seconds)
        while self.now < self.end:
            self.step()
        used = {container.name: (container.used, container.cpus) for container in self.containers}
        self.outcome.busy = {name: part / seconds / cpus for name, (part, cpus) in used.items() if cpus}
        self.outcome.busy["the machine"] = sum(part for part, _ in used.values()) / seconds / self.site.cores
        return self.outcome

    def step(self):
        """To the next moment at which something ends, comes, is used up or is given anew."""
        running = [
            (container, station, min(station.width, len(station.jobs)))
            for container in self.containers
            if container.left > NOTHING
            for station in container.stations
            if station.jobs
        ]
        threads = sum(threads for *_, threads in running)
        speed = min(1.0, self.site.cores / threads) if threads else 0.0
        boundary = (math.floor(self.now / PERIOD + 1e-9) + 1) * PERIOD
        step = (self.begin if self.now < self.begin else self.end) - self.now
        if self.coming:
            step = min(step, self.coming[0][0] - self.now)
        if any(container.left < container.full for container in self.containers):
            step = min(step, boundary - self.now)
        taking = dict.fromkeys(self.containers, 0.0)
        for container, station, threads in running:
            taking[container] += threads * speed
            step = min(step, (station.jobs[0][0] - station.done) * len(station.jobs) / (threads * speed))
        for container, speeds in taking.items():
            if speeds:
                step = min(step, container.left / speeds)
        step = max(step, 0.0)
        self.now += step
        ended = []
        for container, speeds in taking.items():
            container.left -= speeds * step
            if self.now > self.begin:
                container.used += speeds * step
        for _, station, threads in running:
            station.done += threads * speed * step / len(station.jobs)
            while station.jobs and station.jobs[0][0] - station.done <= NOTHING:
                ended.append(heapq.heappop(station.jobs)[2])
        if boundary - self.now <= NOTHING:
            self.now = max(self.now, boundary)
            for container in self.containers:
                container.left = container.full
        for then in ended:
            then()
        while self.coming and self.coming[0][0] - self.now <= NOTHING:
            heapq.heappop(self.coming)[2]()

    def after(self, seconds, then):
        heapq.heappush(self.coming, (self.now + seconds, next(self.numbers), then))

    def pause(self):
        return self.random.uniform(self.think / 2, self.think * 3 / 2)

    def look_after(self, backend):
        backend.check.add(self.site.health_check, next(self.numbers), lambda: None)
        self.after(CHECKED, lambda: self.look_after(backend))

    def come_by_chance(self):
        self.after(self.random.expovariate(self.rate), self.come_by_chance)
        self.come()

    def come(self):
        place = bisect.bisect(self.bounds, self.random.random() * self.bounds[-1])
        request = Request(self.kinds[place], self.now)
        self.came += 1
        self.under_way += 1
        self.give(self.asking, request.kind.client, request)

    def give(self, station, mean, request):
        if mean:
            station.add(self.draw(mean), next(self.numbers), lambda: self.go_on(request))
        else:
            self.go_on(request)

    def go_on(self, request):
        """With what comes next."""
        request.turn += 1
        kind = request.kind
        if request.turn == 1:
            self.give(self.random.choice(self.nginx), kind.nginx, request)
        elif request.turn == 2:
            self.choose(request)
        elif request.turn == 3:
            self.give(self.database, kind.database, request)
        elif request.turn == 4:
            self.give(request.process, kind.backend / 2, request)
        else:
            self.leave(request)

    def choose(self, request):
        open_to_more = [backend for backend in self.backends if backend.requests < self.site.max_conns]
        if not open_to_more:
            self.answer(request, self.outcome.refused)
            return
        fewest = min(backend.requests for backend in open_to_more)
        request.backend = self.random.choice([each for each in open_to_more if each.requests == fewest])
        request.backend.requests += 1
        request.process = self.random.choice(request.backend.processes)
        if request.process.free:
            self.begin_work(request)
        else:
            request.process.waiting.append(request)

    def begin_work(self, request):
        request.process.free -= 1
        self.give(request.process, request.kind.backend / 2, request)

    def leave(self, request):
        request.backend.requests -= 1
        request.process.free += 1
        if request.process.waiting:
            self.begin_work(request.process.waiting.popleft())
        self.answer(request, self.outcome.served)

    def answer(self, request, answers):
        self.under_way -= 1
        if self.now >= self.begin:
            answers.append(self.now - request.born)
        if not self.rate:
            self.after(self.pause(), self.come)
