"""
Compose, literal and ours, as both front ends really read it: variables, the environment file, ports, volumes.
Starting the whole stack is for tests/stack; here compose is only asked what it would do.
"""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from production import ROOT

from . import compose_file
from .containers import base_image
from .environment_file import parse
from .specification import block, container_table

PRODUCTION = compose_file.PRODUCTION
DEVELOPMENT = compose_file.DEVELOPMENT


@pytest.fixture
def contexts(tmp_path):
    """The folders that images are built from; 1.29 wants to see them before it says anything."""
    for name in ["backend", "frontend", "ops"]:
        (tmp_path / name).mkdir()


@pytest.fixture
def checkout(tmp_path, contexts):
    """The two compose files, and the link that finds a server's environment file."""
    for name in [PRODUCTION, DEVELOPMENT]:
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".env").symlink_to(os.readlink(ROOT / ".env"))
    return tmp_path


@pytest.fixture
def literal(tmp_path, contexts):
    """The specification's compose file beside its .env.production, and nothing else."""
    (tmp_path / PRODUCTION).write_text(block(PRODUCTION))
    (tmp_path / ".env.production").write_text(block("env.production"))
    return tmp_path


def run(command, *arguments, cwd, **variables):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DB_", "COMPOSE"))}
    return subprocess.run([*command, *arguments], cwd=cwd, env=environment | variables, capture_output=True, text=True)


def config(command, *arguments, cwd, **variables):
    """What compose would start, with every value in place."""
    result = run(command, *arguments, "config", cwd=cwd, **variables)
    assert result.returncode == 0, result.stderr
    tree = yaml.safe_load(result.stdout)
    for service in tree["services"].values():
        service["environment"] = compose_file.environment(service.get("environment") or {})
    return tree


def test_literal_variables_are_blank(literal, front_end):
    services = config(front_end, "-f", PRODUCTION, cwd=literal)["services"]

    assert services["backend"]["environment"]["SECRET_KEY"] == ""
    assert services["db"]["environment"]["POSTGRES_PASSWORD"] == ""


def test_postgresql_does_not_start_without_a_password(engine):
    result = subprocess.run(
        ["docker", "run", "--rm", "-e", "POSTGRES_PASSWORD=", "postgres:15"], capture_output=True, text=True
    )

    assert result.returncode != 0
    assert "superuser password is not specified" in result.stderr


def test_a_missing_file_stops_with_one_sentence(checkout, front_end):
    result = run(front_end, "-f", PRODUCTION, "up", "-d", cwd=checkout)

    assert result.returncode != 0
    assert re.search(r"Set \w+ in \.env\.production, or let ops/setup\.sh your\.domain write that file", result.stderr)


@pytest.mark.parametrize("name", ["SECRET_KEY", "DB_NAME", "DB_USER", "DB_PASSWORD"])
@pytest.mark.parametrize("line", ["", "{}=\n"], ids=["missing", "empty"])
def test_a_missing_variable_stops_with_its_name(checkout, front_end, name, line):
    text = re.sub(rf"^{name}=.*\n", line.format(name), block("env.production"), flags=re.M)
    (checkout / ".env.production").write_text(text)

    result = run(front_end, "-f", PRODUCTION, "up", "-d", cwd=checkout)

    assert result.returncode != 0
    assert f"Set {name} in .env.production" in result.stderr


def test_the_link_brings_the_values(checkout, front_end):
    (checkout / ".env.production").write_text(block("env.production"))

    services = config(front_end, "-f", PRODUCTION, cwd=checkout)["services"]

    assert services["backend"]["environment"]["SECRET_KEY"] == "your-production-secret-key"
    assert services["db"]["environment"]["POSTGRES_PASSWORD"] == "secure-password-here"


def test_the_development_file_needs_no_environment(checkout, front_end):
    result = run(front_end, "-f", DEVELOPMENT, "config", cwd=checkout)

    assert result.returncode == 0, result.stderr
    assert "${" not in (ROOT / DEVELOPMENT).read_text()


def test_the_backend_gets_the_whole_file(checkout, front_end):
    only_in_the_file = {
        "ALLOWED_HOSTS", "JWT_SECRET_KEY", "JWT_ACCESS_TOKEN_LIFETIME", "JWT_REFRESH_TOKEN_LIFETIME",
        "CORS_ALLOWED_ORIGINS",
    }  # fmt: skip
    (checkout / ".env.production").write_text(block("env.production"))

    ours = config(front_end, "-f", PRODUCTION, cwd=checkout)["services"]["backend"]["environment"]
    (checkout / PRODUCTION).write_text(block(PRODUCTION))
    literal = config(front_end, "-f", PRODUCTION, cwd=checkout)["services"]["backend"]["environment"]

    assert ours == ours | parse(block("env.production"))
    assert not only_in_the_file & set(literal)


