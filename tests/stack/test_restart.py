"""
What outlives what: data a `down`, the site a backend on another address, open pages a new build, and a certificate of
one's own everything. The order does not matter, each test leaves the stack running.
"""

import json
import subprocess
import time

from production import docker

from .conftest import bearer, chunk


def test_down_and_up_keeps_everything(stack, account):
    project = stack.request(
        "POST", f"{stack.api}/projects/", json={"title": "改善の種"}, headers=bearer(account["access"])
    ).json()
    stack.compose("exec", "-T", "backend", "sh", "-c", "echo kept >media/kept.png")

    stack.compose("down")
    assert docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={stack.project}") == ""
    stack.compose("up", "-d")
    stack.wait()

    login = {"username": account["username"], "password": account["password"]}
    access = stack.request("POST", f"{stack.api}/auth/login/", json=login).json()["access"]
    found = stack.get(f"{stack.api}/projects/{project['id']}/", headers=bearer(access))
    assert found.json()["title"] == "改善の種"
    assert stack.get(f"{stack.page}/media/kept.png").text == "kept\n"
    assert "Empty database" not in stack.logs("backend")


def test_a_backend_on_another_address_is_found(stack):
    old = address(stack)
    docker("rm", "--force", stack.container("backend"))
    # Something else takes the address meanwhile.
    network = f"{stack.project}_default"
    squatter = docker(
        "run", "--detach", "--rm", "--network", network, "--label", f"com.docker.compose.project={stack.project}",
        "postgres:15", "sleep", "300",
    ).strip()  # fmt: skip
    try:
        stack.compose("up", "-d", "backend")
        stack.wait()
        assert address(stack) != old

        statuses = {stack.get(f"{stack.api}/version/").status_code for _ in range(50)}
    finally:
        docker("rm", "--force", squatter)

    assert statuses == {200}


def address(stack):
    networks = json.loads(docker("inspect", stack.container("backend")))[0]["NetworkSettings"]["Networks"]
    return networks[f"{stack.project}_default"]["IPAddress"]


def test_a_change_of_the_front_end_is_shown(stack):
    old = chunk(stack)
    source = stack.folder / "frontend" / "src"
    page = source / "app.html"
    page.write_text(page.read_text().replace("</head>", '<meta name="test" content="changed" /></head>'))
    with (source / "routes" / "+layout.svelte").open("a") as layout:
        layout.write("\n<p hidden>changed by a test</p>\n")

    stack.compose("up", "-d", "--build", "frontend")
    stack.wait()

    end = time.monotonic() + 30
    while '<meta name="test" content="changed" />' not in stack.get(f"{stack.page}/").text:
        assert time.monotonic() < end, "the old page is still shown"
        time.sleep(0.5)
    (changed,) = stack.compose(
        "exec", "-T", "frontend", "grep", "-rl", "changed by a test", "/app/dist/_app/immutable"
    ).stdout.split()
    assert "changed by a test" in stack.get(f"{stack.page}{changed.removeprefix('/app/dist')}").text
    # A page that was opened before finds what it names.
    assert stack.get(f"{stack.page}{old}").status_code == 200


def test_old_files_are_deleted_after_thirty_days_and_only_the_front_ends(stack):
    stack.compose(
        "exec", "-T", "frontend", "sh", "-c",
        "cd dist && touch _app/immutable/recent.js && touch -d '2020-01-01 00:00:00' _app/immutable/old.js django.css",
    )  # fmt: skip

    stack.compose("restart", "frontend")
    stack.wait()
    listed = stack.compose("exec", "-T", "frontend", "ls", "dist", "dist/_app/immutable").stdout.split()
    assert "recent.js" in listed
    assert "django.css" in listed
    assert "old.js" not in listed

    stack.compose("restart", "backend")
    stack.wait()
    listed = stack.compose("exec", "-T", "frontend", "ls", "dist", "dist/_app/immutable").stdout.split()
    assert "recent.js" in listed
    assert "django.css" not in listed


def test_a_certificate_of_ones_own_is_left_alone(stack):
    ssl = stack.folder / "nginx" / "ssl"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=my own",
         "-addext", "subjectAltName=DNS:thinkring.test,DNS:api.thinkring.test",
         "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=ssl, check=True, capture_output=True,
    )  # fmt: skip
    own = {name: (ssl / name).read_bytes() for name in ["cert.pem", "key.pem"]}

    stack.compose("up", "-d")
    stack.compose("restart", "nginx")
    stack.wait()

    assert {name: (ssl / name).read_bytes() for name in own} == own
    assert "nginx/ssl has a certificate; it is left as it is." in stack.logs("certificate")


def test_half_a_certificate_is_refused(stack):
    ssl = stack.folder / "nginx" / "ssl"
    key = (ssl / "key.pem").read_bytes()
    (ssl / "key.pem").unlink()
    try:
        result = stack.compose("run", "--rm", "-T", "certificate", check=False)
    finally:
        (ssl / "key.pem").write_bytes(key)
        (ssl / "key.pem").chmod(0o600)

    assert result.returncode != 0
    assert "nginx/ssl has cert.pem without its other half" in result.stdout + result.stderr
