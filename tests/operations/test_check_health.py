"""
The health check that an operator's cron runs, against a real HTTPS server and a real receiver of alerts: it tells
DNS, connection, TLS, HTTP and body apart, and alerts once when an outage begins and once when it is over.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from production import ROOT

HEALTHY = b'{"status": "healthy"}'
NOT_READY = b'{"status":"unavailable","checks":{"database":"failed"}}'
SPECIFIED = ROOT / "tests" / "fixtures" / "specification" / "check-health.sh"


class Site(ThreadingHTTPServer):
    """A server on a free port of this machine that answers as it is told and keeps what it got."""

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body, self.received = 200, HEALTHY, []
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
            self.socket = context.wrap_socket(self.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://localhost:{self.server_port}/api/v1/health/"
        threading.Thread(target=self.serve_forever, args=[0.02], daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that refuses the certificate is expected here."""


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.received.append((self.path, self.rfile.read(length)))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A pair for `localhost` that the check is told to trust."""
    directory = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
         "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    return directory


@pytest.fixture
def site(certificate):
    site = Site(certificate)
    yield site
    site.shutdown()
    site.server_close()


@pytest.fixture
def receiver():
    receiver = Site()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


def alerts(receiver):
    return [json.loads(body)["text"] for _, body in receiver.received]


@pytest.fixture
def check(tmp_path, certificate):
    """Runs a copy of the script, so that what it remembers of an outage is this test's own."""
    (tmp_path / "ops" / "state").mkdir(parents=True)
    for script in ["check-health.sh", "installation.sh"]:
        shutil.copy(ROOT / "ops" / script, tmp_path / "ops")

    def run(*arguments, trust=True, **variables):
        environment = {"PATH": os.environ["PATH"]} | variables
        if trust:
            environment["CURL_CA_BUNDLE"] = str(certificate / "cert.pem")
        return subprocess.run(
            [tmp_path / "ops" / "check-health.sh", *arguments],
            cwd="/", env=environment, capture_output=True, text=True,
        )  # fmt: skip

    run.directory = tmp_path
    return run


def test_it_works(site, check):
    result = check(site.url)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert site.received == [("/api/v1/health/", b"")]


def assert_failed(result, words):
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Health check failed: {words}"), line


def test_it_tells_dns(check):
    assert_failed(check("https://thinkring.invalid/api/v1/health/"), "DNS: Could not resolve host")


def test_it_tells_connection(check):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert_failed(check(f"https://localhost:{unused.getsockname()[1]}/"), "connection: Failed to connect")


def test_it_tells_tls(site, check):
    assert_failed(check(site.url, trust=False), "TLS: SSL certificate problem: self-signed certificate")


def test_it_tells_tls_for_another_name(site, check):
    assert_failed(check(site.url.replace("localhost", "127.0.0.1")), "TLS: SSL: no alternative certificate")


def test_it_tells_tls_for_plain_http(receiver, check):
    assert_failed(check(receiver.url.replace("http:", "https:")), "TLS: ")


@pytest.mark.parametrize("status", [301, 404, 429, 502, 503])
def test_it_tells_http(site, check, status):
    site.status = status

    assert_failed(check(site.url), f"HTTP: status {status} instead of 200")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"status":"healthy"}', HEALTHY + b"\n", HEALTHY * 2, b"x" * 20000, NOT_READY]
)
def test_it_tells_body(site, check, body):
    site.body = body

    assert_failed(check(site.url), "body: ")


def test_it_asks_the_first_allowed_host(site, check):
    (check.directory / ".env").write_text(
        f"DEBUG=False\nALLOWED_HOSTS=localhost,api.thinkring.example.com\nHTTPS_PORT={site.server_port}\n"
    )

    assert check().returncode == 0
    assert site.received == [("/api/v1/health/", b"")]


def test_it_takes_the_health_of_the_database_too(site, check):
    site.body = b'{"status":"ready","checks":{"database":"ok"}}'

    assert check(site.url + "ready/").returncode == 0


def test_it_says_that_there_is_no_address(check):
    result = check()

    assert result.returncode == 2
    assert "ALLOWED_HOSTS" in result.stderr


