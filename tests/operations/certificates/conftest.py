import hashlib
import os
import shutil
import socket
import ssl
import subprocess

import pytest

from production import DOMAIN, ENVIRONMENT

from .authority import Authority

NAMES = [DOMAIN, f"api.{DOMAIN}"]


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
    """The running stack, as certificates.sh sees it; afterwards it has the pair that it started with."""
    server = Server(stack, authority, tmp_path_factory.mktemp("tools"))
    settings = stack.folder / ".env.production"
    text = settings.read_text()
    settings.write_text(f"{text}ACME_SERVER={authority.directory}\n")
    kept = {path: path.read_bytes() for path in server.pair}
    trusted = stack.certificate
    # What the traffic trusts: the authority, and the pair of the first start.
    stack.certificate = authority.folder / "trusted.pem"
    stack.certificate.write_bytes(authority.root.read_bytes() + trusted.read_bytes())
    try:
        yield server
    finally:
        stack.certificate = trusted
        settings.write_text(text)
        shutil.rmtree(stack.folder / "nginx" / "letsencrypt", ignore_errors=True)
        for path, content in kept.items():
            path.write_bytes(content)
            path.with_name(f"{path.name}.old").unlink(missing_ok=True)
        stack.compose("exec", "-T", "nginx", "nginx", "-s", "reload")
        stack.wait()


@pytest.fixture(scope="module")
def issued(server):
    """What `issue` said; from then on the server has a certificate of the authority."""
    server.started_before = server.nginx_started()
    server.before = server.certificate.read_text()
    result = server.run("issue")
    assert result.returncode == 0, result.stderr
    return result


class Server:
    def __init__(self, stack, authority, tools):
        self.stack, self.authority, self.tools = stack, authority, tools
        ssl_folder = stack.folder / "nginx" / "ssl"
        self.certificate, self.key = ssl_folder / "cert.pem", ssl_folder / "key.pem"
        self.pair = [self.certificate, self.key]
        self.live = stack.folder / "nginx" / "letsencrypt" / "live" / "thinkring"

    def run(self, *words, front_end="docker compose"):
        """The script, from another folder, as cron does."""
        return subprocess.run(
            [self.stack.folder / "ops" / "certificates.sh", *words], cwd="/", env=self.environment(front_end),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def environment(self, front_end):
        return ENVIRONMENT | {
            "COMPOSE": front_end,
            "REQUESTS_CA_BUNDLE": str(self.authority.own_certificate),
            "PATH": f"{self.tools}:{os.environ['PATH']}",
        }

    def nginx_started(self):
        return subprocess.run(
            ["docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", self.stack.container("nginx")],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def served(self, name, verify=True):
        """The SHA-256 of the certificate that a browser gets, which trusts the authority alone."""
        context = ssl.create_default_context(cafile=str(self.authority.root))
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.stack.ports["https"]), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest()

    def served_to_all(self, verify=True):
        (one,) = {self.served(name, verify) for name in NAMES}
        return one

    def in_file(self):
        first, end, _ = self.certificate.read_text().partition("-----END CERTIFICATE-----")
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first + end)).hexdigest()
