"""
What stops a start, and the sentence that says what to do. (Variables that are missing altogether stop compose itself:
tests/conformance/test_compose.py.)
"""

import subprocess

import pytest

from production import docker

# It is the backend that refuses, whoever starts it.
FRONT_ENDS = ["docker compose"]
STRONG = "n" * 64
EXAMPLES = {
    "SECRET_KEY": "your-production-secret-key",
    "JWT_SECRET_KEY": "your-jwt-secret-key",
    "DB_PASSWORD": "secure-password-here",
}


def start(stack, **environment):
    """The backend's own start with other settings; it must refuse before it asks the database for anything."""
    options = [option for name, value in environment.items() for option in ("-e", f"{name}={value}")]
    result = stack.compose("run", "--rm", "-T", "--no-deps", *options, "backend", check=False)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_secret_of_the_example(stack, name):
    expected = f"thinkRing cannot start: set {name} to a secret of your own: it still has the example's value."

    assert expected in start(stack, **{name: EXAMPLES[name]})


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_short_secret(stack, name):
    assert f"thinkRing cannot start: set {name} to a secret of at least" in start(stack, **{name: "short"})


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_missing_secret(stack, name):
    expected = f"thinkRing cannot start: set {name} to a secret of your own: it is missing."

    assert expected in start(stack, **{name: ""})


def test_no_hosts(stack):
    assert "thinkRing cannot start: set ALLOWED_HOSTS" in start(stack, ALLOWED_HOSTS="")


def test_a_store_without_what_speaks_to_one(stack):
    said = start(stack, MEDIA_BUCKET="uploads")

    assert "thinkRing cannot start: set EXTRAS to s3 and build the image anew, or leave MEDIA_BUCKET" in said


def test_no_hosts_for_compose(stack):
    result = stack.compose("config", check=False, ALLOWED_HOSTS="")

    assert result.returncode != 0
    assert "Set ALLOWED_HOSTS in .env.production, or let ops/setup.sh your.domain write that file." in result.stderr


def test_a_wrong_database_password(stack):
    """The deadline is for a database that is still starting; this is said at once, with what to do."""
    result = stack.compose(
        "run", "--rm", "-T", "--no-deps", "-e", f"DB_PASSWORD={STRONG}", "backend",
        "python", "manage.py", "prepare_database", "--deadline", "600", check=False,
    )  # fmt: skip

    assert result.returncode != 0
    assert "password authentication failed" in result.stdout + result.stderr
    assert "It keeps the names and the password that it was first started with" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("service", "folder", "command"),
    [
        ("frontend", "/app/dist", []),
        ("backend", "/app/staticfiles", ["python", "manage.py", "publish_static", "build/static"]),
    ],
)
def test_a_volume_of_another_user(stack, tmp_path, service, folder, command):
    tmp_path.chmod(0o555)
    image = docker("inspect", "--format", "{{.Image}}", stack.container(service)).strip()

    result = subprocess.run(
        ["docker", "run", "--rm", "--volume", f"{tmp_path}:{folder}", image, *command],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert result.returncode != 0
    expected = "cannot be written: the volume has files of another user. Give it to user 1000"
    assert expected in result.stderr
