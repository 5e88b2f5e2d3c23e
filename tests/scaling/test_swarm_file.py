"""ops/swarm/stack.yml is production as Swarm takes it; tests/scaling/test_swarm.py runs it."""

import copy
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess

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
        secret = [key for key in service.get("environment", {}) if re.search(r"(KEY|PASSWORD)$", key)]
        assert not secret, name
        assert "env.production" not in service.get("env_file", "").split(":?")[0]


def test_the_readme_makes_all_secrets():
    names = re.search(r"^for name in (.*?); do$", README, re.M | re.S).group(1).replace("\\", "").split()

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


def test_docker_takes_it(missing, tmp_path):
    command = ["docker", "stack", "config", "--compose-file", generate.STACK]
    if not shutil.which("docker") or subprocess.run([*command[:3], "--help"], capture_output=True).returncode:
        missing("Docker's command line has no `docker stack config` (it takes 25 or newer)")
    (tmp_path / "settings").write_text("ALLOWED_HOSTS=thinkring.test\n")
    environment = {
        "PATH": os.environ["PATH"], "COMMIT": "abc", "SETTINGS": str(tmp_path / "settings"), "DB_NAME": "thinkring",
        "DB_USER": "thinkring", "PAGE_NAMES_DIGEST": "1", "API_NAMES_DIGEST": "2", "CA_PEM_DIGEST": "3",
    }  # fmt: skip

    result = subprocess.run(command, env=environment, capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    taken = yaml.safe_load(result.stdout)
    assert taken["services"].keys() == STACK["services"].keys()
    assert taken["services"]["backend"]["image"] == "thinkring_backend:abc"
    assert taken["services"]["backend"]["environment"]["ALLOWED_HOSTS"] == "thinkring.test"
    assert taken["services"]["wal"]["deploy"]["replicas"] == 0
