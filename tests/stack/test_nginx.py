"""
What comes back through nginx and TLS: redirects, files, both names, one request's id everywhere, and nginx's own errors
in the shape of the API. The headers of each kind of answer: test_headers.py.
"""

import concurrent.futures
import contextlib
import json
import re
import socket
import ssl
import subprocess
import time
from collections import Counter

import pytest

from production import docker

from .answers import differences
from .conftest import bearer, check_error

# What nginx answers is the same, whoever started it.
FRONT_ENDS = ["docker compose"]
IMPORT = "/api/v1/account/import/"
MIB = 1024 * 1024


def test_http2(stack):
    version = subprocess.run(
        ["curl", "-sS", "--cacert", stack.certificate, "--connect-to", f"::127.0.0.1:{stack.ports['https']}",
         "-o", "/dev/null", "-w", "%{http_version}", f"{stack.page}/"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip

    assert version == "2"


@pytest.mark.parametrize("host", ["thinkring.test", "api.thinkring.test"])
def test_plain_http_is_redirected_to_the_same_host(stack, host):
    response = stack.get(f"http://{host}/projects/?status=active")

    assert response.status_code == 301
    assert response.headers["Location"] == f"https://{host}/projects/?status=active"


def test_a_certificate_challenge_is_not_redirected(stack):
    challenge = stack.folder / "nginx" / "acme" / ".well-known" / "acme-challenge" / "token"
    challenge.parent.mkdir(parents=True, exist_ok=True)
    challenge.write_text("token.key")

    for host in ["thinkring.test", "api.thinkring.test"]:
        assert stack.get(f"http://{host}/.well-known/acme-challenge/token").text == "token.key"
        assert stack.get(f"http://{host}/.well-known/acme-challenge/other").status_code == 404


def test_health_byte_for_byte_on_both_hosts(stack):
    for host in ["thinkring.test", "api.thinkring.test"]:
        assert stack.get(f"https://{host}/api/v1/health/").content == b'{"status": "healthy"}'


def test_version(stack):
    changelog = (stack.folder / "CHANGELOG.md").read_text()
    latest = re.search(r"^## (\S+) –", changelog, re.M)[1]
    assert stack.get(f"{stack.api}/version/").json() == {"version": latest, "commit": "unknown"}


def test_the_icon_that_browsers_ask_for_by_themselves(stack):
    response = stack.get(f"{stack.page}/favicon.ico")

    assert response.status_code == 301
    assert stack.get(f"{stack.page}{response.headers['Location']}").headers["Content-Type"] == "image/svg+xml"


def test_the_page_knows_the_address_of_the_api(stack):
    response = stack.get(f"{stack.page}/")

    assert stack.api in response.text
    assert re.search(r"connect-src [^;]*https://api\.thinkring\.test", response.headers["Content-Security-Policy"])


@pytest.mark.parametrize("host", ["thinkring.test", "api.thinkring.test"])
@pytest.mark.parametrize("path", ["/media/missing.png", "/static/missing", "/media/", "/static/"])
def test_a_file_that_is_not_there(stack, host, path):
    response = stack.get(f"https://{host}{path}", headers={"Accept-Language": "en"})

    error = check_error(response, 404, "RES_006")
    assert error["message"] == "There is nothing at this address."
    japanese = check_error(stack.get(f"https://{host}{path}"), 404, "RES_006")
    assert japanese["message"] == "このアドレスには何もありません。"


def test_an_unknown_route_of_the_api(stack):
    response = stack.get(f"{stack.api}/nothing/here/", headers={"Accept-Language": "en"})

    assert response.status_code == 404
    error = response.json()["error"]
    assert error["code"] == "RES_006"
    assert error["request_id"] == response.headers["X-Request-ID"]


def test_one_id_in_header_body_and_both_logs(stack):
    response = stack.get(f"{stack.api}/nothing/here/?q=secret", headers={"X-Request-ID": "the-clients-own-id"})

    request_id = response.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert response.json()["error"]["request_id"] == request_id

    (by_nginx,) = entries(stack, "nginx", request_id)
    assert by_nginx["request"] == "GET /api/v1/nothing/here/"
    assert by_nginx["host"] == "api.thinkring.test"
    assert by_nginx["status"] == 404
    assert by_nginx["upstream_status"] == "404"
    by_django = entries(stack, "backend", request_id)
    assert "GET /api/v1/nothing/here/ 404" in [entry["message"] for entry in by_django]
    assert "secret" not in stack.logs("nginx")


def entries(stack, service, request_id):
    """What a service logged about one request; both write after the answer, so it may take a moment."""
    for _ in range(20):
        found = [json.loads(line) for line in stack.logs(service).splitlines() if request_id in line]
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{service} logged nothing about {request_id}")


@pytest.mark.parametrize(
    ("path", "size", "said"),
    [
        ("/account/import/", 50 * MIB, "50 MB"),
        ("/auth/login/", 10 * MIB, "10 MB"),
        ("/health/", 16 * 1024, "16 kB"),
    ],
)
def test_too_large(stack, account, path, size, said):
    """What is said is the limit of this address: so much is taken, and no byte more."""
    url, headers = f"{stack.api}{path}", {"Content-Type": "application/json"} | bearer(account["access"])

    taken = stack.request("POST", url, data=b" " * size, headers=headers)
    response, japanese = (
        stack.request("POST", url, data=b" " * (size + 1), headers=headers | {"Accept-Language": language})
        for language in ["en-GB,en;q=0.9,ja;q=0.8", "ja"]
    )

    assert taken.status_code in (400, 405, 422)
    error = check_error(response, 413, "REQ_003")
    assert error["message"] == f"The request is too large. At most {said} can be sent."
    error = check_error(japanese, 413, "REQ_003")
    assert error["message"] == f"送信された内容が大きすぎます。{said} までにしてください。"


def test_a_page_takes_no_large_body(stack):
    page = stack.request("POST", f"{stack.page}/", data=b" " * (16 * 1024 + 1))

    assert page.status_code == 413
    assert "At most 16 kB can be sent." in page.content.decode()


def test_the_version_of_a_compressed_answer_can_be_sent_back(stack, account):
    headers = bearer(account["access"])
    project = stack.request("POST", f"{stack.api}/projects/", json={"title": "a"}, headers=headers).json()
    (round_,) = stack.get(f"{stack.api}/projects/{project['id']}/rounds/", headers=headers).json()["results"]
    step = stack.get(f"{stack.api}/rounds/{round_['id']}/steps/", headers=headers).json()["results"][0]
    url, body = f"{stack.api}/steps/{step['id']}/", {"content": {"theme": "改善" * 1000}}
    stack.request("PATCH", url, json=body, headers=headers)

    read = stack.get(url, headers=headers)
    written = stack.request("PATCH", url, json=body, headers=headers | {"If-Match": read.headers["ETag"]})

    assert read.headers["Content-Encoding"] == "gzip"
    assert written.status_code == 200


def test_a_large_title_reaches_django(stack):
    response = stack.request("POST", f"{stack.api}/auth/login/", json={"username": "a" * 1_000_000, "password": "b"})

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "VAL_003"


def curl(stack, url, *arguments, stdin=None):
    """Status and type of an answer, over HTTP/2: that takes longer headers than HTTP/1.1 and knows less of bad ones."""
    return subprocess.run(
        ["curl", "-sS", "--path-as-is", "--cacert", stack.certificate, "-o", "/dev/null",
         "--connect-to", f"::127.0.0.1:{stack.ports['https']}", "-w", "%{http_code} %{content_type}", url, *arguments],
        check=True, capture_output=True, text=True, stdin=stdin,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("path", ["/api/v1/%00", "/api/%zz"])
def test_an_address_that_cannot_be_decoded(stack, path):
    for version in ["--http2", "--http1.1"]:
        assert curl(stack, f"{stack.page}{path}", version) == "400 application/json"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"X-Padding": "a" * 9000}),
        ("a" * 9000, {}),
        ("", {f"X-{number}": "a" for number in range(120)}),
        ("", {f"X-{number}": "a" * 5000 for number in range(4)}),
    ],
)
def test_what_nginx_lets_through_nobody_behind_it_refuses(stack, query, headers):
    arguments = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]

    assert curl(stack, f"{stack.api}/health/?{query}", *arguments) == "200 application/json"
    assert curl(stack, f"{stack.page}/?{query}", *arguments) == "200 text/html; charset=utf-8"


