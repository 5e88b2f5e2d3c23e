"""
What outlives what: data a `down`, the site a backend on another address, open pages a new build, and a certificate of
one's own everything. The order does not matter, each test leaves the stack running.
"""

import concurrent.futures
import json
import subprocess
import time

from production import docker

from .conftest import bearer
from .test_nginx import check_error, chunk


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


def test_without_a_backend_the_answer_is_readable(stack):
    stack.compose("stop", "backend")
    try:
        response = stack.get(f"{stack.api}/version/", headers={"Accept-Language": "en"})
        page = stack.get(f"{stack.page}/")
    finally:
        stack.compose("start", "backend")
        stack.wait()

    error = check_error(response, 503, "SRV_003", "server_error")
    assert error["message"] == "The service cannot answer right now. Nothing you wrote is lost. Try again shortly."
    assert response.headers["Retry-After"] == "5"
    assert page.status_code == 200


def test_without_a_front_end_the_page_is_readable(stack):
    stack.compose("stop", "frontend")
    try:
        page = stack.get(f"{stack.page}/")
        assert stack.get(f"{stack.api}/health/").status_code == 200
    finally:
        stack.compose("start", "frontend")
        stack.wait()

    assert page.status_code == 503
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Retry-After"] == "5"
    assert "ただいま応答できません" in page.content.decode()
    assert "The service cannot answer right now." in page.content.decode()


def test_without_a_database_the_answer_is_readable(stack):
    stack.compose("stop", "db")
    try:
        ready = stack.get(f"{stack.api}/health/ready/")
        health = stack.get(f"{stack.api}/health/")
        login = stack.request("POST", f"{stack.api}/auth/login/", json={"username": "sato", "password": "wrong"})
    finally:
        stack.compose("start", "db")

    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] != "ok"
    assert health.content == b'{"status": "healthy"}'
    assert login.status_code == 503
    assert login.json()["error"]["code"] == "SRV_002"

    end = time.monotonic() + 60
    while stack.get(f"{stack.api}/health/ready/").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.5)


def test_a_locked_table_does_not_take_the_api_down(stack):
    """More requests than the backend has threads wait for the lock; all are answered, and health in between."""
    statement = "begin; lock table accounts_user; select pg_sleep(40)"
    holder = subprocess.Popen(
        [*stack.front_end, "-f", "docker-compose.prod.yml", "exec", "-T", "db",
         "psql", "-U", "thinkring_user", "-c", statement, "thinkring_prod"],
        cwd=stack.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_the_lock(stack)
        assert {answer.status_code for answer in logins(stack, 10)} == {503}
    finally:
        psql(stack, "select pg_terminate_backend(pid) from pg_stat_activity where query like 'begin; lock%'")
        holder.wait(timeout=30)

    assert [answer.status_code for answer in logins(stack, 1)] == [401]


def test_a_frozen_database_is_given_up(stack):
    docker("pause", stack.container("db"))
    try:
        answers = logins(stack, 1)
    finally:
        docker("unpause", stack.container("db"))

    assert [answer.json()["error"]["code"] for answer in answers] == ["SRV_002"]
    assert [answer.status_code for answer in logins(stack, 1)] == [401]


def logins(stack, number):
    """Answers to so many at once; meanwhile health answers too."""
    body = {"username": "sato", "password": "correct horse battery"}
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        asked = [
            pool.submit(stack.request, "POST", f"{stack.api}/auth/login/", json=body, timeout=60) for _ in range(number)
        ]
        assert stack.get(f"{stack.api}/health/", timeout=30).status_code == 200
        return [answer.result() for answer in asked]


def psql(stack, statement):
    return stack.compose(
        "exec", "-T", "db", "psql", "-qAt", "-U", "thinkring_user", "-c", statement, "thinkring_prod"
    ).stdout.strip()


def wait_for_the_lock(stack):
    held = "select count(*) from pg_locks where relation = 'accounts_user'::regclass and mode = 'AccessExclusiveLock'"
    end = time.monotonic() + 20
    while psql(stack, held) == "0":
        assert time.monotonic() < end
        time.sleep(0.3)


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
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=my own",
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
