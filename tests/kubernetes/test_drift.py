"""What is said here and elsewhere too is the same: compose's file, images, settings, the schedule of one server."""

import copy
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from production import PRODUCTION, ROOT

from .rendering import OVERLAYS, drill_cluster, of_kind, pod, pods, rendered, settings
from .test_objects import amount

COMPOSE = yaml.safe_load((ROOT / PRODUCTION).read_text())["services"]
EXAMPLE = dict(re.findall(r"^(\w+)=(.+)$", (ROOT / ".env.production.example").read_text(), re.M))
SETTINGS = (ROOT / "backend/thinkring/settings.py").read_text()
READ = set(re.findall(r"""env\.\w+\(\s*["'](\w+)["']""", SETTINGS))
# Of CloudNativePG's own archive, and of how it logs.
ITS_OWN = {"archive_mode", "archive_command"}
OURS = {"log_min_messages"}
# Names last this long in the DNS of a cluster as kubeadm sets it up.
DNS_SECONDS = 30

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
each_deployment = pytest.mark.parametrize("name", ["nginx", "frontend", "backend", "redis"])


def container(name):
    return pod(rendered("production"), f"Deployment/{name}").spec["containers"][0]


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(s|m)", duration).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def megabytes(size):
    number, unit = re.fullmatch(r"(\d+)(m|g)", size).groups()
    return int(number) * {"m": 2**20, "g": 2**30}[unit]


@each_deployment
def test_limits(name):
    limits = container(name)["resources"]["limits"]

    assert amount(limits["memory"]) == megabytes(COMPOSE[name]["mem_limit"])
    assert amount(limits["cpu"]) == COMPOSE[name]["cpus"]


@each_overlay
def test_limits_of_the_database(overlay):
    cluster = of_kind(rendered(overlay), "Cluster")["database"]["spec"]

    for spec in (cluster, drill_cluster(rendered(overlay))["spec"]):
        assert amount(spec["resources"]["limits"]["memory"]) == megabytes(COMPOSE["db"]["mem_limit"])
        assert amount(spec["resources"]["limits"]["cpu"]) == COMPOSE["db"]["cpus"]
    assert amount(cluster["ephemeralVolumesSizeLimit"]["shm"]) == megabytes(COMPOSE["db"]["shm_size"])


@each_deployment
def test_stopping(name):
    spec = pod(rendered("production"), f"Deployment/{name}").spec
    lingers = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {"seconds": 0})["seconds"]

    assert spec["terminationGracePeriodSeconds"] - lingers == seconds(COMPOSE[name]["stop_grace_period"])
    if name in ("frontend", "backend"):
        assert lingers > DNS_SECONDS


@pytest.mark.parametrize("name", ["nginx", "backend"])
def test_what_compose_keeps_in_memory_is_in_memory(name):
    spec = pod(rendered("production"), f"Deployment/{name}").spec
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    in_memory = {
        mount["mountPath"]: volumes[mount["name"]]["emptyDir"]
        for mount in spec["containers"][0]["volumeMounts"]
        if volumes[mount["name"]].get("emptyDir", {}).get("medium") == "Memory"
    }
    wanted = dict((*entry.split(":size="), None)[:2] for entry in COMPOSE[name]["tmpfs"])

    assert set(in_memory) == set(wanted)
    for path, size in wanted.items():
        assert size is None or amount(in_memory[path]["sizeLimit"]) == megabytes(size)


@each_overlay
def test_the_database_is_set_as_composes(overlay):
    flags = dict(flag.removeprefix("-c").split("=", 1) for flag in COMPOSE["db"]["command"] if flag.startswith("-c"))
    parameters = of_kind(rendered(overlay), "Cluster")["database"]["spec"]["postgresql"]["parameters"]

    assert {name: parameters[name] for name in set(parameters) - OURS} == {
        name: flags[name] for name in set(flags) - ITS_OWN
    }


@each_overlay
def test_images(overlay):
    found = rendered(overlay)
    major = re.search(r"POSTGRES_VERSION:-(\d+)", COMPOSE["db"]["image"])[1]
    used = {entry["image"] for made in pods(found) for entry in made.containers}

    assert of_kind(found, "Cluster")["database"]["spec"]["imageCatalogRef"]["major"] == int(major)
    # Nodes pull it at different times, so that it says which release it is.
    assert {image for image in used if image.startswith("nginx:")} == {"nginx:1.30-alpine"}
    assert COMPOSE["nginx"]["image"] == "nginx:alpine"
    if overlay == "production":
        assert COMPOSE["redis"]["image"] in used


