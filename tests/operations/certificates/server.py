"""The running stack as its certificates concern it: the script, the files, and what nginx serves."""

import contextlib
import hashlib
import os
import socket
import ssl
import subprocess

from production import DOMAIN, ENVIRONMENT

NAMES = [DOMAIN, f"api.{DOMAIN}"]


class Server:
    def __init__(self, stack, authority, tools):
        self.stack, self.authority, self.tools = stack, authority, tools
        ssl_folder = stack.folder / "nginx" / "ssl"
        self.certificate, self.key = ssl_folder / "cert.pem", ssl_folder / "key.pem"
        self.pair = [self.certificate, self.key]
        self.live = stack.folder / "nginx" / "letsencrypt" / "live" / "thinkring"

    @contextlib.contextmanager
    def told_of(self, directory):
        """Not for longer than needed: the backend too is made anew by an `up` when .env.production has changed."""
        settings = self.stack.folder / ".env.production"
        text = settings.read_text()
        settings.write_text(f"{text}ACME_SERVER={directory}\n")
        try:
            yield
        finally:
            settings.write_text(text)

    def run(self, *words, front_end="docker compose", **environment):
        """The script, from another folder, as cron does."""
        return subprocess.run(
            [self.stack.folder / "ops" / "certificates.sh", *words], cwd="/",
            env=self.environment(front_end) | environment,
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
