"""
Each image on the supported release that its build argument moves to, and with the commit that a deploy names.
"""

import subprocess
import time

import pytest

from production import clone, docker


@pytest.fixture
def build(engine, tmp_path):
    """Builds a service's production image from a clean clone."""
    clone(tmp_path / "thinkring")
    tags = []

    def build(service, **arguments):
        tags.append(f"thinkring-test-{service}-{tmp_path.name}".lower())
        options = [option for item in arguments.items() for option in ("--build-arg", "=".join(item))]
        folder = tmp_path / "thinkring" / service
        docker("build", "--quiet", "--tag", tags[-1], "--file", f"{folder}/Dockerfile.prod", *options, str(folder))
        return tags[-1]

    yield build
    for tag in tags:
        docker("image", "rm", "--force", "--no-prune", tag)


def test_backend(build):
    image = build("backend", PYTHON_VERSION="3.13", COMMIT="0123456")

    assert docker("run", "--rm", image, "python", "--version").startswith("Python 3.13.")
    settings = "import django, django.conf as c; django.setup(); print(c.settings.COMMIT)"
    said = docker("run", "--rm", "--env", "DJANGO_SETTINGS_MODULE=thinkring.settings", image, "python", "-c", settings)
    assert said == "0123456\n"


def test_an_extra_that_is_none(build, tmp_path):
    folder = tmp_path / "thinkring" / "backend"

    result = subprocess.run(
        ["docker", "build", "--file", f"{folder}/Dockerfile.prod", "--build-arg", "EXTRAS=s4", str(folder)],
        capture_output=True, text=True,
    )  # fmt: skip

    assert result.returncode != 0
    assert "Set EXTRAS to s3, or leave it empty: there is no extra s4." in result.stdout + result.stderr


def test_frontend(build):
    image = build("frontend", NODE_VERSION="22", COMMIT="0123456")

    assert docker("run", "--rm", image, "node", "--version").startswith("v22.")
    container = docker("run", "--detach", "--rm", "--init", image).strip()
    try:
        for _ in range(40):
            if docker("inspect", "--format", "{{.State.Health.Status}}", container) == "healthy\n":
                told = docker("exec", container, "wget", "-q", "-O", "-", "http://127.0.0.1:3000/healthz")
                assert told == '{"commit":"0123456"}'
                return
            time.sleep(0.5)
        pytest.fail(docker("logs", container))
    finally:
        docker("rm", "--force", container)
