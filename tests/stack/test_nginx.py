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

import pytest

from .answers import differences
from .conftest import bearer, check_error

# What nginx answers is the same, whoever started it.
FRONT_ENDS = ["docker compose"]


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


def test_too_large(stack):
    response = stack.request(
        "POST",
        f"{stack.api}/auth/login/",
        data=b" " * (50 * 1024 * 1024 + 1),
        headers={"Content-Type": "application/json", "Accept-Language": "en-GB,en;q=0.9,ja;q=0.8"},
    )

    error = check_error(response, 413, "REQ_003")
    assert error["message"] == "The request is too large. At most 50 MB can be sent."


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


def curl(stack, url, *arguments):
    """Status and type of an answer, over HTTP/2: that takes longer headers than HTTP/1.1 and knows less of bad ones."""
    return subprocess.run(
        ["curl", "-sS", "--path-as-is", "--cacert", stack.certificate, "-o", "/dev/null",
         "--connect-to", f"::127.0.0.1:{stack.ports['https']}", "-w", "%{http_code} %{content_type}", url, *arguments],
        check=True, capture_output=True, text=True,
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


@pytest.mark.parametrize("origin", ["https://thinkring.test.evil.test", "http://thinkring.test", "https://evil.test"])
def test_no_other_page_may_read_nginxs_own_errors(stack, origin):
    response = stack.request("TRACE", f"{stack.api}/projects/", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in response.headers


@contextlib.contextmanager
def connected(stack):
    context = ssl.create_default_context(cafile=stack.certificate)
    with (
        socket.create_connection(("127.0.0.1", stack.ports["https"])) as connection,
        context.wrap_socket(connection, server_hostname="thinkring.test") as encrypted,
    ):
        yield encrypted


@contextlib.contextmanager
def half_sent(stack, path):
    """A request of which the body does not come."""
    with connected(stack) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: thinkring.test\r\nContent-Length: 9\r\n\r\n".encode())
        yield connection


def test_many_that_send_slowly(stack):
    """Hundreds of clients that never finish what they ask keep nobody else waiting, and are hung up on."""
    with contextlib.ExitStack() as others:
        slow = [others.enter_context(connected(stack)) for _ in range(150)]
        slow += [others.enter_context(half_sent(stack, "/api/v1/auth/login/")) for _ in range(150)]
        for connection in slow[:150]:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: thinkring.test\r\nX-Slow: ")
        started = time.monotonic()

        assert {stack.get(f"{stack.api}/version/", timeout=5).status_code for _ in range(20)} == {200}
        for connection in slow:
            connection.settimeout(40)
            # Nothing but the end, or the answer that it took too long.
            with contextlib.suppress(ConnectionError):
                while answer := connection.recv(4096):
                    assert b"408" in answer.partition(b"\r\n")[0] or b"\r\n" not in answer
        assert 14 < time.monotonic() - started < 45


def status_in_the_end(ask, status):
    """The answer once it has this status: nginx may not have seen yet what else was sent, or was given up."""
    for _ in range(50):
        response = ask()
        if response.status_code == status:
            break
        time.sleep(0.1)
    return response


def test_three_imports_at_a_time(stack):
    def ask():
        return stack.request("POST", f"{stack.api}/account/import/", data=b"{}")

    with contextlib.ExitStack() as others:
        for _ in range(3):
            others.enter_context(half_sent(stack, "/api/v1/account/import/"))
        response = status_in_the_end(ask, 503)
        check_error(response, 503, "SRV_003")
        assert response.headers["Retry-After"] == "5"
        assert stack.request("POST", f"{stack.api}/auth/login/", json={}).status_code == 422

    response = status_in_the_end(ask, 401)
    assert response.status_code == 401
    assert differences(response, "an import without a token") == {}


def test_a_flood_is_refused_but_never_health(stack):
    def flood(path, requests):
        """So many requests as fast as they go, a hundred at once over one connection, which nginx ends after 1,000."""
        result = subprocess.run(
            ["curl", "-sS", "--http2", "--parallel", "--parallel-max", "100", "--cacert", stack.certificate,
             "--connect-to", f"::127.0.0.1:{stack.ports['https']}", "-o", "/dev/null",
             "-w", "%{http_code} %header{retry-after} %{content_type}\n", f"{stack.page}{path}?flood-[1-{requests}]"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return set(result.stdout.splitlines())

    def asked_meanwhile():
        """What the API says when it refuses, asked in a flood of the page's files."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            flooded = pool.submit(flood, "/_app/immutable/none.js", 900)
            while not flooded.done():
                response = stack.get(f"{stack.api}/nothing/")
                if response.status_code == 429:
                    return response
        return None

    served = "404  text/html; charset=utf-8"
    # What was asked before is forgotten: a full burst of 200 at 100 a second.
    time.sleep(2.5)
    assert flood("/_app/immutable/none.js", 200) == {served}
    assert flood("/api/v1/health/", 900) == {"200  application/json"}
    assert flood("/_app/immutable/none.js", 900) == {served, "429 1 text/html; charset=utf-8"}
    # A busy machine may not get round to asking in time.
    refused = next((response for _ in range(10) if (response := asked_meanwhile()) is not None), None)
    # Whatever is asked next comes from the same address.
    time.sleep(2.5)

    assert refused is not None, "the API was never refused"
    error = check_error(refused, 429, "SRV_004")
    assert refused.headers["Retry-After"] == "1"
    assert "入力した内容は失われていません" in error["message"]
    assert "flood-" not in stack.logs("nginx")
