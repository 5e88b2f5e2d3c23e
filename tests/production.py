"""The production stack in a clean clone; the fixture `stack` in conftest.py brings it up."""

import base64
import contextlib
import hashlib
import os
import socket
import ssl
import subprocess
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

ROOT = Path(__file__).parents[1]
DOMAIN = "thinkring.test"
PASSWORD = "correct horse battery"
PRODUCTION = "docker-compose.prod.yml"
FRONT_ENDS = ["docker-compose", "docker compose"]
# All that a test asks comes from one address, as no site's visitors do.
NO_LIMITS = dict.fromkeys(
    ["LIMIT_LOGIN_NAME", "LIMIT_LOGIN_ADDRESS", "LIMIT_ANONYMOUS", "LIMIT_SIGNED_IN", "LOGIN_FAILURE_LIMIT"], 1_000_000
)
# Nothing of the caller's may decide what compose does.
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}


def clone(folder):
    """The last commit, as a server would get it."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)


class Loopback(HTTPAdapter):
    """Sends every name to this machine, at the given ports, as curl's --connect-to does; or to another address."""

    def __init__(self, ports, address="127.0.0.1"):
        self.ports, self.address = ports, address
        super().__init__()

    def send(self, request, **kwargs):
        url = urlsplit(request.url)
        request = request.copy()
        request.server_name = url.hostname
        request.headers.setdefault("Host", url.hostname)
        request.url = url._replace(netloc=f"{self.address}:{self.ports[url.scheme]}").geturl()
        return super().send(request, **kwargs)

    def build_connection_pool_key_attributes(self, request, verify, cert=None):
        address, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if address["scheme"] == "https":
            pool |= {"server_hostname": request.server_name, "assert_hostname": request.server_name}
        return address, pool


class Stack:
    page = f"https://{DOMAIN}"
    api = f"https://api.{DOMAIN}/api/v1"

    def __init__(self, folder, front_end):
        self.folder, self.front_end = folder, front_end
        self.project = f"thinkring-test-{uuid.uuid4().hex[:8]}"
        self.ports = {"http": free_port(), "https": free_port()}
        self.certificate = folder / "nginx" / "ssl" / "cert.pem"

    @contextlib.contextmanager
    def running(self, **more):
        """It runs inside of this context; `more` are settings of its own."""
        clone(self.folder)
        subprocess.run(["ops/setup.sh", DOMAIN], cwd=self.folder, check=True, capture_output=True)
        self.be_apart(self.folder / ".env.production", **more)
        try:
            self.compose("build")
            started = time.monotonic()
            self.compose("up", "-d")
            self.wait()
            self.seconds_to_healthy = time.monotonic() - started
            yield
        finally:
            self.remove()

    def be_apart(self, settings, **more):
        """Writes into a file of settings what keeps this stack from being in the way of another."""
        own = {"COMPOSE_PROJECT_NAME": self.project, "HTTP_PORT": self.ports["http"], "HTTPS_PORT": self.ports["https"]}
        with settings.open("a") as file:
            file.writelines(f"\n{name}={value}" for name, value in (NO_LIMITS | own | more).items())
            file.write("\n")

    def remove(self):
        self.compose("down", "--volumes", "--remove-orphans", check=False)
        remove_images(self.project)

    def compose(self, *arguments, check=True, file=PRODUCTION, **environment):
        """A compose command in the checkout; `environment` stands above what .env.production says."""
        result = subprocess.run(
            [*self.front_end, "-f", file, *arguments],
            cwd=self.folder, env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        if check and result.returncode != 0:
            output = (result.stdout + result.stderr)[-4000:]
            pytest.fail(f"{' '.join([*self.front_end, *arguments])} exited with {result.returncode}:\n{output}")
        return result

    def session(self):
        session = requests.Session()
        session.verify = str(self.certificate)
        session.trust_env = False
        for scheme in self.ports:
            session.mount(f"{scheme}://", Loopback(self.ports))
        return session

    def request(self, method, url, **arguments):
        with self.session() as session:
            return session.request(method, url, **{"timeout": 30, "allow_redirects": False} | arguments)

    def get(self, url, **arguments):
        return self.request("GET", url, **arguments)

    def sql(self, statement, database="thinkring_prod"):
        """What psql answers in the container of the database, without names of columns."""
        psql = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "thinkring_user", "-c", statement, database]
        return self.compose("exec", "-T", "db", *psql).stdout.strip()

    def register(self):
        """Somebody new: what was sent, and what the API answered."""
        name = f"sato-{uuid.uuid4().hex[:8]}"
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        response = self.request("POST", f"{self.api}/auth/register/", json=body)
        assert response.status_code == 201, response.text
        return body | response.json()

    def can_log_in(self, name):
        login = {"username": name, "password": PASSWORD}
        return self.request("POST", f"{self.api}/auth/login/", json=login).status_code == 200

    def wait(self, deadline=120):
        """Until pages and API answer over HTTPS."""
        end = time.monotonic() + deadline
        seen = {}
        while True:
            for url in [f"{self.page}/", f"{self.api}/health/"]:
                try:
                    seen[url] = self.get(url, timeout=5).status_code
                except (requests.RequestException, OSError) as error:
                    seen[url] = error
            if all(status == 200 for status in seen.values()):
                return
            if time.monotonic() > end:
                logs = self.compose("logs", "--tail=40", check=False).stdout
                pytest.fail(f"not healthy within {deadline} s: {seen}\n{logs}")
            time.sleep(0.25)

    def container(self, service):
        """The id of a service's container, running or not."""
        found = docker(
            "ps", "--all", "--quiet",
            "--filter", f"label=com.docker.compose.project={self.project}",
            "--filter", f"label=com.docker.compose.service={service}",
            "--filter", "label=com.docker.compose.oneoff=False",
        ).split()  # fmt: skip
        assert len(found) == 1, f"{service}: {found}"
        return found[0]

    def logs(self, service):
        result = subprocess.run(["docker", "logs", self.container(service)], check=True, capture_output=True, text=True)
        return result.stdout + result.stderr

    @property
    def chromium_arguments(self):
        """Arguments for a Chromium that finds the stack by its names and trusts its certificate, and that alone."""
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        key = subprocess.run(
            ["openssl", "x509", "-inform", "der", "-pubkey", "-noout"], input=der, check=True, capture_output=True
        ).stdout
        key = subprocess.run(
            ["openssl", "pkey", "-pubin", "-outform", "der"], input=key, check=True, capture_output=True
        ).stdout
        rules = [
            f"MAP {name}:{port} 127.0.0.1:{self.ports[scheme]}"
            for name in (DOMAIN, f"api.{DOMAIN}")
            for scheme, port in (("http", 80), ("https", 443))
        ]
        return [
            f"--host-resolver-rules={', '.join(rules)}",
            f"--ignore-certificate-errors-spki-list={base64.b64encode(hashlib.sha256(key).digest()).decode()}",
        ]


def docker(*arguments):
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def remove_images(project):
    """The images of a compose project, but not the layers below: the next build finds them in the cache."""
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={project}*").split()
    if names:
        docker("image", "rm", "--no-prune", *names)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