def test_a_malformed_request(stack):
    response = stack.get(f"{stack.api}/projects/", headers={"Host": "not a name"})

    error = check_error(response, 400, "VAL_002")
    assert error["message"] == "リクエストの形式が正しくありません。"


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("", "ja"), ("ja", "ja"), ("en", "en"), ("ja,en;q=0.5", "ja"), ("fr-FR, en;q=0.7, ja;q=0.3", "en"), ("de", "ja")],
)
def test_nginx_speaks_the_language_that_is_asked_for(stack, wanted, language):
    response = stack.request("TRACE", f"{stack.api}/projects/", headers={"Accept-Language": wanted})

    assert response.json()["error"]["message"].isascii() == (language == "en")


def test_nginx_says_what_a_page_may_ask_as_django_does(stack):
    asking = {"Origin": stack.page, "Access-Control-Request-Method": "POST"}
    code = (
        "import json, urllib.request as web; "
        f"asking = web.Request('http://127.0.0.1:8000/api/v1/projects/', method='OPTIONS', headers={asking!r}); "
        "asking.add_header('Host', 'thinkring.test'); asking.add_header('X-Forwarded-Proto', 'https'); "
        "print(json.dumps({name.title(): value for name, value in web.urlopen(asking).headers.items()}))"
    )
    by_django = json.loads(stack.compose("exec", "-T", "backend", "python", "-c", code).stdout)
    by_nginx = stack.request("OPTIONS", f"{stack.api}/projects/", headers=asking).headers

    for what in ["Allow-Origin", "Allow-Credentials", "Allow-Headers", "Allow-Methods", "Max-Age"]:
        assert by_nginx[f"Access-Control-{what}"] == by_django[f"Access-Control-{what}"]


