"""ops/swarm/stack.yml is production as Swarm takes it; tests/scaling/test_swarm.py runs it."""

import copy
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from production import ROOT

FOLDER = ROOT / "ops" / "swarm"
README = (FOLDER / "README.md").read_text()
specification = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
generate = importlib.util.module_from_spec(specification)
specification.loader.exec_module(generate)

PRODUCTION = yaml.safe_load(generate.PRODUCTION.read_text())
STACK = yaml.safe_load(generate.STACK.read_text())
SERVICES = PRODUCTION["services"].keys() - generate.LEFT_OUT_SERVICES.keys()


def test_it_is_what_the_generator_makes():
    assert generate.text() == generate.STACK.read_text(), "run `make swarm`"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_key_of_production_is_in_it(name):
    production, service = PRODUCTION["services"][name], STACK["services"][name]
    for key in production.keys() & generate.TAKEN_OVER - {"command"}:
        assert service[key] == production[key]
    # The password of Redis is read before.
    if "command" in production:
        assert service["command"][-1].endswith(production["command"][-1])
    if "healthcheck" in production:
        assert service["healthcheck"]["test"][-1].endswith(production["healthcheck"]["test"][-1])
        assert service["healthcheck"]["interval"] == production["healthcheck"]["interval"]

    limits = service["deploy"]["resources"]["limits"]
    assert limits == {
        "memory": production["mem_limit"], "cpus": str(production["cpus"]), "pids": production["pids_limit"],
    }  # fmt: skip
    targets = {volume["target"] for volume in service.get("volumes", [])}
    targets |= {mounted["target"] for kind in ("configs", "secrets") for mounted in service.get(kind, [])}
    for volume in production.get("volumes", []):
        source, target = volume.removesuffix(":ro").rsplit(":", 1)
        there = any(f"{name}/".startswith(f"{target}/") for name in targets)
        assert there != (source in generate.LEFT_OUT_FOLDERS), volume
    assert {path.split(":")[0] for path in production.get("tmpfs", [])} <= targets
    assert [f"{port['published']}:{port['target']}" for port in service.get("ports", [])] == production.get("ports", [])


def test_no_secret_is_in_an_environment():
    for name, service in STACK["services"].items():
        secret = [key for key in service.get("environment", {}) if re.search(r"(KEY|PASSWORD|SECRET|KEY_ID|URL)$", key)]
        assert set(secret) <= NO_SECRETS, name
        assert "env_file" not in service


