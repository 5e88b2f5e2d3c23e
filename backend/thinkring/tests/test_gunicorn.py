"""The server as the container starts it, up to its log, and to what it tells Prometheus."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def gunicorn(production, **settings):
    """Its address and its process."""
    port = free_port()
    # No database listens there: what fails because of it stands in the log too.
    environment = {**production, "DB_HOST": "127.0.0.1", "DB_PORT": "1", "PATH": os.environ["PATH"], **settings}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "thinkring.wsgi", "--bind", f"127.0.0.1:{port}"],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{port}/api/v1/", process
    finally:
        process.kill()
        process.communicate()


def stop(process):
    """What it has logged."""
    process.terminate()
    return process.communicate(timeout=30)[0]


def wait_for(address):
    for _attempt in range(100):
        try:
            return requests.get(f"{address}health/", headers={"Host": "localhost"}, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError("gunicorn did not start")


def test_it_works(production):
    """Every line is one JSON object, with the id of its request where it has one."""
    with gunicorn(production) as (address, process):
        assert wait_for(address).json() == {"status": "healthy"}
        host = {"Host": "thinkring.example.com"}
        requests.get(f"{address}version/", headers={**host, "X-Request-ID": "id-of-the-version"}, timeout=10)
        requests.get(f"{address}nothing/", headers={**host, "X-Request-ID": "id-of-nothing"}, timeout=10)
        requests.get(
            f"{address}version/", headers={"Host": "evil.example.com", "X-Request-ID": "id-of-evil"}, timeout=10
        )
        down = requests.post(
            f"{address}auth/login/",
            json={"username": "alice", "password": "tomato-9-umbrella"},
            headers={**host, "X-Request-ID": "id-of-the-login"},
            timeout=10,
        )
        assert down.status_code == 503

        lines = [json.loads(line) for line in stop(process).splitlines()]

    for line in lines:
        assert {"time", "level", "logger", "message", "request_id"} <= set(line)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", line["time"])
    of_requests = [(line["request_id"], line["message"]) for line in lines if line["logger"] == "thinkring.requests"]
    assert of_requests == [
        ("id-of-the-version", "GET /api/v1/version/ 200"),
        ("id-of-nothing", "GET /api/v1/nothing/ 404"),
        ("id-of-evil", "GET /api/v1/version/ 400"),
        ("id-of-the-login", "POST /api/v1/auth/login/ 503"),
    ]
    errors = [(line["request_id"], line["logger"]) for line in lines if line["level"] == "ERROR"]
    assert ("id-of-the-login", "thinkring.errors") in errors
    assert {id for id, _logger in errors} == {"id-of-the-login"}
    assert {line["request_id"] for line in lines if line["logger"] == "gunicorn.error"} == {""}


@pytest.fixture
def measured(production, tmp_path):
    """A server with metrics: its address, that of the metrics, and its process."""
    port = free_port()
    with gunicorn(production, METRICS_PORT=str(port), TMPDIR=str(tmp_path)) as (address, process):
        assert wait_for(address).status_code == 200
        yield address, f"http://127.0.0.1:{port}/metrics", process


def workers(process):
    return {int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}


def ask(address, times=1):
    for _ in range(times):
        requests.get(f"{address}version/", headers={"Host": "thinkring.example.com"}, timeout=10)


def sample(metrics, beginning):
    answer = requests.get(metrics, timeout=10)
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    [found] = [line for line in answer.text.splitlines() if line.startswith(f"{beginning} ")]
    return float(found.split()[-1])


ASKED = 'thinkring_requests_total{method="GET",route="api/v1/version/",status="200"}'


def test_what_both_workers_count_is_summed_and_outlives_them(measured, tmp_path):
    address, metrics, process = measured
    asked = 0
    before = workers(process)
    while len([file for file in tmp_path.glob("*/counter_*.db") if b"version" in file.read_bytes()]) < 2:
        assert asked < 200, "one of the workers gets no request"
        ask(address, 10)
        asked += 10
    assert sample(metrics, ASKED) == asked

    killed = before.pop()
    os.kill(killed, signal.SIGKILL)
    end = time.monotonic() + 30
    while len(workers(process) - {killed}) < 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    ask(address, 20)

    assert sample(metrics, ASKED) == asked + 20
    assert sample(metrics, "thinkring_requests_in_progress") == 0
    assert list(tmp_path.glob(f"*/gauge_livesum_{killed}.db")) == []
    assert sample(metrics, "thinkring_worker_memory_bytes") > 20_000_000


def test_whoever_reads_metrics_does_not_keep_it_from_stopping(measured):
    """It lingers for four seconds, and not because of this."""
    _address, metrics, process = measured
    with socket.create_connection(("127.0.0.1", int(metrics.split(":")[2].split("/")[0]))):
        began = time.monotonic()
        process.terminate()
        process.communicate(timeout=30)

    assert 4 <= time.monotonic() - began < 10
    assert process.returncode == 0
