"""
The specification's nginx.conf and ours in a real nginx, between a browser and two stand-ins that tell who
answered. The literal file is put inside `http {}` for this (row 1), so that the other rows can be seen too.
"""

import re
import subprocess
import time
import uuid

import crossplane
import pytest
import urllib3

from production import ROOT

from . import compose_file, nginx_file
from .specification import DIRECTORY, block

IMAGE = "nginx:alpine"
PAGE, API = "thinkring.example.com", "api.thinkring.example.com"
OWN = ["own.example.org", "api.own.example.org"]

# Answers with the port that was asked, which tells the two stand-ins apart.
STAND_IN = """
events {}
http {
    server { listen 3000; listen 8000; return 200 "$server_port $http_host $http_x_forwarded_proto"; }
}
"""


def docker(*arguments, check=True):
    return subprocess.run(["docker", *arguments], check=check, capture_output=True, text=True)


def test_the_literal_file_does_not_start(engine):
    file = DIRECTORY / "nginx.conf"

    result = docker("run", "--rm", "-v", f"{file}:/etc/nginx/nginx.conf:ro", IMAGE, "nginx", "-t", check=False)

    assert result.returncode != 0
    assert '"upstream" directive is not allowed here' in result.stderr


@pytest.fixture(scope="module")
def ground(engine, tmp_path_factory):
    """A network with both stand-ins, and the files that nginx serves."""
    directory = tmp_path_factory.mktemp("nginx")
    network = f"thinkring-test-{uuid.uuid4().hex[:8]}"
    for folder in ["ssl", "static", "media", "acme/.well-known/acme-challenge", "domain"]:
        (directory / folder).mkdir(parents=True)
    (directory / "static" / "app.css").write_text("body{}")
    (directory / "media" / "ring.png").write_text("png")
    (directory / "acme" / ".well-known" / "acme-challenge" / "token").write_text("proof")
    (directory / "stand-in.conf").write_text(STAND_IN)
    (directory / "literal.conf").write_text("events {}\nhttp {\ninclude /specification/nginx.conf;\n}\n")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in [PAGE, API, *OWN]),
         "-keyout", "ssl/key.pem", "-out", "ssl/cert.pem"],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    docker("network", "create", network)
    for alias in ["frontend", "backend"]:
        start_stand_in(network, directory, alias)
    yield directory, network
    docker("rm", "-f", *containers(network))
    docker("network", "rm", network)


def containers(network):
    return docker("ps", "-aq", "--filter", f"network={network}").stdout.split()


def start_stand_in(network, directory, alias):
    return docker(
        "run", "-d", "--network", network, "--network-alias", alias,
        "-v", f"{directory}/stand-in.conf:/etc/nginx/nginx.conf:ro", IMAGE,
    ).stdout.strip()  # fmt: skip


class Edge:
    """One nginx, with what a compose file mounts into it."""

    def __init__(self, ground, conf, volumes, domain="domain"):
        self.directory, self.network = ground
        self.certificate = self.directory / "ssl" / "cert.pem"
        places = {
            "/etc/nginx/nginx.conf": conf,
            "/etc/nginx/ssl": self.directory / "ssl",
            "/etc/nginx/domain": self.directory / domain,
            "/var/www/static": self.directory / "static",
            "/var/www/acme": self.directory / "acme",
            "/app/media": self.directory / "media",
        }
        mounts = [word for target in volumes for word in ("-v", f"{places[target]}:{target}:ro")]
        self.name = docker(
            "run", "-d", "--network", self.network, "-p", "127.0.0.1::80", "-p", "127.0.0.1::443",
            "-v", f"{DIRECTORY}:/specification:ro", *mounts, IMAGE,
        ).stdout.strip()  # fmt: skip
        self.ports = {
            port: int(docker("port", self.name, port).stdout.split(":")[-1]) for port in ["80/tcp", "443/tcp"]
        }
        self.wait()

    def wait(self):
        for _ in range(100):
            try:
                self.http(PAGE, "/")
                return
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
        pytest.fail(docker("logs", self.name).stderr)

    def http(self, host, path):
        pool = urllib3.HTTPConnectionPool("127.0.0.1", self.ports["80/tcp"], timeout=10, retries=False)
        return pool.request("GET", path, headers={"Host": host}, redirect=False)

    def https(self, host, path, timeout=10):
        pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.ports["443/tcp"], timeout=timeout, retries=False,
            ca_certs=str(self.certificate), server_hostname=host, assert_hostname=host,
        )  # fmt: skip
        return pool.request("GET", path, headers={"Host": host}, redirect=False)


@pytest.fixture
def edge(ground):
    """Starts nginx; the containers are gone after the test."""
    edges = []

    def start(which, domain="domain"):
        if which == "literal":
            conf, compose = ground[0] / "literal.conf", compose_file.parse(block("docker-compose.prod.yml"))
        else:
            conf, compose = ROOT / nginx_file.FILE, compose_file.read(ROOT / compose_file.PRODUCTION)
        edges.append(Edge(ground, conf, compose["services"]["nginx"]["volumes"], domain))
        return edges[-1]

    yield start
    for one in edges:
        docker("rm", "-f", one.name)


