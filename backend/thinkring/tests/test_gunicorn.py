"""The server as the container starts it, up to its log."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests


@pytest.fixture(scope="module")
def server(production):
    """Its address, and a way to stop it that gives its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # No database listens there: what fails because of it stands in the log too.
    environment = {**production, "DB_HOST": "127.0.0.1", "DB_PORT": "1", "PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "thinkring.wsgi", "--bind", f"127.0.0.1:{port}"],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def stop():
        process.terminate()
        return process.communicate(timeout=30)[0]

    yield f"http://127.0.0.1:{port}/api/v1/", stop
    process.kill()


def wait_for(address):
    for _attempt in range(100):
        try:
            return requests.get(f"{address}health/", headers={"Host": "localhost"}, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError("gunicorn did not start")


def test_it_works(server):
    """Every line is one JSON object, with the id of its request where it has one."""
    address, stop = server
    assert wait_for(address).json() == {"status": "healthy"}
    host = {"Host": "thinkring.example.com"}
    requests.get(f"{address}version/", headers={**host, "X-Request-ID": "id-of-the-version"}, timeout=10)
    requests.get(f"{address}nothing/", headers={**host, "X-Request-ID": "id-of-nothing"}, timeout=10)
    requests.get(f"{address}version/", headers={"Host": "evil.example.com", "X-Request-ID": "id-of-evil"}, timeout=10)
    down = requests.post(
        f"{address}auth/login/",
        json={"username": "alice", "password": "tomato-9-umbrella"},
        headers={**host, "X-Request-ID": "id-of-the-login"},
        timeout=10,
    )
    assert down.status_code == 503

    lines = [json.loads(line) for line in stop().splitlines()]

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