def test_a_named_volume_is_filled_only_once(engine, tmp_path):
    """A rebuilt image with its files under the mount of a named volume: the container still has the old ones."""
    image, volume = "thinkring-test-volume", "thinkring-test-volume"
    subprocess.run(["docker", "volume", "rm", "-f", volume], capture_output=True)
    (tmp_path / "Dockerfile").write_text("FROM postgres:15\nCOPY page /app/dist/page\n")
    try:
        for build in ["old", "new"]:
            (tmp_path / "page").write_text(build)
            subprocess.run(["docker", "build", "-q", "-t", image, "."], cwd=tmp_path, check=True, capture_output=True)
            seen = subprocess.run(
                ["docker", "run", "--rm", "--entrypoint", "cat", "-v", f"{volume}:/app/dist", image, "/app/dist/page"],
                check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip

        assert seen == "old"
    finally:
        subprocess.run(["docker", "volume", "rm", "-f", volume], capture_output=True)
        subprocess.run(["docker", "image", "rm", "-f", image], capture_output=True)


@pytest.mark.parametrize("file", [PRODUCTION, DEVELOPMENT])
def test_every_service_has_a_health_check(file):
    for name, service in compose_file.read(ROOT / file)["services"].items():
        if service.get("restart") == "no":
            continue  # does one thing and is done
        if "healthcheck" not in service:
            dockerfile = ROOT / service["build"]["context"] / service["build"]["dockerfile"]
            assert re.search(r"^HEALTHCHECK ", dockerfile.read_text(), re.M), name


def test_production_publishes_nginx_only():
    services = compose_file.read(ROOT / PRODUCTION)["services"]

    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "nginx": {"80": "80", "443": "443"}
    }


def test_development_publishes_on_this_machine_only():
    services = compose_file.read(ROOT / DEVELOPMENT)["services"]

    for name, (_, ports) in container_table().items():
        if name != "nginx":  # the development server passes /api on
            assert services[name]["ports"] == {port: f"127.0.0.1:{port}" for port in ports}


@pytest.mark.parametrize("file", [PRODUCTION, DEVELOPMENT])
def test_logging_is_written_once(file):
    text = (ROOT / file).read_text()
    services = compose_file.read(ROOT / file)["services"]

    assert text.count("json-file") == 1
    assert text.count("logging: *logging") == len(services)


@pytest.mark.parametrize(
    ("service", "argument", "release", "image"),
    [
        ("backend", "PYTHON_VERSION", "3.13", "python:3.13-slim"),
        ("frontend", "NODE_VERSION", "22", "node:22-alpine"),
    ],
)
def test_one_argument_moves_to_another_release(checkout, front_end, service, argument, release, image):
    (checkout / ".env.production").write_text(block("env.production"))

    build = config(front_end, "-f", PRODUCTION, cwd=checkout, **{argument: release})["services"][service]["build"]

    build["args"] = compose_file.environment(build["args"])
    build["context"] = ROOT / service
    assert base_image(ROOT, {"build": build}) == image


def test_postgresql_moves_with_its_volume(checkout, front_end):
    (checkout / ".env.production").write_text(block("env.production"))
    newer = {"POSTGRES_VERSION": "17", "POSTGRES_VOLUME": "postgres_data_17"}

    services = config(front_end, "-f", PRODUCTION, "--profile", "wal", cwd=checkout, **newer)["services"]

    images = {name: service.get("image", "") for name, service in services.items()}
    on_it = {name for name, image in images.items() if image.startswith("postgres:")}
    assert on_it == {"db", "wal", "backups"}
    assert {images[name] for name in on_it} == {"postgres:17"}
    mounts = compose_file.volumes(services["db"]["volumes"])
    assert mounts["/var/lib/postgresql/data"].removesuffix(":rw") == "postgres_data_17"


def test_plain_commands_mean_production_where_its_file_is(checkout, front_end):
    elsewhere = run(front_end, "config", "--services", cwd=checkout)
    shutil.copy(ROOT / ".env.production.example", checkout / ".env.production")
    on_a_server = run(front_end, "config", "--services", cwd=checkout)

    assert "nginx" not in elsewhere.stdout.split()
    assert set(on_a_server.stdout.split()) >= {"nginx", "frontend", "backend", "db"}


def test_staging_has_its_own_environment_file(checkout, front_end):
    (checkout / ".env.staging").write_text(
        block("env.production").replace("thinkring.example.com", "staging.example.com") + "ENV_FILE=.env.staging\n"
    )
    (checkout / ".env").unlink()
    (checkout / ".env").symlink_to(".env.staging")

    services = config(front_end, "-f", PRODUCTION, cwd=checkout)["services"]

    assert services["backend"]["environment"]["ALLOWED_HOSTS"] == "staging.example.com,api.staging.example.com"
