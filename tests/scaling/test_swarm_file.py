"""ops/swarm/stack.yml is production as Swarm takes it; tests/scaling/test_swarm.py runs it."""

import copy
import gzip
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
import yaml

from production import ROOT

from .nodes import BLOCKS, README

FOLDER = ROOT / "ops" / "swarm"
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


DUMP = "COPY accounts_user\n--\n-- PostgreSQL database dump complete\n--\n"
# An engine: which container runs, a dump that may break off, a psql that notes what it is asked and takes what it gets.
DATABASE = """#!/bin/bash
case "$*" in
  ps*) echo "$CONTAINER" ;;
  *pg_dump*) echo "$DUMPED"; exit "${BROKEN:-0}" ;;
  *count*) echo "${PEOPLE:-1}" ;;
  *" -c "*) echo "$*" >>asked ;;
  *) cat >/dev/null ;;
esac
"""


def executable(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


def typed(block, folder, **environment):
    """Line by line, into a shell that goes on after what fails."""
    executable(folder / "bin" / "docker", DATABASE)
    executable(folder / "ops" / "swarm" / "deploy.sh", "#!/bin/sh\necho deployed >>asked\n")
    return subprocess.run(
        ["bash"], input=BLOCKS[block], cwd=folder, capture_output=True, text=True,
        env={"PATH": f"{folder}/bin:{os.environ['PATH']}", "CONTAINER": "db"} | environment,
    )  # fmt: skip


def test_a_dump_takes_the_place_of_none_that_is_older(tmp_path):
    for day in range(10, 25):
        (tmp_path / f"thinkring-2020-01-{day}.sql.gz").write_bytes(gzip.compress(b"old"))

    result = typed("dump", tmp_path, DUMPED="new")

    assert result.returncode == 0, result.stderr
    *older, newest = sorted(tmp_path.glob("thinkring-*"))
    assert gzip.decompress(newest.read_bytes()) == b"new\n"
    assert [file.name[10:20] for file in older] == [f"2020-01-{day}" for day in range(12, 25)]


@pytest.mark.parametrize("how", [{"CONTAINER": ""}, {"BROKEN": "1", "DUMPED": "half"}])
def test_a_dump_that_fails_leaves_the_one_before(tmp_path, how):
    assert typed("dump", tmp_path, DUMPED=DUMP).returncode == 0
    (good,) = tmp_path.glob("*.sql.gz")
    before = good.read_bytes()

    assert typed("dump", tmp_path, **how).returncode != 0

    assert list(tmp_path.glob("*.sql.gz")) == [good]
    assert good.read_bytes() == before


def test_the_newest_dump_is_read_and_takes_the_place(tmp_path):
    (tmp_path / "thinkring-2026-01-01.sql.gz").write_bytes(b"no dump at all")
    (tmp_path / "thinkring-2026-01-02.sql.gz").write_bytes(gzip.compress(DUMP.encode()))

    result = typed("refill", tmp_path)

    assert result.returncode == 0, result.stderr
    refilled, replaced, deployed = (tmp_path / "asked").read_text().splitlines()
    assert "DROP DATABASE IF EXISTS refilled -c CREATE DATABASE refilled" in refilled
    assert "DROP DATABASE IF EXISTS thinkring_prod" in replaced
    assert deployed == "deployed"


@pytest.mark.parametrize(
    ("dump", "people"),
    [
        (None, 1),
        (gzip.compress(b""), 1),
        (gzip.compress(DUMP.encode())[:-12], 1),
        (gzip.compress(DUMP[:20].encode()), 1),
        (gzip.compress(DUMP.encode()), 0),
    ],
    ids=["missing", "empty", "cut off", "of a dump that was cut off", "nobody in it"],
)
def test_a_dump_that_is_not_whole_replaces_nothing(tmp_path, dump, people):
    if dump is not None:
        (tmp_path / "thinkring-2026-01-02.sql.gz").write_bytes(dump)

    result = typed("refill", tmp_path, PEOPLE=str(people))

    assert result.returncode != 0
    assert "The database was left as it was" in result.stderr
    asked = (tmp_path / "asked").read_text() if (tmp_path / "asked").exists() else ""
    assert "thinkring_prod" not in asked
    assert "deployed" not in asked


@pytest.fixture
def checkout(tmp_path):
    """What a deploy looks at before it asks the engine, which here says only what a test puts into files."""
    for folder in ("ops", "nginx"):
        unwanted = shutil.ignore_patterns("state", "ssl", "domain", "__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=unwanted)
    for name in ("page", "api"):
        (tmp_path / "nginx" / "domain").mkdir(exist_ok=True)
        (tmp_path / "nginx" / "domain" / f"{name}.names").write_text("server_name thinkring.test;\n")
    (tmp_path / ".env.production").write_text("ALLOWED_HOSTS=thinkring.test,api.thinkring.test\n")
    (tmp_path / ".gitignore").write_text("bin\n*.pem\nops/state\nsaid\n.env.production\n")
    executable(tmp_path / "bin" / "docker", ENGINE)
    git = ["git", "-C", tmp_path, "-c", "user.name=Somebody", "-c", "user.email=somebody@thinkring.test"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "A release"]):
        subprocess.run([*git, *command], check=True)
    return tmp_path


ENGINE = """#!/bin/bash
echo "$*" >>"$SAID/said"
case "$*" in
  info*) echo "${MANAGER:-false}" ;;
  stack*) ;;
  'node ls -q')
    [ -n "$NODES" ] || { echo 'Error response from daemon: The swarm does not have a leader.' >&2; exit 1; }
    echo one two ;;
  'node inspect -f'*) echo "${@: -1} (address)" ;;
  'node inspect'*) printf '%s' "$NODES" ;;
  'service ps'*) echo task ;;
  'inspect --type task'*) echo 'one|running|' ;;
esac
"""


def complaint(checkout, folder=".", command="ops/swarm/deploy.sh", **environment):
    result = subprocess.run(
        [command], cwd=checkout / folder, capture_output=True, text=True,
        env={"PATH": f"{checkout}/bin:{os.environ['PATH']}", "SAID": str(checkout)} | environment,
    )  # fmt: skip
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stderr.endswith("Nothing was changed.\n")
    said = (checkout / "said").read_text() if (checkout / "said").exists() else ""
    assert not re.search("^(service (create|rm|update)|stack deploy)", said, re.M)
    return result.stderr


def test_it_is_called_from_any_folder(checkout):
    assert "not a manager of a swarm" in complaint(checkout, "ops/swarm", "./deploy.sh")


def test_an_edited_checkout_is_refused_before_the_engine_is_asked(checkout):
    with (checkout / "nginx" / "nginx.conf").open("a") as file:
        file.write("# Edited\n")

    assert "files of the release were edited here" in complaint(checkout)
    assert not (checkout / "said").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("BACKENDS=three", "BACKENDS in .env.production is to be a whole number from 1 to 9999, not three."),
        ("FRONTENDS=-1", "FRONTENDS in .env.production is to be a whole number from 1 to 9999, not -1."),
        ("DATABASES=one", "DATABASES in .env.production is to be 1 or 0, not one."),
        ("IMAGES=Big Name", "IMAGES in .env.production is to be what the names of the images begin with"),
        ("COMPOSE_PROFILES=wal,wall", "an unknown profile, wall; there are: wal pgbouncer redis."),
    ],
)
def test_a_setting_that_docker_would_not_take_is_refused_by_its_name(checkout, setting, said):
    with (checkout / ".env.production").open("a") as file:
        file.write(f"{setting}\n")

    assert said in complaint(checkout)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("thinkring.test,api.thinkring.test", "not a manager of a swarm"),
        ("*.thinkring.test,thinkring.test", "not a manager of a swarm"),
        ("another.test,api.another.test", "nginx/ssl/cert.pem is not for thinkring.test"),
        ("thinkring.test", "nginx/ssl/cert.pem is not for api.thinkring.test"),
    ],
)
def test_the_certificate_is_looked_at(checkout, names, said):
    folder = checkout / "nginx" / "ssl"
    make_certificate(folder, names)

    assert said in complaint(checkout)


