"""
What the running containers may do, read back from them, and how their logs rotate.
"""

import json
import subprocess

import pytest

from production import docker

from .conftest import SERVICES

MASTER_OF_NGINX = {"cap_chown", "cap_net_bind_service", "cap_setgid", "cap_setuid"}
CAPABILITIES = {0: "cap_chown", 1: "cap_dac_override", 6: "cap_setgid", 7: "cap_setuid", 10: "cap_net_bind_service"}
MEBIBYTE = 1024 * 1024


def inspect(stack, service):
    return json.loads(docker("inspect", stack.container(service)))[0]


def status(stack, service, pid="1"):
    """A process's /proc/PID/status in the container, as a dict."""
    text = stack.compose("exec", "-T", service, "cat", f"/proc/{pid}/status").stdout
    return {key: value.split() for key, value in (line.split(":", 1) for line in text.splitlines())}


def capabilities(found):
    mask = int(found["CapEff"][0], 16)
    return {CAPABILITIES.get(bit, f"capability {bit}") for bit in range(64) if mask >> bit & 1}


@pytest.mark.parametrize(
    ("service", "user"), [("frontend", "1000"), ("backend", "1000"), ("db", "999"), ("wal", "999")]
)
def test_nobody_is_root_or_can_become_more(stack, service, user):
    found = status(stack, service)

    assert set(found["Uid"]) == {user}
    assert capabilities(found) == set()
    assert found["NoNewPrivs"] == ["1"]


def test_nginx_serves_as_a_user_without_capabilities(stack):
    master = status(stack, "nginx")
    assert capabilities(master) == MASTER_OF_NGINX
    assert master["NoNewPrivs"] == ["1"]

    processes = docker("top", stack.container("nginx"), "-eo", "pid,args").splitlines()
    workers = [line.split()[0] for line in processes if "nginx: worker process" in line]
    assert len(workers) == 2
    for pid in workers:
        with open(f"/proc/{pid}/status") as file:
            found = {key: value.split() for key, value in (line.split(":", 1) for line in file)}
        assert set(found["Uid"]) == {"101"}
        assert capabilities(found) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_the_root_is_read_only(stack, service):
    for folder in ["/", "/etc", "/usr/bin"]:
        result = stack.compose("exec", "-T", "--user", "0", service, "touch", f"{folder}/new", check=False)

        assert "Read-only file system" in result.stdout + result.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_limits(stack, service):
    host = inspect(stack, service)["HostConfig"]

    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert 64 * MEBIBYTE <= host["Memory"] <= 1024 * MEBIBYTE
    assert 0 < host["NanoCpus"] <= 1_000_000_000
    assert 0 < host["PidsLimit"] <= 256
    assert host["RestartPolicy"]["Name"] == "always"
    assert not host["Privileged"]


@pytest.mark.parametrize(
    ("service", "added"),
    [("certificate", ["DAC_OVERRIDE"]), ("backups", ["CHOWN", "DAC_OVERRIDE", "FOWNER"])],
)
def test_what_runs_once_may_do_one_thing(stack, service, added):
    """They hand folders of the host over, so they are root; but without a network, and with nothing else."""
    found = inspect(stack, service)
    host = found["HostConfig"]

    assert found["State"]["Status"] == "exited"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert {capability.removeprefix("CAP_") for capability in host["CapAdd"]} == set(added)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["NetworkMode"] == "none"
    assert host["Memory"] == 64 * MEBIBYTE
    assert 0 < host["NanoCpus"] <= 1_000_000_000
    assert host["PidsLimit"] == 32
    assert host["RestartPolicy"]["Name"] == "no"
    assert not host["Privileged"]
    assert not host["PortBindings"]


def test_the_receiver_has_no_network(stack):
    assert inspect(stack, "wal")["HostConfig"]["NetworkMode"] == "none"


def test_nothing_is_published_but_nginx(stack):
    published = {
        service: {port: [a["HostPort"] for a in addresses] for port, addresses in ports.items() if addresses}
        for service in SERVICES
        if (ports := inspect(stack, service)["NetworkSettings"]["Ports"])
    }
    published = {service: ports for service, ports in published.items() if ports}

    assert set(published) == {"nginx"}
    assert {port: set(numbers) for port, numbers in published["nginx"].items()} == {
        "80/tcp": {str(stack.ports["http"])},
        "443/tcp": {str(stack.ports["https"])},
    }


def test_only_the_backend_reaches_the_database(stack):
    networks = {service: set(inspect(stack, service)["NetworkSettings"]["Networks"]) for service in SERVICES}
    (database,) = networks["db"]

    assert docker("network", "inspect", "--format", "{{.Internal}}", database).strip() == "true"
    assert [service for service in SERVICES if database in networks[service]] == ["backend", "db"]


def test_the_code_is_not_the_applications_own(stack):
    for service in ["backend", "frontend"]:
        own = stack.compose(
            "exec", "-T", service, "find", "/app", "!", "-user", "0", "!", "-path", "/app/staticfiles*",
            "!", "-path", "/app/media*", "!", "-path", "/app/dist*",
        ).stdout  # fmt: skip

        assert own == ""


def test_secrets_are_readable_by_their_owner_alone(stack):
    assert (stack.folder / ".env.production").stat().st_mode & 0o777 == 0o600
    assert (stack.folder / "nginx" / "ssl" / "key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("service", [*SERVICES, "certificate", "backups"])
def test_every_log_is_limited(stack, service):
    assert inspect(stack, service)["HostConfig"]["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "10m", "max-file": "3"},
    }


def test_a_log_rotates(stack):
    """35 MB of log lines leave three files of at most 10 MB, and the last line is in the newest."""
    stack.compose(
        "exec", "-T", "frontend", "sh", "-c",
        "{ yes 'a line of the log, long enough to count' | head -c 35000000; echo the last line; } >/proc/1/fd/1",
    )  # fmt: skip
    log = inspect(stack, "frontend")["LogPath"]
    folder, name = log.rsplit("/", 1)
    listed = docker(
        "run", "--rm", "--network", "none", "--volume", f"{folder}:/logs:ro", "postgres:15", "sh", "-c",
        f"cd /logs && stat -c '%n %s' {name}* && tail -n 1 {name}",
    ).splitlines()  # fmt: skip

    sizes = dict(line.split() for line in listed[:-1])
    assert set(sizes) == {name, f"{name}.1", f"{name}.2"}
    assert all(int(size) <= 10_001_000 for size in sizes.values())
    assert json.loads(listed[-1])["log"] == "the last line\n"


def test_logs_are_json(stack):
    stack.get(f"{stack.api}/version/")
    for service in ["nginx", "backend"]:
        line = subprocess.run(
            ["docker", "logs", "--tail", "1", stack.container(service)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert json.loads(line.stdout or line.stderr)["request_id"]