@pytest.mark.parametrize("origin", ["https://thinkring.test.evil.test", "http://thinkring.test", "https://evil.test"])
def test_no_other_page_may_read_nginxs_own_errors(stack, origin):
    response = stack.request("TRACE", f"{stack.api}/projects/", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in response.headers


@contextlib.contextmanager
def connected(stack, buffer=None):
    """A connection, and the bytes that the kernel may keep for who does not read."""
    context = ssl.create_default_context(cafile=stack.certificate)
    with socket.socket() as connection:
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", stack.ports["https"]))
        with context.wrap_socket(connection, server_hostname="thinkring.test") as encrypted:
            yield encrypted


@contextlib.contextmanager
def half_sent(stack, path, size=9):
    """A request of which a byte is missing where it is large, and all of the body where it is not."""
    head = f"POST {path} HTTP/1.1\r\nHost: thinkring.test\r\nAuthorization: Bearer a\r\nContent-Length: {size}\r\n\r\n"
    with connected(stack) as connection:
        # One that is refused is hung up on while it is being sent.
        with contextlib.suppress(OSError):
            connection.sendall(head.encode() + (b" " * (size - 1) if size > 9 else b""))
        # The other of nginx's workers would give its only place to who asks at this moment, and it would be refused.
        time.sleep(0.3 if path == IMPORT else 0)
        yield connection


# Run in a container, whose address is not the one from which the tests ask.
HALF_SENT = """
import socket, ssl, time

context = ssl._create_unverified_context()
connection = context.wrap_socket(socket.create_connection(("nginx", 443)), server_hostname="thinkring.test")
connection.sendall(
    b"POST %s HTTP/1.1\\r\\nHost: thinkring.test\\r\\nAuthorization: Bearer a\\r\\nContent-Length: 9\\r\\n\\r\\n"
)
print("sent", flush=True)
time.sleep(99)
"""
ASKED = """
import http.client, ssl

connection = http.client.HTTPSConnection("nginx", context=ssl._create_unverified_context(), timeout=30)
headers = {"Host": "thinkring.test", "Content-Type": "application/json", "Authorization": "Bearer a"}
connection.request("POST", "%s", b'{"username": "' + b"a" * %d + b'", "password": "b"}', headers)
print(connection.getresponse().status)
"""


def asked_elsewhere(stack, path, length):
    """The status of an answer to somebody at another address, who sends so much."""
    return int(stack.compose("exec", "-T", "backend", "python", "-c", ASKED % (path, length)).stdout)


@contextlib.contextmanager
def half_sent_elsewhere(stack, path):
    network = f"{stack.project}_default"
    container = docker(
        "run", "--detach", "--network", network, "python:3.10-slim", "python", "-c", HALF_SENT % path
    ).strip()  # fmt: skip
    try:
        while "sent" not in docker("logs", container):
            time.sleep(0.1)
        yield
    finally:
        docker("rm", "--force", container)


@contextlib.contextmanager
def not_reading(stack, path, times):
    """Somebody who asks so many times for a file at once, and takes nothing of it."""
    with connected(stack, buffer=65_536) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: thinkring.test\r\n\r\n".encode() * times)
        yield connection


def test_many_that_send_slowly_and_one_that_reads_nothing(stack):
    """Hundreds of clients that never finish what they ask keep no reader waiting, and are hung up on."""
    (script,) = re.findall(r'src="(/static/[^"]*swagger-ui-bundle[^"]*)"', stack.get(f"{stack.page}/api/v1/docs/").text)
    size = len(stack.get(f"{stack.page}{script}").content)
    with contextlib.ExitStack() as others:
        reader = others.enter_context(not_reading(stack, script, 60))
        bodies = [others.enter_context(half_sent(stack, "/api/v1/auth/login/")) for _ in range(150)]
        # Last, since nginx counts their seconds from here on.
        heads = [others.enter_context(connected(stack)) for _ in range(150)]
        started = time.monotonic()
        for connection in heads:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: thinkring.test\r\nX-Slow: ")

        assert {stack.get(f"{stack.api}/version/", timeout=5).status_code for _ in range(20)} == {200}
        for connections, earliest, latest in [(heads, 14, 22), (bodies, 14, 38)]:
            for connection in connections:
                connection.settimeout(40)
                # Nothing but the end, or the answer that it took too long.
                with contextlib.suppress(ConnectionError):
                    while answer := connection.recv(4096):
                        # Or the refusal of what is too much of one address.
                        assert b"HTTP/1.1 " not in answer or answer.split()[1] in (b"408", b"503")
            assert earliest < time.monotonic() - started < latest
        # What is on its way comes still, as much as Docker's proxy and the kernel keep: some dozen megabytes.
        time.sleep(max(0, 33 - (time.monotonic() - started)))
        reader.settimeout(5)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            received = 0
            while part := reader.recv(1 << 20):
                received += len(part)
    assert 0 < received < 50 * size


def status_in_the_end(ask, status):
    """The answer once it has this status: nginx may not have seen yet what else was sent, or was given up."""
    for _ in range(50):
        response = ask()
        if response.status_code == status:
            break
        time.sleep(0.1)
    return response


def test_bodies_that_one_address_half_sends_leave_room_for_others(stack):
    """All that one address may send at a time, and a byte of each is missing: 250 MB in nginx's tmpfs of 256."""

    def log_in(**arguments):
        return stack.request("POST", f"{stack.api}/auth/login/", json={}, **arguments)

    with contextlib.ExitStack() as others:
        others.enter_context(half_sent(stack, IMPORT, 50 * MIB))
        for _ in range(22):
            others.enter_context(half_sent(stack, "/api/v1/auth/login/", 10 * MIB))
        refused = status_in_the_end(log_in, 503)
        # A body counts however it is sent, and whatever the method; who only reads does not.
        with_body = stack.request("GET", f"{stack.api}/version/", data=b"a")
        reading = {stack.get(url).status_code for url in [f"{stack.api}/version/", f"{stack.page}/"]}
        elsewhere = [asked_elsewhere(stack, "/api/v1/auth/login/", length) for length in (10, 1_000_000, 4_000_000)]

    check_error(refused, 503, "SRV_003")
    assert differences(refused, "unavailable, as JSON") == {}
    assert with_body.status_code == 503
    assert reading == {200}
    assert elsewhere == [401, 422, 422]
    assert status_in_the_end(log_in, 422).status_code == 422


def test_a_body_that_was_not_announced_is_small_where_one_reads(stack, tmp_path):
    """Over HTTP/2 nginx learns of it too late to count it."""
    body = tmp_path / "body"
    url = f"{stack.api}/version/"
    for size, answer in [(1000, "200 application/json"), (17_000, "413 application/json")]:
        body.write_bytes(b" " * size)
        with body.open("rb") as file:
            assert curl(stack, url, "--http2", "-X", "GET", "-T", "-", stdin=file) == answer


def test_where_nothing_more_can_be_kept(stack):
    """A usual save is never in a file; a large one is told to come again."""

    def log_in(length):
        body = {"username": "a" * length, "password": "b"}
        return stack.request("POST", f"{stack.api}/auth/login/", json=body)

    fill = "dd if=/dev/zero of=/var/cache/nginx/full bs=64k 2>/dev/null || true"
    stack.compose("exec", "-T", "nginx", "sh", "-c", fill)
    try:
        usual, large = log_in(100_000), log_in(1_000_000)
    finally:
        stack.compose("exec", "-T", "nginx", "rm", "/var/cache/nginx/full")

    assert usual.status_code == 422
    check_error(large, 503, "SRV_003")
    assert differences(large, "unavailable, as JSON") == {}
    assert log_in(1_000_000).status_code == 422


def test_an_import_of_one_address_and_three_of_all(stack):
    def ask():
        return stack.request("POST", f"{stack.page}{IMPORT}", data=b"{}", headers=bearer("a"))

    # What an earlier test had half sent nginx may not have let go of yet.
    assert status_in_the_end(ask, 401).status_code == 401
    with contextlib.ExitStack() as others:
        with half_sent(stack, IMPORT):
            response = status_in_the_end(ask, 503)
            check_error(response, 503, "SRV_003")
            assert response.headers["Retry-After"] == "5"
            assert asked_elsewhere(stack, IMPORT, 10) == 401
            assert stack.request("POST", f"{stack.api}/auth/login/", json={}).status_code == 422
        assert status_in_the_end(ask, 401).status_code == 401
        for _ in range(3):
            others.enter_context(half_sent_elsewhere(stack, IMPORT))
        assert status_in_the_end(ask, 503).status_code == 503

    assert status_in_the_end(ask, 401).status_code == 401


@pytest.mark.parametrize(("language", "said"), [("ja", "ログインしていません。"), ("en", "You are not logged in.")])
def test_an_import_of_nobody_takes_no_place(stack, language, said):
    anonymous = f"POST {IMPORT} HTTP/1.1\r\nHost: thinkring.test\r\nContent-Length: 9\r\n\r\n".encode()
    with connected(stack) as connection:
        connection.sendall(anonymous)
        assert b" 401 " in connection.recv(4096).partition(b"\r\n")[0]
        response = stack.request("POST", f"{stack.page}{IMPORT}", data=b"{}", headers=bearer("a"))
        assert response.json()["error"]["code"] == "AUTH_002"

    response = stack.request("POST", f"{stack.page}{IMPORT}", data=b"{}", headers={"Accept-Language": language})
    assert check_error(response, 401, "AUTH_001")["message"].startswith(said)
    # As Django says it where nothing can be sent.
    by_django = stack.request("GET", f"{stack.page}{IMPORT}", headers={"Accept-Language": language})
    assert by_django.json()["error"]["message"] == response.json()["error"]["message"]
    assert by_django.headers["WWW-Authenticate"] == response.headers["WWW-Authenticate"]


def test_the_page_may_ask_before_it_imports(stack):
    asking = {"Origin": stack.page, "Access-Control-Request-Method": "POST"}

    assert stack.request("OPTIONS", f"{stack.api}/account/import/", headers=asking).status_code == 204


def test_nothing_of_a_request_that_is_served_or_refused_is_in_the_error_log(stack):
    """Its lines have the whole request, with the query and where it came from."""
    url, headers = f"{stack.api}/auth/login/?q=searched-for", {"Referer": f"{stack.page}/search?q=looked-for"}

    large = stack.request("POST", url, json={"username": "a" * 1_000_000, "password": "b"}, headers=headers)
    with half_sent(stack, IMPORT):
        imported = f"{stack.page}{IMPORT}?q=searched-for"
        refused = status_in_the_end(
            lambda: stack.request("POST", imported, data=b"{}", headers=headers | bearer("a")), 503
        )

    assert (large.status_code, refused.status_code) == (422, 503)
    entries(stack, "nginx", refused.headers["X-Request-ID"])
    assert not re.search("searched-for|looked-for", stack.logs("nginx"))


def test_a_flood_is_refused_but_never_health(stack):
    def flood(path, requests):
        """So many requests as fast as they go, a hundred at once over one connection, which nginx ends after 1,000.

        How many were answered how.
        """
        result = subprocess.run(
            ["curl", "-sS", "--http2", "--parallel", "--parallel-max", "100", "--cacert", stack.certificate,
             "--connect-to", f"::127.0.0.1:{stack.ports['https']}", "-o", "/dev/null",
             "-w", "%{http_code} %header{retry-after} %{content_type}\n", f"{stack.page}{path}?flood-[1-{requests}]"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return Counter(result.stdout.splitlines())

    def asked_meanwhile():
        """What the API says when it refuses, asked in a flood of the page's addresses."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            flooded = pool.submit(flood, "/icons/180.png", 900)
            while not flooded.done():
                response = stack.get(f"{stack.api}/nothing/")
                if response.status_code == 429:
                    return response
        return None

    served, missing = "200  image/png", "404  text/html; charset=utf-8"
    # What was asked before is forgotten: a full burst of 200 at 100 a second.
    time.sleep(2.5)
    assert flood("/icons/180.png", 200) == {served: 200}
    assert flood("/_app/immutable/none.js", 900) == {missing: 900}
    assert flood("/api/v1/health/", 900) == {"200  application/json": 900}
    time.sleep(2.5)
    began = time.monotonic()
    answers = flood("/icons/180.png", 900)
    assert set(answers) == {served, "429 1 text/html; charset=utf-8"}
    assert 200 <= answers[served] <= 210 + 100 * (time.monotonic() - began)
    # A busy machine may not get round to asking in time.
    refused = next((response for _ in range(10) if (response := asked_meanwhile()) is not None), None)
    # Whatever is asked next comes from the same address.
    time.sleep(2.5)

    assert refused is not None, "the API was never refused"
    error = check_error(refused, 429, "SRV_004")
    assert refused.headers["Retry-After"] == "1"
    assert "入力した内容は失われていません" in error["message"]
    assert "flood-" not in stack.logs("nginx")