def test_redis_is_started_as_composes():
    composes = [word.replace("$$", "$") for word in COMPOSE["redis"]["command"]]

    # But for where a password that is missing is to be set.
    ours, theirs = (re.sub(r":\?[^}]*", ":?", " ".join(words)) for words in (container("redis")["command"], composes))
    assert ours == theirs
    user, group = COMPOSE["redis"]["user"].split(":")
    own = pod(rendered("production"), "Deployment/redis").spec["securityContext"]
    assert (own["runAsUser"], own["runAsGroup"]) == (int(user), int(group))


def test_the_backend_is_started_as_by_its_image():
    lines = (ROOT / "backend/start.sh").read_text().splitlines()
    wanted = [line for line in lines if line.startswith(("python", "exec")) and "publish_static" not in line]

    assert container("backend")["command"] == ["sh", "-euc", "; ".join(wanted)]


def test_the_frontend_is_started_as_by_its_image():
    assert "command" not in container("frontend")
    assert "args" not in container("frontend")


@pytest.mark.parametrize(
    ("half", "path", "port", "script", "asked"),
    [
        ("backend", "/api/v1/health/", 8000, "healthy.sh", ["/dev/tcp/127.0.0.1/8000\n", "GET /api/v1/health/ "]),
        ("frontend", "/healthz", 3000, "Dockerfile.prod", [":3000/healthz"]),
    ],
)
def test_probes_ask_what_the_images_health_check_asks(half, path, port, script, asked):
    dockerfile = (ROOT / half / "Dockerfile.prod").read_text()

    assert script == "Dockerfile.prod" or f'CMD ["timeout", "3", "bash", "{script}"]' in dockerfile
    for part in asked:
        assert part in (ROOT / half / script).read_text()
    for probe in ("startupProbe", "livenessProbe"):
        assert container(half)[probe]["httpGet"]["path"] == path
    assert container(half)["ports"] == [{"name": "http", "containerPort": port}]


@pytest.mark.parametrize("name", ["nginx", "redis"])
def test_probes_ask_what_composes_health_check_asks(name):
    way, *asked = COMPOSE[name]["healthcheck"]["test"]
    wanted = asked if way == "CMD" else ["sh", "-c", asked[0].replace("$$", "$")]

    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container(name)[probe]["exec"]["command"] == wanted


def test_the_backend_is_ready_when_all_is_that_it_needs():
    probe = container("backend")["readinessProbe"]["httpGet"]

    assert probe["path"] == "/api/v1/health/ready/"


def test_the_backend_has_the_time_to_start_that_its_database_may_take():
    probe = container("backend")["startupProbe"]
    deadline = re.search(
        r'"--deadline".*default=(\d+)', (ROOT / "backend/apps/core/management/commands/prepare_database.py").read_text()
    )[1]

    assert probe["periodSeconds"] * probe["failureThreshold"] > int(deadline)


def test_nothing_kills_a_backend_before_gunicorn_has_looked_after_its_worker():
    probe = container("backend")["livenessProbe"]
    timeout = re.search(r"^timeout = (\d+)$", (ROOT / "backend/gunicorn.conf.py").read_text(), re.M)[1]

    assert probe["periodSeconds"] * probe["failureThreshold"] > int(timeout)


def names(made):
    """The variables that the containers of an application's pod have of ours."""
    return {entry["name"] for container in made.spec["containers"] for entry in container.get("env", [])}


@each_overlay
def test_the_backend_reads_every_variable_that_it_is_given(overlay):
    found = rendered(overlay)
    frontends = {entry.split("=")[0] for entry in COMPOSE["frontend"]["environment"]}

    assert set(settings(found)) - READ <= frontends
    for made in pods(found):
        if made.owner in ("Deployment/frontend", "Deployment/nginx", "Deployment/redis"):
            continue
        assert names(made) <= READ, made.owner
    assert names(pod(found, "Deployment/frontend")) == frontends


