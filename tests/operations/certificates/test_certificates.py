"""
ops/certificates.sh on a running stack: a certificate is issued by an authority that asks nginx for its proof, served
without a restart, and renewed under traffic; whatever goes wrong, the old pair goes on being served, and it says why.
"""

import fcntl
import http.client
import os
import random
import socket
import ssl
import subprocess
import threading
import time

import pytest

from production import DOMAIN, FRONT_ENDS, ROOT, docker

from ..deploy.traffic import Traffic as Writing
from .server import NAMES


@pytest.fixture(scope="module", autouse=True)
def told(server):
    with server.told_of(server.authority.directory):
        yield


@pytest.fixture(scope="module")
def issued(server, told):
    """What `issue` said; from then on the server has a certificate of the authority."""
    server.started_before = server.nginx_started()
    server.before = server.certificate.read_text()
    result = server.run("issue")
    assert result.returncode == 0, result.stderr
    return result


def test_before_there_is_one(server):
    status, renew = server.run("status"), server.run("renew")

    assert (status.returncode, renew.returncode) == (1, 1)
    assert f"nginx/ssl/cert.pem: {', '.join(NAMES)}; issued by CN=thinkRing\\, self-signed; 36" in status.stdout
    assert "it is self-signed, and browsers warn of it; get a real one: ops/certificates.sh issue" in status.stderr
    assert renew.stderr == "certificates.sh: there is none to renew; get the first one: ops/certificates.sh issue\n"


def test_issue(server, issued):
    (line,) = issued.stdout.splitlines()
    assert line.startswith(f"Served as {NAMES[0]} and {NAMES[1]}: ")
    assert "issued by CN=Pebble Intermediate" in line
    assert server.served_to_all() == server.in_file()
    assert server.nginx_started() == server.started_before
    assert server.key.stat().st_mode & 0o777 == 0o600
    assert server.certificate.with_name("cert.pem.old").read_text() == server.before
    # Older certbots would ask for one of RSA, with which nginx's ciphers allow some without forward secrecy.
    key = subprocess.run(["openssl", "pkey", "-in", server.key, "-text", "-noout"], check=True, capture_output=True)
    assert b"NIST CURVE: P-256" in key.stdout


def test_issue_again(server, issued):
    before = server.served_to_all()

    result = server.run("issue")

    assert result.returncode == 0
    assert "There is one already, and it is served" in result.stdout
    assert server.served_to_all() == before


def test_status(server, issued):
    result = server.run("status")

    assert (result.returncode, result.stderr) == (0, "")
    file, *served = result.stdout.splitlines()
    assert [line.split(":")[0] for line in served] == [f"Served as {name}" for name in NAMES]
    for line in [file, *served]:
        assert "issued by CN=Pebble Intermediate" in line
        assert line.endswith(" 89 days left")


def test_status_of_what_nobody_loaded(server, issued, kept_pair, tmp_path):
    """A pair for another name, with ten days left, lies in nginx/ssl, and nginx has not heard of it."""
    for command in [
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"],
        ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-keyout", "key.pem", "-out", "request.pem"],
        ["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "10",
         "-out", "cert.pem"],
    ]:  # fmt: skip
        subprocess.run(["openssl", *command], cwd=tmp_path, check=True, capture_output=True)
    server.certificate.write_bytes((tmp_path / "cert.pem").read_bytes())

    result = server.run("status")

    assert result.returncode == 1
    assert "fewer than 14 days are left" in result.stderr
    for name in NAMES:
        assert f"it is not for {name};" in result.stderr
        assert f"served as {name} is another one than nginx/ssl/cert.pem; load that" in result.stderr


@pytest.fixture
def kept_pair(server):
    kept = {path: path.read_bytes() for path in server.pair}
    yield
    for path, content in kept.items():
        path.write_bytes(content)


def test_renewal_that_is_not_due_is_silent(server, issued):
    before = server.served_to_all()

    result = server.run("renew")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert server.served_to_all() == before