def make_certificate(folder, names):
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
         "365", "-subj", "/CN=thinkRing", "-addext", "subjectAltName=DNS:" + names.replace(",", ",DNS:"),
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def test_an_expired_certificate_is_refused(checkout):
    folder = checkout / "nginx" / "ssl"
    make_certificate(folder, "thinkring.test,api.thinkring.test")
    command = ["openssl", "x509", "-in", "cert.pem", "-signkey", "key.pem", "-days", "0", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    # That second is its last.
    time.sleep(2)

    assert "nginx/ssl/cert.pem has expired (notAfter=" in complaint(checkout)


def test_a_certificate_of_another_key_or_none_at_all_is_refused(checkout):
    folder = checkout / "nginx" / "ssl"
    make_certificate(folder, "thinkring.test,api.thinkring.test")
    certificate = (folder / "cert.pem").read_bytes()
    make_certificate(folder, "thinkring.test,api.thinkring.test")

    (folder / "cert.pem").write_bytes(certificate)
    assert "nginx/ssl/key.pem is not the key of nginx/ssl/cert.pem" in complaint(checkout)
    (folder / "cert.pem").write_text("junk\n")
    assert "nginx/ssl/cert.pem is no certificate in PEM form." in complaint(checkout)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ("", ["half of its managers or more are away", "does not have a leader", "Start them"]),
        (
            "ready/active|true||one|host|10.0.0.1|1\n",
            ["no node has the label of the database; give it to one, for good"],
        ),
        (
            "ready/active|true||one|host|10.0.0.1|1\ndown/active||true|two|host|10.0.0.2|1\n",
            ["the node of the database, two (address), is away", "(down/active)", "Give no other node its label"],
        ),
        (
            "ready/active|true|true|one|host|10.0.0.1|1\ndown/active||true|two|host|10.0.0.2|1\n",
            ["2 nodes have the label", "one, one (address): the database runs there\n", "two, two (address)\n"],
        ),
    ],
    ids=["no quorum", "no label", "away", "two"],
)
def test_what_is_wrong_with_the_nodes_is_told(checkout, nodes, said):
    complained = complaint(checkout, MANAGER="true", NODES=nodes)

    for part in said:
        assert part in complained