@each_overlay
def test_values_that_compose_sets_too(overlay):
    given = settings(rendered(overlay))
    listed = dict(
        entry.split("=", 1) for entry in COMPOSE["backend"]["environment"] + COMPOSE["frontend"]["environment"]
    )
    fixed = {name: value for name, value in listed.items() if not value.startswith("${")}
    default = re.fullmatch(r"\$\{VITE_API_BASE_URL:-(.*)\}", listed["VITE_API_BASE_URL"])[1]

    # The database's address is DATABASE_URL.
    assert {name: value for name, value in fixed.items() if not name.startswith("DB_")} == {"DEBUG": given["DEBUG"]}
    assert given["VITE_API_BASE_URL"] == default
    for name in set(given) & set(EXAMPLE) - {"REDIS_HOST"}:
        assert given[name] == EXAMPLE[name], name
    if overlay == "production":
        assert given["REDIS_HOST"] == "redis"


@each_overlay
def test_the_backend_takes_its_settings(overlay):
    """With a secret of the length that it wants in the place of each that is somebody's."""
    found = rendered(overlay)
    secret = "of-nobody-and-long-enough-for-each-of-them"
    given = {
        entry["name"]: entry.get("value", secret).replace("$(DB_PASSWORD)", secret)
        for entry in pod(found, "Deployment/backend").spec["containers"][0]["env"]
    }
    environment = {"PATH": os.environ["PATH"], **settings(found), **given}
    look = (
        "import django; django.setup(); from django.conf import settings as s; "
        "hosts = {name: database['HOST'] for name, database in s.DATABASES.items()}; "
        "print(s.DEBUG, hosts, s.TRUSTED_PROXIES, s.STATIC_ROOT)"
    )

    result = subprocess.run(
        [sys.executable, "-c", look],
        cwd=ROOT / "backend",
        env={**environment, "DJANGO_SETTINGS_MODULE": "thinkring.settings"},
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr
    hosts = {"default": "database-rw"} | ({"replica": "database-ro"} if overlay == "production" else {})
    assert result.stdout == f"False {hosts} 1 /app/build/static\n"


@each_overlay
def test_every_job_has_what_the_backend_has(overlay):
    found = rendered(overlay)
    backend = pod(found, "Deployment/backend").spec["containers"][0]

    for made in pods(found):
        if made.labels["app.kubernetes.io/name"] in ("job", "drill"):
            own = made.spec["containers"][0]
            assert own["image"] == backend["image"], made.owner
            assert own["envFrom"] == backend["envFrom"], made.owner
            # It sends no mails, and reads what is written.
            others = ("EMAIL_HOST_PASSWORD", "DATABASE_REPLICA_URL")
            wanted = copy.deepcopy([entry for entry in backend["env"] if entry["name"] not in others])
            if made.owner == "Job/check":
                # Before the first start there is no database, and its password is made with it.
                (password,) = [entry for entry in wanted if entry["name"] == "DB_PASSWORD"]
                password["valueFrom"]["secretKeyRef"]["optional"] = True
            assert wanted == own["env"]


def test_what_cron_does_on_one_server_is_done_at_the_same_times():
    found = rendered("production")
    script = (ROOT / "ops/schedule.sh").read_text()
    times = {name: when for when, name in re.findall(r"entry '([^']+)' ([\w-]+)", script)}
    jobs = {name: entry["spec"]["schedule"] for name, entry in of_kind(found, "CronJob").items()}

    assert jobs == {
        "empty-trash": times["empty_trash"],
        "delete-old-sessions": times["delete_old_sessions"],
        "drill": times["drill"],
    }
    assert of_kind(found, "ScheduledBackup")["nightly"]["spec"]["schedule"] == f"0 {times['backup']}"
    for name in ("empty_trash", "delete_old_sessions"):
        command = pod(found, f"CronJob/{name.replace('_', '-')}").spec["containers"][0]["command"]
        assert shlex.join(command) == f"python manage.py {name}"
        assert f"manage {name}" in script


def test_backups_are_kept_as_long():
    days = re.search(r"^RETENTION_DAYS=(\d+)$", (ROOT / "backup.sh").read_text(), re.M)[1]

    assert of_kind(rendered("production"), "ObjectStore")["backups"]["spec"]["retentionPolicy"] == f"{days}d"
