import os
import shutil
import subprocess
from pathlib import Path

import pytest

from production import DOMAIN, ENVIRONMENT

from .certificates.authority import Authority
from .certificates.server import Server
from .firewall.machine import Machine


@pytest.fixture(scope="module")
def authority(stack, missing, tmp_path_factory):
    for command in ["pebble", "pebble-challtestsrv", "certbot"]:
        if not shutil.which(command):
            missing(f"there is no {command} (Debian: apt install pebble certbot)")
    authority = Authority(tmp_path_factory.mktemp("authority"), stack.ports["http"])
    with authority.running():
        yield authority


@pytest.fixture(scope="module")
def server(stack, authority, tmp_path_factory):
    """The running stack beside the authority; in the end it has the pair that it had."""
    server = Server(stack, authority, tmp_path_factory.mktemp("tools"))
    kept = {path: path.read_bytes() for path in server.pair}
    trusted = stack.certificate
    # What the traffic trusts: the authority, and the pair of the first start.
    stack.certificate = authority.folder / "trusted.pem"
    stack.certificate.write_bytes(authority.root.read_bytes() + trusted.read_bytes())
    try:
        yield server
    finally:
        stack.certificate = trusted
        shutil.rmtree(stack.folder / "nginx" / "letsencrypt", ignore_errors=True)
        for path, content in kept.items():
            path.write_bytes(content)
            path.with_name(f"{path.name}.old").unlink(missing_ok=True)
        stack.compose("exec", "-T", "nginx", "nginx", "-s", "reload")
        stack.wait()


@pytest.fixture(scope="module")
def cron_of_root(tmp_path_factory, missing):
    """A folder, and the words before a command for which it is /etc/cron.d."""
    folder = tmp_path_factory.mktemp("cron.d")
    enter = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/cron.d && exec "$@"', folder]
    if not os.path.isdir("/etc/cron.d") or subprocess.run([*enter, "true"], capture_output=True).returncode:
        missing("a folder cannot stand in for /etc/cron.d (it takes root, and a kernel with mount namespaces)")
    return folder, enter


@pytest.fixture
def shell(stack, tmp_path):
    """Runs commands as an operator does; `docker-compose` is the front end that the stack was started with."""
    # By its place, since this one is the first that is found by its name.
    front_end = " ".join(stack.front_end).replace("docker-compose", shutil.which("docker-compose"))
    (tmp_path / "docker-compose").write_text(f'#!/bin/sh\nexec {front_end} "$@"\n')
    (tmp_path / "docker-compose").chmod(0o755)
    # What a browser on this machine is told by its arguments.
    (tmp_path / ".curlrc").write_text(
        f'connect-to = "{DOMAIN}::127.0.0.1:{stack.ports["https"]}"\ncacert = "{stack.certificate}"\n'
    )
    environment = ENVIRONMENT | {"PATH": f"{tmp_path}:{ENVIRONMENT['PATH']}", "CURL_HOME": str(tmp_path)}

    def run(text, cwd=stack.folder):
        result = subprocess.run(["bash", "-euc", text], cwd=cwd, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        return result.stdout

    run.environment = environment
    return run


@pytest.fixture
def path_without(tmp_path):
    """A PATH with every command of this machine's but one."""

    def path(command):
        folder = tmp_path / f"without-{command}"
        folder.mkdir()
        for place in map(Path, os.environ["PATH"].split(":")):
            for tool in place.iterdir() if place.is_dir() else []:
                # The first in PATH is the one that is meant.
                if tool.name != command and not os.path.lexists(folder / tool.name):
                    (folder / tool.name).symlink_to(tool)
        return str(folder)

    return path


@pytest.fixture
def machine_with_ufw(tmp_path, missing):
    for command in ["ufw", "iptables", "ss", "nsenter"]:
        if not shutil.which(command):
            missing(f"there is no {command} (Debian: apt install ufw iptables iproute2)")
    if subprocess.run(["unshare", "--net", "--mount", "iptables", "-S"], capture_output=True).returncode:
        missing("there is no network namespace to be had (it takes root)")
    machine = Machine(tmp_path)
    try:
        yield machine
    finally:
        machine.end()
