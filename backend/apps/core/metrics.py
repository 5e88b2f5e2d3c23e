"""What Prometheus may know of the back end; imported only where METRICS_PORT is set.

Nothing of a person is in it: a label is a method, a route as urls.py has it, or a status.
"""

import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.views import View

# In the container this is in memory, and new at each start. prometheus_client looks for it when it is imported, and
# then keeps the numbers of each process in files there: they can be summed, and they outlive the process.
FOLDER = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server  # noqa: E402
from prometheus_client.core import GaugeMetricFamily  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead  # noqa: E402
from prometheus_client.registry import Collector  # noqa: E402

METHODS = {name.upper() for name in View.http_method_names}

REQUESTS = Counter("thinkring_requests", "Requests that were answered.", ["method", "route", "status"])
DURATION = Histogram(
    "thinkring_request_duration_seconds",
    "From a request to the beginning of its answer.",
    ["method", "route"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
IN_PROGRESS = Gauge("thinkring_requests_in_progress", "Requests not answered yet.", multiprocess_mode="livesum")


class MetricsMiddleware:
    """Counts requests; the outermost, so that it sees what all others answer."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        started = time.perf_counter()
        with IN_PROGRESS.track_inprogress():
            response = self.get_response(request)
        # A client may invent methods and addresses, and each new label would be kept for good.
        method = request.method if request.method in METHODS else "other"
        route = request.resolver_match.route if request.resolver_match else "none"
        REQUESTS.labels(method, route, response.status_code).inc()
        DURATION.labels(method, route).observe(time.perf_counter() - started)
        return response


class WorkerMemory(Collector):
    """Asked for when somebody looks, of the system: a process need not measure itself."""

    def __init__(self, workers: Iterable[int]):
        self.workers = workers

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "thinkring_worker_memory_bytes",
            "Memory of all workers that the system cannot take back.",
            value=sum(memory_of(pid) for pid in list(self.workers)),
        )


def memory_of(pid: int) -> int:
    """Bytes; without files, whose pages (of the Japanese dictionary) are shared and can be read again."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        # It has just ended.
        return 0
    return sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon:"))


def serve(port: int, workers: Iterable[int]) -> None:
    """Answers with the sums of all processes, on a thread that ends with this one."""
    start_http_server(port, registry=all_processes(workers))


def all_processes(workers: Iterable[int]) -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    registry.register(WorkerMemory(workers))
    return registry


def forget(pid: int) -> None:
    """What a worker that ended has counted stays; what it had in progress does not."""
    mark_process_dead(pid)