def test_renewal_that_is_due(server, issued):
    before = server.served_to_all()
    settings = server.stack.folder / "nginx" / "letsencrypt" / "renewal" / "thinkring.conf"
    settings.write_text(f"renew_before_expiry = 100 days\n{settings.read_text()}")
    try:
        result = server.run("renew")
    finally:
        settings.write_text(settings.read_text().replace("renew_before_expiry = 100 days\n", ""))

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Served as ")
    assert server.served_to_all() == server.in_file() != before


def test_renewal_loads_what_an_earlier_run_could_not(server, issued):
    """The pair was put in place, and then the machine went down or nginx did not listen."""
    server.run("self-signed")
    self_signed = server.served_to_all(verify=False)
    server.certificate.write_bytes((server.live / "fullchain.pem").read_bytes())
    server.key.write_bytes((server.live / "privkey.pem").read_bytes())

    result = server.run("renew")

    assert result.returncode == 0, result.stderr
    assert server.served_to_all() == server.in_file() != self_signed


class Connection(http.client.HTTPSConnection):
    """Kept alive, and unlike a browser's never tried again: one that the server closes unannounced is a failure."""

    def __init__(self, server, name):
        context = ssl.create_default_context(cafile=str(server.stack.certificate))
        super().__init__(name, timeout=10, context=context)
        self.address = ("127.0.0.1", server.stack.ports["https"])

    def connect(self):
        plain = socket.create_connection(self.address, timeout=self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)


class Traffic:
    """Connections, mostly idle, that ask for page and API; an answer other than 200, or none, is a failure."""

    def __init__(self, server):
        self.server, self.answers, self.failures, self.done = server, 0, [], threading.Event()
        asked = [(NAMES[0], "/"), (NAMES[1], "/api/v1/health/")] * 12
        self.threads = [threading.Thread(target=self.browse, args=address) for address in asked]

    def browse(self, name, path):
        connection = Connection(self.server, name)
        while not self.done.is_set():
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                status = response.status
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                status = error
            if status == 200:
                self.answers += 1
            else:
                self.failures.append(status)
            time.sleep(random.uniform(0, 0.4))
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        time.sleep(3)  # past keepalive_min_timeout, when nginx closes what was idle
        self.done.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_renewal_under_traffic(server, issued, figure, front_end):
    before, started = server.served_to_all(), server.nginx_started()

    with Writing(server.stack) as writing, Traffic(server) as traffic:
        begin = time.monotonic()
        result = server.run("renew", "--force", front_end=front_end)
        seconds = time.monotonic() - begin

    assert result.returncode == 0, result.stderr
    assert server.served_to_all() == server.in_file() != before
    assert server.nginx_started() == started
    assert traffic.failures == []
    assert traffic.answers > 100
    writing.assert_nothing_failed()
    figure(
        "certificate renewed", f"{seconds:.1f} s, {traffic.answers} requests, 0 failed, on idle connections; {writing}"
    )


def test_a_challenge_that_fails(server, issued):
    before = server.served_to_all()

    with server.authority.name_leads_to(f"api.{DOMAIN}", ["192.0.2.1"]):
        result = server.run("renew", "--force")

    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"certificates.sh: certbot got no certificate: api.{DOMAIN}: ")
    assert "192.0.2.1" in line
    assert line.endswith("What nginx serves is unchanged.")
    assert server.served_to_all() == server.in_file() == before


@pytest.mark.parametrize("directory", ["https://localhost:1/dir", "https://authority.invalid/dir"])
def test_an_authority_that_is_not_reached(server, issued, directory):
    with server.told_of(directory):
        result = server.run("renew", "--force")

    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert f"it cannot reach {directory}; see that this machine finds names in the DNS and is let out" in line
    assert server.served_to_all() == server.in_file()