# It stands in the settings, and opens nothing.
NO_SECRETS = {"PAGE_URL", "S3_ENDPOINT_URL", "STATIC_URL", "VITE_API_BASE_URL"}
# What is said in .env.production to others than the backend.
TO_OTHERS = {
    "BACKENDS": "Swarm", "VITE_API_BASE_URL": "the front end", "EXTRAS": "who builds the image",
    "COMPOSE_FILE": "compose", "COMPOSE_PROFILES": "deploy.sh", "CERTBOT_EMAIL": "ops/certificates.sh",
    "ALERT_WEBHOOK_URL": "ops/check-health.sh",
}  # fmt: skip
# Reads the settings of a server that has everything, and says which names were asked for.
ASKED = """
from thinkring.environment import Environment
text = Environment._text
Environment._text = lambda self, name: print(name) or text(self, name)
import thinkring.settings
"""
EVERYTHING = {
    "DEBUG": "False", "ALLOWED_HOSTS": "thinkring.test", "DB_HOST": "db", "REDIS_HOST": "redis",
    "MEDIA_BUCKET": "uploads", "S3_ENDPOINT_URL": "https://store.test", "STATIC_URL": "https://cdn.test",
    **dict.fromkeys(
        ["SECRET_KEY", "JWT_SECRET_KEY", "DB_PASSWORD", "REDIS_PASSWORD", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"],
        "nobody's, and long enough for each of them",
    ),
}  # fmt: skip


def test_every_setting_reaches_the_backend():
    """As a value or as a secret; what is neither is for somebody else."""
    asked = subprocess.run(
        [sys.executable, "-c", ASKED],
        cwd=ROOT / "backend", env={"PATH": os.environ["PATH"]} | EVERYTHING, capture_output=True, text=True,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    asked = set(asked.stdout.split())
    assert {"REDIS_PASSWORD", "S3_REGION", "JWT_REFRESH_TOKEN_LIFETIME"} < asked

    there = STACK["services"]["backend"]["environment"].keys()
    given = there | {name.removesuffix("_FILE") for name in there}
    assert asked <= given | generate.LEFT_OUT_SETTINGS.keys()
    example = set(re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.production.example").read_text(), re.M))
    assert example - given == TO_OTHERS.keys()


def test_no_setting_is_blank_that_may_not_be(tmp_path):
    """gunicorn reads one of them itself, and deploy.sh gives a blank for what is not set."""
    environment = STACK["services"]["backend"]["environment"]
    blank = {name: "" for name, text in environment.items() if text == f"${{{name}:-}}"}
    assert len(blank) > 30
    (tmp_path / "gunicorn.conf.py").write_text("")

    command = [sys.executable, "-m", "gunicorn", "--config", tmp_path / "gunicorn.conf.py", "--check-config"]
    result = subprocess.run(
        [*command, "wsgiref.simple_server:demo_app"],
        env={"PATH": os.environ["PATH"]} | blank, capture_output=True, text=True,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr


# What a secret is made from, and what it is made of.
WRITTEN = {
    "SECRET_KEY": "plain",
    "DB_PASSWORD": "'in apostrophes'",
    "DATABASE_URL": '"postgresql://somebody:secret@elsewhere/thinkring"\r',
    "S3_ACCESS_KEY_ID": "first\nS3_ACCESS_KEY_ID=last",
}
MADE = {
    "SECRET_KEY": "plain",
    "DB_PASSWORD": "in apostrophes",
    "DATABASE_URL": "postgresql://somebody:secret@elsewhere/thinkring",
    "S3_ACCESS_KEY_ID": "last",
}


def test_a_secret_is_what_the_other_scripts_take_the_setting_for(tmp_path):
    (tmp_path / "ops").mkdir()
    shutil.copy(ROOT / "ops" / "installation.sh", tmp_path / "ops")
    (tmp_path / ".env.production").write_text("".join(f"{name}={text}\n" for name, text in WRITTEN.items()))
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text('#!/bin/sh\n[ "$4" != - ] || cat >"made-$3"\n')
    docker.chmod(0o755)
    commands = re.search(r"^```bash secrets\n(.*?)^```$", README, re.M | re.S).group(1)

    result = subprocess.run(
        ["bash", "-euc", commands],
        cwd=tmp_path, env={"PATH": f"{docker.parent}:{os.environ['PATH']}"}, capture_output=True, text=True,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    made = {name: (tmp_path / f"made-thinkring_{name.lower()}").read_text() for name in generate.BACKEND_SECRETS}
    assert made == {name: MADE.get(name, "") + "\n" for name in generate.BACKEND_SECRETS}


def test_the_readme_makes_all_secrets():
    names = re.search(r"^ +for name in (.*?); do$", README, re.M).group(1).split()

    assert names == generate.BACKEND_SECRETS
    made = re.findall(r"docker secret create (thinkring_certificate\w*) ", README)
    assert STACK["secrets"].keys() == {name.lower() for name in names} | {
        name.removeprefix("thinkring_") for name in made if "2027" not in name
    }


def test_what_a_config_is_named_after_is_what_is_in_it():
    for config in STACK["configs"].values():
        file = (generate.STACK.parent / config["file"]).resolve()
        if str(file.relative_to(ROOT)) not in generate.OWN:
            assert config["name"].endswith(hashlib.sha256(file.read_bytes()).hexdigest()[:12])


def changed(change):
    production = copy.deepcopy(PRODUCTION)
    change(production["services"])
    return production


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda services: services.update(queue={"image": "queue"}), "a new service, queue"),
        (lambda services: services["db"].update(privileged=True), "a new key, privileged of db"),
        (lambda services: services["backend"]["volumes"].append("./new:/new"), "a new folder, ./new"),
        (
            lambda services: services["backend"]["deploy"].update(mode="global"),
            "more than replicas in deploy of backend",
        ),
    ],
)
def test_what_the_generator_does_not_know_stops_it(change, said):
    with pytest.raises(SystemExit, match=said):
        generate.Stack(changed(change))


def test_what_changes_in_production_changes_in_it():
    services = generate.Stack(changed(lambda services: services["backend"].update(mem_limit="3g"))).services

    assert services["backend"]["deploy"]["resources"]["limits"]["memory"] == "3g"


def test_docker_takes_it(missing):
    command = ["docker", "stack", "config", "--compose-file", generate.STACK]
    if not shutil.which("docker") or subprocess.run([*command[:3], "--help"], capture_output=True).returncode:
        missing("Docker's command line has no `docker stack config` (it takes 25 or newer)")
    environment = {
        "PATH": os.environ["PATH"], "COMMIT": "abc", "ALLOWED_HOSTS": "thinkring.test", "DB_NAME": "thinkring",
        "DB_USER": "thinkring", "PAGE_NAMES_DIGEST": "1", "API_NAMES_DIGEST": "2", "CA_PEM_DIGEST": "3",
    }  # fmt: skip

    result = subprocess.run(command, env=environment, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    taken = yaml.safe_load(result.stdout)
    assert taken["services"].keys() == STACK["services"].keys()
    assert taken["services"]["backend"]["image"] == "thinkring_backend:abc"
    assert taken["services"]["backend"]["environment"]["ALLOWED_HOSTS"] == "thinkring.test"
    assert taken["services"]["wal"]["deploy"]["replicas"] == 0
