"""
How often somebody may ask, as a server has it from the start: counted by both workers and by a second container
together, of the address that nginx saw.
"""

import collections
import concurrent.futures
import json
import subprocess

import pytest

from production import NO_LIMITS

# The same backend behind both.
FRONT_ENDS = ["docker compose"]


@pytest.fixture(scope="module")
def limited(stack):
    """The stack with the limits of the contract, and two backends."""
    settings = stack.folder / ".env.production"
    before = settings.read_text()
    settings.write_text("\n".join(line for line in before.split("\n") if line.split("=")[0] not in NO_LIMITS))
    stack.compose("up", "-d", "--scale", "backend=2")
    stack.wait()
    # What other tests have asked in this minute is counted too.
    stack.sql("truncate core_callcount")
    try:
        yield stack
    finally:
        settings.write_text(before)
        stack.compose("up", "-d", "--scale", "backend=1")
        stack.wait()


def post(stack, path, body, **headers):
    return stack.request("POST", f"{stack.api}/auth/{path}/", json=body, headers=headers)


def count(ask, times):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return collections.Counter(pool.map(lambda number: ask(number).status_code, range(times)))


def test_log_in_register_and_the_rest(limited, account):
    """One test, since a limit of an address is used up for a minute. A forged address is nobody's."""

    def guess(number):
        forged = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
        return post(limited, "login", {"username": account["username"], "password": "wrong"}, **forged)

    def try_names(number):
        return post(limited, "login", {"username": f"name{number}", "password": "wrong"})

    def ask_for_link(number):
        return post(limited, "password/reset", {"email": f"nobody{number}@example.com"})

    assert count(guess, 30) == {401: 5, 429: 25}
    # Thirty calls have used up the twenty of the address.
    assert count(try_names, 5) == {429: 5}
    # One of the sixty was the registration.
    assert count(ask_for_link, 70) == {204: 59, 429: 11}
    assert count(lambda number: limited.get(f"{limited.api}/health/"), 100) == {200: 100}

    refused = ask_for_link(0)
    error = refused.json()["error"]
    assert (error["code"], error["type"]) == ("SRV_004", "server_error")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert len(containers_that_answered(limited)) == 2


def containers_that_answered(stack):
    """The addresses of the backends in nginx's log."""
    lines = [json.loads(line) for line in stack.logs("nginx").splitlines() if '"request_id"' in line]
    return {line["upstream"] for line in lines[-150:] if "/auth/" in line["request"] and ", " not in line["upstream"]}


def test_the_audit_log_has_the_address_that_nginx_saw(limited):
    lines = []
    for container in subprocess.run(
        ["docker", "ps", "-q", "--filter", f"label=com.docker.compose.project={limited.project}",
         "--filter", "label=com.docker.compose.service=backend"],
        check=True, capture_output=True, text=True,
    ).stdout.split():  # fmt: skip
        log = subprocess.run(["docker", "logs", container], check=True, capture_output=True, text=True)
        lines += [json.loads(line) for line in (log.stdout + log.stderr).splitlines() if '"thinkring.audit"' in line]

    refused = [line for line in lines if line["event"] == "login.refused"]
    assert len(refused) == 5
    assert not any("198.51.100" in line["address"] for line in refused)
    assert {line["event"] for line in lines} >= {"registered", "login", "login.refused", "limited"}