def test_the_file_is_valid(edge):
    nginx = edge("ours")

    result = docker("exec", nginx.name, "nginx", "-t")

    assert "syntax is ok" in result.stderr
    assert nginx.https(PAGE, "/").data.startswith(b"3000")
    assert nginx.https(PAGE, "/api/v1/health/").data.startswith(b"8000")


def test_plain_http_is_sent_to_https(edge):
    answer = edge("ours").http(PAGE, "/rounds/1?step=flow")

    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{PAGE}/rounds/1?step=flow"


@pytest.mark.parametrize(("which", "status"), [("literal", 404), ("ours", 200)])
def test_uploads_are_served(edge, which, status):
    assert edge(which).https(PAGE, "/media/ring.png").status == status


@pytest.mark.parametrize(("which", "kept"), [("literal", False), ("ours", True)])
@pytest.mark.parametrize("path", ["/static/app.css", "/static/missing.css"])
def test_static_files_keep_the_security_headers(edge, which, kept, path):
    answer = edge(which).https(PAGE, path)
    # The literal file answers a 404 without its Cache-Control, and still without the others.
    assert ("Strict-Transport-Security" in answer.headers) is kept
    assert ("X-Frame-Options" in answer.headers) is kept
    assert ("X-Content-Type-Options" in answer.headers) is kept
    if answer.status == 200:
        assert "public, immutable" in answer.headers.getlist("Cache-Control")


def test_the_api_has_a_host_of_its_own(edge):
    literal, ours = edge("literal"), edge("ours")

    assert literal.http(API, "/api/v1/health/").headers["Location"] == f"https://{PAGE}/api/v1/health/"
    assert ours.http(API, "/api/v1/health/").headers["Location"] == f"https://{API}/api/v1/health/"
    assert ours.https(API, "/api/v1/health/").data.startswith(b"8000")
    assert ours.https(PAGE, "/api/v1/health/").data.startswith(b"8000")


def test_a_domain_of_ones_own(edge, ground):
    """The files of nginx/domain, as ops/setup.sh writes them, name another domain without a change to nginx.conf."""
    own = ground[0] / "own"
    own.mkdir()
    (own / "page.names").write_text("server_name own.example.org;\n")
    (own / "api.names").write_text("server_name api.own.example.org;\n")

    nginx = edge("ours", domain="own")

    assert nginx.http("own.example.org", "/x").headers["Location"] == "https://own.example.org/x"
    assert nginx.http("api.own.example.org", "/x").headers["Location"] == "https://api.own.example.org/x"
    assert nginx.https("own.example.org", "/").status == 200
    assert nginx.https("api.own.example.org", "/api/v1/health/").status == 200


@pytest.mark.parametrize(("which", "status"), [("literal", 301), ("ours", 200)])
def test_the_certificate_challenge_is_answered(edge, which, status):
    """The literal `return` at the server answers before any location that could be added for the challenge."""
    answer = edge(which).http(PAGE, "/.well-known/acme-challenge/token")

    assert answer.status == status
    if status == 200:
        assert answer.data == b"proof"


@pytest.mark.parametrize(("which", "follows"), [("literal", False), ("ours", True)])
def test_a_backend_on_another_address(ground, edge, which, follows):
    """What `up -d --build` does to a backend: a new container, which has another address, and the old one is gone."""
    directory, network = ground
    nginx = edge(which)
    assert nginx.https(PAGE, "/api/v1/health/").status == 200
    old = next(name for name in containers(network) if "backend" in aliases(name))

    start_stand_in(network, directory, "backend")
    docker("rm", "-f", old)

    assert answers(nginx, within=6) is follows


def answers(nginx, within):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if nginx.https(PAGE, "/api/v1/health/", timeout=2).status == 200:
                return True
        except urllib3.exceptions.TimeoutError:
            pass
        time.sleep(0.2)
    return False


def aliases(name):
    return docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.Aliases}}{{end}}", name).stdout


def test_the_block_of_chapter_9_fits(ground, tmp_path):
    """Load balancing is for the future: the specified block, in place of our upstream, is still a valid file."""
    (future,) = nginx_file.read(DIRECTORY / "upstream-least-conn.conf")
    directives = nginx_file.read(ROOT / nginx_file.FILE)
    http = next(directive for directive in directives if directive["directive"] == "http")
    http["block"] = [
        future if directive["directive"] == "upstream" and directive["args"] == ["backend"] else directive
        for directive in http["block"]
    ]
    assert future in http["block"]
    (tmp_path / "nginx.conf").write_text(crossplane.build(directives))
    hosts = [f"--add-host={name}:127.0.0.1" for name in re.findall(r"backend\d", str(future))]

    result = docker(
        "run", "--rm", *hosts, "-v", f"{tmp_path}/nginx.conf:/etc/nginx/nginx.conf:ro",
        "-v", f"{ground[0]}/ssl:/etc/nginx/ssl:ro", IMAGE, "nginx", "-t",
        check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
