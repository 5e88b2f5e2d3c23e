"""
The first start: how long it takes, how large it is, what it says about the certificate, and what git sees of it. Its
name puts it before the tests that stop, change and replace things.
"""

import json
import re
import subprocess
import time

from production import docker

from .conftest import SERVICES, admin_style


def test_how_long_the_first_start_takes(stack, figure):
    figure("images built, `up -d` to healthy over HTTPS (goal: 30 s)", f"{stack.seconds_to_healthy:.1f} s")
    assert stack.seconds_to_healthy <= 30


def test_every_service_gets_healthy(stack):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        states = {
            service: docker("inspect", "--format", "{{.State.Health.Status}}", stack.container(service)).strip()
            for service in SERVICES
        }
        if set(states.values()) == {"healthy"}:
            return
        time.sleep(1)
    raise AssertionError(states)


def test_images_are_small(stack, figure):
    # Half of the back end's is the Japanese dictionary.
    for service, base, limit in [("backend", "python:3.10-slim", 240), ("frontend", "node:18-alpine", 80)]:
        image = docker("inspect", "--format", "{{.Image}}", stack.container(service)).strip()
        above = (size(image) - size(base)) / 1e6
        figure(f"{service} image above {base} (goal: {limit} MB)", f"{above:.0f} MB")

        assert above <= limit


def size(image):
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def test_images_have_nothing_to_build_with(stack):
    for service, tools in [("backend", "pip pip3 gcc cc make"), ("frontend", "gcc cc make python3")]:
        found = stack.compose(
            "exec", "-T", service, "sh", "-c", f"for tool in {tools}; do command -v $tool; done; true"
        ).stdout
        # The base image's own pip has nothing to install into: the root is read-only.
        assert set(found.split()) <= {"/usr/local/bin/pip", "/usr/local/bin/pip3"}


def test_idle_memory(stack, figure):
    time.sleep(5)
    used = {service: memory(stack.container(service)) for service in SERVICES}
    parts = ", ".join(f"{service} {mib:.0f}" for service, mib in used.items())
    figure("memory of the idle stack (goal: 512 MiB)", f"{sum(used.values()):.0f} MiB ({parts})")

    assert sum(used.values()) <= 512


def memory(container):
    used = json.loads(docker("stats", "--no-stream", "--format", "{{json .}}", container))["MemUsage"]
    number, unit = re.match(r"([\d.]+)(\w+)", used).groups()
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


def test_it_says_that_it_made_a_certificate(stack):
    assert "There was no certificate in nginx/ssl: made a self-signed one for thinkring.test" in stack.logs(
        "certificate"
    )


def test_the_certificate_has_both_names(stack):
    names = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", stack.certificate],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip

    assert "DNS:thinkring.test, DNS:api.thinkring.test" in names


def test_git_sees_nothing(stack):
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=stack.folder, check=True, capture_output=True, text=True
    )

    assert status.stdout == ""


def test_the_database_was_migrated(stack):
    assert "Empty database: migrating." in stack.logs("backend")

    response = stack.get(f"{stack.api}/health/ready/")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "cache": "ok"},
    }


def test_the_specified_commands_do_no_harm(stack):
    migrated = stack.compose("exec", "-T", "backend", "python", "manage.py", "migrate").stdout
    collected = stack.compose("exec", "-T", "backend", "python", "manage.py", "collectstatic", "--noinput").stdout

    assert "No migrations to apply." in migrated
    assert re.search(r"\d+ static files? copied|\d+ unmodified", collected)
    assert stack.get(f"{stack.page}{admin_style(stack)}").status_code == 200
    # A worker that has not looked yet finds all names in the list.
    built, now = (
        json.loads(stack.compose("exec", "-T", "backend", "cat", f"{folder}/staticfiles.json").stdout)["paths"]
        for folder in ("build/static", "staticfiles")
    )
    assert now == built
