"""
What is answered while a part is gone, frozen or locked. The order does not matter, each test leaves the stack running.
"""

import concurrent.futures
import subprocess
import threading
import time

from production import docker

from .answers import differences
from .conftest import check_error, wait_for_the_lock

# What nginx and Django answer is the same, whoever started them.
FRONT_ENDS = ["docker compose"]


# Whoever connects where the queue is full is neither accepted nor refused.
SILENT = """
import socket, time

for port in [3000, 8000]:
    socket.create_server(("", port), backlog=0).detach()
    for _ in range(2):
        waiting = socket.socket()
        waiting.setblocking(False)
        waiting.connect_ex(("127.0.0.1", port))
        waiting.detach()
print("silent")
time.sleep(99)
"""


def test_nothing_fails_while_an_address_goes(stack):
    """One that is gone before nginx knows: who waits for it when it is taken off the list gets another one."""
    failed, done = [], threading.Event()

    def read():
        with stack.session() as session:
            while not done.is_set():
                for url in [f"{stack.api}/version/", f"{stack.page}/healthz"]:
                    if (answer := session.get(url)).status_code != 200:
                        failed.append(f"{url}: {answer.status_code} {answer.text}")
                time.sleep(0.3)

    network, aliases = f"{stack.project}_default", ["--alias", "backend", "--alias", "frontend"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(8)]
        try:
            for seconds in [0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3]:
                gone = docker("run", "--detach", "python:3.10-slim", "python", "-u", "-c", SILENT).strip()
                try:
                    while "silent" not in docker("logs", gone):
                        time.sleep(0.1)
                    docker("network", "connect", *aliases, network, gone)
                    time.sleep(seconds)
                finally:
                    docker("rm", "--force", gone)
                time.sleep(2)
        finally:
            done.set()
        for reader in readers:
            reader.result()

    assert "timed out" in stack.logs("nginx")
    assert failed == []


def test_without_a_backend_the_answer_is_readable(stack):
    stack.compose("stop", "backend")
    try:
        response = stack.get(f"{stack.api}/version/", headers={"Accept-Language": "en"})
        page = stack.get(f"{stack.page}/")
    finally:
        stack.compose("start", "backend")
        stack.wait()

    error = check_error(response, 503, "SRV_003")
    assert error["message"] == "The service cannot answer right now. Nothing you wrote is lost. Try again shortly."
    assert differences(response, "unavailable, as JSON") == {}
    assert page.status_code == 200


def test_without_a_backend_the_page_is_told(stack):
    """A browser asks first whether the page may ask, and if that fails there is nothing that the page could read."""
    login, origin = f"{stack.api}/auth/login/", {"Origin": stack.page}
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    stack.compose("stop", "backend")
    try:
        first = stack.request("OPTIONS", login, headers=origin | asking)
        then = stack.request("POST", login, json={}, headers=origin)
    finally:
        stack.compose("start", "backend")
        stack.wait()

    assert first.status_code == 204
    assert first.headers["Access-Control-Allow-Origin"] == stack.page
    assert "content-type" in first.headers["Access-Control-Allow-Headers"]
    assert "POST" in first.headers["Access-Control-Allow-Methods"]
    check_error(then, 503, "SRV_003")
    assert then.headers["Access-Control-Allow-Origin"] == stack.page


def test_without_a_front_end_the_page_is_readable(stack):
    stack.compose("stop", "frontend")
    try:
        page = stack.get(f"{stack.page}/")
        assert stack.get(f"{stack.api}/health/").status_code == 200
    finally:
        stack.compose("start", "frontend")
        stack.wait()

    assert page.status_code == 503
    assert differences(page, "unavailable, as a page") == {}
    assert "ただいま応答できません" in page.content.decode()
    assert "The service cannot answer right now." in page.content.decode()


def test_without_a_database_the_answer_is_readable(stack):
    stack.compose("stop", "db")
    try:
        ready = stack.get(f"{stack.api}/health/ready/")
        health = stack.get(f"{stack.api}/health/")
        login = stack.request("POST", f"{stack.api}/auth/login/", json={"username": "sato", "password": "wrong"})
    finally:
        stack.compose("start", "db")

    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] != "ok"
    assert health.content == b'{"status": "healthy"}'
    assert login.status_code == 503
    assert login.json()["error"]["code"] == "SRV_002"
    assert differences(login, "an API without its database") == {}

    end = time.monotonic() + 60
    while stack.get(f"{stack.api}/health/ready/").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.5)


def test_a_locked_table_does_not_take_the_api_down(stack):
    """More requests than the backend has threads wait for the lock; all are answered, and health in between."""
    statement = "begin; lock table accounts_user; select pg_sleep(40)"
    holder = subprocess.Popen(
        [*stack.front_end, "-f", "docker-compose.prod.yml", "exec", "-T", "db",
         "psql", "-U", "thinkring_user", "-c", statement, "thinkring_prod"],
        cwd=stack.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_the_lock(stack)
        assert {answer.status_code for answer in logins(stack, 10)} == {503}
    finally:
        stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where query like 'begin; lock%'")
        holder.wait(timeout=30)

    assert [answer.status_code for answer in logins(stack, 1)] == [401]


def test_a_frozen_database_is_given_up(stack):
    docker("pause", stack.container("db"))
    try:
        answers = logins(stack, 1)
    finally:
        docker("unpause", stack.container("db"))

    assert [answer.json()["error"]["code"] for answer in answers] == ["SRV_002"]
    assert [answer.status_code for answer in logins(stack, 1)] == [401]


def logins(stack, number):
    """Answers to so many at once; meanwhile health answers too."""
    body = {"username": "sato", "password": "correct horse battery"}
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        asked = [
            pool.submit(stack.request, "POST", f"{stack.api}/auth/login/", json=body, timeout=60) for _ in range(number)
        ]
        assert stack.get(f"{stack.api}/health/", timeout=30).status_code == 200
        return [answer.result() for answer in asked]