def test_it_alerts_once_an_outage_and_once_on_recovery(site, receiver, check):
    webhook = {"ALERT_WEBHOOK_URL": f"http://127.0.0.1:{receiver.server_port}/hook/secret"}

    assert check(site.url, **webhook).returncode == 0
    assert alerts(receiver) == []

    site.status = 502
    assert check(site.url, **webhook).returncode == 1
    site.status = 503
    assert check(site.url, **webhook).returncode == 1
    assert alerts(receiver) == [f"thinkRing is not healthy. HTTP: status 502 instead of 200 ({site.url})"]

    site.status = 200
    assert check(site.url, **webhook).returncode == 0
    assert check(site.url, **webhook).returncode == 0
    assert alerts(receiver)[1:] == [f"thinkRing is healthy again. ({site.url})"]

    site.body = b"?"
    assert check(site.url, **webhook).returncode == 1
    assert len(alerts(receiver)) == 3, "a second outage is announced again, and its quotes are valid JSON"
    assert {path for path, _ in receiver.received} == {"/hook/secret"}


def test_an_alert_that_was_not_delivered_is_sent_again(site, receiver, check):
    webhook = {"ALERT_WEBHOOK_URL": f"http://127.0.0.1:{receiver.server_port}/"}
    site.status = receiver.status = 500

    result = check(site.url, **webhook)
    assert result.returncode == 1
    assert "not delivered" in result.stderr
    receiver.status = 204
    assert check(site.url, **webhook).returncode == 1
    assert len(alerts(receiver)) == 2

    site.status, receiver.status = 200, 500
    assert check(site.url, **webhook).returncode == 1
    receiver.status = 204
    assert check(site.url, **webhook).returncode == 0
    assert check(site.url, **webhook).returncode == 0
    assert len(alerts(receiver)) == 4


def test_outages_of_two_sites_are_told_apart(site, receiver, check):
    webhook = {"ALERT_WEBHOOK_URL": f"http://127.0.0.1:{receiver.server_port}/"}
    site.status = 500

    check(site.url, **webhook)
    check(site.url + "ready/", **webhook)

    assert len(alerts(receiver)) == 2


def test_the_webhook_may_stand_in_the_environment_file(site, receiver, check):
    (check.directory / ".env").write_text(f"ALERT_WEBHOOK_URL=http://127.0.0.1:{receiver.server_port}/\n")
    site.status = 500

    assert check(site.url).returncode == 1
    assert len(alerts(receiver)) == 1


@pytest.mark.parametrize(("option", "status"), [("--help", 0), ("-h", 0), ("--url", 2)])
def test_it_explains_itself(check, option, status):
    result = check(option)

    assert result.returncode == status
    assert "ops/check-health.sh [URL]" in result.stdout if status == 0 else "--help" in result.stderr


def test_it_takes_one_address(site, check):
    result = check(site.url, site.url)

    assert (result.returncode, site.received) == (2, [])
    assert "it takes one address" in result.stderr


def test_it_says_that_it_may_not_read_the_settings(check, missing):
    if os.geteuid() != 0:
        missing("only root can become another user")
    (check.directory / ".env").write_text("ALLOWED_HOSTS=localhost\n")
    (check.directory / ".env").chmod(0o600)
    for folder in [check.directory, *check.directory.parents]:
        folder.chmod(folder.stat().st_mode | 0o555)

    result = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", check.directory / "ops" / "check-health.sh"],
        capture_output=True, text=True,
    )  # fmt: skip

    assert result.returncode == 2
    assert "may not read .env.production, which belongs to root" in result.stderr


def test_what_cron_ran_is_told_when_it_has_failed(receiver, check):
    folder = check.directory
    shutil.copy(ROOT / "ops" / "tell.sh", folder / "ops")
    (folder / ".env.production").write_text(f"ALERT_WEBHOOK_URL=http://127.0.0.1:{receiver.server_port}/\n")
    for name in ["backup", "check-health"]:
        (folder / "ops" / "state" / f"last-{name}.txt").write_text('Dumped.\n"\\" is\tfull.\n')

    told = [
        subprocess.run([folder / "ops" / "tell.sh", name], capture_output=True, text=True)
        for name in ["backup", "check-health", "unknown"]
    ]

    assert [result.returncode for result in told] == [0, 0, 2]
    assert told[0].stdout == told[1].stdout == 'Dumped.\n"\\" is\tfull.\n'
    assert alerts(receiver) == [f'thinkRing on {socket.gethostname()}: backup failed. "\\" isfull.']


def test_the_specified_script_alerts_nobody(tmp_path):
    """Why there is more of it: the literal script prints a line and exits with 0, whatever is wrong."""
    (tmp_path / "curl").write_text("#!/bin/sh\nprintf 502\n")
    (tmp_path / "curl").chmod(0o755)

    result = subprocess.run(
        ["bash", SPECIFIED], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True
    )

    assert (result.returncode, result.stdout) == (0, "Health check failed: 502\n")
