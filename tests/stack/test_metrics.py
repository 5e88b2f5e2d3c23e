"""
The back end's port for Prometheus: what it sums, who reaches it, and that it keeps nobody from stopping.
"""

import concurrent.futures
import re
import socket
import time

import pytest

from production import DOMAIN, docker, free_port

# The back end is the same, whoever starts it.
FRONT_ENDS = ["docker compose"]
ASKED = 'thinkring_requests_total{method="GET",route="api/v1/version/",status="200"}'


def set_port(stack, port):
    settings = stack.folder / ".env.production"
    text, lines = re.subn("^METRICS_PORT=.*$", f"METRICS_PORT={port}", settings.read_text(), flags=re.M)
    assert lines == 1
    settings.write_text(text)
    stack.compose("up", "-d", "backend")
    stack.wait()


@pytest.fixture(scope="module")
def port(stack):
    """One that is free on this machine, so that only the back end could answer there."""
    port = free_port()
    set_port(stack, port)
    yield port
    set_port(stack, "")


@pytest.fixture
def metrics(stack, port):
    def read():
        address = f"http://backend:{port}/metrics"
        return stack.compose("exec", "-T", "nginx", "wget", "-q", "-O", "-", address).stdout

    return read


def test_what_both_workers_count_is_summed(stack, metrics):
    asked = 0
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        while len(counting(stack)) < 2:
            assert asked < 400, "one of the workers gets no request"
            answers = list(pool.map(stack.get, [f"{stack.api}/version/"] * 40))
            assert {answer.status_code for answer in answers} == {200}
            asked += 40

    [line] = [line for line in metrics().splitlines() if line.startswith(ASKED)]
    assert float(line.split()[-1]) == asked


def counting(stack):
    """The files in which workers count, of those that have been asked for the version."""
    return stack.compose(
        "exec", "-T", "backend", "sh", "-c", "grep -l version /tmp/metrics-*/counter_*.db || true"
    ).stdout.split()


def test_nobody_else_reaches_it(stack, port, metrics):
    assert "# TYPE thinkring_requests_total counter" in metrics()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert str(port) not in docker("port", stack.container("nginx")) + docker("port", stack.container("backend"))
    for address in [
        f"{stack.page}/metrics",
        f"{stack.page}/api/metrics",
        f"{stack.page}/static/metrics",
        f"{stack.api}/metrics/",
        f"https://api.{DOMAIN}/metrics",
        f"http://{DOMAIN}/metrics",
    ]:
        assert "thinkring_requests" not in stack.get(address).text


def test_stopping_takes_no_longer(stack, port, figure):
    """Somebody is connected and reads nothing."""
    reader = f"import socket, time; s = socket.create_connection(('localhost', {port})); time.sleep(60)"
    docker("exec", "--detach", stack.container("backend"), "python", "-c", reader)
    with_metrics = seconds_to_stop(stack)
    set_port(stack, "")
    without = seconds_to_stop(stack)
    set_port(stack, port)

    figure("the back end stops, with metrics and without", f"{with_metrics:.1f} s, {without:.1f} s")
    assert with_metrics < without + 3


def seconds_to_stop(stack):
    began = time.monotonic()
    docker("stop", stack.container("backend"))
    return time.monotonic() - began