# certbot in a container, as the image certbot/certbot has it, and it trusts this authority too.
CERTBOT = """
FROM python:3.10-slim
RUN pip install --no-cache-dir --disable-pip-version-check certbot
COPY authority.pem /
ENV REQUESTS_CA_BUNDLE=/authority.pem
ENTRYPOINT ["certbot"]
"""


def test_a_machine_without_certbot(server, issued, path_without):
    before = server.served_to_all()
    (server.authority.folder / "Dockerfile").write_text(CERTBOT)
    docker("build", "--tag", "certbot/certbot", str(server.authority.folder))

    try:
        with server.told_of(server.authority.directory_for_containers):
            result = server.run("renew", "--force", PATH=path_without("certbot"))
    finally:
        # The next one to want it gets the real one.
        docker("rmi", "certbot/certbot")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Served as {NAMES[0]} and {NAMES[1]}: ")
    assert server.served_to_all() == server.in_file() != before
    assert (server.live / "fullchain.pem").stat().st_uid == os.getuid()


BREAK = {
    "key": (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out {live}/privkey.pem",
        "the new certificate and the new key do not belong together",
    ),
    "chain": (
        r"printf -- '-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n' >>{live}/fullchain.pem",
        "nginx refused the new pair",
    ),
}


@pytest.mark.parametrize("how", BREAK)
def test_a_pair_that_is_broken(server, issued, how):
    """The disk or somebody's hand, after certbot was done."""
    command, words = BREAK[how]
    before = {path: path.read_bytes() for path in server.pair}
    served = server.served_to_all()
    certbot = server.tools / "certbot"
    certbot.write_text(
        f'#!/bin/sh\nset -e\nPATH={os.environ["PATH"]}\ncertbot "$@"\n{command.format(live=server.live)}\n'
    )
    certbot.chmod(0o755)
    try:
        result = server.run("renew", "--force")
    finally:
        certbot.unlink()

    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert words in line
    assert server.served_to_all() == served
    assert {path: path.read_bytes() for path in server.pair} == before
    assert not list(server.certificate.parent.glob("*.new"))
    assert server.run("renew", "--force").returncode == 0, "another one is whole again"
    assert server.served_to_all() == server.in_file() != served


def test_two_at_once(server, issued):
    before = server.served_to_all()
    with (server.stack.folder / "ops" / "state" / "certificates.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        result = server.run("renew", "--force")

    assert result.returncode == 1
    assert "certificates.sh of " in result.stderr
    assert server.served_to_all() == before


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_self_signed(server, issued, front_end):
    before = server.certificate.read_text()

    result = server.run("self-signed", front_end=front_end)

    assert result.returncode == 0, result.stderr
    assert "issued by CN=thinkRing\\, self-signed" in result.stdout
    assert server.served_to_all(verify=False) == server.in_file()
    assert server.certificate.with_name("cert.pem.old").read_text() == before
    assert server.run("status").returncode == 1
    assert server.run("renew").returncode == 0
    assert server.certificate.read_text() == before, "renew puts the issued pair back"
    assert server.served_to_all() == server.in_file()


def test_without_nginx(server, issued):
    server.stack.compose("stop", "nginx")
    try:
        renew, status = server.run("renew"), server.run("status")
    finally:
        server.stack.compose("start", "nginx")
        server.stack.wait()

    assert (renew.returncode, status.returncode) == (1, 1)
    assert renew.stderr.startswith(
        "certificates.sh: nginx does not run, and a certificate comes through it; start it: "
    )
    for name in NAMES:
        assert f"nothing is served as {name} at port {server.stack.ports['https']}; start nginx" in status.stderr


@pytest.mark.parametrize("words", [[], ["isue"], ["renew", "--now"], ["issue", "--force"], ["renew", "--force", "x"]])
def test_called_wrongly(words):
    result = subprocess.run([ROOT / "ops" / "certificates.sh", *words], capture_output=True, text=True)

    assert (result.returncode, result.stdout) == (2, "")
    assert "certificates.sh --help" in result.stderr
