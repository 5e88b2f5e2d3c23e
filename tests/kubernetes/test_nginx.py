"""The one nginx.conf, as a pod behind an ingress controller reads it (ops/kubernetes/base/nginx/adapt.sh)."""

import difflib
import subprocess

import crossplane
import pytest

from production import ROOT

from .rendering import FOLDER, OVERLAYS, of_kind, rendered

CONF = ROOT / "nginx" / "nginx.conf"
SCRIPT = FOLDER / "base" / "nginx" / "adapt.sh"
RESOLV = "search thinkring.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
HOSTS = "page.test,api.page.test"


def adapt(folder, conf=CONF, resolv=RESOLV, hosts=HOSTS):
    (folder / "resolv.conf").write_text(resolv)
    (folder / "adapted").mkdir()
    return subprocess.run(
        ["sh", SCRIPT, conf, folder / "resolv.conf", folder / "adapted"],
        env={"PATH": "/usr/bin:/bin", "ALLOWED_HOSTS": hosts},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def adapted(tmp_path):
    result = adapt(tmp_path)
    assert result.returncode == 0, result.stderr
    return tmp_path / "adapted"


def test_what_is_changed_is_what_has_to_be(adapted):
    before = CONF.read_text().splitlines()
    after = (adapted / "nginx.conf").read_text().splitlines()
    changes = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]

    assert sorted({" ".join(line.split()) for line in changes if line[0] == "+"}) == [
        "+ include /etc/nginx/adaptation/behind-ingress.conf;",
        "+ include /etc/nginx/adapted/api*.names;",
        "+ include /etc/nginx/adapted/page*.names;",
        "+ listen 127.0.0.1:8079;",
        "+ listen 8000;",
        "+ proxy_set_header X-Forwarded-Proto https;",
        "+ resolver 10.96.0.10 valid=1s ipv6=off;",
        "+ server backend.thinkring.svc.cluster.local:8000 resolve max_fails=1 fail_timeout=8s max_conns=64;",
        "+ server backend.thinkring.svc.cluster.local:8000 resolve max_fails=1 fail_timeout=8s;",
        "+ server frontend.thinkring.svc.cluster.local:3000 resolve max_fails=1 fail_timeout=8s;",
        "+ try_files $uri @frontend;",
    ]
    assert len([line for line in changes if line[0] == "-"]) == len([line for line in changes if line[0] == "+"]) + 1


def test_nothing_is_left_that_only_root_or_compose_has(adapted):
    parsed = crossplane.parse(str(adapted / "nginx.conf"), single=True)
    assert parsed["status"] == "ok", parsed["errors"]

    (http,) = [entry for entry in parsed["config"][0]["parsed"] if entry["directive"] == "http"]
    listening = [
        entry["args"]
        for server in http["block"]
        if server["directive"] == "server"
        for entry in server["block"]
        if entry["directive"] == "listen"
    ]
    assert listening == [["127.0.0.1:8080"], ["127.0.0.1:8079"], ["127.0.0.1:8079"], ["8000"]]
    text = (adapted / "nginx.conf").read_text()
    for gone in ("127.0.0.11", "backend:8000", "frontend:3000", "/etc/nginx/ssl", "/etc/nginx/domain", "$scheme;"):
        assert gone not in text


def test_both_hosts_have_their_names(adapted):
    assert (adapted / "page.names").read_text() == "server_name page.test;\n"
    assert (adapted / "api.names").read_text() == "server_name api.page.test;\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("resolver 127.0.0.11 ", "resolver 127.0.0.53 "),
        ("        server frontend:3000 resolve", "        server pages:3000 resolve"),
        ("listen 443 ssl http2;", "listen 443 ssl;\n        http2 on;"),
        ("            try_files $uri =404;\n            gzip_static", "            gzip_static"),
    ],
)
def test_a_line_that_is_another_one_now_ends_it(tmp_path, old, new):
    conf = tmp_path / "nginx.conf"
    assert old in CONF.read_text()
    conf.write_text(CONF.read_text().replace(old, new))

    result = adapt(tmp_path, conf)

    assert result.returncode == 1
    assert result.stderr.startswith("adapt.sh: nginx.conf ")
    assert result.stderr.endswith("has to be told to adapt.sh.\n")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("resolv", "hosts", "remedy"),
    [
        ("nameserver 10.96.0.10\n", HOSTS, "set dnsPolicy to ClusterFirst."),
        ("search thinkring.svc.cluster.local\n", HOSTS, "set dnsPolicy to ClusterFirst."),
        (RESOLV, "", "set ALLOWED_HOSTS"),
        (RESOLV, "page.test", "set ALLOWED_HOSTS"),
    ],
)
def test_what_is_missing_is_told_with_its_remedy(tmp_path, resolv, hosts, remedy):
    result = adapt(tmp_path, resolv=resolv, hosts=hosts)

    assert result.returncode == 1
    assert remedy in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_is_the_repositorys_own_file_that_is_given_out(overlay):
    maps = of_kind(rendered(overlay), "ConfigMap")

    assert next(entry for name, entry in maps.items() if name.startswith("nginx-") and "nginx.conf" in entry["data"])[
        "data"
    ] == {"nginx.conf": CONF.read_text()}
