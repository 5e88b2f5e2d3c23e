"""`make run` and `make help`, as somebody who has just cloned the project types them (on a warm machine)."""

import os
import re
import signal
import socket
import subprocess
import time

import pytest
import requests

from production import ROOT, free_port


def start(tmp_path, port, backend_port) -> subprocess.Popen:
    return subprocess.Popen(
        ["make", "run", f"PORT={port}", f"BACKEND_PORT={backend_port}"],
        cwd=ROOT,
        env={**os.environ, "SQLITE_PATH": str(tmp_path / "db.sqlite3")},
        stdout=(tmp_path / "output").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@pytest.fixture
def running(tmp_path, figure):
    port, backend_port = free_port(), free_port()
    started = time.monotonic()
    process = start(tmp_path, port, backend_port)
    address = f"http://127.0.0.1:{port}"
    try:
        while f"Open {address}" not in (text := (tmp_path / "output").read_text()):
            assert process.poll() is None, text
            assert time.monotonic() - started < 180, text
            time.sleep(0.2)
        figure("`make run` serves page and API (goal: 20 s)", f"{time.monotonic() - started:.1f} s")
        yield process, address, tmp_path / "output"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_one_address_serves_page_api_and_static(running):
    _process, address, output = running
    password = re.search(r"Log in as demo-ja .* password (\S+)\.$", output.read_text(), re.MULTILINE)[1]

    assert "<html" in requests.get(address, timeout=30).text
    assert requests.get(f"{address}/static/admin/css/base.css", timeout=30).status_code == 200
    login = requests.post(
        f"{address}/api/v1/auth/login/", json={"username": "demo-ja", "password": password}, timeout=30
    )
    assert login.status_code == 200, login.text
    projects = requests.get(
        f"{address}/api/v1/projects/",
        headers={"Authorization": f"Bearer {login.json()['access']}"},
        timeout=30,
    )
    assert projects.json()["count"] >= 1


def test_ctrl_c_stops_everything(running):
    process, address, output = running
    said = output.read_text()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=20) == -signal.SIGINT
    assert output.read_text() == said, "nothing is complained of"
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=5)
    deadline = time.monotonic() + 10
    while subprocess.run(["pgrep", "--session", str(process.pid)], capture_output=True).returncode == 0:
        assert time.monotonic() < deadline, "something that make started still runs"
        time.sleep(0.1)


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(tmp_path, port, free_port())
        assert process.wait(timeout=60) != 0
    assert f"Port {port} is taken" in (tmp_path / "output").read_text()


@pytest.mark.parametrize(("program", "needed"), [("python3", "Python 3.10 or newer"), ("node", "Node 18 or newer")])
def test_what_has_to_be_installed_first_is_said(tmp_path, program, needed):
    """A program that is too old answers no question of ours with success; nor does one that is not there."""
    (tmp_path / program).write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / program).chmod(0o755)
    result = subprocess.run(
        ["make", "install"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert f"thinkRing needs {needed}" in result.stderr
    assert "Installing" not in result.stdout


def test_help_lists_the_commands():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "make run" in listed
    assert "make test" in listed
